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
