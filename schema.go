package vdb

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vdbgo/vdb/internal/record"
)

// Schema describes a table.
//
// A single primary key column declared INTEGER keys the table by the 64-bit
// integer; any other primary key clusters the table by its columns; a table
// without a primary key is keyed by a hidden rowid, which is no identity: a
// merge may renumber it.
type Schema struct {
	Name        string
	Columns     []Column
	PrimaryKey  []string
	Indexes     []Index
	ForeignKeys []ForeignKey

	// What follows is for tables that are made in SQL; programs leave it alone.

	// KeyColumns say how the columns of the primary key are ordered, one for each;
	// empty is ascending, in the columns' own collations.
	KeyColumns []IndexColumn
	// WithoutRowID clusters a table by an INTEGER PRIMARY KEY as by any other key.
	WithoutRowID bool
	// SQL is the CREATE TABLE statement where it says more than the Schema does.
	SQL string
	// Evaluated says that an Evaluator is needed to write rows: the table has a CHECK
	// or a generated column, or is STRICT.
	Evaluated bool
}

// Column is a named, typed column.
type Column struct {
	Name string
	// Type is the declared SQL type; its affinity follows SQLite's rules
	// (https://www.sqlite.org/datatype3.html). Empty: no affinity.
	Type    string
	NotNull bool
	// Default is a SQL literal (42, 1.5, 'text', x'00', NULL); empty is NULL.
	Default string
	// Collation is BINARY (or empty), NOCASE or RTRIM.
	Collation string
	// Merge decides when both sides of a merge changed the column of one row.
	Merge Policy
}

// Index is a secondary index. A UNIQUE constraint is an Index with Unique set.
type Index struct {
	Name    string
	Columns []IndexColumn
	Unique  bool
	// SQL is the CREATE INDEX statement where it says more than the Index does.
	SQL string
	// Partial says that only SQL can tell which rows the index has.
	Partial bool
	// Unsorted says that SQL sorts the index by a collation that only it knows: here
	// the entries are in BINARY order.
	Unsorted bool
}

// evaluated tells whether only SQL can tell what the index holds of a row.
func (x *Index) evaluated() bool {
	return x.Partial || slices.ContainsFunc(x.Columns, func(c IndexColumn) bool { return c.Name == "" })
}

// IndexColumn is a column of an Index and how it is ordered there.
type IndexColumn struct {
	// Name is the column's; empty is an expression, which Index.SQL has, or a column
	// that SQL computes.
	Name string
	Desc bool
	// Collation overrides the column's own: BINARY, NOCASE or RTRIM.
	Collation string
}

// ForeignKey says that Columns hold the key of a row of table Parent, or a NULL.
// It is checked when a transaction commits and after a merge.
type ForeignKey struct {
	Columns []string
	Parent  string
	// ParentColumns are the parent's primary key or the columns of one of its
	// unique indexes; empty is the primary key.
	ParentColumns []string
}

// Policy decides a cell that both sides of a merge changed.
type Policy string

// The policies of a column.
const (
	// PolicyConflict reports the row as a conflict.
	PolicyConflict Policy = ""
	// PolicyMax keeps the larger value.
	PolicyMax Policy = "max"
	// PolicyMin keeps the smaller value.
	PolicyMin Policy = "min"
	// PolicyLatest keeps the value of the side whose commit is later, or whose
	// transaction committed later.
	PolicyLatest Policy = "latest"
	// PolicyOurs keeps the value of the branch that is merged into.
	PolicyOurs Policy = "ours"
	// PolicyTheirs keeps the value of the branch that is merged.
	PolicyTheirs Policy = "theirs"
	// PolicySum adds both sides' changes to the base value. Revert and CherryPick
	// take a cell that has the wanted value by now as done.
	PolicySum Policy = "sum"
)

// Row holds a row's values in the order of its Schema's columns.
type Row []Value

// fold is how SQL compares names: ASCII letters without case.
func fold(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return 'A' <= r && r <= 'Z' }) {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func sameName(a, b string) bool { return fold(a) == fold(b) }

// Column returns the position of the named column, or -1.
//
//go:noinline // a program is smaller by its copies
func (s *Schema) Column(name string) int {
	return slices.IndexFunc(s.Columns, func(c Column) bool { return sameName(c.Name, name) })
}

// Index returns the position of the named index, or -1.
func (s *Schema) Index(name string) int {
	return slices.IndexFunc(s.Indexes, func(x Index) bool { return sameName(x.Name, name) })
}

// Clone returns a deep copy.
func (s *Schema) Clone() *Schema {
	c := *s
	c.Columns = slices.Clone(s.Columns)
	c.PrimaryKey = slices.Clone(s.PrimaryKey)
	c.KeyColumns = slices.Clone(s.KeyColumns)
	c.Indexes = slices.Clone(s.Indexes)
	for i := range c.Indexes {
		c.Indexes[i].Columns = slices.Clone(c.Indexes[i].Columns)
	}
	c.ForeignKeys = slices.Clone(s.ForeignKeys)
	for i := range c.ForeignKeys {
		c.ForeignKeys[i].Columns = slices.Clone(c.ForeignKeys[i].Columns)
		c.ForeignKeys[i].ParentColumns = slices.Clone(c.ForeignKeys[i].ParentColumns)
	}
	return &c
}

// Limits of a schema, SQLite's own.
const (
	maxColumns   = 2000
	maxNameBytes = 255
)

// Validate reports the first thing in s that is not allowed, naming it.
func (s *Schema) Validate() error {
	if err := checkName("table", s.Name); err != nil {
		return err
	}
	if err := s.validateColumns(); err != nil {
		return fmt.Errorf("table %s: %w", s.Name, err)
	}
	if err := s.validateKey(); err != nil {
		return fmt.Errorf("table %s: %w", s.Name, err)
	}
	for i := range s.Indexes {
		if err := s.validateIndex(i); err != nil {
			return fmt.Errorf("table %s: index %s: %w", s.Name, s.Indexes[i].Name, err)
		}
	}
	for _, fk := range s.ForeignKeys {
		if err := s.validateForeignKey(fk); err != nil {
			return fmt.Errorf("table %s: foreign key to %s: %w", s.Name, fk.Parent, err)
		}
	}
	return nil
}

func checkName(what, name string) error {
	switch {
	case name == "":
		return invalidf("%s without a name", what)
	case len(name) > maxNameBytes:
		return invalidf("%s name of %d bytes, at most %d are allowed", what, len(name), maxNameBytes)
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return invalidf("%s name %q is not UTF-8 text", what, name)
	}
	return nil
}

func (s *Schema) validateColumns() error {
	if len(s.Columns) == 0 {
		return invalidf("no columns")
	}
	if len(s.Columns) > maxColumns {
		return invalidf("%d columns, at most %d are allowed", len(s.Columns), maxColumns)
	}
	seen := make(map[string]bool, len(s.Columns))
	for _, c := range s.Columns {
		if err := checkName("column", c.Name); err != nil {
			return err
		}
		if seen[fold(c.Name)] {
			return fmt.Errorf("column %s: %w", c.Name, ErrExists)
		}
		seen[fold(c.Name)] = true
		if err := c.validate(); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return nil
}

func (c *Column) validate() error {
	if _, err := parseCollation(c.Collation); err != nil {
		return err
	}
	if _, err := parseLiteral(c.Default); err != nil {
		return err
	}
	switch c.Merge {
	case PolicyConflict, PolicyMax, PolicyMin, PolicyLatest, PolicyOurs, PolicyTheirs, PolicySum:
		return nil
	}
	return invalidf("merge policy %q", c.Merge)
}

func (s *Schema) validateKey() error {
	seen := map[string]bool{}
	for _, name := range s.PrimaryKey {
		if s.Column(name) < 0 {
			return fmt.Errorf("primary key column %s: %w", name, ErrNotFound)
		}
		if seen[fold(name)] {
			return fmt.Errorf("primary key column %s: %w", name, ErrExists)
		}
		seen[fold(name)] = true
	}
	if n := len(s.KeyColumns); n > 0 && n != len(s.PrimaryKey) {
		return invalidf("%d key columns for a primary key of %d", n, len(s.PrimaryKey))
	}
	for _, c := range s.KeyColumns {
		if _, err := parseCollation(c.Collation); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) validateIndex(i int) error {
	x := s.Indexes[i]
	if err := checkName("index", x.Name); err != nil {
		return err
	}
	if s.Index(x.Name) != i {
		return ErrExists
	}
	if len(x.Columns) == 0 {
		return invalidf("no columns")
	}
	for _, c := range x.Columns {
		if s.Column(c.Name) < 0 && (c.Name != "" || x.SQL == "" && !x.Automatic()) {
			return fmt.Errorf("column %s: %w", c.Name, ErrNotFound)
		}
		if _, err := parseCollation(c.Collation); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) validateForeignKey(fk ForeignKey) error {
	if len(fk.Columns) == 0 {
		return invalidf("no columns")
	}
	for _, name := range fk.Columns {
		if s.Column(name) < 0 {
			return fmt.Errorf("column %s: %w", name, ErrNotFound)
		}
	}
	if len(fk.ParentColumns) > 0 && len(fk.ParentColumns) != len(fk.Columns) {
		return invalidf("%d columns refer to %d", len(fk.Columns), len(fk.ParentColumns))
	}
	return checkName("parent table", fk.Parent)
}

func parseCollation(name string) (record.Collation, error) {
	switch strings.ToUpper(name) {
	case "", "BINARY":
		return record.Binary, nil
	case "NOCASE":
		return record.NoCase, nil
	case "RTRIM":
		return record.RTrim, nil
	}
	return 0, invalidf("collation %q", name)
}
