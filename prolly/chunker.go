package prolly

import (
	"encoding/binary"
	"math"

	"github.com/vdbgo/vdb/hash"
)

// chunker collects the items of one node, tells where it ends, and encodes it.
// The builder has one for each level and uses it for node after node.
type chunker struct {
	rule     rule
	level    int
	keys     column
	values   column  // of a leaf
	children []child // of an internal node
	offsets  []int   // of addresses in values, level 0
	size     int     // logical, of the items so far
	weight   uint16  // logical size of the last item below, saturating
	spills   bool    // an item does
}

// newChunker returns a chunker with room for a usual node.
func newChunker(cfg *Config, level int) chunker {
	c := chunker{level: level, rule: cfg.rule(level)}
	c.keys = column{data: make([]byte, 0, 1024), ends: make([]uint32, 0, 96)}
	if level == 0 {
		c.values = column{data: make([]byte, 0, min(c.rule.max, 16<<10)), ends: make([]uint32, 0, 96)}
	} else {
		c.children = make([]child, 0, 96)
	}
	return c
}

// child is what an internal node knows about a child beside its key.
type child struct {
	hash        hash.Hash
	rows, pages uint64
	weight      uint16
}

// entry is a child under its last key, on its way into a node.
type entry struct {
	key []byte
	child
}

// addRow takes an item and tells whether the leaf ends with it.
func (c *chunker) addRow(cfg *Config, key, value []byte) bool {
	size, spills := cfg.measure(key, value)
	if cfg.Addresses != nil {
		c.noteAddresses(cfg, value)
	}
	c.keys.add(key)
	c.values.add(value)
	c.spills = c.spills || spills
	c.weight = uint16(min(size, math.MaxUint16))
	return c.grow(size, key)
}

func (c *chunker) noteAddresses(cfg *Config, value []byte) {
	known := len(c.offsets)
	c.offsets = cfg.Addresses(value, c.offsets)
	for i := known; i < len(c.offsets); i++ {
		c.offsets[i] += len(c.values.data)
	}
}

// addChild takes a child and tells whether the internal node ends with it.
func (c *chunker) addChild(cfg *Config, e *entry) bool {
	c.keys.add(e.key)
	c.children = append(c.children, e.child)
	c.weight = e.weight
	return c.grow(cfg.weigh(e.key, e.weight), e.key)
}

func (c *chunker) grow(size int, key []byte) bool {
	before := c.size
	c.size += size
	return c.rule.cuts(len(c.keys.ends), before, c.size, key)
}

func (c *chunker) empty() bool { return len(c.keys.ends) == 0 }

func (c *chunker) reset() {
	c.keys.reset()
	c.values.reset()
	c.children = c.children[:0]
	c.offsets = c.offsets[:0]
	c.size, c.spills = 0, false
}

// encode returns the node in a chunk of its own.
func (c *chunker) encode(cfg *Config) []byte {
	if c.level == 0 {
		return c.encodeLeaf()
	}
	return c.encodeInternal(cfg.Separators)
}

func (c *chunker) encodeLeaf() []byte {
	prefix := c.keys.commonPrefix()
	wide := len(c.keys.data) > math.MaxUint16 || len(c.values.data) > math.MaxUint16
	size := headerSize + prefix + c.keys.encodedSize(prefix, wide) + c.values.encodedSize(0, wide) + 4*len(c.offsets)

	data := c.header(make([]byte, 0, size), kindLeaf, prefix, wide)
	data = append(data, c.keys.data[:prefix]...)
	data = c.keys.encode(data, prefix, wide)
	data = c.values.encode(data, 0, wide)
	values := len(data) - len(c.values.data)
	for _, offset := range c.offsets {
		data = binary.LittleEndian.AppendUint32(data, uint32(values+offset))
	}
	return data
}

func (c *chunker) encodeInternal(sized bool) []byte {
	var rows, pages uint64
	for i := range c.children {
		rows += c.children[i].rows
		pages += c.children[i].pages
	}
	prefix := c.keys.commonPrefix()
	wide := len(c.keys.data) > math.MaxUint16 || rows > math.MaxUint32 || pages > math.MaxUint32
	n := Node{count: len(c.children), wide: wide, sized: sized}
	size := headerSize + prefix + c.keys.encodedSize(prefix, wide) + n.count*int(n.childBytes())

	data := c.header(make([]byte, 0, size), kindInternal, prefix, wide)
	data = append(data, c.keys.data[:prefix]...)
	data = c.keys.encode(data, prefix, wide)
	for i := range c.children {
		data = append(data, c.children[i].hash[:]...)
	}
	rows, pages = 0, 0
	for i := range c.children {
		rows += c.children[i].rows
		data = appendSum(data, rows, wide)
	}
	for i := range c.children {
		pages += c.children[i].pages
		data = appendSum(data, pages, wide)
	}
	if sized {
		data[1] |= flagSized
		for i := range c.children {
			data = binary.LittleEndian.AppendUint16(data, c.children[i].weight)
		}
	}
	return data
}

func appendSum(data []byte, sum uint64, wide bool) []byte {
	if wide {
		return binary.LittleEndian.AppendUint64(data, sum)
	}
	return binary.LittleEndian.AppendUint32(data, uint32(sum))
}

// header appends a node's header. See docs/FORMAT.md.
func (c *chunker) header(data []byte, kind byte, prefix int, wide bool) []byte {
	keyExtent, flags := c.keys.extent(prefix, flagKeyWidth)
	valueExtent, addresses := 0, 0
	if kind == kindLeaf {
		var flag byte
		valueExtent, flag = c.values.extent(0, flagValueWidth)
		flags |= flag
		addresses = len(c.offsets)
	}
	if wide {
		flags |= flagWide
	}
	data = append(data, kind, nodeVersion<<4|flags, byte(c.level), 0)
	for _, field := range [...]int{len(c.keys.ends), prefix, keyExtent, valueExtent, addresses} {
		data = binary.LittleEndian.AppendUint32(data, uint32(field))
	}
	return data
}

// column is a list of byte strings in one buffer.
type column struct {
	data  []byte
	ends  []uint32
	width int // of every string so far, or -1
}

func (c *column) add(b []byte) {
	if len(c.ends) == 0 {
		c.width = len(b)
	} else if c.width != len(b) {
		c.width = -1
	}
	c.data = append(c.data, b...)
	c.ends = append(c.ends, uint32(len(c.data)))
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
