package nbs_test

import (
	"path/filepath"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

func TestMemory(t *testing.T) {
	nbstest.Run(t, func(*testing.T) nbstest.Store { return nbs.NewMemory() })
}

func TestStore(t *testing.T) {
	nbstest.Run(t, func(t *testing.T) nbstest.Store { return open(t, t.TempDir(), nil) })
}

func open(t *testing.T, dir string, opts *nbs.Options) *nbs.Store {
	t.Helper()
	s, err := nbs.Open(t.Context(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "store")
	var root hash.Hash
	for round := range uint64(5) {
		s := open(t, dir, nil)
		nbstest.WantRoot(t, s, root)
		for i := range round * 50 {
			nbstest.WantChunk(t, s, nbstest.Chunk(i, 900))
		}
		w := s.NewWriter()
		for i := range uint64(50) {
			root = nbstest.MustPut(t, w, nbstest.Chunk(round*50+i, 900))
		}
		nbstest.MustCommit(t, s, w, root)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCompactionInBackground writes many small journals, and reads all of it
// back from the tables that they were turned and merged into.
func TestCompactionInBackground(t *testing.T) {
	dir := t.TempDir()
	opts := &nbs.Options{JournalBytes: 64 << 10, CacheBytes: -1}
	s := open(t, dir, opts)
	w := s.NewWriter()
	var root hash.Hash
	const commits, each = 400, 10
	for i := range uint64(commits) {
		for k := range uint64(each) {
			root = nbstest.MustPut(t, w, nbstest.Chunk(i*each+k, 1000))
		}
		nbstest.MustCommit(t, s, w, root)
	}
	check := func() {
		t.Helper()
		nbstest.WantRoot(t, s, root)
		for i := range uint64(commits * each) {
			nbstest.WantChunk(t, s, nbstest.Chunk(i, 1000))
		}
	}
	check()
	stats := s.Stats()
	if stats.TableFiles == 0 || stats.CompactError != nil {
		t.Errorf("no compaction: %+v", stats)
	}
	t.Logf("%+v", stats)
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, opts)
	check()
	stats = s.Stats()
	if stats.TableFiles > 12 || stats.Chunks != commits*each {
		t.Errorf("after Compact: %+v", stats)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
