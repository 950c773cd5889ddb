package nbs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/vdbgo/vdb/hash"
)

// pack is the payload of a record of kind kindPack: successive versions of a
// chunk, the newest first. Member 0 is stored whole, each other as a delta (see
// delta.go) from a member before it.
//
//	+-------+------------+----------------------------------+--------+---------+-- --+
//	| count | base bytes | members 1…: from, delta bytes    | base   | delta 1 | ... |
//	+-------+------------+----------------------------------+--------+---------+-- --+
//	  1       uvarint      1     uvarint
//
// The record's address and codec are those of member 0. The index has an entry
// for each member, which tells where the record is, and which member. The members'
// addresses are nowhere else: they follow from their bytes.
type pack struct {
	address hash.Hash // of member 0
	codec   codec
	stored  []byte // the base, then the deltas
	count   int
	from    [maxPackCount]byte  // of member k: the one that it is made from
	end     [maxPackCount]int32 // of member k: where its delta ends in stored; that of 0, the base
}

const (
	maxPackCount      = 255     // members, in the format
	maxPackMembers    = 64      // that are written
	maxPackDeltaBytes = 8 << 10 // at which no more is added: it is read with each member
	packStride        = 8       // see packBase
)

var errPack = errors.New("pack is not what was written")

// decode decodes the payload of a pack, which p aliases then.
func (p *pack) decode(rec record) error {
	if rec.kind != kindPack || len(rec.payload) == 0 || rec.payload[0] == 0 {
		return errPack
	}
	p.address, p.codec, p.count = rec.address, rec.codec, int(rec.payload[0])
	rest, total := rec.payload[1:], uint64(0)
	for k := range p.count {
		if k > 0 {
			if len(rest) == 0 || int(rest[0]) >= k {
				return errPack
			}
			p.from[k], rest = rest[0], rest[1:]
		}
		n, behind, ok := cutUvarint(rest)
		if total += n; !ok || n > uint64(len(behind)) || total > uint64(len(behind)) {
			return errPack
		}
		p.end[k], rest = int32(total), behind
	}
	if uint64(len(rest)) != total {
		return errPack
	}
	p.stored = rest
	return nil
}

// base returns member 0 as it is stored.
func (p *pack) base() []byte { return p.stored[:p.end[0]] }

// delta returns what member k is made with, k > 0.
func (p *pack) delta(k int) []byte { return p.stored[p.end[k-1]:p.end[k]] }

// packScratch is room for the members between the base and the one that is asked for.
var packScratch = sync.Pool{New: func() any { return new([2][]byte) }}

// member returns member k, which does not alias the pack. It is not compared with
// its address.
func (p *pack) member(k int) ([]byte, error) {
	if k >= p.count {
		return nil, fmt.Errorf("pack has %d members, the index says there is a number %d", p.count, k)
	}
	data, err := unpack(p.codec, p.address, p.base())
	if err == nil && k == 0 && p.codec == codecRaw {
		data = slices.Clone(data)
	}
	if err != nil || k == 0 {
		return data, err
	}
	var path [maxPackCount]byte
	steps := len(path)
	for at := k; at > 0; at = int(p.from[at]) {
		steps--
		path[steps] = byte(at)
	}
	scratch := packScratch.Get().(*[2][]byte)
	defer packScratch.Put(scratch)
	for i, at := range path[steps:] {
		room := &scratch[i%2]
		if int(at) == k {
			return applyDelta(nil, data, p.delta(k))
		}
		if *room, err = applyDelta((*room)[:0], data, p.delta(int(at))); err != nil {
			return nil, err
		}
		data = *room
	}
	return data, nil
}

// members returns all members, each compared with its address.
func (p *pack) members(entries []entry) ([][]byte, error) {
	all := make([][]byte, p.count)
	if len(entries) != len(all) {
		return nil, fmt.Errorf("pack has %d members, the index knows %d", len(all), len(entries))
	}
	for k, e := range entries {
		var err error
		if k == 0 {
			all[0], err = p.member(0)
		} else {
			all[k], err = applyDelta(nil, all[p.from[k]], p.delta(k))
		}
		if err == nil {
			err = checkHash(e.address, all[k])
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readMember returns a member of a pack, compared with its address.
func readMember(rec record, k int, h hash.Hash) ([]byte, error) {
	var p pack
	if err := p.decode(rec); err != nil {
		return nil, err
	}
	data, err := p.member(k)
	if err == nil {
		err = checkHash(h, data)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

func addressesOf(entries []entry) []hash.Hash {
	addresses := make([]hash.Hash, len(entries))
	for i, e := range entries {
		addresses[i] = e.address
	}
	return addresses
}

// packBase returns which member member k is made from. Mostly it is the one before,
// from which it differs least; every eighth is made from the eighth before, so that
// no member takes more than 14 steps, and most take about 7.
func packBase(k int) int {
	if k%packStride == 0 {
		return k - packStride
	}
	return k - 1
}

// packBuilder gathers the members of a pack.
type packBuilder struct {
	compressor tableCompressor
	encoder    deltaEncoder
	leads      LeadsToFunc // nil: not known
	refs       []hash.Hash // room for what leads returns
	addresses  []hash.Hash
	members    [][]byte
	deltas     [][]byte
	bytes      int // of deltas
	payload    []byte
}

// add adds the version before the last one; false if it does not fit, or is too
// unlike the others.
func (b *packBuilder) add(h hash.Hash, data []byte) bool {
	k := len(b.members)
	if k == 0 {
		b.addresses, b.members, b.deltas = append(b.addresses, h), append(b.members, data), append(b.deltas, nil)
		return true
	}
	if k == maxPackMembers || b.bytes >= maxPackDeltaBytes || max(len(data), len(b.members[0])) > maxDeltaBytes {
		return false
	}
	delta := b.encoder.encode(nil, b.members[packBase(k)], data)
	if len(delta) > len(data)/8 && len(delta) > b.compressor.size(data)*3/4 {
		return false
	}
	b.addresses, b.members, b.deltas = append(b.addresses, h), append(b.members, data), append(b.deltas, delta)
	b.bytes += len(delta)
	return true
}

// flush writes the pack, a lone member as a chunk of its own.
func (b *packBuilder) flush(w *tableWriter) error {
	defer b.reset()
	switch len(b.members) {
	case 0:
		return nil
	case 1:
		c, payload := b.compressor.compress(b.members[0])
		return w.add(b.addresses[0], b.marked(c, b.addresses[0], b.members[0]), payload)
	}
	c, base := b.compressor.compress(b.members[0])
	c = b.marked(c, b.addresses[0], b.members[0])
	p := append(b.payload[:0], byte(len(b.members)))
	p = binary.AppendUvarint(p, uint64(len(base)))
	for k, delta := range b.deltas[1:] {
		p = append(p, byte(packBase(k+1)))
		p = binary.AppendUvarint(p, uint64(len(delta)))
	}
	p = append(append(p, base...), bytes.Join(b.deltas, nil)...)
	b.payload = p
	return w.addPack(b.addresses, c, p)
}

// marked returns the codec of a chunk, which tells of those that lead to no other one.
func (b *packBuilder) marked(c codec, h hash.Hash, data []byte) codec {
	if c != codecZstd || b.leads == nil {
		return c
	}
	var err error
	if b.refs, err = b.leads(b.refs[:0], h, data); err != nil || len(b.refs) > 0 {
		return c
	}
	return codecLeaf
}

func (b *packBuilder) reset() {
	clear(b.members)
	b.addresses, b.members, b.deltas, b.bytes = b.addresses[:0], b.members[:0], b.deltas[:0], 0
}
