package sqlite

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

var verifyCommand = &command{
	name: "dolt_verify_constraints", usage: "tables, or none for all", most: -1,
	flags: []flag{{long: "all", short: "a"}, {long: "output-only", short: "o"}},
}

// doltVerifyConstraints returns 1 if rows of the working set break a rule, else 0.
// It looks at what has changed since HEAD, or with --all at all rows. It records
// nothing, with or without --output-only: dolt_constraint_violations looks for
// itself.
func doltVerifyConstraints(s *session, args []any) (any, error) {
	in, err := verifyCommand.parse(args)
	if err != nil {
		return nil, err
	}
	var broken bool
	err = s.outside(func(ctx context.Context, b *vdb.Branch) error {
		broken, err = anyViolation(ctx, b, in)
		return err
	})
	return broken, err
}

func anyViolation(ctx context.Context, b *vdb.Branch, in *invocation) (bool, error) {
	now, err := b.Snapshot(ctx)
	if err != nil {
		return false, err
	}
	for _, table := range in.texts() {
		if _, err := now.Schema(table); err != nil {
			return false, fmt.Errorf("dolt_verify_constraints: %w", err)
		}
	}
	var since *vdb.Snapshot
	if !in.has("all") {
		if since, err = b.AsOf(ctx, "HEAD"); err != nil {
			return false, err
		}
	}
	for v, err := range now.Violations(since) {
		if err != nil {
			return false, err
		}
		if _, asked := commonName([]string{v.Table}, in.texts()); asked || len(in.args) == 0 {
			return true, nil
		}
	}
	return false, nil
}
