package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestCopyRows takes rows over with their rowids and index entries.
func TestCopyRows(t *testing.T) {
	db := openMemory(t)
	main := mainBranch(t, db)
	notes := vdb.Schema{
		Name:    "notes",
		Columns: []vdb.Column{{Name: "text", Type: "TEXT"}},
		Indexes: []vdb.Index{{Name: "text", Columns: []vdb.IndexColumn{{Name: "text"}}}},
	}
	put := func(text string) func(*vdb.Tx) error {
		return func(tx *vdb.Tx) error { return tx.Put("notes", vdb.Row{vdb.Text(text)}) }
	}
	update(t, main, func(tx *vdb.Tx) error { return errors.Join(tx.CreateTable(notes), put("a")(tx)) })
	commit(t, main, "a")
	update(t, main, func(tx *vdb.Tx) error { return errors.Join(put("b")(tx), put("c")(tx), tx.Delete("notes", 1)) })
	now, err := main.Snapshot(t.Context())
	must(err)
	must(main.UpdateStaged(t.Context(), func(tx *vdb.Tx) error {
		return tx.CopyRows(now, "notes", []any{1}, []any{3}, []any{77})
	}))
	staged, err := main.AsOf(t.Context(), "STAGED")
	must(err)
	if n, err := staged.Count("notes", vdb.Range{}); n != 1 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if row, err := staged.Get("notes", 3); err != nil || row[0].Text() != "c" {
		t.Errorf("row 3 is %v, %v", row, err)
	}
	if n, err := staged.Count("notes", vdb.Range{Index: "text", Prefix: []any{"c"}}); n != 1 || err != nil {
		t.Errorf("%d index entries, %v", n, err)
	}
	must(main.UpdateStaged(t.Context(), func(tx *vdb.Tx) error { return tx.CopyRows(now, "notes", []any{2}) }))
	staged, err = main.AsOf(t.Context(), "STAGED")
	must(err)
	if staged.Root() != now.Root() {
		t.Error("equal rows have different roots")
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.AddColumn("notes", vdb.Column{Name: "more"}) })
	err = main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.CopyRows(now, "notes", []any{2}) })
	if !errors.Is(err, vdb.ErrInvalid) {
		t.Errorf("another schema: %v", err)
	}
}

// TestConflictSchema is asked about tables without conflicts.
func TestConflictSchema(t *testing.T) {
	db, main := forked(t.Context())
	defer db.Close()
	if _, err := main.ConflictSchema(t.Context(), "items"); !errors.Is(err, vdb.ErrNotMerging) {
		t.Errorf("no merge: %v", err)
	}
	if _, err := main.Merge(t.Context(), "sale", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	if _, err := main.ConflictSchema(t.Context(), "other"); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("no such table: %v", err)
	}
}
