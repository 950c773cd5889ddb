package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// onBranch yields the rows that a function collects from the connection's branch;
// a connection that reads a revision has none.
func onBranch(s *session, table string, fill func(ctx context.Context, b *vdb.Branch, add func(...any)) error) func(where) iter.Seq2[[]any, error] {
	return func(where) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			if s.branch == "" {
				return nil
			}
			b, err := s.sight(s.ctx())
			if err == nil {
				err = fill(s.ctx(), b, add)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			return nil
		})
	}
}

// newConflicts is dolt_conflicts: how many rows of each table are in conflict.
func newConflicts(s *session) module.Table {
	return countOpen(s, "dolt_conflicts", "num_conflicts", func(t *openTable) int64 { return t.rows })
}

// newViolations is dolt_constraint_violations: how many rows of each table break a
// rule because of a merge.
func newViolations(s *session) module.Table {
	return countOpen(s, "dolt_constraint_violations", "num_violations", func(t *openTable) int64 { return t.violations })
}

func countOpen(s *session, name, column string, count func(*openTable) int64) module.Table {
	columns := []module.Column{plain("table", "TEXT"), plain(column, "INTEGER")}
	return &relation{columns: columns, rows: onBranch(s, name, func(ctx context.Context, b *vdb.Branch, add func(...any)) error {
		open, err := openOf(ctx, b)
		if err != nil {
			return err
		}
		for _, t := range open {
			if n := count(t); n > 0 {
				add(t.name, n)
			}
		}
		return nil
	})}
}

// newMergeStatus is dolt_merge_status, of one row.
func newMergeStatus(s *session) module.Table {
	columns := []module.Column{
		plain("is_merging", "INTEGER"), plain("source", "TEXT"), plain("source_commit", "TEXT"),
		plain("target", "TEXT"), plain("unmerged_tables", "TEXT"),
	}
	rows := onBranch(s, "dolt_merge_status", func(ctx context.Context, b *vdb.Branch, add func(...any)) error {
		m, err := b.Merging(ctx)
		if errors.Is(err, vdb.ErrNotMerging) {
			add(false, nil, nil, nil, nil)
			return nil
		}
		if err != nil {
			return err
		}
		source, err := branchAt(ctx, b.DB(), m.Theirs.Hash)
		if err != nil {
			return err
		}
		open, err := openOf(ctx, b)
		if err != nil {
			return err
		}
		var names []string
		for _, t := range open {
			names = append(names, t.name)
		}
		slices.Sort(names)
		add(true, source, m.Theirs.Hash.String(), "refs/heads/"+b.Name(), orNull(strings.Join(names, ", ")))
		return nil
	})
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		if s.branch == "" {
			return collected(func(add func(...any)) error { add(false, nil, nil, nil, nil); return nil })
		}
		return rows(w)
	}}
}

// branchAt names a commit by a branch that has it as its head, or by its hash.
func branchAt(ctx context.Context, db *vdb.DB, h vdb.Hash) (string, error) {
	for b, err := range db.Branches(ctx) {
		if err != nil {
			return "", err
		}
		if b.Head == h {
			return b.Name, nil
		}
	}
	return h.String(), nil
}

// newSchemaConflicts is dolt_schema_conflicts: tables, views and triggers whose
// definitions both sides of a merge changed differently.
func newSchemaConflicts(s *session) module.Table {
	columns := []module.Column{
		plain("table_name", "TEXT"), plain("base_schema", "TEXT"), plain("our_schema", "TEXT"),
		plain("their_schema", "TEXT"), plain("description", "TEXT"),
	}
	return &relation{columns: columns, rows: onBranch(s, "dolt_schema_conflicts", addSchemaConflicts)}
}

func addSchemaConflicts(ctx context.Context, b *vdb.Branch, add func(...any)) error {
	m, err := b.Merging(ctx)
	if errors.Is(err, vdb.ErrNotMerging) {
		return nil
	}
	if err != nil {
		return err
	}
	for c, err := range b.Conflicts(ctx) {
		if err != nil {
			return err
		}
		if c.Reason == "" {
			continue
		}
		row := []any{c.Table}
		for _, side := range []*vdb.Commit{m.Base, m.Ours, m.Theirs} {
			sql, err := definitionAt(ctx, b.DB(), side, c.Table)
			if err != nil {
				return err
			}
			row = append(row, orNull(sql))
		}
		add(append(row, c.Reason)...)
	}
	return nil
}

// definitionAt returns the statement that makes a table, or an object that a
// conflict names by its kind and name or, if it is a virtual table, by its name; empty
// where it is absent.
func definitionAt(ctx context.Context, db *vdb.DB, c *vdb.Commit, name string) (string, error) {
	if c == nil {
		return "", nil
	}
	at := db.At(ctx, c)
	schema, err := at.Schema(name)
	if err == nil {
		return tableSQL(schema), nil
	}
	if !errors.Is(err, vdb.ErrNotFound) {
		return "", err
	}
	objects, err := at.Objects()
	_, object, _ := strings.Cut(name, " ")
	for _, o := range objects {
		if strings.EqualFold(o.Name, object) || strings.EqualFold(o.Name, name) {
			return o.SQL, nil
		}
	}
	return "", err
}

// newPreviewSummary is dolt_preview_merge_conflicts_summary(base, other): how many
// conflicts a merge of the second revision into the first would meet.
func newPreviewSummary(s *session) module.Table {
	columns := []module.Column{
		plain("table", "TEXT"), plain("num_data_conflicts", "INTEGER"), plain("num_schema_conflicts", "INTEGER"),
		needed("base_revision"), needed("merge_revision"),
	}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			counts := map[string]*[2]int64{}
			var names []string
			for c, err := range preview(s, w.args(3, 2)) {
				if err != nil {
					return fmt.Errorf("dolt_preview_merge_conflicts_summary: %w", err)
				}
				n := counts[c.Table]
				if n == nil {
					n, names = new([2]int64), append(names, c.Table)
					counts[c.Table] = n
				}
				if c.Reason != "" {
					n[1]++
				} else {
					n[0]++
				}
			}
			slices.Sort(names)
			for _, name := range names {
				add(name, counts[name][0], counts[name][1])
			}
			return nil
		})
	}}
}

// preview yields the conflicts that a merge would meet.
func preview(s *session, revs []string) iter.Seq2[vdb.Conflict, error] {
	return func(yield func(vdb.Conflict, error) bool) {
		ours, theirs, err := mergeEnds(s, revs)
		if err != nil {
			yield(vdb.Conflict{}, err)
			return
		}
		for c, err := range s.db.PreviewMerge(s.ctx(), ours, theirs, nil) {
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func mergeEnds(s *session, revs []string) (ours, theirs string, err error) {
	if len(revs) < 2 {
		return "", "", errors.New("a revision is NULL")
	}
	p, err := pastOf(s)
	if err != nil {
		return "", "", err
	}
	a, err := p.commit(revs[0])
	if err != nil {
		return "", "", err
	}
	b, err := p.commit(revs[1])
	if err != nil {
		return "", "", err
	}
	return a.Hash.String(), b.Hash.String(), nil
}
