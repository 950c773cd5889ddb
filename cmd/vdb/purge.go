package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb"
)

type purgeCmd struct {
	DB            string   `arg:"positional,required" placeholder:"DB" help:"The database."`
	Table         string   `arg:"positional,required" placeholder:"TABLE" help:"The table; * is each that has the columns."`
	Where         []string `arg:"positional,required" placeholder:"COLUMN=VALUE" help:"Which rows."`
	LeaveDangling bool     `arg:"--leave-dangling" help:"Purge rows that others refer to."`
	Yes           bool     `arg:"--yes" help:"Do it. Else it says what it would do."`
}

// Run removes rows from all of history.
func (c *purgeCmd) Run(ctx context.Context, con *console) error {
	p := vdb.Purge{Table: c.Table, Where: map[string]any{}, LeaveDangling: c.LeaveDangling, DryRun: !c.Yes}
	if c.Table == "*" {
		p.Table = ""
	}
	for _, w := range c.Where {
		column, value, ok := strings.Cut(w, "=")
		if !ok {
			return usageError(w + " is not COLUMN=VALUE")
		}
		p.Where[column] = value
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
			p.Where[column] = n // a column of texts compares it as one
		}
	}
	db, err := openExisting(ctx, c.DB, false)
	if err != nil {
		return err
	}
	defer db.Close()
	progress, finish := chunkBar(con, "purge")
	p.Progress = func(done, total int) { progress(int64(done), int64(total)) }
	purged, err := db.Purge(ctx, p)
	finish()
	if purged != nil {
		c.report(con, purged)
	}
	return err
}

// report says what was purged, or would be.
func (c *purgeCmd) report(con *console, p *vdb.Purged) {
	what, become := "purged", "is now"
	if !c.Yes {
		what, become = "to be purged", "becomes"
	}
	for _, table := range slices.Sorted(maps.Keys(p.Rows)) {
		fmt.Fprintf(con.out, "%d rows of %s %s\n", p.Rows[table], table, what)
	}
	for _, was := range slices.SortedFunc(maps.Keys(p.Commits), vdb.Hash.Compare) {
		fmt.Fprintf(con.out, "commit %s %s %s\n", was, become, p.Commits[was])
	}
	for _, v := range p.Copies {
		fmt.Fprintf(con.out, "still in other rows: %s\n", v)
	}
	if !c.Yes {
		fmt.Fprintln(con.out, "nothing was changed; --yes does it, and it cannot be undone")
	}
}
