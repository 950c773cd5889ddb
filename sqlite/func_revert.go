package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

var revertCommand = &command{
	name: "dolt_revert", usage: "a commit, or a range a..b of them", least: 1, most: 1,
	flags: []flag{
		flagMessage, flagAuthor, {long: "mainline", value: "parent"}, {long: "squash"},
		{long: "ours"}, {long: "theirs"}, {long: "abort"}, {long: "continue"},
	},
}

var cherryPickCommand = &command{
	name: "dolt_cherry_pick", usage: "a commit, or a range a..b of them", least: 1, most: 1,
	flags: []flag{
		{long: "mainline", short: "m", value: "parent"}, {long: "allow-empty"}, {long: "origin", short: "x"}, {long: "squash"},
		{long: "ours"}, {long: "theirs"}, {long: "abort"}, {long: "continue"},
	},
}

// doltRevert makes a commit that undoes another, or those of a range, and returns
// its hash. Conflicts are an error, and a single revert stays in progress where a
// merge does; a range is reverted as a whole or not at all.
func doltRevert(s *session, args []any) (any, error) {
	return replayCommits(s, revertCommand, args, (*vdb.Branch).Revert, (*vdb.Branch).StartRevert)
}

// doltCherryPick makes a commit that repeats another, as doltRevert undoes it.
func doltCherryPick(s *session, args []any) (any, error) {
	return replayCommits(s, cherryPickCommand, args, (*vdb.Branch).CherryPick, (*vdb.Branch).StartCherryPick)
}

type replayFunc func(*vdb.Branch, context.Context, string, *vdb.RevertOptions) (*vdb.Commit, error)

func replayCommits(s *session, c *command, args []any, all, start replayFunc) (any, error) {
	in, err := c.parse(args)
	if err != nil {
		return nil, err
	}
	if in.has("abort") || in.has("continue") {
		return finishMerge(s, in)
	}
	o, err := in.revertOptions(s)
	if err != nil {
		return nil, err
	}
	rev := in.arg(0, "")
	several, stays := strings.Contains(rev, ".."), s.staysOpen()
	run := start
	if several || !stays {
		run = all
	}
	var made *vdb.Commit
	err = s.outside(func(ctx context.Context, b *vdb.Branch) error {
		if err := in.nameOrigin(ctx, b, o); err != nil {
			return err
		}
		made, err = run(b, ctx, rev, o)
		return err
	})
	switch {
	case err == nil:
		return made.Hash.String(), nil
	case several:
		return nil, err
	}
	return nil, stopped(err, in.name, stays)
}

func (in *invocation) revertOptions(s *session) (*vdb.RevertOptions, error) {
	if err := in.needs(1, 1); err != nil {
		return nil, err
	}
	if err := in.alone("ours", "theirs"); err != nil {
		return nil, err
	}
	mainline, err := in.number("mainline")
	if err != nil {
		return nil, err
	}
	m, err := in.message(s)
	m.AllowEmpty = in.has("allow-empty")
	return &vdb.RevertOptions{Message: m, Mainline: mainline, Squash: in.has("squash"), Take: in.side()}, err
}

// nameOrigin has the message name the commit that is picked, if -x asks for it.
func (in *invocation) nameOrigin(ctx context.Context, b *vdb.Branch, o *vdb.RevertOptions) error {
	if !in.has("origin") {
		return nil
	}
	rev := in.arg(0, "")
	if strings.Contains(rev, "..") {
		return fmt.Errorf("%s: -x goes with one commit, not with the range %s", in.name, rev)
	}
	c, err := b.Resolve(ctx, rev)
	if err != nil {
		return err
	}
	o.Message.Text = fmt.Sprintf("%s\n\n(cherry picked from commit %s)\n", strings.TrimRight(c.Text, "\n"), c.Hash)
	return nil
}
