package prolly

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

const benchRows = 1_000_000

// benchItems yields rows with 8-byte keys 2, 4, 6, … and values of 100 bytes.
func benchItems(rows int) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var key [8]byte
		value := make([]byte, 100)
		for i := range rows {
			binary.BigEndian.PutUint64(key[:], uint64(i)*2)
			binary.LittleEndian.PutUint64(value, uint64(i)*0x9e3779b97f4a7c15)
			if !yield(Item{Key: key[:], Value: value}, nil) {
				return
			}
		}
	}
}

func benchTree(b *testing.B) (Tree, *memStore) {
	b.Helper()
	s := newStore()
	t, err := Build(context.Background(), nil, s, benchItems(benchRows))
	if err != nil {
		b.Fatal(err)
	}
	return t, s
}

// overlay is a store that keeps what is put apart, so that a benchmark can throw
// it away.
type overlay struct {
	*memStore
	below *memStore
}

func newOverlay(below *memStore) *overlay { return &overlay{newStore(), below} }

func (s *overlay) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if data, ok := s.chunks[h]; ok {
		return data, nil
	}
	return s.below.Get(ctx, h)
}

func benchKey(i uint64) []byte { return binary.BigEndian.AppendUint64(nil, i) }

// perOp reports the time of one of the n operations in each iteration.
func perOp(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), unit)
}

// BenchmarkHash4K is the yardstick: how fast this machine is at this moment.
func BenchmarkHash4K(b *testing.B) {
	data := make([]byte, 4096)
	for b.Loop() {
		hash.Of(data)
	}
}

func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(context.Background(), nil, newStore(), benchItems(benchRows)); err != nil {
			b.Fatal(err)
		}
	}
	perOp(b, benchRows, "ns/row")
}

func BenchmarkGet(b *testing.B) {
	t, _ := benchTree(b)
	r := rand.New(rand.NewPCG(1, 1))
	key := make([]byte, 8)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint64(key, 2*r.Uint64N(benchRows))
		if _, ok, err := t.Get(context.Background(), key); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	t, _ := benchTree(b)
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.At(context.Background(), r.Uint64N(benchRows)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRank(b *testing.B) {
	t, _ := benchTree(b)
	r := rand.New(rand.NewPCG(1, 1))
	key := make([]byte, 8)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint64(key, r.Uint64N(2*benchRows))
		if _, err := t.Rank(context.Background(), key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	t, _ := benchTree(b)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for item, err := range t.Items(context.Background(), Range{}) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(item.Value)
		}
		if n != 100*benchRows {
			b.Fatal(n)
		}
	}
	perOp(b, benchRows, "ns/row")
}

// BenchmarkText reads keys that begin with what all have in common, and have to
// be put together.
func BenchmarkText(b *testing.B) {
	const rows = 3000
	t, err := Build(context.Background(), nil, newStore(), textItems(rows))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Get", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 1))
		b.ReportAllocs()
		for b.Loop() {
			key := fmt.Appendf(make([]byte, 0, 16), "customer%08d", r.Uint64N(rows))
			if _, ok, err := t.Get(context.Background(), key); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("Scan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := drain(t.Items(context.Background(), Range{})); err != nil {
				b.Fatal(err)
			}
		}
		perOp(b, rows, "ns/row")
	})
}

// textItems yields rows with text keys and values of 80 to 119 bytes.
func textItems(rows int) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for i := range rows {
			item := Item{Key: fmt.Appendf(nil, "customer%08d", i), Value: make([]byte, 80+i%40)}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// benchEdits makes n edits, of rows that are there (even keys) or not (odd),
// random or in a cluster that begins at from.
func benchEdits(n int, odd uint64, from int64) []Edit {
	r := rand.New(rand.NewPCG(2, odd))
	keys := make([]uint64, n)
	for i := range keys {
		if keys[i] = 2*r.Uint64N(benchRows) + odd; from >= 0 {
			keys[i] = 2*(uint64(from)+uint64(i)) + odd
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	edits := make([]Edit, len(keys))
	for i, k := range keys {
		value := make([]byte, 100)
		binary.LittleEndian.PutUint64(value, k)
		value[99] = 1
		edits[i] = Edit{Key: benchKey(k), Value: value}
	}
	return edits
}

func BenchmarkApply(b *testing.B) {
	t, s := benchTree(b)
	for _, bench := range []struct {
		name  string
		edits []Edit
	}{
		{"1Update", benchEdits(1, 0, -1)},
		{"1Insert", benchEdits(1, 1, -1)},
		{"100kRandomUpdates", benchEdits(100_000, 0, -1)},
		{"100kRandomInserts", benchEdits(100_000, 1, -1)},
		{"100kClusteredUpdates", benchEdits(100_000, 0, 400_000)},
		{"100kClusteredInserts", benchEdits(100_000, 1, 400_000)},
		{"100kAppends", benchEdits(100_000, 0, benchRows)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := t.WithStore(newOverlay(s)).Apply(context.Background(), bench.edits); err != nil {
					b.Fatal(err)
				}
			}
			perOp(b, len(bench.edits), "ns/edit")
		})
	}
}

func (t Tree) mustApply(tb testing.TB, edits []Edit) Tree {
	tb.Helper()
	edited, err := t.Apply(context.Background(), edits)
	if err != nil {
		tb.Fatal(err)
	}
	return edited
}

func BenchmarkDiff10(b *testing.B) {
	t, _ := benchTree(b)
	to := t.mustApply(b, benchEdits(10, 0, -1))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Diff(context.Background(), t, to, Range{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10 {
			b.Fatal(n)
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	base, s := benchTree(b)
	ours := base.mustApply(b, benchEdits(1000, 1, -1))
	theirs := base.mustApply(b, benchEdits(1000, 0, -1))
	clustered := base.mustApply(b, benchEdits(100_000, 0, 400_000))
	for _, bench := range []struct {
		name         string
		ours, theirs Tree
	}{
		{"1000And1000Random", ours, theirs},
		{"1And100kClustered", base.mustApply(b, benchEdits(1, 0, 10)), clustered},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				to := bench.ours.WithStore(newOverlay(s))
				if _, err := Merge(context.Background(), base, to, bench.theirs, resolveByVerdict); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
