package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
)

var commitCommand = &command{
	name: "dolt_commit",
	flags: []flag{
		flagMessage, {long: "all", short: "a"}, {long: "ALL", short: "A"}, flagAuthor, flagDate,
		{long: "amend"}, {long: "allow-empty"}, {long: "skip-empty"}, {long: "force", short: "f"},
	},
}

// doltCommit records what is staged, or with -a and -A the working set, in
// history, and returns the hash of the commit. A merge in progress is committed
// as a whole. --force is known, but no rows that break a rule are ever committed.
func doltCommit(s *session, args []any) (any, error) {
	in, err := commitCommand.parse(args)
	if err != nil {
		return nil, err
	}
	m, err := in.commitMessage(s)
	if err != nil {
		return nil, err
	}
	var made *vdb.Commit
	err = s.outside(func(ctx context.Context, b *vdb.Branch) error {
		made, err = in.commit(ctx, b, m)
		return err
	})
	switch {
	case errors.Is(err, vdb.ErrNothingToCommit) && in.has("skip-empty"):
		return int64(0), nil
	case errors.Is(err, vdb.ErrNothingToCommit) && !in.has("all") && !in.has("ALL"):
		return nil, fmt.Errorf("%w: nothing is staged; stage tables with dolt_add, or commit all with -A", err)
	case err != nil:
		return nil, err
	}
	return made.Hash.String(), nil
}

func (in *invocation) commitMessage(s *session) (vdb.Message, error) {
	if err := in.alone("allow-empty", "skip-empty"); err != nil {
		return vdb.Message{}, err
	}
	m, err := in.message(s)
	m.AllowEmpty, m.Amend = in.has("allow-empty"), in.has("amend")
	if m.Amend && !in.has("author") {
		m.Author = "" // it stays the one whose commit is amended
	}
	return m, err
}

// commit does what the flags say.
func (in *invocation) commit(ctx context.Context, b *vdb.Branch, m vdb.Message) (*vdb.Commit, error) {
	merge, err := b.Merging(ctx)
	switch {
	case err == nil:
		if !in.has("author") {
			m.Author = merge.Message.Author
		}
		return b.Commit(ctx, m)
	case !errors.Is(err, vdb.ErrNotMerging):
		return nil, err
	case m.Text == "" && !m.Amend:
		return nil, fmt.Errorf("dolt_commit: the message is missing: SELECT dolt_commit('-m', 'what was done')")
	case !in.has("all") && !in.has("ALL"):
		return b.CommitStaged(ctx, m)
	}
	except, err := leftOut(ctx, b, in.has("ALL"))
	if err != nil {
		return nil, err
	}
	if len(except) == 0 {
		return b.Commit(ctx, m)
	}
	if err := b.StageAll(ctx, except...); err != nil {
		return nil, err
	}
	return b.CommitStaged(ctx, m)
}
