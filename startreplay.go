package vdb

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb/nbs"
)

// StartRevert is Revert of one commit that stops at conflicts as Merge does: the
// error lists them, and the revert stays in progress, so that Conflicts shows and
// ResolveConflicts settles them. Commit finishes it, Abort gives it up.
func (b *Branch) StartRevert(ctx context.Context, rev string, o *RevertOptions) (*Commit, error) {
	r := &replay{op: fmt.Sprintf("revert %s on branch %s", rev, b.name), branch: b, undo: true}
	return r.start(ctx, rev, o)
}

// StartCherryPick is CherryPick of one commit that stops at conflicts as
// StartRevert does. A Text in o.Message takes the place of the commit's.
func (b *Branch) StartCherryPick(ctx context.Context, rev string, o *RevertOptions) (*Commit, error) {
	r := &replay{op: fmt.Sprintf("cherry-pick %s on branch %s", rev, b.name), branch: b}
	return r.start(ctx, rev, o)
}

func (r *replay) start(ctx context.Context, rev string, o *RevertOptions) (*Commit, error) {
	if r.o = o; o == nil {
		r.o = &RevertOptions{}
	}
	if err := r.o.validate(); err != nil {
		return nil, opError(r.op, err)
	}
	r.now = r.branch.db.now()
	if err := r.plan(ctx, rev); err != nil {
		return nil, opError(r.op, err)
	}
	if len(r.steps) != 1 {
		return nil, opError(r.op, invalidf("%d commits; one at a time can be left in progress", len(r.steps)))
	}
	theirs, err := r.theirs(ctx, rev)
	if err != nil {
		return nil, opError(r.op, err)
	}
	if r.o.Message.Text != "" {
		r.steps[0].message.Text = r.o.Message.Text
	}
	var made *Commit
	err = again(ctx, func() (err error) {
		made, err = r.startOnce(ctx, theirs)
		return err
	})
	return made, inOp(r.op, err)
}

// theirs is the commit that has the version which the only step leads to.
func (r *replay) theirs(ctx context.Context, rev string) (*Commit, error) {
	commits, err := r.commits(ctx, rev)
	if err != nil {
		return nil, err
	}
	c := commits[0]
	switch {
	case !r.undo:
		return c, nil
	case len(c.Parents) == 0:
		return nil, invalidf("commit %s is the first: there is nothing to go back to", c.Short())
	}
	return parent(ctx, r.branch.db.blocks, c, uint64(max(r.o.Mainline, 1)))
}

func (r *replay) startOnce(ctx context.Context, theirs *Commit) (*Commit, error) {
	state, err := r.branch.state(ctx)
	if err != nil {
		return nil, err
	}
	db := r.branch.db
	w := db.blocks.NewWriter()
	defer w.Discard()
	a := &mergeAttempt{onTop: onTop{db: db, w: w, state: state}, op: r.op, branch: r.branch, o: &MergeOptions{}}
	err = a.prepare(ctx, func(ctx context.Context, w *nbs.Writer, head *Commit) ([]commitDraft, error) {
		return a.replay(ctx, r, w, head, theirs)
	})
	if err != nil {
		return nil, err
	}
	return a.apply(ctx)
}

// replay makes the only step of r on top of head. What cannot be committed is a
// merge that is to be squashed: theirs is no parent of it.
func (a *mergeAttempt) replay(ctx context.Context, r *replay, w *nbs.Writer, head, theirs *Commit) ([]commitDraft, error) {
	step := r.steps[0]
	m := &merger{db: a.db, ctx: ctx, store: w, base: step.base, ours: head.version(), theirs: step.theirs,
		theirsLater: true, replay: true, take: r.o.Take, resolve: foldKeys(r.o.Resolve)}
	merged, err := m.run()
	if err != nil {
		return nil, err
	}
	violations, err := m.violations(head.version(), merged)
	if err != nil {
		return nil, err
	}
	drafts := []commitDraft{{message: step.message, version: merged}}
	if a.err = a.problems(m.conflictList(), violations); a.err == nil {
		if merged == head.version() && !step.message.AllowEmpty {
			return nil, nil
		}
		return drafts, nil
	}
	a.stop = &mergeState{
		theirs: theirs.Hash, ours: head.Hash, base: step.base, result: merged,
		mergeDetails: mergeDetails{Message: step.message, Squash: true, TheirsLater: true, Violated: len(violations) > 0},
	}
	return drafts, a.stop.record(m)
}
