package vdb

import (
	"context"
	"fmt"
)

// TableMatch is a table of one snapshot as it is in another.
type TableMatch struct {
	// Name is what the table is called there.
	Name string
	// Schema is its schema there. It is shared and must not be modified.
	Schema *Schema
	// Columns has, for each column of the table, its position in Schema, or -1
	// where it is absent.
	Columns []int
	// SameKeys tells that a row has the same primary key in both.
	SameKeys bool
	// Rows addresses the rows: while Schema is the same, equal Rows are equal rows.
	Rows Hash
}

// Match finds a table of s in another snapshot of the same database. Renames of
// the table and of its columns are followed. ErrNotFound if s or other has no
// such table.
func (s *Snapshot) Match(table string, other *Snapshot) (*TableMatch, error) {
	m, err := s.match(table, other)
	return m, opError("match table "+table, err)
}

func (s *Snapshot) match(table string, other *Snapshot) (*TableMatch, error) {
	if !s.db.same(other.db) {
		return nil, invalidf("the snapshots are of two databases")
	}
	t, err := s.table(table)
	if err != nil {
		return nil, err
	}
	u, err := s.twin(table, other)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, fmt.Errorf("the other snapshot does not have it: %w", ErrNotFound)
	}
	m := &TableMatch{Name: u.schema.Name, Schema: u.schema, Rows: u.entry.rows}
	if t.layout == u.layout && s.version.ids == other.version.ids {
		m.Columns, m.SameKeys = ownColumns(len(t.cols)), true
		return m, nil
	}
	conv, err := other.converterTo(u, s, t)
	if err != nil {
		return nil, err
	}
	m.Columns, m.SameKeys = conv.source, conv.sameKeys
	return m, nil
}

// ownColumns are the positions of n columns that are where they were.
func ownColumns(n int) []int {
	columns := make([]int, n)
	for i := range columns {
		columns[i] = i
	}
	return columns
}

// At returns the database as it was at a commit; the zero Commit is the empty
// database that the first one was made from. It costs nothing: unlike AsOf it
// has no revision to resolve.
func (db *DB) At(ctx context.Context, c *Commit) *Snapshot { return db.at(ctx, c.version()) }
