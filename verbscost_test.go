package vdb_test

import (
	"testing"

	"github.com/vdbgo/vdb"
)

// chunksRead counts the chunks that fn reads from the store.
func chunksRead(t testing.TB, db *vdb.DB, fn func() error) int64 {
	t.Helper()
	before := db.Stats()
	if err := fn(); err != nil {
		t.Fatal(err)
	}
	after := db.Stats()
	return after.CacheHits + after.CacheMisses - before.CacheHits - before.CacheMisses
}

// TestCostFollowsChanges bounds what the verbs read of a table of 100,000 rows,
// some 2,000 chunks, of which ten rows were changed.
func TestCostFollowsChanges(t *testing.T) {
	const rows, changed, few = 100_000, 10, 300
	db, err := vdb.Open(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(benchSchema); err != nil {
			return err
		}
		for i := range int64(rows) {
			if err := tx.Put("rows", benchRow(i)); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "load")
	update(t, main, func(tx *vdb.Tx) error {
		for i := range int64(changed) {
			if err := tx.Delete("rows", i*rows/changed); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "delete")
	count := func(want uint64) func() error {
		return func() error {
			n, err := db.Diff(t.Context(), "HEAD~", "WORKING").Count("rows")
			if n.Total() != want {
				t.Errorf("%v changes, want %d", n, want)
			}
			return err
		}
	}
	bound := func(what string, n int64) {
		t.Helper()
		t.Logf("%s: %d chunks", what, n)
		if n == 0 || n > few {
			t.Errorf("%s reads %d chunks", what, n)
		}
	}
	bound("diff", chunksRead(t, db, count(changed)))
	bound("restore", chunksRead(t, db, func() error {
		done, err := main.Restore(t.Context(), vdb.Restore{From: "HEAD~", Table: "rows", DryRun: true})
		if err == nil && len(done.Changes) != changed {
			t.Errorf("%d rows", len(done.Changes))
		}
		return err
	}))
	bound("history", chunksRead(t, db, func() error {
		for _, err := range db.History(t.Context(), "rows", 7) {
			if err != nil {
				return err
			}
		}
		return nil
	}))
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("rows", benchRow(rows)) })
	bound("revert", chunksRead(t, db, func() error {
		_, err := main.Revert(t.Context(), "HEAD", nil)
		return err
	}))
	bound("diff of the revert", chunksRead(t, db, count(changed+1)))
	bound("blame", chunksRead(t, db, func() error {
		for _, err := range db.Blame(t.Context(), "rows", vdb.Range{From: []any{rows/2 - 5}, To: []any{rows/2 + 5}}) {
			if err != nil {
				return err
			}
		}
		return nil
	}))
	update(t, main, func(tx *vdb.Tx) error {
		if err := tx.AddColumn("rows", vdb.Column{Name: "more", Type: "TEXT"}); err != nil {
			return err
		}
		return tx.RenameColumn("rows", "note", "remark")
	})
	bound("diff across an added and a renamed column", chunksRead(t, db, count(changed+1)))
	bound("status", chunksRead(t, db, func() error {
		_, err := main.Status(t.Context())
		return err
	}))
}
