package prolly

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// column is a list of byte strings in one buffer.
type column struct {
	data  []byte
	ends  []uint32
	width int // of every string so far, or -1
}

func (c *column) add(b []byte) {
	c.data = append(c.data, b...)
	c.close(len(b))
}

// close ends a string of some width, the last in data.
func (c *column) close(width int) {
	if len(c.ends) == 0 {
		c.width = width
	} else if c.width != width {
		c.width = -1
	}
	c.ends = append(c.ends, uint32(len(c.data)))
}

// take appends elements i to j of a section of a node, each after a prefix. It
// tells whether their offsets make sense.
func (c *column) take(n *Node, s *section, prefix []byte, i, j int) bool {
	if i == j {
		return true
	}
	lo, hi := n.bound(s, i), n.bound(s, j)
	if lo > hi || hi > uint(len(n.data)) {
		return false
	}
	if s.width < 0 {
		return c.takeEach(n, s, prefix, i, j)
	}
	width := len(prefix) + s.width
	if len(c.ends) == 0 {
		c.width = width
	} else if c.width != width {
		c.width = -1
	}
	end := len(c.data)
	c.data = appendEach(c.data, prefix, n.data[lo:hi], s.width, j-i)
	for ; i < j; i++ {
		end += width
		c.ends = append(c.ends, uint32(end))
	}
	return true
}

// appendEach appends count strings of one width, each after a prefix.
func appendEach(dst, prefix, data []byte, width, count int) []byte {
	if len(prefix) == 0 {
		return append(dst, data...)
	}
	dst = slices.Grow(dst, count*(len(prefix)+width))
	for range count {
		dst = append(dst, prefix...)
		dst = append(dst, data[:width]...)
		data = data[width:]
	}
	return dst
}

func (c *column) takeEach(n *Node, s *section, prefix []byte, i, j int) bool {
	for ; i < j; i++ {
		element := n.span(s, i)
		if element == nil {
			return false
		}
		c.data = append(c.data, prefix...)
		c.data = append(c.data, element...)
		c.close(len(prefix) + len(element))
	}
	return true
}

func (c *column) reset() {
	c.data = c.data[:0]
	c.ends = c.ends[:0]
}

// last returns the last string; it is good until the next add.
func (c *column) last() []byte {
	if n := len(c.ends); n > 1 {
		return c.data[c.ends[n-2]:]
	}
	return c.data
}

// commonPrefix returns the length of what ascending strings begin with in
// common. Eight-byte strings keep theirs, to be searched as integers.
func (c *column) commonPrefix() int {
	if c.width == 8 {
		return 0
	}
	first, last := c.data[:c.ends[0]], c.last()
	n := min(len(first), len(last), c.shortest())
	for i := range n {
		if first[i] != last[i] {
			return i
		}
	}
	return n
}

// shortest returns the least width. None is below the common prefix, unless a
// damaged node had its keys in disorder: then this keeps encode within bounds.
func (c *column) shortest() int {
	if c.width >= 0 {
		return c.width
	}
	start, least := uint32(0), uint32(math.MaxUint32)
	for _, end := range c.ends {
		least = min(least, end-start)
		start = end
	}
	return int(least)
}

// extent returns what the header says of a column without a prefix: the width
// of the strings, with flag, if it is one; else their bytes in all.
func (c *column) extent(prefix int, flag byte) (int, byte) {
	if c.width >= 0 {
		return c.width - prefix, flag
	}
	return len(c.data) - prefix*len(c.ends), 0
}

func (c *column) encodedSize(prefix int, wide bool) int {
	size := len(c.data) - prefix*len(c.ends)
	if c.width < 0 {
		size += (len(c.ends) + 1) * int(offsetBytes(wide))
	}
	return size
}

// encode appends the strings without a prefix, after their offsets if they need
// any.
func (c *column) encode(data []byte, prefix int, wide bool) []byte {
	if c.width < 0 {
		data = c.encodeOffsets(data, prefix, wide)
	}
	if prefix == 0 {
		return append(data, c.data...)
	}
	start := 0
	for _, end := range c.ends {
		data = append(data, c.data[start+prefix:end]...)
		start = int(end)
	}
	return data
}

func (c *column) encodeOffsets(data []byte, prefix int, wide bool) []byte {
	if wide {
		data = binary.LittleEndian.AppendUint32(data, 0)
		for i, end := range c.ends {
			data = binary.LittleEndian.AppendUint32(data, end-uint32((i+1)*prefix))
		}
		return data
	}
	data = binary.LittleEndian.AppendUint16(data, 0)
	for i, end := range c.ends {
		data = binary.LittleEndian.AppendUint16(data, uint16(end-uint32((i+1)*prefix)))
	}
	return data
}

// children is what an internal node knows about its children beside their keys,
// column by column, as its chunk has them.
type children struct {
	hashes      []byte
	rows, pages []uint64 // sums, of each child with all before
	weights     []uint16
}

func newChildren(room int) children {
	return children{
		hashes:  make([]byte, 0, room*hash.Size),
		rows:    make([]uint64, 0, room),
		pages:   make([]uint64, 0, room),
		weights: make([]uint16, 0, room),
	}
}

// sums returns what all children together have.
func (c *children) sums() (rows, pages uint64) {
	if len(c.rows) == 0 {
		return 0, 0
	}
	return c.rows[len(c.rows)-1], c.pages[len(c.pages)-1]
}

func (c *children) add(e *child) {
	rows, pages := c.sums()
	c.hashes = append(c.hashes, e.hash[:]...)
	c.rows = append(c.rows, rows+e.rows)
	c.pages = append(c.pages, pages+e.pages)
	c.weights = append(c.weights, e.weight)
}

// set gives child i its address.
func (c *children) set(i int, h hash.Hash) { copy(c.hashes[i*hash.Size:], h[:]) }

// take appends children i to j of a node.
func (c *children) take(n *Node, i, j int) {
	rows, pages := c.sums()
	if i > 0 {
		rows -= n.sum(0, i-1)
		pages -= n.sum(1, i-1)
	}
	c.hashes = append(c.hashes, n.data[n.tail+i*hash.Size:n.tail+j*hash.Size]...)
	for ; i < j; i++ {
		c.rows = append(c.rows, rows+n.sum(0, i))
		c.pages = append(c.pages, pages+n.sum(1, i))
		c.weights = append(c.weights, n.weight(i))
	}
}

func (c *children) reset() {
	c.hashes, c.rows, c.pages, c.weights = c.hashes[:0], c.rows[:0], c.pages[:0], c.weights[:0]
}
