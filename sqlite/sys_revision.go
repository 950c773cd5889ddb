package sqlite

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb"
)

// past reads history as a connection means its revisions: HEAD is that of its
// branch or, where it reads a revision, that revision.
type past struct {
	s  *session
	on interface {
		Resolve(ctx context.Context, rev string) (*vdb.Commit, error)
		AsOf(ctx context.Context, rev string) (*vdb.Snapshot, error)
		Diff(ctx context.Context, from, to string) *vdb.Diff
		Commits(ctx context.Context, from, not []string) iter.Seq2[*vdb.Commit, error]
	}
}

func pastOf(s *session) (past, error) {
	if s.branch == "" {
		return past{s: s, on: s.db}, nil
	}
	b, err := s.sight(s.ctx())
	return past{s: s, on: b}, err
}

// name returns a revision as vdb knows it.
func (p past) name(rev string) (string, error) {
	end := strings.IndexAny(rev, "~^")
	if at := strings.Index(rev, "@{"); at >= 0 && (end < 0 || at < end) {
		end = at
	}
	if end < 0 {
		end = len(rev)
	}
	base := rev[:end]
	if upper := strings.ToUpper(base); upper == "WORKING" || upper == "STAGED" {
		if p.s.branch == "" {
			return "", fmt.Errorf("revision %s: the connection reads %s, which is no branch and has no working set", rev, p.s.revision)
		}
		return upper + rev[end:], nil
	}
	if p.s.branch == "" && (base == "" || base == "HEAD" || base == "@") {
		return p.s.revision + rev[end:], nil
	}
	return rev, nil
}

func (p past) names(revs []string) ([]string, error) {
	namedSQL := make([]string, len(revs))
	for i, rev := range revs {
		var err error
		if namedSQL[i], err = p.name(rev); err != nil {
			return nil, err
		}
	}
	return namedSQL, nil
}

func (p past) commit(rev string) (*vdb.Commit, error) {
	rev, err := p.name(rev)
	if err != nil {
		return nil, err
	}
	return p.on.Resolve(p.s.ctx(), rev)
}

func (p past) asOf(rev string) (*vdb.Snapshot, error) {
	rev, err := p.name(rev)
	if err != nil {
		return nil, err
	}
	return p.on.AsOf(p.s.ctx(), rev)
}

// commits yields what from leads to and not does not.
func (p past) commits(from, not []string) iter.Seq2[*vdb.Commit, error] {
	fail := func(err error) iter.Seq2[*vdb.Commit, error] {
		return func(yield func(*vdb.Commit, error) bool) { yield(nil, err) }
	}
	from, err := p.names(from)
	if err != nil {
		return fail(err)
	}
	if not, err = p.names(not); err != nil {
		return fail(err)
	}
	return p.on.Commits(p.s.ctx(), from, not)
}

// span is a diff and the names of its ends.
type span struct {
	*vdb.Diff
	from, to string // commit hashes, or WORKING or STAGED
}

// diff returns what leads from one revision to another: two revisions, or a range
// alone.
func (p past) diff(revs []string) (*span, error) {
	from, to, err := p.ends(revs)
	if err != nil {
		return nil, err
	}
	d := &span{}
	if d.from, err = p.endName(from); err != nil {
		return nil, err
	}
	if d.to, err = p.endName(to); err != nil {
		return nil, err
	}
	d.Diff = p.on.Diff(p.s.ctx(), d.from, d.to)
	return d, nil
}

// ends splits a range, of which a...b begins at the merge base.
func (p past) ends(revs []string) (from, to string, err error) {
	a, b, dots := cutRange(revs[0])
	switch {
	case len(revs) == 2 && dots == 0:
		return revs[0], revs[1], nil
	case len(revs) != 1 || dots == 0:
		return "", "", fmt.Errorf("revisions %q: give two revisions, or one range a..b or a...b", revs)
	case a == "" || b == "":
		return "", "", fmt.Errorf("range %q: both sides must be given", revs[0])
	case dots == 2:
		return a, b, nil
	}
	base, err := p.mergeBase(a, b)
	if err != nil {
		return "", "", err
	}
	return base.Hash.String(), b, nil
}

func (p past) mergeBase(a, b string) (*vdb.Commit, error) {
	x, err := p.commit(a)
	if err != nil {
		return nil, err
	}
	y, err := p.commit(b)
	if err != nil {
		return nil, err
	}
	return p.s.db.MergeBase(p.s.ctx(), x.Hash.String(), y.Hash.String())
}

// cutRange splits a..b and a...b and returns the number of dots, 0 if rev is no
// range.
func cutRange(rev string) (a, b string, dots int) {
	if a, b, ok := strings.Cut(rev, "..."); ok {
		return a, b, 3
	}
	if a, b, ok := strings.Cut(rev, ".."); ok {
		return a, b, 2
	}
	return "", "", 0
}

// endName returns the hash of the commit that rev names, or WORKING or STAGED.
func (p past) endName(rev string) (string, error) {
	name, err := p.name(rev)
	if err != nil || name == "WORKING" || name == "STAGED" {
		return name, err
	}
	c, err := p.on.Resolve(p.s.ctx(), name)
	if err != nil {
		return "", err
	}
	return c.Hash.String(), nil
}

// isAncestor tells whether the history of one of some commits has h.
func (p past) isAncestor(h vdb.Hash, of ...*vdb.Commit) (bool, error) {
	for _, c := range of {
		if c.Hash == h {
			return true, nil
		}
		has, err := p.s.db.IsAncestor(p.s.ctx(), h.String(), c.Hash.String())
		if err != nil || has {
			return has, err
		}
	}
	return false, nil
}

// signature splits "Name <mail>".
func signature(s string) (name, mail string) {
	name, rest, ok := strings.Cut(s, "<")
	if !ok {
		return s, ""
	}
	return strings.TrimSpace(name), strings.TrimSuffix(strings.TrimSpace(rest), ">")
}
