package vdb

import (
	"container/heap"
	"context"
	"iter"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// LogOptions selects commits. The zero value is all ancestors of HEAD.
type LogOptions struct {
	// From is the revision to start at (empty: HEAD), or a range a..b: the
	// ancestors of b that are not ancestors of a.
	From string
	// FirstParent follows first parents only.
	FirstParent bool
	// Author keeps commits whose author contains it, letters' case ignored.
	Author string
	// Since and Until bound the commit time, both inclusive; zero is unbounded.
	Since, Until time.Time
	// Table keeps commits that changed the table against their first parent.
	Table string
	// Skip leaves out the first commits, Limit ends after so many; 0 is no limit.
	Skip, Limit int
}

// Log yields the commits of main's history that o selects, newest first: each
// commit before its parents. A nil o is all of them. To page, raise Skip by the
// length of a page and let From be the hash of the first commit, lest new commits
// shift the pages. With FirstParent each page may also start From the last commit
// of the one before, with Skip 1, at a cost that does not grow; histories with
// merges have no such place, for what follows a commit need not be its ancestor.
func (db *DB) Log(ctx context.Context, o *LogOptions) iter.Seq2[*Commit, error] {
	return db.log(ctx, MainBranch, o)
}

// Log yields the commits of the branch's history, as DB.Log does.
func (b *Branch) Log(ctx context.Context, o *LogOptions) iter.Seq2[*Commit, error] {
	return b.db.log(ctx, b.name, o)
}

func (db *DB) log(ctx context.Context, branch string, o *LogOptions) iter.Seq2[*Commit, error] {
	if o == nil {
		o = &LogOptions{}
	}
	return func(yield func(*Commit, error) bool) {
		n := 0
		for c, err := range db.walkHistory(ctx, branch, o) {
			keep := false
			if err == nil {
				keep, err = o.keeps(ctx, db, c)
			}
			if err != nil {
				yield(nil, opError("log", err))
				return
			}
			if !keep {
				continue
			}
			if n++; n <= o.Skip {
				continue
			}
			if !yield(c, nil) || o.Limit > 0 && n-o.Skip >= o.Limit {
				return
			}
		}
	}
}

// keeps tells whether the filters let c through.
func (o *LogOptions) keeps(ctx context.Context, db *DB, c *Commit) (bool, error) {
	switch {
	case !o.Since.IsZero() && c.CommitTime.Before(o.Since),
		!o.Until.IsZero() && c.CommitTime.After(o.Until),
		o.Author != "" && !strings.Contains(strings.ToLower(c.Author), strings.ToLower(o.Author)):
		return false, nil
	case o.Table != "":
		return db.changedTable(ctx, c, o.Table)
	}
	return true, nil
}

// changedTable tells whether c changed a table against its first parent.
func (db *DB) changedTable(ctx context.Context, c *Commit, table string) (bool, error) {
	var before hash.Hash
	if len(c.Parents) > 0 {
		p, err := loadCommit(ctx, db.blocks, c.Parents[0])
		if err != nil {
			return false, err
		}
		before = p.Root
	}
	if before == c.Root {
		return false, nil
	}
	was, _, err := db.rawEntry(ctx, before, table)
	if err != nil {
		return false, err
	}
	is, _, err := db.rawEntry(ctx, c.Root, table)
	return string(was) != string(is), err
}

// rawEntry returns the encoded entry of a table in a root value.
func (db *DB) rawEntry(ctx context.Context, root hash.Hash, table string) ([]byte, bool, error) {
	return prolly.Load(tablesConfig, db.reader(), root).Get(ctx, tableKey(table))
}

// walkHistory yields the commits of o.From, each before its parents.
func (db *DB) walkHistory(ctx context.Context, branch string, o *LogOptions) iter.Seq2[*Commit, error] {
	return func(yield func(*Commit, error) bool) { db.yieldHistory(ctx, branch, o, yield) }
}

// yieldHistory yields the commits that walkHistory returns.
func (db *DB) yieldHistory(ctx context.Context, branch string, o *LogOptions, yield func(*Commit, error) bool) {
	w, err := db.historyOf(ctx, branch, o)
	if err != nil {
		yield(nil, err)
		return
	}
	for err == nil && w.visible > 0 {
		c := w.pop()
		if w.hidden[c.Hash] {
			err = w.push(c.Parents, true, false)
			continue
		}
		if !yield(c, nil) {
			return
		}
		err = w.push(c.Parents, false, o.FirstParent)
	}
	if err != nil {
		yield(nil, err)
	}
}

func (db *DB) historyOf(ctx context.Context, branch string, o *LogOptions) (*historyWalk, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	w := &historyWalk{ctx: ctx, s: r.store, seen: map[hash.Hash]bool{}, hidden: map[hash.Hash]bool{}}
	from, not := o.From, ""
	if a, b, ok := strings.Cut(o.From, ".."); ok && !strings.HasPrefix(b, ".") {
		from, not = b, a
		c, err := db.resolveCommit(ctx, r, branch, not)
		if err != nil {
			return nil, err
		}
		if err := w.push([]hash.Hash{c.Hash}, true, false); err != nil {
			return nil, err
		}
	}
	c, err := db.resolveCommit(ctx, r, branch, from)
	if err != nil {
		return nil, err
	}
	return w, w.push([]hash.Hash{c.Hash}, false, false)
}

// historyWalk yields commits by falling height, then time. Hidden commits are
// the ancestors of what a range leaves out; they are walked only while visible
// ones remain.
type historyWalk struct {
	ctx     context.Context
	s       chunkReader
	queue   commitQueue
	visible int // commits in queue that are not hidden
	seen    map[hash.Hash]bool
	hidden  map[hash.Hash]bool
}

func (w *historyWalk) push(hashes []hash.Hash, hide, firstOnly bool) error {
	for i, h := range hashes {
		if i > 0 && firstOnly {
			break
		}
		if hide && !w.hidden[h] {
			w.hidden[h] = true
			if w.seen[h] {
				w.visible--
			}
		}
		if w.seen[h] {
			continue
		}
		w.seen[h] = true
		c, err := loadCommit(w.ctx, w.s, h)
		if err != nil {
			return err
		}
		heap.Push(&w.queue, c)
		if !w.hidden[h] {
			w.visible++
		}
	}
	return w.ctx.Err()
}

func (w *historyWalk) pop() *Commit {
	c := heap.Pop(&w.queue).(*Commit)
	if !w.hidden[c.Hash] {
		w.visible--
	}
	return c
}

// commitQueue is a heap with the highest commit on top.
type commitQueue []*Commit

func (q commitQueue) Len() int      { return len(q) }
func (q commitQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q commitQueue) Less(i, j int) bool {
	if q[i].Height != q[j].Height {
		return q[i].Height > q[j].Height
	}
	if !q[i].CommitTime.Equal(q[j].CommitTime) {
		return q[i].CommitTime.After(q[j].CommitTime)
	}
	return q[i].Hash.Compare(q[j].Hash) > 0
}

// Push and Pop implement heap.Interface.
func (q *commitQueue) Push(x any) { *q = append(*q, x.(*Commit)) }

// Pop removes the last element.
func (q *commitQueue) Pop() any {
	old := *q
	c := old[len(old)-1]
	*q = old[:len(old)-1]
	return c
}
