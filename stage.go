package vdb

import (
	"context"
	"maps"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// Stage puts tables, with their triggers, and views into the branch's staged
// version, as they are in the working set: what CommitStaged will record. What was
// dropped is named as well, and a table that was renamed by both its names.
// ErrNotFound if neither version has it. Commit needs no staging.
func (b *Branch) Stage(ctx context.Context, tables ...string) error {
	return b.restage(ctx, "stage tables of branch "+b.name, func(ctx context.Context, s prolly.Store, state *branchState) (err error) {
		state.staged, err = withTables(ctx, s, state.staged, state.working, tables)
		return err
	})
}

// StageAll stages the whole working set, except for some tables, which stay
// staged as they are.
func (b *Branch) StageAll(ctx context.Context, except ...string) error {
	return b.restage(ctx, "stage tables of branch "+b.name, func(ctx context.Context, s prolly.Store, state *branchState) (err error) {
		state.staged, err = withTables(ctx, s, state.working, state.staged, except)
		return err
	})
}

// Unstage makes tables of the staged version what they are at the head; all of
// them if none is named. The working set stays.
func (b *Branch) Unstage(ctx context.Context, tables ...string) error {
	return b.restage(ctx, "unstage tables of branch "+b.name, func(ctx context.Context, s prolly.Store, state *branchState) error {
		head, err := loadCommit(ctx, s, state.head)
		if err != nil {
			return err
		}
		if len(tables) == 0 {
			state.staged = head.version()
			return nil
		}
		state.staged, err = withTables(ctx, s, state.staged, head.version(), tables)
		return err
	})
}

func (b *Branch) restage(ctx context.Context, op string, change func(context.Context, prolly.Store, *branchState) error) error {
	return opError(op, b.db.update(ctx, b.db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		state, err := r.branch(ctx, b.name)
		if err != nil {
			return err
		}
		if err := change(ctx, r.store, &state); err != nil {
			return err
		}
		return r.setBranch(ctx, b.name, state)
	}))
}

// withTables returns onto with the named tables and views as they are in from:
// with what tables were once called, and with their triggers.
func withTables(ctx context.Context, s prolly.Store, onto, from version, tables []string) (version, error) {
	m := &tableMove{source: prolly.Load(tablesConfig, s, from.root), target: prolly.Load(tablesConfig, s, onto.root), edits: map[string]prolly.Edit{}}
	named := make(map[string]bool, len(tables))
	for _, name := range tables {
		named[fold(name)] = true
		if err := m.add(ctx, name); err != nil {
			return version{}, err
		}
	}
	if err := m.addTriggers(ctx, s, named); err != nil {
		return version{}, err
	}
	edits := slices.Collect(maps.Values(m.edits))
	sortEdits(edits)
	tree, err := m.target.Apply(ctx, edits)
	if err != nil {
		return version{}, err
	}
	ids, err := pickIdentities(ctx, s, onto.ids, from.ids, tables)
	return version{root: tree.Hash(), ids: ids}, err
}

// CommitStaged records the staged version in history and returns the new commit;
// what is not staged stays uncommitted. ErrNothingToCommit if the staged version
// is the head's, and a *ConstraintError if it breaks a rule without the rest. A
// merge in progress is committed as a whole, as Commit does.
func (b *Branch) CommitStaged(ctx context.Context, m Message) (*Commit, error) {
	op := "commit what is staged on branch " + b.name
	if len(m.Tables) > 0 {
		return nil, opError(op, invalidf("Tables are for Commit"))
	}
	var made *Commit
	err := b.restage(ctx, op, func(ctx context.Context, s prolly.Store, state *branchState) (err error) {
		if state.merge.IsZero() {
			made, err = b.db.commitStaged(ctx, s, state, m)
		} else {
			made, err = b.db.commitState(ctx, s, state, m)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// commitStaged makes a commit of the staged version and moves the head to it.
func (db *DB) commitStaged(ctx context.Context, s prolly.Store, state *branchState, m Message) (*Commit, error) {
	head, err := loadCommit(ctx, s, state.head)
	if err != nil {
		return nil, err
	}
	draft := commitDraft{message: m, version: state.staged, parents: []hash.Hash{state.head}}
	if m.Amend {
		draft.amend(head)
	} else if !m.AllowEmpty && draft.version == head.version() {
		return nil, ErrNothingToCommit
	}
	if draft.version != state.working {
		if err := db.mustStandAlone(ctx, s, head.version(), draft.version); err != nil {
			return nil, err
		}
	}
	made, err := db.storeCommit(ctx, s, draft)
	if err == nil {
		state.head = made.Hash
	}
	return made, err
}

// mustStandAlone refuses a version that is a part of a working set, and is not
// sound without the rest.
func (db *DB) mustStandAlone(ctx context.Context, s prolly.Store, head, part version) error {
	if err := db.mustBeWholeTables(ctx, s, part); err != nil {
		return err
	}
	return db.verify(ctx, s, head, part)
}
