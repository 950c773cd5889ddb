package vdb

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// pastCommit is a commit of the history that the refs lead to.
type pastCommit struct {
	*Commit      // nil if it cannot be read; its parents are those that the chunk names
	whole        bool
	goesOn       []hash.Hash // its parents, as they were to be found in the damaged database
	near         []hash.Hash // itself if it is whole, else the nearest ancestors that are
	wholeParents []hash.Hash // the near ones of goesOn
}

// isWhole tells whether a chunk is there with all that it consists of.
func (x *recovery) isWhole(h hash.Hash) (bool, error) {
	type visit struct {
		address hash.Hash
		leads   []hash.Hash
		whole   bool
	}
	stack := []visit{{leads: []hash.Hash{h}, whole: true}}
	for {
		top := &stack[len(stack)-1]
		if len(top.leads) == 0 {
			if len(stack) == 1 {
				return top.whole, nil
			}
			x.whole[top.address] = top.whole
			stack[len(stack)-2].whole = stack[len(stack)-2].whole && top.whole
			stack = stack[:len(stack)-1]
			continue
		}
		next := top.leads[0]
		top.leads = top.leads[1:]
		if whole, known := x.whole[next]; known || next.IsZero() {
			top.whole = top.whole && (whole || next.IsZero())
			continue
		}
		v := visit{address: next, whole: true}
		data, err := x.store.Get(x.ctx, next)
		if err == nil {
			v.leads, err = x.store.leads(next, data)
		}
		if x.ctx.Err() != nil {
			return false, x.ctx.Err()
		}
		if err != nil {
			v.whole, v.leads = false, nil
		}
		stack = append(stack, v)
	}
}

// areWhole tells whether all chunks are whole.
func (x *recovery) areWhole(all ...hash.Hash) (bool, error) {
	for _, h := range all {
		whole, err := x.isWhole(h)
		if err != nil || !whole {
			return false, err
		}
	}
	return true, nil
}

// survey looks at all that the refs lead to, and has what is lost brought from remotes.
func (x *recovery) survey() error {
	if err := x.look(); err != nil {
		return err
	}
	for _, l := range x.store.lenders {
		if l.far == nil {
			continue
		}
		if err := x.ask(l); err != nil {
			if x.ctx.Err() != nil || l.came.Damage() != nil {
				return err
			}
			l.Err = errors.Join(l.Err, err)
		}
	}
	if err := x.remakeIndexes(); err != nil {
		return err
	}
	for _, h := range x.lostCommits() {
		lost := LostCommit{Hash: h}
		if c := x.history[h]; c.Commit != nil {
			lost.Tables = x.lostTables(c.version())
		}
		x.report.Commits = append(x.report.Commits, lost)
	}
	return x.ctx.Err()
}

// look looks at all that the refs lead to.
func (x *recovery) look() error {
	x.forget()
	var err error
	if x.grafts, err = x.refs.loadGrafts(x.ctx); err != nil {
		x.grafts = &graftSet{byCommit: map[hash.Hash]graft{}}
	}
	items, err := x.refs.items(x.ctx)
	if err != nil {
		return err
	}
	var starts []hash.Hash
	for _, item := range items {
		for _, h := range listed(item.Value) {
			if _, err := x.isWhole(h); err != nil {
				return err
			}
		}
		starts = x.commitsIn(starts, string(item.Key), item.Value)
	}
	return x.explore(starts)
}

// items returns all refs.
func (r *refs) items(ctx context.Context) (items []prolly.Item, err error) {
	for item, err := range r.tree.Items(ctx, prolly.Range{}) {
		if err != nil {
			return nil, err
		}
		items = append(items, prolly.Item{Key: slices.Clone(item.Key), Value: slices.Clone(item.Value)})
	}
	return items, nil
}

// listed returns the addresses that a ref's value begins with.
//
//go:noinline // a program is smaller by its copies
func listed(value []byte) (all []hash.Hash) {
	if len(value) == 0 || len(value) < 1+int(value[0])*hash.Size {
		return nil
	}
	for i := range int(value[0]) {
		all = append(all, hash.Hash(value[1+i*hash.Size:]))
	}
	return all
}

// commitsIn appends the commits that a ref names or leads to. Of what cannot be read it
// appends what must be one.
func (x *recovery) commitsIn(dst []hash.Hash, key string, value []byte) []hash.Hash {
	if strings.HasPrefix(key, headsPrefix) {
		if state, err := decodeBranchState(value); err == nil {
			dst = append(dst, state.head)
		}
	}
	for _, h := range listed(value) {
		data, err := x.store.Get(x.ctx, h)
		switch kind := chunk.KindOf(data); {
		case err == nil && kind == chunk.Commit, err != nil && strings.HasPrefix(key, trackedPrefix):
			dst = append(dst, h)
		case kind == chunk.Tag || kind == chunk.Merge || kind == chunk.Transfer:
			dst = append(dst, x.commitsBelow(data)...)
		}
	}
	return dst
}

// commitsBelow returns the commits that a chunk leads to.
func (x *recovery) commitsBelow(data []byte) (commits []hash.Hash) {
	below, _ := chunk.References(nil, data)
	for _, h := range below {
		if data, err := x.store.Get(x.ctx, h); err == nil && chunk.KindOf(data) == chunk.Commit {
			commits = append(commits, h)
		}
	}
	return commits
}

// explore adds commits and all of their ancestors to history.
func (x *recovery) explore(starts []hash.Hash) error {
	var found []*pastCommit
	for queue := starts; len(queue) > 0; {
		more, err := x.enter(queue)
		if err != nil {
			return err
		}
		found, queue = append(found, more...), nil
		for _, c := range more {
			if far := x.far(c); far != nil && x.history[*far] == nil {
				queue = append(queue, *far)
			}
		}
	}
	slices.SortFunc(found, func(a, b *pastCommit) int { return cmp.Compare(a.Height, b.Height) })
	for _, c := range found {
		for i, p := range c.goesOn {
			near := x.history[p].near
			if far := x.far(c); i == 0 && far != nil {
				near = x.history[*far].near
			}
			for _, h := range near {
				if !slices.Contains(c.wholeParents, h) {
					c.wholeParents = append(c.wholeParents, h)
				}
			}
		}
		if c.near = c.wholeParents; c.whole {
			c.near = []hash.Hash{c.Hash}
		}
	}
	return nil
}

// enter adds commits and the ancestors to which they lead by their parents, and returns
// those that are new and can be read.
func (x *recovery) enter(queue []hash.Hash) (found []*pastCommit, err error) {
	for queue = slices.Clone(queue); len(queue) > 0; {
		h := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if x.history[h] != nil || h.IsZero() {
			continue
		}
		c := &pastCommit{}
		x.history[h] = c
		if c.Commit, err = x.load(h); err != nil || c.Commit == nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		if c.whole, err = x.isWhole(h); err != nil {
			return nil, err
		}
		if c.goesOn = c.Parents; x.grafts.has(h) {
			c.goesOn = x.grafts.byCommit[h].parents
		}
		found = append(found, c)
		queue = append(queue, c.goesOn...)
	}
	return found, nil
}

// load reads a commit; nil if it cannot be read.
func (x *recovery) load(h hash.Hash) (*Commit, error) {
	data, err := x.store.Get(x.ctx, h)
	if err != nil {
		return nil, x.ctx.Err()
	}
	c, err := decodeCommit(h, data)
	if err != nil {
		c = nil
	}
	return c, x.ctx.Err()
}

// far returns the nearest ancestor that a commit knows of whose first parent cannot be read;
// nil if there is none, or its parent can.
func (x *recovery) far(c *pastCommit) (nearest *hash.Hash) {
	if len(c.goesOn) == 0 || x.history[c.goesOn[0]].Commit != nil {
		return nil
	}
	height := uint64(0)
	for _, h := range []hash.Hash{c.links.jump, c.links.run} {
		if h.IsZero() || h == c.goesOn[0] {
			continue
		}
		if known, err := x.load(h); err == nil && known != nil && (nearest == nil || known.Height > height) {
			nearest, height = &h, known.Height
		}
	}
	return nearest
}

func (s *graftSet) has(h hash.Hash) bool {
	_, has := s.byCommit[h]
	return has
}

// lostCommits returns the commits of history that are not whole, newest first. Those that
// cannot be read come first.
func (x *recovery) lostCommits() (lost []hash.Hash) {
	for h, c := range x.history {
		if !c.whole {
			lost = append(lost, h)
		}
	}
	height := func(h hash.Hash) uint64 {
		if c := x.history[h]; c.Commit != nil {
			return c.Height
		}
		return 1 << 63
	}
	slices.SortFunc(lost, func(a, b hash.Hash) int {
		return cmp.Or(cmp.Compare(height(b), height(a)), a.Compare(b))
	})
	return lost
}

// lostBelow returns the lost commits that are reached from a commit, itself included, but
// those that a lost one goes on to: they come with it.
func (x *recovery) lostBelow(h hash.Hash) (lost []hash.Hash) {
	type step struct {
		to       hash.Hash
		fromLost bool
	}
	seen := map[hash.Hash]bool{}
	for queue := []step{{to: h}}; len(queue) > 0; {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		c := x.history[at.to]
		if c == nil || seen[at.to] {
			continue
		}
		if seen[at.to] = true; !c.whole && !at.fromLost {
			lost = append(lost, at.to)
		}
		for _, p := range c.goesOn {
			queue = append(queue, step{p, !c.whole})
		}
	}
	return lost
}

// maxAsked is how many commits a remote is asked for that none of its branches is at. It
// may not know them.
const maxAsked = 64

// ask has a remote bring what is lost: first its tags and the commits where its branches
// are, and what lies before them; then other commits, one by one.
func (x *recovery) ask(l *lender) error {
	shown, err := l.far.Refs(x.ctx)
	if err != nil {
		return err
	}
	var wants []hash.Hash
	for _, ref := range shown.Refs {
		value, _, err := x.refs.tree.Get(x.ctx, []byte(ref.Name))
		if err != nil {
			return err
		}
		here, err := x.areWhole(listed(value)...)
		if err != nil {
			return err
		}
		if value != nil && !here || x.report.Doubt != nil {
			wants = append(wants, ref.Hash)
		}
		wants = append(wants, x.lostBelow(ref.Commit)...)
	}
	if len(wants) > 0 {
		if err := x.bring(l, wants); err != nil {
			return err
		}
	}
	asked := map[hash.Hash]bool{}
	for len(asked) < maxAsked {
		lost := x.lostCommits()
		next := slices.IndexFunc(lost, func(h hash.Hash) bool { return !asked[h] })
		if next < 0 {
			break
		}
		asked[lost[next]] = true
		if err := x.bring(l, lost[next:next+1]); err != nil && !errors.Is(err, remote.ErrNotFound) {
			return err
		}
	}
	return nil
}

// bring fetches commits, and of what lies before them what is not whole here.
func (x *recovery) bring(l *lender, wants []hash.Hash) error {
	wants = slices.Compact(slices.SortedFunc(slices.Values(wants), hash.Hash.Compare))
	if err := x.explore(x.behindLost()); err != nil {
		return err
	}
	req := remote.FetchRequest{Wants: wants}
	borders := map[hash.Hash]bool{} // commits that are whole, and a lost one goes on to them
	for h, c := range x.history {
		for _, p := range c.goesOn {
			borders[p] = borders[p] || !c.whole
		}
		if c.whole && !slices.Equal(c.wholeParents, c.Parents) {
			req.Grafts = append(req.Grafts, remote.Graft{Commit: h, Parents: c.wholeParents})
		}
	}
	behind := x.behindLost()
	for h, c := range x.history {
		if c.whole && (borders[h] || slices.Contains(wants, h) || slices.Contains(behind, h)) {
			req.Haves = append(req.Haves, h)
		}
	}
	slices.SortFunc(req.Haves, hash.Hash.Compare)
	sort.Slice(req.Grafts, func(i, j int) bool { return req.Grafts[i].Commit.Compare(req.Grafts[j].Commit) < 0 })
	return errors.Join(l.fetch(x.ctx, req), x.look())
}

// behindLost returns commits that may lie before those that cannot be read.
func (x *recovery) behindLost() (all []hash.Hash) {
	for _, c := range x.history {
		for _, p := range c.goesOn {
			if x.history[p].Commit == nil {
				all = append(all, c.links.jump, c.links.run)
			}
		}
	}
	for m, err := range x.refs.log.moves(x.ctx, x.store) {
		if err != nil {
			break
		}
		all = append(all, m.From)
	}
	return slices.DeleteFunc(all, func(h hash.Hash) bool { return x.store.missing[h] != nil || h.IsZero() })
}

// lostTables returns the tables of a version of which a part is lost.
func (x *recovery) lostTables(v version) (names []string) {
	for item, err := range prolly.Load(tablesConfig, x.store, v.root).Items(x.ctx, tableKeys) {
		if err != nil {
			break
		}
		whole, err := x.areWhole(listed(item.Value)...)
		if err != nil {
			break
		}
		if !whole {
			names = append(names, strings.TrimPrefix(string(item.Key), tableKeyPrefix))
		}
	}
	return names
}
