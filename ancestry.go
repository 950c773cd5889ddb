package vdb

import (
	"container/heap"
	"context"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// ancestor returns the n-th ancestor of c by first parents.
func ancestor(ctx context.Context, s chunkReader, c *Commit, n uint64) (*Commit, error) {
	barrier := barrierOf(s)
	for at, left := c, n; ; {
		if left == 0 {
			return at, nil
		}
		if len(at.Parents) == 0 {
			return nil, fmt.Errorf("commit %s has %d ancestors, not %d: %w", c.Short(), n-left, n, ErrNotFound)
		}
		next, step := at.Parents[0], uint64(1)
		if far := at.links.depth - at.links.jumpDepth; far > 0 && far <= left && at.links.jumpDepth >= barrier {
			next, step = at.links.jump, far
		}
		var err error
		if at, err = loadCommit(ctx, s, next); err != nil {
			return nil, err
		}
		left -= step
	}
}

// ancestorAt returns the ancestor of c by first parents at a depth, or the next one
// below where that has been cut out.
func ancestorAt(ctx context.Context, s chunkReader, c *Commit, depth uint64) (*Commit, error) {
	barrier := barrierOf(s)
	for c.links.depth > depth && len(c.Parents) > 0 {
		next := c.Parents[0]
		if c.links.jumpDepth >= max(depth, barrier) {
			next = c.links.jump
		}
		var err error
		if c, err = loadCommit(ctx, s, next); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// meet returns the latest commit that is an ancestor by first parents of both
// a and b, or is one of them; nil if there is none.
func meet(ctx context.Context, s chunkReader, a, b *Commit) (*Commit, error) {
	var err error
	if a, err = ancestorAt(ctx, s, a, min(a.links.depth, b.links.depth)); err != nil {
		return nil, err
	}
	if b, err = ancestorAt(ctx, s, b, a.links.depth); err != nil {
		return nil, err
	}
	// At equal depths jumps have equal lengths, but where one was made above a graft.
	for a.Hash != b.Hash {
		if a.links.depth == 0 {
			return nil, nil
		}
		x, y := a.Parents[0], b.Parents[0]
		if a.links.jump != b.links.jump && a.links.jumpDepth == b.links.jumpDepth {
			x, y = a.links.jump, b.links.jump
		}
		if a, err = loadCommit(ctx, s, x); err != nil {
			return nil, err
		}
		if b, err = loadCommit(ctx, s, y); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// mergeBase returns a best common ancestor of a and b: one of which no
// descendant is a common ancestor too. nil if their histories are unrelated.
//
// It walks from merge to merge. A run is the tree of commits that lead by single
// parents to the same merge, or first commit, its end. Runs are taken in falling
// order of their ends' heights: a way into a run leads through a merge that is
// higher than its end, so when a run's turn comes all ways into it are known.
func mergeBase(ctx context.Context, s chunkReader, a, b *Commit) (*Commit, error) {
	if graftsOf(s) != nil {
		return mergeBaseByParents(ctx, s, a, b)
	}
	w := baseWalk{ctx: ctx, s: s, runs: map[hash.Hash]*run{}}
	if err := w.enter(a, fromA); err != nil {
		return nil, err
	}
	if err := w.enter(b, fromB); err != nil {
		return nil, err
	}
	for {
		end, r := w.highest()
		if r == nil {
			return nil, nil
		}
		base, err := w.meeting(r)
		if base != nil || err != nil {
			return base, err
		}
		delete(w.runs, end)
		if err := w.leave(end, r); err != nil {
			return nil, err
		}
	}
}

type side uint8

const (
	fromA side = iota
	fromB
)

// run holds the commits at which each side entered a run.
type run struct {
	height  uint64 // of its end
	entered [2][]*Commit
}

type baseWalk struct {
	ctx  context.Context
	s    chunkReader
	runs map[hash.Hash]*run // by their end
}

func (w *baseWalk) enter(c *Commit, from side) error {
	end := c.links.run
	if end.IsZero() {
		end = c.Hash
	}
	r := w.runs[end]
	if r == nil {
		r = &run{height: c.links.runHeight}
		w.runs[end] = r
	}
	for _, known := range r.entered[from] {
		if known.Hash == c.Hash {
			return nil
		}
	}
	r.entered[from] = append(r.entered[from], c)
	return w.ctx.Err()
}

func (w *baseWalk) highest() (end hash.Hash, top *run) {
	for h, r := range w.runs {
		if top == nil || r.height > top.height || r.height == top.height && h.Compare(end) > 0 {
			end, top = h, r
		}
	}
	return end, top
}

// meeting returns the highest commit of the run at which both sides meet.
func (w *baseWalk) meeting(r *run) (*Commit, error) {
	var best *Commit
	for _, a := range r.entered[fromA] {
		for _, b := range r.entered[fromB] {
			m, err := meet(w.ctx, w.s, a, b)
			if err != nil {
				return nil, err
			}
			if m != nil && (best == nil || m.Height > best.Height || m.Height == best.Height && m.Hash.Compare(best.Hash) > 0) {
				best = m
			}
		}
	}
	return best, nil
}

// leave goes on from the run's end to the parents of that merge.
func (w *baseWalk) leave(end hash.Hash, r *run) error {
	c, err := loadCommit(w.ctx, w.s, end)
	if err != nil {
		return err
	}
	for _, h := range c.Parents {
		p, err := loadCommit(w.ctx, w.s, h)
		if err != nil {
			return err
		}
		for from, entered := range r.entered {
			if len(entered) > 0 {
				if err := w.enter(p, side(from)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// isAncestor tells whether a is b or an ancestor of b.
func isAncestor(ctx context.Context, s chunkReader, a, b *Commit) (bool, error) {
	base, err := mergeBase(ctx, s, a, b)
	return base != nil && base.Hash == a.Hash, err
}

// mergeBaseByParents is mergeBase where history has been cut: far links may lead to
// what is not there, but a commit is still higher than its ancestors. So when a commit's
// turn comes by falling height, all ways to it are known.
func mergeBaseByParents(ctx context.Context, s chunkReader, a, b *Commit) (*Commit, error) {
	w := &historyWalk{ctx: ctx, s: s, seen: map[hash.Hash]bool{}, hidden: map[hash.Hash]bool{}}
	reached := map[hash.Hash][2]bool{a.Hash: {fromA: true}}
	both := reached[b.Hash]
	both[fromB] = true
	reached[b.Hash] = both
	if err := w.push([]hash.Hash{a.Hash, b.Hash}, false, false); err != nil {
		return nil, err
	}
	for len(w.queue) > 0 {
		c := heap.Pop(&w.queue).(*Commit)
		from := reached[c.Hash]
		if from[fromA] && from[fromB] {
			return c, nil
		}
		for _, p := range c.Parents {
			was := reached[p]
			reached[p] = [2]bool{was[fromA] || from[fromA], was[fromB] || from[fromB]}
		}
		if err := w.push(c.Parents, false, false); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
