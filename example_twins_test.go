package vdb_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
)

// Methods that a DB and a Branch both have: a DB's HEAD, WORKING and STAGED are
// main's, a Branch's its own.

// exampleSide is a branch on which Bern has grown, uncommitted.
func exampleSide(ctx context.Context) *vdb.Branch {
	db := exampleBranch(ctx).DB()
	side, err := db.CreateBranch(ctx, "side", "main")
	must(err)
	exampleCommit(ctx, side, "Growth", map[string]int64{"Bern": 135_000})
	must(side.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
	return side
}

func ExampleBranch_Diff() {
	ctx := context.Background()
	side := exampleSide(ctx)
	for _, from := range []string{"main", "HEAD"} {
		n, err := side.Diff(ctx, from, "WORKING").Count("cities")
		fmt.Println(from, n, err)
	}
	// Output:
	// main 0 added, 1 deleted, 1 modified <nil>
	// HEAD 0 added, 1 deleted, 0 modified <nil>
}

func ExampleBranch_Show() {
	ctx := context.Background()
	side := exampleSide(ctx)
	n, err := side.Show(ctx, "HEAD").Count("cities")
	fmt.Println(n, err)
	// Output: 0 added, 0 deleted, 1 modified <nil>
}

func ExampleBranch_Resolve() {
	ctx := context.Background()
	side := exampleSide(ctx)
	for _, rev := range []string{"HEAD", "HEAD~", "main"} {
		c, err := side.Resolve(ctx, rev)
		fmt.Println(rev, c.Text, err)
	}
	// Output:
	// HEAD Growth <nil>
	// HEAD~ Two cities <nil>
	// main Two cities <nil>
}

func ExampleDB_Log() {
	ctx := context.Background()
	db := exampleSide(ctx).DB()
	for c, err := range db.Log(ctx, &vdb.LogOptions{From: "main..side"}) {
		fmt.Println(c.Text, err)
	}
	// Output: Growth <nil>
}

func ExampleDB_History() {
	ctx := context.Background()
	db := exampleSide(ctx).DB()
	for v, err := range db.History(ctx, "cities", "Bern") {
		fmt.Println(v.Commit.Text, v.Kind, v.Row, err)
	}
	// Output: Two cities added ['Bern' 134000] <nil>
}

func ExampleDB_Blame() {
	ctx := context.Background()
	db := exampleSide(ctx).DB()
	for b, err := range db.Blame(ctx, "cities", vdb.Range{Prefix: []any{"Lima"}}) {
		fmt.Println(b.Row, b.Commit.Text, err)
	}
	// Output: ['Lima' 10000000] Two cities <nil>
}

func ExampleDB_Stats() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	before := main.DB().Stats()
	exampleCommit(ctx, main, "Growth", map[string]int64{"Bern": 135_000})
	fmt.Println(main.DB().Stats().Commits-before.Commits, "appends: the transaction and the commit")
	// Output: 2 appends: the transaction and the commit
}

func ExampleDB_Damage() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	var damage *vdb.DamageError
	if err := db.Damage(); errors.As(err, &damage) {
		fmt.Println("read-only, because of", damage)
		return
	}
	fmt.Println("whole")
	// Output: whole
}
