package vdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
)

// Revisions name a version, as git's do
// (https://git-scm.com/docs/gitrevisions):
//
//	main, heads/main     a branch's head
//	v1, tags/v1          a tag's commit
//	9f3c2e1              a commit by its hash, or a unique prefix of four digits or more
//	HEAD, @              the head of the branch that is asked; of main, where a DB is
//	WORKING, STAGED      its working set, its staged version
//	rev~n                the n-th ancestor of rev by first parents
//	rev^n                the n-th parent of rev
//	rev@{2026-11-22T09:30:00Z}  the last commit by first parents at or before a time
//
// and ranges of them, where they are asked for:
//
//	a..b                 what b has beyond a
//	a...b                what b has beyond the merge base of a and b
const (
	revHead    = "HEAD"
	revWorking = "WORKING"
	revStaged  = "STAGED"
)

// resolved is what a revision names: a commit, or the contents of a working set.
type resolved struct {
	commit  *Commit // nil for WORKING and STAGED
	version version
}

// AsOf returns the database as it was at revision rev.
func (db *DB) AsOf(ctx context.Context, rev string) (*Snapshot, error) {
	return db.asOf(ctx, MainBranch, rev)
}

// AsOf returns the database as it was at revision rev, where HEAD, WORKING and
// STAGED are those of b.
func (b *Branch) AsOf(ctx context.Context, rev string) (*Snapshot, error) {
	return b.db.asOf(ctx, b.name, rev)
}

func (db *DB) asOf(ctx context.Context, branch, rev string) (*Snapshot, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, opError("as of "+rev, err)
	}
	at, err := db.resolve(ctx, r, branch, rev)
	if err != nil {
		return nil, opError("as of", err)
	}
	return db.newSnapshot(ctx, r.store, at.version), nil
}

// Resolve returns the commit that revision rev names.
func (db *DB) Resolve(ctx context.Context, rev string) (*Commit, error) {
	return db.resolveOn(ctx, MainBranch, rev)
}

// Resolve returns the commit that revision rev names, where HEAD is b's.
func (b *Branch) Resolve(ctx context.Context, rev string) (*Commit, error) {
	return b.db.resolveOn(ctx, b.name, rev)
}

func (db *DB) resolveOn(ctx context.Context, branch, rev string) (*Commit, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, opError("resolve "+rev, err)
	}
	c, err := db.resolveCommit(ctx, r, branch, rev)
	return c, opError("resolve", err)
}

// resolveCommit resolves a revision that must be a commit.
func (db *DB) resolveCommit(ctx context.Context, r *refs, branch, rev string) (*Commit, error) {
	at, err := db.resolve(ctx, r, branch, rev)
	if err != nil {
		return nil, err
	}
	if at.commit == nil {
		return nil, invalidf("revision %s is no commit", rev)
	}
	return at.commit, nil
}

// resolve finds what rev names; branch is the one whose HEAD, WORKING and STAGED
// are meant.
func (db *DB) resolve(ctx context.Context, r *refs, branch, rev string) (resolved, error) {
	at, err := db.resolveSteps(ctx, r, branch, rev)
	if err != nil {
		return resolved{}, fmt.Errorf("revision %q: %w", rev, err)
	}
	return at, nil
}

func (db *DB) resolveSteps(ctx context.Context, r *refs, branch, rev string) (resolved, error) {
	name, steps := splitRevision(rev)
	at, err := db.resolveName(ctx, r, branch, name)
	if err != nil || steps == "" {
		return at, err
	}
	if at.commit == nil {
		return resolved{}, invalidf("%s has no ancestors; use HEAD", name)
	}
	c, err := walk(ctx, r.store, at.commit, steps)
	if err != nil {
		return resolved{}, err
	}
	return resolved{commit: c, version: c.version()}, nil
}

// splitRevision cuts rev before the first of its steps: ~, ^ or @{.
func splitRevision(rev string) (name, steps string) {
	for i := range len(rev) {
		if rev[i] == '~' || rev[i] == '^' || strings.HasPrefix(rev[i:], "@{") {
			return rev[:i], rev[i:]
		}
	}
	return rev, ""
}

func (db *DB) resolveName(ctx context.Context, r *refs, branch, name string) (resolved, error) {
	switch name {
	case revHead, "@", "":
		return db.resolveState(ctx, r, branch, "")
	case revWorking, revStaged:
		return db.resolveState(ctx, r, branch, name)
	}
	for _, try := range []func(context.Context, *refs, string) (hash.Hash, error){branchHead, tagCommit, trackedHead, db.commitByHash} {
		h, err := try(ctx, r, name)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return resolved{}, err
		}
		c, err := loadCommit(ctx, r.store, h)
		if err != nil {
			return resolved{}, err
		}
		return resolved{commit: c, version: c.version()}, nil
	}
	if err := r.wasRewritten(ctx, name); err != nil {
		return resolved{}, err
	}
	if err := graftsOf(r.store).wasSquashed(name); err != nil {
		return resolved{}, err
	}
	return resolved{}, fmt.Errorf("no branch, tag or commit of that name: %w", ErrNotFound)
}

// resolveState resolves HEAD (""), WORKING or STAGED of a branch.
func (db *DB) resolveState(ctx context.Context, r *refs, branch, which string) (resolved, error) {
	state, err := r.branch(ctx, branch)
	if err != nil {
		return resolved{}, err
	}
	switch which {
	case revWorking:
		return resolved{version: state.working}, nil
	case revStaged:
		return resolved{version: state.staged}, nil
	}
	c, err := loadCommit(ctx, r.store, state.head)
	if err != nil {
		return resolved{}, err
	}
	return resolved{commit: c, version: c.version()}, nil
}

func branchHead(ctx context.Context, r *refs, name string) (hash.Hash, error) {
	state, err := r.branch(ctx, strings.TrimPrefix(name, headsPrefix))
	return state.head, err
}

func tagCommit(ctx context.Context, r *refs, name string) (hash.Hash, error) {
	name = strings.TrimPrefix(name, tagsPrefix)
	h, err := r.tag(ctx, name)
	if err != nil {
		return hash.Hash{}, err
	}
	t, err := loadTag(ctx, r.store, name, append([]byte{1}, h[:]...))
	return t.Commit, err
}

// Shortest prefix of a hash that names a commit, as in git.
const minPrefix = 4

// maxCandidates bounds the chunks that are looked at for a hash prefix.
const maxCandidates = 256

// commitByHash finds a commit by its hash or a unique prefix of it.
func (db *DB) commitByHash(ctx context.Context, r *refs, name string) (hash.Hash, error) {
	if len(name) < minPrefix || len(name) > 2*hash.Size || strings.Trim(name, "0123456789abcdef") != "" {
		return hash.Hash{}, ErrNotFound
	}
	candidates, err := db.candidates(ctx, name)
	if err != nil {
		return hash.Hash{}, err
	}
	grafts := graftsOf(r.store)
	var found hash.Hash
	for _, h := range candidates {
		if grafts.isSquashed(h) {
			continue // it may be collected any time
		}
		data, err := r.store.Get(ctx, h)
		if err != nil {
			return hash.Hash{}, err
		}
		if chunk.KindOf(data) != chunk.Commit {
			continue
		}
		if !found.IsZero() {
			return hash.Hash{}, fmt.Errorf("%s and %s: %w", found, h, ErrAmbiguous)
		}
		found = h
	}
	if found.IsZero() {
		return hash.Hash{}, ErrNotFound
	}
	return found, nil
}

// candidates returns the chunks whose addresses start with name; a whole hash
// needs no search.
func (db *DB) candidates(ctx context.Context, name string) ([]hash.Hash, error) {
	h, err := hash.Parse(name)
	if err != nil {
		return db.blocks.Resolve(ctx, []byte(name), maxCandidates)
	}
	found, err := db.blocks.Has(ctx, h)
	if err != nil || !found {
		return nil, err
	}
	return []hash.Hash{h}, nil
}

// walk follows steps from c: ~n, ^n and @{time}.
func walk(ctx context.Context, s chunkReader, c *Commit, steps string) (*Commit, error) {
	for steps != "" {
		var err error
		if strings.HasPrefix(steps, "@{") {
			c, steps, err = walkTime(ctx, s, c, steps)
		} else {
			c, steps, err = walkParents(ctx, s, c, steps)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

func walkParents(ctx context.Context, s chunkReader, c *Commit, steps string) (*Commit, string, error) {
	kind, digits := steps[0], 1
	for digits < len(steps) && '0' <= steps[digits] && steps[digits] <= '9' {
		digits++
	}
	n := uint64(1)
	if digits > 1 {
		var err error
		if n, err = strconv.ParseUint(steps[1:digits], 10, 63); err != nil {
			return nil, "", invalidf("step %s", steps[:digits])
		}
	}
	rest := steps[digits:]
	if rest != "" && rest[0] != '~' && rest[0] != '^' && !strings.HasPrefix(rest, "@{") {
		return nil, "", invalidf("step %s", rest)
	}
	if kind == '~' {
		c, err := ancestor(ctx, s, c, n)
		return c, rest, err
	}
	c, err := parent(ctx, s, c, n)
	return c, rest, err
}

// parent returns the n-th parent of c, from 1; 0 is c itself.
func parent(ctx context.Context, s chunkReader, c *Commit, n uint64) (*Commit, error) {
	if n == 0 {
		return c, nil
	}
	if n > uint64(len(c.Parents)) {
		return nil, fmt.Errorf("commit %s has %d parents: %w", c.Short(), len(c.Parents), ErrNotFound)
	}
	return loadCommit(ctx, s, c.Parents[n-1])
}

// walkTime finds the last commit by first parents at or before a time.
func walkTime(ctx context.Context, s chunkReader, c *Commit, steps string) (*Commit, string, error) {
	text, rest, ok := strings.Cut(steps[2:], "}")
	if !ok {
		return nil, "", invalidf("step %s", steps)
	}
	at, err := parseTime(text)
	if err != nil {
		return nil, "", err
	}
	barrier := barrierOf(s)
	for c.CommitTime.After(at) {
		if len(c.Parents) == 0 {
			return nil, "", fmt.Errorf("no commit at or before %s: %w", text, ErrNotFound)
		}
		next := c.Parents[0]
		if c.links.oldest > at.UnixMicro() && c.links.jumpDepth >= barrier {
			next = c.links.jump
		}
		if c, err = loadCommit(ctx, s, next); err != nil {
			return nil, "", err
		}
	}
	return c, rest, nil
}

func parseTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, invalidf("time %q; write 2006-01-02T15:04:05Z", text)
}

// MergeBase returns a best common ancestor of two revisions; ErrNotFound if
// their histories are unrelated.
func (db *DB) MergeBase(ctx context.Context, a, b string) (*Commit, error) {
	base, err := db.mergeBaseOf(ctx, MainBranch, a, b)
	return base, opError("merge base of "+a+" and "+b, err)
}

// IsAncestor tells whether the commit at revision a is that at b, or an ancestor
// of it: whether b has all of a.
func (db *DB) IsAncestor(ctx context.Context, a, b string) (bool, error) {
	op := "compare " + a + " and " + b
	r, err := db.refs(ctx)
	if err != nil {
		return false, opError(op, err)
	}
	x, err := db.resolveCommit(ctx, r, MainBranch, a)
	if err != nil {
		return false, opError(op, err)
	}
	y, err := db.resolveCommit(ctx, r, MainBranch, b)
	if err != nil {
		return false, opError(op, err)
	}
	is, err := isAncestor(ctx, r.store, x, y)
	return is, opError(op, err)
}

func (db *DB) mergeBaseOf(ctx context.Context, branch, a, b string) (*Commit, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	x, err := db.resolveCommit(ctx, r, branch, a)
	if err != nil {
		return nil, err
	}
	y, err := db.resolveCommit(ctx, r, branch, b)
	if err != nil {
		return nil, err
	}
	base, err := mergeBase(ctx, r.store, x, y)
	if err == nil && base == nil {
		err = fmt.Errorf("unrelated histories: %w", ErrNotFound)
	}
	return base, err
}
