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
