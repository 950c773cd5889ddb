package vdb

import (
	"context"
	"fmt"

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

// ResetTables makes some tables of the working set what they were at revision
// rev, HEAD to throw away their uncommitted changes. Tables that were not there
// then are dropped. The head stays. If a rule would be broken a *ConstraintError
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
		entry, then, err := was.root.Get(tx.ctx, tableKey(name))
		if err != nil {
			return err
		}
		_, now, err := tx.root.Get(tx.ctx, tableKey(name))
		if err != nil {
			return err
		}
		if !then && !now {
			return fmt.Errorf("table %s: %w", name, ErrNotFound)
		}
		if !then {
			entry = nil
		}
		tx.changeIDs().put(name, wasIDs.clone().Tables[fold(name)])
		tx.forget(name)
		edits[fold(name)] = prolly.Edit{Key: tableKey(name), Value: entry}
	}
	sorted := make([]prolly.Edit, 0, len(edits))
	for _, e := range edits {
		sorted = append(sorted, e)
	}
	return tx.editRoot(sorted...)
}
