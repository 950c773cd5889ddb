package nbs_test

import (
	"context"
	"errors"
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

// BenchmarkCommitBesideCollect makes small commits, alone and while full collections
// of 120 MB run one after the other, and reports the 99th percentile of how long they took.
func BenchmarkCommitBesideCollect(b *testing.B) {
	for _, beside := range []bool{false, true} {
		b.Run("collecting="+strconv.FormatBool(beside), func(b *testing.B) {
			s := openLinked(b, b.TempDir(), nbs.Options{})
			defer s.Close()
			makeGarbage(b, s, 30_000, 0)
			ctx, stop := context.WithCancel(b.Context())
			var done sync.WaitGroup
			if beside {
				done.Go(func() {
					for ctx.Err() == nil {
						_, _ = s.Collect(ctx, &nbs.CollectOptions{Full: true}) // stopped in the end
					}
				})
			}
			var took []time.Duration
			w := s.NewWriter()
			for i := 0; b.Loop(); i++ {
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
			stop()
			done.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
