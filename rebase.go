package vdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// RebaseAction says what a rebase does with a commit.
type RebaseAction string

// The actions of a rebase.
const (
	// RebasePick repeats the commit.
	RebasePick RebaseAction = "pick"
	// RebaseDrop leaves it out.
	RebaseDrop RebaseAction = "drop"
	// RebaseReword repeats it under another text.
	RebaseReword RebaseAction = "reword"
	// RebaseSquash makes one commit of it and the one before, with both texts.
	RebaseSquash RebaseAction = "squash"
	// RebaseFixup is RebaseSquash that keeps the text of the one before.
	RebaseFixup RebaseAction = "fixup"
)

// RebaseStep is a commit in the plan of a rebase.
type RebaseStep struct {
	Action RebaseAction
	Commit Hash
	// Text is the commit's text; RebaseReword alone makes use of it.
	Text string
}

// RebaseOptions of Rebase. The zero value is what most callers want.
type RebaseOptions struct {
	// Plan is what to do, in that order; nil picks all that PlanRebase returns.
	Plan []RebaseStep
	// Head, if not zero, is the head for which the plan was made: a branch that has
	// moved since is left alone.
	Head Hash
	// Committer signs the new commits; empty is the author of each.
	Committer string
	// KeepEmpty keeps commits that change nothing any more. Those that never
	// changed anything are kept in any case.
	KeepEmpty bool
	// Take decides every conflict for one side: Ours is what the commit is put
	// on, Theirs the commit.
	Take Side
}

// PlanRebase returns what Rebase would do with the branch: to pick the commits
// that it has beyond the revision onto, oldest first, without merges.
func (b *Branch) PlanRebase(ctx context.Context, onto string) ([]RebaseStep, error) {
	op := fmt.Sprintf("plan to rebase branch %s onto %s", b.name, onto)
	r, err := b.db.refs(ctx)
	if err != nil {
		return nil, opError(op, err)
	}
	to, err := b.db.resolveCommit(ctx, r, b.name, onto)
	if err != nil {
		return nil, opError(op, err)
	}
	steps, err := b.planRebase(ctx, to, revHead)
	return steps, opError(op, err)
}

func (b *Branch) planRebase(ctx context.Context, onto *Commit, head string) ([]RebaseStep, error) {
	var steps []RebaseStep
	for c, err := range b.db.walkHistory(ctx, b.name, &LogOptions{From: onto.Hash.String() + ".." + head}) {
		if err != nil {
			return nil, err
		}
		if len(c.Parents) < 2 {
			steps = append(steps, RebaseStep{Action: RebasePick, Commit: c.Hash, Text: c.Text})
		}
	}
	slices.Reverse(steps)
	return steps, nil
}

// Rebase makes the branch as if its commits had been made on top of the revision
// onto: each one's change is repeated there, in the order of the plan. It returns
// the new head. Commits whose change is there already are left out.
//
// The working set must be clean, else it is ErrUncommitted. A *ConflictError or
// *ConstraintError names the commit that cannot be repeated. All commits are
// moved or none, and what was the head can still be found by its hash.
func (b *Branch) Rebase(ctx context.Context, onto string, o *RebaseOptions) (*Commit, error) {
	if o == nil {
		o = &RebaseOptions{}
	}
	x := &rebasing{branch: b, o: o, op: fmt.Sprintf("rebase branch %s onto %s", b.name, onto)}
	if err := o.validate(); err != nil {
		return nil, opError(x.op, err)
	}
	err := again(ctx, func() error { return x.once(ctx, onto) })
	if err != nil {
		return nil, x.named(err)
	}
	return x.tip, nil
}

func (o *RebaseOptions) validate() error {
	if o.Take != "" && o.Take != Ours && o.Take != Theirs {
		return invalidf("Take %q", o.Take)
	}
	first := true
	for _, s := range o.Plan {
		switch s.Action {
		case RebaseDrop:
			continue
		case RebasePick, RebaseReword:
		case RebaseSquash, RebaseFixup:
			if first {
				return invalidf("the first commit of the plan, %s, cannot be a %s: there is none before it; pick or reword it", s.Commit, s.Action)
			}
		default:
			return invalidf("action %q of commit %s; it can be pick, drop, reword, squash or fixup", s.Action, s.Commit)
		}
		first = false
	}
	return nil
}

// rebasing is a rebase that is being made.
type rebasing struct {
	branch *Branch
	o      *RebaseOptions
	op     string
	w      *nbs.Writer
	// tip is the last commit so far. It may be melted with the next if it was made
	// of a step of the plan.
	tip  *Commit
	meld bool
}

// once is one attempt; it fails if the branch moves meanwhile.
func (x *rebasing) once(ctx context.Context, onto string) error {
	db, name := x.branch.db, x.branch.name
	r, err := db.refs(ctx)
	if err != nil {
		return err
	}
	state, head, err := x.start(ctx, r)
	if err != nil {
		return err
	}
	if x.tip, err = db.resolveCommit(ctx, r, name, onto); err != nil {
		return err
	}
	plan := x.o.Plan
	if plan == nil {
		if plan, err = x.branch.planRebase(ctx, x.tip, head.Hash.String()); err != nil {
			return err
		}
	}
	x.w = db.blocks.NewWriter()
	defer x.w.Discard()
	if err := x.run(ctx, plan); err != nil || x.tip.Hash == head.Hash {
		return err
	}
	return db.update(ctx, x.w, func(ctx context.Context, r *refs) error {
		now, err := r.branch(ctx, name)
		if err == nil && now != state {
			err = lostRace{errHeadMoved}
		}
		if err != nil {
			return err
		}
		return r.setBranch(ctx, name, cleanState(x.tip))
	})
}

// start returns the branch's state, which must be clean, and its head.
func (x *rebasing) start(ctx context.Context, r *refs) (branchState, *Commit, error) {
	state, err := r.branch(ctx, x.branch.name)
	if err != nil {
		return state, nil, err
	}
	head, err := loadCommit(ctx, r.store, state.head)
	switch {
	case err != nil:
		return state, nil, err
	case !state.merge.IsZero():
		return state, nil, ErrMerging
	case state != cleanState(head):
		return state, nil, ErrUncommitted
	case !x.o.Head.IsZero() && x.o.Head != head.Hash:
		return state, nil, invalidf("the branch has moved from %s to %s since the plan was made; plan again", x.o.Head, head.Hash)
	}
	return state, head, nil
}

// run takes the steps of the plan.
func (x *rebasing) run(ctx context.Context, plan []RebaseStep) error {
	x.meld = false
	for _, s := range plan {
		if s.Action == RebaseDrop {
			continue
		}
		c, err := loadCommit(ctx, x.w, s.Commit)
		if err != nil {
			return err
		}
		if err := x.step(ctx, s, c); err != nil {
			return inOp(fmt.Sprintf("%s: %s %s (%s)", x.op, s.Action, c.Short(), c.Subject()), err)
		}
	}
	return nil
}

func (x *rebasing) step(ctx context.Context, s RebaseStep, c *Commit) error {
	if s.Action == RebasePick && len(c.Parents) == 1 && c.Parents[0] == x.tip.Hash {
		x.tip, x.meld = c, true // it stands there already
		return nil
	}
	r := &replay{op: x.op, branch: x.branch, o: &RevertOptions{Take: x.o.Take}}
	change, err := r.step(ctx, c)
	if err != nil {
		return err
	}
	next, err := r.apply(ctx, x.w, x.tip.version(), change)
	if err != nil {
		return err
	}
	melds := x.meld && (s.Action == RebaseSquash || s.Action == RebaseFixup)
	if !melds && next == x.tip.version() && change.base != change.theirs && !x.o.KeepEmpty {
		x.meld = false
		return nil
	}
	return x.commit(ctx, x.draft(s, c, melds), next)
}

// draft says how a step's commit is signed, and on what it stands.
func (x *rebasing) draft(s RebaseStep, c *Commit, melds bool) commitDraft {
	from, parents := c, []hash.Hash{x.tip.Hash}
	text := c.Text
	if melds {
		from, parents, text = x.tip, x.tip.Parents, x.tip.Text
	}
	switch {
	case s.Action == RebaseReword && s.Text != "":
		text = s.Text
	case s.Action == RebaseSquash && melds:
		text = strings.TrimRight(x.tip.Text, "\n") + "\n\n" + c.Text
	}
	return commitDraft{parents: parents, message: Message{
		Author: from.Author, Time: from.Time, Text: text, Committer: x.o.Committer, CommitTime: x.branch.db.now(),
	}}
}

func (x *rebasing) commit(ctx context.Context, d commitDraft, v version) (err error) {
	d.version = v
	x.tip, err = x.branch.db.storeCommit(ctx, x.w, d)
	x.meld = true
	return err
}

// named puts the operation's name into an error that has none.
func (x *rebasing) named(err error) error {
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrConstraint) {
		return err
	}
	return opError(x.op, err)
}
