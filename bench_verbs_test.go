package vdb_test

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

// editRows commits a change of n rows spread over the table.
func editRows(b *testing.B, main *vdb.Branch, n int64, edit func(tx *vdb.Tx, i int64) error) *vdb.Commit {
	b.Helper()
	update(b, main, func(tx *vdb.Tx) error {
		for i := range n {
			if err := edit(tx, i*(benchRows/n)+i%97); err != nil {
				return err
			}
		}
		return nil
	})
	return commit(b, main, fmt.Sprint("edit ", n))
}

func touchRow(tx *vdb.Tx, i int64) error {
	row := benchRow(i)
	row[3] = vdb.Int(-1)
	return tx.Put("rows", row)
}

func BenchmarkDiffTenRows(b *testing.B) {
	db, main := benchDB(b, benchRows)
	editRows(b, main, 10, touchRow)
	c := measure(b, db)
	for b.Loop() {
		n := 0
		for _, err := range db.Diff(b.Context(), "HEAD~", "HEAD").Rows("rows") {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10 {
			b.Fatalf("%d changes", n)
		}
	}
	c.report(b)
}

// laterCommits makes commits of one row each.
func laterCommits(b *testing.B, main *vdb.Branch, n int64) {
	b.Helper()
	pick := picks()
	for i := range n {
		row := benchRow(pick())
		row[3] = vdb.Int(1000 + i)
		update(b, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
		commit(b, main, "later")
	}
}

// BenchmarkRevertUnderLaterCommits reverts 400 deletions under 500 commits.
func BenchmarkRevertUnderLaterCommits(b *testing.B) {
	db, main := benchDB(b, benchRows)
	update(b, main, func(tx *vdb.Tx) error {
		return tx.CreateIndex("rows", vdb.Index{Name: "by_mail", Columns: []vdb.IndexColumn{{Name: "mail"}}})
	})
	commit(b, main, "index")
	bad := editRows(b, main, 400, func(tx *vdb.Tx, i int64) error { return tx.Delete("rows", i) })
	laterCommits(b, main, 500)
	head, err := main.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	c := measure(b, db)
	for b.Loop() {
		if _, err := main.Revert(b.Context(), bad.Hash.String(), nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := main.ResetHard(b.Context(), head.Hash.String()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	c.report(b)
}

// BenchmarkRestoreDeletedRows finds 400 deleted rows by the diff and puts them back.
func BenchmarkRestoreDeletedRows(b *testing.B) {
	db, main := benchDB(b, benchRows)
	editRows(b, main, 400, func(tx *vdb.Tx, i int64) error { return tx.Delete("rows", i) })
	c := measure(b, db)
	for b.Loop() {
		done, err := main.Restore(b.Context(), vdb.Restore{From: "HEAD~", Table: "rows", DryRun: true})
		if err != nil || len(done.Changes) != 400 {
			b.Fatal(err)
		}
	}
	c.report(b)
}

// BenchmarkHistory reads the history of one row of 1,000 commits, of which 2
// changed it.
func BenchmarkHistory(b *testing.B) {
	db, main := benchDB(b, benchRows)
	editRows(b, main, 10, touchRow)
	laterCommits(b, main, 1000)
	c := measure(b, db)
	for b.Loop() {
		for _, err := range main.History(b.Context(), "rows", 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	c.report(b)
}
