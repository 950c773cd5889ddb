package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// newStatus is dolt_status: what a commit would record, and what stands in its way.
func newStatus(s *session) module.Table {
	columns := []module.Column{plain("table_name", "TEXT"), plain("staged", "INTEGER"), plain("status", "TEXT")}
	return &relation{columns: columns, rows: func(where) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			if s.branch == "" {
				return nil
			}
			b, err := s.sight(s.ctx())
			if err == nil {
				err = addStatus(s.ctx(), b, add)
			}
			if err != nil {
				return fmt.Errorf("dolt_status: %w", err)
			}
			return nil
		})
	}}
}

func addStatus(ctx context.Context, b *vdb.Branch, add func(...any)) error {
	staged, err := changesOf(b.Diff(ctx, "HEAD", "STAGED"), "")
	if err != nil {
		return err
	}
	for i := range staged {
		add(staged[i].shown(), true, staged[i].status())
	}
	unstaged, err := changesOf(b.Diff(ctx, "STAGED", "WORKING"), "")
	if err != nil {
		return err
	}
	rules, err := ignoreRules(ctx, b)
	if err != nil {
		return err
	}
	for i := range unstaged {
		c := &unstaged[i]
		if c.Kind == vdb.Added {
			if hidden, err := ignores(rules, c.To); err != nil {
				return err
			} else if hidden {
				continue
			}
		}
		add(c.shown(), false, c.status())
	}
	return addOpen(ctx, b, add)
}

// addOpen adds what keeps a merge from being committed.
func addOpen(ctx context.Context, b *vdb.Branch, add func(...any)) error {
	open, err := openOf(ctx, b)
	if err != nil {
		return err
	}
	for _, t := range open {
		switch {
		case t.schemas > 0:
			add(t.name, false, "schema conflict")
		case t.rows > 0:
			add(t.name, false, "conflict")
		}
		if t.violations > 0 {
			add(t.name, false, "constraint violation")
		}
	}
	return nil
}

func (c *tableChange) shown() string {
	if c.Renamed() {
		return c.From + " -> " + c.To
	}
	return c.Name()
}

func (c *tableChange) status() string {
	switch {
	case c.Kind == vdb.Added:
		return "new table"
	case c.Kind == vdb.Deleted:
		return "deleted"
	case c.Renamed():
		return "renamed"
	}
	return "modified"
}

// openTable counts what is open in a table of a merge in progress.
type openTable struct {
	name                      string
	rows, schemas, violations int64
}

// openOf lists what is open in the merge in progress, if there is one, by table.
func openOf(ctx context.Context, b *vdb.Branch) ([]*openTable, error) {
	var tables []*openTable
	table := func(name string) *openTable {
		i := slices.IndexFunc(tables, func(t *openTable) bool { return t.name == name })
		if i < 0 {
			i, tables = len(tables), append(tables, &openTable{name: name})
		}
		return tables[i]
	}
	for c, err := range b.Conflicts(ctx) {
		switch {
		case errors.Is(err, vdb.ErrNotMerging):
			return nil, nil
		case err != nil:
			return nil, err
		case c.Reason != "":
			table(c.Table).schemas++
		default:
			table(c.Table).rows++
		}
	}
	for v, err := range b.Violations(ctx) {
		if err != nil {
			return nil, err
		}
		table(v.Table).violations++
	}
	return tables, nil
}
