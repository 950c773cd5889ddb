package sqlite

import (
	"errors"
	"iter"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tableHistory is dolt_history_<table>: the rows that the table had at each commit
// of the history, of HEAD or of the revision that is its argument.
type tableHistory struct {
	tabBase
}

func newTableHistory(s *session, table string) module.Table {
	return &tableHistory{tabBase{s: s, table: table}}
}

func (t *tableHistory) Columns() ([]module.Column, error) {
	if err := t.follow(); err != nil {
		return nil, err
	}
	names := newTabNames("commit_hash", "committer", "commit_date")
	var columns []module.Column
	for i, name := range names.users(columnNames(t.shape.Schema), "")[0] {
		columns = append(columns, t.shape.column(i, name))
	}
	columns = append(columns, textColumns("commit_hash", "committer", "commit_date")...)
	columns[len(t.shape.Columns)].Push = module.PushEQ
	return append(columns, names.argument("start_ref")), nil
}

func (t *tableHistory) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		v, err := t.s.vantage()
		if err != nil {
			yield(nil, err)
			return
		}
		n := len(t.shape.Columns)
		scan := &historyScan{t: t, v: v, conds: condsOn(filters, 0, n)}
		for c, err := range scan.commits(filters) {
			if err == nil {
				err = scan.rows(c, yield)
			}
			if errors.Is(err, errStop) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// historyScan is one scan of a tableHistory.
type historyScan struct {
	t     *tableHistory
	v     *vantage
	conds []tabCond

	// last is the table at the commit before, and one the row that it had there,
	// when one key is asked for: most commits leave it alone.
	last *vdb.TableMatch
	one  vdb.Row
}

// commits yields the commits that the conditions leave.
func (h *historyScan) commits(filters []module.Filter) iter.Seq2[*vdb.Commit, error] {
	return func(yield func(*vdb.Commit, error) bool) {
		start, err := h.start(filters)
		if err != nil {
			yield(nil, err)
			return
		}
		if name, ok := filterOn(filters, len(h.t.shape.Columns)); ok {
			c, err := h.v.reached(name, start)
			if c != nil || err != nil {
				yield(c, err)
			}
			return
		}
		for c, err := range h.v.commits(start) {
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// start returns the commit whose history is asked for.
func (h *historyScan) start(filters []module.Filter) (*vdb.Commit, error) {
	rev, ok := filterOn(filters, len(h.t.shape.Columns)+3)
	if !ok {
		return h.v.head()
	}
	text, ok := rev.(string)
	if !ok {
		return nil, errors.New("dolt_history_" + h.t.table + ": write the revision as text")
	}
	return h.v.resolve(text)
}

// rows yields the rows at a commit.
func (h *historyScan) rows(c *vdb.Commit, yield func([]any, error) bool) error {
	snap := h.v.db.At(h.v.ctx, c)
	m, err := h.t.shape.match(snap)
	if err != nil || m == nil {
		return err
	}
	var r vdb.Range
	whole := false
	if m.SameKeys {
		r, whole = keyRange(h.t.shape.Schema, h.conds)
	}
	if whole {
		return h.row(c, snap, m, r.Prefix, yield)
	}
	for row, err := range snap.Rows(m.Name, r) {
		if err != nil {
			return err
		}
		if !yield(h.values(c, m, row), nil) {
			return errStop
		}
	}
	return nil
}

// row yields the one row of a key, if it was there.
func (h *historyScan) row(c *vdb.Commit, snap *vdb.Snapshot, m *vdb.TableMatch, key []any, yield func([]any, error) bool) error {
	if h.last == nil || h.last.Rows != m.Rows || h.last.Schema != m.Schema {
		row, err := snap.Get(m.Name, key...)
		if err != nil && !errors.Is(err, vdb.ErrNotFound) {
			return err
		}
		h.last, h.one = m, row
	}
	if h.one != nil && !yield(h.values(c, m, h.one), nil) {
		return errStop
	}
	return nil
}

func (h *historyScan) values(c *vdb.Commit, m *vdb.TableMatch, row vdb.Row) []any {
	n := len(h.t.shape.Columns)
	values := make([]any, n+3)
	fillRow(values, row, m.Columns)
	name, _ := splitPerson(c.Committer)
	values[n], values[n+1], values[n+2] = c.Hash.String(), name, dateText(c.CommitTime)
	return values
}
