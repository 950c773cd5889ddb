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
	values   column   // of a leaf
	children children // of an internal node
	offsets  []int    // of addresses in values, level 0
	size     int      // logical, of the items so far
	weight   uint16   // logical size of the last item below, saturating
	spills   bool     // an item does
	scratch  []byte   // for keys that have to be put together
}

// start makes the chunker one for a level, with room for a usual node.
func (c *chunker) start(cfg *Config, level int) {
	c.level, c.rule = level, cfg.rule(level)
	if c.keys.ends == nil {
		c.keys = column{data: make([]byte, 0, 1024), ends: make([]uint32, 0, 96)}
	}
	switch {
	case level == 0 && c.values.ends == nil:
		c.values = column{data: make([]byte, 0, min(c.rule.max, 16<<10)), ends: make([]uint32, 0, 96)}
	case level > 0 && c.children.hashes == nil:
		c.children = newChildren(96)
	}
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
	c.weight = saturate(size)
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
	c.children.add(&e.child)
	c.weight = e.weight
	return c.grow(cfg.weigh(len(e.key), e.weight), e.key)
}

func (c *chunker) grow(size int, key []byte) bool {
	before := c.size
	c.size += size
	return c.rule.cuts(c.count(), before, c.size, key)
}

// reach adds up the sizes of elements i to j of a node, which follow, up to one
// that ends the chunker's own: it returns the index after that, or j.
func (c *chunker) reach(cfg *Config, n *Node, i, j int) (k int, cut bool, err error) {
	inside := 0 // elements before this one are known to end no node
	if c.empty() && i == 0 {
		inside = n.count - 1
	}
	for k = i + c.pass(cfg, n, i, j, inside); k < j; k++ {
		size, err := c.measure(cfg, n, k)
		if err != nil {
			return k, false, err
		}
		before := c.size
		c.size += size
		if k < inside || c.size <= c.rule.min {
			continue
		}
		if c.rule.cuts(c.count()+k+1-i, before, c.size, n.key(&c.scratch, k)) {
			return k + 1, true, nil
		}
	}
	return j, false, nil
}

// pass adds up the sizes of elements from i on, up to j, that are known to end no
// node, if all are of one size, and returns how many these are.
func (c *chunker) pass(cfg *Config, n *Node, i, j, inside int) int {
	if cfg.MeasureEmpty == nil || n.level > 0 || n.values.width != 0 || n.keys.width < 0 || i == j {
		return 0
	}
	size, spills := cfg.MeasureEmpty(n.prefix + n.keys.width)
	if spills || size < 1 {
		return 0
	}
	// A node ends with two elements at the earliest, and not before its least size.
	many := max(inside-i, (c.rule.min-c.size)/size, 0)
	many = min(many, j-i)
	c.size += many * size
	c.weight = saturate(size)
	return many
}

// measure returns the logical size of element i of a node on the chunker's
// level, and notes if it spills. Offsets that make no sense are left to take.
func (c *chunker) measure(cfg *Config, n *Node, i int) (int, error) {
	switch {
	case n.level > 0:
		c.weight = n.weight(i)
		return cfg.weigh(n.keyBytes(i), c.weight), nil
	case cfg.Measure == nil:
		size := n.keyBytes(i) + n.extent(&n.values, i) + itemOverhead
		c.weight = saturate(size)
		return size, nil
	}
	value := n.value(i)
	if value == nil {
		return 0, corruptf("value of item %d", i)
	}
	if len(value) == 0 && cfg.MeasureEmpty != nil {
		size, spills := cfg.MeasureEmpty(n.keyBytes(i))
		c.spills = c.spills || spills
		c.weight = saturate(max(size, 1))
		return max(size, 1), nil
	}
	size, spills := cfg.measure(n.key(&c.scratch, i), value)
	c.spills = c.spills || spills
	c.weight = saturate(size)
	return size, nil
}

// take copies elements i to j of a node, whose sizes reach has added up.
func (c *chunker) take(n *Node, i, j int) error {
	if n.level > 0 {
		c.children.take(n, i, j)
	} else {
		known := len(c.values.data)
		if !c.values.take(n, &n.values, nil, i, j) {
			return corruptf("value offsets")
		}
		c.takeAddresses(n, known, i, j)
	}
	if !c.keys.take(n, &n.keys, n.prefixBytes(), i, j) {
		return corruptf("key offsets")
	}
	return nil
}

// takeAddresses lists the addresses in values i to j of a leaf, which have been
// copied to position at.
func (c *chunker) takeAddresses(n *Node, at, i, j int) {
	from, to := int(n.bound(&n.values, i)), int(n.bound(&n.values, j))
	for list := n.data[n.tail:]; len(list) >= 4; list = list[4:] {
		offset := int(binary.LittleEndian.Uint32(list))
		if offset >= to {
			return
		}
		if offset >= from {
			c.offsets = append(c.offsets, offset-from+at)
		}
	}
}

func saturate(size int) uint16 { return uint16(min(size, math.MaxUint16)) }

func (c *chunker) count() int { return len(c.keys.ends) }

func (c *chunker) empty() bool { return len(c.keys.ends) == 0 }

func (c *chunker) reset() {
	c.keys.reset()
	c.values.reset()
	c.children.reset()
	c.offsets = c.offsets[:0]
	c.size, c.spills = 0, false
}

// keptBytes is how large a buffer may be that waits for its next use.
const keptBytes = 32 << 10

// trim drops buffers that an unusual node has made large.
func (c *chunker) trim() {
	c.reset()
	if max(cap(c.keys.data), cap(c.values.data), cap(c.scratch)) > keptBytes ||
		max(cap(c.keys.ends), cap(c.offsets)) > keptBytes/8 {
		*c = chunker{}
	}
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
	prefix := c.keys.commonPrefix()
	rows, pages := c.children.sums()
	wide := len(c.keys.data) > math.MaxUint16 || rows > math.MaxUint32 || pages > math.MaxUint32
	n := Node{count: c.count(), wide: wide, sized: sized}
	size := headerSize + prefix + c.keys.encodedSize(prefix, wide) + n.count*int(n.childBytes())

	data := c.header(make([]byte, 0, size), kindInternal, prefix, wide)
	data = append(data, c.keys.data[:prefix]...)
	data = c.keys.encode(data, prefix, wide)
	data = append(data, c.children.hashes...)
	data = appendSums(data, c.children.rows, wide)
	data = appendSums(data, c.children.pages, wide)
	if sized {
		data[1] |= flagSized
		for _, weight := range c.children.weights {
			data = binary.LittleEndian.AppendUint16(data, weight)
		}
	}
	return data
}

func appendSums(data []byte, sums []uint64, wide bool) []byte {
	for _, sum := range sums {
		if wide {
			data = binary.LittleEndian.AppendUint64(data, sum)
		} else {
			data = binary.LittleEndian.AppendUint32(data, uint32(sum))
		}
	}
	return data
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
