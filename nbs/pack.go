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
	base    []byte
	from    []byte   // of member k: the one that it is made from
	deltas  [][]byte // likewise; none for member 0
}

const (
	maxPackMembers    = 64      // that are written; the format allows 255
	maxPackDeltaBytes = 8 << 10 // at which no more is added: it is read with each member
	packStride        = 8       // see packBase
)

var errPack = errors.New("pack is not what was written")

// decodePack decodes the payload of a pack. The result aliases rec.
func decodePack(rec record) (pack, error) {
	p := pack{address: rec.address, codec: rec.codec}
	if rec.kind != kindPack || len(rec.payload) == 0 || rec.payload[0] == 0 {
		return p, errPack
	}
	count := int(rec.payload[0])
	n, rest, ok := cutUvarint(rec.payload[1:])
	if !ok {
		return p, errPack
	}
	sizes := make([]uint64, count)
	p.from, p.deltas, sizes[0] = make([]byte, count), make([][]byte, count), n
	for k := 1; k < count; k++ {
		if len(rest) == 0 || int(rest[0]) >= k {
			return p, errPack
		}
		p.from[k] = rest[0]
		if sizes[k], rest, ok = cutUvarint(rest[1:]); !ok {
			return p, errPack
		}
	}
	for k, n := range sizes {
		if n > uint64(len(rest)) {
			return p, errPack
		}
		p.deltas[k], rest = rest[:n], rest[n:]
	}
	if len(rest) > 0 {
		return p, errPack
	}
	p.base, p.deltas[0] = p.deltas[0], nil
	return p, nil
}

// packScratch is room for the members between the base and the one that is asked for.
var packScratch = sync.Pool{New: func() any { return new([2][]byte) }}

// member returns member k, which does not alias the pack. It is not compared with
// its address.
func (p pack) member(k int) ([]byte, error) {
	if k >= len(p.deltas) {
		return nil, fmt.Errorf("pack has %d members, the index says there is a number %d", len(p.deltas), k)
	}
	data, err := unpack(p.codec, p.address, p.base)
	if err == nil && k == 0 && p.codec == codecRaw {
		data = slices.Clone(data)
	}
	if err != nil || k == 0 {
		return data, err
	}
	var path [256]byte
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
			return applyDelta(nil, data, p.deltas[k])
		}
		if *room, err = applyDelta((*room)[:0], data, p.deltas[at]); err != nil {
			return nil, err
		}
		data = *room
	}
	return data, nil
}

// members returns all members, each compared with its address.
func (p pack) members(addresses []hash.Hash) ([][]byte, error) {
	all := make([][]byte, len(p.deltas))
	if len(addresses) != len(all) {
		return nil, fmt.Errorf("pack has %d members, the index knows %d", len(all), len(addresses))
	}
	for k, h := range addresses {
		var err error
		if k == 0 {
			all[0], err = p.member(0)
		} else {
			all[k], err = applyDelta(nil, all[p.from[k]], p.deltas[k])
		}
		if err == nil {
			err = checkHash(h, all[k])
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readMember returns a member of a pack, compared with its address.
func readMember(rec record, k int, h hash.Hash) ([]byte, error) {
	p, err := decodePack(rec)
	if err != nil {
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
		return w.add(b.addresses[0], c, payload)
	}
	c, base := b.compressor.compress(b.members[0])
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

func (b *packBuilder) reset() {
	clear(b.members)
	b.addresses, b.members, b.deltas, b.bytes = b.addresses[:0], b.members[:0], b.deltas[:0], 0
}
