package vdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// dag builds commits over a store in memory.
type dag struct {
	t       *testing.T
	db      *DB
	w       writerStore
	commits []*Commit
}

type writerStore interface {
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
	Put(ctx context.Context, data []byte) (hash.Hash, error)
}

func newDAG(t *testing.T) *dag {
	db, err := Open(t.Context(), Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &dag{t: t, db: db, w: db.blocks.NewWriter()}
}

func (d *dag) add(parents ...int) int {
	draft := commitDraft{message: Message{Text: fmt.Sprint(len(d.commits)), Time: time.Unix(int64(len(d.commits)), 0)}}
	for _, p := range parents {
		draft.parents = append(draft.parents, d.commits[p].Hash)
	}
	c, err := d.db.storeCommit(d.t.Context(), d.w, draft)
	if err != nil {
		d.t.Fatal(err)
	}
	d.commits = append(d.commits, c)
	return len(d.commits) - 1
}

// ancestors is the set of commits from which c descends, c included.
func (d *dag) ancestors(c *Commit) map[hash.Hash]bool {
	set := map[hash.Hash]bool{}
	todo := []*Commit{c}
	for len(todo) > 0 {
		c, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if set[c.Hash] {
			continue
		}
		set[c.Hash] = true
		for _, h := range c.Parents {
			p, err := loadCommit(d.t.Context(), d.w, h)
			if err != nil {
				d.t.Fatal(err)
			}
			todo = append(todo, p)
		}
	}
	return set
}

// best returns the common ancestors that no other common ancestor descends from.
func (d *dag) best(a, b *Commit) map[hash.Hash]bool {
	common, other := d.ancestors(a), d.ancestors(b)
	for h := range common {
		if !other[h] {
			delete(common, h)
		}
	}
	best := map[hash.Hash]bool{}
	for h := range common {
		best[h] = true
	}
	for _, c := range d.commits {
		if !common[c.Hash] {
			continue
		}
		for h := range d.ancestors(c) {
			if h != c.Hash {
				delete(best, h)
			}
		}
	}
	return best
}

func TestMergeBaseAgainstAllAncestors(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 60 {
		d := newDAG(t)
		d.add()
		mergeRate := rng.Float64() * 0.5
		for range 40 {
			n := len(d.commits)
			parents := []int{n - 1 - rng.IntN(min(n, 6))}
			if p := rng.IntN(n); rng.Float64() < mergeRate && p != parents[0] {
				parents = append(parents, p)
			}
			if rng.IntN(40) == 0 {
				parents = nil
			}
			d.add(parents...)
		}
		for range 60 {
			a, b := d.commits[rng.IntN(len(d.commits))], d.commits[rng.IntN(len(d.commits))]
			got, err := mergeBase(t.Context(), d.w, a, b)
			if err != nil {
				t.Fatal(err)
			}
			want := d.best(a, b)
			if got == nil && len(want) == 0 {
				continue
			}
			if got == nil || !want[got.Hash] {
				t.Fatalf("merge base of %s and %s is %v, want one of %d", a.Text, b.Text, got, len(want))
			}
		}
	}
}

func TestAncestorsByJumps(t *testing.T) {
	d := newDAG(t)
	const n = 3000
	d.add()
	for i := 1; i < n; i++ {
		d.add(i - 1)
	}
	counter := &countingReader{chunkReader: d.w}
	for _, back := range []uint64{0, 1, 2, 3, 10, 999, 2048, n - 1} {
		counter.reads = 0
		c, err := ancestor(t.Context(), counter, d.commits[n-1], back)
		if err != nil || c.Hash != d.commits[n-1-back].Hash {
			t.Fatalf("%d back: %v, %v", back, c, err)
		}
		if counter.reads > 40 {
			t.Errorf("%d back took %d reads", back, counter.reads)
		}
	}
	if _, err := ancestor(t.Context(), d.w, d.commits[5], 6); !isNotFound(err) {
		t.Fatalf("an ancestor before the first commit: %v", err)
	}
	counter.reads = 0
	fork := d.add(1500)
	base, err := mergeBase(t.Context(), counter, d.commits[n-1], d.commits[fork])
	if err != nil || base.Hash != d.commits[1500].Hash || counter.reads > 80 {
		t.Fatalf("merge base of a long fork: %v, %v, %d reads", base, err, counter.reads)
	}
}

type countingReader struct {
	chunkReader
	reads int
}

func (c *countingReader) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	c.reads++
	return c.chunkReader.Get(ctx, h)
}
