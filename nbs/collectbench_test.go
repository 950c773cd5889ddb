package nbs_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// makeGarbage fills a store with chunks of 4 KB, some live ones and so many times as much
// garbage, and returns the live bytes.
func makeGarbage(b *testing.B, s *nbs.Store, live, garbage int) int64 {
	b.Helper()
	ctx := b.Context()
	w := s.NewWriter()
	put := func(data []byte) hash.Hash {
		h, err := w.Put(ctx, data)
		if err != nil {
			b.Fatal(err)
		}
		return h
	}
	var tops, leaves []hash.Hash
	for i := range live {
		leaves = append(leaves, put(link(uint64(i), 4096)))
		for k := range garbage {
			put(link(uint64(1_000_000+10*i+k), 4096))
		}
		if len(leaves) == 100 {
			tops, leaves = append(tops, put(link(uint64(i), 0, leaves...))), nil
		}
	}
	root := put(link(0, 0, tops...))
	if err := s.Commit(ctx, w, nbstest.Set(root)); err != nil {
		b.Fatal(err)
	}
	return int64(live) * 4096
}

// BenchmarkCollect collects a store with 90 % garbage: from journals, and from
// tables.
func BenchmarkCollect(b *testing.B) {
	for _, c := range []struct {
		name string
		full bool
	}{{"journal", false}, {"table", true}} {
		b.Run(c.name, func(b *testing.B) {
			for round := 0; b.Loop(); round++ {
				b.StopTimer()
				dir := filepath.Join(b.TempDir(), strconv.Itoa(round))
				s, err := nbs.Open(b.Context(), dir, &nbs.Options{JournalBytes: -1})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(makeGarbage(b, s, 8000, 9))
				if c.full {
					err = s.Compact(b.Context())
				}
				if err := errors.Join(err, s.Close()); err != nil {
					b.Fatal(err)
				}
				s = openLinked(b, dir, nbs.Options{})
				b.StartTimer()
				r, err := s.Collect(b.Context(), &nbs.CollectOptions{Full: c.full})
				if err != nil || r.DroppedChunks < 8*r.KeptChunks {
					b.Fatalf("%+v, %v", r, err)
				}
				b.StopTimer()
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkCommitBesideCollect makes small commits for a while by themselves, beside
// copies of a file of 120 MB, each synced at its end, and beside full collections of as
// many bytes, by turns, and reports the 99th percentiles of how long they took. Copies are
// what any program may do to a disk.
func BenchmarkCommitBesideCollect(b *testing.B) {
	s := openLinked(b, b.TempDir(), nbs.Options{})
	defer s.Close()
	makeGarbage(b, s, 30_000, 0)
	if _, err := s.Collect(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	from := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(from, nbstest.Chunk(1, 120<<20), 0o666); err != nil {
		b.Fatal(err)
	}
	arms := []struct {
		name   string
		beside func(ctx context.Context) error
	}{
		{"alone", func(ctx context.Context) error { <-ctx.Done(); return nil }},
		{"copying", func(ctx context.Context) error { return copyFile(ctx, from, from+".copy") }},
		{"collecting", func(ctx context.Context) error {
			_, err := s.Collect(ctx, &nbs.CollectOptions{Full: true})
			return err
		}},
	}
	took := make([][]time.Duration, len(arms))
	done := make([]int, len(arms))
	for b.Loop() {
		for i, arm := range arms {
			ctx, stop := context.WithTimeout(b.Context(), 2*time.Second)
			var beside sync.WaitGroup
			beside.Go(func() {
				for ctx.Err() == nil {
					if err := arm.beside(ctx); err != nil && ctx.Err() == nil {
						b.Error(err)
						return
					}
					done[i]++
				}
			})
			took[i] = append(took[i], commitUntil(b, ctx, s)...)
			stop()
			beside.Wait()
		}
	}
	for i, arm := range arms {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds()), arm.name+"-p50-µs")
		b.ReportMetric(float64(took[i][len(took[i])*99/100].Microseconds()), arm.name+"-p99-µs")
		b.Logf("%s: %d commits, the longest %v, beside %d of the other", arm.name, len(took[i]), took[i][len(took[i])-1], done[i])
	}
}

// copyFile copies a file and syncs the copy.
func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	for {
		_, err := io.CopyN(out, in, 1<<20)
		if err == io.EOF {
			return out.Sync()
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
}

// commitUntil makes commits of a kilobyte until ctx ends, and returns how long each has taken.
func commitUntil(b *testing.B, ctx context.Context, s *nbs.Store) (took []time.Duration) {
	w := s.NewWriter()
	for i := 0; ctx.Err() == nil; i++ {
		began := time.Now()
		err := s.Commit(b.Context(), w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
			data, err := s.Get(ctx, root)
			if err != nil {
				return root, err
			}
			tops, err := links(nil, root, data)
			if err != nil {
				return root, err
			}
			return w.Put(ctx, link(uint64(i), 1000, tops...))
		})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took
}
