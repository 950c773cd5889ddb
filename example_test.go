package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vdbgo/vdb"
)

// exampleBranch is main of a database with two committed rows.
func exampleBranch(ctx context.Context) *vdb.Branch {
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	must(err)
	main, err := db.Branch(ctx, "main")
	must(err)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{
				Name:       "cities",
				Columns:    []vdb.Column{{Name: "name", Type: "TEXT"}, {Name: "people", Type: "INTEGER"}},
				PrimaryKey: []string{"name"},
			}),
			tx.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(134_000)}),
			tx.Put("cities", vdb.Row{vdb.Text("Lima"), vdb.Int(10_000_000)}),
		)
	}))
	_, err = main.Commit(ctx, vdb.Message{Author: "Audit", Text: "Two cities", Time: time.Unix(1_700_000_000, 0)})
	must(err)
	return main
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func ExampleOpen() {
	ctx := context.Background()
	db, err := vdb.Open(ctx, vdb.Memory, nil) // or a directory
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	main, err := db.Branch(ctx, "main")
	fmt.Println(main.Name(), err)
	// Output: main <nil>
}

func ExampleBranch_Update() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	err := main.Update(ctx, func(tx *vdb.Tx) error {
		bern, err := tx.Get("cities", "Bern")
		if err != nil {
			return err
		}
		bern[1] = vdb.Int(bern[1].Int() + 1)
		return tx.Put("cities", bern)
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleBranch_View() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	err := main.View(ctx, func(s *vdb.Snapshot) error {
		for row, err := range s.Rows("cities", vdb.Range{Backward: true}) {
			if err != nil {
				return err
			}
			fmt.Println(row[0].Text(), row[1].Int())
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// Lima 10000000
	// Bern 134000
	// <nil>
}

func ExampleBranch_Begin() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	one, err := main.Begin(ctx)
	must(err)
	two, err := main.Begin(ctx)
	must(err)
	must(one.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(1)}))
	must(two.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(2)}))
	fmt.Println(one.Commit())
	err = two.Commit()
	fmt.Println(errors.Is(err, vdb.ErrConflict))
	// Output:
	// <nil>
	// true
}

func ExampleBranch_Commit() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Bern") }))
	c, err := main.Commit(ctx, vdb.Message{Author: "Audit <audit@example.com>", Text: "Without Bern"})
	fmt.Println(c.Text, "by", c.Author, err)
	_, err = main.Commit(ctx, vdb.Message{Text: "Again"})
	fmt.Println(errors.Is(err, vdb.ErrNothingToCommit))
	// Output:
	// Without Bern by Audit <audit@example.com> <nil>
	// true
}

func ExampleBranch_AsOf() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Bern") }))
	head, err := main.AsOf(ctx, "HEAD")
	must(err)
	row, err := head.Get("cities", "Bern")
	fmt.Println(row, err)
	now, err := main.AsOf(ctx, "WORKING")
	must(err)
	_, err = now.Get("cities", "Bern")
	fmt.Println(errors.Is(err, vdb.ErrNotFound))
	// Output:
	// ['Bern' 134000] <nil>
	// true
}

func ExampleBranch_Log() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	for c, err := range main.Log(ctx, &vdb.LogOptions{Author: "audit", Table: "cities"}) {
		fmt.Println(c.Time.Format(time.DateOnly), c.Author, c.Text, err)
	}
	// Output: 2023-11-14 Audit Two cities <nil>
}

func ExampleDB_Resolve() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	for _, rev := range []string{"HEAD", "main~1", "nope"} {
		c, err := db.Resolve(ctx, rev)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(rev, c.Text)
	}
	// Output:
	// HEAD Two cities
	// main~1 Create database
	// vdb: resolve: revision "nope": no branch, tag or commit of that name: not found
}

func ExampleDB_CreateBranch() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	side, err := db.CreateBranch(ctx, "customers/c1", "main")
	must(err)
	must(side.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
	for b, err := range db.Branches(ctx) {
		fmt.Println(b.Name, b.Dirty, err)
	}
	must(db.RenameBranch(ctx, "customers/c1", "c1"))
	must(db.DeleteBranch(ctx, "c1"))
	// Output:
	// customers/c1 true <nil>
	// main false <nil>
}

func ExampleDB_CreateTag() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	_, err := db.CreateTag(ctx, "v1", "main", vdb.Message{Author: "Audit", Text: "First release"})
	must(err)
	for tag, err := range db.Tags(ctx) {
		fmt.Println(tag.Name, tag.Tagger, tag.Text, err)
	}
	fmt.Println(db.DeleteTag(ctx, "v1"))
	// Output:
	// v1 Audit First release <nil>
	// <nil>
}

func ExampleDB_MergeBase() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	db := main.DB()
	_, err := db.CreateBranch(ctx, "side", "main")
	must(err)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Bern") }))
	_, err = main.Commit(ctx, vdb.Message{Text: "Without Bern"})
	must(err)
	base, err := db.MergeBase(ctx, "main", "side")
	fmt.Println(base.Text, err)
	merged, err := db.IsAncestor(ctx, "main", "side")
	fmt.Println(merged, err)
	// Output:
	// Two cities <nil>
	// false <nil>
}

func ExampleTx_AddColumn() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.AddColumn("cities", vdb.Column{Name: "country", Type: "TEXT", Default: "'?'"}),
			tx.RenameColumn("cities", "people", "inhabitants"),
			tx.AlterColumn("cities", vdb.Column{Name: "inhabitants", Type: "REAL"}),
			tx.CreateIndex("cities", vdb.Index{Name: "by_country", Columns: []vdb.IndexColumn{{Name: "country"}}}),
			tx.RenameTable("cities", "towns"),
		)
	}))
	must(main.View(ctx, func(s *vdb.Snapshot) error {
		row, err := s.Get("towns", "Bern")
		fmt.Println(row, err)
		n, err := s.Count("towns", vdb.Range{Index: "by_country", Prefix: []any{"?"}})
		fmt.Println(n, err)
		return nil
	}))
	// Output:
	// ['Bern' 134000.0 '?'] <nil>
	// 2 <nil>
}

func ExampleTx_CreateTable() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	err := main.Update(ctx, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{
				Name:        "streets",
				Columns:     []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "city", Type: "TEXT", NotNull: true}},
				PrimaryKey:  []string{"id"},
				ForeignKeys: []vdb.ForeignKey{{Columns: []string{"city"}, Parent: "cities"}},
			}),
			tx.Put("streets", vdb.Row{vdb.Null(), vdb.Text("Rome")}),
		)
	})
	fmt.Println(err)
	// Output: vdb: commit transaction on branch main: 1 constraint violation: FOREIGN KEY of table streets (city), row (1): no row ('Rome') in cities
}
