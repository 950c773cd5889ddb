package main

import (
	"errors"
	"slices"

	"github.com/vdbgo/vdb"
)

// A full revision lists all rows, not what changed. What changed follows from
// the rows that it has in common with the table before it.

// commonRows are the rows that a full revision and the table before both have,
// matched by key.
type commonRows struct {
	from, to []string // columns
	was, is  []row
}

// commonRows reads the rows of the table before.
func (r *revision) commonRows(t reader) (*commonRows, error) {
	order, err := r.orderIn(t, r.before)
	if err != nil {
		return nil, err
	}
	common := &commonRows{from: r.before, to: r.Columns}
	for _, is := range r.Insert {
		stored, err := t.Get(r.Dataset, keyOf(r.Key, r.Columns, is).anys()...)
		if errors.Is(err, vdb.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		common.was = append(common.was, order.toFile(stored))
		common.is = append(common.is, is)
	}
	return common, nil
}

// missing returns the keys of the rows in t that a full revision does not have.
func (r *revision) missing(t reader, order *columnOrder) ([]row, error) {
	kept := map[string]bool{}
	for _, is := range r.Insert {
		kept[keyOf(r.Key, r.Columns, is).String()] = true
	}
	var gone []row
	for stored, err := range t.Rows(r.Dataset, vdb.Range{}) {
		if err != nil {
			return nil, err
		}
		if key := keyOf(r.Key, order.columns, order.toFile(stored)); !kept[key.String()] {
			gone = append(gone, key)
		}
	}
	return gone, nil
}

// plan says how the columns changed.
func (c *commonRows) plan() columnPlan { return planColumns(c.from, c.to, c.alike) }

// alike tells which part of the rows have the same value in column a of the
// one and column b of the other. That both are empty is no sign of it.
func (c *commonRows) alike(a, b string) float64 {
	from, to := slices.Index(c.from, a), slices.Index(c.to, b)
	same, filled := 0, 0
	for i := range c.was {
		x, y := c.was[i][from], c.is[i][to]
		if x.Size() > 0 || y.Size() > 0 {
			filled++
			if x.Equal(y) {
				same++
			}
		}
	}
	return float64(same) / float64(max(filled, 1))
}

// modified returns the rows that have another value in a column that both have,
// by its old name or a new one, or any value in a new column.
func (c *commonRows) modified(p columnPlan) []row {
	origins := p.origins(c.from, c.to)
	var rows []row
	for i, is := range c.is {
		if differs(c.was[i], is, origins) {
			rows = append(rows, is)
		}
	}
	return rows
}

func differs(was, is row, origins []int) bool {
	for i, at := range origins {
		if at < 0 && !is[i].IsNull() || at >= 0 && !is[i].Equal(was[at]) {
			return true
		}
	}
	return false
}
