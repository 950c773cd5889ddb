package vdb_test

import (
	"testing"

	"github.com/vdbgo/vdb"
)

// changeRows commits random changes of an indexed column.
func changeRows(b *testing.B, branch *vdb.Branch, pick func() int64, n int) *vdb.Commit {
	b.Helper()
	update(b, branch, func(tx *vdb.Tx) error {
		for range n {
			row := benchRow(pick())
			row[3] = vdb.Int(row[3].Int() + 1000 + pick()%1000)
			if err := tx.Put("rows", row); err != nil {
				return err
			}
		}
		return nil
	})
	return commit(b, branch, "change")
}

// BenchmarkMerge merges 1,000 changed rows with 1,000 others, whose index
// entries moved too, in a table of a million.
func BenchmarkMerge(b *testing.B) {
	db, main := benchDB(b, benchRows)
	update(b, main, func(tx *vdb.Tx) error {
		return tx.CreateIndex("rows", vdb.Index{Name: "by_amount", Columns: []vdb.IndexColumn{{Name: "amount"}}})
	})
	commit(b, main, "index")
	side, err := db.CreateBranch(b.Context(), "side", "main")
	if err != nil {
		b.Fatal(err)
	}
	pick := picks()
	ours := changeRows(b, main, pick, 1000)
	changeRows(b, side, pick, 1000)
	c := measure(b, db)
	for b.Loop() {
		if _, err := main.Merge(b.Context(), "side", &vdb.MergeOptions{Take: vdb.Ours}); err != nil {
			b.Fatal(err)
		}
		if err := main.ResetHard(b.Context(), ours.Hash.String()); err != nil {
			b.Fatal(err)
		}
	}
	c.report(b)
}
