package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

var rebaseCommand = &command{
	name: "dolt_rebase", usage: "the branch or revision to rebase onto", least: 1, most: 1,
	flags: []flag{
		{long: "interactive", short: "i"}, {long: "continue"}, {long: "abort"}, {long: "empty", value: "drop or keep"},
		{long: "ours"}, {long: "theirs"},
	},
}

// doltRebase makes the connection's branch as if its commits had been made on top
// of another revision. With -i nothing is done yet: the connection moves to a
// branch dolt_rebase_<branch>, in which the table dolt_rebase is the plan, to be
// edited by SQL, until --continue carries it out or --abort gives it up.
func doltRebase(s *session, args []any) (any, error) {
	in, err := rebaseCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if err := in.checkRebase(); err != nil {
		return nil, err
	}
	switch {
	case in.has("abort"):
		return int64(0), abortRebase(s)
	case in.has("continue"):
		return continueRebase(s, in)
	case in.has("interactive"):
		return planRebase(s, in)
	}
	var result any
	err = s.outside(func(ctx context.Context, b *vdb.Branch) error {
		result, err = rebaseOnto(ctx, b, in.arg(0, ""), in.rebaseOptions(s))
		return err
	})
	return result, err
}

func (in *invocation) checkRebase() error {
	if err := in.alone("interactive", "continue", "abort"); err != nil {
		return err
	}
	if err := in.alone("ours", "theirs"); err != nil {
		return err
	}
	if empty := in.text("empty"); in.has("empty") && empty != "drop" && empty != "keep" {
		return fmt.Errorf("dolt_rebase: --empty can be drop or keep, not %q", empty)
	}
	if in.has("continue") || in.has("abort") {
		return in.needs(0, 0)
	}
	return in.needs(1, 1)
}

func (in *invocation) rebaseOptions(s *session) *vdb.RebaseOptions {
	return &vdb.RebaseOptions{Committer: s.author, KeepEmpty: in.text("empty") == "keep", Take: in.side()}
}

// rebaseOnto returns git's words, or 0 if the branch stays as it is.
func rebaseOnto(ctx context.Context, b *vdb.Branch, onto string, o *vdb.RebaseOptions) (any, error) {
	head, err := b.Head(ctx)
	if err != nil {
		return nil, err
	}
	tip, err := b.Rebase(ctx, onto, o)
	switch {
	case err != nil:
		return nil, err
	case tip.Hash == head.Hash:
		return int64(0), nil
	}
	return "Successfully rebased and updated refs/heads/" + b.Name(), nil
}

// planRebase writes the plan and moves the connection to it.
func planRebase(s *session, in *invocation) (any, error) {
	var result any = int64(0)
	err := s.outside(func(ctx context.Context, b *vdb.Branch) error {
		name := rebaseBranch(b.Name())
		if name == b.Name() {
			return errors.New("dolt_rebase: a rebase is in progress already; --continue or --abort it")
		}
		if err := mustBeClean(ctx, b); err != nil {
			return fmt.Errorf("dolt_rebase: branch %s: %w", b.Name(), err)
		}
		steps, err := b.PlanRebase(ctx, in.arg(0, ""))
		if err != nil || len(steps) == 0 {
			return err
		}
		p, err := newRebasePlan(ctx, b, in, steps)
		if err != nil {
			return err
		}
		if err := p.create(ctx, b.DB(), name); err != nil {
			return err
		}
		result = fmt.Sprintf("The plan to rebase %s is in table dolt_rebase: edit it, then dolt_rebase('--continue') or dolt_rebase('--abort')", b.Name())
		return s.moveTo(name)
	})
	return result, err
}

// continueRebase carries the plan out. A mistake in the plan leaves it there to be
// put right; a commit that cannot be repeated ends the rebase.
func continueRebase(s *session, in *invocation) (any, error) {
	var result any
	err := settled(s, func(ctx context.Context) error {
		p, err := findRebasePlan(ctx, s)
		if err != nil {
			return err
		}
		b, err := s.db.Branch(ctx, p.branch)
		if err != nil {
			return err
		}
		o := in.rebaseOptions(s)
		o.Head, o.Plan, o.KeepEmpty = p.head, p.steps, o.KeepEmpty || p.keepEmpty
		result, err = rebaseOnto(ctx, b, p.onto.String(), o)
		if errors.Is(err, vdb.ErrConflict) || errors.Is(err, vdb.ErrConstraint) {
			return errors.Join(fmt.Errorf("%w; the rebase is aborted, branch %s is as it was", err, p.branch), p.end(ctx, s))
		}
		if err != nil {
			return err
		}
		return p.end(ctx, s)
	})
	return result, err
}

func abortRebase(s *session) error {
	return settled(s, func(ctx context.Context) error {
		p, err := findRebase(ctx, s)
		if err != nil {
			return err
		}
		return p.end(ctx, s)
	})
}

const rebasePrefix = "dolt_rebase_"

// rebaseBranch returns the branch that holds the plan for another one.
func rebaseBranch(branch string) string {
	if strings.HasPrefix(branch, rebasePrefix) {
		return branch
	}
	return rebasePrefix + branch
}
