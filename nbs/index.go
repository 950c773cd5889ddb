package nbs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/vdbgo/vdb/hash"
)

// index finds the chunks of a journal. Most are in a run, a sorted array; those
// that came last are in a map until fold sorts them in. All methods may be
// called concurrently.
type index struct {
	mu     sync.RWMutex
	run    run // never modified, only replaced
	recent map[hash.Hash]extent
}

// extent is where a record is in its file, and which member of it is meant if it
// is a pack.
type extent struct {
	offset int64
	length uint32
	member uint8
}

// bytes is the length of the record, which a pack's first member stands for.
func (e extent) bytes() int64 {
	if e.member > 0 {
		return 0
	}
	return int64(e.length)
}

func (x *index) find(h hash.Hash) (extent, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e, ok := x.recent[h]; ok {
		return e, true
	}
	return x.run.find(h)
}

func (x *index) add(entries []entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.recent == nil {
		x.recent = make(map[hash.Hash]extent, len(entries))
	}
	for _, e := range entries {
		x.recent[e.address] = e.extent
	}
}

func (x *index) count() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return int64(x.run.count() + len(x.recent))
}

// within appends the addresses in r.
func (x *index) within(r prefixRange, found []hash.Hash, limit int) []hash.Hash {
	x.mu.RLock()
	defer x.mu.RUnlock()
	found = x.run.within(r, found, limit)
	for h := range x.recent {
		if r.contains(h) {
			found = append(found, h)
		}
	}
	return found
}

// fold sorts the recent chunks into the run, and returns it.
func (x *index) fold() run {
	x.mu.Lock()
	defer x.mu.Unlock()
	recent := make([]entry, 0, len(x.recent))
	for h, e := range x.recent {
		recent = append(recent, entry{h, e})
	}
	x.run = x.run.merge(recent)
	if clear(x.recent); len(recent) > keptRecent {
		x.recent = nil
	}
	return x.run
}

// keptRecent is how many chunks the map of recent ones may have held to be used
// again.
const keptRecent = 4096

// entry is what an index knows of one chunk.
//
//	 0              20          27       28        32
//	+--------------+-----------+--------+---------+
//	| address      | offset    | member | length  |
//	+--------------+-----------+--------+---------+
//
// member is 0 unless the chunk is in a pack, where others have the same offset.
type entry struct {
	address hash.Hash
	extent
}

const entryBytes = 32

func (e entry) append(buf []byte) []byte {
	buf = append(buf, e.address[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(e.offset)|uint64(e.member)<<memberShift)
	return binary.LittleEndian.AppendUint32(buf, e.length)
}

// memberShift is by how many bits member stands above the offset.
const memberShift = 56

func decodeEntry(b []byte) entry {
	return entry{hash.Hash(b[:hash.Size]), extent{
		offset: int64(binary.LittleEndian.Uint64(b[20:]) & (1<<memberShift - 1)),
		member: b[27],
		length: binary.LittleEndian.Uint32(b[28:]),
	}}
}

// run is a sequence of entries in ascending order of addresses.
type run []byte

func (r run) count() int { return len(r) / entryBytes }

func (r run) at(i int) entry { return decodeEntry(r[i*entryBytes:]) }

func (r run) address(i int) []byte { return r[i*entryBytes:][:hash.Size] }

// search returns the position of the first entry that is not below h. Hashes
// are spread evenly, so that the place to start from can be calculated; from
// there it widens the range until it holds h.
func (r run) search(h hash.Hash) int {
	n := r.count()
	guess := int(uint64(binary.BigEndian.Uint32(h[:])) * uint64(n) >> 32)
	guess = r.refine(r.refine(guess, h), h)
	low, high, step := guess, guess, 4
	for low > 0 && bytes.Compare(r.address(low-1), h[:]) >= 0 {
		low, step = max(0, low-step), step*2
	}
	for step = 4; high < n && bytes.Compare(r.address(high), h[:]) < 0; step *= 2 {
		high = min(n, high+step)
	}
	for low < high {
		middle := int(uint(low+high) / 2)
		if bytes.Compare(r.address(middle), h[:]) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// refine returns a better guess of where h belongs: as many places away from
// guess as addresses lie, on average, between the one there and h. That leaves
// about the square root of the error, and saves as many cache misses.
func (r run) refine(guess int, h hash.Hash) int {
	n := int64(r.count())
	if n == 0 {
		return 0
	}
	there := binary.BigEndian.Uint32(r.address(min(guess, int(n)-1)))
	away := (int64(binary.BigEndian.Uint32(h[:])) - int64(there)) * n >> 32
	return int(min(max(int64(guess)+away, 0), n))
}

func (r run) find(h hash.Hash) (extent, bool) {
	i := r.search(h)
	if i == r.count() || !bytes.Equal(r.address(i), h[:]) {
		return extent{}, false
	}
	return r.at(i).extent, true
}

func (r run) within(p prefixRange, found []hash.Hash, limit int) []hash.Hash {
	for i := r.search(p.first); i < r.count() && limit > 0; i++ {
		h := hash.Hash(r.address(i))
		if !p.contains(h) {
			break
		}
		found, limit = append(found, h), limit-1
	}
	return found
}

// merge returns a new run with the entries of r and more, which it sorts.
func (r run) merge(more []entry) run {
	slices.SortFunc(more, func(a, b entry) int { return a.address.Compare(b.address) })
	out := make(run, 0, len(r)+len(more)*entryBytes)
	i := 0
	for _, e := range more {
		from := i
		for i < r.count() && bytes.Compare(r.address(i), e.address[:]) < 0 {
			i++
		}
		out = append(out, r[from*entryBytes:i*entryBytes]...)
		if i == r.count() || !bytes.Equal(r.address(i), e.address[:]) {
			out = e.append(out)
		}
	}
	return append(out, r[i*entryBytes:]...)
}

// An index file holds the run of a journal as it was at some moment, so that
// opening the journal takes no scan. It is a hint: it is not synced, and when it
// does not fit it is ignored and made anew.
//
//	 0       8         12      16           32      40         48     68     76
//	+-------+---------+-------+------------+-------+----------+------+------+---------
//	| magic | version | CRC   | journal id | end   | sequence | root | time | entries…
//	+-------+---------+-------+------------+-------+----------+------+------+---------
//
// The CRC is over all that follows it. end is the offset in the journal up to
// which the index goes; it was durable when the index was written. sequence,
// root and time are those of the newest root before it.
const (
	indexMagic       = "vdbindx\n"
	indexHeaderBytes = 76
	indexMaxBytes    = 1 << 31
)

// indexFile is the decoded form of an index file.
type indexFile struct {
	journal fileID
	end     int64
	state   rootState
	run     run
}

func (f indexFile) encode() []byte {
	buf := make([]byte, 0, indexHeaderBytes+len(f.run))
	buf = append(buf, indexMagic...)
	buf = binary.LittleEndian.AppendUint32(buf, formatVersion)
	buf = binary.LittleEndian.AppendUint32(buf, 0)
	buf = append(buf, f.journal[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(f.end))
	buf = binary.LittleEndian.AppendUint64(buf, f.state.sequence)
	buf = append(buf, f.state.root[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(f.state.unixNano))
	buf = append(buf, f.run...)
	binary.LittleEndian.PutUint32(buf[12:], crc32.Checksum(buf[16:], castagnoli))
	return buf
}

// decodeIndexFile decodes an index file. The result aliases buf.
func decodeIndexFile(buf []byte) (indexFile, error) {
	var f indexFile
	if len(buf) < indexHeaderBytes || (len(buf)-indexHeaderBytes)%entryBytes != 0 {
		return f, fmt.Errorf("index file has a wrong length, %d", len(buf))
	}
	if string(buf[:8]) != indexMagic || binary.LittleEndian.Uint32(buf[8:]) != formatVersion {
		return f, fmt.Errorf("index file starts with %q", buf[:12])
	}
	if got, want := crc32.Checksum(buf[16:], castagnoli), binary.LittleEndian.Uint32(buf[12:]); got != want {
		return f, fmt.Errorf("index file's CRC is %08x, want %08x", got, want)
	}
	f.journal = fileID(buf[16:32])
	f.end = int64(binary.LittleEndian.Uint64(buf[32:]))
	f.state.sequence = binary.LittleEndian.Uint64(buf[40:])
	f.state.root = hash.Hash(buf[48:68])
	f.state.unixNano = int64(binary.LittleEndian.Uint64(buf[68:]))
	f.run = run(buf[indexHeaderBytes:])
	return f, nil
}
