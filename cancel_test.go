package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/vdbgo/vdb"
)

// countdown is a context that is cancelled after it was asked a number of times
// whether it is.
type countdown struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

func newCountdown(ctx context.Context, asked int64) *countdown {
	c := &countdown{}
	c.Context, c.cancel = context.WithCancel(ctx)
	c.left.Store(asked)
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
	return c.Context.Err()
}

// TestCancelledInTheMiddle cancels merges, reverts, picks, restores and loads
// earlier and later, until they get through: nothing is ever half done.
func TestCancelledInTheMiddle(t *testing.T) {
	db := openMemory(t)
	main := mainBranch(t, db)
	load := func(b *vdb.Branch, ctx context.Context, from, to int64, name string) error {
		return b.Update(ctx, func(tx *vdb.Tx) error {
			for id := from; id < to; id++ {
				if err := tx.Put("people", person(id, fmt.Sprint(name, id))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ctx := t.Context()
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	if err := load(main, ctx, 0, 3000, "base"); err != nil {
		t.Fatal(err)
	}
	commit(t, main, "base")
	side, err := db.CreateBranch(ctx, "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	for branch, from := range map[*vdb.Branch]int64{main: 0, side: 1500} {
		if err := load(branch, ctx, from, from+1500, branch.Name()); err != nil {
			t.Fatal(err)
		}
		commit(t, branch, "changes")
	}
	for verb, run := range map[string]func(context.Context) error{
		"merge":       func(ctx context.Context) error { _, err := main.Merge(ctx, "side", nil); return err },
		"cherry-pick": func(ctx context.Context) error { _, err := main.CherryPick(ctx, "side", nil); return err },
		"revert":      func(ctx context.Context) error { _, err := main.Revert(ctx, "HEAD", nil); return err },
		"load":        func(ctx context.Context) error { return load(main, ctx, 2000, 6000, "load") },
		"restore": func(ctx context.Context) error {
			_, err := main.Restore(ctx, vdb.Restore{From: "HEAD~", Table: "people", Message: &vdb.Message{}})
			return err
		},
	} {
		t.Run(verb, func(t *testing.T) { cancelUntilDone(t, main, run) })
	}
}

// cancelUntilDone runs run until it is not cancelled any more, and puts the branch
// back then.
func cancelUntilDone(t *testing.T, b *vdb.Branch, run func(context.Context) error) {
	before := branchRoots(t, b)
	head, err := b.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cancelled := 0
	for asked := int64(0); ; asked += 1 + asked/8 {
		ctx := newCountdown(t.Context(), asked)
		err := run(ctx)
		ctx.cancel()
		if err == nil {
			break
		}
		cancelled++
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled when asked %d times: %v", asked, err)
		}
		if branchRoots(t, b) != before {
			t.Fatalf("cancelled when asked %d times, it changed the branch", asked)
		}
		if err := b.Abort(t.Context()); !errors.Is(err, vdb.ErrNotMerging) {
			t.Fatalf("cancelled when asked %d times, it left a merge: %v", asked, err)
		}
	}
	if cancelled < 5 {
		t.Errorf("cancelled %d times only", cancelled)
	}
	if branchRoots(t, b) == before {
		t.Error("what was not cancelled changed nothing")
	}
	if err := b.ResetHard(t.Context(), head.Hash.String()); err != nil {
		t.Fatal(err)
	}
}
