package sqlite

import (
	"math"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tabCond is a condition on a column of the user's table.
type tabCond struct {
	column int
	op     module.Op
	value  any
}

// condsOn picks the filters on the n columns that stand from first on.
func condsOn(filters []module.Filter, first, n int) []tabCond {
	var conds []tabCond
	for _, f := range filters {
		if f.Column >= first && f.Column < first+n {
			conds = append(conds, tabCond{f.Column - first, f.Op, f.Value})
		}
	}
	return conds
}

// filterOn returns the value that a column must equal.
func filterOn(filters []module.Filter, column int) (any, bool) {
	for _, f := range filters {
		if f.Column == column && f.Op == module.EQ {
			return f.Value, true
		}
	}
	return nil, false
}

// keyRange returns the rows that conditions on the primary key leave: all of
// those that meet them, and perhaps others. whole tells that one key is left.
func keyRange(s *vdb.Schema, conds []tabCond) (r vdb.Range, whole bool) {
	for i, name := range s.PrimaryKey {
		k := keyPart{schema: s, column: s.Column(name)}
		if len(s.KeyColumns) > 0 {
			k.order = s.KeyColumns[i]
		}
		if !k.usable() {
			return r, false
		}
		v, ok := k.fixed(conds)
		if !ok {
			r.From, r.To = k.bounds(conds)
			return r, false
		}
		r.Prefix = append(r.Prefix, v)
	}
	return r, len(s.PrimaryKey) > 0
}

// indexRange returns the rows that equalities on the first columns of an index
// leave; an empty Range if no index is of use.
func indexRange(s *vdb.Schema, conds []tabCond) vdb.Range {
	var best vdb.Range
	for _, x := range s.Indexes {
		if x.Partial {
			continue
		}
		r := vdb.Range{Index: x.Name}
		for _, c := range x.Columns {
			k := keyPart{schema: s, column: s.Column(c.Name), order: c}
			if c.Name == "" || !k.usable() {
				break
			}
			v, ok := k.fixed(conds)
			if !ok {
				break
			}
			r.Prefix = append(r.Prefix, v)
		}
		if len(r.Prefix) > len(best.Prefix) {
			best = r
		}
	}
	return best
}

// keyPart is a column of a key or index, and how it is ordered there.
type keyPart struct {
	schema *vdb.Schema
	column int
	order  vdb.IndexColumn
}

// usable tells whether the key compares texts as conditions on the column do.
func (k keyPart) usable() bool {
	return k.order.Collation == "" || sameCollation(k.order.Collation, k.schema.Columns[k.column].Collation)
}

func sameCollation(a, b string) bool {
	orBinary := func(name string) string {
		if name == "" {
			return "BINARY"
		}
		return name
	}
	return strings.EqualFold(orBinary(a), orBinary(b))
}

// fixed returns the value that the column must have.
func (k keyPart) fixed(conds []tabCond) (any, bool) {
	for _, c := range conds {
		if c.column == k.column && c.op == module.EQ && k.fits(c.value) {
			return c.value, true
		}
	}
	return nil, false
}

// bounds returns what the column must be at least, and less than; nil is open.
func (k keyPart) bounds(conds []tabCond) (from, to []any) {
	if k.order.Desc {
		return nil, nil
	}
	for _, c := range conds {
		if c.column != k.column || !k.fits(c.value) {
			continue
		}
		switch c.op {
		case module.GT, module.GE:
			from = []any{c.value}
		case module.LT:
			to = []any{c.value}
		case module.LE:
			to = after(c.value)
		}
	}
	return from, to
}

// longestKeyValue keeps values out of ranges that no key can have.
const longestKeyValue = 1 << 10

// fits tells whether the key can be compared with a value: an INTEGER key has
// integers only.
func (k keyPart) fits(value any) bool {
	switch x := value.(type) {
	case int64:
		return true
	case float64:
		return !k.isInteger() && !math.IsNaN(x)
	case string:
		return !k.isInteger() && len(x) <= longestKeyValue
	case []byte:
		return !k.isInteger() && len(x) <= longestKeyValue
	}
	return false
}

func (k keyPart) isInteger() bool {
	return len(k.schema.PrimaryKey) == 1 && strings.EqualFold(strings.TrimSpace(k.schema.Columns[k.column].Type), "INTEGER")
}

// after returns a bound above all that equals value; nil if there is none.
func after(value any) []any {
	switch x := value.(type) {
	case int64:
		if x < math.MaxInt64 {
			return []any{x + 1}
		}
	case float64:
		return []any{math.Nextafter(x, math.Inf(1))}
	case string:
		// What equals x but for trailing spaces sorts with it in an RTRIM column.
		return []any{x + "\x00"}
	case []byte:
		return []any{append(x[:len(x):len(x)], 0)}
	}
	return nil
}
