package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/vdbgo/vdb"
)

type logCmd struct {
	DB      string `arg:"positional,required" placeholder:"DB" help:"The database."`
	Rev     string `arg:"positional" placeholder:"REV" help:"Where to begin, or a range a..b; the branch's head if left out."`
	Branch  string `arg:"-b,--branch" default:"main" help:"The branch."`
	Number  *int   `arg:"-n,--number" help:"Show so many commits at most."`
	Table   string `arg:"--table" help:"Show commits that changed this table."`
	Oneline bool   `arg:"--oneline" help:"One line for each commit."`
}

// Run prints commits as git log does.
func (c *logCmd) Run(ctx context.Context, con *console) error {
	db, err := openExisting(ctx, c.DB, true)
	if err != nil {
		return err
	}
	defer db.Close()
	branch, err := db.Branch(ctx, c.Branch)
	if err != nil {
		return err
	}
	options := &vdb.LogOptions{From: c.Rev, Table: c.Table}
	if c.Number != nil {
		options.Limit = *c.Number
	}
	first := true
	for commit, err := range branch.Log(ctx, options) {
		if err != nil {
			return err
		}
		if c.Number != nil && *c.Number == 0 {
			return nil
		}
		if c.Oneline {
			fmt.Fprintln(con.out, commit.Short(), commit.Subject())
			continue
		}
		if !first {
			fmt.Fprintln(con.out)
		}
		first = false
		printCommit(con.out, commit)
	}
	return nil
}

const dateForm = "Mon Jan 2 15:04:05 2006 -0700"

func printCommit(w io.Writer, c *vdb.Commit) {
	fmt.Fprintf(w, "commit %s\n", c.Hash)
	if len(c.Parents) > 1 {
		var short []string
		for _, p := range c.Parents {
			short = append(short, p.String()[:10])
		}
		fmt.Fprintf(w, "Merge:  %s\n", strings.Join(short, " "))
	}
	fmt.Fprintf(w, "Author: %s\nDate:   %s\n", c.Author, c.Time.Format(dateForm))
	if s := c.Squashed; s != nil {
		fmt.Fprintf(w, "Squashed: %d commits, %s to %s\n", s.Commits, s.From.Format(dateForm), s.To.Format(dateForm))
	}
	fmt.Fprintln(w)
	for line := range strings.Lines(strings.TrimRight(c.Text, "\n")) {
		fmt.Fprintf(w, "    %s\n", strings.TrimRight(line, "\n"))
	}
}
