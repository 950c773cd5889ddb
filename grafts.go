package vdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// graftsKey is where the refs have the commits whose parents are not the ones that
// they name, because those are not there: the count 1, the address of a tree from the
// hash of each commit to its graft, and a number that grows whenever the tree changes.
// Without grafts the count is 0 and no address follows.
const graftsKey = "grafts"

var graftsConfig = &prolly.Config{}

// graft is where a commit's history goes on.
type graft struct {
	depth   uint64 // of the commit: how many first parents it had
	parents []hash.Hash
	detail  []byte // what cut the history recorded of that; empty if it was a transfer
	lines   []line // detail, if retention has made the graft: one for each parent
	// squashed sums lines up.
	squashed *Squashed
}

// whole tells whether all is there that retention has kept.
func (g graft) whole() bool { return len(g.lines) > 0 && len(g.parents) == len(g.lines) }

func (g graft) encode() []byte {
	data := binary.AppendUvarint(nil, g.depth)
	data = binary.AppendUvarint(data, uint64(len(g.parents)))
	for _, h := range g.parents {
		data = append(data, h[:]...)
	}
	return append(data, g.detail...)
}

func decodeGraft(data []byte) (graft, error) {
	f := fields{data: data}
	g := graft{depth: f.uint()}
	for n := f.uint(); n > 0 && f.err == nil; n-- {
		g.parents = append(g.parents, f.hash())
	}
	g.detail = slices.Clone(f.data)
	if f.err != nil {
		return g, f.err
	}
	var err error
	g.lines, err = decodeLines(g.detail)
	g.squashed = squashedOf(g.lines)
	return g, err
}

// graftSet is all grafts of a database.
type graftSet struct {
	number   uint64
	tree     hash.Hash
	byCommit map[hash.Hash]graft
	// barrier is the greatest depth of a grafted commit: a link between two commits by
	// first parents leads over no graft if neither is less deep.
	barrier uint64
	once    sync.Once
	index   squashedCommits // see squashed
}

// put adds a graft, or removes it if it is nil.
func (s *graftSet) put(h hash.Hash, g *graft) {
	s.once = sync.Once{}
	if g == nil {
		delete(s.byCommit, h)
		return
	}
	s.byCommit[h] = *g
}

// newestGrafts is the newest set that anybody of this process has seen. Which
// ancestors there are is a matter of the database now, not of a snapshot.
type newestGrafts struct {
	mu  sync.RWMutex
	set *graftSet // nil: no grafts were ever seen
}

// get returns the newest set; nil if it is empty.
func (n *newestGrafts) get() *graftSet {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.set == nil || len(n.set.byCommit) == 0 {
		return nil
	}
	return n.set
}

// isNews tells whether a set is newer than the one that is known, or takes the place
// of one that was tried and not stored.
func (n *newestGrafts) isNews(number uint64, tree hash.Hash) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.set == nil && number > 0 || n.set != nil && (number > n.set.number || number == n.set.number && tree != n.set.tree)
}

func (n *newestGrafts) replace(set *graftSet) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.set = set
}

// ownedStore is a store that knows whose it is.
type ownedStore interface{ Owner() any }

// newestGraftsOf returns where the grafts of a store's database are; nil if it has none.
func newestGraftsOf(s chunkReader) *newestGrafts {
	o, ok := s.(ownedStore)
	if !ok {
		return nil
	}
	n, _ := o.Owner().(*newestGrafts)
	return n
}

// graftsOf returns the grafts of a store's database; nil if there are none.
func graftsOf(s chunkReader) *graftSet {
	if n := newestGraftsOf(s); n != nil {
		return n.get()
	}
	return nil
}

// barrierOf returns the depth above which links by first parents lead over no graft.
func barrierOf(s chunkReader) uint64 {
	if set := graftsOf(s); set != nil {
		return set.barrier
	}
	return 0
}

// learnGrafts takes note of grafts that the refs have.
func (r *refs) learnGrafts(ctx context.Context) error {
	n := newestGraftsOf(r.store)
	if n == nil {
		return nil
	}
	number, tree, err := r.graftsRef(ctx)
	if err != nil || !n.isNews(number, tree) {
		return err
	}
	set, err := r.loadGrafts(ctx)
	if err == nil {
		n.replace(set)
	}
	return err
}

// graftsRef returns the number and the address of the tree of grafts.
func (r *refs) graftsRef(ctx context.Context) (number uint64, tree hash.Hash, err error) {
	value, ok, err := r.tree.Get(ctx, []byte(graftsKey))
	if err != nil || !ok {
		return 0, tree, err
	}
	f := fields{data: value}
	if f.uint() == 1 {
		tree = f.hash()
	}
	number = f.uint()
	return number, tree, f.end()
}

// loadGrafts reads all grafts.
func (r *refs) loadGrafts(ctx context.Context) (*graftSet, error) {
	number, tree, err := r.graftsRef(ctx)
	set := &graftSet{number: number, tree: tree, byCommit: map[hash.Hash]graft{}}
	if err != nil || tree.IsZero() {
		return set, err
	}
	for item, err := range prolly.Load(graftsConfig, r.store, tree).Items(ctx, prolly.Range{}) {
		if err != nil {
			return nil, fmt.Errorf("grafts: %w", err)
		}
		g, err := decodeGraft(item.Value)
		if err != nil || len(item.Key) != hash.Size {
			return nil, fmt.Errorf("graft of %x is damaged: %w", item.Key, err)
		}
		set.byCommit[hash.Hash(item.Key)] = g
		set.barrier = max(set.barrier, g.depth)
	}
	return set, nil
}

// saveGrafts has the refs lead to a set.
func (r *refs) saveGrafts(ctx context.Context, set *graftSet) error {
	var edits []prolly.Edit
	set.barrier = 0
	for h, g := range set.byCommit {
		edits = append(edits, prolly.Edit{Key: slices.Clone(h[:]), Value: g.encode()})
		set.barrier = max(set.barrier, g.depth)
	}
	sortEdits(edits)
	tree, err := prolly.New(graftsConfig, r.store).Apply(ctx, edits)
	if err != nil {
		return err
	}
	value := []byte{0}
	if len(edits) > 0 {
		value = oneAddress(tree.Hash())
	}
	value = binary.AppendUvarint(value, set.number+1)
	if err := r.set(ctx, prolly.Edit{Key: []byte(graftsKey), Value: value}); err != nil {
		return err
	}
	if n := newestGraftsOf(r.store); n != nil { // with the old number: not stored yet
		set.tree = tree.Hash()
		n.replace(set)
	}
	return nil
}

// graftAt is where a commit's history goes on, for remotes.
func (r *refs) graftAt(_ context.Context, h hash.Hash) (remote.Graft, bool, error) {
	set := graftsOf(r.store)
	if set == nil {
		return remote.Graft{}, false, nil
	}
	g, ok := set.byCommit[h]
	return remote.Graft{Commit: h, Parents: g.parents, Detail: g.detail}, ok, nil
}

// graftList returns all grafts in the order of their commits, for remotes. Details are
// left out; where all is there that retention has kept, their first byte says so.
func (r *refs) graftList(context.Context) ([]remote.Graft, error) {
	set := graftsOf(r.store)
	if set == nil {
		return nil, nil
	}
	var list []remote.Graft
	for h, g := range set.byCommit {
		listed := remote.Graft{Commit: h, Parents: g.parents}
		if g.whole() {
			listed.Detail = g.detail[:1]
		}
		list = append(list, listed)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Commit.Compare(list[j].Commit) < 0 })
	return list, nil
}

// withGrafts returns the grafts of a transfer and those that the database has, which
// come last: they are the ones that hold.
func (db *DB) withGrafts(ctx context.Context, grafts []remote.Graft) ([]remote.Graft, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	known, err := r.graftList(ctx)
	return append(slices.Clone(grafts), known...), err
}

// addGrafts records where the history that has come from a remote ends, or goes on
// behind commits that were squashed there, and forgets grafts of commits whose parents
// have come. What retention has squashed here stays squashed.
func (db *DB) addGrafts(ctx context.Context, r *refs, grafts []remote.Graft) error {
	set, err := r.loadGrafts(ctx)
	if err != nil || len(grafts) == 0 && len(set.byCommit) == 0 {
		return err
	}
	changed := false
	for _, in := range grafts {
		known, is := set.byCommit[in.Commit]
		if len(known.lines) > 0 || len(in.Detail) == 1 || is && len(in.Detail) == 0 {
			continue // it is ours
		}
		g := graft{parents: in.Parents, detail: in.Detail}
		if g.lines, err = decodeLines(in.Detail); err != nil {
			return fmt.Errorf("graft of commit %s: %w: %w", in.Commit, err, remote.ErrProtocol)
		}
		fitted, err := db.fitGraft(ctx, r, set, in.Commit, g, true)
		if err != nil {
			return err
		}
		changed = changed || is || fitted != nil
		set.put(in.Commit, fitted)
	}
	for h, g := range set.byCommit {
		fitted, err := db.fitGraft(ctx, r, set, h, g, false)
		if err != nil {
			return err
		}
		if fitted == nil || !slices.Equal(fitted.parents, g.parents) {
			changed = true
			set.put(h, fitted)
		}
	}
	if !changed {
		return nil
	}
	return r.saveGrafts(ctx, set)
}

// fitGraft returns a graft as it is to be for what is there; nil if the commit needs
// none. incoming tells that it has come from elsewhere, and not been fitted yet.
func (db *DB) fitGraft(ctx context.Context, r *refs, set *graftSet, h hash.Hash, g graft, incoming bool) (*graft, error) {
	data, err := r.store.Get(ctx, h)
	if errors.Is(err, nbs.ErrNotFound) {
		return nil, nil // the commit has not come
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeCommit(h, data)
	if err != nil {
		return nil, err
	}
	present, err := r.present(ctx, c.Parents)
	if err != nil {
		return nil, err
	}
	whole := len(present) == len(c.Parents)
	if incoming {
		whole = whole && !slices.ContainsFunc(present, set.isSquashed)
	}
	if whole && (incoming || len(g.lines) == 0) {
		return nil, nil
	}
	fitted := &graft{depth: c.links.depth, parents: present, detail: g.detail}
	switch {
	case len(g.lines) > 0:
		fitted, err = db.fitLines(ctx, r, set, c, g, incoming)
	case len(g.detail) > 0:
		fitted.parents, err = r.present(ctx, g.parents)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range fitted.parents {
		before, err := loadCommit(ctx, r.store, p)
		if err != nil {
			return nil, err
		}
		if before.Height >= c.Height {
			return nil, fmt.Errorf("graft of commit %s leads to %s, which is no ancestor: %w", h, p, remote.ErrProtocol)
		}
	}
	return fitted, nil
}

// present returns those of the chunks that are there.
func (r *refs) present(ctx context.Context, all []hash.Hash) ([]hash.Hash, error) {
	s, ok := r.store.(interface {
		Has(ctx context.Context, h hash.Hash) (bool, error)
	})
	if !ok {
		return all, nil
	}
	var there []hash.Hash
	for _, h := range all {
		found, err := s.Has(ctx, h)
		if err != nil {
			return nil, err
		}
		if found {
			there = append(there, h)
		}
	}
	return there, nil
}
