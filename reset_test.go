package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

func TestResetHard(t *testing.T) {
	db, main := thingsDB(t)
	first := asOf(t, main, "HEAD")
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("things", 1) })
	commit(t, main, "bad")
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("things", 2) })
	if err := main.ResetHard(t.Context(), "HEAD~"); err != nil {
		t.Fatal(err)
	}
	for _, rev := range []string{"HEAD", "WORKING", "STAGED"} {
		if asOf(t, main, rev).Root() != first.Root() {
			t.Errorf("%s is not what it was", rev)
		}
	}
	wantError(t, main.ResetHard(t.Context(), "nope"), vdb.ErrNotFound)
	wantError(t, main.ResetHard(t.Context(), "WORKING"), vdb.ErrInvalid)
	if _, err := db.CreateBranch(t.Context(), "gone", "main"); err != nil {
		t.Fatal(err)
	}
	gone, err := db.Branch(t.Context(), "gone")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.DeleteBranch(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	wantError(t, gone.ResetHard(t.Context(), "main"), vdb.ErrNotFound)
}

func TestResetSoft(t *testing.T) {
	db, main := thingsDB(t)
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("things", 1) })
	second := commit(t, main, "second")
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("things", 2) })
	if err := main.ResetSoft(t.Context(), "HEAD~"); err != nil {
		t.Fatal(err)
	}
	wantChanges(t, db.Diff(t.Context(), "HEAD", "WORKING"), "things", nil,
		"deleted [1] [1 't' 10 100] → [] []", "deleted [2] [2 't' 20 200] → [] []")
	c := commit(t, main, "both")
	if len(c.Parents) != 1 || c.Parents[0] == second.Hash {
		t.Errorf("parents %v", c.Parents)
	}
}

func TestResetTables(t *testing.T) {
	db, main := companyDB(t, 5)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("billing", vdb.Row{vdb.Text("c001"), vdb.Int(7)}), tx.Delete("events", 1), tx.CreateTable(things))
	})
	if err := main.ResetTables(t.Context(), "HEAD", "Billing", "things"); err != nil {
		t.Fatal(err)
	}
	var changed []string
	for c, err := range db.Diff(t.Context(), "HEAD", "WORKING").Tables() {
		if err != nil {
			t.Fatal(err)
		}
		changed = append(changed, c.Name())
	}
	wantLines(t, changed, []string{"events"})
	wantError(t, main.ResetTables(t.Context(), "HEAD", "nope"), vdb.ErrNotFound)
	update(t, main, func(tx *vdb.Tx) error { return dropCustomer(tx, 4) })
	wantError(t, main.ResetTables(t.Context(), "HEAD", "billing"), vdb.ErrConstraint)
}

func TestResetRenamedTable(t *testing.T) {
	db, main := thingsDB(t)
	first := asOf(t, main, "HEAD")
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.RenameTable("things", "goods"), tx.RenameColumn("goods", "a", "label"))
	})
	wantError(t, main.ResetTables(t.Context(), "HEAD", "things"), vdb.ErrInvalid)
	if err := main.ResetTables(t.Context(), "HEAD", "things", "goods"); err != nil {
		t.Fatal(err)
	}
	if asOf(t, main, "WORKING").Root() != first.Root() {
		t.Error("the root is not what it was")
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "x", 10, 100)) })
	wantChanges(t, db.Diff(t.Context(), "HEAD", "WORKING"), "things", nil, "modified [1] [1 't' 10 100] → [1 'x' 10 100] [a]")
}
