package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// brokenMerge is a merge in progress after which row 2 is no longer unique, and
// row 3 refers to a row that is gone.
func brokenMerge(t *testing.T) *vdb.Branch {
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(mergeTable), tx.Insert("t", mergeRow(1, "", "", 0)), tx.CreateTable(uniqueTable))
	})
	commit(t, main, "tables")
	side, err := db.CreateBranch(t.Context(), "side", "main")
	must(err)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Insert("u", vdb.Row{vdb.Int(1), vdb.Text("x@y"), vdb.Null()}), tx.Delete("t", 1))
	})
	commit(t, main, "main")
	update(t, side, func(tx *vdb.Tx) error {
		return errors.Join(tx.Insert("u", vdb.Row{vdb.Int(2), vdb.Text("x@y"), vdb.Null()}), tx.Insert("u", vdb.Row{vdb.Int(3), vdb.Text("z"), vdb.Int(1)}))
	})
	commit(t, side, "side")
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConstraint) {
		t.Fatal(err)
	}
	return main
}

func violationCount(t *testing.T, b *vdb.Branch) (n int) {
	t.Helper()
	for _, err := range b.Violations(t.Context()) {
		must(err)
		n++
	}
	return n
}

// TestAcceptViolations accepts one row, and the merge still waits for the other.
func TestAcceptViolations(t *testing.T) {
	main := brokenMerge(t)
	for _, key := range [][]any{{1}, {9}} {
		if err := main.AcceptViolations(t.Context(), "u", key); !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("row %v, which breaks no rule: %v", key, err)
		}
	}
	if err := main.AcceptViolations(t.Context(), "t"); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("a table without violations: %v", err)
	}
	must(main.AcceptViolations(t.Context(), "U", []any{3}))
	if n := violationCount(t, main); n != 1 {
		t.Errorf("%d violations are left", n)
	}
	if _, err := main.Commit(t.Context(), vdb.Message{}); !errors.Is(err, vdb.ErrConstraint) {
		t.Errorf("commit with one of two accepted: %v", err)
	}
	must(main.AcceptViolations(t.Context(), "u"))
	if c := commit(t, main, "accepted"); len(c.Parents) != 2 {
		t.Errorf("the merge's commit has %d parents", len(c.Parents))
	}
	if err := main.AcceptViolations(t.Context(), "u"); !errors.Is(err, vdb.ErrNotMerging) {
		t.Errorf("after the merge: %v", err)
	}
	err := main.Update(t.Context(), func(tx *vdb.Tx) error {
		return tx.Put("u", vdb.Row{vdb.Int(3), vdb.Text("other"), vdb.Int(1)})
	})
	if !errors.Is(err, vdb.ErrConstraint) {
		t.Errorf("a later write of an accepted row: %v", err)
	}
}
