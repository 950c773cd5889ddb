package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// TestReflog finds each move of a branch or tag, those of deleted ones too, and
// no transaction.
func TestReflog(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	db, err := vdb.Open(ctx, vdb.Memory, &vdb.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	first := commit(t, main, "first")
	update(t, main, func(tx *vdb.Tx) error { return tx.Insert("people", person(1, "P1")) })
	second := commit(t, main, "second")
	now = now.Add(time.Hour)
	if err := main.ResetHard(ctx, "HEAD~"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		errOf(db.CreateBranch(ctx, "side", second.Hash.String())),
		errOf(db.CreateTag(ctx, "v1", "side", vdb.Message{})),
		db.RenameBranch(ctx, "side", "other"),
		db.DeleteBranch(ctx, "other"),
		db.DeleteTag(ctx, "v1"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for m, err := range db.Reflog(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", m.Ref, short(m.From), short(m.To), m.Time.Format("15:04")))
	}
	a, b, none := short(first.Hash), short(second.Hash), short(vdb.Hash{})
	root := short(mustResolve(t, db, first.Hash.String()+"~"))
	want := []string{
		"tags/v1 " + b + " " + none + " 10:30",
		"heads/other " + b + " " + none + " 10:30",
		"heads/other " + none + " " + b + " 10:30",
		"heads/side " + b + " " + none + " 10:30",
		"tags/v1 " + none + " " + b + " 10:30",
		"heads/side " + none + " " + b + " 10:30",
		"heads/main " + b + " " + a + " 10:30",
		"heads/main " + a + " " + b + " 09:30",
		"heads/main " + root + " " + a + " 09:30",
		"heads/main " + none + " " + root + " 09:30",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func errOf[T any](_ T, err error) error { return err }

func short(h vdb.Hash) string { return h.String()[:6] }

// TestReflogIsBounded moves a branch to and fro and finds the latest moves only.
func TestReflogIsBounded(t *testing.T) {
	ctx := t.Context()
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	commit(t, main, "first")
	const moves = 2 * 2600
	for range moves / 2 {
		if err := main.ResetHard(ctx, "HEAD~"); err != nil {
			t.Fatal(err)
		}
		update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
		commit(t, main, "again")
	}
	n := 0
	for _, err := range db.Reflog(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 4096 || n >= 4096+256 {
		t.Errorf("%d moves are in the log", n)
	}
}

// TestReflogAfterReopen reads the log that another DB wrote.
func TestReflogAfterReopen(t *testing.T) {
	dir := t.TempDir()
	db, main := openDir(t, dir)
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	c := commit(t, main, "first")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, _ = openDir(t, dir)
	for m, err := range db.Reflog(t.Context()) {
		if err != nil || m.Ref != "heads/main" || m.To != c.Hash {
			t.Errorf("the latest move is %v, %v", m, err)
		}
		break
	}
	db.Close()
	for _, err := range db.Reflog(t.Context()) {
		if !errors.Is(err, vdb.ErrClosed) {
			t.Errorf("of a closed database: %v", err)
		}
	}
}

func ExampleDB_Reflog() {
	ctx := context.Background()
	db, main := forked(ctx)
	defer db.Close()
	if err := main.ResetHard(ctx, "HEAD~"); err != nil {
		log.Fatal(err)
	}
	for m, err := range db.Reflog(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		left, err := db.Resolve(ctx, m.From.String())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Ref, "left:", left.Text)
		break
	}
	// Output: heads/main left: Delivery, new price
}
