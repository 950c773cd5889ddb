package sqlite

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

var cleanCommand = &command{
	name: "dolt_clean", usage: "tables, or none for all", most: -1,
	flags: []flag{{long: "dry-run"}, {long: "ignored", short: "x"}},
}

// doltClean drops tables that were never staged or committed. Those that are
// ignored stay, unless they are named or -x is given.
func doltClean(s *session, args []any) (any, error) {
	in, err := cleanCommand.parse(args)
	if err != nil {
		return nil, err
	}
	return int64(0), s.outside(func(ctx context.Context, b *vdb.Branch) error {
		tables, err := toClean(ctx, b, in)
		if err != nil || len(tables) == 0 || in.has("dry-run") {
			return err
		}
		if tables, err = withShadows(ctx, b, tables); err != nil {
			return err
		}
		return b.ResetTables(ctx, "HEAD", tables...)
	})
}

// toClean returns the tables that are to be dropped.
func toClean(ctx context.Context, b *vdb.Branch, in *invocation) ([]string, error) {
	tables, err := untrackedTables(ctx, b)
	if err != nil {
		return nil, err
	}
	if len(in.args) > 0 {
		for _, name := range in.texts() {
			if _, found := commonName(tables, []string{name}); !found {
				return nil, fmt.Errorf("dolt_clean: no new table %s: it is not there, or it was staged or committed", name)
			}
		}
		return in.texts(), nil
	}
	if in.has("ignored") {
		return tables, nil
	}
	rules, err := ignoreRules(ctx, b)
	if err != nil {
		return nil, err
	}
	var clean []string
	for _, name := range tables {
		is, err := ignores(rules, name)
		if err != nil {
			return nil, err
		}
		if !is {
			clean = append(clean, name)
		}
	}
	return clean, nil
}
