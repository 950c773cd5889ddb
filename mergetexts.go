package vdb

import (
	"fmt"
	"slices"
)

// SchemaTexts are the sides of a merge of a table that has SQL of its own, for an
// Evaluator. Base is nil if both sides made the table.
type SchemaTexts struct {
	Base, Ours, Theirs *Schema
	// Merged has the merged name and columns. The Evaluator replaces it by the whole.
	Merged *Schema
	// Names are what Merged's columns are called in Base, Ours and Theirs; empty is
	// absent.
	Names [3][]string
	// Reasons say what collided, if anything did.
	Reasons []string
}

// schemaText is what a schema says beside its columns, indexes and foreign keys.
type schemaText struct {
	keyColumns   []IndexColumn
	withoutRowID bool
	sql          string
	evaluated    bool
}

func textOf(s *Schema) schemaText {
	return schemaText{keyColumns: s.KeyColumns, withoutRowID: s.WithoutRowID, sql: s.SQL, evaluated: s.Evaluated}
}

func (t schemaText) equal(o schemaText) bool {
	return t.sql == o.sql && t.sameKey(o) && t.evaluated == o.evaluated
}

func (t schemaText) sameKey(o schemaText) bool {
	return t.withoutRowID == o.withoutRowID && slices.Equal(t.keyColumns, o.keyColumns)
}

// hasTexts tells whether SQL has made parts of the schema that only it can merge.
func (t *identitySchema) hasTexts() bool {
	return t != nil && (t.text.sql != "" || slices.ContainsFunc(t.indexes, func(x Index) bool { return x.SQL != "" }))
}

// texts gives the merged schema its SQL: that of the one side that has changed the
// schema, or what the evaluator composes. It returns what collides.
func (m *merger) texts(t *tableMerge, reasons []string) ([]string, error) {
	base, ours, theirs := t.sides[atBase], t.sides[atOurs], t.sides[atTheirs]
	if !ours.shape.hasTexts() && !theirs.shape.hasTexts() || len(reasons) > 0 {
		return nil, nil
	}
	for _, pair := range [][2]*tableSide{{ours, theirs}, {theirs, ours}} {
		same, other := pair[0], pair[1]
		if base != nil && sameSchema(base.shape, same.shape) && base.shape.name == same.shape.name || sameSchema(ours.shape, theirs.shape) && ours.shape.name == theirs.shape.name {
			shape := *other.shape
			t.shape = &shape
			return nil, nil
		}
	}
	return m.composeTexts(t)
}

func (m *merger) composeTexts(t *tableMerge) ([]string, error) {
	sql, err := evaluator(t.title())
	if err != nil {
		return nil, err
	}
	texts := &SchemaTexts{Ours: t.sides[atOurs].view.schema, Theirs: t.sides[atTheirs].view.schema, Merged: t.shape.named(spelled)}
	if base := t.sides[atBase]; base != nil {
		texts.Base = base.view.schema
	}
	for side, s := range t.sides {
		for _, c := range t.shape.columns {
			name := ""
			if s != nil && s.shape.column(c.id) != nil {
				name = s.shape.column(c.id).Name
			}
			texts.Names[side] = append(texts.Names[side], name)
		}
	}
	if err := sql.MergeSQL(m.ctx, texts); err != nil || len(texts.Reasons) > 0 {
		return texts.Reasons, err
	}
	return t.shape.take(texts.Merged), nil
}

// take makes t what SQL has made of it. The columns are those of t, in their order.
func (t *identitySchema) take(s *Schema) []string {
	if len(s.ForeignKeys) != len(t.foreignKeys) {
		return []string{fmt.Sprintf("foreign keys: %d by their definitions, %d by the changes of both sides", len(s.ForeignKeys), len(t.foreignKeys))}
	}
	ids := map[string]string{}
	for i, c := range s.Columns {
		c.Merge = t.columns[i].Merge
		t.columns[i].Column = c
		ids[fold(c.Name)] = t.columns[i].id
	}
	t.text, t.indexes, t.key = textOf(s), s.Clone().Indexes, nil
	for _, name := range s.PrimaryKey {
		t.key = append(t.key, ids[fold(name)])
	}
	for _, x := range t.indexes {
		for i := range x.Columns {
			x.Columns[i].Name = ids[fold(x.Columns[i].Name)]
		}
	}
	return nil
}

// keyText merges how the primary key is ordered.
func (m *schemaMerge) keyText() {
	ours, theirs := m.ours.text, m.theirs.text
	m.merged.text = schemaText{keyColumns: ours.keyColumns, withoutRowID: ours.withoutRowID}
	if m.base != nil && ours.sameKey(m.base.text) {
		m.merged.text = schemaText{keyColumns: theirs.keyColumns, withoutRowID: theirs.withoutRowID}
	}
}
