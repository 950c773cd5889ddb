package vdb_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
)

func ExampleBranch_Stage() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{Name: "notes", Columns: []vdb.Column{{Name: "note", Type: "TEXT"}}})
	}))
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.Put("cities", vdb.Row{vdb.Text("Oslo"), vdb.Int(700_000)})
	}))
	must(main.Stage(ctx, "cities"))
	_, err := main.CommitStaged(ctx, vdb.Message{Author: "Billing", Text: "Oslo"})
	must(err)
	left, err := main.Status(ctx)
	must(err)
	for _, t := range left.Tables {
		fmt.Println(t.Kind, t.Name())
	}
	// Output: added notes
}

func ExampleBranch_StageAll() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{Name: "notes", Columns: []vdb.Column{{Name: "note", Type: "TEXT"}}})
	}))
	must(main.StageAll(ctx))
	must(main.Unstage(ctx, "notes"))
	_, err := main.CommitStaged(ctx, vdb.Message{Text: "Nothing"})
	fmt.Println(errors.Is(err, vdb.ErrNothingToCommit))
	// Output: true
}

func ExampleBranch_Unstage() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{Name: "notes", Columns: []vdb.Column{{Name: "note", Type: "TEXT"}}})
	}))
	must(main.Stage(ctx, "notes"))
	must(main.Unstage(ctx))
	staged, err := main.AsOf(ctx, "STAGED")
	must(err)
	fmt.Println(staged.Tables())
	// Output: [cities] <nil>
}

func ExampleBranch_CommitStaged() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
	must(main.StageAll(ctx))
	c, err := main.CommitStaged(ctx, vdb.Message{Author: "Billing", Text: "Lima left"})
	must(err)
	fmt.Println(c.Subject())
	// Output: Lima left
}

// rebaseExample is a branch with two commits, beside one of main.
func rebaseExample(ctx context.Context) *vdb.Branch {
	main := exampleBranch(ctx)
	side, err := main.DB().CreateBranch(ctx, "side", "main")
	must(err)
	exampleCommit(ctx, side, "Oslo", map[string]int64{"Oslo": 70_000})
	exampleCommit(ctx, side, "A zero was missing", map[string]int64{"Oslo": 700_000})
	exampleCommit(ctx, main, "Lima left", nil, "Lima")
	return side
}

func ExampleBranch_Rebase() {
	ctx := context.Background()
	side := rebaseExample(ctx)
	_, err := side.Rebase(ctx, "main", nil)
	must(err)
	for c, err := range side.Log(ctx, &vdb.LogOptions{Limit: 3}) {
		must(err)
		fmt.Println(c.Subject())
	}
	// Output:
	// A zero was missing
	// Oslo
	// Lima left
}

func ExampleBranch_PlanRebase() {
	ctx := context.Background()
	side := rebaseExample(ctx)
	plan, err := side.PlanRebase(ctx, "main")
	must(err)
	plan[1].Action = vdb.RebaseFixup
	c, err := side.Rebase(ctx, "main", &vdb.RebaseOptions{Plan: plan})
	must(err)
	now, err := side.AsOf(ctx, "HEAD")
	must(err)
	oslo, err := now.Get("cities", "Oslo")
	fmt.Println(c.Subject(), oslo[1], err)
	// Output: Oslo 700000 <nil>
}

func ExampleBranch_StartCherryPick() {
	ctx := context.Background()
	side := rebaseExample(ctx)
	main, err := side.DB().Branch(ctx, "main")
	must(err)
	_, err = main.StartCherryPick(ctx, "side", nil)
	fmt.Println(errors.Is(err, vdb.ErrConflict))
	must(main.ResolveConflicts(ctx, vdb.Resolution{Take: vdb.Theirs}))
	c, err := main.Commit(ctx, vdb.Message{})
	must(err)
	fmt.Println(c.Subject())
	// Output:
	// true
	// A zero was missing
}

func ExampleBranch_StartRevert() {
	ctx := context.Background()
	side := rebaseExample(ctx)
	_, err := side.StartRevert(ctx, "HEAD~", nil)
	fmt.Println(errors.Is(err, vdb.ErrConflict))
	must(side.Abort(ctx))
	_, err = side.StartRevert(ctx, "HEAD", nil)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

func ExampleSnapshot_TableHash() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	was, err := main.AsOf(ctx, "HEAD")
	must(err)
	before, err := was.TableHash("cities")
	must(err)
	exampleCommit(ctx, main, "Oslo", map[string]int64{"Oslo": 700_000})
	exampleCommit(ctx, main, "No, not Oslo", nil, "Oslo")
	is, err := main.AsOf(ctx, "HEAD")
	must(err)
	after, err := is.TableHash("cities")
	fmt.Println(before == after, err)
	// Output: true <nil>
}

func ExampleSnapshot_Violations() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	s, err := main.Snapshot(ctx)
	must(err)
	n := 0
	for v, err := range s.Violations(nil) {
		must(err)
		fmt.Println(v)
		n++
	}
	fmt.Println(n, "violations")
	// Output: 0 violations
}
