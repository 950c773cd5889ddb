package nbs

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

// A delta makes a chunk from another one, its base: the version of a tree node
// from the version that followed it. It is the chunk's size and then, until that
// many bytes are made, steps:
//
//	+---------+----------------+-----------+-----------+-----------+
//	| insert  | inserted bytes | take, how | shift     | add       |
//	+---------+----------------+-----------+-----------+-----------+
//	  uvarint                    uvarint     varint      varint
//	                                         how != 0    how > 1
//
// insert is how many bytes stand in the delta. take, all but the lowest two bits
// of its uvarint, is how many are then made from the base: from where the last
// step has left off, plus insert, as inserted bytes mostly replace as many; plus
// shift unless how is 0. Words of 16 bits if how is 2, of 32 if it is 3, are each
// the base's word and add: so do the offsets and counts in a node move when a row
// before them grows or goes. A step that ends the chunk may have no more than
// inserted bytes.
const (
	maxDeltaBytes = 64 << 10 // of the chunk and of its base
	deltaWord     = 6        // bytes that must be equal for a copy from elsewhere
	deltaNearWord = 4        // for a copy of what follows
	deltaNear     = 32       // how far a replacement is looked ahead of
	deltaAddWords = 3        // that must have moved alike for an addition
	deltaHashBits = 13
	deltaTries    = 64
	deltaFarWord  = 48
)

// How a step makes bytes from the base.
const (
	takeNext = iota
	takeMoved
	takeAdd16
	takeAdd32
)

var errDelta = errors.New("delta does not fit its base")

// applyDelta appends to out the chunk that delta makes of base.
func applyDelta(out, base, delta []byte) ([]byte, error) {
	size, delta, ok := cutUvarint(delta)
	if !ok || size > maxDeltaBytes {
		return nil, errDelta
	}
	out = slices.Grow(out, int(size))
	end, from := len(out)+int(size), 0
	for len(out) < end {
		insert, rest, ok := cutUvarint(delta)
		if !ok || insert > uint64(len(rest)) || insert > uint64(end-len(out)) {
			return nil, errDelta
		}
		out = append(out, rest[:insert]...)
		if delta = rest[insert:]; len(out) == end {
			break
		}
		t, rest, ok := cutTaking(delta, from+int(insert))
		if !ok || t.n == 0 || t.n > end-len(out) || t.from < 0 || t.from > len(base)-t.n {
			return nil, errDelta
		}
		out = t.append(out, base)
		from, delta = t.from+t.n, rest
	}
	if len(delta) > 0 {
		return nil, errDelta
	}
	return out, nil
}

// taking is the second half of a step.
type taking struct {
	how     int
	from, n int // bytes of the base
	add     int32
}

func cutTaking(delta []byte, next int) (t taking, rest []byte, ok bool) {
	head, delta, ok := cutUvarint(delta)
	if !ok || head>>2 > maxDeltaBytes {
		return t, nil, false
	}
	t = taking{how: int(head & 3), n: int(head >> 2), from: next}
	if t.how != takeNext {
		shift, width := binary.Varint(delta)
		if width <= 0 || shift < -maxDeltaBytes || shift > maxDeltaBytes {
			return t, nil, false
		}
		t.from, delta = next+int(shift), delta[width:]
	}
	if t.how >= takeAdd16 {
		add, width := binary.Varint(delta)
		if width <= 0 || int64(int32(add)) != add || t.n%t.wordBytes() != 0 {
			return t, nil, false
		}
		t.add, delta = int32(add), delta[width:]
	}
	return t, delta, true
}

func (t taking) wordBytes() int { return 2 << (t.how & 1) }

// append appends to out what is taken from base, where it must be.
func (t taking) append(out, base []byte) []byte {
	at := len(out)
	out = append(out, base[t.from:t.from+t.n]...)
	switch words := out[at:]; t.how {
	case takeAdd16:
		for ; len(words) > 0; words = words[2:] {
			binary.LittleEndian.PutUint16(words, binary.LittleEndian.Uint16(words)+uint16(t.add))
		}
	case takeAdd32:
		for ; len(words) > 0; words = words[4:] {
			binary.LittleEndian.PutUint32(words, binary.LittleEndian.Uint32(words)+uint32(t.add))
		}
	}
	return out
}

func cutUvarint(b []byte) (uint64, []byte, bool) {
	n, width := binary.Uvarint(b)
	if width <= 0 {
		return 0, nil, false
	}
	return n, b[width:], true
}

// deltaEncoder makes deltas. Its zero value is ready.
type deltaEncoder struct {
	base, data []byte
	out        []byte
	from       int // of base: where a step takes from that does not move
	done       int // of data: what steps have made
	indexed    bool
	table      [1 << deltaHashBits]uint16 // hash of a word → its last position in base + 1
	before     [maxDeltaBytes]uint16      // position → the one before with its hash + 1
}

// encode appends to out a delta that makes data from base, both of which have at
// most maxDeltaBytes.
func (d *deltaEncoder) encode(out, base, data []byte) []byte {
	d.base, d.data, d.from, d.done, d.indexed = base, data, 0, 0, false
	d.out = binary.AppendUvarint(out, uint64(len(data)))
	for at := 0; at < len(data); {
		if t, ok := d.match(at); ok {
			at = d.step(at, t)
		} else {
			at++
		}
	}
	if d.done < len(data) {
		d.insert(len(data))
	}
	out, d.base, d.data, d.out = d.out, nil, nil, nil
	return out
}

// match finds what of the base makes the data at a position: what is next, or
// next but for a constant; failing that, and what comes soon, anything.
func (d *deltaEncoder) match(at int) (taking, bool) {
	next := d.from + at - d.done
	if d.equal(at, next, deltaNearWord) {
		return taking{from: next, n: d.length(at, next)}, true
	}
	if t, ok := d.matchAdded(at, next); ok {
		return t, true
	}
	if from := at + len(d.base) - len(d.data); d.equal(at, from, deltaFarWord) {
		return taking{how: takeMoved, from: from, n: d.length(at, from)}, true
	}
	if at-d.done < deltaNear && d.resumes(at, next) || at+8 > len(d.data) {
		return taking{}, false
	}
	return d.search(at, next)
}

// search finds the longer of the copies from next before and next behind a
// position of base.
func (d *deltaEncoder) search(at, next int) (taking, bool) {
	d.index()
	best := taking{how: takeMoved}
	behind, p := -1, int(d.table[deltaHash(d.data[at:])])-1
	for tries := deltaTries; p >= next && tries > 0; tries-- {
		behind, p = p, int(d.before[p])-1
	}
	for _, from := range [...]int{p, behind, at + len(d.base) - len(d.data)} {
		if from >= 0 && from < len(d.base) {
			if n := d.length(at, from); n > best.n {
				best.from, best.n = from, n
			}
		}
	}
	return best, best.n >= deltaWord
}

// length returns for how many bytes data and base are equal from there on.
func (d *deltaEncoder) length(at, from int) int { return commonPrefix(d.data[at:], d.base[from:]) }

// equal tells whether data and base are equal at the positions, for n bytes or
// up to the end of both.
func (d *deltaEncoder) equal(at, from, n int) bool {
	if at >= len(d.data) || from < 0 || from >= len(d.base) {
		return false
	}
	a, b := d.data[at:], d.base[from:]
	if len(a) < n || len(b) < n {
		return len(a) == len(b) && string(a) == string(b)
	}
	return string(a[:n]) == string(b[:n])
}

// resumes tells whether the base goes on as data does soon behind a position.
func (d *deltaEncoder) resumes(at, from int) bool {
	for i := 1; i < deltaNear; i++ {
		if d.equal(at+i, from+i, deltaWord) {
			return true
		}
	}
	return false
}

// matchAdded finds words that have all moved by the same. One word less or more
// than there were may be before them.
func (d *deltaEncoder) matchAdded(at, next int) (taking, bool) {
	for how := takeAdd32; how >= takeAdd16; how-- {
		t := taking{how: how}
		for _, shift := range [...]int{0, -t.wordBytes(), t.wordBytes()} {
			t.from = next + shift
			if d.added(&t, at); t.n >= deltaAddWords*t.wordBytes() {
				return t, true
			}
		}
	}
	return taking{}, false
}

// added finds for how many words of base, from t.from on, data has the same more.
func (d *deltaEncoder) added(t *taking, at int) {
	t.n = 0
	if t.from < 0 {
		return
	}
	width := t.wordBytes()
	for i := 0; at+i+width <= len(d.data) && t.from+i+width <= len(d.base); i += width {
		add := difference(d.data[at+i:], d.base[t.from+i:], t.how)
		if i == 0 {
			t.add = add
		}
		if add != t.add || add == 0 {
			return
		}
		t.n = i + width
	}
}

func difference(a, b []byte, how int) int32 {
	if how == takeAdd16 {
		return int32(int16(binary.LittleEndian.Uint16(a) - binary.LittleEndian.Uint16(b)))
	}
	return int32(binary.LittleEndian.Uint32(a) - binary.LittleEndian.Uint32(b))
}

// index fills the table, once for a base.
func (d *deltaEncoder) index() {
	if d.indexed {
		return
	}
	d.indexed = true
	clear(d.table[:])
	for i := 0; i+8 <= len(d.base); i++ {
		slot := &d.table[deltaHash(d.base[i:])]
		d.before[i], *slot = *slot, uint16(i+1)
	}
}

// deltaHash is of deltaWord bytes.
func deltaHash(b []byte) uint64 {
	return binary.LittleEndian.Uint64(b) << (64 - 8*deltaWord) * 0x9e3779b97f4a7c15 >> (64 - deltaHashBits)
}

// step appends a step that inserts data up to at and takes t, and returns where
// it ends.
func (d *deltaEncoder) step(at int, t taking) int {
	if t.how < takeAdd16 {
		for at > d.done && t.from > 0 && d.data[at-1] == d.base[t.from-1] {
			at, t.from, t.n = at-1, t.from-1, t.n+1
		}
	}
	d.insert(at)
	shift := t.from - d.from
	if t.how == takeMoved && shift == 0 {
		t.how = takeNext
	}
	d.out = binary.AppendUvarint(d.out, uint64(t.n)<<2|uint64(t.how))
	if t.how != takeNext {
		d.out = binary.AppendVarint(d.out, int64(shift))
	}
	if t.how >= takeAdd16 {
		d.out = binary.AppendVarint(d.out, int64(t.add))
	}
	d.done, d.from = at+t.n, t.from+t.n
	return d.done
}

func (d *deltaEncoder) insert(end int) {
	d.out = binary.AppendUvarint(d.out, uint64(end-d.done))
	d.out = append(d.out, d.data[d.done:end]...)
	d.from += end - d.done
	d.done = end
}

// commonPrefix returns how many bytes a and b begin with alike.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
