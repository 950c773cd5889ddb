package sqlite

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// schemasTable is the name under which views and triggers appear among changed
// tables.
const schemasTable = "dolt_schemas"

// tableChange is a table that differs between two versions, or schemasTable.
type tableChange struct {
	vdb.TableChange
	diff *vdb.Diff
}

// changesOf lists the tables that differ, or only one of them.
func changesOf(d *vdb.Diff, only string) ([]tableChange, error) {
	var changes []tableChange
	for c, err := range d.Tables() {
		if err != nil {
			return nil, err
		}
		if only == "" || strings.EqualFold(only, c.From) || strings.EqualFold(only, c.To) {
			changes = append(changes, tableChange{c, d})
		}
	}
	if only != "" && !strings.EqualFold(only, schemasTable) {
		return changes, nil
	}
	c, err := objectChange(d)
	if c != nil {
		changes = append(changes, *c)
	}
	return changes, err
}

// objectChange tells how views and triggers differ; nil if they do not.
func objectChange(d *vdb.Diff) (*tableChange, error) {
	from, err := d.From().Objects()
	if err != nil {
		return nil, err
	}
	to, err := d.To().Objects()
	if err != nil || slices.Equal(from, to) {
		return nil, err
	}
	c := &tableChange{vdb.TableChange{Kind: vdb.Modified, From: schemasTable, To: schemasTable, Data: true}, d}
	switch {
	case len(from) == 0:
		c.Kind, c.From = vdb.Added, ""
	case len(to) == 0:
		c.Kind, c.To = vdb.Deleted, ""
	}
	return c, nil
}

// isObjects tells whether c stands for views and triggers.
func (c *tableChange) isObjects() bool { return c.FromSchema == nil && c.ToSchema == nil }

// data tells whether rows differ.
func (c *tableChange) data() (bool, error) {
	switch {
	case c.isObjects():
		return true, nil
	case c.Kind == vdb.Added:
		return c.ToRows > 0, nil
	case c.Kind == vdb.Deleted:
		return c.FromRows > 0, nil
	case !c.Data:
		return false, nil
	}
	for _, err := range c.diff.Rows(c.Name(), &vdb.RowsOptions{Limit: 1}) {
		return true, err
	}
	return false, nil
}

// schema tells whether the table's definition differs.
func (c *tableChange) schema() bool {
	if c.isObjects() {
		return c.Kind != vdb.Modified
	}
	return c.Kind != vdb.Modified || c.Renamed() || !c.Schema.IsEmpty() || c.FromSchema.SQL != c.ToSchema.SQL
}

// mustHaveTable refuses a table that neither version has.
func mustHaveTable(d *vdb.Diff, table string) error {
	if table == "" || strings.EqualFold(table, schemasTable) {
		return nil
	}
	for _, at := range []*vdb.Snapshot{d.From(), d.To()} {
		if _, err := at.Schema(table); !errors.Is(err, vdb.ErrNotFound) {
			return err
		}
	}
	return fmt.Errorf("table %s is at neither revision: %w", table, vdb.ErrNotFound)
}

// changeSet is what a commit changed, or what waits to be committed.
type changeSet struct {
	name   string      // the commit's hash, or WORKING or STAGED
	commit *vdb.Commit // nil for those two
	diff   *vdb.Diff
}

// signed returns committer, email, date and message.
func (c *changeSet) signed() []any {
	if c.commit == nil {
		return []any{nil, nil, nil, nil}
	}
	name, mail := signature(c.commit.Committer)
	return []any{name, mail, stamp(c.commit.CommitTime), c.commit.Text}
}

// changeSets yields the changes of the working set and of each commit in the
// connection's history, or only those that the first column of a query asks for.
func changeSets(s *session, w where) iter.Seq2[*changeSet, error] {
	return func(yield func(*changeSet, error) bool) {
		p, err := pastOf(s)
		if err != nil {
			yield(nil, err)
			return
		}
		only, one := w.is(0)
		if s.branch != "" {
			for _, at := range [][2]string{{"STAGED", "WORKING"}, {"HEAD", "STAGED"}} {
				if one && only != at[1] {
					continue
				}
				if !yield(&changeSet{name: at[1], diff: p.on.Diff(s.ctx(), at[0], at[1])}, nil) {
					return
				}
			}
		}
		q := &logQuery{past: p, from: []string{"HEAD"}}
		commits := q.commits()
		if one {
			commits = q.only(only)
		}
		for c, err := range commits {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&changeSet{c.Hash.String(), c, s.db.Show(s.ctx(), c.Hash.String())}, nil) {
				return
			}
		}
	}
}
