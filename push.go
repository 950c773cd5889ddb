package vdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/remote"
)

// PushOptions of Push.
type PushOptions struct {
	// Branches to push, each NAME or HERE:THERE. Empty is all, if no Tags are given
	// and nothing is to be deleted.
	Branches []string
	// Tags to push.
	Tags []string
	// Delete are branches of the remote to be removed.
	Delete []string
	// Force moves the remote's branches even if that loses commits there.
	Force bool
	// ForceWithLease does, too, but only if they are where the last fetch saw them.
	ForceWithLease bool
	// Progress is called with the chunks that were sent and those there are. As in
	// FetchOptions the total never shrinks, and may still grow by values out of line.
	Progress func(sent, total int64)
}

// Push brings what branches here have to a remote, and moves the branches there: all
// of them or, with an error, none. The error is a *remote.RejectedError if the
// remote refuses: remote.ErrNotFastForward if its branch has commits that this one has
// not (pull, then push again), remote.ErrMoved if somebody was faster or the lease was
// broken, remote.ErrDirty if there are uncommitted changes on its branch.
func (db *DB) Push(ctx context.Context, remoteName string, o *PushOptions) error {
	op := "push to " + remoteName
	far, err := db.dialRemote(ctx, remoteName)
	if err != nil {
		return opError(op, err)
	}
	if o == nil {
		o = &PushOptions{}
	}
	p := &push{db: db, far: far, remote: remoteName, o: o}
	return opError(op, errors.Join(p.run(ctx), far.Close()))
}

// Push pushes the branch to the one of the same name, see DB.Push.
func (b *Branch) Push(ctx context.Context, remoteName string, o *PushOptions) error {
	mine := PushOptions{}
	if o != nil {
		mine = *o
	}
	mine.Branches = []string{b.name}
	return b.db.Push(ctx, remoteName, &mine)
}

// push is one push.
type push struct {
	db      *DB
	far     remote.Remote
	remote  string
	o       *PushOptions
	refs    *refs
	shown   *remote.Refs
	updates []remote.Update
}

func (p *push) run(ctx context.Context) (err error) {
	if p.refs, err = p.db.refs(ctx); err != nil {
		return err
	}
	if err := p.choose(ctx); err != nil {
		return err
	}
	if err := p.look(ctx); err != nil {
		return err
	}
	if err := p.check(ctx); err != nil || len(p.updates) == 0 {
		return err
	}
	if err := p.send(ctx); err != nil {
		return err
	}
	return p.note(ctx)
}

// choose finds out which refs are to be what.
func (p *push) choose(ctx context.Context) error {
	branches := p.o.Branches
	if len(branches) == 0 && len(p.o.Tags) == 0 && len(p.o.Delete) == 0 {
		for item, err := range p.refs.names(ctx, headsPrefix) {
			if err != nil {
				return err
			}
			branches = append(branches, string(item.Key))
		}
	}
	for _, b := range branches {
		here, there, renamed := strings.Cut(b, ":")
		if !renamed {
			there = here
		}
		state, err := p.refs.branch(ctx, here)
		if err != nil {
			return err
		}
		p.updates = append(p.updates, remote.Update{Name: headsPrefix + there, New: state.head})
	}
	for _, t := range p.o.Tags {
		h, err := p.refs.tag(ctx, t)
		if err != nil {
			return err
		}
		p.updates = append(p.updates, remote.Update{Name: tagsPrefix + t, New: h})
	}
	for _, b := range p.o.Delete {
		p.updates = append(p.updates, remote.Update{Name: headsPrefix + b})
	}
	return nil
}

// look asks where the remote's refs are: those that move and, unless that is enough
// to know what the remote has, all.
func (p *push) look(ctx context.Context) (err error) {
	var names []string
	for _, u := range p.updates {
		names = append(names, u.Name)
	}
	if p.shown, err = p.far.Refs(ctx, names...); err != nil {
		return err
	}
	for _, u := range p.updates {
		there, err := p.db.blocks.Has(ctx, p.old(u.Name))
		if err != nil {
			return err
		}
		if !there && !u.New.IsZero() {
			p.shown, err = p.far.Refs(ctx)
			return err
		}
	}
	return nil
}

// old returns where a ref of the remote is; zero if it is not there.
func (p *push) old(name string) hash.Hash {
	i, found := slices.BinarySearchFunc(p.shown.Refs, name, func(r remote.Ref, name string) int { return strings.Compare(r.Name, name) })
	if !found {
		return hash.Hash{}
	}
	return p.shown.Refs[i].Hash
}

// check completes the updates, and refuses those that the remote would.
func (p *push) check(ctx context.Context) error {
	rejected := &remote.RejectedError{}
	var moving []remote.Update
	for _, u := range p.updates {
		u.Old = p.old(u.Name)
		if u.Old == u.New {
			continue
		}
		if err := p.rule(ctx, &u); err != nil {
			rejected.Rejected = append(rejected.Rejected, remote.Rejection{Ref: u.Name, Reason: err})
		}
		moving = append(moving, u)
	}
	p.updates = moving
	if len(rejected.Rejected) > 0 {
		return rejected
	}
	return nil
}

func (p *push) rule(ctx context.Context, u *remote.Update) error {
	branch, isBranch := strings.CutPrefix(u.Name, headsPrefix)
	switch {
	case p.o.Force:
		u.Rule = remote.Force
		return nil
	case u.New.IsZero() && u.Old.IsZero():
		return ErrNotFound
	case p.o.ForceWithLease && isBranch:
		u.Rule = remote.Lease
		seen, err := p.refs.tracked(ctx, p.remote, branch)
		if err == nil && seen != u.Old {
			err = remote.ErrMoved
		}
		return err
	case u.New.IsZero():
		u.Rule = remote.Lease
		return nil
	case u.Old.IsZero():
		return nil
	case !isBranch:
		return fmt.Errorf("%w: the remote has another tag of that name", remote.ErrNotFastForward)
	}
	return p.mustLead(ctx, u)
}

// mustLead refuses an update that is not a fast-forward.
func (p *push) mustLead(ctx context.Context, u *remote.Update) error {
	if there, err := p.db.blocks.Has(ctx, u.Old); err != nil || !there {
		if err == nil {
			err = fmt.Errorf("%w: the remote has commits that are not here; pull first", remote.ErrNotFastForward)
		}
		return err
	}
	to, err := loadCommit(ctx, p.refs.store, u.New)
	if err != nil {
		return err
	}
	return p.refs.mustDescend(ctx, to, u.Old)
}

// send brings what is missing, and moves the refs.
func (p *push) send(ctx context.Context) error {
	req := remote.FetchRequest{Grafts: p.shown.Grafts}
	for _, u := range p.updates {
		if !u.New.IsZero() {
			req.Wants = append(req.Wants, u.New)
		}
	}
	for _, ref := range p.shown.Refs[:min(len(p.shown.Refs), 4*maxHaves)] {
		req.Haves = append(req.Haves, ref.Commit)
	}
	pushed := remote.PushRequest{ID: p.id(), Updates: p.updates}
	if far, ok := p.far.(remote.Resumer); ok && len(req.Wants) > 0 {
		tops, err := far.Received(ctx, pushed.ID)
		if err != nil {
			return err
		}
		req.Haves = append(req.Haves, tops...)
	}
	plan := remote.NewPlan(p.refs.source(), p.refs.graftAt, req)
	header, err := plan.Header(ctx)
	if err != nil {
		return err
	}
	pushed.Total, pushed.Grafts = header.Chunks, header.Grafts
	pushed.Chunks = p.counted(ctx, plan, header.Chunks)
	return p.far.Push(ctx, pushed)
}

// id tells this push from others to the same remote.
func (p *push) id() string {
	parts := []string{p.db.path}
	for _, u := range p.updates {
		parts = append(parts, u.Name, u.New.String())
	}
	return transferID(parts...)
}

// counted yields the plan's chunks and reports progress.
func (p *push) counted(ctx context.Context, plan *remote.Plan, total int64) func(yield func(remote.Chunk, error) bool) {
	return func(yield func(remote.Chunk, error) bool) {
		sent, total := int64(0), total
		for c, err := range plan.Chunks(ctx, func(more int64) { total += more }) {
			if !yield(c, err) || err != nil {
				return
			}
			if sent++; p.o.Progress != nil && sent%256 == 0 {
				p.o.Progress(sent, total)
			}
		}
		if p.o.Progress != nil {
			p.o.Progress(sent, total)
		}
	}
}

// note remembers where the remote's branches are now.
func (p *push) note(ctx context.Context) error {
	return p.db.update(ctx, p.db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		for _, u := range p.updates {
			branch, isBranch := strings.CutPrefix(u.Name, headsPrefix)
			if !isBranch {
				continue
			}
			if err := r.setTracked(ctx, p.remote, branch, u.New); err != nil {
				return err
			}
		}
		return nil
	})
}
