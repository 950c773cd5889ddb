package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// reader is what the table is read from: a *vdb.Snapshot or a *vdb.Tx.
type reader interface {
	Schema(table string) (*vdb.Schema, error)
	Get(table string, key ...any) (vdb.Row, error)
	Rows(table string, r vdb.Range) iter.Seq2[vdb.Row, error]
}

// columnOrder says where the columns of a revision stand in the table. A column
// that was added stands last there, and anywhere in the file.
type columnOrder struct {
	columns []string // the revision's
	at      []int    // their positions in the table
}

// orderIn finds columns in the table, which must have no others.
func (h *history) orderIn(t reader, columns []string) (*columnOrder, error) {
	s, err := t.Schema(h.Dataset)
	if err != nil {
		return nil, err
	}
	if len(s.Columns) != len(columns) {
		return nil, fmt.Errorf("table %s has %d columns, not %d", s.Name, len(s.Columns), len(columns))
	}
	o := &columnOrder{columns: columns, at: make([]int, len(columns))}
	for i, name := range columns {
		o.at[i] = slices.IndexFunc(s.Columns, func(c vdb.Column) bool { return c.Name == name })
		if o.at[i] < 0 {
			return nil, fmt.Errorf("table %s has no column %s", s.Name, name)
		}
	}
	return o, nil
}

// toFile returns a row of the table in the revision's order.
func (o *columnOrder) toFile(stored vdb.Row) row {
	r := make(row, len(o.at))
	for i, at := range o.at {
		r[i] = stored[at]
	}
	return r
}

// toTable returns a row of the revision in the table's order.
func (o *columnOrder) toTable(r row) vdb.Row {
	stored := make(vdb.Row, len(o.at))
	for i, at := range o.at {
		stored[at] = r[i]
	}
	return stored
}

// checksum counts the rows of the table, and returns the SHA-256 that a
// revision records: of the names of the columns, then of the rows in the order
// of their keys. Names and values are joined by 0x1F and each line is ended by
// 0x1E; a NULL is one byte 0x00.
func (h *history) checksum(t reader, columns []string) (rows int, sum string, err error) {
	order, err := h.orderIn(t, columns)
	if err != nil {
		return 0, "", err
	}
	hash := sha256.New()
	fmt.Fprint(hash, strings.Join(columns, afterValue), afterRow)
	for stored, err := range t.Rows(h.Dataset, vdb.Range{}) {
		if err != nil {
			return 0, "", err
		}
		fmt.Fprint(hash, order.toFile(stored).String(), afterRow)
		rows++
	}
	return rows, hex.EncodeToString(hash.Sum(nil)), nil
}
