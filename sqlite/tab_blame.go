package sqlite

import (
	"fmt"
	"iter"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tableBlame is dolt_blame_<table>: the keys of the rows at HEAD, each with the
// commit that changed the row last.
type tableBlame struct {
	tabBase
	key []int // the columns of the primary key
}

func newTableBlame(s *session, table string) module.Table {
	return &tableBlame{tabBase: tabBase{s: s, table: table}}
}

var blameColumns = []string{"commit", "commit_date", "committer", "email", "message"}

func (t *tableBlame) Columns() ([]module.Column, error) {
	if err := t.follow(); err != nil {
		return nil, err
	}
	if len(t.shape.PrimaryKey) == 0 {
		return nil, fmt.Errorf("dolt_blame_%s: the table has no primary key, so its rows have no identity; look in dolt_diff_%s", t.table, t.table)
	}
	t.key = nil
	var columns []module.Column
	for i, name := range newTabNames(blameColumns...).users(t.shape.PrimaryKey, "")[0] {
		t.key = append(t.key, t.shape.Column(t.shape.PrimaryKey[i]))
		c := t.shape.column(t.key[i], name)
		c.Unique = len(t.shape.PrimaryKey) == 1
		columns = append(columns, c)
	}
	return append(columns, textColumns(blameColumns...)...), nil
}

func (t *tableBlame) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	v, err := t.s.vantage()
	if err != nil {
		return failedRows(err)
	}
	head, err := v.head()
	if err != nil {
		return failedRows(err)
	}
	m, err := t.shape.match(v.db.At(v.ctx, head))
	if err != nil {
		return failedRows(err)
	}
	return func(yield func([]any, error) bool) {
		if m == nil {
			return // it is not committed yet
		}
		var r vdb.Range
		if m.SameKeys {
			r, _ = keyRange(t.shape.Schema, t.conds(filters))
		}
		for row, err := range v.db.BlameAt(v.ctx, head.Hash.String(), m.Name, r) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(t.values(m, &row), nil) {
				return
			}
		}
	}
}

// conds returns the conditions on the table's columns.
func (t *tableBlame) conds(filters []module.Filter) []tabCond {
	conds := condsOn(filters, 0, len(t.key))
	for i := range conds {
		conds[i].column = t.key[conds[i].column]
	}
	return conds
}

func (t *tableBlame) values(m *vdb.TableMatch, row *vdb.BlameRow) []any {
	values := make([]any, len(t.key), len(t.key)+len(blameColumns))
	for i, column := range t.key {
		if was := m.Columns[column]; was >= 0 {
			values[i] = row.Row[was].Any()
		}
	}
	c := row.Commit
	name, mail := splitPerson(c.Committer)
	return append(values, c.Hash.String(), dateText(c.CommitTime), name, mail, c.Text)
}
