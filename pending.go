package vdb

import (
	"context"
	"fmt"
	"sync"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// Pending returns the database as it would be if the edit were committed to the
// branch now: for reading alone. What the edit makes is kept in memory, as long as
// something reads from it. If others have changed the branch since the edit's base,
// their changes are merged in unless they collide, as Commit would.
func (e Engine) Pending(ctx context.Context, branch string, edit *EngineEdit) (*DB, error) {
	p := &pendingBlocks{blocks: e.db.blocks, held: e.db.blocks.HoldSince(), made: map[hash.Hash][]byte{}}
	db := &DB{path: e.db.path, blocks: p, now: e.db.now, layouts: e.db.layouts, turns: e.db.turns, settling: e.db.settling}
	if err := e.preview(ctx, p, branch, edit); err != nil {
		return nil, opError("preview transaction on branch "+branch, err)
	}
	return db, nil
}

// same tells whether two are one database, with a transaction pending or not.
func (db *DB) same(other *DB) bool { return db.layouts == other.layouts }

// preview has p lead to the version that the edit makes.
func (e Engine) preview(ctx context.Context, p *pendingBlocks, branch string, edit *EngineEdit) error {
	made, err := e.apply(ctx, p, edit)
	if err != nil {
		return err
	}
	root, err := p.blocks.Root(ctx)
	if err != nil {
		return err
	}
	r, err := e.db.settledRefs(ctx, p, root, nil)
	if err != nil {
		return err
	}
	state, err := r.branch(ctx, branch)
	if err != nil {
		return err
	}
	if merged, err := e.db.rebase(ctx, p, edit.Base.version, state.working, made); err == nil {
		made = merged
	}
	state.working = made
	// It is no move of the branch: the reflog stays as it is.
	r.tree, err = r.tree.Apply(ctx, []prolly.Edit{{Key: []byte(headsPrefix + branch), Value: state.encode()}})
	if err != nil {
		return err
	}
	p.root, err = r.save(ctx)
	return err
}

// pendingBlocks are a database's blocks and, in memory, those that a transaction has
// not committed yet. Once it leads to them it does not change.
type pendingBlocks struct {
	blocks
	root hash.Hash
	held *nbs.Hold
	mu   sync.RWMutex
	made map[hash.Hash][]byte
}

// Put keeps a chunk in memory.
func (p *pendingBlocks) Put(_ context.Context, data []byte) (hash.Hash, error) {
	h := hash.Of(data)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made[h] = data
	return h, nil
}

// Get returns a chunk that was Put, or that the database has.
func (p *pendingBlocks) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	p.mu.RLock()
	data, ok := p.made[h]
	p.mu.RUnlock()
	if ok {
		return data, nil
	}
	return p.blocks.Get(ctx, h)
}

// HoldRoot returns the root, and holds what it is made of.
func (p *pendingBlocks) HoldRoot(context.Context) (hash.Hash, *nbs.Hold, error) {
	return p.root, p.held, nil
}

// Root returns the root that leads to what is pending.
func (p *pendingBlocks) Root(context.Context) (hash.Hash, error) { return p.root, nil }

// Commit refuses.
func (p *pendingBlocks) Commit(context.Context, *nbs.Writer, nbs.UpdateFunc) error {
	return fmt.Errorf("write beside a transaction that is open: %w", ErrReadOnly)
}

// CommitUnsynced refuses.
func (p *pendingBlocks) CommitUnsynced(ctx context.Context, w *nbs.Writer, update nbs.UpdateFunc) error {
	return p.Commit(ctx, w, update)
}

// Close leaves the database open.
func (p *pendingBlocks) Close() error { return nil }
