package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vdbgo/vdb"
)

var resolveCommand = &command{
	name: "dolt_conflicts_resolve", usage: "tables, or '.' for all", least: 1, most: -1,
	flags: []flag{{long: "ours"}, {long: "theirs"}},
}

// doltConflictsResolve settles the conflicts of tables for one side.
func doltConflictsResolve(s *session, args []any) (any, error) {
	in, err := resolveCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if err := in.alone("ours", "theirs"); err != nil {
		return nil, err
	}
	if in.side() == "" {
		return nil, fmt.Errorf("dolt_conflicts_resolve: --ours or --theirs must say which side is right")
	}
	tables := in.texts()
	if len(tables) == 0 {
		return nil, in.misused()
	}
	if slices.Contains(tables, ".") {
		tables = []string{""}
	}
	return int64(0), s.outside(func(ctx context.Context, b *vdb.Branch) error {
		for _, table := range tables {
			if err := resolveTable(ctx, b, table, in.side()); err != nil {
				return err
			}
		}
		return nil
	})
}

// resolveTable settles the conflicts of a table, empty for all; a virtual table's are
// those of the tables in which it keeps its rows as well.
func resolveTable(ctx context.Context, b *vdb.Branch, table string, side vdb.Side) error {
	names, err := withShadows(ctx, b, []string{table})
	if err != nil {
		return err
	}
	settled := false
	for _, name := range names {
		e := b.ResolveConflicts(ctx, vdb.Resolution{Table: name, Take: side})
		switch {
		case e == nil:
			settled = true
		case !errors.Is(e, vdb.ErrNotFound):
			return e
		case err == nil:
			err = e
		}
	}
	if settled {
		return nil
	}
	return err
}
