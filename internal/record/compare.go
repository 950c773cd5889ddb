package record

import (
	"bytes"
	"cmp"
	"math"
)

// Compare orders values as SQL does: NULL before numbers, before TEXT by the
// collation, before BLOB. Integers and floats compare exactly, at any size. The
// result is negative, zero or positive. It panics when the order depends on
// content that is out of line.
func Compare(a, b Value, c Collation) int {
	if a.kind != b.kind {
		return compareKinds(a, b)
	}
	switch a.kind {
	case KindInteger:
		return cmp.Compare(int64(a.bits), int64(b.bits))
	case KindReal:
		return cmp.Compare(a.Float(), b.Float())
	case KindText:
		return c.compare(a.content(), b.content())
	case KindBlob:
		return bytes.Compare(a.content(), b.content())
	}
	return 0
}

// compareKinds orders two values of different kinds.
func compareKinds(a, b Value) int {
	switch {
	case a.kind == KindInteger && b.kind == KindReal:
		return compareIntFloat(int64(a.bits), b.Float())
	case a.kind == KindReal && b.kind == KindInteger:
		return -compareIntFloat(int64(b.bits), a.Float())
	}
	return cmp.Compare(a.kind, b.kind)
}

// twoTo63 is the least float beyond every int64.
const twoTo63 = float64(1 << 63)

// compareIntFloat compares without rounding: whole parts as integers, then by
// what the float has beyond its whole part.
func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= twoTo63:
		return -1
	case f < -twoTo63:
		return +1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}
