package vdb_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
)

func ExampleSnapshot_Match() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(tx.RenameTable("cities", "towns"), tx.AddColumn("towns", vdb.Column{Name: "land"}))
	}))
	now, err := main.Snapshot(ctx)
	must(err)
	was, err := main.AsOf(ctx, "HEAD")
	must(err)
	m, err := now.Match("towns", was)
	must(err)
	fmt.Println(m.Name, m.Columns)
	// Output: cities [0 1 -1]
}

func ExampleDB_At() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	for c, err := range main.Log(ctx, nil) {
		must(err)
		tables, err := main.DB().At(ctx, c).Tables()
		must(err)
		fmt.Println(tables)
	}
	// Output:
	// [cities]
	// []
}

func ExampleDB_BlameAt() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	for row, err := range main.DB().BlameAt(ctx, "HEAD", "cities", vdb.Range{Prefix: []any{"Bern"}}) {
		must(err)
		fmt.Println(row.Row[0].Text(), row.Commit.Author)
	}
	// Output: Bern Audit
}

// One row of many is committed: it is staged, and the rest waits.
func ExampleBranch_UpdateStaged() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	bern := vdb.Row{vdb.Text("Bern"), vdb.Int(135_000)}
	must(main.UpdateStaged(ctx, func(tx *vdb.Tx) error { return tx.Put("cities", bern) }))
	for change, err := range main.Diff(ctx, "HEAD", "STAGED").Rows("cities") {
		must(err)
		fmt.Println(change.Kind, change.Key[0].Text(), change.After("people").Int())
	}
	// Output: modified Bern 135000
}
