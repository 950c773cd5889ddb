package vdb_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vdbgo/vdb"
)

// exampleMinutes is a database with a commit each twenty minutes of one morning.
func exampleMinutes(ctx context.Context) *vdb.DB {
	now := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	db, err := vdb.Open(ctx, vdb.Memory, &vdb.Options{Now: func() time.Time { return now }})
	must(err)
	main, err := db.Branch(ctx, "main")
	must(err)
	for range 7 {
		now = now.Add(20 * time.Minute)
		_, err := main.Commit(ctx, vdb.Message{Text: now.Format("15:04"), AllowEmpty: true})
		must(err)
	}
	now = now.Add(24 * time.Hour)
	return db
}

func ExampleDB_Retain() {
	ctx := context.Background()
	db := exampleMinutes(ctx)
	keep, err := vdb.ParseRetention("1d:1h")
	must(err)
	must(db.SetRetention(ctx, "*", keep))
	done, err := db.Retain(ctx, nil)
	must(err)
	fmt.Println(len(done.Commits), "squashed,", done.Kept, "kept")
	for c, err := range db.Log(ctx, nil) {
		must(err)
		if s := c.Squashed; s != nil {
			fmt.Println(c.Text, "after", s.Commits, "squashed from", s.From.Format("15:04"))
			continue
		}
		fmt.Println(c.Text)
	}
	// Output:
	// 3 squashed, 5 kept
	// 11:20
	// 11:00
	// 10:40 after 2 squashed from 10:00
	// 09:40 after 1 squashed from 09:20
	// Create database
}

func ExampleDB_SetRetention() {
	ctx := context.Background()
	db := exampleMinutes(ctx)
	must(db.SetRetention(ctx, "*", vdb.Retention{
		{After: 7 * 24 * time.Hour, Every: time.Hour},
		{After: 365 * 24 * time.Hour, Every: vdb.KeepNone},
	}))
	must(db.SetRetention(ctx, "cust/*", nil))
	must(db.SetRetention(ctx, "main", nil))
	must(db.RemoveRetention(ctx, "main"))
	for b, err := range db.Retentions(ctx) {
		must(err)
		fmt.Println(b.Branches, "keeps", b.Keep)
	}
	// Output:
	// * keeps 1w:1h 1y:none
	// cust/* keeps all
}

func ExampleParseRetention() {
	keep, err := vdb.ParseRetention("7d:1h 30d:1d 1y:none")
	fmt.Println(len(keep), keep[0].After, keep[0].Every, keep, err)
	// Output: 3 168h0m0s 1h0m0s 1w:1h 30d:1d 1y:none <nil>
}
