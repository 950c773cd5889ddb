package vdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// cellMerge merges single rows of one table, cell by cell.
type cellMerge struct {
	ctx            context.Context
	view           *tableView // the merged table's layout, and where values out of line are
	theirsLater    bool
	strict, replay bool
	take           Side
}

// decode returns the row of a record; nil is absent.
func (m *cellMerge) decode(key, rec []byte) ([]Value, error) {
	if rec == nil {
		return nil, nil
	}
	return m.view.decode(nil, key, rec)
}

// merge merges the records of a row that both sides changed; nil is absent. If
// they collide, columns, not nil, names where; it is empty if one side deleted
// the row.
func (m *cellMerge) merge(key, base, ours, theirs []byte) (merged []byte, columns []string, err error) {
	if ours == nil || theirs == nil {
		return m.deleted(ours, theirs)
	}
	b, err := m.decode(key, base)
	if err != nil {
		return nil, nil, err
	}
	o, err := m.decode(key, ours)
	if err != nil {
		return nil, nil, err
	}
	t, err := m.decode(key, theirs)
	if err != nil {
		return nil, nil, err
	}
	row, columns, err := m.mergeRow(b, o, t)
	if err != nil || columns != nil {
		return nil, columns, err
	}
	return m.view.appendRecord(nil, row), nil, nil
}

// deleted is for a row that one side, or in a strict merge each, has deleted.
func (m *cellMerge) deleted(ours, theirs []byte) ([]byte, []string, error) {
	switch {
	case m.take == Ours, ours == nil && theirs == nil && !m.strict:
		return ours, nil, nil
	case m.take == Theirs:
		return theirs, nil, nil
	}
	return nil, []string{}, nil
}

// mergeRow merges a row of which base may be nil.
func (m *cellMerge) mergeRow(base, ours, theirs []Value) (row []Value, columns []string, err error) {
	row = make([]Value, len(ours))
	for i := range row {
		c := cell{ours: ours[i], theirs: theirs[i], collation: m.view.keyColumn(i, "", false).Collation, theirsLater: m.theirsLater}
		if base != nil {
			c.base = base[i]
		}
		v, ok, err := m.cell(i, c, base == nil)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			columns = append(columns, m.view.cols[i].name)
		}
		row[i] = v
	}
	if m.strict && base == nil && len(m.view.key) == len(row) && columns == nil {
		columns = []string{}
	}
	return row, columns, nil
}

// cell merges one cell, and tells whether that could be decided.
func (m *cellMerge) cell(i int, c cell, isNew bool) (Value, bool, error) {
	if m.view.computes(i) {
		return c.ours, true, nil // SQL computes it from the merged row
	}
	same := c.ours.Equal(c.theirs)
	switch {
	case same && (!isNew && c.ours.Equal(c.base) || !m.twinsCollide(i)):
		return c.ours, true, nil
	case !isNew && !same && c.theirs.Equal(c.base):
		return c.ours, true, nil
	case !isNew && !same && c.ours.Equal(c.base):
		return c.theirs, true, nil
	}
	return m.collide(i, c)
}

// twinsCollide tells whether a cell that both sides changed to the same value
// has to be decided like any other that both changed.
func (m *cellMerge) twinsCollide(i int) bool {
	if slices.ContainsFunc(m.view.key, func(k keyColumn) bool { return k.column == i }) {
		return false
	}
	return m.strict || m.view.cols[i].policy == PolicySum && !m.replay
}

// collide decides a cell that both sides changed.
func (m *cellMerge) collide(i int, c cell) (Value, bool, error) {
	col := &m.view.cols[i]
	if col.policy == PolicyMax || col.policy == PolicyMin {
		for _, v := range []*Value{&c.ours, &c.theirs} {
			var err error
			if *v, err = m.view.content(m.ctx, *v); err != nil {
				return Value{}, false, err
			}
		}
	}
	if v, ok := col.policy.decide(c); ok {
		v, err := outline(m.ctx, m.view.store, col.affinity.Apply(v))
		return v, true, err
	}
	switch m.take {
	case Ours:
		return c.ours, true, nil
	case Theirs:
		return c.theirs, true, nil
	}
	return Value{}, false, nil
}

// conflict returns a conflict as its reader sees it, all values loaded.
func (m *cellMerge) conflict(c rowConflict) (Conflict, error) {
	listed := Conflict{Table: m.view.schema.Name}
	var err error
	for _, side := range []struct {
		row *Row
		rec []byte
	}{{&listed.Base, c.base}, {&listed.Ours, c.ours}, {&listed.Theirs, c.theirs}} {
		if side.rec == nil {
			continue
		}
		if *side.row, err = m.view.row(m.ctx, c.key, side.rec); err != nil {
			return Conflict{}, err
		}
		if listed.Key == nil {
			if listed.Key, err = m.view.keyValues(c.key, *side.row); err != nil {
				return Conflict{}, err
			}
		}
	}
	if listed.Ours == nil || listed.Theirs == nil {
		return listed, nil
	}
	listed.Merged, listed.Columns, err = m.halfMerged(c)
	return listed, err
}

// halfMerged merges a row in conflict as far as it goes, with ours in the columns
// on which the sides collide, and names those.
func (m *cellMerge) halfMerged(c rowConflict) (merged Row, columns []string, err error) {
	var sides [3][]Value
	for i, rec := range [][]byte{c.base, c.ours, c.theirs} {
		if sides[i], err = m.decode(c.key, rec); err != nil {
			return nil, nil, err
		}
	}
	undecided := *m
	undecided.take = ""
	merged, columns, err = undecided.mergeRow(sides[atBase], sides[atOurs], sides[atTheirs])
	for i := 0; i < len(merged) && err == nil; i++ {
		if slices.Contains(columns, m.view.cols[i].name) {
			merged[i] = sides[atOurs][i]
		}
		merged[i], err = m.view.content(m.ctx, merged[i])
	}
	if len(columns) == 0 {
		columns = nil
	}
	return merged, columns, err
}

// resolve asks fn for the row. An ErrConflict leaves it undecided.
func (m *cellMerge) resolve(c rowConflict, fn func(Conflict) (Row, error)) (merged []byte, decided bool, err error) {
	listed, err := m.conflict(c)
	if err != nil {
		return nil, false, err
	}
	row, err := fn(listed)
	switch {
	case errors.Is(err, ErrConflict):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("resolve row %s: %w", formatValues(listed.Key), err)
	case row == nil:
		return nil, true, nil
	}
	merged, err = m.encode(c.key, slices.Clone(row))
	if err != nil {
		return nil, false, fmt.Errorf("resolve row %s: %w", formatValues(listed.Key), err)
	}
	return merged, true, nil
}

// encode returns the record of a row that must have the key given. It may change
// the row.
func (m *cellMerge) encode(key []byte, row []Value) ([]byte, error) {
	for i, v := range row {
		if err := checkForeign(v); err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
	}
	if err := m.view.prepare(row); err != nil {
		return nil, err
	}
	if m.view.kind != keyRowid {
		own, err := m.view.rowKey(nil, row)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(own, key) {
			return nil, invalidf("the row has another primary key, %s", formatValues(m.view.knownKey(row)))
		}
	}
	for i, v := range row {
		var err error
		if row[i], err = outline(m.ctx, m.view.store, v); err != nil {
			return nil, err
		}
	}
	return m.view.appendRecord(nil, row), nil
}
