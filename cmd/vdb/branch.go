package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vdbgo/vdb"
)

type branchCmd struct {
	DB     string `arg:"positional,required" placeholder:"DB" help:"The database."`
	Name   string `arg:"positional" placeholder:"NAME" help:"A branch to make."`
	Start  string `arg:"positional" placeholder:"START" help:"The revision that it begins at; the head of main if left out."`
	Delete string `arg:"-d,--delete" placeholder:"NAME" help:"Delete a branch, with its uncommitted changes."`
}

// Run lists, makes or deletes branches.
func (c *branchCmd) Run(ctx context.Context, con *console) error {
	if c.Delete != "" && c.Name != "" {
		return errors.New("branch: either make a branch or delete one")
	}
	db, err := openExisting(ctx, c.DB, c.Name == "" && c.Delete == "")
	if err != nil {
		return err
	}
	defer db.Close()
	switch {
	case c.Delete != "":
		return db.DeleteBranch(ctx, c.Delete)
	case c.Name != "":
		if c.Start == "" {
			c.Start = "HEAD"
		}
		_, err := db.CreateBranch(ctx, c.Name, c.Start)
		return err
	}
	return listBranches(ctx, con.out, db)
}

func listBranches(ctx context.Context, w io.Writer, db *vdb.DB) error {
	for b, err := range db.Branches(ctx) {
		if err != nil {
			return err
		}
		commit, err := db.Resolve(ctx, b.Head.String())
		if err != nil {
			return err
		}
		state := ""
		if b.Merging {
			state = " (merging)"
		} else if b.Dirty {
			state = " (uncommitted changes)"
		}
		fmt.Fprintf(w, "%s  %s %s%s\n", b.Name, commit.Short(), commit.Subject(), state)
	}
	return nil
}
