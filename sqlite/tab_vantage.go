package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/vdbgo/vdb"
)

// vantage is where a statement sees history from: the connection's branch, or the
// revision that it reads.
type vantage struct {
	ctx      context.Context
	db       *vdb.DB
	branch   *vdb.Branch // nil at a revision
	revision string
}

func (s *session) vantage() (*vantage, error) {
	v := &vantage{ctx: s.ctx(), db: s.seen(), revision: s.revision}
	if s.branch == "" {
		return v, nil
	}
	var err error
	v.branch, err = s.sight(v.ctx)
	return v, err
}

// resolve returns the commit of a revision, where HEAD is the connection's.
func (v *vantage) resolve(rev string) (*vdb.Commit, error) {
	if v.branch != nil {
		return v.branch.Resolve(v.ctx, rev)
	}
	return v.db.Resolve(v.ctx, v.absolute(rev))
}

// absolute puts the revision that the connection reads in the place of HEAD.
func (v *vantage) absolute(rev string) string {
	end := len(rev)
	for _, step := range []string{"~", "^", "@{"} {
		if i := strings.Index(rev, step); i >= 0 {
			end = min(end, i)
		}
	}
	switch rev[:end] {
	case "", "@", "HEAD":
		return v.revision + rev[end:]
	}
	return rev
}

func (v *vantage) head() (*vdb.Commit, error) { return v.resolve("HEAD") }

// commits yields the commits of the history of start, each before its parents.
func (v *vantage) commits(start *vdb.Commit) iter.Seq2[*vdb.Commit, error] {
	return v.db.Commits(v.ctx, []string{start.Hash.String()}, nil)
}

// reached returns the commit that a condition names by its hash, if it is in the
// history of start; nil if it is not, or is none.
func (v *vantage) reached(name any, start *vdb.Commit) (*vdb.Commit, error) {
	text, _ := name.(string)
	if len(text) != hashDigits || strings.Trim(text, "0123456789abcdef") != "" {
		return nil, nil
	}
	c, err := v.db.Resolve(v.ctx, text)
	if errors.Is(err, vdb.ErrNotFound) {
		return nil, nil
	}
	if err != nil || c.Hash.String() != text {
		return nil, err
	}
	ok, err := v.db.IsAncestor(v.ctx, text, start.Hash.String())
	if !ok {
		c = nil
	}
	return c, err
}

const hashDigits = 40

// The revisions that are no commits, as columns show them.
const (
	workingName = "WORKING"
	stagedName  = "STAGED"
)

// tabVersion is a version of the database that a row of a system table is about.
type tabVersion struct {
	snap *vdb.Snapshot
	// name is what columns show: a commit's hash, WORKING, STAGED; nil before the
	// first commit.
	name any
	date any         // nil if it is no commit
	of   *vdb.Commit // nil if it is none
}

func (v *vantage) commitVersion(c *vdb.Commit) tabVersion {
	return tabVersion{snap: v.db.At(v.ctx, c), name: c.Hash.String(), date: dateText(c.CommitTime), of: c}
}

// version returns what a revision names.
func (v *vantage) version(rev string) (tabVersion, error) {
	if rev == workingName || rev == stagedName {
		if v.branch == nil {
			return tabVersion{}, fmt.Errorf("%s: the connection reads %s, which has no working set", rev, v.revision)
		}
		snap, err := v.branch.AsOf(v.ctx, rev)
		return tabVersion{snap: snap, name: rev}, err
	}
	c, err := v.resolve(rev)
	if err != nil {
		return tabVersion{}, err
	}
	return v.commitVersion(c), nil
}

// argument returns the version that an argument of a table-valued function names.
func (v *vantage) argument(rev any) (tabVersion, error) {
	text, ok := rev.(string)
	if !ok {
		return tabVersion{}, fmt.Errorf("revision %v: write it as text", rev)
	}
	return v.version(text)
}

// before returns the version that a commit was made from, one for each parent.
func (v *vantage) before(c *vdb.Commit) iter.Seq2[tabVersion, error] {
	return func(yield func(tabVersion, error) bool) {
		if len(c.Parents) == 0 {
			yield(tabVersion{snap: v.db.At(v.ctx, &vdb.Commit{})}, nil)
			return
		}
		for _, h := range c.Parents {
			p, err := v.db.Engine().CommitAt(v.ctx, h)
			if err != nil {
				yield(tabVersion{}, err)
				return
			}
			if !yield(v.commitVersion(p), nil) {
				return
			}
		}
	}
}

// dateText prints a time as Dolt does.
func dateText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// splitPerson cuts "Name <mail>".
func splitPerson(person string) (name, mail string) {
	name, rest, ok := strings.Cut(person, "<")
	if !ok {
		return person, ""
	}
	return strings.TrimSpace(name), strings.TrimSuffix(strings.TrimSpace(rest), ">")
}
