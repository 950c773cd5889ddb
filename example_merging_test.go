package vdb_test

import (
	"context"
	"fmt"
	"log"

	"github.com/vdbgo/vdb"
)

func ExampleDB_PreviewMerge() {
	ctx := context.Background()
	db, _ := forked(ctx)
	defer db.Close()
	for c, err := range db.PreviewMerge(ctx, "main", "sale", nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c)
	}
	// Output:
	// table items, row ('pear'): price
}

func ExampleBranch_Merging() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	if _, err := main.Merge(ctx, "sale", &vdb.MergeOptions{NoCommit: true, Take: vdb.Ours}); err != nil {
		log.Fatal(err)
	}
	m, err := main.Merging(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Message.Text + ", from: " + m.Base.Text)
	// Output: Merge sale into main, from: Stock
}

func ExampleDB_Commits() {
	ctx := context.Background()
	db, _ := forked(ctx)
	defer db.Close()
	for c, err := range db.Commits(ctx, []string{"sale", "main"}, []string{"main~"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(c.Parents), "parent of a commit of height", c.Height)
	}
	// Output:
	// 1 parent of a commit of height 2
	// 1 parent of a commit of height 2
}

func ExampleBranch_Commits() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	for c, err := range main.Commits(ctx, []string{"HEAD"}, []string{"HEAD~2"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.Text)
	}
	// Output:
	// Delivery, new price
	// Stock
}
