package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

var resetCommand = &command{
	name: "dolt_reset", usage: "tables, or a revision", most: -1,
	flags: []flag{{long: "hard"}, {long: "soft"}, {long: "mixed"}},
}

// doltReset takes tables, or all, out of what is staged. With --soft it moves the
// branch's head, with --mixed it also unstages all, and with --hard it throws
// uncommitted changes away as well, new tables included.
func doltReset(s *session, args []any) (any, error) {
	in, err := resetCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if err := in.alone("hard", "soft", "mixed"); err != nil {
		return nil, err
	}
	moves := in.has("hard") || in.has("soft") || in.has("mixed")
	if moves && len(in.args) > 1 {
		return nil, fmt.Errorf("dolt_reset: one revision at most goes with --hard, --soft and --mixed, and no tables")
	}
	return int64(0), s.outside(func(ctx context.Context, b *vdb.Branch) error {
		if moves {
			return in.reset(ctx, b, in.arg(0, "HEAD"))
		}
		return in.resetTables(ctx, b, in.texts())
	})
}

func (in *invocation) reset(ctx context.Context, b *vdb.Branch, rev string) error {
	if in.has("hard") {
		return b.ResetHard(ctx, rev)
	}
	if rev != "HEAD" {
		if err := b.ResetSoft(ctx, rev); err != nil {
			return err
		}
	}
	if in.has("soft") {
		return nil
	}
	return b.Unstage(ctx)
}

// resetTables unstages tables; a single name may be a revision, too.
func (in *invocation) resetTables(ctx context.Context, b *vdb.Branch, names []string) error {
	if len(names) == 1 && names[0] == "." {
		names = nil
	}
	if len(names) == 1 {
		known, err := isTable(ctx, b, names[0])
		if err != nil {
			return err
		}
		if _, err := b.Resolve(ctx, names[0]); !known && err == nil {
			return in.reset(ctx, b, names[0])
		}
	}
	if len(names) == 0 {
		return b.Unstage(ctx)
	}
	names, err := wholeTables(ctx, b, names)
	if err != nil {
		return err
	}
	return b.Unstage(ctx, names...)
}

// isTable tells whether a table is at the head, staged or in the working set.
func isTable(ctx context.Context, b *vdb.Branch, name string) (bool, error) {
	for _, rev := range []string{"HEAD", "STAGED", "WORKING"} {
		names, err := relationNames(ctx, b, rev)
		if err != nil || names[strings.ToLower(name)] {
			return true, err
		}
	}
	return false, nil
}
