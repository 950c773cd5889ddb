package main

import (
	"context"
	"fmt"
	"io"

	"github.com/vdbgo/vdb"
)

type statsCmd struct {
	DB     string `arg:"positional,required" placeholder:"DB" help:"The database."`
	Branch string `arg:"-b,--branch" default:"main" help:"The branch whose tables are counted."`
}

// Run prints what takes up room, and what there is.
func (c *statsCmd) Run(ctx context.Context, con *console) error {
	db, err := openExisting(ctx, c.DB, true)
	if err != nil {
		return err
	}
	defer db.Close()
	s := db.Stats()
	for _, figure := range []struct {
		name  string
		value any
	}{
		{"path", db.Path()},
		{"chunks", s.Chunks},
		{"journal bytes", s.JournalBytes},
		{"journal files", s.JournalFiles},
		{"table file bytes", s.TableBytes},
		{"table files", s.TableFiles},
	} {
		fmt.Fprintf(con.out, "%-18s %v\n", figure.name, figure.value)
	}
	if err := countRefs(ctx, con.out, db); err != nil {
		return err
	}
	return countTables(ctx, con.out, db, c.Branch)
}

func countRefs(ctx context.Context, w io.Writer, db *vdb.DB) error {
	var commits, branches, tags int
	for _, err := range db.Commits(ctx, nil, nil) {
		if err != nil {
			return err
		}
		commits++
	}
	for _, err := range db.Branches(ctx) {
		if err != nil {
			return err
		}
		branches++
	}
	for _, err := range db.Tags(ctx) {
		if err != nil {
			return err
		}
		tags++
	}
	_, err := fmt.Fprintf(w, "%-18s %d\n%-18s %d\n%-18s %d\n", "commits", commits, "branches", branches, "tags", tags)
	return err
}

// countTables prints the number of rows of each table of a branch.
func countTables(ctx context.Context, w io.Writer, db *vdb.DB, name string) error {
	branch, err := db.Branch(ctx, name)
	if err != nil {
		return err
	}
	snapshot, err := branch.Snapshot(ctx)
	if err != nil {
		return err
	}
	tables, err := snapshot.Tables()
	if err != nil {
		return err
	}
	for _, table := range tables {
		rows, err := snapshot.Count(table, vdb.Range{})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-18s %d rows\n", "table "+table, rows)
	}
	return nil
}
