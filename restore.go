package vdb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vdbgo/vdb/nbs"
)

// Restore says which rows Branch.Restore puts back, and how. Rows are selected
// by a table, by conditions, or by both. The zero value of each other field
// asks for nothing.
type Restore struct {
	// From is the revision at which the rows were right.
	From string
	// Table is the table to restore, by its name at From or now. Empty: every
	// table that has all the columns of Where.
	Table string
	// Range bounds the rows of Table by its primary key or, with Index, by an
	// index that it had at From.
	Range Range
	// Where selects rows in which each of these columns has its value, compared
	// as SQL does in that column; nil selects NULL.
	Where map[string]any
	// Match selects the rows of Table for which it returns true. It is given the
	// row as it was, in the column order of then. With Exact it is also given
	// rows of now. It may be called more than once for a row.
	Match func(Row) bool
	// Follow goes along the foreign keys that there were at From: rows that
	// referred to a selected row are put back too, those that referred to them,
	// and so on; and so are missing rows that a restored row refers to.
	Follow bool
	// Exact also removes, or puts back, rows that are selected now and were not
	// then. By default rows that came later stay. It is refused for a table whose
	// primary key was changed since.
	Exact bool
	// CountOnly leaves Restored.Changes empty, where there may be many.
	CountOnly bool
	// DryRun changes nothing; the result is what would be done.
	DryRun bool
	// Message, if not nil, makes a commit of the restored rows, and of them only,
	// on top of the head; other uncommitted changes stay uncommitted. An empty
	// Text is filled in. If nil the rows are put back in the working set.
	Message *Message
}

// Restored is what a Restore did, or would do.
type Restored struct {
	// Changes are the rows that were put back, table by table.
	Changes []RestoredRow
	// Counts is how many rows of each table were put back.
	Counts map[string]Counts
	// Tables are those that had been dropped and were made again.
	Tables []string
	// Commit is the commit made; nil if none was asked for.
	Commit *Commit
}

// RestoredRow is a row that was put back: From is the row that it replaced, To
// the row as it was, both in the columns that the table has now.
type RestoredRow struct {
	Table string
	RowChange
}

// Restore puts rows back as they were at a revision and touches nothing else.
// Columns that were added since keep what they hold, those dropped since stay
// dropped. Triggers do not fire: what they wrote once are rows of other tables. Full-text
// indexes of restored rows are made anew; rows of an R*Tree cannot be restored. All is done in one transaction, which is run again if others commit
// changes to the same rows meanwhile.
//
// If a rule would be broken a *ConstraintError lists the rows, and nothing is
// changed. With a Message it is ErrNothingToCommit if all rows are as they were,
// and both ErrUncommitted and ErrConflict if rows to be put back have uncommitted
// changes.
//
// Rows of a table without a primary key have no identity: one that is gone is
// added again, and none that is there is overwritten.
func (b *Branch) Restore(ctx context.Context, r Restore) (*Restored, error) {
	op := fmt.Sprintf("restore on branch %s from %s", b.name, r.From)
	if err := r.check(); err != nil {
		return nil, opError(op, err)
	}
	refs, err := b.db.refs(ctx)
	if err != nil {
		return nil, opError(op, err)
	}
	at, err := b.db.resolve(ctx, refs, b.name, r.From)
	if err != nil {
		return nil, opError(op, err)
	}
	done, err := b.restore(ctx, &r, at.version)
	if err != nil {
		return nil, inOp(op, err)
	}
	return done, nil
}

func (r *Restore) check() error {
	switch {
	case r.Table == "" && len(r.Where) == 0:
		return invalidf("neither a table nor a condition is given")
	case r.Table == "" && (r.Match != nil || r.Range.Index != "" || len(r.Range.Prefix)+len(r.Range.From)+len(r.Range.To) > 0):
		return invalidf("Range and Match need a table")
	case r.Message != nil:
		return r.Message.mustBeWhole()
	}
	return nil
}

func (b *Branch) restore(ctx context.Context, r *Restore, at version) (done *Restored, err error) {
	switch {
	case r.DryRun:
		return b.restoreDry(ctx, r, at)
	case r.Message != nil:
		return b.restoreCommit(ctx, r, at)
	}
	err = b.Update(ctx, func(tx *Tx) error {
		done, err = tx.restore(r, at)
		return err
	})
	return done, err
}

func (b *Branch) restoreDry(ctx context.Context, r *Restore, at version) (*Restored, error) {
	w := b.db.blocks.NewWriter()
	state, err := b.state(ctx)
	if err != nil {
		return nil, err
	}
	onto := state.working
	if r.Message != nil {
		head, err := loadCommit(ctx, b.db.blocks, state.head)
		if err != nil {
			return nil, err
		}
		onto = head.version()
	}
	tx := b.db.beginWith(ctx, w, b.name, onto)
	defer tx.Rollback()
	done, err := tx.restore(r, at)
	if err != nil {
		return nil, err
	}
	next, err := tx.save()
	if err != nil {
		return nil, err
	}
	return done, b.db.verify(ctx, tx.store, onto, next)
}

func (b *Branch) restoreCommit(ctx context.Context, r *Restore, at version) (*Restored, error) {
	m := *r.Message
	if m.Text == "" {
		m.Text = "Restore rows from " + r.From
	}
	var done *Restored
	made, err := b.onTop(ctx, func(ctx context.Context, w *nbs.Writer, head *Commit) ([]commitDraft, error) {
		tx := b.db.beginWith(ctx, w, b.name, head.version())
		var err error
		if done, err = tx.restore(r, at); err != nil {
			return nil, err
		}
		next, err := tx.save()
		if err != nil || next == head.version() && !m.AllowEmpty {
			return nil, err
		}
		return []commitDraft{{message: m, version: next}}, b.db.verify(ctx, w, head.version(), next)
	})
	if err != nil {
		return nil, err
	}
	done.Commit = made[0]
	return done, nil
}

// restoration puts rows back in a transaction.
type restoration struct {
	*Restore
	tx     *Tx
	was    *Snapshot
	tables map[string]*restoreTable // by identity
	// The virtual tables of was and of the transaction.
	virtualThen, virtualNow virtualTables
	order                   []*restoreTable
	done                    *Restored
}

func (tx *Tx) restore(r *Restore, at version) (*Restored, error) {
	x := &restoration{Restore: r, tx: tx, was: tx.db.at(tx.ctx, at), tables: map[string]*restoreTable{}, done: &Restored{Counts: map[string]Counts{}}}
	if err := x.findVirtual(); err != nil {
		return nil, err
	}
	targets, err := x.targets()
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if err := x.selectRows(t); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name(), err)
		}
	}
	if x.Follow {
		if err := x.follow(); err != nil {
			return nil, err
		}
	}
	for _, t := range x.order {
		if err := x.put(t); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name(), err)
		}
	}
	return x.done, tx.rederive(slices.Collect(maps.Keys(x.done.Counts))...)
}

func (x *restoration) findVirtual() (err error) {
	if x.virtualThen, err = x.was.virtualTables(); err != nil {
		return err
	}
	x.virtualNow, err = x.tx.virtualTables()
	return err
}

// restoreTable is a table as it was and as it is; nil where it is absent.
type restoreTable struct {
	was, now *tableView
	conv     *converter // from was to now; nil unless both are there
	keys     [][]byte   // selected rows, by their keys then; by those of now where was is nil
	seen     map[string]bool
	followed int           // keys whose dependents have been selected
	rooted   int           // keys whose parents have been selected
	virtual  *virtualTable // whose rows these are, if they are a virtual table's
}

func (t *restoreTable) name() string {
	if t.now != nil {
		return t.now.schema.Name
	}
	return t.was.schema.Name
}

// sameKeys tells that a row's key is what it was.
func (t *restoreTable) sameKeys() bool { return t.conv != nil && t.conv.sameKeys }

// add selects a row, and tells whether it is new.
func (t *restoreTable) add(key []byte) bool {
	if t.seen[string(key)] {
		return false
	}
	key = bytes.Clone(key)
	t.seen[string(key)] = true
	t.keys = append(t.keys, key)
	return true
}

// table returns the table that has the name in s, which is was or the transaction's.
func (x *restoration) table(s *Snapshot, name string) (*restoreTable, error) {
	ids, err := s.storedIDs()
	if err != nil {
		return nil, err
	}
	id := ids.table(name)
	if t := x.tables[id]; t != nil {
		return t, nil
	}
	t := &restoreTable{seen: map[string]bool{}}
	if !sameName(name, x.Table) {
		t.virtual = x.virtualIn(s).keptIn(name)
	}
	one, err := s.table(name)
	if err != nil {
		return nil, err
	}
	if s == x.was {
		t.was = one
		t.now, err = s.twin(name, x.tx.Snapshot)
	} else {
		t.now = one
		t.was, err = s.twin(name, x.was)
	}
	if err != nil {
		return nil, err
	}
	if t.was != nil && t.now != nil {
		if t.conv, err = x.was.converterTo(t.was, x.tx.Snapshot, t.now); err != nil {
			return nil, err
		}
	}
	x.tables[id] = t
	x.order = append(x.order, t)
	return t, nil
}

// virtualIn returns the virtual tables of s, which is was or the transaction's.
func (x *restoration) virtualIn(s *Snapshot) virtualTables {
	if s == x.was {
		return x.virtualThen
	}
	return x.virtualNow
}

// targets lists the tables to select rows from.
func (x *restoration) targets() ([]*restoreTable, error) {
	if x.Table != "" {
		t, err := x.target(x.Table)
		return []*restoreTable{t}, err
	}
	var targets []*restoreTable
	for _, s := range []*Snapshot{x.was, x.tx.Snapshot} {
		names, err := s.Tables()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if x.virtualIn(s).deriving(name) != nil {
				continue
			}
			t, err := x.table(s, name)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(targets, t) && x.hasColumns(t) {
				targets = append(targets, t)
			}
		}
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("no table has the columns %v: %w", slices.Sorted(maps.Keys(x.Where)), ErrNotFound)
	}
	return targets, nil
}

func (x *restoration) target(name string) (*restoreTable, error) {
	t, err := x.tableRows(x.was, name)
	if isNotFound(err) {
		if t, err = x.tableRows(x.tx.Snapshot, name); err == nil && t.was == nil {
			err = fmt.Errorf("table %s was not there at %s: %w", name, x.From, ErrNotFound)
		}
	}
	if err != nil {
		return nil, err
	}
	for name := range x.Where {
		if !t.hasColumn(name) {
			return nil, fmt.Errorf("table %s: column %s: %w", t.name(), name, ErrNotFound)
		}
	}
	return t, nil
}

// tableRows returns the table that has the rows of the one, perhaps a virtual one, that
// has the name in s.
func (x *restoration) tableRows(s *Snapshot, name string) (*restoreTable, error) {
	name, err := x.virtualIn(s).rowsOf(name)
	if err != nil {
		return nil, err
	}
	return x.table(s, name)
}

func (x *restoration) hasColumns(t *restoreTable) bool {
	for name := range x.Where {
		if !t.hasColumn(name) {
			return false
		}
	}
	return true
}

func (t *restoreTable) hasColumn(name string) bool {
	_, then := t.columnThen(name)
	_, now := t.columnNow(name)
	return t.was != nil && then || t.was == nil && now
}

// columnThen finds a column by its name then or now.
func (t *restoreTable) columnThen(name string) (int, bool) {
	if t.was == nil {
		return 0, false
	}
	name = t.virtual.column(name)
	if i, err := t.was.column(name); err == nil {
		return i, true
	}
	if t.now != nil {
		if i, err := t.now.column(name); err == nil && t.conv.source[i] >= 0 {
			return t.conv.source[i], true
		}
	}
	return 0, false
}

// columnNow is where the column that columnThen finds is now.
func (t *restoreTable) columnNow(name string) (int, bool) {
	if t.now == nil {
		return 0, false
	}
	then, ok := t.columnThen(name)
	if !ok {
		i, err := t.now.column(t.virtual.column(name))
		return i, err == nil
	}
	i := slices.Index(t.conv.source, then)
	return i, i >= 0
}
