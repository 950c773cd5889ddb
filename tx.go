package vdb

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// Tx is a transaction on a branch's working set. It reads a snapshot and its
// own writes; nobody else sees them before it commits. It is for one goroutine
// at a time, and must not be used after it has ended.
//
// Where a table has triggers a row is written by an SQL statement on the
// transaction's own state, which needs package sqlite: Insert by INSERT, Update by an
// UPDATE of all columns but the key's, or of those that a struct has, Put by an UPDATE
// if the row is there and else by INSERT, Delete by DELETE. What the triggers do to
// other tables is part of the transaction, to be read in it, to be merged or run again
// when races are lost. A write that a trigger or a rule of SQL refuses is an
// ErrConstraint and changes nothing, and the transaction can go on; but RAISE(FAIL)
// leaves what was done before it, and RAISE(ROLLBACK) ends the transaction, as in SQL.
// UNIQUE and CHECK hold for such a write at once, not only at Commit. The first one of
// a transaction costs more than half a millisecond, and others about what they do in
// SQL; to read in between adds what a small SQL COMMIT costs.
type Tx struct {
	*Snapshot
	branch  string
	writer  *nbs.Writer
	ids     *identities // a copy of its own once DDL changed it
	newIDs  bool
	touched map[*tableView]bool
	// oneTable is the table written last, which saves small transactions a map look-up.
	oneTable *tableView
	pending  int // bytes of edits in memory
	inSQL    inSQL
}

// flushBytes is how much a transaction holds in memory before it applies its
// edits to the trees.
const flushBytes = 24 << 20

// updateAttempts is how often Update runs its function before it gives up.
const updateAttempts = 100

// Update runs fn in a transaction and commits it to the branch's working set,
// durably. If fn fails nothing is changed and its error is returned.
//
// Other transactions may commit while fn runs. If they touched other rows, or
// other columns of the same rows, both take effect. If they changed the same
// cell, fn is run again on the newer state: it must not keep results of an
// earlier run. A *ConstraintError lists the rows because of which a commit was
// refused.
func (b *Branch) Update(ctx context.Context, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		if attempt == patience {
			leave, err := b.db.takeTurn(ctx, b.name)
			if err != nil {
				return opError("update branch "+b.name, err)
			}
			defer leave()
		}
		err := b.updateOnce(ctx, fn)
		if !errors.Is(err, errLostRace) {
			return err
		}
		if attempt == updateAttempts {
			return opError("update branch "+b.name, err)
		}
		if err := ctx.Err(); err != nil {
			return opError("update branch "+b.name, err)
		}
	}
}

// patience is the attempt from which on Update takes turns with others that lost
// races on the branch, so that none of them starves.
const patience = 4

// turns are places to wait in: one for each branch, more or less.
type turns [64]chan struct{}

func newTurns() *turns {
	var t turns
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return &t
}

// longestTurn is how long one waits for a turn. It bounds what a slow function
// costs the others, and lets a transaction run inside of another's.
const longestTurn = time.Second

// takeTurn waits until no other transaction of this process that lost races on
// the branch is running, but not for ever. The caller must leave.
func (db *DB) takeTurn(ctx context.Context, branch string) (leave func(), err error) {
	h := fnv.New32a()
	h.Write([]byte(branch))
	turn := db.turns[h.Sum32()%uint32(len(db.turns))]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-time.After(longestTurn):
		return func() {}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *Branch) updateOnce(ctx context.Context, fn func(*Tx) error) error {
	tx, err := b.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// View runs fn on a snapshot of the branch's working set.
func (b *Branch) View(ctx context.Context, fn func(*Snapshot) error) error {
	s, err := b.Snapshot(ctx)
	if err != nil {
		return err
	}
	return fn(s)
}

// Snapshot returns the branch's working set as it is now.
func (b *Branch) Snapshot(ctx context.Context) (*Snapshot, error) {
	r, err := b.db.refs(ctx)
	if err != nil {
		return nil, opError("read branch "+b.name, err)
	}
	state, err := r.branch(ctx, b.name)
	if err != nil {
		return nil, opError("read branch "+b.name, err)
	}
	return b.db.newSnapshot(ctx, r.store, state.working), nil
}

// Begin starts a transaction. It must be ended by Commit or Rollback. Prefer
// Update, which runs again when a race is lost.
func (b *Branch) Begin(ctx context.Context) (*Tx, error) {
	w := b.db.blocks.NewWriter() // before the state: it holds what that leads to
	state, err := b.state(ctx)
	if err != nil {
		return nil, opError("begin on branch "+b.name, err)
	}
	return b.db.beginWith(ctx, w, b.name, state.working), nil
}

// beginWith starts a transaction whose chunks go to w.
//
//go:noinline // a program is smaller by its copies
func (db *DB) beginWith(ctx context.Context, w *nbs.Writer, branch string, v version) *Tx {
	return &Tx{Snapshot: db.newSnapshot(ctx, w, v), branch: branch, writer: w, touched: map[*tableView]bool{}}
}

// Rollback ends the transaction and forgets its writes. After Commit it does nothing.
func (tx *Tx) Rollback() {
	if tx.done {
		return
	}
	tx.done = true
	tx.closeSQL()
	tx.writer.Discard()
}

// Commit ends the transaction and makes its writes durable and visible. If
// another transaction changed the same cells it returns a *ConflictError that
// lists the rows, if a rule is broken a *ConstraintError; then nothing is changed.
func (tx *Tx) Commit() error {
	if tx.done {
		return opError("commit transaction", ErrTxDone)
	}
	defer tx.Rollback()
	if err := tx.commit(); err != nil {
		return opError("commit transaction on branch "+tx.branch, err)
	}
	return nil
}

// lostRace marks the errors after which a transaction may be run again.
type lostRace struct{ error }

var errLostRace = errors.New("lost a race with another transaction")

func (e lostRace) Is(target error) bool { return target == errLostRace }
func (e lostRace) Unwrap() error        { return e.error }

func (tx *Tx) commit() error {
	base := tx.version
	theirs, err := tx.save()
	if err != nil || theirs == base && len(tx.inSQL.counts) == 0 {
		return err
	}
	if err := tx.db.verifyWritten(tx.ctx, tx.store, base, theirs); err != nil {
		return err
	}
	return tx.db.update(tx.ctx, tx.writer, func(ctx context.Context, r *refs) error {
		state, err := r.branch(ctx, tx.branch)
		if err != nil {
			return err
		}
		if state.working, err = tx.db.rebase(ctx, tx.store, base, state.working, theirs); err != nil {
			return err
		}
		if err := tx.countAll(ctx, r); err != nil {
			return err
		}
		return r.setBranch(ctx, tx.branch, state)
	})
}

// rebase puts what a transaction changed between base and theirs on top of ours.
func (db *DB) rebase(ctx context.Context, s prolly.Store, base, ours, theirs version) (version, error) {
	if ours == base {
		return theirs, nil
	}
	m := merger{db: db, ctx: ctx, store: s, base: base, ours: ours, theirs: theirs, theirsLater: true, strict: true}
	merged, err := m.run()
	if err != nil {
		return version{}, err
	}
	if conflicts := m.conflictList(); len(conflicts) > 0 {
		return version{}, lostRace{&ConflictError{Op: "commit", Conflicts: conflicts}}
	}
	if err := m.verify(ours, merged); err != nil {
		if errors.Is(err, ErrConstraint) {
			// The snapshot was right: another transaction made it wrong.
			return version{}, lostRace{err}
		}
		return version{}, err
	}
	return merged, nil
}

// save applies all edits and writes the new root value.
func (tx *Tx) save() (version, error) {
	if err := tx.flush(); err != nil {
		return version{}, err
	}
	v := version{root: tx.root.Hash(), ids: tx.version.ids}
	if tx.newIDs {
		var err error
		if v.ids, err = tx.ids.store(tx.ctx, tx.store); err != nil {
			return version{}, err
		}
	}
	return v, nil
}

// flush applies the edits of all tables to their trees and puts the new entries
// into the root.
func (tx *Tx) flush() error {
	if err := tx.take(); err != nil {
		return err
	}
	var edits []prolly.Edit
	for t := range tx.touched {
		changed, err := t.flush(tx.ctx)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.schema.Name, err)
		}
		if changed {
			edits = append(edits, prolly.Edit{Key: tableKey(t.schema.Name), Value: t.entry.encode()})
		}
	}
	clear(tx.touched)
	tx.oneTable, tx.pending = nil, 0
	return tx.editRoot(edits...)
}

func (tx *Tx) editRoot(edits ...prolly.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	sortEdits(edits)
	root, err := tx.root.Apply(tx.ctx, edits)
	if err != nil {
		return err
	}
	tx.root = root
	return nil
}

// flush applies the table's edits, and tells whether its entry changed.
func (t *tableView) flush(ctx context.Context) (bool, error) {
	before := t.rows.tree
	if err := t.rows.flush(ctx); err != nil {
		return false, err
	}
	if err := t.flushEvaluated(ctx, before); err != nil {
		return false, err
	}
	changed := t.entry.rows != t.rows.tree.Hash()
	t.entry.rows = t.rows.tree.Hash()
	for i := range t.indexes {
		if err := t.indexes[i].flush(ctx); err != nil {
			return false, fmt.Errorf("index %s: %w", t.index[i].name, err)
		}
		changed = changed || t.entry.indexes[i] != t.indexes[i].tree.Hash()
		t.entry.indexes[i] = t.indexes[i].tree.Hash()
	}
	return changed, nil
}

// writable returns a table that is about to be written.
func (tx *Tx) writable(name string) (*tableView, error) {
	t, err := tx.written(name)
	if err != nil {
		return nil, err
	}
	return t, t.needsEvaluator()
}

// direct is writable for a row that the caller gives. It tells whether the table has
// triggers, which SQL fires on those; rows that another version has come with what
// triggers did there.
func (tx *Tx) direct(name string) (t *tableView, triggered bool, err error) {
	if len(tx.inSQL.triggered) > 0 {
		if t, ok := tx.inSQL.triggered[fold(name)]; ok && !tx.done {
			return t, true, tx.ctx.Err() // it is not read, so SQL may hold writes
		}
	}
	t, err = tx.writable(name)
	if err != nil || t.untriggered {
		return t, false, err
	}
	o, err := tx.triggerOf(t.schema.Name)
	if err != nil {
		return nil, false, err
	}
	if t.untriggered = o == nil; t.untriggered {
		return t, false, nil
	}
	if registered.Load() == nil {
		return nil, false, fmt.Errorf("table %s has trigger %s: %w", t.schema.Name, o.Name, ErrNeedsSQL)
	}
	if tx.inSQL.triggered == nil {
		tx.inSQL.triggered = map[string]*tableView{}
	}
	tx.inSQL.triggered[fold(t.schema.Name)] = t
	return t, true, nil
}

// triggerOf returns a trigger of a table, or nil.
func (tx *Tx) triggerOf(table string) (*Object, error) {
	for item, err := range tx.root.Items(tx.ctx, triggerKeys) {
		var o Object
		if err == nil {
			o, err = loadObject(tx.ctx, tx.store, item.Value)
		}
		if err != nil || sameName(o.Table, table) {
			return &o, err
		}
	}
	return nil, nil
}

// written returns a table that is about to get rows which another version of it
// has, or which writable has let through.
func (tx *Tx) written(name string) (*tableView, error) {
	if tx.done {
		return nil, ErrTxDone
	}
	if err := tx.ctx.Err(); err != nil {
		return nil, err
	}
	t, err := tx.table(name)
	if err != nil {
		return nil, err
	}
	if t != tx.oneTable {
		tx.touched[t], tx.oneTable = true, t
	}
	return t, nil
}

// wrote keeps account of the memory that edits take.
func (tx *Tx) wrote(bytes int) error {
	if tx.pending += bytes; tx.pending < flushBytes {
		return nil
	}
	return tx.flush()
}
