package vdb

import (
	"context"
	"iter"

	"github.com/vdbgo/vdb/hash"
)

// Commits yields the commits that any of the revisions from leads to and none of
// the revisions not, newest first: each commit before its parents. An empty from
// is all branches and tags: the whole graph.
func (db *DB) Commits(ctx context.Context, from, not []string) iter.Seq2[*Commit, error] {
	return db.commits(ctx, MainBranch, from, not)
}

// Commits yields commits as DB.Commits does, where HEAD is b's.
func (b *Branch) Commits(ctx context.Context, from, not []string) iter.Seq2[*Commit, error] {
	return b.db.commits(ctx, b.name, from, not)
}

func (db *DB) commits(ctx context.Context, branch string, from, not []string) iter.Seq2[*Commit, error] {
	return func(yield func(*Commit, error) bool) { db.yieldCommits(ctx, branch, from, not, yield) }
}

// yieldCommits yields the commits that Commits returns.
func (db *DB) yieldCommits(ctx context.Context, branch string, from, not []string, yield func(*Commit, error) bool) {
	w, err := db.walkFrom(ctx, branch, from, not)
	if err != nil {
		yield(nil, opError("list commits", err))
		return
	}
	for c, err := range w.commits() {
		if !yield(c, opError("list commits", err)) || err != nil {
			return
		}
	}
}

// walkFrom starts a walk at some revisions that leaves out what others lead to.
func (db *DB) walkFrom(ctx context.Context, branch string, from, not []string) (*historyWalk, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	w := &historyWalk{ctx: ctx, s: r.store, seen: map[hash.Hash]bool{}, hidden: map[hash.Hash]bool{}}
	hidden, err := db.resolveAll(ctx, r, branch, not)
	if err != nil {
		return nil, err
	}
	if err := w.push(hidden, true, false); err != nil {
		return nil, err
	}
	visible, err := db.resolveAll(ctx, r, branch, from)
	if len(from) == 0 && err == nil {
		visible, err = r.tips(ctx)
	}
	if err != nil {
		return nil, err
	}
	return w, w.push(visible, false, false)
}

func (db *DB) resolveAll(ctx context.Context, r *refs, branch string, revs []string) ([]hash.Hash, error) {
	var found []hash.Hash
	for _, rev := range revs {
		c, err := db.resolveCommit(ctx, r, branch, rev)
		if err != nil {
			return nil, err
		}
		found = append(found, c.Hash)
	}
	return found, nil
}

// tips returns the commits that branches and tags name.
func (r *refs) tips(ctx context.Context) ([]hash.Hash, error) {
	var tips []hash.Hash
	for item, err := range r.names(ctx, headsPrefix) {
		if err != nil {
			return nil, err
		}
		state, err := decodeBranchState(item.Value)
		if err != nil {
			return nil, err
		}
		tips = append(tips, state.head)
	}
	for item, err := range r.names(ctx, tagsPrefix) {
		if err != nil {
			return nil, err
		}
		tag, err := loadTag(ctx, r.store, string(item.Key), item.Value)
		if err != nil {
			return nil, err
		}
		tips = append(tips, tag.Commit)
	}
	return tips, nil
}

// commits yields the visible commits, each before its parents.
func (w *historyWalk) commits() iter.Seq2[*Commit, error] {
	return func(yield func(*Commit, error) bool) {
		var err error
		for err == nil && w.visible > 0 {
			c := w.pop()
			hidden := w.hidden[c.Hash]
			if !hidden && !yield(c, nil) {
				return
			}
			err = w.push(c.Parents, hidden, false)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}
