package sqlite

import (
	"errors"

	"github.com/vdbgo/vdb"
)

var (
	mergeBaseCommand    = &command{name: "dolt_merge_base", usage: "two revisions", least: 2, most: 2}
	hasAncestorCommand  = &command{name: "has_ancestor", usage: "a revision, and what may be its ancestor", least: 2, most: 2}
	activeBranchCommand = &command{name: "active_branch"}
)

// doltMergeBase returns the hash of a best common ancestor; NULL if there is none.
func doltMergeBase(s *session, args []any) (any, error) {
	a, b, err := twoCommits(s, mergeBaseCommand, args)
	if err != nil {
		return nil, err
	}
	base, err := s.db.MergeBase(s.ctx(), a.Hash.String(), b.Hash.String())
	switch {
	case errors.Is(err, vdb.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return base.Hash.String(), nil
}

// hasAncestor tells whether the first revision has all of the second.
func hasAncestor(s *session, args []any) (any, error) {
	c, ancestor, err := twoCommits(s, hasAncestorCommand, args)
	if err != nil {
		return nil, err
	}
	return s.db.IsAncestor(s.ctx(), ancestor.Hash.String(), c.Hash.String())
}

func twoCommits(s *session, c *command, args []any) (first, second *vdb.Commit, err error) {
	in, err := c.parse(args)
	if err != nil {
		return nil, nil, err
	}
	if first, err = commitOf(s, in.arg(0, "")); err != nil {
		return nil, nil, err
	}
	second, err = commitOf(s, in.arg(1, ""))
	return first, second, err
}

// activeBranch returns the branch that the connection is on; NULL if it reads a
// revision.
func activeBranch(s *session, args []any) (any, error) {
	if _, err := activeBranchCommand.parse(args); err != nil || s.branch == "" {
		return nil, err
	}
	return s.branch, nil
}
