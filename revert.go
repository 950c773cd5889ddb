package vdb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vdbgo/vdb/nbs"
)

// RevertOptions of Revert and CherryPick. The zero value is what most callers want.
type RevertOptions struct {
	// Message is for the new commit. An empty Text is made from the reverted
	// commit's. With several new commits only its author and committer count.
	// A picked commit keeps its author, time and text: of the Message only
	// Committer, CommitTime and AllowEmpty count, unless it is squashed.
	Message Message
	// Mainline is the parent, from 1, against which a merge commit is seen. A
	// merge cannot be reverted or picked without it.
	Mainline int
	// Squash makes one commit of a range.
	Squash bool
	// Take decides every conflict for one side: Ours is the branch, Theirs what
	// the revert, or the picked commit, wants.
	Take Side
	// Resolve decides conflicts of rows, by table: it returns the row to be, nil
	// for none; Conflict.Merged is a start. An error ends the operation.
	Resolve map[string]func(Conflict) (Row, error)
}

// Revert makes a new commit that undoes the commit at revision rev, or, given a
// range a..b, the commits by first parents that b has beyond a, newest first:
// one new commit each, or a single one with Squash. Later changes stay. It
// returns the newest commit made.
//
// If later commits changed what is to be undone a *ConflictError lists the rows;
// if a rule would be broken a *ConstraintError does; then nothing is changed.
// ErrNothingToCommit if all is undone already.
//
// The working set may have uncommitted changes: they stay uncommitted, and the
// change is carried into it. If it meets uncommitted changes of the same cells
// the error is both ErrUncommitted and ErrConflict. While a merge is in
// progress Revert fails with ErrMerging.
func (b *Branch) Revert(ctx context.Context, rev string, o *RevertOptions) (*Commit, error) {
	r := &replay{op: fmt.Sprintf("revert %s on branch %s", rev, b.name), branch: b, undo: true}
	return r.run(ctx, rev, o)
}

// CherryPick makes a new commit that repeats the change of the commit at
// revision rev, or, given a range a..b, the changes of the commits by first
// parents that b has beyond a, oldest first. Author, time and text are kept. In
// all else it is like Revert.
func (b *Branch) CherryPick(ctx context.Context, rev string, o *RevertOptions) (*Commit, error) {
	r := &replay{op: fmt.Sprintf("cherry-pick %s on branch %s", rev, b.name), branch: b}
	return r.run(ctx, rev, o)
}

// replay puts changes that commits made, or their opposites, on top of a branch.
type replay struct {
	op     string
	branch *Branch
	undo   bool
	o      *RevertOptions
	steps  []replayStep
	now    time.Time
}

// replayStep is one commit's change: from base to theirs.
type replayStep struct {
	base, theirs version
	message      Message
}

func (r *replay) run(ctx context.Context, rev string, o *RevertOptions) (*Commit, error) {
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
	made, err := r.branch.onTop(ctx, r.drafts)
	if err != nil {
		return nil, inOp(r.op, err)
	}
	return made[len(made)-1], nil
}

func (o *RevertOptions) validate() error {
	switch {
	case o.Take != "" && o.Take != Ours && o.Take != Theirs:
		return invalidf("Take %q", o.Take)
	case o.Mainline < 0:
		return invalidf("mainline parent %d", o.Mainline)
	}
	return o.Message.mustBeWhole()
}

// mustBeWhole refuses what only Commit can do.
func (m *Message) mustBeWhole() error {
	if m.Amend || len(m.Tables) > 0 {
		return invalidf("a new commit is made, as a whole: Amend and Tables are for Commit")
	}
	return nil
}

// plan finds the commits, in the order in which they are replayed.
func (r *replay) plan(ctx context.Context, rev string) error {
	commits, err := r.commits(ctx, rev)
	if err != nil {
		return err
	}
	for _, c := range commits {
		step, err := r.step(ctx, c)
		if err != nil {
			return err
		}
		r.steps = append(r.steps, step)
	}
	if r.o.Squash && len(commits) > 1 {
		r.squashMessage(rev, commits)
	}
	return nil
}

func (r *replay) commits(ctx context.Context, rev string) ([]*Commit, error) {
	db := r.branch.db
	if !strings.Contains(rev, "..") {
		refs, err := db.refs(ctx)
		if err != nil {
			return nil, err
		}
		c, err := db.resolveCommit(ctx, refs, r.branch.name, rev)
		return []*Commit{c}, err
	}
	var commits []*Commit
	for c, err := range db.walkHistory(ctx, r.branch.name, &LogOptions{From: rev, FirstParent: true}) {
		if err != nil {
			return nil, err
		}
		commits = append(commits, c)
	}
	if len(commits) == 0 {
		return nil, invalidf("the range %s is empty", rev)
	}
	if !r.undo {
		for i, j := 0, len(commits)-1; i < j; i, j = i+1, j-1 {
			commits[i], commits[j] = commits[j], commits[i]
		}
	}
	return commits, nil
}

func (r *replay) step(ctx context.Context, c *Commit) (replayStep, error) {
	before, err := r.before(ctx, c)
	if err != nil {
		return replayStep{}, err
	}
	if r.undo {
		return replayStep{base: c.version(), theirs: before, message: r.revertMessage(c)}, nil
	}
	return replayStep{base: before, theirs: c.version(), message: r.pickMessage(c)}, nil
}

// before returns the version that c's change is seen against.
func (r *replay) before(ctx context.Context, c *Commit) (version, error) {
	n := r.o.Mainline
	switch {
	case n == 0 && len(c.Parents) > 1:
		return version{}, invalidf("commit %s is a merge; say by Mainline (--mainline) which parent it is seen against, 1 or 2", c.Short())
	case n <= 1 && len(c.Parents) == 0:
		return version{}, nil
	}
	p, err := parent(ctx, r.branch.db.blocks, c, uint64(max(n, 1)))
	if err != nil {
		return version{}, err
	}
	return p.version(), nil
}

// revertMessage is git's text for a revert.
func (r *replay) revertMessage(c *Commit) Message {
	m := r.o.Message
	if m.Text == "" {
		m.Text = fmt.Sprintf("Revert %q\n\nThis reverts commit %s.\n", c.Subject(), c.Hash)
	}
	return m
}

func (r *replay) pickMessage(c *Commit) Message {
	m := Message{Author: c.Author, Time: c.Time, Text: c.Text, Committer: r.o.Message.Committer,
		CommitTime: r.o.Message.CommitTime, AllowEmpty: r.o.Message.AllowEmpty}
	if m.CommitTime.IsZero() {
		m.CommitTime = r.now
	}
	return m
}

// squashMessage gives the last step, whose commit is the only one, a text that
// names all.
func (r *replay) squashMessage(rev string, commits []*Commit) {
	m := r.o.Message
	if m.Text == "" {
		verb := "Pick"
		if r.undo {
			verb = "Revert"
		}
		var text strings.Builder
		fmt.Fprintf(&text, "%s %s\n\n", verb, rev)
		for _, c := range commits {
			fmt.Fprintf(&text, "%s %s\n", c.Hash, c.Subject())
		}
		m.Text = text.String()
	}
	r.steps[len(r.steps)-1].message = m
}

// drafts replays the steps on top of head. Steps that change nothing are left out.
func (r *replay) drafts(ctx context.Context, w *nbs.Writer, head *Commit) ([]commitDraft, error) {
	var drafts []commitDraft
	at := head.version()
	for _, step := range r.steps {
		next, err := r.apply(ctx, w, at, step)
		if err != nil {
			return nil, err
		}
		if next == at && !step.message.AllowEmpty {
			continue
		}
		at = next
		drafts = append(drafts, commitDraft{message: step.message, version: at})
	}
	if r.o.Squash && len(drafts) > 0 {
		drafts = []commitDraft{{message: r.steps[len(r.steps)-1].message, version: at}}
	}
	return drafts, nil
}

// apply makes one step's change on a version.
func (r *replay) apply(ctx context.Context, w *nbs.Writer, onto version, step replayStep) (version, error) {
	m := merger{db: r.branch.db, ctx: ctx, store: w, base: step.base, ours: onto, theirs: step.theirs,
		theirsLater: true, replay: true, take: r.o.Take, resolve: foldKeys(r.o.Resolve)}
	merged, err := m.run()
	if err != nil {
		return version{}, err
	}
	if conflicts := m.conflictList(); len(conflicts) > 0 {
		return version{}, &ConflictError{Op: r.op, Conflicts: conflicts}
	}
	return merged, m.verify(onto, merged)
}
