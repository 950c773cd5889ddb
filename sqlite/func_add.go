package sqlite

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

var addCommand = &command{
	name: "dolt_add", usage: "tables, or '.' for all", least: 1, most: -1,
	flags: []flag{{long: "all", short: "A"}, {long: "force", short: "f"}},
}

// doltAdd stages tables.
func doltAdd(s *session, args []any) (any, error) {
	in, err := addCommand.parse(args)
	if err != nil {
		return nil, err
	}
	tables := in.texts()
	all := in.has("all") || len(tables) == 1 && tables[0] == "."
	if !all && len(tables) == 0 {
		return nil, in.misused()
	}
	return int64(0), s.outside(func(ctx context.Context, b *vdb.Branch) error {
		if all {
			return stageAll(ctx, b, in.has("force"))
		}
		return stageTables(ctx, b, tables, in.has("force"))
	})
}

// stageAll stages all tables, but not new ones that are ignored.
func stageAll(ctx context.Context, b *vdb.Branch, force bool) error {
	var except []string
	if !force {
		var err error
		if except, err = leftOut(ctx, b, true); err != nil {
			return err
		}
	}
	return b.StageAll(ctx, except...)
}

// leftOut returns the new tables that stay out of a commit of all: those that are
// ignored, or, without addNew, all of them.
func leftOut(ctx context.Context, b *vdb.Branch, addNew bool) ([]string, error) {
	tables, err := leftOutNames(ctx, b, addNew)
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	return withShadows(ctx, b, tables)
}

func leftOutNames(ctx context.Context, b *vdb.Branch, addNew bool) ([]string, error) {
	if !addNew {
		return untrackedTables(ctx, b)
	}
	rules, err := ignoreRules(ctx, b)
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	tables, err := untrackedTables(ctx, b)
	if err != nil {
		return nil, err
	}
	return ignoredOf(rules, tables)
}

func stageTables(ctx context.Context, b *vdb.Branch, tables []string, force bool) error {
	if !force {
		out, err := leftOut(ctx, b, true)
		if err != nil {
			return err
		}
		if name, found := commonName(out, tables); found {
			return fmt.Errorf("dolt_add: table %s is ignored by %s; -f stages it nevertheless", name, ignoreTable)
		}
	}
	tables, err := wholeTables(ctx, b, tables)
	if err != nil {
		return err
	}
	return b.Stage(ctx, tables...)
}
