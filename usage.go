package vdb

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// Usage tells what the space of a database is used for. Each chunk is counted
// once: Live, History and Garbage together are all that is stored.
type Usage struct {
	Live    Size // what refs lead to: branches' heads and working sets, tags, and the refs themselves
	History Size // what only the commits before those lead to
	Garbage Size // what nothing leads to: Collect frees it
	// Tables are in the order of their names, under all names that they ever had.
	Tables []TableUsage
	// Branches begin with main, the others follow in the order of their names.
	Branches []BranchUsage
}

// Size is a number of chunks, and their bytes as they are stored.
type Size struct{ Chunks, Bytes int64 }

// TableUsage is what a table's rows, indexes and schema take up. What two tables
// share is counted with the first.
type TableUsage struct {
	Name          string
	Live, History Size
}

// BranchUsage is what a branch takes up beside those that are listed before it.
type BranchUsage struct {
	Name          string
	Live, History Size
}

// UsageOptions are what DB.Usage can be told.
type UsageOptions struct {
	// Progress is called now and then, with the chunks that were looked at, and how
	// many there are.
	Progress func(done, total int64)
}

// Usage walks over all that is stored and adds it up. It takes as long as reading the
// database, and runs beside readers and writers: what is written meanwhile counts as
// garbage. DB.Stats has figures that cost nothing. A nil o is fine.
func (db *DB) Usage(ctx context.Context, o *UsageOptions) (*Usage, error) {
	if o == nil {
		o = &UsageOptions{}
	}
	r, err := db.refs(ctx)
	if err != nil {
		return nil, opError("usage", err)
	}
	u := &usageWalk{
		ctx: ctx, db: db, refs: r, progress: o.Progress,
		seen: map[hash.Hash]struct{}{}, tables: map[string]*TableUsage{},
	}
	if err := u.run(); err != nil {
		return nil, opError("usage", err)
	}
	return u.result(), nil
}

// usageWalk adds up what a database uses, the newest versions first.
type usageWalk struct {
	ctx      context.Context
	db       *DB
	refs     *refs
	progress func(done, total int64)
	before   nbs.Stats // what there was when the walk began
	usage    Usage
	tables   map[string]*TableUsage

	seen    map[hash.Hash]struct{}
	commits []hash.Hash // seen, in this order
	past    bool        // it is history that is walked
	branch  *BranchUsage
	table   *TableUsage
}

func (u *usageWalk) run() error {
	u.before = u.db.blocks.Stats()
	heads, err := u.walkBranches()
	if err != nil {
		return err
	}
	u.branch = nil
	if err := u.below(u.refs.root); err != nil {
		return err
	}
	u.past = true
	walked := map[hash.Hash]bool{}
	for i, head := range heads {
		u.branch = &u.usage.Branches[i]
		if err := u.walkHistory(head, walked); err != nil {
			return err
		}
	}
	u.branch = nil
	for _, c := range u.commits { // of tags
		if err := u.walkHistory(c, walked); err != nil {
			return err
		}
	}
	return nil
}

// walkBranches counts the newest versions of all branches, and returns the heads.
func (u *usageWalk) walkBranches() (heads []hash.Hash, err error) {
	var states []branchState
	for item, err := range u.refs.names(u.ctx, headsPrefix) {
		if err != nil {
			return nil, err
		}
		state, err := decodeBranchState(item.Value)
		if err != nil {
			return nil, err
		}
		at := len(states)
		if string(item.Key) == MainBranch {
			at = 0
		}
		states = slices.Insert(states, at, state)
		u.usage.Branches = slices.Insert(u.usage.Branches, at, BranchUsage{Name: string(item.Key)})
	}
	for i := range states {
		u.branch = &u.usage.Branches[i]
		for _, v := range []version{states[i].working, states[i].staged} {
			if err := u.walkVersion(v); err != nil {
				return nil, err
			}
		}
		for _, h := range []hash.Hash{states[i].head, states[i].merge} {
			if err := u.below(h); err != nil {
				return nil, err
			}
		}
		heads = append(heads, states[i].head)
	}
	return heads, nil
}

// walkVersion counts a version, its tables for themselves.
func (u *usageWalk) walkVersion(v version) error {
	if _, seen := u.seen[v.root]; !seen && !v.root.IsZero() {
		if err := u.walkTables(prolly.Load(tablesConfig, u.refs.store, v.root)); err != nil {
			return err
		}
	}
	if err := u.below(v.root); err != nil {
		return err
	}
	return u.below(v.ids)
}

func (u *usageWalk) walkTables(root prolly.Tree) error {
	defer func() { u.table = nil }()
	for item, err := range root.Items(u.ctx, tableKeys) {
		if err != nil {
			return err
		}
		e, err := decodeTableEntry(item.Value)
		if err != nil {
			return err
		}
		u.table = u.tableUsage(string(item.Key[len(tableKeyPrefix):]))
		for _, h := range append([]hash.Hash{e.schema, e.rows}, e.indexes...) {
			if err := u.below(h); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *usageWalk) tableUsage(name string) *TableUsage {
	t, ok := u.tables[name]
	if !ok {
		t = &TableUsage{Name: name}
		u.tables[name] = t
	}
	return t
}

// walkHistory counts a commit and its ancestors, newest first.
func (u *usageWalk) walkHistory(head hash.Hash, walked map[hash.Hash]bool) error {
	stack := []hash.Hash{head}
	for len(stack) > 0 {
		h := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if walked[h] {
			continue
		}
		walked[h] = true
		c, err := loadCommit(u.ctx, u.refs.store, h)
		if err == nil {
			err = u.below(h)
		}
		if err != nil {
			return err
		}
		for _, p := range slices.Backward(c.Parents) {
			stack = append(stack, p)
		}
	}
	return nil
}

// below counts a chunk and what it leads to, but for a commit's ancestors.
func (u *usageWalk) below(h hash.Hash) error {
	stack := []hash.Hash{h}
	for len(stack) > 0 {
		h := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if _, seen := u.seen[h]; seen || h.IsZero() {
			continue
		}
		data, err := u.refs.store.Get(u.ctx, h)
		if err == nil {
			err = u.count(h)
		}
		if err != nil {
			return err
		}
		if chunk.KindOf(data) != chunk.Commit {
			stack, err = chunk.References(stack, data)
		} else {
			u.commits = append(u.commits, h)
			err = u.walkCommit(data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walkCommit counts the version of a commit.
func (u *usageWalk) walkCommit(data []byte) error {
	addresses, _, err := chunk.Decode(chunk.Commit, data)
	if err != nil {
		return err
	}
	if len(addresses) < chunk.CommitParents {
		return fmt.Errorf("a commit has %d addresses", len(addresses))
	}
	return u.walkVersion(version{root: addresses[chunk.CommitRoot], ids: addresses[chunk.CommitIdentities]})
}

// count adds a chunk to all that it belongs to.
func (u *usageWalk) count(h hash.Hash) error {
	bytes, err := u.db.blocks.StoredBytes(u.ctx, h)
	if err != nil {
		return err
	}
	u.seen[h] = struct{}{}
	u.usage.size(u.past).add(bytes)
	if u.branch != nil {
		sizeOf(&u.branch.Live, &u.branch.History, u.past).add(bytes)
	}
	if u.table != nil {
		sizeOf(&u.table.Live, &u.table.History, u.past).add(bytes)
	}
	if n := int64(len(u.seen)); u.progress != nil && n%256 == 0 {
		u.progress(n, max(n, u.before.Chunks))
	}
	return nil
}

func (u *Usage) size(past bool) *Size { return sizeOf(&u.Live, &u.History, past) }

func sizeOf(live, history *Size, past bool) *Size {
	if past {
		return history
	}
	return live
}

func (s *Size) add(bytes int64) {
	s.Chunks++
	s.Bytes += bytes
}

func (u *usageWalk) result() *Usage {
	r := &u.usage
	r.Garbage.Chunks = max(u.before.Chunks-r.Live.Chunks-r.History.Chunks, 0)
	r.Garbage.Bytes = max(u.before.ChunkBytes-r.Live.Bytes-r.History.Bytes, 0)
	for _, name := range slices.Sorted(maps.Keys(u.tables)) {
		r.Tables = append(r.Tables, *u.tables[name])
	}
	if n := int64(len(u.seen)); u.progress != nil {
		u.progress(n, n)
	}
	return r
}
