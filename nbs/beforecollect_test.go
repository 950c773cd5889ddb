package nbs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// TestBeforeCollect commits before a full collection that starts by itself. An error does
// not keep the store from collecting.
func TestBeforeCollect(t *testing.T) {
	for _, fails := range []error{nil, errors.New("it failed")} {
		var s *nbs.Store
		var calls, before atomic.Int64
		last := link(1<<40, 100)
		commit := func(ctx context.Context, data []byte) error {
			w := s.NewWriter()
			if _, err := w.Put(ctx, data); err != nil {
				return err
			}
			return s.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
				if root == hash.Of(last) {
					return root, nil
				}
				return hash.Of(data), nil
			})
		}
		s = openLinked(t, t.TempDir(), nbs.Options{JournalBytes: 40 << 10, CollectGrowth: 20, BeforeCollect: func(ctx context.Context) error {
			before.Store(s.Stats().Collections)
			defer calls.Add(1)
			return errors.Join(commit(ctx, last), fails)
		}})
		ctx := t.Context()
		var root hash.Hash
		for i := uint64(0); calls.Load() == 0; i++ {
			data := link(i, 1000)
			if !root.IsZero() {
				data = link(i, 1000, root)
			}
			if err := commit(ctx, data); err != nil {
				t.Fatal(err)
			}
			if i > 10_000 {
				t.Fatal("the store does not collect by itself")
			}
			root = hash.Of(data)
		}
		for n := 0; s.Stats().Collections == before.Load(); n++ { // the next is the full one
			if n > 60_000 {
				t.Fatalf("it was not collected, with %v", fails)
			}
			time.Sleep(time.Millisecond)
		}
		if _, err := s.Get(ctx, hash.Of(last)); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
