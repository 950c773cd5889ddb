package sqlite

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// newBranches is dolt_branches.
func newBranches(s *session) module.Table {
	columns := []module.Column{
		keyed("name"), plain("hash", "TEXT"), plain("latest_committer", "TEXT"), plain("latest_committer_email", "TEXT"),
		plain("latest_commit_date", "TEXT"), plain("latest_commit_message", "TEXT"), plain("remote", "TEXT"), plain("branch", "TEXT"),
		plain("dirty", "INTEGER"),
	}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for b, err := range branchesOf(s, w) {
				var row []any
				if err == nil {
					row, err = branchRow(s, w, b)
				}
				if err != nil {
					yield(nil, fmt.Errorf("dolt_branches: %w", err))
					return
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}}
}

func branchesOf(s *session, w where) iter.Seq2[vdb.BranchInfo, error] {
	name, ok := w.is(0)
	if !ok {
		return s.db.Branches(s.ctx())
	}
	return func(yield func(vdb.BranchInfo, error) bool) {
		b, err := s.db.Branch(s.ctx(), name)
		if errors.Is(err, vdb.ErrNotFound) {
			return
		}
		info := vdb.BranchInfo{Name: name}
		if err == nil {
			var head *vdb.Commit
			if head, err = b.Head(s.ctx()); err == nil {
				info.Head = head.Hash
			}
		}
		yield(info, err)
	}
}

// branchRow reads the head and the working set only if the query asks for them.
func branchRow(s *session, w where, info vdb.BranchInfo) ([]any, error) {
	row := make([]any, 9)
	row[0], row[1] = info.Name, info.Head.String()
	if !w.uses(2, 8) {
		return row, nil
	}
	head, err := s.db.Engine().CommitAt(s.ctx(), info.Head)
	if err != nil {
		return nil, err
	}
	row[2], row[3] = signature(head.Committer)
	row[4], row[5] = stamp(head.CommitTime), head.Text
	if w.uses(8, 8) {
		row[8], err = isDirty(s, info.Name, head)
	}
	return row, err
}

// isDirty tells whether a branch has something to commit.
func isDirty(s *session, branch string, head *vdb.Commit) (bool, error) {
	b, err := s.seen().Branch(s.ctx(), branch)
	if err != nil {
		return false, err
	}
	for _, rev := range []string{"WORKING", "STAGED"} {
		at, err := b.AsOf(s.ctx(), rev)
		if err != nil || at.Root() != head.Root {
			return true, err
		}
	}
	_, err = b.Merging(s.ctx())
	if errors.Is(err, vdb.ErrNotMerging) {
		return false, nil
	}
	return true, err
}

// newTags is dolt_tags. A tag has no time of its own: date is its commit's.
func newTags(s *session) module.Table {
	columns := []module.Column{
		keyed("tag_name"), plain("tag_hash", "TEXT"), plain("tagger", "TEXT"), plain("email", "TEXT"),
		plain("date", "TEXT"), plain("message", "TEXT"),
	}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			name, one := w.is(0)
			for tag, err := range s.db.Tags(s.ctx()) {
				if err == nil && one && tag.Name != name {
					continue
				}
				var c *vdb.Commit
				if err == nil {
					c, err = s.db.Engine().CommitAt(s.ctx(), tag.Commit)
				}
				if err != nil {
					yield(nil, fmt.Errorf("dolt_tags: %w", err))
					return
				}
				tagger, mail := signature(tag.Tagger)
				if !yield([]any{tag.Name, tag.Commit.String(), tagger, mail, stamp(c.CommitTime), tag.Text}, nil) {
					return
				}
			}
		}
	}}
}

// newReflog is dolt_reflog, also as a function of a ref. A ref that was deleted
// has no commit_hash; previous_commit has what it named before.
func newReflog(s *session) module.Table {
	columns := []module.Column{
		plain("ref", "TEXT"), plain("ref_timestamp", "TEXT"), plain("commit_hash", "TEXT"), plain("commit_message", "TEXT"),
		arg("arg1"), arg("arg2"), extra("previous_commit", "TEXT"),
	}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			if err := scanReflog(s, w, yield); err != nil {
				yield(nil, fmt.Errorf("dolt_reflog: %w", err))
			}
		}
	}}
}

func scanReflog(s *session, w where, yield func([]any, error) bool) error {
	var only string
	for _, a := range w.args(4, 2) {
		switch {
		case a == "--all":
		case strings.HasPrefix(a, "-"):
			return fmt.Errorf("unknown flag %s", a)
		case only != "":
			return fmt.Errorf("one ref at most: %s or %s", only, a)
		default:
			only = strings.TrimPrefix(a, "refs/")
		}
	}
	for m, err := range s.db.Reflog(s.ctx()) {
		if err != nil {
			return err
		}
		if _, name, _ := strings.Cut(m.Ref, "/"); only != "" && only != m.Ref && only != name {
			continue
		}
		message, err := messageOf(s, m.To)
		if err != nil {
			return err
		}
		if !yield([]any{"refs/" + m.Ref, stamp(m.Time), hashOrNull(m.To), message, isArgument, isArgument, hashOrNull(m.From)}, nil) {
			return nil
		}
	}
	return nil
}

// messageOf returns a commit's text, NULL if it is not there any more.
func messageOf(s *session, h vdb.Hash) (any, error) {
	if h.IsZero() {
		return nil, nil
	}
	c, err := s.db.Resolve(s.ctx(), h.String())
	if errors.Is(err, vdb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.Text, nil
}
