package vdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// fill copies all that the new refs lead to into the new database, checks that, and only
// then makes it the database's.
func (x *recovery) fill(db *DB) (err error) {
	in, err := db.newIntake(x.ctx, transferID("recover"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	if err := in.keepNothing(x.ctx); err != nil { // from here on it cannot be opened
		return err
	}
	x.tell("copy", 0, int64(len(x.whole)))
	in.progress = func(n int64) { x.tell("copy", min(n, int64(len(x.whole))), int64(len(x.whole))) }
	err = in.receive(x.ctx, nil, math.MaxInt64, func(ctx context.Context, rc *remote.Receiver) iter.Seq2[remote.Chunk, error] {
		rc.Cut(x.cuts())
		return x.chunks(ctx)
	})
	if err != nil {
		return err
	}
	x.report.Chunks = in.rc.Count()
	err = in.settle(x.ctx, func(ctx context.Context, r *refs) error {
		root, err := x.makeRoot(ctx, r.store, db)
		if err != nil {
			return err
		}
		x.report.Root = root
		return r.setTransfer(ctx, in.id, []hash.Hash{x.report.Root}, db.now())
	})
	if err != nil {
		return err
	}
	if err := x.check(db); err != nil {
		return err
	}
	return db.blocks.Commit(x.ctx, db.blocks.NewWriter(), func(context.Context, hash.Hash) (hash.Hash, error) { return x.report.Root, nil })
}

// keepNothing begins the transfer.
func (in *intake) keepNothing(ctx context.Context) error {
	return in.db.update(ctx, in.im.Writer(), func(ctx context.Context, r *refs) error {
		return r.setTransfer(ctx, in.id, nil, in.db.now())
	})
}

// cuts are the grafts of the new database, for its receiver.
func (x *recovery) cuts() (all []remote.Graft) {
	set := x.grafts
	if x.final != nil {
		set = x.final
	}
	for h, g := range set.byCommit {
		all = append(all, remote.Graft{Commit: h, Parents: g.parents})
	}
	return all
}

// isAsItWas tells whether the new database is the damaged one, as it was.
func (x *recovery) isAsItWas() bool {
	return len(x.edits) == 0 && x.final == nil && len(x.report.Refs) == 0
}

// makeRoot writes the new database's root.
func (x *recovery) makeRoot(ctx context.Context, s prolly.Store, db *DB) (hash.Hash, error) {
	if x.isAsItWas() {
		return x.refs.root, nil
	}
	values, err := x.newRefs()
	if err != nil {
		return hash.Hash{}, err
	}
	r := &refs{store: s, tree: prolly.New(refsConfig, s), log: x.log}
	if r.tree, err = r.tree.Apply(ctx, values); err != nil {
		return hash.Hash{}, err
	}
	if x.final != nil {
		if err := r.saveGrafts(ctx, x.final); err != nil {
			return hash.Hash{}, err
		}
	}
	mended, err := x.makeMends(ctx, s, db) // they follow commits that may need the grafts
	if err != nil {
		return hash.Hash{}, err
	}
	sortEdits(mended)
	if r.tree, err = r.tree.Apply(ctx, mended); err != nil {
		return hash.Hash{}, err
	}
	r.log.noted = slices.Clone(x.moves)
	for _, m := range x.report.Mended {
		if m.Err == nil {
			r.log.noted = append(r.log.noted, RefMove{Ref: m.Ref, To: m.Commit})
		}
	}
	if err := r.log.write(ctx, s, db.now()); err != nil {
		return hash.Hash{}, err
	}
	return r.save(ctx)
}

// newRefs returns all refs as they are to be, but for the grafts if they are made anew.
func (x *recovery) newRefs() (values []prolly.Edit, err error) {
	items, err := x.refs.items(x.ctx)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(x.edits)
	for _, item := range items {
		if _, edited := all[string(item.Key)]; !edited {
			all[string(item.Key)] = item.Value
		}
	}
	for key, value := range all {
		if value != nil && !(x.final != nil && key == graftsKey) {
			values = append(values, prolly.Edit{Key: []byte(key), Value: value})
		}
	}
	sortEdits(values)
	return values, nil
}

// chunks yields what the new refs lead to, each chunk after all that it leads to.
func (x *recovery) chunks(ctx context.Context) iter.Seq2[remote.Chunk, error] {
	return func(yield func(remote.Chunk, error) bool) {
		s := &salvageSender{recovery: x, ctx: ctx, sent: map[hash.Hash]bool{}, yield: yield}
		if err := s.sendAll(); err != nil && !errors.Is(err, errStopped) {
			yield(remote.Chunk{}, err)
		}
	}
}

// errStopped: nobody wants more chunks.
var errStopped = errors.New("stopped")

// salvageSender sends chunks to the new database.
type salvageSender struct {
	*recovery
	ctx   context.Context
	sent  map[hash.Hash]bool
	yield func(remote.Chunk, error) bool
}

func (s *salvageSender) sendAll() error {
	values, err := s.newRefs()
	if err != nil {
		return err
	}
	var all []hash.Hash
	for _, e := range values {
		all = append(all, listed(e.Value)...)
	}
	if s.isAsItWas() {
		all = append(all, s.refs.root)
	} else {
		all = append(all, s.log.newest, s.log.older)
	}
	for _, h := range all {
		if err := s.send(h); err != nil {
			return err
		}
	}
	return s.sendMends()
}

// send sends a chunk, after all that it leads to: of a commit also those at which its
// history goes on.
func (s *salvageSender) send(h hash.Hash) error {
	type visit struct {
		address hash.Hash
		leads   []hash.Hash
	}
	stack := []visit{{leads: []hash.Hash{h}}}
	for {
		top := &stack[len(stack)-1]
		if len(top.leads) == 0 {
			if len(stack) == 1 {
				return nil
			}
			c, err := s.store.stored(s.ctx, top.address)
			if err != nil {
				return err
			}
			if !s.yield(c, nil) {
				return errStopped
			}
			stack = stack[:len(stack)-1]
			continue
		}
		next := top.leads[0]
		top.leads = top.leads[1:]
		if s.sent[next] || next.IsZero() {
			continue
		}
		s.sent[next] = true
		data, err := s.store.Get(s.ctx, next)
		if err != nil {
			return err
		}
		leads, err := s.store.leads(next, data)
		if err != nil {
			return err
		}
		if c := s.history[next]; c != nil && chunk.KindOf(data) == chunk.Commit {
			leads = append(leads, c.wholeParents...)
		}
		stack = append(stack, visit{next, leads})
	}
}

// check holds the new database against what it must be, before it is one.
func (x *recovery) check(db *DB) error {
	r, err := loadRefs(x.ctx, db.reader(), x.report.Root)
	if err != nil {
		return err
	}
	report, err := db.checkRefs(x.ctx, r, &CheckOptions{Progress: x.Progress})
	if err != nil || report.OK() {
		return err
	}
	switch {
	case len(report.Wrong) > 0:
		w := report.Wrong[0]
		err = fmt.Errorf("version %s, table %s: %w", w.Version, w.Table, w.Err)
	case len(report.Chunks) > 0:
		err = report.Chunks[0].Err
	default:
		err = report.Files[0]
	}
	return fmt.Errorf("what was recovered does not pass the check: %w", err)
}
