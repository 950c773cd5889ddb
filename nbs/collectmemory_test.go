package nbs_test

import (
	"runtime"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// TestCollectMemory checks how much a full collection holds in memory for each chunk.
func TestCollectMemory(t *testing.T) {
	chunks := 100_000
	if *soak {
		chunks = 1_000_000
	}
	s := openLinked(t, t.TempDir(), nbs.Options{Versions: versionsOf})
	defer s.Close()
	ctx := t.Context()
	w := s.NewWriter()
	put := func(data []byte) hash.Hash {
		h, err := w.Put(ctx, data)
		must(t, err)
		return h
	}
	var top, level []hash.Hash
	for i := range chunks {
		level = append(level, put(link(uint64(i), 40)))
		if len(level) == 250 {
			top, level = append(top, put(link(uint64(i), 0, level...))), nil
		}
		if len(top) == 250 {
			top = []hash.Hash{put(link(uint64(i), 1, top...))}
		}
	}
	root := put(link(0, 2, append(top, level...)...))
	must(t, s.Commit(ctx, w, nbstest.Set(root)))
	_, err := s.Collect(ctx, nil)
	must(t, err)
	held := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, at := held(), uint64(0)
	r, err := s.Collect(ctx, &nbs.CollectOptions{Full: true, Progress: func(done, total int64) {
		if done == total {
			at = max(at, held())
		}
	}})
	must(t, err)
	if int(r.KeptChunks) < chunks {
		t.Fatalf("%+v", r)
	}
	each := int64(at-before) / int64(chunks)
	t.Logf("%d chunks: %d bytes each, %d MB in all", chunks, each, (at-before)>>20)
	if each > 110 {
		t.Error("that is too much")
	}
}
