package nbs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// linkedChild is a process of TestCollectProcesses.
func linkedChild(ctx context.Context, role, dir string) error {
	s, err := nbs.Open(ctx, dir, &nbs.Options{LeadsTo: leadsTo, JournalBytes: 64 << 10, CacheBytes: -1})
	if err != nil {
		return err
	}
	fmt.Println(role)
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && err == nil; {
		switch role {
		case "linked-write":
			err = bump(ctx, s)
		case "linked-read":
			err = readOld(ctx, s)
		case "linked-collect":
			_, err = s.Collect(ctx, &nbs.CollectOptions{Full: rand.IntN(3) == 0})
		}
	}
	return errors.Join(err, s.Close())
}

// bump makes the commit after the newest one, of chunks some of which are garbage.
func bump(ctx context.Context, s *nbs.Store) error {
	w := s.NewWriter()
	return s.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
		var n uint64
		if !root.IsZero() {
			data, err := w.Get(ctx, root)
			if err != nil {
				return root, err
			}
			n = numberOf(data)
		}
		next := n + 1
		if n > linkedLeaves && rand.IntN(8) == 0 {
			next = n - linkedLeaves // what was dropped, or is about to be
		}
		for _, data := range linkedChunks(next) {
			var err error
			if root, err = w.Put(ctx, data); err != nil {
				return root, err
			}
		}
		return root, nil
	})
}

// readOld reads what it holds some time after it took hold of it.
func readOld(ctx context.Context, s *nbs.Store) error {
	type old struct {
		hold *nbs.Hold
		n    uint64
	}
	var all []old
	for range 10 {
		root, hold, err := s.HoldRoot(ctx)
		if err != nil {
			return err
		}
		if root.IsZero() {
			continue
		}
		data, err := s.Get(ctx, root)
		if err != nil {
			return err
		}
		n := numberOf(data)
		all = append(all, old{hold, n})
		time.Sleep(10 * time.Millisecond)
	}
	for _, o := range all {
		if err := checkLinked(ctx, s, o.n); err != nil {
			return fmt.Errorf("what is held: %w", err)
		}
	}
	return nil
}

// endlessLinked commits and collects until it is killed.
func endlessLinked(ctx context.Context, dir string) error {
	s, err := nbs.Open(ctx, dir, &nbs.Options{LeadsTo: leadsTo, CacheBytes: -1})
	if err != nil {
		return err
	}
	n, err := newestLinked(ctx, s)
	l := &linked{acknowledged: n}
	for err == nil {
		if err = l.commit(ctx, s); err == nil {
			_, err = fmt.Println(l.acknowledged)
		}
		if err == nil && l.acknowledged%5 == 0 {
			_, err = s.Collect(ctx, &nbs.CollectOptions{Full: l.acknowledged%10 == 0})
		}
	}
	return err
}
