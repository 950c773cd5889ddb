package nbs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

func openB(b *testing.B, dir string, opts *nbs.Options) *nbs.Store {
	b.Helper()
	s, err := nbs.Open(b.Context(), dir, opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkCommit commits one chunk of 4 KB at a time from many goroutines.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) { benchmarkCommit(b, writers) })
	}
}

func benchmarkCommit(b *testing.B, writers int) {
	s := openB(b, b.TempDir(), nil)
	steps := make(chan uint64)
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			w := s.NewWriter()
			for i := range steps {
				if err := commitOne(b.Context(), s, w, i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		i++
		steps <- i
	}
	close(steps)
	done.Wait()
	stats := s.Stats()
	b.ReportMetric(float64(stats.Syncs)/float64(stats.Commits), "syncs/commit")
}

var chunk4K = nbstest.Chunk(1, 4096)

func commitOne(ctx context.Context, s *nbs.Store, w *nbs.Writer, i uint64) error {
	data := append(make([]byte, 0, 4104), chunk4K...)
	data = append(data, byte(i), byte(i>>8), byte(i>>16), byte(i>>24))
	root, err := w.Put(ctx, data)
	if err != nil {
		return err
	}
	return s.Commit(ctx, w, nbstest.Set(root))
}

// fill commits chunks of 4 KB and returns their addresses.
func fill(b *testing.B, s *nbs.Store, chunks int) []hash.Hash {
	b.Helper()
	w := s.NewWriter()
	all := make([]hash.Hash, chunks)
	for i := range all {
		h, err := w.Put(b.Context(), nbstest.Chunk(uint64(i), 4096))
		if err != nil {
			b.Fatal(err)
		}
		all[i] = h
		if i%1000 == 999 || i == chunks-1 {
			if err := s.Commit(b.Context(), w, nbstest.Set(h)); err != nil {
				b.Fatal(err)
			}
		}
	}
	return all
}

// BenchmarkGet reads chunks of 4 KB: from the cache, from the journal and from
// tables (in the page cache of the operating system).
func BenchmarkGet(b *testing.B) {
	const chunks = 10_000
	b.Run("cached/hot", func(b *testing.B) {
		s := openB(b, b.TempDir(), nil)
		benchmarkGet(b, s, fill(b, s, 100))
	})
	b.Run("cached", func(b *testing.B) {
		s := openB(b, b.TempDir(), &nbs.Options{CacheBytes: 256 << 20})
		benchmarkGet(b, s, fill(b, s, chunks))
	})
	b.Run("journal", func(b *testing.B) {
		s := openB(b, b.TempDir(), &nbs.Options{CacheBytes: -1})
		benchmarkGet(b, s, fill(b, s, chunks))
	})
	b.Run("table", func(b *testing.B) {
		s := openB(b, b.TempDir(), &nbs.Options{CacheBytes: -1})
		all := fill(b, s, chunks)
		if err := s.Compact(b.Context()); err != nil {
			b.Fatal(err)
		}
		benchmarkGet(b, s, all)
	})
}

func benchmarkGet(b *testing.B, s *nbs.Store, all []hash.Hash) {
	ctx := b.Context()
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Get(ctx, all[i%len(all)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGetParallel reads from the cache on all cores.
func BenchmarkGetParallel(b *testing.B) {
	s := openB(b, b.TempDir(), &nbs.Options{CacheBytes: 256 << 20})
	all := fill(b, s, 10_000)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		random := rand.New(rand.NewPCG(1, 1))
		for p.Next() {
			if _, err := s.Get(b.Context(), all[random.IntN(len(all))]); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkRoot reads the root, other processes' commits included.
func BenchmarkRoot(b *testing.B) {
	s := openB(b, b.TempDir(), nil)
	fill(b, s, 10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Root(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHas looks for chunks that are not there, as every Put does.
func BenchmarkHas(b *testing.B) {
	s := openB(b, b.TempDir(), nil)
	fill(b, s, 10_000)
	if err := s.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	fill(b, s, 10_001)
	var h hash.Hash
	random := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		for i := range 4 {
			h[i] = byte(random.Uint32())
		}
		if _, err := s.Has(b.Context(), h); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad writes chunks of 4 KB in one commit.
func BenchmarkLoad(b *testing.B) {
	const chunks = 5_000
	data := make([][]byte, chunks)
	for i := range data {
		data[i] = nbstest.Chunk(uint64(i), 4096)
	}
	b.SetBytes(chunks * 4096)
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		b.StopTimer()
		s, err := nbs.Open(b.Context(), filepath.Join(b.TempDir(), fmt.Sprint(round)), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		w := s.NewWriter()
		var root hash.Hash
		for _, d := range data {
			if root, err = w.Put(b.Context(), d); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Commit(b.Context(), w, nbstest.Set(root)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkOpen opens a store with a journal that is about to be compacted, and
// with tables: after Close, and as a crash leaves it, without an index file for
// the last commits.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := nbs.Open(b.Context(), dir, &nbs.Options{JournalBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s, 200_000)
	if err := s.Compact(b.Context()); err != nil {
		b.Fatal(err)
	}
	w := s.NewWriter()
	for i := range uint64(64 << 20 / 2900) { // 2.9 KB is what is left of 4 KB
		root, err := w.Put(b.Context(), nbstest.Chunk(1<<40+i, 4096))
		if err != nil {
			b.Fatal(err)
		}
		if i%10 == 0 {
			if err := s.Commit(b.Context(), w, nbstest.Set(root)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Logf("%+v", s.Stats())
	open := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := nbs.Open(b.Context(), dir, &nbs.Options{ReadOnly: true})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Root(b.Context()); err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("crashed", open)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("closed", open)
}
