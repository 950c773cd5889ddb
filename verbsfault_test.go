package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/faultfs"
)

// newVerbStory goes through a merge with conflicts, over an uncommitted row, that
// is aborted, made again and resolved, and takes it back in several ways.
func newVerbStory(t *testing.T) *story {
	s := &story{t: t}
	on := func(branch string, do func(context.Context, *vdb.Branch) error) {
		s.steps = append(s.steps, func(db *vdb.DB) error {
			b, err := db.Branch(t.Context(), branch)
			if err != nil {
				return err
			}
			return do(t.Context(), b)
		})
	}
	write := func(name string, ids ...int64) func(context.Context, *vdb.Branch) error {
		return func(ctx context.Context, b *vdb.Branch) error {
			return b.Update(ctx, func(tx *vdb.Tx) (err error) {
				for _, id := range ids {
					err = errors.Join(err, tx.Put("people", person(id, name)))
				}
				return err
			})
		}
	}
	commit := func(ctx context.Context, b *vdb.Branch) error {
		_, err := b.Commit(ctx, vdb.Message{Text: "commit"})
		return err
	}
	merge := func(ctx context.Context, b *vdb.Branch) error {
		if _, err := b.Merge(ctx, "side", nil); !errors.Is(err, vdb.ErrConflict) {
			return err
		}
		return nil
	}
	revert := func(rev string) func(context.Context, *vdb.Branch) error {
		return func(ctx context.Context, b *vdb.Branch) error {
			if _, err := b.Revert(ctx, rev, &vdb.RevertOptions{Mainline: 1}); !errors.Is(err, vdb.ErrConflict) {
				return err
			}
			return nil
		}
	}
	on("main", func(ctx context.Context, b *vdb.Branch) error {
		return b.Update(ctx, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	})
	on("main", write("one", 1, 2, 3))
	on("main", commit)
	on("main", func(ctx context.Context, b *vdb.Branch) error {
		_, err := b.DB().CreateBranch(ctx, "side", "main")
		return err
	})
	on("side", write("side", 2, 10))
	on("side", commit)
	on("main", write("main", 2, 20))
	on("main", commit)
	on("main", write("uncommitted", 30))
	on("main", merge)
	on("main", func(ctx context.Context, b *vdb.Branch) error { return b.Abort(ctx) })
	on("main", merge)
	on("main", func(ctx context.Context, b *vdb.Branch) error {
		return b.ResolveConflicts(ctx, vdb.Resolution{Take: vdb.Theirs})
	})
	on("main", commit)
	on("main", revert("HEAD^2"))
	on("main", revert("HEAD"))
	on("main", func(ctx context.Context, b *vdb.Branch) error {
		_, err := b.Restore(ctx, vdb.Restore{From: "HEAD~2", Table: "people", Exact: true})
		return err
	})
	on("main", func(ctx context.Context, b *vdb.Branch) error { return b.ResetHard(ctx, "HEAD~1") })
	on("main", func(ctx context.Context, b *vdb.Branch) error { return b.ResetSoft(ctx, "HEAD~1") })
	return s
}

// Power is lost at each operation of the verbs, and each operation fails: a verb
// is done or not done, and nothing that was acknowledged is lost.
func TestVerbsUnderFaults(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s := newVerbStory(t)
	states := s.states()
	whole := faultfs.New()
	if _, err := s.tell(whole); err != nil {
		t.Fatal(err)
	}
	for op := range whole.Ops() {
		fs := faultfs.New()
		fs.Stop(op)
		acknowledged, _ := s.tell(fs)
		for _, g := range []faultfs.Granularity{faultfs.Writes, faultfs.Sectors} {
			s.mustBe(fmt.Sprintf("power lost at operation %d", op), fs.Crash(rng, g), states, acknowledged)
		}
		fs = faultfs.New()
		fs.Fail(op)
		acknowledged, err := s.tell(fs)
		if err != nil && !errors.Is(err, faultfs.ErrInjected) {
			t.Fatalf("operation %d failed: the error does not say so: %v", op, err)
		}
		s.mustBe(fmt.Sprintf("operation %d failed", op), fs.Clone(), states, acknowledged)
	}
}
