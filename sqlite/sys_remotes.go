package sqlite

import (
	"fmt"
	"iter"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// newRemotes is dolt_remotes. All branches of a remote are fetched, and none has
// parameters.
func newRemotes(s *session) module.Table {
	columns := []module.Column{plain("name", "TEXT"), plain("url", "TEXT"), plain("fetch_specs", "TEXT"), plain("params", "TEXT")}
	return &relation{columns: columns, rows: func(where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for r, err := range s.db.Remotes(s.ctx()) {
				if err != nil {
					yield(nil, fmt.Errorf("dolt_remotes: %w", err))
					return
				}
				specs := fmt.Sprintf(`["refs/heads/*:refs/remotes/%s/*"]`, r.Name)
				if !yield([]any{r.Name, r.URL, specs, "{}"}, nil) {
					return
				}
			}
		}
	}}
}

// newBackups is dolt_backups. None has parameters.
func newBackups(s *session) module.Table {
	columns := []module.Column{plain("name", "TEXT"), plain("url", "TEXT"), plain("params", "TEXT")}
	return &relation{columns: columns, rows: func(where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for b, err := range s.db.Backups(s.ctx()) {
				if err != nil {
					yield(nil, fmt.Errorf("dolt_backups: %w", err))
					return
				}
				if !yield([]any{b.Name, b.URL, "{}"}, nil) {
					return
				}
			}
		}
	}}
}

// newRetentions is dolt_retentions, which commits branches keep.
func newRetentions(s *session) module.Table {
	columns := []module.Column{plain("branches", "TEXT"), plain("keep", "TEXT")}
	return &relation{columns: columns, rows: func(where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for b, err := range s.db.Retentions(s.ctx()) {
				if err != nil {
					yield(nil, fmt.Errorf("dolt_retentions: %w", err))
					return
				}
				if !yield([]any{b.Branches, b.Keep.String()}, nil) {
					return
				}
			}
		}
	}}
}

// newRemoteBranches is dolt_remote_branches.
func newRemoteBranches(s *session) module.Table {
	columns := []module.Column{
		plain("name", "TEXT"), plain("hash", "TEXT"), plain("latest_committer", "TEXT"), plain("latest_committer_email", "TEXT"),
		plain("latest_commit_date", "TEXT"), plain("latest_commit_message", "TEXT"),
	}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			for b, err := range s.db.RemoteBranches(s.ctx()) {
				var row []any
				if err == nil {
					row, err = remoteBranchRow(s, w, b)
				}
				if err != nil {
					yield(nil, fmt.Errorf("dolt_remote_branches: %w", err))
					return
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}}
}

func remoteBranchRow(s *session, w where, b vdb.RemoteBranch) ([]any, error) {
	row := make([]any, 6)
	row[0], row[1] = "remotes/"+b.Remote+"/"+b.Name, b.Head.String()
	if !w.uses(2, 5) {
		return row, nil
	}
	head, err := s.db.Engine().CommitAt(s.ctx(), b.Head)
	if err != nil {
		return nil, err
	}
	row[2], row[3] = signature(head.Committer)
	row[4], row[5] = stamp(head.CommitTime), head.Text
	return row, nil
}
