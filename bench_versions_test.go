package vdb_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/vdbgo/vdb"
)

// historyCommits is how many one-row commits BenchmarkVersions makes; a million take
// some minutes.
var historyCommits = flag.Int("history", 2000, "commits of one row for BenchmarkVersions")

// historyRows is the size of the table that they change.
const historyRows = 10_000

// BenchmarkVersions makes many commits of one row each, has them collected, and reads
// rows as of any of them.
func BenchmarkVersions(b *testing.B) {
	dir := b.TempDir()
	db, err := vdb.Open(b.Context(), dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	commits := writeHistory(b, db, *historyCommits)
	compact(b, db)
	bytes := tableBytes(b, dir)
	b.Logf("%d commits, %d MB", len(commits), bytes>>20)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	perCommit := float64(bytes-historyBase) / float64(len(commits))
	for _, c := range []struct {
		name  string
		cache int64
		from  int
	}{{"Cold", -1, 0}, {"Warm", 0, 0}, {"WarmNewest", 0, len(commits) - 1}} {
		b.Run("AsOf"+c.name, func(b *testing.B) {
			readHistory(b, dir, c.cache, commits[c.from:])
			b.ReportMetric(perCommit, "B/commit")
		})
	}
}

// historyBase is about what the table takes without its history.
const historyBase = 500_000

// writeHistory returns the hashes of the commits that it makes.
func writeHistory(b *testing.B, db *vdb.DB, n int) []string {
	b.Helper()
	main := mainBranch(b, db)
	putRows(b, main, historyRows)
	random := rand.New(rand.NewPCG(1, 2))
	var made []string
	for i := range n {
		row := benchRow(random.Int64N(historyRows))
		row[3] = vdb.Int(int64(i))
		row[4] = vdb.Text(fmt.Sprintf("note %d of many that customers get", i))
		update(b, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
		made = append(made, commit(b, main, fmt.Sprintf("change %d", i)).Hash.String())
	}
	return made
}

// readHistory reads a row of a table as of one commit after another.
func readHistory(b *testing.B, dir string, cacheBytes int64, commits []string) {
	db, err := vdb.Open(b.Context(), dir, &vdb.Options{CacheBytes: cacheBytes, ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	random := rand.New(rand.NewPCG(3, 4))
	c := measure(b, db)
	for b.Loop() {
		s, err := db.AsOf(b.Context(), commits[random.IntN(len(commits))])
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Get("rows", random.Int64N(historyRows)); err != nil {
			b.Fatal(err)
		}
	}
	c.report(b)
}
