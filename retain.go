package vdb

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// RetainOptions are what DB.Retain can be told.
type RetainOptions struct {
	// DryRun changes nothing: the report says what would be squashed.
	DryRun bool
}

// Retained is what DB.Retain did.
type Retained struct {
	// Commits has for each commit that was squashed the one that it was squashed into:
	// the next on the way to the branch's head.
	Commits map[Hash]Hash
	// Kept is how many commits there are now; 0 if nothing is said of what branches keep.
	Kept int
}

// Retain squashes the commits that the branches need not keep, see SetRetention. Without
// that it does nothing. It also happens by itself, before all is collected.
//
// Only a commit in the middle of a line is squashed: it has one parent, and one commit
// has it as a parent. So merges, and commits at which branches part, stay; so do those
// that a branch, a tag, a remote-tracking branch or a merge in progress names. Merge
// bases are what they were. A commit that several branches lead to is squashed if
// each of them lets it be; what only tags, remotes or the reflog lead to stays. Of an
// hour, say, the newest commit of a line stays, by its commit time.
//
// The other commits stay as they are, with their hashes. The commit after those that
// were squashed has the one before them as its parent, and Commit.Squashed says what
// there was. What it changed against its parent, for a diff, blame or revert, is now all
// that they have changed. HEAD~n counts the commits that were kept. Asking for one that
// was squashed gives an error that names the commit that it was squashed into.
//
// Collect frees their room then. A snapshot, transaction or iterator that stands on
// one reads on. A fetch does not bring back what was squashed, unless a branch
// elsewhere begins there, and a push does not send it.
func (db *DB) Retain(ctx context.Context, o *RetainOptions) (*Retained, error) {
	if o == nil {
		o = &RetainOptions{}
	}
	done, err := db.retain(ctx, o.DryRun)
	return done, opError("retain", err)
}

// retainByItself is Retain before a collection that nobody has asked for.
func (db *DB) retainByItself(ctx context.Context) error {
	_, err := db.retain(ctx, false)
	return err
}

func (db *DB) retain(ctx context.Context, dryRun bool) (*Retained, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	x := &retaining{db: db, now: db.now(), read: map[hash.Hash]*lineCommit{}}
	done, err := x.look(ctx, r)
	if err != nil || dryRun || len(done.Commits) == 0 {
		return done, err
	}
	err = db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, now *refs) (err error) {
		if now.root != r.root {
			if done, err = x.look(ctx, now); err != nil {
				return err
			}
		}
		return x.save(ctx, now)
	})
	if errors.Is(err, errNothingSquashed) {
		err = nil
	}
	return done, err
}

// retaining is a Retain at work.
type retaining struct {
	db   *DB
	now  time.Time
	read map[hash.Hash]*lineCommit // also by earlier looks

	// Of one look:
	set      *graftSet
	order    []*lineCommit // all that refs lead to, each before its parents
	keep     []Retention   // what a bit of lineCommit.branches stands for
	said     []BranchRetention
	squashed map[Hash]Hash
}

// lineCommit is a commit, and what leads to it.
type lineCommit struct {
	hash          hash.Hash
	stored        []hash.Hash // its parents as it names them
	height, depth uint64
	micros        int64 // its commit time

	parents  []*lineCommit
	children int
	named    bool   // by a ref
	cut      bool   // its graft is of somebody else, and says why
	branches uint64 // what the branches keep that lead to it: bits of retaining.keep
	seen     bool
}

// keepsAll is the bit of branches that keep all.
const keepsAll = 1

// look finds out what is to be squashed. What it returns has been done by save.
func (x *retaining) look(ctx context.Context, r *refs) (*Retained, error) {
	for _, c := range x.order {
		c.parents, c.children, c.named, c.cut, c.branches, c.seen = nil, 0, false, false, 0, false
	}
	x.order, x.keep, x.said, x.squashed = nil, []Retention{nil}, nil, map[Hash]Hash{}
	for b, err := range r.retentions(ctx) {
		if err != nil {
			return nil, err
		}
		x.said = append(x.said, b)
	}
	if len(x.said) == 0 {
		return &Retained{}, nil
	}
	var err error
	if x.set, err = r.loadGrafts(ctx); err != nil {
		return nil, err
	}
	if err := x.walk(ctx, r); err != nil {
		return nil, err
	}
	for _, c := range x.order {
		for _, p := range c.parents {
			p.children++
			p.branches |= c.branches
		}
	}
	for _, c := range x.order {
		if !c.mayGo() && !c.cut {
			x.thin(c)
		}
	}
	return &Retained{Commits: x.squashed, Kept: len(x.order) - len(x.squashed)}, nil
}

// mayGo tells whether a commit is in the middle of a line.
func (c *lineCommit) mayGo() bool {
	return !c.named && !c.cut && c.children == 1 && len(c.parents) == 1 && len(c.stored) == 1
}

// thin squashes commits of the lines behind one that stays.
func (x *retaining) thin(top *lineCommit) {
	for i, next := range top.parents {
		into, place := top, i
		taken := map[keptBucket]bool{}
		x.keeps(top, next.branches, taken)
		var gone []*lineCommit
		for ; next.mayGo(); next = next.parents[0] {
			if !x.keeps(next, next.branches, taken) {
				gone = append(gone, next)
				continue
			}
			x.squash(into, place, gone, next)
			into, place, gone = next, 0, nil
		}
		x.squash(into, place, gone, next)
	}
}

// keptBucket is a bucket of one of x.keep.
type keptBucket struct {
	keep int
	bucket
}

// keeps tells whether one of what the branches keep has the commit, and notes whose
// buckets it is in.
func (x *retaining) keeps(c *lineCommit, branches uint64, taken map[keptBucket]bool) bool {
	if branches&keepsAll != 0 || branches == 0 {
		return true
	}
	keeps := false
	for left := branches; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		b, all, none := x.keep[i].bucketOf(c.micros, x.now)
		if all {
			keeps = true
		} else if in := (keptBucket{i, b}); !none && !taken[in] {
			keeps, taken[in] = true, true
		}
	}
	return keeps
}

// squash takes some commits out of the line between into and the next that stays.
func (x *retaining) squash(into *lineCommit, place int, gone []*lineCommit, next *lineCommit) {
	if len(gone) == 0 {
		return
	}
	lines := x.linesOf(into)
	parents := hashesOf(into.parents)
	at := slices.IndexFunc(lines, func(l line) bool { return l.to == parents[place] })
	if at < 0 { // that was lost, and history goes on elsewhere
		at = min(place, len(lines)-1)
	}
	for _, c := range gone {
		behind := x.linesOf(c)
		lines[at].add(c.hash, c.micros, &behind[0])
		if x.set.byCommit[c.hash].lines != nil { // what it leads to stays its own; it is there until it is collected
			x.set.putLines(c.hash, c.depth, hashesOf(c.parents), []line{{to: c.parents[0].hash}})
		}
		x.squashed[c.hash] = into.hash
	}
	lines[at].to, parents[place] = next.hash, next.hash
	into.parents[place] = next
	x.set.putLines(into.hash, into.depth, parents, lines)
}

// linesOf returns how history goes on behind a commit, for each of its parents.
func (x *retaining) linesOf(c *lineCommit) []line {
	if g := x.set.byCommit[c.hash]; g.lines != nil {
		return slices.Clone(g.lines)
	}
	lines := make([]line, len(c.stored))
	for i, h := range c.stored {
		lines[i].to = h
	}
	return lines
}

func hashesOf(commits []*lineCommit) []hash.Hash {
	all := make([]hash.Hash, len(commits))
	for i, c := range commits {
		all[i] = c.hash
	}
	return all
}

// errNothingSquashed ends an update that has nothing to do.
var errNothingSquashed = errors.New("nothing is to be squashed")

// save has the refs lead to what look has made of the grafts, without those of commits
// that have been collected.
func (x *retaining) save(ctx context.Context, r *refs) error {
	if len(x.squashed) == 0 {
		return errNothingSquashed
	}
	for h := range x.set.byCommit {
		there, err := r.present(ctx, []hash.Hash{h})
		if err != nil {
			return err
		}
		if len(there) == 0 {
			x.set.put(h, nil)
		}
	}
	return r.saveGrafts(ctx, x.set)
}

// walk reads the commits that the refs lead to.
func (x *retaining) walk(ctx context.Context, r *refs) error {
	var todo []*lineCommit
	reach := func(h hash.Hash) (*lineCommit, error) {
		c, err := x.load(ctx, r, h)
		if err == nil && !c.seen {
			c.seen = true
			todo = append(todo, c)
			x.order = append(x.order, c)
		}
		return c, err
	}
	if err := x.tips(ctx, r, reach); err != nil {
		return err
	}
	for len(todo) > 0 {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		parents := c.stored
		if g, grafted := x.set.byCommit[c.hash]; grafted {
			parents, c.cut = g.parents, len(g.detail) > 0 && len(g.lines) == 0
		}
		for _, h := range parents {
			p, err := reach(h)
			if err != nil {
				return err
			}
			c.parents = append(c.parents, p)
		}
	}
	slices.SortFunc(x.order, func(a, b *lineCommit) int {
		if a.height != b.height {
			return int(min(1, max(-1, int64(b.height)-int64(a.height))))
		}
		return a.hash.Compare(b.hash)
	})
	return nil
}

func (x *retaining) load(ctx context.Context, r *refs, h hash.Hash) (*lineCommit, error) {
	if c := x.read[h]; c != nil {
		return c, ctx.Err()
	}
	data, err := r.store.Get(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	c, err := decodeCommit(h, data)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	x.read[h] = &lineCommit{hash: h, stored: c.Parents, height: c.Height, depth: c.links.depth, micros: c.CommitTime.UnixMicro()}
	return x.read[h], ctx.Err()
}

// tips reaches the commits that refs name, and those that they named in the last week.
// The latter may be squashed where they are in the middle of a line.
func (x *retaining) tips(ctx context.Context, r *refs, reach func(hash.Hash) (*lineCommit, error)) error {
	for item, err := range r.tree.Items(ctx, prolly.Range{}) {
		if err != nil {
			return err
		}
		if err := x.tipsOf(ctx, r, string(item.Key), item.Value, reach); err != nil {
			return fmt.Errorf("ref %s: %w", item.Key, err)
		}
	}
	since := x.now.Add(-reflogKept)
	for m, err := range r.log.moves(ctx, r.store) {
		if err != nil {
			return err
		}
		if m.From.IsZero() || m.Time.Before(since) || x.set.isSquashed(m.From) {
			continue
		}
		if _, err := reach(m.From); err != nil && !errors.Is(err, nbs.ErrNotFound) {
			return err
		}
	}
	return nil
}

// tipsOf reaches the commits that one ref names.
func (x *retaining) tipsOf(ctx context.Context, r *refs, key string, value []byte, reach func(hash.Hash) (*lineCommit, error)) error {
	var named []hash.Hash
	switch name, isBranch := strings.CutPrefix(key, headsPrefix); {
	case isBranch:
		state, err := decodeBranchState(value)
		if err != nil {
			return err
		}
		head, err := reach(state.head)
		if err != nil {
			return err
		}
		bit, err := x.bitOf(name)
		if err != nil {
			return err
		}
		head.branches |= bit
		named = append(named, state.head, state.merge)
	case strings.HasPrefix(key, tagsPrefix), strings.HasPrefix(key, trackedPrefix), strings.HasPrefix(key, transfersPrefix):
		h, err := decodeTagRef(value)
		if err != nil {
			return err
		}
		named = append(named, h)
	}
	return x.name(ctx, r, named, reach)
}

// name reaches commits, and those that tags, merges in progress and cut transfers lead
// to.
func (x *retaining) name(ctx context.Context, r *refs, named []hash.Hash, reach func(hash.Hash) (*lineCommit, error)) error {
	for len(named) > 0 {
		h := named[len(named)-1]
		named = named[:len(named)-1]
		if h.IsZero() {
			continue
		}
		if c := x.read[h]; c != nil && c.named {
			continue
		}
		data, err := r.store.Get(ctx, h)
		if err != nil {
			return err
		}
		switch chunk.KindOf(data) {
		case chunk.Commit:
			c, err := reach(h)
			if err != nil {
				return err
			}
			c.named = true
		case chunk.Tag, chunk.Merge, chunk.Transfer:
			if named, err = chunk.References(named, data); err != nil {
				return err
			}
		}
	}
	return nil
}

// bitOf returns the bit of what a branch keeps.
func (x *retaining) bitOf(branch string) (uint64, error) {
	keep := retentionOf(x.said, branch)
	i := slices.IndexFunc(x.keep, func(k Retention) bool { return slices.Equal(k, keep) })
	if i < 0 {
		if i = len(x.keep); i == 64 {
			return 0, invalidf("branches keep commits in more than %d ways", i-1)
		}
		x.keep = append(x.keep, keep)
	}
	return 1 << i, nil
}
