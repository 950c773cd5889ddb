package vdb_test

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

// benchRows is the size of the table that benchmarks read and write.
const benchRows = 1_000_000

var benchSchema = vdb.Schema{
	Name:       "rows",
	Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "name", Type: "TEXT"}, {Name: "mail", Type: "TEXT"}, {Name: "amount", Type: "INTEGER"}, {Name: "note", Type: "TEXT"}},
	PrimaryKey: []string{"id"},
}

// benchRow is about 120 bytes.
func benchRow(i int64) vdb.Row {
	return vdb.Row{
		vdb.Int(i), vdb.Text(fmt.Sprintf("customer %09d", i)), vdb.Text(fmt.Sprintf("mail.%d@example.com", i)),
		vdb.Int(i * 7 % 1000), vdb.Text(fmt.Sprintf("a note about customer %d that fills up the row to its size %x", i, uint64(i)*0x9e3779b97f4a7c15)),
	}
}

// benchDB is a database on disk with one loaded and committed table.
func benchDB(b *testing.B, rows int64) (*vdb.DB, *vdb.Branch) {
	b.Helper()
	db, err := vdb.Open(b.Context(), b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	main := mainBranch(b, db)
	update(b, main, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(benchSchema); err != nil {
			return err
		}
		for i := range rows {
			if err := tx.Put("rows", benchRow(i)); err != nil {
				return err
			}
		}
		return nil
	})
	commit(b, main, "load")
	return db, main
}

func BenchmarkUpdateOneRow(b *testing.B) {
	_, main := benchDB(b, benchRows)
	syncs := main.DB().Stats().Syncs
	b.ReportAllocs()
	i, n := int64(0), 0
	for b.Loop() {
		i = (i*6364136223846793005 + 1442695040888963407) & (1<<62 - 1)
		row := benchRow(i % benchRows)
		row[3] = vdb.Int(i % 1000)
		update(b, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
		n++
	}
	b.ReportMetric(float64(main.DB().Stats().Syncs-syncs)/float64(n), "syncs/op")
}
