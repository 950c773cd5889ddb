package vdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vdbgo/vdb/prolly"
)

// ResetHard makes the commit at revision rev the branch's head, and its contents
// the working set. Uncommitted changes are thrown away, and a merge in progress
// is aborted. Commits that no branch or tag leads to any more can still be found
// by their hashes, until they are collected as garbage.
func (b *Branch) ResetHard(ctx context.Context, rev string) error {
	return b.reset(ctx, "reset hard", rev, func(state *branchState, _, to *Commit) error {
		*state = cleanState(to)
		return nil
	})
}

// ResetSoft makes the commit at revision rev the branch's head and leaves the
// working set alone: what the commits left behind have changed is uncommitted
// then. While a merge is in progress it fails with ErrMerging.
func (b *Branch) ResetSoft(ctx context.Context, rev string) error {
	return b.reset(ctx, "reset soft", rev, func(state *branchState, from, to *Commit) error {
		if !state.merge.IsZero() {
			return ErrMerging
		}
		if state.staged == from.version() {
			state.staged = to.version()
		}
		state.head = to.Hash
		return nil
	})
}

func (b *Branch) reset(ctx context.Context, verb, rev string, move func(state *branchState, from, to *Commit) error) error {
	op := fmt.Sprintf("%s of branch %s to %s", verb, b.name, rev)
	return opError(op, b.db.update(ctx, b.db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		state, err := r.branch(ctx, b.name)
		if err != nil {
			return err
		}
		from, err := loadCommit(ctx, r.store, state.head)
		if err != nil {
			return err
		}
		to, err := b.db.resolveCommit(ctx, r, b.name, rev)
		if err != nil {
			return err
		}
		if err := move(&state, from, to); err != nil {
			return err
		}
		return r.setBranch(ctx, b.name, state)
	}))
}

// ResetTables makes some tables of the working set, with their triggers, and views
// what they were at revision rev, HEAD to throw away their uncommitted changes.
// What was not there then is dropped. The head stays. If a rule would be broken a *ConstraintError
// lists the rows, and nothing is changed.
func (b *Branch) ResetTables(ctx context.Context, rev string, tables ...string) error {
	op := fmt.Sprintf("reset tables of branch %s to %s", b.name, rev)
	r, err := b.db.refs(ctx)
	if err != nil {
		return opError(op, err)
	}
	at, err := b.db.resolve(ctx, r, b.name, rev)
	if err != nil {
		return opError(op, err)
	}
	return inOp(op, b.Update(ctx, func(tx *Tx) error { return tx.resetTables(at.version, tables) }))
}

// resetTables puts the entries of tables, and what their names once were, as
// they are in another version.
func (tx *Tx) resetTables(at version, tables []string) error {
	was := tx.db.newSnapshot(tx.ctx, tx.store, at)
	wasIDs, err := was.storedIDs()
	if err != nil {
		return err
	}
	if _, err := tx.identities(); err != nil {
		return err
	}
	edits := make(map[string]prolly.Edit, len(tables))
	for _, name := range tables {
		edits[fold(name)] = prolly.Edit{Key: tableKey(name)}
	}
	objects, err := tx.objectsThen(was, edits)
	if err != nil {
		return err
	}
	for name := range edits {
		entry, err := tx.entryThen(was, wasIDs, name, edits)
		if err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
		edits[name] = prolly.Edit{Key: tableKey(name), Value: entry}
	}
	for name := range edits {
		tx.changeIDs().put(name, wasIDs.clone().Tables[name])
		tx.forget(name)
	}
	return tx.editRoot(append(objects, slices.Collect(maps.Values(edits))...)...)
}

// entryThen returns a table's entry in another version, nil if it was not there.
// A table that goes by another name now must be reset under both.
func (tx *Tx) entryThen(was *Snapshot, wasIDs *identities, name string, reset map[string]prolly.Edit) ([]byte, error) {
	entry, then, err := was.root.Get(tx.ctx, tableKey(name))
	if err != nil {
		return nil, err
	}
	_, now, err := tx.root.Get(tx.ctx, tableKey(name))
	if err != nil {
		return nil, err
	}
	if !then && !now {
		return nil, ErrNotFound
	}
	if !then {
		return nil, nil
	}
	called := tx.ids.tableOf(wasIDs.table(name))
	if _, both := reset[called]; called != "" && !both {
		if _, renamed, err := tx.root.Get(tx.ctx, tableKey(called)); err != nil || renamed {
			return nil, errors.Join(err, invalidf("it is called %s now; reset both", called))
		}
	}
	return entry, nil
}
