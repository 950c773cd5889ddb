package module

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
)

// seed keeps anyone from making up two rows with one rowid.
var seed = maphash.MakeSeed()

// rowid returns the number of the current row. SQLite takes it for the identity of
// a row across scans with other filters: in an OR that it answers by several scans,
// in a RIGHT JOIN, between the scan of an UPDATE and its writes. So it is a hash of
// the row's values, and of how many equal rows this scan has numbered before. While
// the table is written, rows are numbered in the order in which they are first seen,
// since SQLite deletes in the order of rowids.
func (c *cursor) rowid() int64 {
	if !c.numbered {
		sum := c.hash()
		if c.seen == nil {
			c.seen = map[uint64]uint64{}
		}
		c.number = c.table.order(int64(sum + c.seen[sum]*0x9e3779b97f4a7c15))
		c.seen[sum]++
		c.numbered = true
	}
	return c.number
}

// order returns the rowid of a row with an identity.
func (t *connected) order(identity int64) int64 {
	if !t.writing {
		return identity
	}
	n, ok := t.ordinals[identity]
	if !ok {
		n = int64(len(t.ordinals)) + 1
		t.ordinals[identity] = n
	}
	return n
}

func (c *cursor) hash() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for i := range c.table.columns {
		writeValue(&h, c.value(i))
	}
	return h.Sum64()
}

func writeValue(h *maphash.Hash, v any) {
	var head [9]byte // class, then the value or its length
	number := func(class byte, n uint64) {
		head[0] = class
		binary.LittleEndian.PutUint64(head[1:], n)
		h.Write(head[:])
	}
	switch v := v.(type) {
	case nil:
		number(0, 0)
	case int64:
		number(1, uint64(v))
	case float64:
		number(2, math.Float64bits(v))
	case string:
		number(3, uint64(len(v)))
		h.WriteString(v)
	case []byte:
		number(4, uint64(len(v)))
		h.Write(v)
	default:
		fmt.Fprintf(h, "%T %v\n", v, v)
	}
}
