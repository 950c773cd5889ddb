package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

var checkoutCommand = &command{
	name: "dolt_checkout", usage: "a branch, or tables, after a revision if not as of HEAD", least: 1, most: -1,
	flags: []flag{{long: "branch", short: "b", value: "name"}, {long: "force-branch", short: "B", value: "name"}},
}

// doltCheckout puts the connection on another branch, or tables back to what they
// were. Each branch has a working set of its own, so uncommitted changes stay
// where they are. The connection is on its old branch again when it goes back to
// the pool.
func doltCheckout(s *session, args []any) (any, error) {
	// What follows -- is tables, even if a branch has the name.
	onlyTables := slices.Contains(args, any("--"))
	in, err := checkoutCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if err := in.alone("branch", "force-branch"); err != nil {
		return nil, err
	}
	switch {
	case in.has("branch"):
		return int64(0), checkoutNew(s, in, in.text("branch"), false)
	case in.has("force-branch"):
		return int64(0), checkoutNew(s, in, in.text("force-branch"), true)
	case len(in.args) == 0:
		return nil, in.misused()
	case len(in.args) == 1 && !onlyTables:
		done, err := checkoutBranch(s, in.arg(0, ""))
		if done || err != nil {
			return int64(0), err
		}
	}
	return int64(0), checkoutTables(s, in.texts())
}

func checkoutNew(s *session, in *invocation, name string, force bool) error {
	if err := in.needs(0, 1); err != nil {
		return err
	}
	return settled(s, func(context.Context) error {
		if err := createBranch(s, name, in.arg(0, "HEAD"), force); err != nil {
			return err
		}
		return s.moveTo(name)
	})
}

// checkoutBranch moves the connection, if there is a branch of the name.
func checkoutBranch(s *session, name string) (bool, error) {
	_, err := s.db.Branch(s.ctx(), name)
	if errors.Is(err, vdb.ErrNotFound) {
		return false, nil
	}
	if err != nil || name == s.branch {
		return true, err
	}
	return true, settled(s, func(context.Context) error { return s.moveTo(name) })
}

// checkoutTables makes tables what they are at the head, or at the revision that
// comes first.
func checkoutTables(s *session, names []string) error {
	return s.outside(func(ctx context.Context, b *vdb.Branch) error {
		rev, tables, err := revisionFirst(ctx, b, names)
		if err != nil {
			return err
		}
		if slices.Equal(tables, []string{"."}) {
			if tables, err = changedTables(ctx, b, rev); err != nil || len(tables) == 0 {
				return err
			}
		}
		if tables, err = wholeTables(ctx, b, tables); err != nil {
			return err
		}
		return b.ResetTables(ctx, rev, tables...)
	})
}

// revisionFirst takes a revision off the names, if the first is no table.
func revisionFirst(ctx context.Context, b *vdb.Branch, names []string) (rev string, tables []string, err error) {
	now, err := relationNames(ctx, b, "WORKING")
	if err != nil {
		return "", nil, err
	}
	head, err := relationNames(ctx, b, "HEAD")
	if err != nil {
		return "", nil, err
	}
	first := strings.ToLower(names[0])
	switch {
	case head[first] || first == ".":
		return "HEAD", names, nil
	case now[first]:
		return "", nil, fmt.Errorf("dolt_checkout: table %s is not at HEAD; DROP TABLE it, or dolt_clean('%s')", names[0], names[0])
	}
	if _, err := b.Resolve(ctx, names[0]); err != nil {
		return "", nil, fmt.Errorf("dolt_checkout: no branch or table %s: %w", names[0], err)
	}
	if len(names) == 1 {
		return "", nil, fmt.Errorf("dolt_checkout: %s is no branch, and a connection is on one; make it: SELECT dolt_checkout('-b', 'name', '%s'), or USE `db/%s` to read it", names[0], names[0], names[0])
	}
	return names[0], names[1:], nil
}

// changedTables returns the tables in which the working set differs from a
// revision that has them.
func changedTables(ctx context.Context, b *vdb.Branch, rev string) ([]string, error) {
	var tables []string
	for change, err := range b.Diff(ctx, rev, "WORKING").Tables() {
		if err != nil {
			return nil, err
		}
		if change.From != "" {
			tables = append(tables, change.From)
		}
	}
	return tables, nil
}
