package vdb

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// Branch is a line of history with a working set of its own. It names the branch
// and holds nothing: it may be used by many goroutines, and need not be closed.
type Branch struct {
	db   *DB
	name string
}

// Branch returns the branch called name; ErrNotFound if there is none.
func (db *DB) Branch(ctx context.Context, name string) (*Branch, error) {
	b := &Branch{db: db, name: name}
	if _, err := b.state(ctx); err != nil {
		return nil, opError("open branch", err)
	}
	return b, nil
}

// Name returns the branch's name.
func (b *Branch) Name() string { return b.name }

// DB returns the branch's database.
func (b *Branch) DB() *DB { return b.db }

func (b *Branch) state(ctx context.Context) (branchState, error) {
	r, err := b.db.refs(ctx)
	if err != nil {
		return branchState{}, err
	}
	return r.branch(ctx, b.name)
}

// Head returns the branch's newest commit.
func (b *Branch) Head(ctx context.Context) (*Commit, error) {
	state, err := b.state(ctx)
	if err != nil {
		return nil, opError("read head", err)
	}
	c, err := loadCommit(ctx, b.db.blocks, state.head)
	return c, opError("read head of "+b.name, err)
}

// CreateBranch makes a branch whose head is the commit at revision rev, with a
// clean working set. ErrExists if there is one of that name.
func (db *DB) CreateBranch(ctx context.Context, name, rev string) (*Branch, error) {
	err := db.createBranch(ctx, name, rev)
	if err != nil {
		return nil, opError("create branch "+name, err)
	}
	return &Branch{db: db, name: name}, nil
}

func (db *DB) createBranch(ctx context.Context, name, rev string) error {
	if err := checkRefName(name); err != nil {
		return err
	}
	return db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if err := r.mustBeFree(ctx, headsPrefix, name); err != nil {
			return err
		}
		c, err := db.resolveCommit(ctx, r, MainBranch, rev)
		if err != nil {
			return err
		}
		return r.setBranch(ctx, name, cleanState(c))
	})
}

// cleanState is a branch at c without uncommitted changes.
//
//go:noinline // a program is smaller by its copies
func cleanState(c *Commit) branchState {
	return branchState{head: c.Hash, working: c.version(), staged: c.version()}
}

// mustBeFree refuses a name that is taken, or that would make a folder of a
// name that is (git's rule: a/b cannot stand beside a).
func (r *refs) mustBeFree(ctx context.Context, prefix, name string) error {
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		if _, taken, err := r.tree.Get(ctx, []byte(prefix+name[:i])); err != nil || taken {
			return orExists(err, name[:i])
		}
	}
	if _, taken, err := r.tree.Get(ctx, []byte(prefix+name)); err != nil || taken {
		return orExists(err, name)
	}
	for item, err := range r.names(ctx, prefix+name+"/") {
		if err != nil {
			return err
		}
		return orExists(nil, name+"/"+string(item.Key))
	}
	return nil
}

func orExists(err error, name string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", name, ErrExists)
}

// DeleteBranch removes a branch with its working set. Commits that no other
// branch or tag leads to are lost to a later garbage collection. The main branch
// and the last branch stay.
func (db *DB) DeleteBranch(ctx context.Context, name string) error {
	return opError("delete branch "+name, db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if name == MainBranch {
			return invalidf("the main branch stays")
		}
		if _, err := r.branch(ctx, name); err != nil {
			return err
		}
		return r.deleteBranch(ctx, name)
	}))
}

// RenameBranch renames a branch; its history and working set stay. Transactions
// that run on the old name fail. The main branch keeps its name.
func (db *DB) RenameBranch(ctx context.Context, from, to string) error {
	if err := checkRefName(to); err != nil {
		return opError("rename branch "+from, err)
	}
	return opError("rename branch "+from, db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if from == MainBranch {
			return invalidf("the main branch keeps its name")
		}
		state, err := r.branch(ctx, from)
		if err != nil {
			return err
		}
		if err := r.deleteBranch(ctx, from); err != nil {
			return err
		}
		if err := r.mustBeFree(ctx, headsPrefix, to); err != nil {
			return err
		}
		return r.setBranch(ctx, to, state)
	}))
}

// BranchInfo describes a branch in a listing.
type BranchInfo struct {
	Name string
	Head Hash
	// Dirty: there are uncommitted changes.
	Dirty bool
	// Merging: a merge is in progress.
	Merging bool
}

// Branches lists the branches in the order of their names.
func (db *DB) Branches(ctx context.Context) iter.Seq2[BranchInfo, error] {
	return func(yield func(BranchInfo, error) bool) {
		r, err := db.refs(ctx)
		if err != nil {
			yield(BranchInfo{}, opError("list branches", err))
			return
		}
		for item, err := range r.names(ctx, headsPrefix) {
			var info BranchInfo
			if err == nil {
				info, err = branchInfo(ctx, r.store, item)
			}
			if !yield(info, opError("list branches", err)) || err != nil {
				return
			}
		}
	}
}

func branchInfo(ctx context.Context, s prolly.Store, item prolly.Item) (BranchInfo, error) {
	state, err := decodeBranchState(item.Value)
	if err != nil {
		return BranchInfo{}, err
	}
	head, err := loadCommit(ctx, s, state.head)
	if err != nil {
		return BranchInfo{}, err
	}
	return BranchInfo{
		Name:    string(bytes.Clone(item.Key)),
		Head:    state.head,
		Dirty:   state.working != head.version() || state.staged != head.version() || !state.merge.IsZero(),
		Merging: !state.merge.IsZero(),
	}, nil
}

// Tag is a name for a commit that does not move.
type Tag struct {
	Name   string
	Commit Hash
	Tagger string
	Text   string
}

// CreateTag names the commit at revision rev; ErrExists if the name is taken.
func (db *DB) CreateTag(ctx context.Context, name, rev string, m Message) (*Tag, error) {
	if err := checkRefName(name); err != nil {
		return nil, opError("create tag", err)
	}
	var made *Tag
	err := db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if err := r.mustBeFree(ctx, tagsPrefix, name); err != nil {
			return err
		}
		c, err := db.resolveCommit(ctx, r, MainBranch, rev)
		if err != nil {
			return err
		}
		made = &Tag{Name: name, Commit: c.Hash, Tagger: m.Author, Text: m.Text}
		h, err := r.store.Put(ctx, made.encode())
		if err != nil {
			return err
		}
		return r.setTag(ctx, name, h)
	})
	if err != nil {
		return nil, opError("create tag "+name, err)
	}
	return made, nil
}

// DeleteTag removes a tag; the commit stays.
func (db *DB) DeleteTag(ctx context.Context, name string) error {
	return opError("delete tag "+name, db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if _, err := r.tag(ctx, name); err != nil {
			return err
		}
		return r.deleteTag(ctx, name)
	}))
}

// Tags lists the tags in the order of their names.
func (db *DB) Tags(ctx context.Context) iter.Seq2[Tag, error] {
	return func(yield func(Tag, error) bool) {
		r, err := db.refs(ctx)
		if err != nil {
			yield(Tag{}, opError("list tags", err))
			return
		}
		for item, err := range r.names(ctx, tagsPrefix) {
			var tag Tag
			if err == nil {
				tag, err = loadTag(ctx, r.store, string(item.Key), item.Value)
			}
			if !yield(tag, opError("list tags", err)) || err != nil {
				return
			}
		}
	}
}

func (t *Tag) encode() []byte {
	return chunk.Encode(chunk.Tag, []hash.Hash{t.Commit}, appendString(appendString(nil, t.Tagger), t.Text))
}

func loadTag(ctx context.Context, s chunkReader, name string, ref []byte) (Tag, error) {
	h, err := decodeTagRef(ref)
	if err != nil {
		return Tag{}, err
	}
	data, err := s.Get(ctx, h)
	if err != nil {
		return Tag{}, err
	}
	addresses, payload, err := chunk.Decode(chunk.Tag, data)
	if err != nil {
		return Tag{}, err
	}
	if len(addresses) != 1 {
		return Tag{}, fmt.Errorf("tag %s is damaged", name)
	}
	f := fields{data: payload}
	t := Tag{Name: name, Commit: addresses[0], Tagger: f.string(), Text: f.string()}
	return t, f.end()
}
