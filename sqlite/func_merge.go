package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

var mergeCommand = &command{
	name: "dolt_merge", usage: "a branch or another revision", least: 1, most: 1,
	flags: []flag{
		{long: "no-ff"}, {long: "ff-only"}, {long: "squash"}, {long: "commit"}, {long: "no-commit"}, flagMessage, flagAuthor,
		{long: "ours"}, {long: "theirs"}, {long: "abort"}, {long: "continue"},
	},
}

// doltMerge merges a revision into the connection's branch and returns the hash
// of the new head, 0 if there is no commit yet, or git's words if there was nothing
// to merge. Conflicts are an error; then the merge stays in progress, or changes nothing.
func doltMerge(s *session, args []any) (any, error) {
	in, err := mergeCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if in.has("abort") || in.has("continue") {
		return finishMerge(s, in)
	}
	o, err := in.mergeOptions(s)
	if err != nil {
		return nil, err
	}
	var result any = int64(0)
	stays := s.staysOpen()
	o.OrNothing = !stays
	err = s.outside(func(ctx context.Context, b *vdb.Branch) error {
		head, err := b.Head(ctx)
		if err != nil {
			return err
		}
		made, err := in.merge(ctx, b, head, o)
		switch {
		case err != nil:
			return err
		case made.Hash != head.Hash:
			result = made.Hash.String()
		case !o.NoCommit:
			result = "Already up to date"
		}
		return nil
	})
	return result, stopped(err, in.name, stays)
}

func (in *invocation) mergeOptions(s *session) (*vdb.MergeOptions, error) {
	for _, pair := range [][]string{{"no-ff", "ff-only", "squash"}, {"commit", "no-commit"}, {"ours", "theirs"}} {
		if err := in.alone(pair...); err != nil {
			return nil, err
		}
	}
	if err := in.needs(1, 1); err != nil {
		return nil, err
	}
	m, err := in.message(s)
	return &vdb.MergeOptions{
		Message: m, NoFastForward: in.has("no-ff"), Squash: in.has("squash"), NoCommit: in.has("no-commit"), Take: in.side(),
	}, err
}

// side is the one that --ours or --theirs takes, if one was given.
func (in *invocation) side() vdb.Side {
	switch {
	case in.has("ours"):
		return vdb.Ours
	case in.has("theirs"):
		return vdb.Theirs
	}
	return ""
}

// merge looks at whether the branch can simply move on before it merges.
func (in *invocation) merge(ctx context.Context, b *vdb.Branch, head *vdb.Commit, o *vdb.MergeOptions) (*vdb.Commit, error) {
	rev := in.arg(0, "")
	if !in.has("ff-only") && !o.NoCommit {
		return b.Merge(ctx, rev, o)
	}
	theirs, err := b.Resolve(ctx, rev)
	if err != nil {
		return nil, err
	}
	base, err := b.DB().MergeBase(ctx, head.Hash.String(), theirs.Hash.String())
	if err != nil && !errors.Is(err, vdb.ErrNotFound) {
		return nil, err
	}
	forward := base != nil && (base.Hash == head.Hash || base.Hash == theirs.Hash)
	if in.has("ff-only") && !forward {
		return nil, fmt.Errorf("dolt_merge: branch %s has commits that %s has not: it cannot simply move on, as --ff-only asks", b.Name(), rev)
	}
	if forward && !o.NoFastForward && !o.Squash {
		o.NoCommit = false
	}
	return b.Merge(ctx, rev, o)
}

// staysOpen tells whether what stops at conflicts is left in progress. A statement of
// its own that fails changes nothing, as all of SQL's; inside of a transaction one wants
// to go on.
func (s *session) staysOpen() bool { return s.allowConflicts || s.open == nil || s.open() }

// stopped says what can be done now, if err is that of a merge or the like which was
// left in progress, or could have been.
func stopped(err error, name string, stays bool) error {
	stopped := errors.Is(err, vdb.ErrConflict) || errors.Is(err, vdb.ErrConstraint)
	switch {
	case !stopped || errors.Is(err, vdb.ErrUncommitted):
		return err
	case !stays:
		decide := "; or have --ours or --theirs decide"
		if !errors.Is(err, vdb.ErrConflict) {
			decide = "" // they do not mend rows that break a rule
		}
		return fmt.Errorf("%w; nothing was changed: to have it stay in progress and settle that, run it inside of BEGIN, or after "+
			"SELECT dolt_config('%s', 1)%s", err, allowConflictsKey, decide)
	}
	return fmt.Errorf("%w; it is in progress now: look at %s, settle all with "+
		"dolt_conflicts_resolve or by hand and then dolt_commit, or give up with %s('--abort')", err, openTables(err), name)
}

// openTables names the system tables that show what err reports.
func openTables(err error) string {
	var tables []string
	if e, ok := errors.AsType[*vdb.ConflictError](err); ok { // schemas come first
		if e.Conflicts[0].Reason != "" {
			tables = append(tables, "dolt_schema_conflicts")
		}
		if e.Conflicts[len(e.Conflicts)-1].Reason == "" {
			tables = append(tables, "dolt_conflicts")
		}
	}
	if errors.Is(err, vdb.ErrConstraint) {
		tables = append(tables, "dolt_constraint_violations")
	}
	return strings.Join(tables, " and ")
}

// finishMerge aborts or commits what is in progress.
func finishMerge(s *session, in *invocation) (any, error) {
	if err := in.alone("abort", "continue"); err != nil {
		return nil, err
	}
	if err := in.needs(0, 0); err != nil {
		return nil, err
	}
	m, err := in.message(s)
	if err != nil {
		return nil, err
	}
	var result any = int64(0)
	err = s.outside(func(ctx context.Context, b *vdb.Branch) error {
		merge, err := b.Merging(ctx)
		switch {
		case err != nil:
			return err
		case in.has("abort"):
			return b.Abort(ctx)
		case !in.has("author"):
			m.Author = merge.Message.Author
		}
		made, err := b.Commit(ctx, m)
		if err == nil {
			result = made.Hash.String()
		}
		return err
	})
	if errors.Is(err, vdb.ErrNotMerging) {
		err = fmt.Errorf("%s: nothing is in progress: %w", in.name, err)
	}
	return result, err
}
