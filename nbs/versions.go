package nbs

import (
	"context"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/hash"
)

// VersionsFunc tells what a chunk is a version of, from its bytes and the chunks
// that it leads to: contents are those of them that it consists of, and before is
// the version that it has followed, zero if it is not known to have followed one. Of a
// database a commit knows that; the nodes that commits consist of are found to
// be versions of each other by where they stand.
type VersionsFunc = func(data []byte, leads []hash.Hash) (contents []hash.Hash, before hash.Hash)

// versions finds which of the live chunks of a collection are versions of each
// other, and copies those that are into packs.
//
// A chunk that tells of a version before it is compared with that: what both
// consist of in the same places are versions, too, and are compared likewise.
// Addresses that both have cut the lists of contents into stretches, in which pairs
// are made in order. So versions make chains, from new to old. A chunk that two
// others have followed stands behind both, in one chain.
//
// Chunks are known by their ordinals here, which count the entries of all files;
// 0 is none.
type versions struct {
	*collection
	of     VersionsFunc
	first  []uint32 // of each file: how many entries the files before it have
	older  []uint32 // ordinal → the version before
	newer  []uint32 // ordinal → the version that has followed
	done   []bool   // ordinal → it is copied
	told   []told
	recent recentChunks
	to     *copier
	group  []entry // of copyWhole
}

// told is a chunk that tells of the version before it.
type told struct {
	newer  uint32
	before hash.Hash
}

const (
	// headMembers is how many versions a pack has whose first one is in a newest
	// tree: a scan of that reads the pack, too.
	headMembers = 8
	// wholeMembers is from how many members on a pack is copied as it is, rather
	// than joined with what is before and behind it.
	wholeMembers = maxPackMembers / 2
)

// newVersions returns nil if the store is not told of versions.
func newVersions(c *collection) *versions {
	if c.store.versions == nil {
		return nil
	}
	v := &versions{collection: c, of: c.store.versions}
	n := uint32(1)
	for _, f := range c.files {
		v.first = append(v.first, n)
		n += uint32(f.entries.count())
	}
	v.older, v.newer, v.done = make([]uint32, n), make([]uint32, n), make([]bool, n)
	return v
}

func (v *versions) ordinal(p planned) uint32 { return v.first[p.file] + uint32(p.at) }

// at returns the file and entry of an ordinal.
func (v *versions) at(i uint32) (*chunkFile, entry) {
	file := len(v.first) - 1
	for v.first[file] > i {
		file--
	}
	f := v.files[file]
	return f.file, f.entries.at(int(i - v.first[file]))
}

// find returns the ordinal of a live chunk, 0 if it is none.
func (v *versions) find(h hash.Hash) uint32 {
	for n, f := range v.files {
		if at, ok := f.entries.position(h); ok && f.live[at/64]&(1<<(at%64)) != 0 {
			return v.first[n] + uint32(at)
		}
	}
	return 0
}

// note remembers a live chunk that tells of a version before it.
func (v *versions) note(p planned, data []byte, leads []hash.Hash) {
	if v == nil {
		return
	}
	if _, before := v.of(data, leads); !before.IsZero() {
		v.told = append(v.told, told{v.ordinal(p), before})
	}
}

// pair makes the chains.
func (v *versions) pair(ctx context.Context) error {
	for _, t := range v.told {
		older := v.find(t.before)
		if older == 0 {
			continue
		}
		v.link(t.newer, older)
		if err := v.pairContents(ctx, t.newer, older); err != nil {
			return err
		}
	}
	v.told = nil
	return nil
}

// link puts two versions into one chain, and tells whether it has.
func (v *versions) link(newer, older uint32) bool {
	next := v.newer[older] // another one that has followed
	if newer == older || v.older[newer] != 0 || next != 0 && v.newer[newer] != 0 {
		return false
	}
	if next != 0 {
		v.newer[newer], v.older[next] = next, newer
	}
	v.older[newer], v.newer[older] = older, newer
	return true
}

// pairContents links what two versions consist of.
func (v *versions) pairContents(ctx context.Context, newer, older uint32) error {
	if err := v.pause(ctx); err != nil {
		return err
	}
	a, err := v.contents(newer)
	if err != nil {
		return err
	}
	b, err := v.contents(older)
	if err != nil {
		return err
	}
	for h, before := range pairs(a, b) {
		n, o := v.find(h), v.find(before)
		if n == 0 || o == 0 || !v.link(n, o) {
			continue
		}
		if err := v.pairContents(ctx, n, o); err != nil {
			return err
		}
	}
	return nil
}

func (v *versions) contents(i uint32) ([]hash.Hash, error) {
	data, err := v.data(i)
	if err != nil {
		return nil, err
	}
	_, e := v.at(i)
	leads, err := v.leads(nil, e.address, data)
	if err != nil {
		return nil, fmt.Errorf("chunk %s: %w", e.address, err)
	}
	contents, _ := v.of(data, leads)
	return contents, nil
}

// pairs yields what stands in the same place of two lists and differs.
func pairs(a, b []hash.Hash) iter.Seq2[hash.Hash, hash.Hash] {
	return func(yield func(hash.Hash, hash.Hash) bool) {
		for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
			a, b = a[1:], b[1:]
		}
		for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
			a, b = a[:len(a)-1], b[:len(b)-1]
		}
		inA, inB := setOf(a), setOf(b)
		for len(a) > 0 && len(b) > 0 {
			common, also := inB[a[0]], inA[b[0]]
			if !common && !also && !yield(a[0], b[0]) {
				return
			}
			if common == also || also {
				a = a[1:]
			}
			if common == also || common {
				b = b[1:]
			}
		}
	}
}

func setOf(all []hash.Hash) map[hash.Hash]bool {
	if len(all) < 2 { // what one list has is not in the other
		return nil
	}
	set := make(map[hash.Hash]bool, len(all))
	for _, h := range all {
		set[h] = true
	}
	return set
}

// copy copies all live chunks that are planned. First come those from which chains
// begin, in the order in which they are planned, each with a few older versions,
// then the rest of the chains.
func (v *versions) copy(ctx context.Context, w *tableWriter) error {
	v.to = newCopier(w, v.leads)
	all := v.live[v.copied:]
	var rest []uint32
	for _, p := range all {
		i := v.ordinal(p)
		if v.newer[i] != 0 {
			continue
		}
		next, err := v.copyChain(ctx, i, headMembers)
		if err != nil {
			return err
		}
		if next != 0 {
			rest = append(rest, next)
		}
	}
	for _, i := range rest {
		if _, err := v.copyChain(ctx, i, 0); err != nil {
			return err
		}
	}
	for _, p := range all { // contents that came again: a chain without a beginning
		if _, err := v.copyChain(ctx, v.ordinal(p), 0); err != nil {
			return err
		}
	}
	return nil
}

// copyChain copies a chain from a chunk on, or up to limit chunks of it if that is
// not 0, and returns where it goes on.
func (v *versions) copyChain(ctx context.Context, i uint32, limit int) (next uint32, err error) {
	for n := 0; i != 0 && !v.done[i] && (limit == 0 || n < limit); n++ {
		if err := v.pause(ctx); err != nil {
			return 0, err
		}
		whole, err := v.copyWhole(i)
		if err == nil && !whole {
			err = v.copyVersion(i)
		}
		if err != nil {
			return 0, err
		}
		for range v.group {
			v.copiedOne(i)
			i = v.older[i]
		}
	}
	if i != 0 && v.done[i] {
		i = 0
	}
	return i, v.to.builder.flush(v.to.table)
}

// copyVersion adds a chunk to a pack, or copies it if it is alone.
func (v *versions) copyVersion(i uint32) error {
	file, e := v.at(i)
	v.group = append(v.group[:0], e)
	if v.older[i] == 0 && v.newer[i] == 0 {
		return v.to.copy(file, e)
	}
	data, err := v.data(i)
	if err != nil {
		return err
	}
	return v.to.version(e, data)
}

// copyWhole copies a large pack as it is, if the chain begins with all of it. These
// are then in group.
func (v *versions) copyWhole(i uint32) (bool, error) {
	file, e := v.at(i)
	v.group = v.group[:0]
	for k := 0; i != 0 && !v.done[i]; k++ {
		f, member := v.at(i)
		if f != file || member.offset != e.offset || int(member.member) != k {
			break
		}
		v.group = append(v.group, member)
		i = v.older[i]
	}
	if len(v.group) < wholeMembers {
		return false, nil
	}
	if err := v.to.builder.flush(v.to.table); err != nil {
		return false, err
	}
	return v.to.copyPack(file, v.group)
}

func (v *versions) copiedOne(i uint32) {
	v.done[i] = true
	_, e := v.at(i)
	v.count(e)
}

// data returns the bytes of a chunk, checked against its address.
func (v *versions) data(i uint32) ([]byte, error) {
	if data, ok := v.recent.get(i); ok {
		return data, nil
	}
	file, e := v.at(i)
	buf := v.store.buffer(int(e.length))
	defer v.store.buffers.Put(buf)
	data, err := readChunk(file, e.extent, e.address, *buf)
	if err == nil {
		v.recent.put(i, data)
	}
	return data, err
}

// recentChunks are the chunks that were read last. Its zero value is ready.
type recentChunks struct {
	now, before map[uint32][]byte
	bytes       int // of now
}

const recentBytes = 8 << 20 // in each of the two maps

func (r *recentChunks) get(i uint32) ([]byte, bool) {
	data, ok := r.now[i]
	if !ok {
		data, ok = r.before[i]
	}
	return data, ok
}

func (r *recentChunks) put(i uint32, data []byte) {
	if r.now == nil || r.bytes > recentBytes {
		r.now, r.before, r.bytes = map[uint32][]byte{}, r.now, 0
	}
	r.now[i] = data
	r.bytes += len(data) + cacheOverheadBytes
}
