package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
)

var branchCommand = &command{
	name: "dolt_branch", usage: "a name and, if it is not HEAD, a revision", least: 1, most: -1,
	flags: []flag{
		{long: "move", short: "m"}, {long: "copy", short: "c"}, {long: "delete", short: "d"}, {long: "force", short: "f"},
		{long: "force-move", short: "M"}, {long: "force-copy", short: "C"}, {long: "force-delete", short: "D"},
	},
}

// doltBranch makes, moves, copies and deletes branches, at once and whatever
// becomes of the SQL transaction.
func doltBranch(s *session, args []any) (any, error) {
	in, err := branchCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if err := in.alone("move", "copy", "delete", "force-move", "force-copy", "force-delete"); err != nil {
		return nil, err
	}
	force := in.has("force")
	switch {
	case len(in.args) == 0:
		return nil, in.misused()
	case in.has("move") || in.has("force-move"):
		return int64(0), renameBranch(s, in, force || in.has("force-move"))
	case in.has("copy") || in.has("force-copy"):
		return int64(0), copyBranch(s, in, force || in.has("force-copy"))
	case in.has("delete") || in.has("force-delete"):
		return int64(0), deleteBranches(s, in.texts(), force || in.has("force-delete"))
	}
	if err := in.needs(1, 2); err != nil {
		return nil, err
	}
	return int64(0), createBranch(s, in.arg(0, ""), in.arg(1, "HEAD"), force)
}

// createBranch makes a branch at a revision of the connection; with force it may
// move one that is there.
func createBranch(s *session, name, rev string, force bool) error {
	at, err := commitOf(s, rev)
	if err != nil {
		return err
	}
	_, err = s.db.CreateBranch(s.ctx(), name, at.Hash.String())
	if !force || !errors.Is(err, vdb.ErrExists) {
		return err
	}
	return forceBranch(s, name, at)
}

// forceBranch moves a branch. Nothing that is not committed is lost.
func forceBranch(s *session, name string, to *vdb.Commit) error {
	if name == s.branch {
		return fmt.Errorf("dolt_branch: the connection is on branch %s; move it with dolt_reset('--hard', …)", name)
	}
	b, err := s.db.Branch(s.ctx(), name)
	if err != nil {
		return err
	}
	if err := mustBeClean(s.ctx(), b); err != nil {
		return fmt.Errorf("dolt_branch: move branch %s: %w", name, err)
	}
	return b.ResetHard(s.ctx(), to.Hash.String())
}

// mustBeClean refuses a branch on which something is not committed.
func mustBeClean(ctx context.Context, b *vdb.Branch) error {
	head, err := b.AsOf(ctx, "HEAD")
	if err != nil {
		return err
	}
	for _, rev := range []string{"STAGED", "WORKING"} {
		s, err := b.AsOf(ctx, rev)
		if err != nil {
			return err
		}
		if s.Root() != head.Root() {
			return vdb.ErrUncommitted
		}
	}
	switch _, err := b.Merging(ctx); {
	case err == nil:
		return vdb.ErrMerging
	case !errors.Is(err, vdb.ErrNotMerging):
		return err
	}
	return nil
}

// fromTo returns two branches' names; the first may be left out for the
// connection's.
func (in *invocation) fromTo(s *session) (from, to string, err error) {
	if err := in.needs(1, 2); err != nil {
		return "", "", err
	}
	if len(in.args) == 2 {
		return in.arg(0, ""), in.arg(1, ""), nil
	}
	if s.branch == "" {
		return "", "", fmt.Errorf("%s: name the branch: %s is none", in.name, s.revision)
	}
	return s.branch, in.arg(0, ""), nil
}

func renameBranch(s *session, in *invocation, force bool) error {
	from, to, err := in.fromTo(s)
	if err != nil || from == to {
		return err
	}
	return settled(s, func(ctx context.Context) error {
		if _, err := s.db.Branch(ctx, from); err != nil {
			return err
		}
		err := s.db.RenameBranch(ctx, from, to)
		if force && errors.Is(err, vdb.ErrExists) && to != s.branch {
			if err = s.db.DeleteBranch(ctx, to); err == nil {
				err = s.db.RenameBranch(ctx, from, to)
			}
		}
		if err != nil || from != s.branch {
			return err
		}
		return s.moveTo(to)
	})
}

func copyBranch(s *session, in *invocation, force bool) error {
	from, to, err := in.fromTo(s)
	if err != nil {
		return err
	}
	b, err := s.db.Branch(s.ctx(), from)
	if err != nil {
		return err
	}
	head, err := b.Head(s.ctx())
	if err != nil {
		return err
	}
	return createBranch(s, to, head.Hash.String(), force)
}

func deleteBranches(s *session, names []string, force bool) error {
	for _, name := range names {
		if err := deleteBranch(s, name, force); err != nil {
			return err
		}
	}
	return nil
}

// deleteBranch deletes a branch. Without force all that it has must be in the
// connection's branch, or in main.
func deleteBranch(s *session, name string, force bool) error {
	if name == s.branch {
		return fmt.Errorf("dolt_branch: the connection is on branch %s: it cannot be deleted; dolt_checkout another one before", name)
	}
	b, err := s.db.Branch(s.ctx(), name)
	if err != nil {
		return err
	}
	if !force {
		if err := mustBeMerged(s, b); err != nil {
			return fmt.Errorf("dolt_branch: delete branch %s: %w; -D deletes it nevertheless", name, err)
		}
	}
	return s.db.DeleteBranch(s.ctx(), name)
}

func mustBeMerged(s *session, b *vdb.Branch) error {
	ctx := s.ctx()
	head, err := b.Head(ctx)
	if err != nil {
		return err
	}
	if err := mustBeClean(ctx, b); err != nil {
		return err
	}
	for _, into := range []string{"HEAD", vdb.MainBranch} {
		at, err := commitOf(s, into)
		if err != nil {
			return err
		}
		merged, err := s.db.IsAncestor(ctx, head.Hash.String(), at.Hash.String())
		if err != nil || merged {
			return err
		}
	}
	return errors.New("it has commits that are merged nowhere")
}
