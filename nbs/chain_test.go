package nbs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// chain is a workload of many goroutines: each root names the one before it, so
// that every acknowledged commit must be met on the way back from the newest.
type chain struct {
	mu           sync.Mutex
	acknowledged []hash.Hash
}

// write commits until something fails.
func (c *chain) write(ctx context.Context, s *nbs.Store, who, steps int) error {
	w := s.NewWriter()
	for step := range steps {
		var made hash.Hash
		err := s.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
			payload := nbstest.Chunk(uint64(who*1000+step), 20+(who*37+step*101)%700)
			next, err := w.Put(ctx, append(root[:], payload...))
			made = next
			return next, err
		})
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.acknowledged = append(c.acknowledged, made)
		c.mu.Unlock()
	}
	return nil
}

// check walks back from the newest root.
func (c *chain) check(ctx context.Context, s *nbs.Store) error {
	if err := s.Damage(); err != nil {
		return err
	}
	met := map[hash.Hash]bool{}
	root, err := s.Root(ctx)
	for err == nil && !root.IsZero() {
		met[root] = true
		var data []byte
		if data, err = s.Get(ctx, root); err == nil {
			root = hash.Hash(data[:hash.Size])
		}
	}
	if err != nil {
		return err
	}
	for _, h := range c.acknowledged {
		if !met[h] {
			return fmt.Errorf("commit %s was acknowledged and is lost; %d of %d met", h, len(met), len(c.acknowledged))
		}
	}
	return nil
}

// TestPowerLossUnderLoad cuts the power while two stores with four writers each
// commit and compact.
func TestPowerLossUnderLoad(t *testing.T) {
	rounds := 60
	if *soak {
		rounds = 5000
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	commits := 0
	for round := range rounds {
		fsys, c := faultfs.New(), &chain{}
		must(t, open(t, faultDir, &nbs.Options{FS: fsys}).Close())
		fsys.Stop(fsys.Ops() + random.IntN(300))
		runChain(t, fsys, c)
		commits += len(c.acknowledged)
		left := fsys.Crash(random, faultfs.Granularity(round%2))
		for range 2 { // the second has the first one's recovery behind it
			s := open(t, faultDir, &nbs.Options{FS: left, JournalBytes: -1})
			if err := c.check(t.Context(), s); err != nil {
				t.Fatalf("round %d, seed %d: %v", round, seed, err)
			}
			must(t, c.write(t.Context(), s, 99, 2))
			must(t, s.Compact(t.Context()))
			must(t, c.check(t.Context(), s))
			must(t, s.Close())
		}
	}
	t.Logf("%d commits in %d rounds", commits, rounds)
}

func runChain(t *testing.T, fsys *faultfs.FS, c *chain) {
	t.Helper()
	var done sync.WaitGroup
	for store := range 2 {
		s, err := nbs.Open(t.Context(), faultDir, &nbs.Options{FS: fsys, JournalBytes: 8 << 10})
		if errors.Is(err, faultfs.ErrInjected) {
			continue
		}
		must(t, err)
		for i := range 4 {
			done.Go(func() {
				err := c.write(context.Background(), s, store*4+i, 100)
				if err != nil && !errors.Is(err, faultfs.ErrInjected) {
					t.Errorf("write: %v", err)
				}
			})
		}
		defer s.Close() // may fail, as all does by then
	}
	done.Wait()
}
