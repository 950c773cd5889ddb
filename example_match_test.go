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

// The rest of a table stays as it is in the working set.
func ExampleTx_CopyRows() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
	head, err := main.AsOf(ctx, "HEAD")
	must(err)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.CopyRows(head, "cities", []any{"Lima"}) }))
	status, err := main.Status(ctx)
	must(err)
	fmt.Println(status.IsClean())
	// Output: true
}

func ExampleBranch_ConflictSchema() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	if _, err := main.Merge(ctx, "sale", nil); !errors.Is(err, vdb.ErrConflict) {
		panic(err)
	}
	s, err := main.ConflictSchema(ctx, "items")
	must(err)
	fmt.Println(len(s.Columns), s.PrimaryKey)
	// Output: 3 [name]
}

// A merge that brought two rows of one number is committed as it is.
func ExampleBranch_AcceptViolations() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.CreateIndex("cities", vdb.Index{Name: "size", Columns: []vdb.IndexColumn{{Name: "people"}}, Unique: true})
	}))
	_, err := main.Commit(ctx, vdb.Message{Text: "One city of a size"})
	must(err)
	side, err := main.DB().CreateBranch(ctx, "side", "main")
	must(err)
	for b, name := range map[*vdb.Branch]string{main: "Oslo", side: "Riga"} {
		must(b.Update(ctx, func(tx *vdb.Tx) error { return tx.Put("cities", vdb.Row{vdb.Text(name), vdb.Int(1)}) }))
		_, err := b.Commit(ctx, vdb.Message{Text: name})
		must(err)
	}
	_, err = main.Merge(ctx, "side", nil)
	fmt.Println(errors.Is(err, vdb.ErrConstraint))
	must(main.AcceptViolations(ctx, "cities"))
	c, err := main.Commit(ctx, vdb.Message{Text: "Both"})
	must(err)
	fmt.Println(len(c.Parents), "parents")
	// Output:
	// true
	// 2 parents
}
