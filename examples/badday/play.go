package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/vdbgo/vdb"
)

// play opens the two databases in dir, and plays the two parts of the day.
func play(ctx context.Context, c company, dir string, r *report) error {
	if err := c.validate(); err != nil {
		return err
	}
	start := time.Now()
	parts := []struct {
		title, dir string
		play       func(context.Context, company, *vdb.DB, *report) error
	}{
		{"One database for all customers", "shared", playShared},
		{"A branch for each customer", "branches", playBranches},
	}
	for _, part := range parts {
		fmt.Fprintf(r.out, "\n%s\n%s\n", part.title, strings.Repeat("=", len(part.title)))
		if err := withDatabase(ctx, filepath.Join(dir, part.dir), func(db *vdb.DB) error {
			r.db = db
			return part.play(ctx, c, db, r)
		}); err != nil {
			return err
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(r.out, "\nEverything is as it should be. %v, %s of memory.\n", time.Since(start).Round(100*time.Millisecond), size(int64(m.Sys)))
	return nil
}

func withDatabase(ctx context.Context, dir string, do func(*vdb.DB) error) error {
	db, err := vdb.Open(ctx, dir, nil)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// playShared plays the day in a database that all customers share.
func playShared(ctx context.Context, c company, db *vdb.DB, r *report) error {
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	d := &day{company: c, db: db, main: main, report: r, wrote: newLedger()}
	defer d.end()
	return r.steps(ctx, []step{
		{fmt.Sprintf("A company: %s rows, %s customers", count(c.rows), count(c.customers)), d.setUp},
		{"Intern: " + badText, d.deleteCustomers},
		{fmt.Sprintf("%d commits by others", commitsAfter), d.goOn},
		{"From now on, two goroutines read and two write all tables", d.startTraffic},
		{"Who was it? The log of table customers, and the diffs", d.findCulprit},
		{"One customer cannot wait: restore", d.restoreOne},
		{"Revert the commit", d.revert},
		{"Stop reading and writing", d.stopTraffic},
		{"Compare every row", d.compare},
	})
}

// playBranches plays the day in a database with a branch for each customer.
func playBranches(ctx context.Context, c company, db *vdb.DB, r *report) error {
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	f := &fleet{db: db, main: main, report: r, ids: c.victims()}
	return r.steps(ctx, []step{
		{"The schema and the rows that all customers share, on main", f.setUp},
		{fmt.Sprintf("%d branches, each with a customer's rows", len(f.ids)), f.branchOff},
		{"A new column and a new price on main", f.changeSchema},
		{fmt.Sprintf("Merge main into %d branches", len(f.ids)), f.mergeAll},
		{"A bad script on one branch", f.runBadScript},
		{"Reset that branch", f.reset},
		{"Compare all branches", f.compare},
	})
}
