package vdb

import (
	"context"
	"errors"
)

// UpdateStaged runs fn in a transaction on what is staged for the next commit,
// in place of the working set, which stays as it is. In all else it is like
// Update: the staged version is durable when it returns, and fn is run again if
// another transaction staged something meanwhile.
func (b *Branch) UpdateStaged(ctx context.Context, fn func(*Tx) error) error {
	return opError("stage on branch "+b.name, again(ctx, func() error { return b.stageOnce(ctx, fn) }))
}

func (b *Branch) stageOnce(ctx context.Context, fn func(*Tx) error) error {
	w := b.db.blocks.NewWriter()
	state, err := b.state(ctx)
	if err != nil {
		return err
	}
	tx := b.db.beginWith(ctx, w, b.name, state.staged)
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	staged, err := tx.save()
	if err != nil || staged == state.staged {
		return err
	}
	if err := b.db.verifyWritten(ctx, tx.store, state.staged, staged); err != nil {
		return err
	}
	return b.db.update(ctx, tx.writer, func(ctx context.Context, r *refs) error {
		now, err := r.branch(ctx, b.name)
		if err != nil {
			return err
		}
		if now.staged != state.staged {
			return lostRace{errStagedMoved}
		}
		now.staged = staged
		return r.setBranch(ctx, b.name, now)
	})
}

var errStagedMoved = errors.New("something else was staged meanwhile")
