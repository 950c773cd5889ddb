package vdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// Event is a commit that a branch was seen to have got.
type Event struct {
	Commit *Commit
	// Diff is what the commit changed against its first parent.
	Diff *Diff
}

// RewoundError tells that a watched branch was reset, or its head amended: what
// was seen of it is not its history any more.
type RewoundError struct {
	Branch string
	// Seen is the last commit that was yielded, or the one to start from, and
	// Head is the branch's head now.
	Seen, Head *Commit
	// Base is the last commit that both histories share; nil if they share none, or
	// if what was seen has been collected. Watch again from it to go on, and undo what
	// Seen has beyond it.
	Base *Commit
}

// Error names the branch and the commits.
func (e *RewoundError) Error() string {
	base := "no commit that they share is there"
	if e.Base != nil {
		base = "their merge base is " + e.Base.Hash.String()
	}
	return fmt.Sprintf("branch %s at %s does not lead to commit %s by first parents any more; %s", e.Branch, e.Head.Hash, e.Seen.Hash, base)
}

// Is makes a RewoundError an ErrNotFound: the commit is not there any more.
func (e *RewoundError) Is(target error) bool { return target == ErrNotFound }

// pollInterval is how often a watch looks for commits of other processes; those
// of its own process wake it at once.
const pollInterval = 50 * time.Millisecond

// batchCommits is how many commits a watch reads ahead.
const batchCommits = 256

// Watch yields the commits of the branch, by first parents, that follow the
// revision from, oldest first, and then waits for new ones, of this and of other
// processes. None is left out and none comes twice: to go on after a restart,
// watch from the hash of the last commit that was seen. If that has been squashed
// meanwhile, see DB.Retain, the next event is of the commit that it was squashed into,
// and repeats what it has changed.
//
// It ends when the loop is left, and else with an error: the context's when that
// is cancelled, a *RewoundError when the branch was reset or amended such that
// the commits seen are not its history any more, ErrNotFound when the branch is
// deleted, ErrClosed when the database is closed.
func (b *Branch) Watch(ctx context.Context, from string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := b.watch(ctx, from, yield); err != nil {
			yield(Event{}, opError("watch branch "+b.name, err))
		}
	}
}

func (b *Branch) watch(ctx context.Context, from string, yield func(Event, error) bool) error {
	seen, err := b.watchFrom(ctx, from)
	if err != nil {
		return err
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		moved := b.db.moved.wait() // before the look, lest a move be missed
		r, err := b.db.refs(ctx)
		if err != nil {
			return err
		}
		head, err := r.branch(ctx, b.name)
		if err != nil {
			return err
		}
		for head.head != seen.Hash {
			commits, err := r.newCommits(ctx, b.name, head, seen)
			if err != nil {
				return err
			}
			for _, c := range commits {
				if seen = c; !yield(Event{Commit: c, Diff: b.db.changesOf(ctx, r.store, c)}, nil) {
					return nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-tick.C:
		}
	}
}

// watchFrom resolves the revision that a watch begins after.
func (b *Branch) watchFrom(ctx context.Context, from string) (*Commit, error) {
	r, err := b.db.refs(ctx)
	if err != nil {
		return nil, err
	}
	if h, err := hash.Parse(from); err == nil {
		if before, squashed := r.beforeSquashed(ctx, h); squashed {
			return before, nil
		}
	}
	return b.db.resolveCommit(ctx, r, b.name, from)
}

// beforeSquashed returns the commit that was kept before one that was squashed.
func (r *refs) beforeSquashed(ctx context.Context, h hash.Hash) (*Commit, bool) {
	s := r.store
	grafts := graftsOf(s)
	into, squashed := grafts.squashedInto(h)
	if !squashed {
		return nil, false
	}
	for more := true; more; {
		h = into
		into, more = grafts.squashedInto(h)
	}
	c, err := loadCommit(ctx, s, h)
	if err == nil && len(c.Parents) > 0 {
		c, err = loadCommit(ctx, s, c.Parents[0])
	}
	return c, err == nil
}

// newCommits returns the first commits that follow seen on the way to a branch's head.
func (r *refs) newCommits(ctx context.Context, branch string, state branchState, seen *Commit) ([]*Commit, error) {
	s := r.store
	if before, squashed := r.beforeSquashed(ctx, seen.Hash); squashed {
		seen = before
	}
	head, err := loadCommit(ctx, s, state.head)
	if err != nil {
		return nil, err
	}
	depth := min(head.links.depth, seen.links.depth)
	at, err := ancestorAt(ctx, s, head, depth)
	if err != nil {
		return nil, err
	}
	if at.Hash != seen.Hash {
		base, err := mergeBase(ctx, s, head, seen)
		if err != nil && !errors.Is(err, nbs.ErrNotFound) {
			return nil, err
		}
		return nil, &RewoundError{Branch: branch, Seen: seen, Head: head, Base: base}
	}
	if depth < barrierOf(s) { // what was cut out makes distances shorter than depths
		return r.commitsSince(ctx, head, seen)
	}
	n := min(head.links.depth-depth, batchCommits)
	c, err := ancestorAt(ctx, s, head, depth+n)
	if err != nil {
		return nil, err
	}
	commits := make([]*Commit, n)
	for i := n; i > 0; i-- {
		commits[i-1] = c
		if i > 1 {
			if c, err = loadCommit(ctx, s, c.Parents[0]); err != nil {
				return nil, err
			}
		}
	}
	return commits, nil
}

// commitsSince is newCommits without far links.
func (r *refs) commitsSince(ctx context.Context, head, seen *Commit) ([]*Commit, error) {
	var commits []*Commit
	for c := head; c.Hash != seen.Hash; {
		commits = append(commits, c)
		if len(c.Parents) == 0 {
			break
		}
		var err error
		if c, err = loadCommit(ctx, r.store, c.Parents[0]); err != nil {
			return nil, err
		}
	}
	slices.Reverse(commits)
	return commits[:min(len(commits), batchCommits)], nil
}
