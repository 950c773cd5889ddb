package main

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

type retainCmd struct {
	DB       string `arg:"positional,required" placeholder:"DB" help:"The database."`
	Branches string `arg:"positional" placeholder:"BRANCHES" help:"A branch, or a pattern in which * stands for any letters."`
	Keep     string `arg:"positional" placeholder:"KEEP" help:"What they keep: 7d:1h 30d:1d is all for a week, then one commit an hour, after 30 days one a day; all is all."`
	Remove   bool   `arg:"--remove" help:"Forget what was said of BRANCHES."`
	Squash   bool   `arg:"--run" help:"Squash the commits that need not be kept."`
	DryRun   bool   `arg:"--dry-run" help:"Say what --run would squash."`
}

// Run says, shows or does which commits branches keep.
func (c *retainCmd) Run(ctx context.Context, con *console) error {
	if err := c.check(); err != nil {
		return err
	}
	db, err := openExisting(ctx, c.DB, c.DryRun || c.Branches == "" && !c.Squash)
	if err != nil {
		return err
	}
	defer db.Close()
	switch {
	case c.Remove:
		return db.RemoveRetention(ctx, c.Branches)
	case c.Branches != "":
		keep, err := vdb.ParseRetention(c.Keep)
		if err != nil {
			return err
		}
		return db.SetRetention(ctx, c.Branches, keep)
	case !c.Squash && !c.DryRun:
		return c.show(ctx, con, db)
	}
	done, err := db.Retain(ctx, &vdb.RetainOptions{DryRun: c.DryRun})
	if err != nil {
		return err
	}
	if done.Kept == 0 {
		_, err = fmt.Fprintln(con.out, "nothing is said of what branches keep: they keep all")
		return err
	}
	what := "squashed; vdb gc frees their room"
	if c.DryRun {
		what = "would be squashed"
	}
	_, err = fmt.Fprintf(con.out, "%d commits %s\n%d commits stay\n", len(done.Commits), what, done.Kept)
	return err
}

func (c *retainCmd) check() error {
	if err := exclusive(c.Squash, c.DryRun, "--run and --dry-run"); err != nil {
		return err
	}
	switch {
	case (c.Squash || c.DryRun) && (c.Branches != "" || c.Remove):
		return usageError("--run and --dry-run are for all branches")
	case c.Remove && (c.Branches == "" || c.Keep != ""):
		return usageError("--remove takes BRANCHES alone")
	case !c.Remove && c.Branches != "" && c.Keep == "":
		return usageError("what is " + c.Branches + " to keep?")
	}
	return nil
}

func (c *retainCmd) show(ctx context.Context, con *console, db *vdb.DB) error {
	for b, err := range db.Retentions(ctx) {
		if err != nil {
			return err
		}
		fmt.Fprintf(con.out, "%-18s %s\n", b.Branches, b.Keep)
	}
	return nil
}
