package prolly

// Config shapes a tree. Two trees can be compared, and have equal addresses for
// equal contents, only under Configs that agree in everything. A Config must not
// change once a tree uses it; it may be shared by any number of goroutines if
// its functions may. A nil *Config stands for the zero Config.
type Config struct {
	// LeafTarget is the mean logical size of a leaf in bytes, LeafMax the size
	// at which a leaf ends in any case. 0 stands for 4096 and 6080.
	LeafTarget, LeafMax int

	// NodeTarget and NodeMax are the same for internal nodes: 2048 and 6080.
	NodeTarget, NodeMax int

	// Measure returns an item's logical size in bytes, from which boundaries
	// follow (less than 1 counts as 1), and whether the item spills, that is
	// renders to more than its share of one page. nil measures
	// len(key)+len(value)+4 and never spills. It must be a pure function.
	Measure func(key, value []byte) (size int, spills bool)

	// MeasureEmpty returns what Measure does for an item with an empty value and a key
	// of some length, if that is all that it depends on. nil leaves it to Measure.
	MeasureEmpty func(keyBytes int) (size int, spills bool)

	// Pages returns the number of pages that a leaf renders to, itself
	// included. It is called only for leaves with an item that spills; any other
	// leaf, and any leaf if Pages is nil, takes one.
	Pages func(leaf Node) uint64

	// Separators says that an item of an internal node weighs what the last
	// item below it weighs, rather than its key: so it is where a rendered
	// interior cell carries a whole entry.
	Separators bool

	// Addresses appends the offsets in value at which addresses of other chunks
	// stand, each of hash.Size bytes. nil finds none. Leaves list them, so that
	// collection and synchronisation need no schema.
	Addresses func(value []byte, offsets []int) []int
}

const (
	defaultLeafTarget = 4096
	defaultNodeTarget = 2048
	defaultMax        = 6080

	// itemOverhead is what an item costs a leaf beside its bytes: two offsets.
	itemOverhead = 4
	// childOverhead is what a child costs an internal node beside its key: an
	// address and two 4-byte sums.
	childOverhead = 28

	// maxItemBytes bounds a key and a value, so that the offsets of a node with
	// two of each fit into 32 bits.
	maxItemBytes = 1 << 28
)

// measure is the logical size of a row.
func (c *Config) measure(key, value []byte) (size int, spills bool) {
	if c.Measure == nil {
		return len(key) + len(value) + itemOverhead, false
	}
	size, spills = c.Measure(key, value)
	return max(size, 1), spills
}

// weigh is the logical size of a child in an internal node.
func (c *Config) weigh(keyBytes int, last uint16) int {
	if c.Separators {
		return int(last) + childOverhead
	}
	return keyBytes + childOverhead
}

// rule returns the boundary rule of a level.
func (c *Config) rule(level int) rule {
	if level == 0 {
		return newRule(level, c.LeafTarget, c.LeafMax, defaultLeafTarget)
	}
	return newRule(level, c.NodeTarget, c.NodeMax, defaultNodeTarget)
}
