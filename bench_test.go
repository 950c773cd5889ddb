package vdb_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/nbs"
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
	return benchDBWith(b, rows, nil)
}

func benchDBWith(b *testing.B, rows int64, o *vdb.Options) (*vdb.DB, *vdb.Branch) {
	b.Helper()
	db, err := vdb.Open(b.Context(), b.TempDir(), o)
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
	compact(b, db)
	return db, main
}

// compact does what would else run in the background of what is measured.
func compact(b *testing.B, db *vdb.DB) {
	b.Helper()
	if err := db.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// costs reports what an operation takes of the processor, the disk and syncs,
// beside the time that it takes.
type costs struct {
	db    *vdb.DB
	cpu   time.Duration
	stats nbs.Stats
}

func measure(b *testing.B, db *vdb.DB) *costs {
	b.ReportAllocs()
	return &costs{db: db, cpu: cpuTime(), stats: db.Stats()}
}

func (c *costs) report(b *testing.B) {
	now, n := c.db.Stats(), float64(b.N)
	b.ReportMetric(float64((cpuTime()-c.cpu).Microseconds())/n, "cpu-µs/op")
	b.ReportMetric(float64(now.Syncs-c.stats.Syncs)/n, "syncs/op")
	b.ReportMetric(float64(now.AppendedBytes-c.stats.AppendedBytes)/n, "disk-B/op")
}

// picks are row numbers in random order.
func picks() func() int64 {
	rng := rand.New(rand.NewPCG(1, 2))
	return func() int64 { return rng.Int64N(benchRows) }
}

// BenchmarkUpdateOneRow updates random rows of a table that is larger than the
// cache; BenchmarkUpdateOneRowWarm of one that the cache holds.
func BenchmarkUpdateOneRow(b *testing.B) {
	db, main := benchDB(b, benchRows)
	updateOneRow(b, db, main)
}

func BenchmarkUpdateOneRowWarm(b *testing.B) {
	db, main := benchDBWith(b, benchRows, &vdb.Options{CacheBytes: 1 << 30})
	s, err := main.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for range 2 {
		for _, err := range s.Rows("rows", vdb.Range{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	updateOneRow(b, db, main)
}

func updateOneRow(b *testing.B, db *vdb.DB, main *vdb.Branch) {
	pick, c, n := picks(), measure(b, db), int64(0)
	for b.Loop() {
		n++
		row := benchRow(pick())
		row[3] = vdb.Int(n % 1000)
		update(b, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
	}
	c.report(b)
}

func BenchmarkUpdateAndCommitOneRow(b *testing.B) {
	db, main := benchDB(b, benchRows)
	pick, c := picks(), measure(b, db)
	n := int64(0)
	for b.Loop() {
		n++
		row := benchRow(pick())
		row[3] = vdb.Int(n % 1000)
		update(b, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
		if _, err := main.Commit(b.Context(), vdb.Message{Author: "Support", Text: "one row", AllowEmpty: true}); err != nil {
			b.Fatal(err)
		}
	}
	c.report(b)
}

func BenchmarkCommit(b *testing.B) {
	db, main := benchDB(b, 1000)
	c := measure(b, db)
	for b.Loop() {
		if _, err := main.Commit(b.Context(), vdb.Message{Author: "Support", Text: "nothing", AllowEmpty: true}); err != nil {
			b.Fatal(err)
		}
	}
	c.report(b)
}

// BenchmarkUpdateConcurrently has 16 goroutines write one row each on one branch.
func BenchmarkUpdateConcurrently(b *testing.B) {
	db, main := benchDB(b, benchRows)
	c := measure(b, db)
	b.SetParallelism(8)
	var next atomic.Int64
	b.ResetTimer() // loading the rows is none of it
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := next.Add(1)
			row := benchRow(n * 7919 % benchRows)
			row[3] = vdb.Int(n)
			update(b, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
		}
	})
	c.report(b)
}
