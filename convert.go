package vdb

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb/prolly"
)

// converter turns rows of one layout into rows of another. Columns are matched
// by identity, so that a renamed column is still the same one.
type converter struct {
	from, to *layout
	// source is, for each column of to, the column of from, or -1 for a new one.
	source []int
	// sameKeys tells that a row has the same key in both layouts.
	sameKeys bool
	// sameRecords tells that equal records stand for equal rows: columns were
	// renamed or appended, or the last ones dropped, and no more.
	sameRecords bool
}

func newConverter(from, to *layout, fromIDs, toIDs *identities) *converter {
	c := &converter{from: from, to: to, source: make([]int, len(to.cols))}
	byID := make(map[string]int, len(from.cols))
	for i := range from.cols {
		byID[fromIDs.column(from.schema.Name, from.cols[i].name)] = i
	}
	for i := range to.cols {
		c.source[i] = -1
		if j, ok := byID[toIDs.column(to.schema.Name, to.cols[i].name)]; ok {
			c.source[i] = j
		}
	}
	c.sameKeys = c.matchKeys()
	c.sameRecords = c.sameKeys && c.matchRecords()
	return c
}

func (c *converter) matchKeys() bool {
	if c.from.kind != c.to.kind || len(c.from.key) != len(c.to.key) {
		return false
	}
	for i, k := range c.to.key {
		was := c.from.key[i]
		if c.source[k.column] != was.column || k.KeyColumn != was.KeyColumn || k.affinity != was.affinity {
			return false
		}
	}
	return true
}

func (c *converter) matchRecords() bool {
	for position := range min(len(c.from.stored), len(c.to.stored)) {
		i, j := c.from.stored[position], c.to.stored[position]
		was, is := &c.from.cols[i], &c.to.cols[j]
		if c.source[j] != i || was.affinity != is.affinity || !was.fallback.Equal(is.fallback) {
			return false
		}
	}
	return true
}

// value returns what column i of to holds in a row of from; its default if it is new.
func (c *converter) value(row []Value, i int) Value {
	if c.source[i] < 0 {
		return c.to.cols[i].fallback
	}
	return c.to.cols[i].affinity.Apply(row[c.source[i]])
}

// convert returns a row of from as a row of to. Columns that from does not have
// are taken from present, or hold their default where it is nil.
func (c *converter) convert(row, present []Value) []Value {
	converted := make([]Value, len(c.source))
	for i, source := range c.source {
		if source < 0 && present != nil {
			converted[i] = present[i]
		} else {
			converted[i] = c.value(row, i)
		}
	}
	return converted
}

// changed lists the columns of to in which two versions of a row differ.
// Columns that were dropped are no difference, nor are new ones at their default.
func (c *converter) changed(from, to []Value) []int {
	var columns []int
	for i := range to {
		if !c.value(from, i).Equal(to[i]) {
			columns = append(columns, i)
		}
	}
	return columns
}

// tableOf returns the folded name of the table that has the identity id, or
// would have it if there were one of that name; empty if that name is another's.
func (ids *identities) tableOf(id string) string {
	for name, t := range ids.Tables {
		if t.ID == id {
			return name
		}
	}
	if ids.table(id) != id {
		return ""
	}
	return id
}

// storedIDs returns what the snapshot's tables and columns were once called.
func (s *Snapshot) storedIDs() (*identities, error) {
	return loadIdentities(s.ctx, s.store, s.version.ids)
}

// tableOr returns the named table, or nil where there is none.
func (s *Snapshot) tableOr(name string) (*tableView, error) {
	if name == "" {
		return nil, nil
	}
	t, err := s.table(name)
	return t, ignoreNotFound(err)
}

// twin finds in other the table that has the identity of the table name in s;
// nil if there is none.
func (s *Snapshot) twin(name string, other *Snapshot) (*tableView, error) {
	if s.version.ids == other.version.ids {
		return other.tableOr(name)
	}
	ids, err := s.storedIDs()
	if err != nil {
		return nil, err
	}
	others, err := other.storedIDs()
	if err != nil {
		return nil, err
	}
	return other.tableOr(others.tableOf(ids.table(name)))
}

// converterTo returns what turns rows of t in s into rows of u in other.
func (s *Snapshot) converterTo(t *tableView, other *Snapshot, u *tableView) (*converter, error) {
	ids, err := s.storedIDs()
	if err != nil {
		return nil, err
	}
	others, err := other.storedIDs()
	if err != nil {
		return nil, err
	}
	return newConverter(t.layout, u.layout, ids, others), nil
}

// decoded returns the row of a record that may be missing.
func (t *tableView) decoded(key, rec []byte) ([]Value, error) {
	if rec == nil {
		return nil, nil
	}
	return t.decode(nil, key, rec)
}

// loaded fills in the values of row that stand out of line. It may be kept.
func (t *tableView) loaded(ctx context.Context, row []Value) (Row, error) {
	if row == nil {
		return nil, nil
	}
	for i, v := range row {
		var err error
		if row[i], err = t.content(ctx, v); err != nil {
			return nil, fmt.Errorf("table %s: column %s: %w", t.schema.Name, t.cols[i].name, err)
		}
	}
	return row, nil
}

// emptyLike returns a tree without rows of the same shape as t's.
func (t *tableView) emptyLike() prolly.Tree { return prolly.New(t.config, t.store) }
