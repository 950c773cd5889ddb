package vdb

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The sides of a merge, as they are indexed.
const (
	atBase = iota
	atOurs
	atTheirs
)

// identitySchema is a schema in which tables and columns are called by their
// identities, so that two sides can be compared across renames.
type identitySchema struct {
	name    string
	columns []identityColumn
	// The names of columns in what follows, and the parents' names in foreign
	// keys, are identities.
	key         []string
	indexes     []Index
	foreignKeys []identityForeignKey
	text        schemaText
}

// identityForeignKey is a foreign key in terms of identities, and what it calls
// its parent by name.
type identityForeignKey struct {
	ForeignKey
	parent        string
	parentColumns []string
}

// identityColumn is a column with its identity.
type identityColumn struct {
	id string
	Column
}

// shape returns a table's schema in terms of identities, to be read only.
func (ids *identities) shape(l *layout) *identitySchema {
	if len(ids.Tables) == 0 {
		return l.unrenamed()
	}
	return ids.withIdentities(l.schema)
}

// withIdentities returns s in terms of identities.
func (ids *identities) withIdentities(s *Schema) *identitySchema {
	c := s.Clone()
	of := func(names []string, table string) []string {
		for i, name := range names {
			names[i] = ids.column(table, name)
		}
		return names
	}
	t := &identitySchema{name: s.Name, key: of(c.PrimaryKey, s.Name), indexes: c.Indexes, text: textOf(c)}
	for _, column := range c.Columns {
		t.columns = append(t.columns, identityColumn{id: ids.column(s.Name, column.Name), Column: column})
	}
	for _, x := range t.indexes {
		for i := range x.Columns {
			x.Columns[i].Name = ids.column(s.Name, x.Columns[i].Name)
		}
	}
	for _, fk := range c.ForeignKeys {
		named := slices.Clone(fk.ParentColumns)
		t.foreignKeys = append(t.foreignKeys, identityForeignKey{
			ForeignKey: ForeignKey{Columns: of(fk.Columns, s.Name), Parent: ids.table(fk.Parent), ParentColumns: of(fk.ParentColumns, fk.Parent)},
			parent:     fk.Parent, parentColumns: named,
		})
	}
	return t
}

// column returns the column of an identity, or nil.
//
//go:noinline // a program is smaller by its copies
func (t *identitySchema) column(id string) *identityColumn {
	if t == nil {
		return nil
	}
	if i := t.position(id); i >= 0 {
		return &t.columns[i]
	}
	return nil
}

// position returns where the column of an identity stands, or -1.
//
//go:noinline // a program is smaller by its copies
func (t *identitySchema) position(id string) int {
	return slices.IndexFunc(t.columns, func(c identityColumn) bool { return c.id == id })
}

// named returns t with everything called by its name. parent says what a foreign
// key calls its parent table and columns.
func (t *identitySchema) named(parent func(identityForeignKey) (string, []string)) *Schema {
	s := &Schema{
		Name: t.name, PrimaryKey: t.names(t.key), KeyColumns: slices.Clone(t.text.keyColumns),
		WithoutRowID: t.text.withoutRowID, SQL: t.text.sql, Evaluated: t.text.evaluated,
	}
	for i := range s.KeyColumns {
		s.KeyColumns[i].Name = s.PrimaryKey[i]
	}
	for _, c := range t.columns {
		s.Columns = append(s.Columns, c.Column)
	}
	for _, x := range t.indexes {
		x.Columns = slices.Clone(x.Columns)
		for i := range x.Columns {
			if c := t.column(x.Columns[i].Name); c != nil { // else an expression
				x.Columns[i].Name = c.Name
			}
		}
		s.Indexes = append(s.Indexes, x)
	}
	for _, fk := range t.foreignKeys {
		name, columns := parent(fk)
		s.ForeignKeys = append(s.ForeignKeys, ForeignKey{Columns: t.names(fk.Columns), Parent: name, ParentColumns: columns})
	}
	return s
}

func (t *identitySchema) names(ids []string) []string {
	var names []string
	for _, id := range ids {
		names = append(names, t.column(id).Name)
	}
	return names
}

// schemaMerge merges three versions of a schema. What both sides changed
// differently is kept as the side prefer has it, and reported.
type schemaMerge struct {
	base, ours, theirs *identitySchema // base is nil if both sides made the table
	prefer             int             // atOurs or atTheirs
	// edited counts the rows in which a side changed the column of an identity.
	edited  func(id string, side int) (int, error)
	merged  *identitySchema
	reasons []string
	err     error // edited's
}

// run merges all of a schema but its name, which the table's whole version
// decides. What collided is in reasons then, in words.
func (m *schemaMerge) run() error {
	m.merged = &identitySchema{name: m.ours.name}
	m.columns()
	m.key()
	m.keyText()
	m.indexes()
	m.foreignKeys()
	return m.err
}

//go:noinline // a program is smaller by its copies
func (m *schemaMerge) collide(format string, args ...any) {
	m.reasons = append(m.reasons, fmt.Sprintf(format, args...))
}

// preferred returns what the side prefer has.
func preferred[T any](prefer int, ours, theirs T) T {
	if prefer == atTheirs {
		return theirs
	}
	return ours
}

// schemaParts is one part of a schema on each side; nil is absent.
type schemaParts[T any] struct{ base, ours, theirs *T }

// merge returns the part as a three-way merge has it, or else that it collided.
func (p schemaParts[T]) merge(equal func(a, b T) bool) (merged *T, ok bool) {
	same := func(a, b *T) bool { return a == nil && b == nil || a != nil && b != nil && equal(*a, *b) }
	switch {
	case same(p.ours, p.theirs), same(p.base, p.theirs):
		return p.ours, true
	case same(p.base, p.ours):
		return p.theirs, true
	}
	return nil, false
}

// columns merges the columns: ours in their order, then those new in theirs.
func (m *schemaMerge) columns() {
	for i := range m.ours.columns {
		m.column(m.ours.columns[i].id)
	}
	for i := range m.theirs.columns {
		if id := m.theirs.columns[i].id; m.ours.column(id) == nil {
			m.column(id)
		}
	}
	m.separate()
}

func (m *schemaMerge) column(id string) {
	p := schemaParts[identityColumn]{m.base.column(id), m.ours.column(id), m.theirs.column(id)}
	c, ok := p.merge(func(a, b identityColumn) bool { return a == b })
	switch {
	case !ok:
		c = m.collidingColumn(p)
	case c == nil && p.ours != nil:
		c = m.droppedColumn(p, atOurs)
	case c == nil && p.theirs != nil:
		c = m.droppedColumn(p, atTheirs)
	}
	if c != nil {
		m.merged.columns = append(m.merged.columns, *c)
	}
}

// droppedColumn is for a column that one side has kept as it was and the other
// has dropped. Rows in which it was changed meanwhile are not dropped silently.
func (m *schemaMerge) droppedColumn(p schemaParts[identityColumn], kept int) *identityColumn {
	n, err := m.edited(p.base.id, kept)
	m.err = errors.Join(m.err, err)
	if n == 0 {
		return nil
	}
	format := "column %s: dropped by ours, changed by theirs in %d row(s)"
	if kept == atOurs {
		format = "column %s: changed by ours in %d row(s), dropped by theirs"
	}
	m.collide(format, p.base.Name, n)
	return preferred(m.prefer, p.ours, p.theirs)
}

// collidingColumn merges a column that both sides changed, property by property.
func (m *schemaMerge) collidingColumn(p schemaParts[identityColumn]) *identityColumn {
	switch {
	case p.ours == nil:
		m.collide("column %s: dropped by ours, changed by theirs", p.theirs.Name)
		return preferred(m.prefer, p.ours, p.theirs)
	case p.theirs == nil:
		m.collide("column %s: changed by ours, dropped by theirs", p.ours.Name)
		return preferred(m.prefer, p.ours, p.theirs)
	case p.base == nil:
		m.collide("column %s: added by both sides, as %s and as %s", p.ours.Name, p.ours.describe(), p.theirs.describe())
		return preferred(m.prefer, p.ours, p.theirs)
	}
	b, o, t := p.base, p.ours, p.theirs
	c := *o
	c.Name = mergeProperty(m, o.Name, "renamed", b.Name, o.Name, t.Name)
	c.Type = mergeProperty(m, o.Name, "type changed", b.Type, o.Type, t.Type)
	c.NotNull = mergeProperty(m, o.Name, "NOT NULL changed", b.NotNull, o.NotNull, t.NotNull)
	c.Default = mergeProperty(m, o.Name, "default changed", b.Default, o.Default, t.Default)
	c.Collation = mergeProperty(m, o.Name, "collation changed", b.Collation, o.Collation, t.Collation)
	c.Merge = mergeProperty(m, o.Name, "merge policy changed", b.Merge, o.Merge, t.Merge)
	return &c
}

// mergeProperty merges one property of a column.
func mergeProperty[T comparable](m *schemaMerge, column, verb string, base, ours, theirs T) T {
	switch {
	case ours == theirs, theirs == base:
		return ours
	case ours == base:
		return theirs
	}
	m.collide("column %s: %s by both sides, to %v and to %v", column, verb, ours, theirs)
	return preferred(m.prefer, ours, theirs)
}

// describe is a column's definition without its name.
func (c *identityColumn) describe() string {
	parts := []string{c.Type}
	if c.Type == "" {
		parts[0] = "any type"
	}
	if c.NotNull {
		parts = append(parts, "NOT NULL")
	}
	if c.Default != "" {
		parts = append(parts, "DEFAULT "+c.Default)
	}
	if c.Collation != "" {
		parts = append(parts, "COLLATE "+c.Collation)
	}
	if c.Merge != "" {
		parts = append(parts, "MERGE "+strconv.Quote(string(c.Merge)))
	}
	return strings.Join(parts, " ")
}

// separate resolves columns that came to have the same name: those which ours
// has keep the names they have there, others are left out.
func (m *schemaMerge) separate() {
	for {
		clash := m.sameNames()
		if clash == nil {
			return
		}
		m.collide("column %s: both sides have one of that name, and they are not the same", clash[0].Name)
		m.merged.columns = slices.DeleteFunc(m.merged.columns, func(c identityColumn) bool {
			return (c.id == clash[0].id || c.id == clash[1].id) && m.ours.column(c.id) == nil
		})
		for i := range m.merged.columns {
			c := &m.merged.columns[i]
			if c.id == clash[0].id || c.id == clash[1].id {
				c.Name = m.ours.column(c.id).Name
			}
		}
	}
}

func (m *schemaMerge) sameNames() []identityColumn {
	seen := map[string]identityColumn{}
	for _, c := range m.merged.columns {
		if other, ok := seen[fold(c.Name)]; ok {
			return []identityColumn{other, c}
		}
		seen[fold(c.Name)] = c
	}
	return nil
}

// key merges the primary key.
func (m *schemaMerge) key() {
	p := schemaParts[[]string]{nil, &m.ours.key, &m.theirs.key}
	if m.base != nil {
		p.base = &m.base.key
	}
	key, ok := p.merge(slices.Equal[[]string])
	if !ok {
		m.collide("primary key: changed by both sides")
		key = preferred(m.prefer, p.ours, p.theirs)
	}
	if missing := m.missing(*key); missing != "" {
		m.collide("primary key: its column %s was dropped by the other side", missing)
		key = &m.ours.key
		m.restore(*key)
	}
	m.merged.key = *key
}

// missing returns the first of some columns that the merged schema lacks.
func (m *schemaMerge) missing(ids []string) string {
	for _, id := range ids {
		if m.merged.column(id) == nil {
			return id
		}
	}
	return ""
}

// restore puts back the columns of ours that the key needs.
func (m *schemaMerge) restore(key []string) {
	for _, id := range key {
		if m.merged.column(id) == nil {
			m.merged.columns = append(m.merged.columns, *m.ours.column(id))
		}
	}
	m.separate()
}

// indexes merges the indexes by name: ours in their order, then theirs.
func (m *schemaMerge) indexes() {
	for _, x := range m.ours.indexes {
		m.index(x.Name)
	}
	for _, x := range m.theirs.indexes {
		if m.ours.index(x.Name) == nil {
			m.index(x.Name)
		}
	}
}

func (t *identitySchema) index(name string) *Index {
	if t == nil {
		return nil
	}
	for i := range t.indexes {
		if sameName(t.indexes[i].Name, name) {
			return &t.indexes[i]
		}
	}
	return nil
}

func (m *schemaMerge) index(name string) {
	p := schemaParts[Index]{m.base.index(name), m.ours.index(name), m.theirs.index(name)}
	x, ok := p.merge(sameIndex)
	if !ok {
		m.collide("index %s: changed by both sides", name)
		x = preferred(m.prefer, p.ours, p.theirs)
	}
	if x == nil {
		return
	}
	if missing := m.missing(x.columnNames()); missing != "" {
		m.collide("index %s: its column %s was dropped by the other side", name, missing)
		return
	}
	m.merged.indexes = append(m.merged.indexes, *x)
}

func (x *Index) columnNames() []string {
	names := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		names[i] = c.Name
	}
	return names
}

func sameIndex(a, b Index) bool {
	return sameName(a.Name, b.Name) && a.Unique == b.Unique && a.SQL == b.SQL && a.Partial == b.Partial &&
		a.Unsorted == b.Unsorted && slices.Equal(a.Columns, b.Columns)
}

// foreignKeys merges the foreign keys as a set.
func (m *schemaMerge) foreignKeys() {
	for _, fk := range m.ours.foreignKeys {
		if m.base.references(fk) && !m.theirs.references(fk) {
			continue
		}
		m.foreignKey(fk)
	}
	for _, fk := range m.theirs.foreignKeys {
		if !m.base.references(fk) && !m.ours.references(fk) {
			m.foreignKey(fk)
		}
	}
}

func (m *schemaMerge) foreignKey(fk identityForeignKey) {
	if missing := m.missing(fk.Columns); missing != "" {
		m.collide("foreign key to %s: its column %s was dropped by the other side", fk.parent, missing)
		return
	}
	m.merged.foreignKeys = append(m.merged.foreignKeys, fk)
}

// references tells whether t has the foreign key fk.
//
//go:noinline // a program is smaller by its copies
func (t *identitySchema) references(fk identityForeignKey) bool {
	return t != nil && slices.ContainsFunc(t.foreignKeys, func(other identityForeignKey) bool {
		return other.Parent == fk.Parent && slices.Equal(other.Columns, fk.Columns) && slices.Equal(other.ParentColumns, fk.ParentColumns)
	})
}

// sameSchema tells whether two schemas, names of tables aside, are equal.
func sameSchema(a, b *identitySchema) bool {
	return a.text.equal(b.text) && slices.Equal(a.columns, b.columns) && slices.Equal(a.key, b.key) && slices.EqualFunc(a.indexes, b.indexes, sameIndex) &&
		len(a.foreignKeys) == len(b.foreignKeys) && !slices.ContainsFunc(a.foreignKeys, func(fk identityForeignKey) bool { return !b.references(fk) })
}
