package vdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// served is a database as others see it. Working sets stay at home: a branch's head
// is what there is of it.
type served struct {
	db     *DB
	access remote.Access
}

var (
	_ remote.Remote   = served{}
	_ remote.Resumer  = served{}
	_ remote.Database = (*DB)(nil)
)

// Served returns the database as a remote of others, of which somebody with that
// access sees and moves the branches and tags. Its Close does nothing.
//
// Whoever may write a branch moves its head, and its working set with it. A branch
// with uncommitted changes is not moved.
func (db *DB) Served(access remote.Access) remote.Remote { return served{db, access} }

// Close implements remote.Remote: the database stays open.
func (s served) Close() error { return nil }

// Refs implements remote.Remote.
func (s served) Refs(ctx context.Context, names ...string) (*remote.Refs, error) {
	r, err := s.db.refs(ctx)
	if err != nil {
		return nil, opError("serve refs", err)
	}
	shown := &remote.Refs{}
	if shown.Grafts, err = r.graftList(ctx); err != nil {
		return nil, opError("serve refs", err)
	}
	for ref, err := range s.visible(ctx, r, names) {
		if err != nil {
			return nil, opError("serve refs", err)
		}
		shown.Refs = append(shown.Refs, ref)
	}
	return shown, nil
}

// source returns what a plan reads from.
func (r *refs) source() remote.Source { return r.store.(remote.Source) }

// visible yields the refs that may be read, all or those with the names.
func (s served) visible(ctx context.Context, r *refs, names []string) iter.Seq2[remote.Ref, error] {
	return func(yield func(remote.Ref, error) bool) {
		for item, err := range r.chosen(ctx, names) {
			if err == nil && !s.access.CanRead(string(item.Key)) {
				continue
			}
			var ref remote.Ref
			if err == nil {
				ref, err = r.shown(ctx, item)
			}
			if !yield(ref, err) || err != nil {
				return
			}
		}
	}
}

// chosen yields branches and tags with their whole keys, all or those with the names.
func (r *refs) chosen(ctx context.Context, names []string) iter.Seq2[prolly.Item, error] {
	return func(yield func(prolly.Item, error) bool) { r.yieldChosen(ctx, names, yield) }
}

// yieldChosen yields the refs that chosen returns.
func (r *refs) yieldChosen(ctx context.Context, names []string, yield func(prolly.Item, error) bool) {
	if len(names) == 0 {
		for _, prefix := range []string{headsPrefix, tagsPrefix} {
			for item, err := range r.names(ctx, prefix) {
				item.Key = append([]byte(prefix), item.Key...)
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
		return
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if !strings.HasPrefix(name, headsPrefix) && !strings.HasPrefix(name, tagsPrefix) {
			continue
		}
		value, found, err := r.tree.Get(ctx, []byte(name))
		if !found && err == nil {
			continue
		}
		if !yield(prolly.Item{Key: []byte(name), Value: value}, err) || err != nil {
			return
		}
	}
}

// shown is a branch or tag as remotes show it.
func (r *refs) shown(ctx context.Context, item prolly.Item) (remote.Ref, error) {
	ref := remote.Ref{Name: string(item.Key)}
	if name, isTag := strings.CutPrefix(ref.Name, tagsPrefix); isTag {
		tag, err := loadTag(ctx, r.store, name, item.Value)
		if err != nil {
			return ref, err
		}
		ref.Commit = tag.Commit
		ref.Hash, err = decodeTagRef(item.Value)
		return ref, err
	}
	state, err := decodeBranchState(item.Value)
	ref.Hash, ref.Commit = state.head, state.head
	return ref, err
}

// Fetch implements remote.Remote.
func (s served) Fetch(ctx context.Context, req remote.FetchRequest) iter.Seq2[remote.Chunk, error] {
	return func(yield func(remote.Chunk, error) bool) {
		if err := s.fetch(ctx, req, yield); err != nil {
			yield(remote.Chunk{}, opError("serve fetch", err))
		}
	}
}

func (s served) fetch(ctx context.Context, req remote.FetchRequest, yield func(remote.Chunk, error) bool) error {
	r, err := s.db.refs(ctx)
	if err != nil {
		return err
	}
	if err := s.mayRead(ctx, r, req.Wants); err != nil {
		return err
	}
	for c, err := range r.planned(ctx, req) {
		if err != nil {
			return err
		}
		if !yield(c, nil) {
			return nil
		}
	}
	return nil
}

// mayRead refuses wants that no ref which may be read leads to.
func (s served) mayRead(ctx context.Context, r *refs, wants []hash.Hash) error {
	missing := map[hash.Hash]bool{}
	for _, h := range wants {
		missing[h] = true
	}
	var heads []hash.Hash
	for ref, err := range s.visible(ctx, r, nil) {
		if err != nil {
			return err
		}
		delete(missing, ref.Hash)
		delete(missing, ref.Commit)
		if len(missing) == 0 {
			return nil
		}
		heads = append(heads, ref.Commit)
	}
	for h := range missing {
		if err := s.isReachable(ctx, r, h, heads); err != nil {
			return err
		}
	}
	return nil
}

// isReachable looks whether a ref has moved on from h since somebody saw it there.
func (s served) isReachable(ctx context.Context, r *refs, h hash.Hash, heads []hash.Hash) error {
	wanted, err := loadCommit(ctx, r.store, h)
	for i := 0; err == nil && i < len(heads); i++ {
		head, err := loadCommit(ctx, r.store, heads[i])
		if err != nil {
			return err
		}
		if is, err := isAncestor(ctx, r.store, wanted, head); is || err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w; the branch may have moved, fetch again", h, remote.ErrNotFound)
}

// Received implements remote.Resumer.
func (s served) Received(ctx context.Context, id string) ([]hash.Hash, error) {
	r, err := s.db.refs(ctx)
	if err != nil {
		return nil, opError("serve push", err)
	}
	tops, _, err := r.transfer(ctx, pushID(id))
	return tops, opError("serve push", err)
}

// pushID is the name of a transfer under which a push is kept here.
func pushID(id string) string { return transferID("push", id) }

// Push implements remote.Remote.
func (s served) Push(ctx context.Context, req remote.PushRequest) error {
	return opError("serve push", s.push(ctx, req))
}

func (s served) push(ctx context.Context, req remote.PushRequest) error {
	if err := s.check(ctx, req.Updates); err != nil {
		return err
	}
	in, err := s.db.newIntake(ctx, pushID(req.ID))
	if err != nil {
		return err
	}
	if req.Chunks != nil {
		grafts, err := s.db.withGrafts(ctx, req.Grafts)
		if err == nil {
			err = in.receive(ctx, grafts, req.Total, func(context.Context, *remote.Receiver) iter.Seq2[remote.Chunk, error] { return req.Chunks })
		}
		if err != nil {
			return errors.Join(err, in.close())
		}
	}
	err = in.finish(ctx, func(ctx context.Context, r *refs) error {
		if err := s.db.addGrafts(ctx, r, req.Grafts); err != nil {
			return err
		}
		return s.move(ctx, r, req.Updates)
	})
	return errors.Join(err, in.close())
}

// check refuses early what will not be allowed.
func (s served) check(ctx context.Context, updates []remote.Update) error {
	r, err := s.db.refs(ctx)
	if err != nil {
		return err
	}
	rejected := &remote.RejectedError{}
	for _, u := range updates {
		err := s.mayMove(ctx, r, u)
		if err != nil {
			rejected.Rejected = append(rejected.Rejected, remote.Rejection{Ref: u.Name, Reason: err})
		}
	}
	if len(rejected.Rejected) > 0 {
		return rejected
	}
	return ctx.Err()
}

// mayMove checks what can be checked before the new commits are there.
func (s served) mayMove(ctx context.Context, r *refs, u remote.Update) error {
	kind, name, _ := strings.Cut(u.Name, "/")
	if err := checkRefName(name); err != nil || kind != "heads" && kind != "tags" {
		return invalidf("%q is neither heads/NAME nor tags/NAME", u.Name)
	}
	if !s.access.CanWrite(u.Name) {
		return remote.ErrRefused
	}
	old, err := r.valueOf(ctx, u.Name)
	switch {
	case err != nil:
		return err
	case u.Rule != remote.Force && old != u.Old:
		return remote.ErrMoved
	case u.Rule == remote.FastForward && kind == "tags" && !old.IsZero() && old != u.New:
		return fmt.Errorf("%w: there is another tag of that name", remote.ErrNotFastForward)
	case u.New.IsZero() && u.Name == headsPrefix+MainBranch:
		return invalidf("the main branch stays")
	}
	purged, err := r.rewritten(ctx)
	if err == nil {
		err = mayCome(ctx, purged, u.New)
	}
	if err == nil && kind == "heads" && !old.IsZero() {
		err = r.mustBeClean(ctx, name)
	}
	return err
}

// valueOf returns what a remote shows of a ref; zero if it is not there.
func (r *refs) valueOf(ctx context.Context, name string) (hash.Hash, error) {
	for item, err := range r.chosen(ctx, []string{name}) {
		if err != nil {
			return hash.Hash{}, err
		}
		ref, err := r.shown(ctx, item)
		return ref.Hash, err
	}
	return hash.Hash{}, nil
}

func (r *refs) mustBeClean(ctx context.Context, branch string) error {
	state, err := r.branch(ctx, branch)
	if err != nil {
		return err
	}
	head, err := loadCommit(ctx, r.store, state.head)
	if err != nil {
		return err
	}
	if state != cleanState(head) {
		return remote.ErrDirty
	}
	return nil
}

// move makes all updates, or none.
func (s served) move(ctx context.Context, r *refs, updates []remote.Update) error {
	rejected := &remote.RejectedError{}
	for _, u := range updates {
		err := s.mayMove(ctx, r, u)
		if err == nil {
			err = r.moveRef(ctx, u)
		}
		if err != nil {
			rejected.Rejected = append(rejected.Rejected, remote.Rejection{Ref: u.Name, Reason: err})
		}
	}
	if len(rejected.Rejected) > 0 {
		return rejected
	}
	return nil
}

func (r *refs) moveRef(ctx context.Context, u remote.Update) error {
	kind, name, _ := strings.Cut(u.Name, "/")
	old, err := r.valueOf(ctx, u.Name)
	if err != nil || old == u.New {
		return err
	}
	if old.IsZero() {
		if err := r.mustBeFree(ctx, kind+"/", name); err != nil {
			return err
		}
	}
	if u.New.IsZero() {
		return r.edit(ctx, prolly.Edit{Key: []byte(u.Name)})
	}
	if kind+"/" == tagsPrefix {
		return r.moveTag(ctx, name, u.New)
	}
	to, err := loadCommit(ctx, r.store, u.New)
	if err != nil {
		return fmt.Errorf("its new commit: %w: %w", err, remote.ErrProtocol)
	}
	if u.Rule == remote.FastForward && !old.IsZero() {
		if err := r.mustDescend(ctx, to, old); err != nil {
			return err
		}
	}
	return r.setBranch(ctx, name, cleanState(to))
}

func (r *refs) moveTag(ctx context.Context, name string, h hash.Hash) error {
	tag, err := loadTag(ctx, r.store, name, oneAddress(h))
	if err == nil {
		_, err = loadCommit(ctx, r.store, tag.Commit)
	}
	if err != nil {
		return fmt.Errorf("tag: %w: %w", err, remote.ErrProtocol)
	}
	return r.setTag(ctx, name, h)
}

// mustDescend refuses a commit that does not have old among its ancestors.
func (r *refs) mustDescend(ctx context.Context, to *Commit, old hash.Hash) error {
	from, err := loadCommit(ctx, r.store, old)
	if err != nil {
		return err
	}
	base, err := mergeBase(ctx, r.store, from, to)
	switch {
	case err != nil:
		return err
	case base == nil:
		return fmt.Errorf("%w: %w", remote.ErrNotFastForward, ErrUnrelated)
	case base.Hash != old:
		return remote.ErrNotFastForward
	}
	return nil
}
