package vdb_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

var soak = flag.Bool("soak", false, "run tests that take minutes")

// TestMemory loads ten million rows and scans them, in bounded memory.
func TestMemory(t *testing.T) {
	rows := int64(200_000)
	if *soak {
		rows = 10_000_000
	}
	db, main := openDir(t, t.TempDir())
	peak := watchMemory(t)
	update(t, main, func(tx *vdb.Tx) error {
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
	s, err := main.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, err := range s.Rows("rows", vdb.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != rows {
		t.Fatalf("%d rows, want %d", n, rows)
	}
	const limit = (64 + 256) << 20 // the cache's default budget, and 256 MiB
	used := peak()
	t.Logf("%d rows, %d MiB on disk: peak of %d MiB", rows, (db.Stats().TableBytes+db.Stats().JournalBytes)>>20, used>>20)
	if used > limit {
		t.Errorf("memory: %d MiB, the limit is %d MiB", used>>20, limit>>20)
	}
}

// watchMemory samples what the program holds from the operating system; the
// function that it returns ends that and tells the peak in bytes. What the tests before
// have left does not count.
func watchMemory(t *testing.T) func() uint64 {
	debug.FreeOSMemory()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var top uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top = max(top, m.Sys-m.HeapReleased)
			select {
			case <-stop:
				peak <- top
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-peak
	}
}

// TestManyCommits makes commits of one row each in a table of ten thousand, a million
// with -soak. Then the database collects by itself, else when it is told to.
func TestManyCommits(t *testing.T) {
	const rows = 10_000
	commits := 3_000
	if *soak {
		commits = 1_000_000
	}
	dir := t.TempDir()
	db, main := openDir(t, dir)
	putRows(t, main, rows)
	const journals = 5 * 64 << 20 // see nbs.Options.JournalBytes: commits are delayed from three on
	largest, began := int64(0), time.Now()
	for i := range commits {
		row := benchRow(int64(i) * 7919 % rows)
		row[4] = vdb.Text(fmt.Sprint("note ", i))
		update(t, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
		commit(t, main, fmt.Sprint("change ", i))
		if i%1000 == 999 {
			s := db.Stats()
			size := s.JournalBytes + s.TableBytes
			largest = max(largest, size)
			if s.CompactError != nil || size > journals+int64(i)*1000 {
				t.Fatalf("after %d commits: %d MB, of these %d MB of journals, %v", i+1, size>>20, s.JournalBytes>>20, s.CompactError)
			}
		}
	}
	took := time.Since(began)
	if !*soak {
		if _, err := db.Collect(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	s := db.Stats()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	bytes := tableBytes(t, dir)
	t.Logf("%d commits in %v: %d MB, journals included %d MB, at most %d MB; %d MB appended, %d collections, %d commits delayed",
		commits, took, bytes>>20, (s.JournalBytes+s.TableBytes)>>20, largest>>20, s.AppendedBytes>>20, s.Collections, s.Delays)
	const rowBytes = 150 // of the table, at most
	if s.Collections == 0 || bytes > rows*rowBytes+int64(commits)*1500 || bytes+s.JournalBytes > 1<<30 {
		t.Error("want collections, 1.5 KB a commit, and less than 1 GB")
	}
	db, main = openDir(t, dir)
	report, err := db.Check(t.Context(), nil)
	if err != nil || !report.OK() {
		t.Fatalf("%v, %v", report, err)
	}
	head, err := main.Head(t.Context())
	if err != nil || head.Height < uint64(commits) {
		t.Fatalf("%+v, %v", head, err)
	}
}
