package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tableWorkspace is dolt_workspace_<table>: the rows that are not committed, staged
// ones first. An UPDATE of staged stages a row or takes it back, and a DELETE
// throws an unstaged change away:
//
//	UPDATE dolt_workspace_t SET staged = 1 WHERE to_id = 7
type tableWorkspace struct {
	tabBase
}

func newTableWorkspace(s *session, table string) module.Table {
	return &tableWorkspace{tabBase{s: s, table: table}}
}

var _ module.Writer = (*tableWorkspace)(nil)

// The columns before those of the table.
const (
	workspaceID = iota
	workspaceStaged
	workspaceType
	workspaceOwn
)

func (t *tableWorkspace) from() int { return workspaceOwn + len(t.shape.Columns) }
func (t *tableWorkspace) key() int  { return t.from() + len(t.shape.Columns) }

func (t *tableWorkspace) Columns() ([]module.Column, error) {
	if err := t.follow(); err != nil {
		return nil, err
	}
	columns := []module.Column{{Name: "id", Type: "INTEGER"}, {Name: "staged", Type: "INTEGER"}, {Name: "diff_type", Type: "TEXT"}}
	names := newTabNames("id", "staged", "diff_type")
	for _, half := range names.users(columnNames(t.shape.Schema), "to_", "from_") {
		for i, name := range half {
			c := t.shape.column(i, name)
			c.Push = module.PushNone // the rows are numbered
			columns = append(columns, c)
		}
	}
	return append(columns, names.argument("row_key")), nil
}

func (t *tableWorkspace) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	wanted, one := filterOn(filters, t.key())
	return func(yield func([]any, error) bool) {
		err := t.scan(func(row []any) bool {
			// SQLite takes the condition for an argument, and does not test it again.
			return one && row[t.key()] != wanted || yield(row, nil)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

func (t *tableWorkspace) scan(yield func([]any) bool) error {
	v, err := t.s.vantage()
	if err != nil || v.branch == nil {
		return err
	}
	n := int64(0)
	for _, half := range []struct {
		from, to string
		staged   int64
	}{{"HEAD", stagedName, 1}, {stagedName, workingName, 0}} {
		from, err := v.branch.AsOf(v.ctx, half.from)
		if err != nil {
			return err
		}
		to, err := v.branch.AsOf(v.ctx, half.to)
		if err != nil {
			return err
		}
		if err := t.half(from, to, half.staged, &n, yield); err != nil {
			return err
		}
	}
	return nil
}

// half yields the rows that differ between two versions, numbered on from n.
func (t *tableWorkspace) half(from, to *vdb.Snapshot, staged int64, n *int64, yield func([]any) bool) error {
	was, err := t.shape.match(from)
	if err != nil {
		return err
	}
	is, err := t.shape.match(to)
	if err != nil {
		return err
	}
	var name string
	switch {
	case is != nil:
		name = is.Name
	case was != nil:
		name = was.Name
	default:
		return nil
	}
	for change, err := range from.Diff(to).Rows(name) {
		if err != nil {
			return err
		}
		*n++
		row := make([]any, t.key()+1)
		row[workspaceID], row[workspaceStaged], row[workspaceType] = *n, staged, diffType(change.Kind)
		if change.To != nil {
			fillRow(row[workspaceOwn:], change.To, is.Columns)
		}
		if change.From != nil {
			fillRow(row[t.from():], change.From, was.Columns)
		}
		row[t.key()] = keyText(change.Key)
		if !yield(row) {
			return errStop
		}
	}
	return nil
}

func (t *tableWorkspace) Insert([]any) error {
	return fmt.Errorf("dolt_workspace_%s: write to the table itself", t.table)
}

// Update stages or unstages a row.
func (t *tableWorkspace) Update(old, updated []any) error {
	for i := range updated {
		if i != workspaceStaged && !sameAny(old[i], updated[i]) {
			return fmt.Errorf("dolt_workspace_%s: only staged can be set", t.table)
		}
	}
	is, err := truth(updated[workspaceStaged])
	if err != nil {
		return fmt.Errorf("dolt_workspace_%s: staged: %w", t.table, err)
	}
	if was, _ := truth(old[workspaceStaged]); was == is {
		return nil
	}
	key, err := t.rowKey(old)
	if err != nil {
		return err
	}
	source := workingName
	if !is {
		source = "HEAD"
	}
	return t.beside(func(ctx context.Context, b *vdb.Branch) error {
		from, err := b.AsOf(ctx, source)
		if err != nil {
			return err
		}
		return t.explain(b.UpdateStaged(ctx, func(tx *vdb.Tx) error { return t.copyRow(tx, from, key) }))
	})
}

// Delete makes a row of the working set what is staged of it.
func (t *tableWorkspace) Delete(old []any) error {
	if staged, _ := truth(old[workspaceStaged]); staged {
		return fmt.Errorf("dolt_workspace_%s: a staged row cannot be thrown away: set staged = 0 first", t.table)
	}
	key, err := t.rowKey(old)
	if err != nil {
		return err
	}
	return t.rewrite(func(ctx context.Context, b *vdb.Branch) error {
		from, err := b.AsOf(ctx, stagedName)
		if err != nil {
			return err
		}
		return t.explain(b.Update(ctx, func(tx *vdb.Tx) error { return t.copyRow(tx, from, key) }))
	})
}

// copyRow takes a row over. Where the table is not there at all, neither is the row.
func (t *tableWorkspace) copyRow(tx *vdb.Tx, from *vdb.Snapshot, key []any) error {
	if _, err := from.Schema(t.table); errors.Is(err, vdb.ErrNotFound) {
		return tx.Delete(t.table, key...)
	}
	return tx.CopyRows(from, t.table, key)
}

// explain says what to do where the table's schema is not staged.
func (t *tableWorkspace) explain(err error) error {
	if errors.Is(err, vdb.ErrInvalid) || errors.Is(err, vdb.ErrNotFound) {
		return fmt.Errorf("dolt_workspace_%s: the table was created, dropped or altered: stage it as a whole, SELECT dolt_add('%s'): %w", t.table, t.table, err)
	}
	return err
}

// rowKey returns the primary key of a row as it was scanned, or its rowid.
func (t *tableWorkspace) rowKey(row []any) ([]any, error) {
	if len(t.shape.PrimaryKey) == 0 {
		text, _ := row[t.key()].(string)
		rowid, err := strconv.ParseInt(text, 10, 64)
		return []any{rowid}, err
	}
	for _, side := range []int{workspaceOwn, t.from()} {
		if key, ok := keyIn(t.shape.Schema, row[side:]); ok {
			return key, nil
		}
	}
	return nil, fmt.Errorf("dolt_workspace_%s: a row without a primary key", t.table)
}

// truth reads a number as SQL's true or false.
func truth(v any) (bool, error) {
	switch x := v.(type) {
	case int64:
		return x != 0, nil
	case float64:
		return x != 0, nil
	}
	return false, fmt.Errorf("%v is neither 1 nor 0", v)
}
