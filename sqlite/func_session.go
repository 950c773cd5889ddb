package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// commitOf resolves a revision that is a commit; HEAD is the connection's.
func commitOf(s *session, rev string) (*vdb.Commit, error) {
	ctx := s.ctx()
	if s.branch == "" {
		rev, err := s.detached(rev)
		if err != nil {
			return nil, err
		}
		return s.db.Resolve(ctx, rev)
	}
	b, err := s.sight(ctx)
	if err != nil {
		return nil, err
	}
	return b.Resolve(ctx, rev)
}

// snapshotOf returns the database at a revision; HEAD, WORKING and STAGED are the
// connection's.
func snapshotOf(s *session, rev string) (*vdb.Snapshot, error) {
	ctx := s.ctx()
	if s.branch == "" {
		rev, err := s.detached(rev)
		if err != nil {
			return nil, err
		}
		return s.db.AsOf(ctx, rev)
	}
	b, err := s.sight(ctx)
	if err != nil {
		return nil, err
	}
	return b.AsOf(ctx, rev)
}

// detached puts what the connection reads in the place of HEAD, as there is no
// branch that has one.
func (s *session) detached(rev string) (string, error) {
	name, steps := rev, ""
	if i := strings.IndexAny(rev, "~^@"); i >= 0 {
		name, steps = rev[:i], rev[i:]
	}
	switch name {
	case "HEAD":
		return s.revision + steps, nil
	case "":
		if !strings.HasPrefix(steps, "@{") {
			steps = strings.TrimPrefix(steps, "@")
		}
		return s.revision + steps, nil
	case "WORKING", "STAGED":
		return "", fmt.Errorf("%s: there is none: %s is no branch", name, s.revision)
	}
	return rev, nil
}

// settled runs fn with no SQL transaction open, on whatever the connection is.
func settled(s *session, fn func(ctx context.Context) error) (err error) {
	ctx := s.ctx()
	if s.settle == nil {
		return fn(ctx)
	}
	resume, err := s.settle(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if e := resume(); err == nil {
			err = e
		}
	}()
	return fn(ctx)
}

// moveTo puts the connection on a branch, with no SQL transaction open.
func (s *session) moveTo(branch string) error {
	was, revision := s.branch, s.revision
	s.branch, s.revision = branch, branch
	if s.moved == nil {
		return nil
	}
	if err := s.moved(); err != nil {
		s.branch, s.revision = was, revision
		return fmt.Errorf("move to branch %s: %w", branch, err)
	}
	return nil
}

// tableNames returns the tables of a revision by their folded names.
func tableNames(ctx context.Context, b *vdb.Branch, rev string) (map[string]bool, error) {
	s, err := b.AsOf(ctx, rev)
	if err != nil {
		return nil, err
	}
	names, err := s.Tables()
	if err != nil {
		return nil, err
	}
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[strings.ToLower(name)] = true
	}
	return set, nil
}

// relationNames returns the tables, virtual tables and views of a revision by their
// folded names.
func relationNames(ctx context.Context, b *vdb.Branch, rev string) (map[string]bool, error) {
	names, err := tableNames(ctx, b, rev)
	if err != nil {
		return nil, err
	}
	s, err := b.AsOf(ctx, rev)
	if err != nil {
		return nil, err
	}
	objects, err := s.Objects()
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if o.Type != "trigger" {
			names[strings.ToLower(o.Name)] = true
		}
	}
	return names, nil
}

// untrackedTables returns the tables that are neither at the head nor staged. A
// virtual table stands for those in which it keeps its rows.
func untrackedTables(ctx context.Context, b *vdb.Branch) ([]string, error) {
	added, virtual, err := newVirtualTables(ctx, b)
	if err != nil {
		return nil, err
	}
	for change, err := range b.Diff(ctx, "HEAD", "WORKING").Tables() {
		if err != nil {
			return nil, err
		}
		if change.Kind == vdb.Added && !shadowOf(change.To, virtual) {
			added = append(added, change.To)
		}
	}
	if len(added) == 0 {
		return nil, nil
	}
	staged, err := tableNames(ctx, b, "STAGED")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(added, func(name string) bool { return staged[strings.ToLower(name)] }), nil
}

// wholeTables adds to the names of tables what goes with them: the names that
// they had at the head, or have now, full-text indexes of them, and what belongs to
// virtual tables.
func wholeTables(ctx context.Context, b *vdb.Branch, tables []string) ([]string, error) {
	both := tables
	for change, err := range b.Diff(ctx, "HEAD", "WORKING").Tables() {
		if err != nil {
			return nil, err
		}
		if !change.Renamed() {
			continue
		}
		for _, name := range tables {
			if strings.EqualFold(name, change.From) || strings.EqualFold(name, change.To) {
				both = append(both[:len(both):len(both)], change.From, change.To)
				break
			}
		}
	}
	both, err := withIndexed(ctx, b, both)
	if err != nil {
		return nil, err
	}
	return withShadows(ctx, b, both)
}

// commonName returns a table's name that is in both lists.
func commonName(a, b []string) (string, bool) {
	for _, x := range a {
		for _, y := range b {
			if strings.EqualFold(x, y) {
				return y, true
			}
		}
	}
	return "", false
}
