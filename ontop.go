package vdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// makeCommits makes what is to follow the commit head of a branch: versions
// with their messages, the first one first. It writes chunks to w only.
type makeCommits func(ctx context.Context, w *nbs.Writer, head *Commit) ([]commitDraft, error)

// errHeadMoved tells that what was made on top of a head cannot be carried to
// the newer one.
var errHeadMoved = errors.New("the branch moved")

// onTop makes commits on top of the branch's head and carries the same changes
// into its working set. The work is done while others go on writing; if what
// they wrote meanwhile collides it is done again.
func (b *Branch) onTop(ctx context.Context, create makeCommits) ([]*Commit, error) {
	var made []*Commit
	err := again(ctx, func() (err error) {
		made, err = b.onTopOnce(ctx, create)
		return err
	})
	return made, err
}

// again calls try until it has not lost a race, the context ends, or it gives up.
func again(ctx context.Context, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if !errors.Is(err, errLostRace) || attempt == updateAttempts {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (b *Branch) onTopOnce(ctx context.Context, create makeCommits) ([]*Commit, error) {
	w := b.db.blocks.NewWriter() // before the state: it holds what that leads to
	defer w.Discard()
	state, err := b.state(ctx)
	if err != nil {
		return nil, err
	}
	o := &onTop{db: b.db, w: w, state: state}
	if err := o.prepare(ctx, create); err != nil {
		return nil, err
	}
	var made []*Commit
	err = b.db.update(ctx, w, func(ctx context.Context, r *refs) error {
		now, err := r.branch(ctx, b.name)
		if err != nil {
			return err
		}
		if made, err = o.finish(ctx, &now); err != nil {
			return err
		}
		return r.setBranch(ctx, b.name, now)
	})
	return made, err
}

// onTop is one attempt to add commits to a branch: what was made, and the state
// that it was made from.
type onTop struct {
	db     *DB
	w      *nbs.Writer
	state  branchState
	head   *Commit
	drafts []commitDraft
	// theirs is the commit that the drafts merge; nil unless they merge one.
	theirs *Commit
	// working and staged are the state's, with the change.
	working, staged version
}

// prepare does the long work, outside the store's lock.
func (o *onTop) prepare(ctx context.Context, create makeCommits) (err error) {
	if !o.state.merge.IsZero() {
		return ErrMerging
	}
	if o.head, err = loadCommit(ctx, o.w, o.state.head); err != nil {
		return err
	}
	if o.drafts, err = create(ctx, o.w, o.head); err != nil {
		return err
	}
	if len(o.drafts) == 0 {
		return ErrNothingToCommit
	}
	if o.working, err = o.carry(ctx, o.state.working); err != nil {
		return err
	}
	o.staged = o.working
	if o.state.staged != o.state.working {
		o.staged, err = o.carry(ctx, o.state.staged)
	}
	return err
}

// newest is the last version that was made.
func (o *onTop) newest() version { return o.drafts[len(o.drafts)-1].version }

// carry puts the change on uncommitted ones. Where they collide it fails with
// an error that lists the rows and is an ErrUncommitted too.
func (o *onTop) carry(ctx context.Context, onto version) (version, error) {
	merged, err := o.db.combine(ctx, o.w, o.head.version(), onto, o.newest())
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrConstraint) {
		return version{}, fmt.Errorf("%w: %w", ErrUncommitted, err)
	}
	return merged, err
}

// finish makes the commits on the branch as it is now. What moved since prepare
// is put beneath what was made, which takes as long as that is little.
func (o *onTop) finish(ctx context.Context, now *branchState) ([]*Commit, error) {
	if !now.merge.IsZero() {
		return nil, ErrMerging
	}
	if err := o.followHead(ctx, now.head); err != nil {
		return nil, err
	}
	working, err := o.beneath(ctx, o.state.working, now.working, o.working)
	if err != nil {
		return nil, err
	}
	staged := working
	if now.staged != now.working {
		if staged, err = o.beneath(ctx, o.state.staged, now.staged, o.staged); err != nil {
			return nil, err
		}
	}
	made, err := o.store(ctx, now.head)
	if err != nil {
		return nil, err
	}
	now.head, now.working, now.staged = made[len(made)-1].Hash, working, staged
	return made, nil
}

// followHead moves the drafts to the head that the branch has now.
func (o *onTop) followHead(ctx context.Context, head hash.Hash) error {
	if head == o.head.Hash {
		return nil
	}
	c, err := loadCommit(ctx, o.w, head)
	if err != nil {
		return err
	}
	if err := o.mustLeadTo(ctx, c); err != nil {
		return err
	}
	for i := range o.drafts {
		d := &o.drafts[i]
		if d.forward != nil {
			return lostRace{errHeadMoved}
		}
		if d.version, err = o.beneath(ctx, o.head.version(), c.version(), d.version); err != nil {
			return err
		}
	}
	if o.newest() == c.version() {
		// Somebody else made the same change.
		return lostRace{errHeadMoved}
	}
	return nil
}

// mustLeadTo refuses a head that does not follow the one before, as after a reset,
// and one that has merged some of theirs meanwhile: what was merged with the one
// before is not all that is to be merged with it, or is more than that.
func (o *onTop) mustLeadTo(ctx context.Context, head *Commit) error {
	leads, err := isAncestor(ctx, o.w, o.head, head)
	switch {
	case err != nil:
		return err
	case !leads:
		return lostRace{errHeadMoved}
	case o.theirs == nil:
		return nil
	}
	was, err := mergeBase(ctx, o.w, o.head, o.theirs)
	if err != nil {
		return err
	}
	is, err := mergeBase(ctx, o.w, head, o.theirs)
	if err == nil && (was == nil) != (is == nil) || was != nil && is != nil && was.Hash != is.Hash {
		return lostRace{errHeadMoved}
	}
	return err
}

// beneath puts what moved between base and now beneath made. Both are sound, so
// it is enough to check what moved against the rest.
func (o *onTop) beneath(ctx context.Context, base, now, made version) (version, error) {
	if now == base {
		return made, nil
	}
	merged, err := o.db.combine(ctx, o.w, base, now, made)
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrConstraint) {
		return version{}, lostRace{err}
	}
	return merged, err
}

// combine merges two sound versions, of which ours has changed little, and
// checks the result.
func (db *DB) combine(ctx context.Context, s prolly.Store, base, ours, theirs version) (version, error) {
	m := merger{db: db, ctx: ctx, store: s, base: base, ours: ours, theirs: theirs, theirsLater: true}
	merged, err := m.run()
	if err != nil {
		return version{}, err
	}
	if conflicts := m.conflictList(); len(conflicts) > 0 {
		return version{}, &ConflictError{Op: "combine changes", Conflicts: conflicts}
	}
	return merged, m.verify(theirs, merged)
}

// store writes the commits, one on top of the other. The parents that a draft has
// already come after that.
func (o *onTop) store(ctx context.Context, parent hash.Hash) ([]*Commit, error) {
	made := make([]*Commit, len(o.drafts))
	for i, d := range o.drafts {
		made[i] = d.forward
		if d.forward == nil {
			d.parents = append([]hash.Hash{parent}, d.parents...)
			var err error
			if made[i], err = o.db.storeCommit(ctx, o.w, d); err != nil {
				return nil, err
			}
		}
		parent = made[i].Hash
	}
	return made, nil
}

// inOp names the operation in an error that lists rows, or wraps another.
func inOp(op string, err error) error {
	if errors.Is(err, ErrUncommitted) {
		return opError(op, err)
	}
	if e, ok := errors.AsType[*ConflictError](err); ok {
		return &ConflictError{Op: op, Conflicts: e.Conflicts}
	}
	if e, ok := errors.AsType[*ConstraintError](err); ok {
		return &ConstraintError{Op: op, Violations: e.Violations}
	}
	return opError(op, err)
}
