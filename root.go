package vdb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// A root value is one version of the whole database: a tree from each table's
// folded name to its schema, rows and indexes. Its address is the tree's, so
// equal contents have equal addresses. Keys begin with the kind of the object,
// which leaves room for others.
const tableKeyPrefix = "t/"

func tableKey(name string) []byte { return []byte(tableKeyPrefix + fold(name)) }

var tableKeys = prolly.Range{From: []byte(tableKeyPrefix), To: []byte("t0")}

// tableEntry is what a root value holds of one table.
type tableEntry struct {
	schema  hash.Hash
	rows    hash.Hash
	indexes []hash.Hash // in the order of Schema.Indexes
}

// encode lays e out as listedAddresses reads it.
//
//go:noinline // a program is smaller by its copies
func (e tableEntry) encode() []byte {
	data := make([]byte, 0, 1+(2+len(e.indexes))*hash.Size)
	data = append(data, byte(2+len(e.indexes)))
	data = append(data, e.schema[:]...)
	data = append(data, e.rows[:]...)
	for _, x := range e.indexes {
		data = append(data, x[:]...)
	}
	return data
}

// maxIndexes is how many secondary indexes a table may have: their addresses
// are counted in one byte.
const maxIndexes = 250

func decodeTableEntry(data []byte) (tableEntry, error) {
	if len(data) == 0 || data[0] < 2 || len(data) != 1+int(data[0])*hash.Size {
		return tableEntry{}, fmt.Errorf("a table's entry of %d bytes is damaged", len(data))
	}
	at := func(i int) hash.Hash { return hash.Hash(data[1+i*hash.Size:]) }
	e := tableEntry{schema: at(0), rows: at(1)}
	if n := int(data[0]) - 2; n > 0 {
		e.indexes = make([]hash.Hash, 0, n)
	}
	for i := 2; i < int(data[0]); i++ {
		e.indexes = append(e.indexes, at(i))
	}
	return e, nil
}

// storedSchema is the form of a Schema chunk's payload.
type storedSchema struct {
	Name        string             `json:"name"`
	Columns     []storedColumn     `json:"columns"`
	PrimaryKey  []string           `json:"primary_key,omitempty"`
	Indexes     []storedIndex      `json:"indexes,omitempty"`
	ForeignKeys []storedForeignKey `json:"foreign_keys,omitempty"`

	KeyColumns   []storedIndexColumn `json:"key_columns,omitempty"`
	WithoutRowID bool                `json:"without_rowid,omitempty"`
	SQL          string              `json:"sql,omitempty"`
	Evaluated    bool                `json:"evaluated,omitempty"`
}

type storedColumn struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"`
	NotNull   bool   `json:"not_null,omitempty"`
	Default   string `json:"default,omitempty"`
	Collation string `json:"collation,omitempty"`
	Merge     Policy `json:"merge,omitempty"`
}

type storedIndex struct {
	Name     string              `json:"name"`
	Columns  []storedIndexColumn `json:"columns"`
	Unique   bool                `json:"unique,omitempty"`
	SQL      string              `json:"sql,omitempty"`
	Partial  bool                `json:"partial,omitempty"`
	Unsorted bool                `json:"unsorted,omitempty"`
}

type storedIndexColumn struct {
	Name      string `json:"name"`
	Desc      bool   `json:"desc,omitempty"`
	Collation string `json:"collation,omitempty"`
}

type storedForeignKey struct {
	Columns       []string `json:"columns"`
	Parent        string   `json:"parent"`
	ParentColumns []string `json:"parent_columns,omitempty"`
}

func encodeSchema(s *Schema) ([]byte, error) {
	stored := storedSchema{
		Name: s.Name, PrimaryKey: s.PrimaryKey, KeyColumns: storedColumns(s.KeyColumns),
		WithoutRowID: s.WithoutRowID, SQL: s.SQL, Evaluated: s.Evaluated,
	}
	for _, c := range s.Columns {
		stored.Columns = append(stored.Columns, storedColumn(c))
	}
	for _, x := range s.Indexes {
		stored.Indexes = append(stored.Indexes, storedIndex{
			Name: x.Name, Columns: storedColumns(x.Columns), Unique: x.Unique, SQL: x.SQL, Partial: x.Partial, Unsorted: x.Unsorted,
		})
	}
	for _, fk := range s.ForeignKeys {
		stored.ForeignKeys = append(stored.ForeignKeys, storedForeignKey(fk))
	}
	payload, err := json.Marshal(stored)
	if err != nil {
		return nil, err
	}
	return chunk.Encode(chunk.Schema, nil, payload), nil
}

func decodeSchema(data []byte) (*Schema, error) {
	_, payload, err := chunk.Decode(chunk.Schema, data)
	if err != nil {
		return nil, err
	}
	var stored storedSchema
	if err := json.Unmarshal(payload, &stored); err != nil {
		return nil, fmt.Errorf("decode schema: %w", err)
	}
	s := &Schema{
		Name: stored.Name, PrimaryKey: stored.PrimaryKey, KeyColumns: indexColumns(stored.KeyColumns),
		WithoutRowID: stored.WithoutRowID, SQL: stored.SQL, Evaluated: stored.Evaluated,
	}
	for _, c := range stored.Columns {
		s.Columns = append(s.Columns, Column(c))
	}
	for _, x := range stored.Indexes {
		s.Indexes = append(s.Indexes, Index{
			Name: x.Name, Columns: indexColumns(x.Columns), Unique: x.Unique, SQL: x.SQL, Partial: x.Partial, Unsorted: x.Unsorted,
		})
	}
	for _, fk := range stored.ForeignKeys {
		s.ForeignKeys = append(s.ForeignKeys, ForeignKey(fk))
	}
	return s, nil
}

func storedColumns(columns []IndexColumn) []storedIndexColumn {
	var stored []storedIndexColumn
	for _, c := range columns {
		stored = append(stored, storedIndexColumn(c))
	}
	return stored
}

func indexColumns(stored []storedIndexColumn) []IndexColumn {
	var columns []IndexColumn
	for _, c := range stored {
		columns = append(columns, IndexColumn(c))
	}
	return columns
}

// identities says which tables and columns were once called otherwise, so that
// a rename on one branch merges with an edit on another. It stands beside a root
// value, not in it: equal contents have equal roots, renamed or not. What is not
// listed is its own identity: its folded name.
type identities struct {
	Tables map[string]tableIdentity `json:"tables,omitempty"`
}

type tableIdentity struct {
	ID      string            `json:"id,omitempty"`
	Columns map[string]string `json:"columns,omitempty"` // folded name → identity
}

func (ids *identities) table(name string) string {
	if t, ok := ids.Tables[fold(name)]; ok && t.ID != "" {
		return t.ID
	}
	return fold(name)
}

func (ids *identities) column(table, column string) string {
	if id, ok := ids.Tables[fold(table)].Columns[fold(column)]; ok {
		return id
	}
	return fold(column)
}

// clone returns a deep copy that may be changed.
//
//go:noinline // a program is smaller by its copies
func (ids *identities) clone() *identities {
	c := &identities{Tables: make(map[string]tableIdentity, len(ids.Tables))}
	for name, t := range ids.Tables {
		columns := make(map[string]string, len(t.Columns))
		for k, v := range t.Columns {
			columns[k] = v
		}
		c.Tables[name] = tableIdentity{ID: t.ID, Columns: columns}
	}
	return c
}

// setTable records that the table called name has the identity id.
func (ids *identities) setTable(name, id string) {
	t := ids.Tables[fold(name)]
	t.ID = id
	if id == fold(name) {
		t.ID = ""
	}
	ids.put(name, t)
}

func (ids *identities) setColumn(table, column, id string) {
	t := ids.Tables[fold(table)]
	if id == fold(column) {
		delete(t.Columns, fold(column))
	} else {
		if t.Columns == nil {
			t.Columns = map[string]string{}
		}
		t.Columns[fold(column)] = id
	}
	ids.put(table, t)
}

func (ids *identities) put(table string, t tableIdentity) {
	if ids.Tables == nil {
		ids.Tables = map[string]tableIdentity{}
	}
	if t.ID == "" && len(t.Columns) == 0 {
		delete(ids.Tables, fold(table))
		return
	}
	ids.Tables[fold(table)] = t
}

func (ids *identities) dropTable(name string) { delete(ids.Tables, fold(name)) }

// store writes ids; an empty one has the zero address. JSON sorts the keys of
// maps, so equal identities have equal addresses.
func (ids *identities) store(ctx context.Context, s prolly.Store) (hash.Hash, error) {
	if len(ids.Tables) == 0 {
		return hash.Hash{}, nil
	}
	payload, err := json.Marshal(ids)
	if err != nil {
		return hash.Hash{}, err
	}
	return s.Put(ctx, chunk.Encode(chunk.Identities, nil, payload))
}

func loadIdentities(ctx context.Context, s prolly.Store, h hash.Hash) (*identities, error) {
	ids := &identities{}
	if h.IsZero() {
		return ids, nil
	}
	data, err := s.Get(ctx, h)
	if err != nil {
		return nil, err
	}
	_, payload, err := chunk.Decode(chunk.Identities, data)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(payload, ids); err != nil {
		return nil, fmt.Errorf("decode identities: %w", err)
	}
	return ids, nil
}

// version addresses the contents of a database: a root value and, beside it,
// its identities.
type version struct {
	root hash.Hash
	ids  hash.Hash
}

// tableNames lists the tables of a root value in the order of their folded names.
func tableEntries(ctx context.Context, root prolly.Tree) iter.Seq2[tableEntry, error] {
	return func(yield func(tableEntry, error) bool) {
		for item, err := range root.Items(ctx, tableKeys) {
			if err != nil {
				yield(tableEntry{}, err)
				return
			}
			e, err := decodeTableEntry(item.Value)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}
