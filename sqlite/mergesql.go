package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// MergeSQL merges the definitions of a table's columns, its constraints and its
// indexes as texts, each as one piece, and has SQLite see whether that makes a table.
func (e *evaluator) MergeSQL(ctx context.Context, m *vdb.SchemaTexts) error {
	t := &textMerge{ctx: ctx, evaluator: e, SchemaTexts: m}
	for i, s := range []*vdb.Schema{m.Base, m.Ours, m.Theirs} {
		var err error
		if t.sides[i], err = t.side(s, m.Names[i]); err != nil {
			t.collide("its definition cannot follow what was renamed: %v", err)
			return ctx.Err()
		}
	}
	table, indexes := t.table(), t.indexes()
	if len(m.Reasons) > 0 {
		return nil
	}
	if err := t.read(table, indexes); err != nil {
		t.collide("the definitions of both sides make no table: %v", err)
	}
	return ctx.Err()
}

// Refer has the text of a table refer to what its foreign keys do. They are told apart
// by their columns.
func (e *evaluator) Refer(s *vdb.Schema) error {
	def, err := sqltext.ParseCreateTable(s.SQL)
	if err != nil {
		return err
	}
	left := slices.Clone(s.ForeignKeys)
	s.SQL = def.Refer(s.SQL, func(r *sqltext.Reference) (string, []string) {
		i := slices.IndexFunc(left, func(fk vdb.ForeignKey) bool { return slices.EqualFunc(fk.Columns, r.Columns, strings.EqualFold) })
		if i < 0 {
			return r.Parent, nil // of a column that is not stored
		}
		fk := left[i]
		left = slices.Delete(left, i, i+1)
		return fk.Parent, fk.ParentColumns
	})
	return nil
}

// textMerge merges the texts of a table.
type textMerge struct {
	*evaluator
	*vdb.SchemaTexts
	ctx   context.Context
	sides [3]*sideText
}

// sideText is a side's texts, in which all is called by its merged name.
type sideText struct {
	table   string
	def     *sqltext.CreateTable
	indexes map[string]string // by folded name
	names   []string          // of the indexes, in their order
}

func (t *textMerge) collide(format string, args ...any) {
	t.Reasons = append(t.Reasons, fmt.Sprintf(format, args...))
}

// side reads a side's texts, after SQLite has renamed what the merge renames. A
// side that has no table has no texts.
func (t *textMerge) side(s *vdb.Schema, names []string) (*sideText, error) {
	side := &sideText{def: new(sqltext.CreateTable), indexes: map[string]string{}}
	if s == nil {
		return side, nil
	}
	err := t.try(t.ctx, func(tx *sql.Tx) error {
		r := &reading{ctx: t.ctx, tx: tx}
		for _, statement := range append(statementsOf(s), t.renames(s, names)...) {
			if _, err := tx.ExecContext(t.ctx, statement); err != nil {
				return err
			}
		}
		return r.each(side.scan, `SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid`)
	})
	if err == nil {
		side.def, err = sqltext.ParseCreateTable(side.table)
	}
	return side, err
}

func (s *sideText) scan(rows *sql.Rows) error {
	var kind, name, text string
	if err := rows.Scan(&kind, &name, &text); err != nil {
		return err
	}
	switch {
	case kind == "index":
		s.indexes[strings.ToLower(name)] = text
		s.names = append(s.names, name)
	case !strings.HasPrefix(strings.ToLower(name), "sqlite_"):
		s.table = text
	}
	return nil
}

// statementsOf makes a table and its indexes.
func statementsOf(s *vdb.Schema) []string {
	statements := []string{tableSQL(s)}
	for i := range s.Indexes {
		if text := indexSQL(s, i); text != "" {
			statements = append(statements, text)
		}
	}
	return statements
}

// renames gives a side's columns, and the table, their merged names: by way of names
// that nobody has, since two may have changed places.
func (t *textMerge) renames(s *vdb.Schema, names []string) []string {
	var away, back []string
	alter := "ALTER TABLE " + quote(s.Name)
	for i, c := range t.Merged.Columns {
		if names[i] != "" && names[i] != c.Name {
			between := quote(fmt.Sprint("vdb column ", i))
			away = append(away, alter+" RENAME COLUMN "+quote(names[i])+" TO "+between)
			back = append(back, alter+" RENAME COLUMN "+between+" TO "+quote(c.Name))
		}
	}
	if s.Name != t.Merged.Name {
		back = append(back, alter+" RENAME TO "+quote("vdb table"), "ALTER TABLE "+quote("vdb table")+" RENAME TO "+quote(t.Merged.Name))
	}
	return append(away, back...)
}

// mergeText merges one piece, of which a side has one or none.
func mergeText(base, ours, theirs string) (merged string, ok bool) {
	switch {
	case ours == theirs, theirs == base:
		return ours, true
	case ours == base:
		return theirs, true
	}
	return "", false
}

// table composes the merged CREATE TABLE.
func (t *textMerge) table() string {
	ours, theirs := t.sides[1], t.sides[2]
	var columns []string
	for i := range ours.def.Columns {
		columns = t.column(columns, ours.def.Columns[i].Name)
	}
	for i := range theirs.def.Columns {
		if name := theirs.def.Columns[i].Name; ours.def.Column(name) == nil {
			columns = t.column(columns, name)
		}
	}
	options, ok := mergeText(t.sides[0].options(), ours.options(), theirs.options())
	if !ok {
		t.collide("options: changed by both sides, to %q and to %q", ours.options(), theirs.options())
	}
	return ours.def.Text(t.Merged.Name, columns, t.constraints(), options)
}

func (s *sideText) options() string { return s.def.Options.Of(s.table) }

// column adds a column's merged definition. Whether there is a stored one was
// decided by what it holds.
func (t *textMerge) column(columns []string, name string) []string {
	base, ours, theirs := t.sides[0].column(name), t.sides[1].column(name), t.sides[2].column(name)
	if t.Merged.Column(name) < 0 && (t.Ours.Column(name) >= 0 || t.Theirs.Column(name) >= 0) {
		return columns
	}
	text, ok := mergeText(base, ours, theirs)
	if !ok {
		t.collide("column %s: changed by both sides, to %s and to %s", name, ours, theirs)
	}
	if text == "" {
		return columns
	}
	return append(columns, text)
}

// column is a column's definition, empty if there is none.
func (s *sideText) column(name string) string {
	if d := s.def.Column(name); d != nil {
		return d.Span.Of(s.table)
	}
	return ""
}

// constraints merges the table's constraints as a set.
func (t *textMerge) constraints() (merged []string) {
	base, ours, theirs := t.sides[0].constraints(), t.sides[1].constraints(), t.sides[2].constraints()
	for _, text := range ours {
		if slices.Contains(theirs, text) || !slices.Contains(base, text) {
			merged = append(merged, text)
		}
	}
	for _, text := range theirs {
		if !slices.Contains(base, text) && !slices.Contains(ours, text) {
			merged = append(merged, text)
		}
	}
	return merged
}

func (s *sideText) constraints() (texts []string) {
	for _, c := range s.def.Constraints {
		texts = append(texts, c.Span.Of(s.table))
	}
	return texts
}

// indexes returns the merged CREATE INDEX statements.
func (t *textMerge) indexes() (statements []string) {
	names := slices.Clone(t.sides[1].names)
	for _, name := range t.sides[2].names {
		if _, ok := t.sides[1].indexes[strings.ToLower(name)]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		key := strings.ToLower(name)
		text, ok := mergeText(t.sides[0].indexes[key], t.sides[1].indexes[key], t.sides[2].indexes[key])
		if !ok {
			t.collide("index %s: changed by both sides", name)
		} else if text != "" {
			statements = append(statements, text)
		}
	}
	return statements
}

// read has SQLite make the table, and reads its schema.
func (t *textMerge) read(table string, indexes []string) error {
	var rows []schemaRow
	err := t.try(t.ctx, func(tx *sql.Tx) error {
		for _, statement := range append([]string{table}, indexes...) {
			if _, err := tx.ExecContext(t.ctx, statement); err != nil {
				return err
			}
		}
		r := &reading{ctx: t.ctx, tx: tx}
		return r.each(func(found *sql.Rows) error {
			var row schemaRow
			err := found.Scan(&row.kind, &row.name, &row.table, &row.sql)
			rows = append(rows, row)
			return err
		}, `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE ORDER BY type = 'index'`, t.Merged.Name)
	})
	if err != nil {
		return err
	}
	s, err := t.scratch.schema(t.ctx, rows[0], rows[1:])
	if err != nil {
		return err
	}
	if !slices.EqualFunc(s.Columns, t.Merged.Columns, func(a, b vdb.Column) bool { return a.Name == b.Name }) {
		return fmt.Errorf("its columns come out in another order")
	}
	t.Merged = s
	return nil
}
