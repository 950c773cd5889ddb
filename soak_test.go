package vdb_test

import (
	"flag"
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
