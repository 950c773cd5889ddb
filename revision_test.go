package vdb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

func TestRevisions(t *testing.T) {
	ctx := t.Context()
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	var commits []*vdb.Commit
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range int64(5) {
		update(t, main, func(tx *vdb.Tx) error { return tx.Put("people", person(i, "p")) })
		c, err := main.Commit(ctx, vdb.Message{Text: fmt.Sprint("c", i), Time: day.AddDate(0, 0, int(i))})
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, c)
	}
	if _, err := db.CreateTag(ctx, "v1", "HEAD~2", vdb.Message{Author: "Audit", Text: "release"}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateBranch(ctx, "feature/x", "v1"); err != nil {
		t.Fatal(err)
	}
	head := commits[4].Hash.String()
	for rev, want := range map[string]int{
		"HEAD": 4, "@": 4, "main": 4, "heads/main": 4, "HEAD~": 3, "HEAD^": 3, "HEAD~3": 1, "HEAD^^": 2, "HEAD~1^1~1": 1,
		"v1": 2, "tags/v1": 2, "v1~1": 1, "feature/x": 2, head: 4, head[:12]: 4, head + "~4": 0, "HEAD^0": 4,
		"main@{2026-03-02T13:00:00Z}": 1, "main@{2026-03-03}": 1, "main@{2027-01-01}~1": 3,
	} {
		c, err := db.Resolve(ctx, rev)
		if err != nil || c.Hash != commits[want].Hash {
			t.Errorf("%s: got %v, %v; want commit %d", rev, c, err, want)
		}
	}
	for rev, want := range map[string]error{
		"nope": vdb.ErrNotFound, "HEAD~99": vdb.ErrNotFound, "HEAD^2": vdb.ErrNotFound, "HEAD~x": vdb.ErrInvalid,
		"WORKING": vdb.ErrInvalid, "main@{2001-01-01}": vdb.ErrNotFound, "main@{soon}": vdb.ErrInvalid,
		"ffff" + strings.Repeat("0", 36): vdb.ErrNotFound, "HEAD~99999999999999999999": vdb.ErrInvalid,
	} {
		if _, err := db.Resolve(ctx, rev); !errors.Is(err, want) || !strings.Contains(err.Error(), rev) {
			t.Errorf("%s: %v, want %v", rev, err, want)
		}
	}
	if snap, err := main.AsOf(ctx, "WORKING"); err != nil || snap.Root() != commits[4].Root {
		t.Errorf("WORKING: %v", err)
	}
}

func TestBranchNames(t *testing.T) {
	db := openMemory(t)
	for _, name := range []string{"a", "cust/1", "x.y", "ü", "a-b", "a@b"} {
		if _, err := db.CreateBranch(t.Context(), name, "main"); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "-a", "a..b", "a b", "a~", "a^", "a:", "a?", "a*", "a[", "a\\", "/a", "a/", "a//b", "a.", ".a", "a/.b", "a.lock", "a@{b", "@", "HEAD", "WORKING", "a\x01", "\xff", strings.Repeat("x", 300)} {
		if _, err := db.CreateBranch(t.Context(), name, "main"); !errors.Is(err, vdb.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"a", "a/b", "cust"} {
		if _, err := db.CreateBranch(t.Context(), name, "main"); !errors.Is(err, vdb.ErrExists) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestBranchesAndTags(t *testing.T) {
	ctx := t.Context()
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(people) })
	commit(t, main, "table")
	if _, err := db.CreateBranch(ctx, "b", "main"); err != nil {
		t.Fatal(err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("people", person(1, "x")) })
	if err := db.RenameBranch(ctx, "b", "c"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for b, err := range db.Branches(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(b.Name, b.Dirty))
	}
	if fmt.Sprint(got) != "[cfalse maintrue]" {
		t.Fatalf("branches: %v", got)
	}
	if err := db.DeleteBranch(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{db.DeleteBranch(ctx, "c"), db.RenameBranch(ctx, "c", "d"), db.DeleteTag(ctx, "t")} {
		if !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("missing ref: %v", err)
		}
	}
	if err := db.DeleteBranch(ctx, "main"); !errors.Is(err, vdb.ErrInvalid) {
		t.Errorf("delete main: %v", err)
	}
	if _, err := db.CreateTag(ctx, "t", "main", vdb.Message{Author: "Audit", Text: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateTag(ctx, "t", "main", vdb.Message{}); !errors.Is(err, vdb.ErrExists) {
		t.Errorf("second tag: %v", err)
	}
	for tag, err := range db.Tags(ctx) {
		if err != nil || tag.Name != "t" || tag.Text != "one" || tag.Tagger != "Audit" {
			t.Errorf("tag: %+v, %v", tag, err)
		}
	}
}
