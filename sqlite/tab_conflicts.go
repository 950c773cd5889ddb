package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tableConflicts is dolt_conflicts_<table>: the rows that a merge in progress left
// in conflict. An UPDATE of an our_ column writes the row of the working set, and
// a DELETE settles the conflict with that row as it is:
//
//	UPDATE dolt_conflicts_t SET our_price = their_price WHERE our_id = 7
//	DELETE FROM dolt_conflicts_t WHERE our_id = 7
type tableConflicts struct {
	tabBase
}

func newTableConflicts(s *session, table string) module.Table {
	return &tableConflicts{tabBase{s: s, table: table}}
}

var _ module.Writer = (*tableConflicts)(nil)

// Where the columns of each side begin. Ours and theirs are followed by a diff
// type.
func (t *tableConflicts) base() int   { return 1 }
func (t *tableConflicts) ours() int   { return 1 + len(t.shape.Columns) }
func (t *tableConflicts) theirs() int { return t.ours() + len(t.shape.Columns) + 1 }
func (t *tableConflicts) id() int     { return t.theirs() + len(t.shape.Columns) + 1 }

func (t *tableConflicts) Columns() ([]module.Column, error) {
	if err := t.follow(); err != nil {
		return nil, err
	}
	names := newTabNames("from_root_ish", "our_diff_type", "their_diff_type", "dolt_conflict_id")
	named := names.users(columnNames(t.shape.Schema), "base_", "our_", "their_")
	columns := textColumns("from_root_ish")
	for i, then := range [][]string{nil, {"our_diff_type"}, {"their_diff_type", "dolt_conflict_id"}} {
		for j, name := range named[i] {
			c := t.shape.column(j, name)
			c.Push = module.PushNone
			columns = append(columns, c)
		}
		columns = append(columns, textColumns(then...)...)
	}
	return columns, nil
}

func (t *tableConflicts) Scan([]module.Filter) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		err := t.scan(func(row []any) bool { return yield(row, nil) })
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

func (t *tableConflicts) scan(yield func([]any) bool) error {
	v, err := t.s.vantage()
	if err != nil || v.branch == nil {
		return err
	}
	merged, err := v.branch.ConflictSchema(v.ctx, t.table)
	if errors.Is(err, vdb.ErrNotMerging) || errors.Is(err, vdb.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	merge, err := v.branch.Merging(v.ctx)
	if err != nil {
		return err
	}
	working, err := v.branch.Snapshot(v.ctx)
	if err != nil {
		return err
	}
	for c, err := range v.branch.Conflicts(v.ctx) {
		if err != nil {
			return err
		}
		if c.Reason != "" || !strings.EqualFold(c.Table, merged.Name) {
			continue
		}
		row, err := t.row(&c, merged, merge.Theirs, working)
		if err != nil {
			return err
		}
		if !yield(row) {
			return errStop
		}
	}
	return nil
}

// row shows a conflict. Ours is the row of the working set, which may have been
// edited since the merge.
func (t *tableConflicts) row(c *vdb.Conflict, merged *vdb.Schema, theirs *vdb.Commit, working *vdb.Snapshot) ([]any, error) {
	row := make([]any, t.id()+1)
	row[0] = theirs.Hash.String()
	t.side(row, t.base(), c.Base, merged)
	t.side(row, t.theirs(), c.Theirs, merged)
	row[t.id()-1] = sideType(c.Base, c.Theirs)
	row[t.id()] = keyText(c.Key)
	schema, err := working.Schema(t.table)
	if errors.Is(err, vdb.ErrNotFound) {
		return row, nil
	}
	if err != nil {
		return nil, err
	}
	ours, err := working.Get(t.table, anyKey(c.Key)...)
	if err != nil && !errors.Is(err, vdb.ErrNotFound) {
		return nil, err
	}
	t.side(row, t.ours(), ours, schema)
	row[t.theirs()-1] = sideType(c.Base, ours)
	return row, nil
}

// side fills in a side's columns, which are found by their names.
func (t *tableConflicts) side(row []any, at int, values vdb.Row, s *vdb.Schema) {
	if values == nil {
		return
	}
	for i, c := range t.shape.Columns {
		if from := s.Column(c.Name); from >= 0 {
			row[at+i] = values[from].Any()
		}
	}
}

// sideType says what a side did to the row.
func sideType(base, side vdb.Row) string {
	switch {
	case base == nil:
		return "added"
	case side == nil:
		return "removed"
	}
	return "modified"
}

func anyKey(key []vdb.Value) []any {
	vals := make([]any, len(key))
	for i, v := range key {
		vals[i] = v.Any()
	}
	return vals
}

// keyText names a row by the values of its key.
func keyText(key []vdb.Value) string {
	parts := make([]string, len(key))
	for i, v := range key {
		switch v.Kind() {
		case vdb.KindText:
			parts[i] = "'" + strings.ReplaceAll(v.Text(), "'", "''") + "'"
		case vdb.KindBlob:
			parts[i] = fmt.Sprintf("x'%X'", v.Bytes())
		default:
			parts[i] = fmt.Sprint(v.Any())
		}
	}
	return strings.Join(parts, ",")
}

// key returns the primary key of a row as it was scanned, or its rowid.
func (t *tableConflicts) key(row []any) ([]any, error) {
	if len(t.shape.PrimaryKey) == 0 {
		text, _ := row[t.id()].(string)
		rowid, err := strconv.ParseInt(text, 10, 64)
		return []any{rowid}, err
	}
	for _, side := range []int{t.base(), t.ours(), t.theirs()} {
		if key, ok := keyIn(t.shape.Schema, row[side:]); ok {
			return key, nil
		}
	}
	return nil, fmt.Errorf("dolt_conflicts_%s: a row without a primary key", t.table)
}

// keyIn picks the primary key from values by column; false if there is none.
func keyIn(s *vdb.Schema, values []any) (key []any, ok bool) {
	for _, name := range s.PrimaryKey {
		v := values[s.Column(name)]
		if v == nil {
			return nil, false
		}
		key = append(key, v)
	}
	return key, true
}

func (t *tableConflicts) Insert([]any) error {
	return fmt.Errorf("dolt_conflicts_%s: conflicts come from merges; they can be updated and deleted", t.table)
}

// Delete settles a conflict with the row of the working set.
func (t *tableConflicts) Delete(old []any) error {
	key, err := t.key(old)
	if err != nil {
		return err
	}
	return t.beside(func(ctx context.Context, b *vdb.Branch) error {
		return b.ResolveConflicts(ctx, vdb.Resolution{Table: t.table, Keys: [][]any{key}, Take: vdb.Working})
	})
}

// Update writes the row of the working set.
func (t *tableConflicts) Update(old, updated []any) error {
	key, err := t.key(old)
	if err != nil {
		return err
	}
	first, last := t.ours(), t.ours()+len(t.shape.Columns)
	for i := range updated {
		if (i < first || i >= last) && !sameAny(old[i], updated[i]) {
			return fmt.Errorf("dolt_conflicts_%s: only the our_ columns can be set", t.table)
		}
	}
	return t.rewrite(func(ctx context.Context, b *vdb.Branch) error {
		return b.Update(ctx, func(tx *vdb.Tx) error { return t.write(tx, key, updated[first:last]) })
	})
}

// write makes the row of a key what ours shall be: none if all of it is NULL.
func (t *tableConflicts) write(tx *vdb.Tx, key, ours []any) error {
	if allNull(ours) {
		err := tx.Delete(t.table, key...)
		if errors.Is(err, vdb.ErrNotFound) {
			return nil
		}
		return err
	}
	schema, err := tx.Schema(t.table)
	if err != nil {
		return err
	}
	if own, ok := keyIn(t.shape.Schema, ours); len(schema.PrimaryKey) > 0 && (!ok || !sameKey(own, key)) {
		return fmt.Errorf("dolt_conflicts_%s: the primary key cannot be changed; set all of it to make the row", t.table)
	}
	row, err := tx.Get(t.table, key...)
	if errors.Is(err, vdb.ErrNotFound) {
		row, err = make(vdb.Row, len(schema.Columns)), nil
	} else if len(schema.PrimaryKey) == 0 && err == nil {
		return t.writeKeyless()
	}
	if err != nil {
		return err
	}
	for i, c := range t.shape.Columns {
		if at := schema.Column(c.Name); at >= 0 {
			if row[at], err = vdb.ValueOf(ours[i]); err != nil {
				return err
			}
		}
	}
	return tx.Put(t.table, row)
}

// writeKeyless refuses to write a row that has no key to be written under.
func (t *tableConflicts) writeKeyless() error {
	return fmt.Errorf("dolt_conflicts_%s: the table has no primary key: write to the table itself, then delete the conflict", t.table)
}

func allNull(values []any) bool {
	for _, v := range values {
		if v != nil {
			return false
		}
	}
	return true
}

// sameAny compares two values as columns have them.
func sameAny(a, b any) bool {
	x, errX := vdb.ValueOf(a)
	y, errY := vdb.ValueOf(b)
	return errX == nil && errY == nil && x.Equal(y)
}

func sameKey(a, b []any) bool {
	for i := range a {
		if !sameAny(a[i], b[i]) {
			return false
		}
	}
	return true
}
