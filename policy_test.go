package vdb

import (
	"math"
	"testing"

	"github.com/vdbgo/vdb/internal/record"
)

func TestPolicies(t *testing.T) {
	null, undecided := Null(), Text("undecided")
	for _, c := range []struct {
		policy             Policy
		base, ours, theirs Value
		want               Value
	}{
		{PolicyConflict, Int(1), Int(2), Int(3), undecided},
		{PolicyOurs, Int(1), Int(2), Int(3), Int(2)},
		{PolicyTheirs, Int(1), Int(2), null, null},
		{PolicyMax, Int(9), Int(2), Int(3), Int(3)},
		{PolicyMax, Int(9), Float(2.5), Int(2), Float(2.5)},
		{PolicyMax, null, Int(1<<53 + 1), Float(1 << 53), Int(1<<53 + 1)},
		{PolicyMax, null, Text("a"), Int(7), Text("a")},
		{PolicyMax, null, null, Int(-7), Int(-7)},
		{PolicyMin, Int(0), Int(2), Int(3), Int(2)},
		{PolicyMin, Int(0), null, Int(3), Int(3)},
		{PolicyMin, Int(0), Int(3), null, Int(3)},
		{PolicyMin, Int(0), Text("b"), Text("B"), Text("B")},
		{PolicySum, Int(10), Int(12), Int(15), Int(17)},
		{PolicySum, Int(10), Int(15), Int(15), Int(20)},
		{PolicySum, null, Int(2), Int(3), Int(5)},
		{PolicySum, Int(10), null, Int(11), Int(1)},
		{PolicySum, Int(10), null, null, null},
		{PolicySum, Float(0.5), Int(1), Int(2), Float(2.5)},
		{PolicySum, Int(1), Text("1"), Int(2), undecided},
		{PolicySum, Int(0), Int(math.MaxInt64), Int(1), undecided},
		{PolicySum, Int(math.MaxInt64), Int(math.MaxInt64 - 1), Int(math.MaxInt64 - 2), Int(math.MaxInt64 - 3)},
		{PolicySum, Int(math.MinInt64), Int(0), Int(-1), Int(math.MaxInt64)},
		{PolicySum, Int(math.MinInt64), Int(0), Int(0), undecided},
		{PolicySum, Int(math.MinInt64), Int(math.MinInt64 + 1), Int(-1), Int(0)},
		{PolicySum, Int(1), Int(math.MinInt64), Int(1), Int(math.MinInt64)},
		{PolicySum, Int(0), Int(math.MinInt64), Int(-1), undecided},
	} {
		for _, swap := range []bool{false, true} {
			in := cell{base: c.base, ours: c.ours, theirs: c.theirs}
			if swap {
				if c.policy == PolicyOurs || c.policy == PolicyTheirs {
					continue
				}
				in.ours, in.theirs = in.theirs, in.ours
			}
			got, ok := c.policy.decide(in)
			if !ok {
				got = undecided
			}
			if !got.Equal(c.want) {
				t.Errorf("%s of %v, %v, %v: %v, want %v", c.policy, c.base, in.ours, in.theirs, got, c.want)
			}
		}
	}
}

func TestPolicyLatest(t *testing.T) {
	c := cell{base: Int(1), ours: Int(2), theirs: Int(3)}
	if v, ok := PolicyLatest.decide(c); !ok || v.Int() != 2 {
		t.Errorf("ours is later: %v", v)
	}
	c.theirsLater = true
	if v, ok := PolicyLatest.decide(c); !ok || v.Int() != 3 {
		t.Errorf("theirs is later: %v", v)
	}
}

// Values that a collation holds for equal have one order all the same.
func TestPolicyMaxIsSymmetric(t *testing.T) {
	for _, collation := range []record.Collation{record.Binary, record.NoCase, record.RTrim} {
		for _, pair := range [][2]Value{{Text("a"), Text("A")}, {Text("a"), Text("a ")}, {Int(1), Float(1)}} {
			for _, p := range []Policy{PolicyMax, PolicyMin} {
				x, _ := p.decide(cell{ours: pair[0], theirs: pair[1], collation: collation})
				y, _ := p.decide(cell{ours: pair[1], theirs: pair[0], collation: collation})
				if !x.Equal(y) {
					t.Errorf("%s of %v and %v: %v or %v", p, pair[0], pair[1], x, y)
				}
			}
		}
	}
}
