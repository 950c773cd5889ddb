package nbs

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// flatStore opens a store whose root leads to all other chunks.
func flatStore(t *testing.T, fsys FS, o Options) *Store {
	t.Helper()
	o.FS = fsys
	o.LeadsTo = func(context.Context, Chunks, hash.Hash, bool) (LeadsToFunc, error) {
		return func(dst []hash.Hash, _ hash.Hash, data []byte) ([]hash.Hash, error) {
			for ; data[0] == 'r' && len(data) > hash.Size; data = data[:len(data)-hash.Size] {
				dst = append(dst, hash.Hash(data[len(data)-hash.Size:]))
			}
			return dst, nil
		}, nil
	}
	s, err := Open(t.Context(), t.TempDir(), &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// commitBytes commits a chunk that nothing leads to.
func commitBytes(t *testing.T, s *Store, n uint64) {
	w := s.NewWriter()
	if _, err := w.Put(t.Context(), append([]byte("x"), numbered(n)...)); err != nil {
		t.Error(err)
	}
	if err := s.Commit(t.Context(), w, func(_ context.Context, root hash.Hash) (hash.Hash, error) { return root, nil }); err != nil {
		t.Error(err)
	}
}

// TestYield checks when work in the background waits, and for how long.
func TestYield(t *testing.T) {
	s := flatStore(t, nil, Options{JournalBytes: 64 << 10})
	n := uint64(0)
	// least is the shortest of some pauses after ten milliseconds of work, for others
	// may have the processor.
	least := func(prepare func(*yielder)) time.Duration {
		shortest := time.Hour
		for range 20 {
			y := s.newYielder()
			prepare(y)
			y.since = time.Now().Add(-yieldMost)
			began := time.Now()
			if err := y.pause(t.Context()); err != nil {
				t.Fatal(err)
			}
			shortest = min(shortest, time.Since(began))
		}
		return shortest
	}
	commit := func(*yielder) { n++; commitBytes(t, s, n) }
	if d := least(func(*yielder) {}); d >= yieldMost {
		t.Errorf("without commits a pause is %v", d)
	}
	if d := least(commit); d < yieldMost {
		t.Errorf("beside commits a pause is %v", d)
	}
	if d := least(func(y *yielder) { commit(y); y.holds = true }); d >= yieldMost {
		t.Errorf("with the lock held a pause is %v", d)
	}
	s.compaction.stop() // commits come faster than anybody compacts
	for s.journals() < yieldJournals {
		commit(nil)
	}
	if d := least(commit); d >= yieldMost {
		t.Errorf("with a backlog a pause is %v", d)
	}
}

// TestTablesAreSyncedInPieces collects alone and beside commits, which wait for the disk
// while a table is synced.
func TestTablesAreSyncedInPieces(t *testing.T) {
	fsys := &dirtyFS{FS: osFS{}}
	s := flatStore(t, fsys, Options{JournalBytes: -1})
	w := s.NewWriter()
	root := []byte("r")
	for i := range 512 {
		h, err := w.Put(t.Context(), incompressible(uint64(i), 8<<10))
		if err != nil {
			t.Fatal(err)
		}
		root = append(root, h[:]...)
	}
	top, err := w.Put(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), w, func(context.Context, hash.Hash) (hash.Hash, error) { return top, nil }); err != nil {
		t.Fatal(err)
	}
	collect := func() int64 {
		fsys.most.Store(0)
		if _, err := s.Collect(t.Context(), &CollectOptions{Full: true}); err != nil {
			t.Fatal(err)
		}
		return fsys.most.Load()
	}
	if n := collect(); n < 4<<20 {
		t.Errorf("alone %d bytes were synced at once, want all 4 MB", n)
	}
	const most = besideBytes + 2*8<<10
	n := int64(0)
	for range 10 { // the commits may be late
		ctx, stop := context.WithCancel(t.Context())
		var commits sync.WaitGroup
		commits.Go(func() {
			for i := uint64(0); ctx.Err() == nil; i++ {
				commitBytes(t, s, i)
			}
		})
		n = collect()
		stop()
		commits.Wait()
		if n <= most {
			return
		}
	}
	t.Errorf("beside commits %d bytes were synced at once, want %d at most", n, most)
}

func incompressible(seed uint64, n int) []byte {
	return append([]byte("x"), mask(hash.Of(numbered(seed)), make([]byte, n-1))...)
}

// dirtyFS tells how much of a table was written at most before it was synced.
type dirtyFS struct {
	FS
	most atomic.Int64
}

func (f *dirtyFS) OpenFile(name string, flag int, perm os.FileMode) (File, error) {
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil || !strings.Contains(name, tablePrefix) {
		return file, err
	}
	return &dirtyFile{File: file, fs: f}, nil
}

type dirtyFile struct {
	File
	fs    *dirtyFS
	dirty int64
}

func (f *dirtyFile) WriteAt(p []byte, off int64) (int, error) {
	f.dirty += int64(len(p))
	return f.File.WriteAt(p, off)
}

func (f *dirtyFile) Sync() error {
	f.fs.most.Store(max(f.fs.most.Load(), f.dirty))
	f.dirty = 0
	return f.File.Sync()
}
