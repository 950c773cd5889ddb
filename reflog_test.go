package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
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

// TestReflogIsBounded moves a branch to and fro, and finds at any time the latest
// moves, at least 4,096 and at most twice as many and a few.
func TestReflogIsBounded(t *testing.T) {
	ctx := t.Context()
	db := openMemory(t)
	main := mainBranch(t, db)
	first := mustResolve(t, db, "main")
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	second := commit(t, main, "second").Hash
	moves := 2
	for range 13 {
		for range 500 {
			if err := main.ResetHard(ctx, first.String()); err != nil {
				t.Fatal(err)
			}
			if err := main.ResetHard(ctx, second.String()); err != nil {
				t.Fatal(err)
			}
		}
		moves += 1000
		n, to, from := 0, second, first
		for m, err := range db.Reflog(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == moves {
				from = vdb.Hash{} // the database's first move
			}
			if m.To != to || m.From != from {
				t.Fatalf("of %d moves, the last but %d is %v", moves, n-1, m)
			}
			to, from = from, to
		}
		if n < min(moves, 4096) || n > min(moves, 2*4096+8) {
			t.Errorf("%d of %d moves are in the log", n, moves)
		}
	}
}

// TestReflogCost commits, and bounds the bytes that this takes with the log.
func TestReflogCost(t *testing.T) {
	db, main := openDir(t, t.TempDir())
	defer db.Close()
	const commits, most = 200, 640
	before := db.Stats().AppendedBytes
	for range commits {
		if _, err := main.Commit(t.Context(), vdb.Message{Author: "Support", Text: "nothing", AllowEmpty: true}); err != nil {
			t.Fatal(err)
		}
	}
	if each := (db.Stats().AppendedBytes - before) / commits; each > most {
		t.Errorf("a commit takes %d bytes, which should be at most %d", each, most)
	}
}

// TestReflogOfRacingCommits commits from many goroutines of two databases in one
// directory, and finds what happened: each head was left for the next one.
func TestReflogOfRacingCommits(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	db, main := openDir(t, dir)
	defer db.Close()
	other, same := openDir(t, dir)
	defer other.Close()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b := []*vdb.Branch{main, same}[i%2]
			for range 15 {
				if _, err := b.Commit(ctx, vdb.Message{Author: "Support", Text: "race", AllowEmpty: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := db.CreateBranch(ctx, "main", "main"); !errors.Is(err, vdb.ErrExists) {
		t.Errorf("a branch is made twice: %v", err)
	}
	at, n := mustResolve(t, db, "main"), 0
	for m, err := range db.Reflog(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		var parent vdb.Hash
		if c, err := db.Resolve(ctx, at.String()); err != nil {
			t.Fatal(err)
		} else if len(c.Parents) > 0 {
			parent = c.Parents[0]
		}
		if m.Ref != "heads/main" || m.To != at || m.From != parent {
			t.Errorf("%s was left for %s, whose parent is %s", m.From, m.To, parent)
		}
		at = parent
		n++
	}
	if n != 8*15+1 {
		t.Errorf("%d moves are in the log, not %d", n, 8*15+1)
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
