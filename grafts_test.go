package vdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// TestHistoryWithGrafts cuts commits out of random histories and compares each walk
// with one that knows nothing but the parents that are left.
func TestHistoryWithGrafts(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 40 {
		d := newDAG(t)
		d.add()
		for range 40 {
			d.addSome(rng)
		}
		d.cut(rng)
		for range 15 { // new commits stand on what is left
			d.addSome(rng)
		}
		for range 60 {
			d.checkPair(d.any(rng), d.any(rng))
		}
	}
}

// any returns a commit that is left.
func (d *dag) any(rng *rand.Rand) *Commit {
	set := graftsOf(d.w)
	for {
		c := d.commits[rng.IntN(len(d.commits))]
		if set == nil || !set.isCut(c.Hash) {
			c, err := loadCommit(d.t.Context(), d.w, c.Hash)
			if err != nil {
				d.t.Fatal(err)
			}
			return c
		}
	}
}

// isCut tells whether a test has cut a commit out: such a one leads to itself.
func (s *graftSet) isCut(h hash.Hash) bool { return string(s.byCommit[h].detail) == "gone" }

func (d *dag) addSome(rng *rand.Rand) {
	n := len(d.commits)
	draft := commitDraft{message: Message{Text: fmt.Sprint(n), Time: time.Unix(int64(n), 0)}}
	first := d.any(rng)
	draft.parents = []hash.Hash{first.Hash}
	if second := d.any(rng); rng.IntN(4) == 0 && second.Hash != first.Hash {
		draft.parents = append(draft.parents, second.Hash)
	}
	c, err := d.db.storeCommit(d.t.Context(), d.w, draft)
	if err != nil {
		d.t.Fatal(err)
	}
	d.commits = append(d.commits, c)
}

// cut takes a third of the commits out: those that they were a parent of go on at their
// own parents.
func (d *dag) cut(rng *rand.Rand) {
	set := &graftSet{byCommit: map[hash.Hash]graft{}, number: 1}
	left := map[hash.Hash][]hash.Hash{} // of each commit, what it leads to
	for i, c := range d.commits {
		var parents []hash.Hash
		for _, p := range c.Parents {
			if set.isCut(p) {
				parents = append(parents, left[p]...)
			} else {
				parents = append(parents, p)
			}
		}
		left[c.Hash] = unique(parents)
		switch {
		case i > 0 && rng.IntN(3) == 0:
			set.put(c.Hash, &graft{detail: []byte("gone")})
		case !slices.Equal(left[c.Hash], c.Parents):
			set.put(c.Hash, &graft{depth: c.links.depth, parents: left[c.Hash]})
			set.barrier = max(set.barrier, c.links.depth)
		}
	}
	for _, c := range d.commits {
		c.Parents = left[c.Hash]
	}
	newestGraftsOf(d.w).replace(set)
	d.w = holed{d.w, d.db, set}
}

func unique(all []hash.Hash) []hash.Hash {
	var once []hash.Hash
	for _, h := range all {
		if !slices.Contains(once, h) {
			once = append(once, h)
		}
	}
	return once
}

// holed is a store that no longer has the commits that were cut out.
type holed struct {
	writerStore
	db  *DB
	set *graftSet
}

// Owner is that of the database.
func (s holed) Owner() any { return s.db.blocks.Owner() }

// Get refuses what was cut out.
func (s holed) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if s.set.isCut(h) {
		return nil, fmt.Errorf("chunk %s was cut out", h)
	}
	return s.writerStore.Get(ctx, h)
}

func (d *dag) checkPair(a, b *Commit) {
	d.t.Helper()
	ctx := d.t.Context()
	base, err := mergeBase(ctx, d.w, a, b)
	want := d.best(a, b)
	if err != nil || (base == nil) != (len(want) == 0) || base != nil && !want[base.Hash] {
		d.t.Fatalf("merge base of %s and %s: %v, %v, want one of %d", a.Text, b.Text, base, err, len(want))
	}
	line := []*Commit{a}
	for c := a; len(c.Parents) > 0; line = append(line, c) {
		if c, err = loadCommit(ctx, d.w, c.Parents[0]); err != nil {
			d.t.Fatal(err)
		}
	}
	for n, c := range line {
		if got, err := ancestor(ctx, d.w, a, uint64(n)); err != nil || got.Hash != c.Hash {
			d.t.Fatalf("%s~%d is %v, %v, want %s", a.Text, n, got, err, c.Text)
		}
	}
	if c, err := ancestor(ctx, d.w, a, uint64(len(line))); !isNotFound(err) {
		d.t.Fatalf("%s~%d is %v, %v", a.Text, len(line), c, err)
	}
	d.checkTime(line, b.CommitTime)
}

// checkTime checks the newest commit of a line at a time.
func (d *dag) checkTime(line []*Commit, at time.Time) {
	d.t.Helper()
	got, _, err := walkTime(d.t.Context(), d.w, line[0], "@{"+at.Format(time.RFC3339)+"}")
	i := slices.IndexFunc(line, func(c *Commit) bool { return !c.CommitTime.After(at) })
	if i < 0 {
		if !isNotFound(err) {
			d.t.Fatalf("%s at %s is %v, %v", line[0].Text, at, got, err)
		}
		return
	}
	if err != nil || got.Hash != line[i].Hash {
		d.t.Fatalf("%s at %s is %v, %v, want %s", line[0].Text, at, got, err, line[i].Text)
	}
}

func TestGraftEncoding(t *testing.T) {
	for _, g := range []graft{{}, {depth: 7}, {depth: 1 << 40, parents: []hash.Hash{hash.Of([]byte("a")), hash.Of([]byte("b"))}, detail: []byte("why")}} {
		data := g.encode()
		got, err := decodeGraft(data)
		if err != nil || got.depth != g.depth || !slices.Equal(got.parents, g.parents) || string(got.detail) != string(g.detail) {
			t.Errorf("%v comes back as %v, %v", g, got, err)
		}
		for n := range len(data) - len(g.detail) {
			if got, err := decodeGraft(data[:n]); err == nil {
				t.Errorf("%d of %d bytes are %v, without an error", n, len(data), got)
			}
		}
	}
}
