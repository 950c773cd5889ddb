package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

func openMemory(t testing.TB) *vdb.DB {
	t.Helper()
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mainBranch(t testing.TB, db *vdb.DB) *vdb.Branch {
	t.Helper()
	b, err := db.Branch(t.Context(), vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var people = vdb.Schema{
	Name:       "people",
	Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "name", Type: "TEXT", NotNull: true}, {Name: "score", Type: "REAL"}},
	PrimaryKey: []string{"id"},
	Indexes:    []vdb.Index{{Name: "by_name", Columns: []vdb.IndexColumn{{Name: "name", Collation: "NOCASE"}}}},
}

func person(id int64, name string) vdb.Row { return vdb.Row{vdb.Int(id), vdb.Text(name), vdb.Null()} }

func update(t testing.TB, b *vdb.Branch, fn func(*vdb.Tx) error) {
	t.Helper()
	if err := b.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func commit(t testing.TB, b *vdb.Branch, text string) *vdb.Commit {
	t.Helper()
	c, err := b.Commit(t.Context(), vdb.Message{Author: "Audit", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWriteCommitAndTravel(t *testing.T) {
	ctx := context.Background()
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(people); err != nil {
			return err
		}
		for i := range int64(1000) {
			if err := tx.Insert("people", person(i, fmt.Sprintf("P%d", i))); err != nil {
				return err
			}
		}
		return nil
	})
	first := commit(t, main, "first")
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("people", 7) })
	update(t, main, func(tx *vdb.Tx) error { return tx.Update("people", person(8, "Eight")) })
	second := commit(t, main, "second")

	snap, err := db.AsOf(ctx, "HEAD~")
	if err != nil {
		t.Fatal(err)
	}
	if row, err := snap.Get("people", 7); err != nil || row[1].Text() != "P7" {
		t.Fatalf("as of the first commit: %v, %v", row, err)
	}
	now, err := main.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := now.Get("people", 7); !errors.Is(err, vdb.ErrNotFound) {
		t.Fatalf("deleted row: %v", err)
	}
	if n, err := now.Count("people", vdb.Range{}); err != nil || n != 999 {
		t.Fatalf("count: %d, %v", n, err)
	}
	var names []string
	for row, err := range now.Rows("people", vdb.Range{Index: "by_name", Prefix: []any{"eIGHT"}}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, row[1].Text())
	}
	if len(names) != 1 || names[0] != "Eight" {
		t.Fatalf("by index: %v", names)
	}
	var log []string
	for c, err := range main.Log(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, c.Text)
	}
	if fmt.Sprint(log) != "[second first Create database]" {
		t.Fatalf("log: %v", log)
	}
	if c, err := db.Resolve(ctx, second.Hash.String()[:8]+"~1"); err != nil || c.Hash != first.Hash {
		t.Fatalf("resolve: %v, %v", c, err)
	}
}
