package vdb

import (
	"math"

	"github.com/vdbgo/vdb/internal/record"
)

// cell is a column of one row on the sides of a merge, both of which changed it.
// Its base is NULL where the row is new.
type cell struct {
	base, ours, theirs Value
	collation          record.Collation
	theirsLater        bool
}

// decide returns what the policy makes of the cell, and whether it decides it at
// all. Values must be in line.
func (p Policy) decide(c cell) (Value, bool) {
	switch p {
	case PolicyOurs:
		return c.ours, true
	case PolicyTheirs:
		return c.theirs, true
	case PolicyLatest:
		if c.theirsLater {
			return c.theirs, true
		}
		return c.ours, true
	case PolicyMax:
		return c.extreme(1), true
	case PolicyMin:
		return c.extreme(-1), true
	case PolicySum:
		return c.sum()
	}
	return Value{}, false
}

// extreme returns the side that sorts last (sign 1) or first (sign -1). A NULL
// says that nothing is known and yields to a value. Of values that SQL holds for
// equal, BINARY order decides, so that the sides may be exchanged.
func (c cell) extreme(sign int) Value {
	switch {
	case c.ours.IsNull():
		return c.theirs
	case c.theirs.IsNull():
		return c.ours
	}
	order := record.Compare(c.theirs, c.ours, c.collation)
	if order == 0 {
		order = record.Compare(c.theirs, c.ours, record.Binary)
	}
	if order == 0 {
		order = int(c.theirs.Kind()) - int(c.ours.Kind())
	}
	if order*sign > 0 {
		return c.theirs
	}
	return c.ours
}

// sum adds both sides' changes to the base; NULL counts as 0, unless both sides
// are. Text, blobs and integers that overflow are left undecided.
func (c cell) sum() (Value, bool) {
	if c.ours.IsNull() && c.theirs.IsNull() {
		return c.ours, true
	}
	for _, v := range []Value{c.base, c.ours, c.theirs} {
		if v.Kind() > record.KindReal {
			return Value{}, false
		}
	}
	if c.base.Kind() == record.KindReal || c.ours.Kind() == record.KindReal || c.theirs.Kind() == record.KindReal {
		f := c.ours.Float() + c.theirs.Float() - c.base.Float()
		return record.Float(f), !math.IsNaN(f)
	}
	i, ok := addIntegers(c.ours.Int(), c.theirs.Int(), c.base.Int())
	return record.Int(i), ok
}

// addIntegers returns a+b-base, and whether that is an int64.
func addIntegers(a, b, base int64) (int64, bool) {
	// In an order in which no partial sum overflows unless the result does.
	delta := b - base
	if (b < base) == (delta < 0) {
		sum := a + delta
		return sum, (sum < a) == (delta < 0)
	}
	if delta = a - base; (a < base) != (delta < 0) {
		return 0, false
	}
	sum := b + delta
	return sum, (sum < b) == (delta < 0)
}
