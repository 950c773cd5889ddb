package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/vdbgo/vdb"
)

// forked makes a database with a branch, on both of which a stock was changed.
func forked(ctx context.Context) (*vdb.DB, *vdb.Branch) {
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	if err != nil {
		log.Fatal(err)
	}
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		log.Fatal(err)
	}
	write := func(b *vdb.Branch, text string, fn func(*vdb.Tx) error) {
		if err := b.Update(ctx, fn); err != nil {
			log.Fatal(err)
		}
		if _, err := b.Commit(ctx, vdb.Message{Author: "Audit", Text: text}); err != nil {
			log.Fatal(err)
		}
	}
	item := func(name, price string, stock int64) vdb.Row {
		return vdb.Row{vdb.Text(name), vdb.Text(price), vdb.Int(stock)}
	}
	write(main, "Stock", func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{
				Name:       "items",
				Columns:    []vdb.Column{{Name: "name", Type: "TEXT"}, {Name: "price", Type: "TEXT"}, {Name: "stock", Type: "INTEGER", Merge: vdb.PolicySum}},
				PrimaryKey: []string{"name"},
			}),
			tx.Put("items", item("apple", "0.50", 100)),
			tx.Put("items", item("pear", "0.60", 80)),
		)
	})
	side, err := db.CreateBranch(ctx, "sale", "main")
	if err != nil {
		log.Fatal(err)
	}
	write(main, "Delivery, new price", func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("items", item("apple", "0.50", 150)), tx.Put("items", item("pear", "0.65", 80)))
	})
	write(side, "Sale", func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("items", item("apple", "0.45", 90)), tx.Put("items", item("pear", "0.55", 80)))
	})
	return db, main
}

func printItems(ctx context.Context, b *vdb.Branch) {
	s, err := b.Snapshot(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range s.Rows("items", vdb.Range{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row[0].Text(), row[1].Text(), row[2].Int())
	}
}

func ExampleBranch_Merge() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	c, err := main.Merge(ctx, "sale", &vdb.MergeOptions{
		Message: vdb.Message{Author: "Audit"},
		Resolve: map[string]func(vdb.Conflict) (vdb.Row, error){
			"items": func(c vdb.Conflict) (vdb.Row, error) {
				fmt.Println(c, "was", c.Base[1], "is", c.Ours[1], "and", c.Theirs[1])
				row := c.Merged // all that could be merged, and ours in the rest
				row[1] = c.Theirs[1]
				return row, nil
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Text, len(c.Parents))
	printItems(ctx, main)
	// Output:
	// table items, row ('pear'): price was '0.60' is '0.65' and '0.55'
	// Merge sale into main 2
	// apple 0.45 140
	// pear 0.55 80
}

func ExampleBranch_ResolveConflicts() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	if _, err := main.Merge(ctx, "sale", nil); !errors.Is(err, vdb.ErrConflict) {
		log.Fatal(err)
	}
	for c, err := range main.Conflicts(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c)
	}
	if err := main.ResolveConflicts(ctx, vdb.Resolution{Table: "items", Keys: [][]any{{"pear"}}, Take: vdb.Ours}); err != nil {
		log.Fatal(err)
	}
	c, err := main.Commit(ctx, vdb.Message{Author: "Audit"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Text)
	printItems(ctx, main)
	// Output:
	// table items, row ('pear'): price
	// Merge sale into main
	// apple 0.45 140
	// pear 0.65 80
}

func ExampleBranch_Conflicts() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	_, err := main.Merge(ctx, "sale", nil)
	fmt.Println(err)
	for c, err := range main.Conflicts(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.Table, c.Key, c.Columns, c.Base[1], c.Ours[1], c.Theirs[1])
	}
	// Output:
	// vdb: merge sale into branch main: 1 conflict: table items, row ('pear'): price
	// items ['pear'] [price] '0.60' '0.65' '0.55'
}

func ExampleBranch_Abort() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	if _, err := main.Merge(ctx, "sale", nil); !errors.Is(err, vdb.ErrConflict) {
		log.Fatal(err)
	}
	if err := main.Abort(ctx); err != nil {
		log.Fatal(err)
	}
	printItems(ctx, main)
	// Output:
	// apple 0.50 150
	// pear 0.65 80
}

func ExampleBranch_Violations() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	add := func(branch, mail string, id int64) {
		b, err := db.Branch(ctx, branch)
		if err != nil {
			log.Fatal(err)
		}
		err = b.Update(ctx, func(tx *vdb.Tx) error { return tx.Put("users", vdb.Row{vdb.Int(id), vdb.Text(mail)}) })
		if err != nil {
			log.Fatal(err)
		}
		if _, err := b.Commit(ctx, vdb.Message{Author: "Audit", Text: "Add user"}); err != nil {
			log.Fatal(err)
		}
	}
	err := main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{
			Name:       "users",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "mail", Type: "TEXT"}},
			PrimaryKey: []string{"id"},
			Indexes:    []vdb.Index{{Name: "mail", Columns: []vdb.IndexColumn{{Name: "mail"}}, Unique: true}},
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	add("main", "eve@example.com", 1)
	if _, err := db.CreateBranch(ctx, "signup", "main"); err != nil {
		log.Fatal(err)
	}
	add("main", "billing@example.com", 2)
	add("signup", "billing@example.com", 3)
	if _, err := main.Merge(ctx, "signup", nil); !errors.Is(err, vdb.ErrConstraint) {
		log.Fatal(err)
	}
	for v, err := range main.Violations(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v)
	}
	// Output:
	// UNIQUE of table users (mail), row (3): another row has ('billing@example.com') too
}
