package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

// exampleCommit writes rows to cities, deletes others, and commits.
func exampleCommit(ctx context.Context, b *vdb.Branch, text string, put map[string]int64, del ...string) *vdb.Commit {
	must(b.Update(ctx, func(tx *vdb.Tx) error {
		for name, people := range put {
			if err := tx.Put("cities", vdb.Row{vdb.Text(name), vdb.Int(people)}); err != nil {
				return err
			}
		}
		for _, name := range del {
			if err := tx.Delete("cities", name); err != nil {
				return err
			}
		}
		return nil
	}))
	c, err := b.Commit(ctx, vdb.Message{Author: "Billing", Text: text})
	must(err)
	return c
}

func ExampleDB_Diff() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Growth", map[string]int64{"Bern": 135_000, "Oslo": 700_000}, "Lima")
	d := main.DB().Diff(ctx, "HEAD~", "HEAD")
	for table, err := range d.Tables() {
		must(err)
		fmt.Println(table.Kind, table.Name())
	}
	for change, err := range d.Rows("cities") {
		must(err)
		fmt.Println(change.Kind, change.Key, change.Columns, change.Before("people"), change.After("people"))
	}
	n, err := d.Count("cities")
	fmt.Println(n, err)
	// Output:
	// modified cities
	// modified ['Bern'] [people] 134000 135000
	// deleted ['Lima'] [] 10000000 NULL
	// added ['Oslo'] [] NULL 700000
	// 1 added, 1 deleted, 1 modified <nil>
}

func ExampleDB_Show() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	for table, err := range main.DB().Show(ctx, "HEAD").Tables() {
		must(err)
		fmt.Println(table.Kind, table.Name(), table.ToRows, "rows")
	}
	// Output: added cities 2 rows
}

func ExampleSnapshot_Diff() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	before, err := main.Snapshot(ctx)
	must(err)
	exampleCommit(ctx, main, "Oslo", map[string]int64{"Oslo": 700_000})
	after, err := main.Snapshot(ctx)
	must(err)
	fmt.Println(before.Diff(after).Count("cities"))
	// Output: 1 added, 0 deleted, 0 modified <nil>
}

func ExampleBranch_Revert() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	bad := exampleCommit(ctx, main, "Routine maintenance", nil, "Bern")
	exampleCommit(ctx, main, "Oslo", map[string]int64{"Oslo": 700_000})

	c, err := main.Revert(ctx, bad.Hash.String(), nil)
	must(err)
	fmt.Println(strings.Split(c.Text, "\n")[0])
	now, err := main.Snapshot(ctx)
	must(err)
	fmt.Println(now.Count("cities", vdb.Range{}))

	// What later commits changed again is not overwritten.
	exampleCommit(ctx, main, "Census", map[string]int64{"Bern": 135_000})
	_, err = main.Revert(ctx, c.Hash.String(), nil)
	var conflict *vdb.ConflictError
	fmt.Println(errors.As(err, &conflict), conflict.Conflicts[0])
	// Output:
	// Revert "Routine maintenance"
	// 3 <nil>
	// true table cities, row ('Bern')
}

func ExampleBranch_CherryPick() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	side, err := main.DB().CreateBranch(ctx, "side", "main")
	must(err)
	exampleCommit(ctx, side, "Oslo", map[string]int64{"Oslo": 700_000})
	exampleCommit(ctx, side, "Rome", map[string]int64{"Rome": 2_800_000})
	c, err := main.CherryPick(ctx, "side~", nil)
	must(err)
	fmt.Println(c.Text, "by", c.Author)
	fmt.Println(main.Diff(ctx, "HEAD~", "HEAD").Count("cities"))
	// Output:
	// Oslo by Billing
	// 1 added, 0 deleted, 0 modified <nil>
}

func ExampleBranch_ResetHard() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "A bad script", nil, "Bern", "Lima")
	fmt.Println(main.ResetHard(ctx, "HEAD~"))
	now, err := main.Snapshot(ctx)
	must(err)
	fmt.Println(now.Count("cities", vdb.Range{}))
	// Output:
	// <nil>
	// 2 <nil>
}

func ExampleBranch_ResetSoft() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "One", map[string]int64{"Oslo": 700_000})
	exampleCommit(ctx, main, "Two", map[string]int64{"Rome": 2_800_000})
	must(main.ResetSoft(ctx, "HEAD~2"))
	c, err := main.Commit(ctx, vdb.Message{Text: "One and two"})
	must(err)
	fmt.Println(c.Text)
	fmt.Println(main.DB().Show(ctx, "HEAD").Count("cities"))
	// Output:
	// One and two
	// 2 added, 0 deleted, 0 modified <nil>
}

func ExampleBranch_ResetTables() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Bern") }))
	fmt.Println(main.ResetTables(ctx, "HEAD", "cities"))
	s, err := main.Status(ctx)
	must(err)
	fmt.Println(s.IsClean())
	// Output:
	// <nil>
	// true
}

func ExampleBranch_Restore() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Routine maintenance", nil, "Bern", "Lima")
	exampleCommit(ctx, main, "Oslo", map[string]int64{"Oslo": 700_000})
	done, err := main.Restore(ctx, vdb.Restore{
		From:    "HEAD~2",
		Where:   map[string]any{"name": "Bern"}, // in every table that has the column
		Follow:  true,                           // and what refers to these rows
		Message: &vdb.Message{Author: "Op", Text: "Bring Bern back"},
	})
	must(err)
	for _, row := range done.Changes {
		fmt.Println(row.Table, row.Kind, row.To)
	}
	fmt.Println(done.Commit.Text)
	// Output:
	// cities added ['Bern' 134000]
	// Bring Bern back
}

func ExampleBranch_History() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Census", map[string]int64{"Bern": 135_000})
	exampleCommit(ctx, main, "Routine maintenance", nil, "Bern")
	for v, err := range main.History(ctx, "cities", "Bern") {
		must(err)
		fmt.Println(v.Commit.Text, "–", v.Kind, v.Row)
	}
	// Output:
	// Routine maintenance – deleted []
	// Census – modified ['Bern' 135000]
	// Two cities – added ['Bern' 134000]
}

func ExampleBranch_Blame() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Census", map[string]int64{"Bern": 135_000})
	for b, err := range main.Blame(ctx, "cities", vdb.Range{}) {
		must(err)
		fmt.Println(b.Row, "–", b.Commit.Text, "by", b.Commit.Author)
	}
	// Output:
	// ['Bern' 135000] – Census by Billing
	// ['Lima' 10000000] – Two cities by Audit
}

func ExampleBranch_Watch() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	seen, err := main.Head(ctx)
	must(err)
	go func() {
		exampleCommit(ctx, main, "Oslo", map[string]int64{"Oslo": 700_000})
		exampleCommit(ctx, main, "Rome", map[string]int64{"Rome": 2_800_000})
	}()
	for event, err := range main.Watch(ctx, seen.Hash.String()) {
		must(err)
		n, err := event.Diff.Count("cities")
		must(err)
		fmt.Println(event.Commit.Text, "–", n)
		if event.Commit.Text == "Rome" {
			break
		}
	}
	// Output:
	// Oslo – 1 added, 0 deleted, 0 modified
	// Rome – 1 added, 0 deleted, 0 modified
}

func ExampleBranch_Status() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Bern") }))
	s, err := main.Status(ctx)
	must(err)
	fmt.Println("on", s.Branch, "at", s.Head.Text)
	for _, t := range s.Tables {
		fmt.Println(t.Name(), "–", t.Counts)
	}
	// Output:
	// on main at Two cities
	// cities – 0 added, 1 deleted, 0 modified
}

func ExampleDB_Purge() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	db := main.DB()
	done, err := db.Purge(ctx, vdb.Purge{Table: "cities", Where: map[string]any{"name": "Bern"}})
	must(err)
	fmt.Println(done.Rows["cities"], "row purged,", len(done.Commits), "commit has a new hash")
	head, err := db.Resolve(ctx, "main")
	must(err)
	for _, is := range done.Commits {
		fmt.Println("it is the head:", is == head.Hash)
	}
	// Output:
	// 1 row purged, 1 commit has a new hash
	// it is the head: true
}

func ExampleDB_Check() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	report, err := main.DB().Check(ctx, nil)
	must(err)
	for _, c := range report.Chunks {
		fmt.Println("damaged in", c.Commits, "commits, tables", c.Tables)
	}
	fmt.Println("ok:", report.OK(), "–", report.Commits, "commits")
	// Output:
	// ok: true – 2 commits
}
