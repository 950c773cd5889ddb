package sqlite

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/internal/record"
)

// schemaEdit makes the edits of a transaction that has changed the schema: it
// reads the schema table as written and pairs its objects with those before, by
// their root pages.
type schemaEdit struct {
	*commit
	edit *vdb.EngineEdit
	// was and at have the tables before, and where an index is in its table, by root.
	was     map[uint32]int
	at      map[uint32]int
	tables  []schemaRow
	indexes map[string][]schemaRow // by folded table name
}

func (c *commit) editSchema(edit *vdb.EngineEdit) error {
	s := &schemaEdit{commit: c, edit: edit, was: map[uint32]int{}, at: map[uint32]int{}, indexes: map[string][]schemaRow{}}
	rows, err := s.read()
	if err != nil {
		return err
	}
	s.pair()
	s.editObjects(s.sort(rows))
	s.drop()
	if err := s.editSequences(edit, s.edit.Dropped); err != nil {
		return err
	}
	for _, t := range s.tables {
		if err := s.table(t); err != nil {
			return err
		}
	}
	return nil
}

// read reads the schema table.
func (s *schemaEdit) read() ([]schemaRow, error) {
	var rows []schemaRow
	sum := sha256.New()
	for item, err := range btree.Walk(btree.Side{Source: s.commit, Root: 1}) {
		if err != nil {
			return nil, err
		}
		payload, err := item.Payload(s.commit, nil, nil)
		if err != nil {
			return nil, err
		}
		sum.Write(payload)
		row, err := parseSchemaRow(payload)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	sum.Sum(s.schemaSum[:0])
	return rows, nil
}

func parseSchemaRow(payload []byte) (schemaRow, error) {
	vals, err := record.Parse(payload, nil)
	if err != nil {
		return schemaRow{}, err
	}
	if len(vals) != 5 {
		return schemaRow{}, fmt.Errorf("a row of %d values in the schema table", len(vals))
	}
	text := func(i int) string {
		if vals[i].Kind() != record.KindText {
			return ""
		}
		return vals[i].Text()
	}
	row := schemaRow{kind: text(0), name: text(1), table: text(2), sql: text(4)}
	if vals[3].Kind() == record.KindInteger {
		row.root = uint32(vals[3].Int())
	}
	return row, nil
}

// pair notes the root pages of the tables and indexes before.
func (s *schemaEdit) pair() {
	next := 0
	for i, t := range s.base.contents.Tables {
		for j := range 1 + len(t.Schema().Indexes) {
			root := s.base.trees[next].number(0)
			next++
			s.was[root], s.at[root] = i, j-1
		}
	}
}

// sort puts tables and indexes apart, and returns what has no pages.
func (s *schemaEdit) sort(rows []schemaRow) (objects []vdb.Object) {
	for _, row := range rows {
		switch {
		case row.kind == "index":
			name := strings.ToLower(row.table)
			s.indexes[name] = append(s.indexes[name], row)
		case row.root != 0:
			s.tables = append(s.tables, row)
		default:
			o := vdb.Object{Type: row.kind, Name: row.name, SQL: row.sql}
			if row.kind == "trigger" {
				o.Table = row.table
			}
			objects = append(objects, o)
		}
	}
	return objects
}

func (s *schemaEdit) editObjects(objects []vdb.Object) {
	was := map[vdb.Object]bool{}
	for _, o := range s.base.contents.Objects {
		was[o] = true
	}
	for _, o := range objects {
		if !was[o] {
			s.edit.Objects = append(s.edit.Objects, o)
		}
		delete(was, o)
	}
	for o := range was {
		s.edit.Forget = append(s.edit.Forget, o)
	}
}

// drop lists the tables of which no table has the name any more.
func (s *schemaEdit) drop() {
	names := map[string]bool{}
	for _, t := range s.tables {
		names[strings.ToLower(t.name)] = true
	}
	for _, t := range s.base.contents.Tables {
		if name := t.Schema().Name; !names[strings.ToLower(name)] {
			s.edit.Dropped = append(s.edit.Dropped, name)
		}
	}
}

// table makes the edits of one table.
func (s *schemaEdit) table(row schemaRow) error {
	indexes := s.indexes[strings.ToLower(row.name)]
	old := s.before(row)
	if old != nil && s.isUnchanged(old, row, indexes) {
		first := s.firstTree(s.was[row.root])
		te, changed := s.editTable(*old, s.base.trees[first:first+1+len(indexes)])
		if changed && !isSequenceTable(row.name) {
			s.edit.Tables = append(s.edit.Tables, te)
		}
		return nil
	}
	schema, err := s.db.introspector.schema(s.ctx, row, indexes)
	if err != nil {
		return err
	}
	if old != nil {
		s.rename(old.Schema(), schema)
		keepPolicies(old.Schema(), schema)
	}
	return s.lay(row, indexes, old, schema)
}

// before returns the table that had the same root page, or nil.
func (s *schemaEdit) before(row schemaRow) *vdb.EngineTable {
	i, ok := s.was[row.root]
	if !ok || s.at[row.root] >= 0 {
		return nil
	}
	return &s.base.contents.Tables[i]
}

// firstTree returns the place of a table's first tree among all.
func (s *schemaEdit) firstTree(table int) int {
	n := 0
	for _, t := range s.base.contents.Tables[:table] {
		n += 1 + len(t.Schema().Indexes)
	}
	return n
}

// isUnchanged tells whether a table's declaration and its indexes are as before.
func (s *schemaEdit) isUnchanged(old *vdb.EngineTable, row schemaRow, indexes []schemaRow) bool {
	was := old.Schema()
	if was.Name != row.name || tableSQL(was) != row.sql || len(was.Indexes) != len(indexes) {
		return false
	}
	first := s.firstTree(s.was[row.root])
	byName := map[string]schemaRow{}
	for _, x := range indexes {
		byName[x.name] = x
	}
	for i := range was.Indexes {
		x, ok := byName[was.Indexes[i].Name]
		if !ok || x.sql != indexSQL(was, i) || x.root != s.base.trees[first+1+i].number(0) {
			return false
		}
	}
	return true
}

// rename keeps the identities of a table and its columns under their new names.
// Columns that stand where another stood, of a name that is gone, are renamed.
func (s *schemaEdit) rename(was, is *vdb.Schema) {
	if !strings.EqualFold(was.Name, is.Name) {
		s.edit.Renamed = append(s.edit.Renamed, vdb.EngineRename{Table: was.Name, To: is.Name})
	}
	if len(is.Columns) < len(was.Columns) {
		return
	}
	for i, c := range was.Columns {
		to := is.Columns[i].Name
		if !strings.EqualFold(c.Name, to) && is.Column(c.Name) < 0 && was.Column(to) < 0 {
			s.edit.Renamed = append(s.edit.Renamed, vdb.EngineRename{Table: is.Name, Column: c.Name, To: to})
		}
	}
}

// keepPolicies gives columns the merge policies that they had, of which SQL knows
// nothing: by their names, or, of those that were renamed, by their places.
func keepPolicies(was, is *vdb.Schema) {
	for i := range is.Columns {
		at := was.Column(is.Columns[i].Name)
		if at < 0 && i < len(was.Columns) && len(is.Columns) >= len(was.Columns) && is.Column(was.Columns[i].Name) < 0 {
			at = i
		}
		if at >= 0 {
			is.Columns[i].Merge = was.Columns[at].Merge
		}
	}
}

// lay makes the edits of a table that is new or has another schema.
func (s *schemaEdit) lay(row schemaRow, indexes []schemaRow, old *vdb.EngineTable, schema *vdb.Schema) error {
	roots := map[string]uint32{}
	for _, x := range indexes {
		roots[x.name] = x.root
	}
	sameRoot := map[int]int{}
	for i := range schema.Indexes {
		root := roots[schema.Indexes[i].Name]
		if table, ok := s.was[root]; ok && old != nil && table == s.was[row.root] && s.at[root] >= 0 {
			sameRoot[i] = s.at[root]
		}
	}
	t, rows, kept, err := s.db.engine.LayOut(schema, old, sameRoot)
	if err != nil {
		return err
	}
	te := vdb.EngineTableEdit{Table: t, Schema: schema}
	if !isSequenceTable(schema.Name) {
		te.Rows = s.items(t.Rows(), row.root, rows)
	}
	for i := range schema.Indexes {
		te.Indexes = append(te.Indexes, s.items(t.Index(i), roots[schema.Indexes[i].Name], kept[i]))
	}
	s.edit.Tables = append(s.edit.Tables, te)
	return nil
}

// items yields what makes a tree what is below a root page: what differs from
// before, or all.
func (s *schemaEdit) items(t vdb.EngineTree, root uint32, kept bool) vdb.EngineItems {
	switch {
	case !kept:
		return s.build(t, root)
	case s.dirty.Touched(root):
		return s.diff(t, root)
	}
	return nil
}
