package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestBlameAt attributes rows as an old revision had them.
func TestBlameAt(t *testing.T) {
	main := exampleBranch(t.Context())
	defer main.DB().Close()
	was, err := main.Head(t.Context())
	must(err)
	must(main.Update(t.Context(), func(tx *vdb.Tx) error {
		return tx.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(1)})
	}))
	_, err = main.Commit(t.Context(), vdb.Message{Text: "Census"})
	must(err)
	n := 0
	for row, err := range main.DB().BlameAt(t.Context(), "HEAD~", "cities", vdb.Range{}) {
		must(err)
		if n++; row.Commit.Hash != was.Hash || row.Row[1].Int() == 1 {
			t.Errorf("%v is of %s", row.Row, row.Commit.Short())
		}
	}
	if n != 2 {
		t.Errorf("%d rows", n)
	}
	for _, err := range main.DB().BlameAt(t.Context(), "nowhere", "cities", vdb.Range{}) {
		if !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("an unknown revision: %v", err)
		}
	}
}

// TestBlameAcrossKeys attributes single rows of a table that was keyed by a
// column of another type before.
func TestBlameAcrossKeys(t *testing.T) {
	main := mainBranch(t, openMemory(t))
	columns := []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "code", Type: "TEXT"}}
	rows := []vdb.Row{{vdb.Int(1), vdb.Text("a")}, {vdb.Int(2), vdb.Text("b")}}
	for _, key := range []string{"id", "code"} {
		update(t, main, func(tx *vdb.Tx) error {
			if err := tx.DropTable("t"); err != nil && !errors.Is(err, vdb.ErrNotFound) {
				return err
			}
			return errors.Join(tx.CreateTable(vdb.Schema{Name: "t", Columns: columns, PrimaryKey: []string{key}}), tx.Put("t", rows[0]), tx.Put("t", rows[1]))
		})
		commit(t, main, "keyed by "+key)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", vdb.Row{vdb.Int(3), vdb.Text("b")}) })
	commit(t, main, "changed")
	for code, want := range map[string]string{"a": "keyed by code", "b": "changed"} {
		for row, err := range main.Blame(t.Context(), "t", vdb.Range{Prefix: []any{code}}) {
			must(err)
			if row.Commit.Text != want {
				t.Errorf("row %s is of %q, want %q", code, row.Commit.Text, want)
			}
		}
	}
}
