package sqlite

import (
	"fmt"
	"iter"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// newCommits is dolt_commits: the commits that branches and tags lead to.
func newCommits(s *session) module.Table {
	columns := append(commitColumns(), commitExtras()...)
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			refs, err := refsByCommit(s, w, len(columns))
			if err != nil {
				yield(nil, fmt.Errorf("dolt_commits: %w", err))
				return
			}
			for c, err := range reachable(s, w) {
				if err != nil {
					yield(nil, fmt.Errorf("dolt_commits: %w", err))
					return
				}
				if !yield(commitRow(c, 0, refs), nil) {
					return
				}
			}
		}
	}}
}

// newCommitAncestors is dolt_commit_ancestors: each commit with its parents.
func newCommitAncestors(s *session) module.Table {
	columns := []module.Column{keyed("commit_hash"), plain("parent_hash", "TEXT"), plain("parent_index", "INTEGER")}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for c, err := range reachable(s, w) {
				if err != nil {
					yield(nil, fmt.Errorf("dolt_commit_ancestors: %w", err))
					return
				}
				for _, row := range ancestorRows(c) {
					if !yield(row, nil) {
						return
					}
				}
			}
		}
	}}
}

// ancestorRows has a row for each parent; the first commit has one without.
func ancestorRows(c *vdb.Commit) [][]any {
	if len(c.Parents) == 0 {
		return [][]any{{c.Hash.String(), nil, int64(0)}}
	}
	rows := make([][]any, len(c.Parents))
	for i, p := range c.Parents {
		rows[i] = []any{c.Hash.String(), p.String(), int64(i)}
	}
	return rows
}

// reachable yields the commits that branches and tags lead to, or only the one
// whose hash a query asks for.
func reachable(s *session, w where) iter.Seq2[*vdb.Commit, error] {
	text, ok := w.is(0)
	if !ok {
		return s.db.Commits(s.ctx(), nil, nil)
	}
	return func(yield func(*vdb.Commit, error) bool) {
		p := past{s: s}
		c, err := p.find(text)
		has := false
		if c != nil && err == nil {
			has, err = p.isReachable(c)
		}
		if has || err != nil {
			yield(c, err)
		}
	}
}

// isReachable tells whether a branch or tag leads to c.
func (p past) isReachable(c *vdb.Commit) (bool, error) {
	for b, err := range p.s.db.Branches(p.s.ctx()) {
		if err != nil {
			return false, err
		}
		if has, err := p.isAncestor(c.Hash, &vdb.Commit{Hash: b.Head}); err != nil || has {
			return has, err
		}
	}
	for tag, err := range p.s.db.Tags(p.s.ctx()) {
		if err != nil {
			return false, err
		}
		if has, err := p.isAncestor(c.Hash, &vdb.Commit{Hash: tag.Commit}); err != nil || has {
			return has, err
		}
	}
	return false, nil
}
