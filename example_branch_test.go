package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/vdbgo/vdb"
)

func ExampleDB_Branches() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	side, err := main.DB().CreateBranch(ctx, "customers/c1", "main")
	must(err)
	must(side.Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
	for b, err := range main.DB().Branches(ctx) {
		must(err)
		fmt.Println(b.Name, b.Dirty)
	}
	// Output:
	// customers/c1 true
	// main false
}

func ExampleDB_Branch() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	b, err := db.Branch(ctx, "main")
	must(err)
	_, err = db.Branch(ctx, "mian")
	fmt.Println(b.Name(), errors.Is(err, vdb.ErrNotFound), err)
	// Output: main true vdb: open branch: branch mian: not found
}

func ExampleDB_RenameBranch() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	_, err := db.CreateBranch(ctx, "trial", "main")
	must(err)
	must(db.RenameBranch(ctx, "trial", "release"))
	for b, err := range db.Branches(ctx) {
		must(err)
		fmt.Println(b.Name)
	}
	// Output:
	// main
	// release
}

func ExampleDB_DeleteBranch() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	_, err := db.CreateBranch(ctx, "trial", "main")
	must(err)
	must(db.DeleteBranch(ctx, "trial"))
	_, err = db.Branch(ctx, "trial")
	fmt.Println(err)
	// Output: vdb: open branch: branch trial: not found
}

func ExampleDB_DeleteTag() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	_, err := db.CreateTag(ctx, "v1", "main", vdb.Message{Author: "Audit", Text: "First"})
	must(err)
	must(db.DeleteTag(ctx, "v1"))
	for tag, err := range db.Tags(ctx) {
		fmt.Println(tag, err)
	}
	// Output:
}

func ExampleDB_Tags() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	_, err := db.CreateTag(ctx, "v1", "main", vdb.Message{Author: "Audit", Text: "First"})
	must(err)
	for tag, err := range db.Tags(ctx) {
		must(err)
		c, err := db.Resolve(ctx, tag.Name)
		must(err)
		fmt.Println(tag.Name, tag.Tagger, tag.Text, c.Subject())
	}
	// Output: v1 Audit First Two cities
}

func ExampleDB_IsAncestor() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	_, err := main.DB().CreateBranch(ctx, "side", "main")
	must(err)
	exampleCommit(ctx, main, "Growth", map[string]int64{"Bern": 135_000})
	merged, err := main.DB().IsAncestor(ctx, "side", "main")
	must(err)
	ahead, err := main.DB().IsAncestor(ctx, "main", "side")
	fmt.Println(merged, ahead, err)
	// Output: true false <nil>
}

func ExampleDB_AsOf() {
	ctx := context.Background()
	main := exampleBranch(ctx)
	exampleCommit(ctx, main, "Growth", map[string]int64{"Bern": 135_000})
	for _, rev := range []string{"main", "main~1"} {
		s, err := main.DB().AsOf(ctx, rev)
		must(err)
		row, err := s.Get("cities", "Bern")
		fmt.Println(rev, row, err)
	}
	// Output:
	// main ['Bern' 135000] <nil>
	// main~1 ['Bern' 134000] <nil>
}

func ExampleBranch_Head() {
	ctx := context.Background()
	c, err := exampleBranch(ctx).Head(ctx)
	must(err)
	fmt.Println(c.Author, c.Time.Format("2006-01-02"), c.Subject(), len(c.Parents), c.Height)
	// Output: Audit 2023-11-14 Two cities 1 1
}

func ExampleDB_Compact() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	must(db.Compact(ctx))
	fmt.Println(db.Damage())
	// Output: <nil>
}

func ExampleDB_Collect() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "vdb")
	must(err)
	defer os.RemoveAll(dir)
	db, err := vdb.Open(ctx, dir, nil)
	must(err)
	defer db.Close()
	_, err = db.CreateBranch(ctx, "trial", "main")
	must(err)
	must(db.DeleteBranch(ctx, "trial"))
	report, err := db.Collect(ctx, &vdb.CollectOptions{Full: true})
	must(err)
	usage, err := db.Usage(ctx, nil)
	must(err)
	fmt.Println(report.DroppedChunks > 0, usage.Garbage.Chunks)
	// Output: true 0
}

func ExampleDB_Usage() {
	ctx := context.Background()
	db := exampleBranch(ctx).DB()
	usage, err := db.Usage(ctx, nil)
	must(err)
	fmt.Println(usage.Live.Chunks > 0, usage.History.Chunks > 0)
	for _, t := range usage.Tables {
		fmt.Println(t.Name, t.Live.Bytes > 0)
	}
	for _, b := range usage.Branches {
		fmt.Println(b.Name, b.Live.Bytes > 0)
	}
	// Output:
	// true true
	// cities true
	// main true
}
