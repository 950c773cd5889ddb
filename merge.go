package vdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// MergeOptions of Merge. The zero value is what most callers want.
type MergeOptions struct {
	// Message is for the merge commit. An empty Text names what was merged.
	Message Message
	// NoFastForward makes a merge commit even where the branch could simply move
	// on to the merged commit.
	NoFastForward bool
	// Squash makes an ordinary commit of the merged changes: the merged commit is
	// no parent of it.
	Squash bool
	// NoCommit leaves the merge in progress, so that it can be looked at and
	// changed; Commit finishes it.
	NoCommit bool
	// OrNothing has a merge with conflicts or violations change nothing, where it
	// would be left in progress. The error is the same.
	OrNothing bool
	// Take decides every conflict for one side; in a row, only the columns on
	// which the sides disagree.
	Take Side
	// Resolve decides conflicts of rows, by table: it returns the row to be, in
	// the order of the merged schema's columns, nil for none. An ErrConflict
	// leaves the row in conflict, any other error ends the merge. Conflict.Merged
	// has what the policies of columns and the cells that one side alone changed
	// make of the row.
	Resolve map[string]func(Conflict) (Row, error)
}

// Merge merges the commit at revision rev into the branch and returns the new
// commit, which has both as parents. If the branch has all of rev already it
// returns the head and changes nothing; if rev has all of the branch, the branch
// moves on to rev (see NoFastForward) and that commit is returned. With NoCommit
// the head is returned.
//
// Rows merge cell by cell, schemas column by column, renames included. Where
// both sides changed the same cell, its column's Policy decides, then o.
// What remains is reported by a *ConflictError that lists rows and schemas, or,
// if the merged rows break a rule, a *ConstraintError. Unless o says OrNothing the
// merge is in progress then: the working set has all that could be merged, and ours
// in the rows in conflict. Conflicts and Violations list what is open, ResolveConflicts
// and transactions settle it, and Commit makes the merge's commit, of the working set
// as a whole; Abort gives it up.
//
// The working set may have uncommitted changes: they stay uncommitted, and the
// merge is carried into it. If that meets uncommitted changes of the same cells
// the error is both ErrUncommitted and ErrConflict, and nothing is changed.
// Transactions go on all the while.
//
// Rows of a table without a primary key that both sides added are all kept,
// under rowids of their own, equal ones too.
//
// A schema conflict has a Reason and no Key. Until it is settled the table's
// schema is as ours in what collides, and merged in all else; where rows cannot
// be merged across it (a table that one side dropped, another primary key) the
// table is as ours altogether.
func (b *Branch) Merge(ctx context.Context, rev string, o *MergeOptions) (*Commit, error) {
	if o == nil {
		o = &MergeOptions{}
	}
	op := fmt.Sprintf("merge %s into branch %s", rev, b.name)
	if err := o.validate(); err != nil {
		return nil, opError(op, err)
	}
	var c *Commit
	err := again(ctx, func() (err error) {
		c, err = b.mergeOnce(ctx, op, rev, o)
		return err
	})
	return c, inOp(op, err)
}

func (o *MergeOptions) validate() error {
	switch {
	case o.Take != "" && o.Take != Ours && o.Take != Theirs:
		return invalidf("Take %q", o.Take)
	case o.Message.Amend || len(o.Message.Tables) > 0:
		return invalidf("a merge is committed as a whole")
	}
	return nil
}

// mergeAttempt is one attempt to merge a commit into a branch.
type mergeAttempt struct {
	onTop
	op     string
	branch *Branch
	rev    string
	o      *MergeOptions
	// stop is the merge to be left in progress, and err why.
	stop *mergeState
	err  error
}

func (b *Branch) mergeOnce(ctx context.Context, op, rev string, o *MergeOptions) (*Commit, error) {
	w := b.db.blocks.NewWriter() // before the refs: it holds what they lead to
	defer w.Discard()
	r, err := b.db.refs(ctx)
	if err != nil {
		return nil, err
	}
	state, err := r.branch(ctx, b.name)
	if err != nil {
		return nil, err
	}
	theirs, err := b.db.resolveCommit(ctx, r, b.name, rev)
	if err != nil {
		return nil, err
	}
	a := &mergeAttempt{onTop: onTop{db: b.db, w: w, state: state, theirs: theirs}, op: op, branch: b, rev: rev, o: o}
	if err := a.prepare(ctx, a.create); err != nil {
		if errors.Is(err, ErrNothingToCommit) {
			return a.head, nil
		}
		return nil, err
	}
	return a.apply(ctx)
}

// apply makes the result visible: as a commit or as a merge in progress.
func (a *mergeAttempt) apply(ctx context.Context) (*Commit, error) {
	var made []*Commit
	err := a.db.update(ctx, a.w, func(ctx context.Context, r *refs) error {
		now, err := r.branch(ctx, a.branch.name)
		if err != nil {
			return err
		}
		if a.stop != nil {
			err = a.leaveOpen(ctx, &now)
		} else {
			made, err = a.finish(ctx, &now)
		}
		if err != nil {
			return err
		}
		return r.setBranch(ctx, a.branch.name, now)
	})
	switch {
	case err != nil:
		return nil, err
	case a.stop == nil:
		return made[0], nil
	case a.err != nil:
		return nil, a.err
	}
	return a.head, nil
}

// create merges the versions. It returns no draft if there is nothing to merge.
func (a *mergeAttempt) create(ctx context.Context, w *nbs.Writer, head *Commit) ([]commitDraft, error) {
	base, err := mergeBase(ctx, w, head, a.theirs)
	if err != nil {
		return nil, err
	}
	var from version
	if base != nil {
		from = base.version()
		switch {
		case base.Hash == a.theirs.Hash:
			return nil, nil
		case base.Hash == head.Hash && !a.o.NoFastForward && !a.o.Squash && !a.o.NoCommit:
			return []commitDraft{{version: a.theirs.version(), forward: a.theirs}}, nil
		}
	}
	return a.merge(ctx, w, from, head)
}

func (a *mergeAttempt) merge(ctx context.Context, w *nbs.Writer, base version, head *Commit) ([]commitDraft, error) {
	m := &merger{
		db: a.db, ctx: ctx, store: w, base: base, ours: head.version(), theirs: a.theirs.version(),
		theirsLater: laterThan(a.theirs, head), take: a.o.Take, resolve: foldKeys(a.o.Resolve),
	}
	merged, err := m.run()
	if err != nil {
		return nil, err
	}
	if err := a.checkResolvers(ctx, w, merged); err != nil {
		return nil, err
	}
	violations, err := m.violations(head.version(), merged)
	if err != nil {
		return nil, err
	}
	draft := commitDraft{message: a.message(), version: merged}
	if !a.o.Squash {
		draft.parents = []hash.Hash{a.theirs.Hash}
	}
	conflicts := m.conflictList()
	a.err = a.problems(conflicts, violations)
	if a.err != nil && a.o.OrNothing {
		return nil, a.err
	}
	if a.err == nil && !a.o.NoCommit {
		if a.o.Squash && merged == head.version() && !a.o.Message.AllowEmpty {
			return nil, nil
		}
		return []commitDraft{draft}, nil
	}
	a.stop = &mergeState{
		theirs: a.theirs.Hash, ours: head.Hash, base: base, result: merged,
		mergeDetails: mergeDetails{Message: draft.message, Squash: a.o.Squash, TheirsLater: m.theirsLater, Violated: len(violations) > 0},
	}
	return []commitDraft{draft}, a.stop.record(m)
}

// laterThan tells whether a was committed later than b. It is never true of both
// (a, b) and (b, a).
func laterThan(a, b *Commit) bool {
	if a.CommitTime.Equal(b.CommitTime) {
		return a.Hash.Compare(b.Hash) > 0
	}
	return a.CommitTime.After(b.CommitTime)
}

// checkResolvers refuses a function for a table that there is not.
func (a *mergeAttempt) checkResolvers(ctx context.Context, w *nbs.Writer, merged version) error {
	s := a.db.newSnapshot(ctx, w, merged)
	for table := range a.o.Resolve {
		if _, err := s.table(table); err != nil {
			return fmt.Errorf("resolve: %w", err)
		}
	}
	return nil
}

// problems is what keeps a merge from being committed.
func (a *mergeAttempt) problems(conflicts []Conflict, violations []Violation) error {
	conflict := &ConflictError{Op: a.op, Conflicts: conflicts}
	constraint := &ConstraintError{Op: a.op, Violations: violations}
	switch {
	case len(conflicts) > 0 && len(violations) > 0:
		return errors.Join(conflict, constraint)
	case len(conflicts) > 0:
		return conflict
	case len(violations) > 0:
		return constraint
	}
	return nil
}

func (a *mergeAttempt) message() Message {
	m := a.o.Message
	if m.Text != "" {
		return m
	}
	verb := "Merge"
	if a.o.Squash {
		verb = "Squash"
	}
	m.Text = fmt.Sprintf("%s %s into %s", verb, a.rev, a.branch.name)
	return m
}

// leaveOpen puts the merge, in progress, on the branch as it is now.
func (a *mergeAttempt) leaveOpen(ctx context.Context, now *branchState) (err error) {
	switch {
	case !now.merge.IsZero():
		return ErrMerging
	case now.head != a.state.head:
		return lostRace{errHeadMoved}
	}
	a.stop.before = now.working
	if now.working, err = a.beneath(ctx, a.state.working, now.working, a.working); err != nil {
		return err
	}
	a.stop.merged = now.working
	now.merge, err = a.stop.save(ctx, a.w)
	return err
}

// foldKeys folds the names of tables.
func foldKeys[T any](byName map[string]T) map[string]T {
	folded := make(map[string]T, len(byName))
	for name, v := range byName {
		folded[fold(name)] = v
	}
	return folded
}

// Abort gives up the merge in progress: the working set becomes what it was
// before, uncommitted changes of that time included. What transactions have
// written since is kept; where it changed what the merge did too, that cannot
// be told apart, and a *ConflictError lists the rows. ErrNotMerging if no merge
// is in progress.
func (b *Branch) Abort(ctx context.Context) error {
	op := "abort the merge on branch " + b.name
	return inOp(op, again(ctx, func() error { return b.abortOnce(ctx) }))
}

func (b *Branch) abortOnce(ctx context.Context) error {
	p, err := b.inProgress(ctx)
	if err != nil {
		return err
	}
	defer p.w.Discard()
	restored, err := p.undone()
	if err != nil {
		return err
	}
	return p.update(func(now *branchState) error {
		now.merge = hash.Hash{}
		return nil
	}, restored)
}
