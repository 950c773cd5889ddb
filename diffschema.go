package vdb

import (
	"slices"
	"strings"
)

// SchemaChange lists the parts of a table's schema that differ.
type SchemaChange struct {
	// Columns that were added, dropped, renamed or redefined.
	Columns []PartChange[Column]
	Indexes []PartChange[Index]
	// ForeignKeys are matched by their columns.
	ForeignKeys []PartChange[ForeignKey]
	// PrimaryKey tells that the key has other columns or another order.
	PrimaryKey bool
}

// IsEmpty tells that nothing differs.
func (c *SchemaChange) IsEmpty() bool {
	return len(c.Columns)+len(c.Indexes)+len(c.ForeignKeys) == 0 && !c.PrimaryKey
}

// PartChange is a part of a schema as it was and as it is; nil where it is absent.
type PartChange[T any] struct{ From, To *T }

// Kind tells what happened to the part.
func (c PartChange[T]) Kind() ChangeKind { return kindOf(c.From != nil, c.To != nil) }

// describe lists what differs between the two schemas.
func (c *converter) describe() SchemaChange {
	from, to := c.from.schema, c.to.schema
	change := SchemaChange{Columns: c.columnChanges(), PrimaryKey: len(from.PrimaryKey) != len(to.PrimaryKey)}
	for i := 0; !change.PrimaryKey && i < len(to.PrimaryKey); i++ {
		change.PrimaryKey = c.source[c.to.key[i].column] != c.from.key[i].column
	}
	renamed := c.renamed()
	change.Indexes = partChanges(from.Indexes, to.Indexes,
		func(x *Index) string { return fold(x.Name) },
		func(a, b *Index) bool {
			return a.Unique == b.Unique && slices.Equal(renamedIndex(a, renamed), b.Columns)
		})
	change.ForeignKeys = partChanges(from.ForeignKeys, to.ForeignKeys,
		func(fk *ForeignKey) string { return fold(strings.Join(fk.Columns, "\x00")) },
		func(a, b *ForeignKey) bool {
			return a.Parent == b.Parent && slices.Equal(a.ParentColumns, b.ParentColumns)
		})
	return change
}

func (c *converter) columnChanges() []PartChange[Column] {
	var changes []PartChange[Column]
	kept := make([]bool, len(c.from.cols))
	for i, source := range c.source {
		to := &c.to.schema.Columns[i]
		if source < 0 {
			changes = append(changes, PartChange[Column]{To: clone(to)})
			continue
		}
		kept[source] = true
		if from := &c.from.schema.Columns[source]; *from != *to {
			changes = append(changes, PartChange[Column]{From: clone(from), To: clone(to)})
		}
	}
	for i := range kept {
		if !kept[i] {
			changes = append(changes, PartChange[Column]{From: clone(&c.from.schema.Columns[i])})
		}
	}
	return changes
}

func clone[T any](x *T) *T {
	c := *x
	return &c
}

// renamed maps the old name of each column to its new one.
func (c *converter) renamed() map[string]string {
	names := map[string]string{}
	for i, source := range c.source {
		if source >= 0 {
			names[c.from.cols[source].name] = c.to.cols[i].name
		}
	}
	return names
}

func renamedIndex(x *Index, names map[string]string) []IndexColumn {
	columns := slices.Clone(x.Columns)
	for i := range columns {
		if name, ok := names[columns[i].Name]; ok {
			columns[i].Name = name
		}
	}
	return columns
}

// partChanges matches parts by a name and keeps those that differ.
func partChanges[T any](from, to []T, name func(*T) string, same func(a, b *T) bool) []PartChange[T] {
	var changes []PartChange[T]
	old := make(map[string]*T, len(from))
	for i := range from {
		old[name(&from[i])] = &from[i]
	}
	for i := range to {
		was := old[name(&to[i])]
		delete(old, name(&to[i]))
		switch {
		case was == nil:
			changes = append(changes, PartChange[T]{To: clone(&to[i])})
		case !same(was, &to[i]):
			changes = append(changes, PartChange[T]{From: clone(was), To: clone(&to[i])})
		}
	}
	for i := range from {
		if old[name(&from[i])] != nil {
			changes = append(changes, PartChange[T]{From: clone(&from[i])})
		}
	}
	return changes
}
