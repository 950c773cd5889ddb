package sqlite

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tableAt is dolt_at_<table>(revision): the table as it was. Its columns are those
// that the table has or had in the connection's history, under the names and with
// the values of then; what the revision does not have is NULL.
type tableAt struct {
	tabBase
	columns []vdb.Column
}

func newTableAt(s *session, table string) module.Table {
	return &tableAt{tabBase: tabBase{s: s, table: table}}
}

func (t *tableAt) Columns() ([]module.Column, error) {
	v, err := t.s.vantage()
	if err != nil {
		return nil, err
	}
	schemas, err := t.schemas(v)
	if err != nil {
		return nil, err
	}
	union := &columnUnion{pushes: map[string]module.Push{}}
	for _, s := range schemas {
		union.add(s)
	}
	t.columns = union.columns
	names := newTabNames()
	var columns []module.Column
	for i, name := range names.users(columnNames(&vdb.Schema{Columns: t.columns}), "")[0] {
		c := t.columns[i]
		columns = append(columns, module.Column{Name: name, Type: c.Type, Collation: c.Collation, Push: union.pushes[strings.ToLower(name)]})
	}
	revision := names.argument("commit_ref")
	revision.Required = true
	return append(columns, revision), nil
}

// schemas returns the schemas of the table whose columns it has, newest first.
func (t *tableAt) schemas(v *vantage) ([]*vdb.Schema, error) {
	if err := t.follow(); err != nil {
		return nil, err
	}
	head, err := v.head()
	if err != nil {
		return nil, err
	}
	schemas := []*vdb.Schema{t.shape.Schema}
	seen := map[*vdb.Schema]bool{t.shape.Schema: true}
	for c, err := range v.commits(head) {
		if err != nil {
			return nil, err
		}
		m, err := t.shape.match(v.db.At(v.ctx, c))
		if err != nil {
			return nil, err
		}
		if m != nil && !seen[m.Schema] {
			seen[m.Schema] = true
			schemas = append(schemas, m.Schema)
		}
	}
	return schemas, nil
}

// columnUnion is the columns of several schemas, each name once.
type columnUnion struct {
	columns []vdb.Column
	pushes  map[string]module.Push // by folded name
}

func (u *columnUnion) add(s *vdb.Schema) {
	for _, c := range s.Columns {
		if _, ok := u.pushes[strings.ToLower(c.Name)]; !ok {
			u.columns = append(u.columns, c)
			u.pushes[strings.ToLower(c.Name)] = module.PushNone
		}
	}
	for _, x := range s.Indexes {
		for _, c := range x.Columns {
			u.push(c.Name, module.PushEQ)
		}
	}
	for _, name := range s.PrimaryKey {
		u.push(name, module.PushRange)
	}
}

func (u *columnUnion) push(name string, p module.Push) {
	name = strings.ToLower(name)
	u.pushes[name] = max(u.pushes[name], p)
}

// open finds the table at a revision: by its name, or by the name it had then.
func (t *tableAt) open(v *vantage, rev any) (*vdb.Snapshot, *vdb.Schema, error) {
	at, err := v.argument(rev)
	if err != nil {
		return nil, nil, err
	}
	schema, err := at.snap.Schema(t.table)
	if !errors.Is(err, vdb.ErrNotFound) {
		return at.snap, schema, err
	}
	m, err := t.shape.match(at.snap)
	if err == nil && m == nil {
		err = fmt.Errorf("no table %s at revision %v", t.table, rev)
	}
	if err != nil {
		return nil, nil, err
	}
	return at.snap, m.Schema, nil
}

func (t *tableAt) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	v, err := t.s.vantage()
	if err != nil {
		return failedRows(err)
	}
	rev, _ := filterOn(filters, len(t.columns))
	snap, schema, err := t.open(v, rev)
	if err != nil {
		return failedRows(err)
	}
	columns := t.positions(schema)
	r := t.rowRange(schema, condsOn(filters, 0, len(t.columns)), columns)
	return func(yield func([]any, error) bool) {
		for row, err := range snap.Rows(schema.Name, r) {
			if err != nil {
				yield(nil, err)
				return
			}
			values := make([]any, len(columns))
			fillRow(values, row, columns)
			if !yield(values, nil) {
				return
			}
		}
	}
}

// positions returns where each column stands in a schema; -1 where it is absent.
func (t *tableAt) positions(s *vdb.Schema) []int {
	positions := make([]int, len(t.columns))
	for i, c := range t.columns {
		positions[i] = s.Column(c.Name)
	}
	return positions
}

// rowRange returns the rows that conditions leave, by the primary key or else by
// an index that the table had then.
func (t *tableAt) rowRange(s *vdb.Schema, conds []tabCond, positions []int) vdb.Range {
	var then []tabCond
	for _, c := range conds {
		was := positions[c.column]
		// What the condition means in another type or collation is not what the key has.
		if was >= 0 && strings.EqualFold(s.Columns[was].Type, t.columns[c.column].Type) &&
			sameCollation(s.Columns[was].Collation, t.columns[c.column].Collation) {
			then = append(then, tabCond{was, c.op, c.value})
		}
	}
	r, whole := keyRange(s, then)
	if !whole {
		if byIndex := indexRange(s, then); len(byIndex.Prefix) > len(r.Prefix) {
			return byIndex
		}
	}
	return r
}
