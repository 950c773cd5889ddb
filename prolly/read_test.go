package prolly

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// reading is a tree beside its items.
type reading struct {
	tree  Tree
	items []Item
}

func readings(t *testing.T, seed uint64) []reading {
	var all []reading
	for _, w := range workloads() {
		r := randomOf(t, seed)
		m := model{}
		for len(m) < 100 {
			m.apply(w.edits(r, m))
		}
		for _, m := range []model{{}, {"": ""}, m} {
			tree := m.build(t, &w.cfg, newStore())
			all = append(all, reading{tree, items(t, m.items())})
		}
	}
	return all
}

// bounds returns keys to look for: those there, those beside them, and nil.
func (rd *reading) bounds(r *rand.Rand, n int) [][]byte {
	bounds := [][]byte{nil, {}, {0xff, 0xff}}
	for range min(n, len(rd.items)) {
		key := rd.items[r.IntN(len(rd.items))].Key
		bounds = append(bounds, key, append(slices.Clone(key), 0), key[:len(key)/2])
	}
	return bounds
}

// rank is the number of items below key.
func (rd *reading) rank(key []byte) int {
	i, _ := slices.BinarySearchFunc(rd.items, key, func(item Item, key []byte) int {
		return bytes.Compare(item.Key, key)
	})
	return i
}

func (rd *reading) within(r Range) []Item {
	to := len(rd.items)
	if r.To != nil {
		to = rd.rank(r.To)
	}
	return rd.items[min(rd.rank(r.From), to):to]
}

func sameItems(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(a, b Item) bool {
		return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
	})
}

func TestRanges(t *testing.T) {
	ctx, r := context.Background(), randomOf(t, 1)
	for _, rd := range readings(t, 1) {
		bounds := rd.bounds(r, 8)
		for _, from := range bounds {
			for _, to := range bounds {
				rng := Range{from, to}
				want := rd.within(rng)
				if got := items(t, rd.tree.Items(ctx, rng)); !sameItems(got, want) {
					t.Fatalf("Items(%x) gives %d items, want %d", rng, len(got), len(want))
				}
				back := items(t, rd.tree.Backward(ctx, rng))
				if slices.Reverse(back); !sameItems(back, want) {
					t.Fatalf("Backward(%x) gives %d items, want %d", rng, len(back), len(want))
				}
				if n, err := rd.tree.CountRange(ctx, rng); err != nil || n != uint64(len(want)) {
					t.Fatalf("CountRange(%x) = %d, %v, want %d", rng, n, err, len(want))
				}
			}
		}
	}
}

func TestPoints(t *testing.T) {
	ctx, r := context.Background(), randomOf(t, 2)
	for _, rd := range readings(t, 2) {
		for i, item := range rd.items {
			if value, ok, err := rd.tree.Get(ctx, item.Key); err != nil || !ok || value == nil || !bytes.Equal(value, item.Value) {
				t.Fatalf("Get(%x) = %x, %t, %v", item.Key, value, ok, err)
			}
			if got, err := rd.tree.At(ctx, uint64(i)); err != nil || !bytes.Equal(got.Key, item.Key) {
				t.Fatalf("At(%d) = %x, %v, want %x", i, got.Key, err, item.Key)
			}
		}
		for _, key := range rd.bounds(r, 50) {
			want := rd.rank(key)
			if rank, err := rd.tree.Rank(ctx, key); err != nil || rank != uint64(want) {
				t.Fatalf("Rank(%x) = %d, %v, want %d", key, rank, err, want)
			}
			there := want < len(rd.items) && bytes.Equal(rd.items[want].Key, key)
			if _, ok, err := rd.tree.Get(ctx, key); err != nil || ok != there {
				t.Fatalf("Get(%x) finds %t, %v", key, ok, err)
			}
		}
		if n, err := rd.tree.Count(ctx); err != nil || n != uint64(len(rd.items)) {
			t.Fatalf("Count = %d, %v, want %d", n, err, len(rd.items))
		}
		if _, err := rd.tree.At(ctx, uint64(len(rd.items))); !errors.Is(err, ErrOutOfRange) {
			t.Fatalf("At beyond the end: %v", err)
		}
		if err := Check(ctx, rd.tree); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCursorWalk compares random moves with an index into the items.
func TestCursorWalk(t *testing.T) {
	ctx, r := context.Background(), randomOf(t, 3)
	for _, rd := range readings(t, 3) {
		c, at := rd.tree.Cursor(), -1
		bounds := rd.bounds(r, 20)
		for range 300 {
			key := bounds[r.IntN(len(bounds))]
			valid := at >= 0 && at < len(rd.items)
			var err error
			switch r.IntN(8) {
			case 0:
				err, at = c.Seek(ctx, key), rd.rank(key)
			case 1:
				err, at = c.SeekBefore(ctx, key), rd.rank(key)-1
			case 2:
				err, at = c.First(ctx), 0
			case 3:
				err, at = c.Last(ctx), len(rd.items)-1
			case 4, 5:
				if err = c.Next(ctx); valid {
					at++
				}
			default:
				if err = c.Prev(ctx); valid {
					at--
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			valid = at >= 0 && at < len(rd.items)
			if c.Valid() != valid {
				t.Fatalf("cursor at %d of %d is valid: %t", at, len(rd.items), c.Valid())
			}
			if valid && (!bytes.Equal(c.Key(), rd.items[at].Key) || !bytes.Equal(c.Value(), rd.items[at].Value)) {
				t.Fatalf("cursor is at %x, want %x", c.Key(), rd.items[at].Key)
			}
		}
	}
}

func TestDiffInRange(t *testing.T) {
	ctx, r := context.Background(), randomOf(t, 4)
	for _, w := range workloads() {
		from, s := model{}, newStore()
		for len(from) < 100 {
			from.apply(w.edits(r, from))
		}
		to := from.clone()
		to.apply(w.edits(r, to))
		a, b := from.build(t, &w.cfg, s), to.build(t, &w.cfg, s)
		all := changes(t, a, b, Range{})
		rd := reading{tree: a, items: items(t, from.items())}
		bounds := rd.bounds(r, 6)
		for _, lo := range bounds {
			for _, hi := range bounds {
				var want []Change
				for _, c := range all {
					if bytes.Compare(c.Key, lo) >= 0 && (hi == nil || bytes.Compare(c.Key, hi) < 0) {
						want = append(want, c)
					}
				}
				got := changes(t, a, b, Range{lo, hi})
				if !slices.EqualFunc(got, want, func(a, b Change) bool { return bytes.Equal(a.Key, b.Key) }) {
					t.Fatalf("%s: diff in %x–%x has %d changes, want %d", w.name, lo, hi, len(got), len(want))
				}
				if n, err := CountDiff(ctx, a, b, Range{lo, hi}); err != nil || n.Added+n.Deleted+n.Modified != uint64(len(want)) {
					t.Fatalf("CountDiff = %v, %v, want %d", n, err, len(want))
				}
			}
		}
	}
}

func changes(t *testing.T, from, to Tree, r Range) []Change {
	t.Helper()
	var all []Change
	for c, err := range Diff(context.Background(), from, to, r) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func TestGetDoesNotAllocate(t *testing.T) {
	ctx := context.Background()
	for _, rd := range readings(t, 5) {
		if len(rd.items) == 0 {
			continue
		}
		key := rd.items[len(rd.items)/2].Key
		if n := testing.AllocsPerRun(20, func() { rd.tree.Get(ctx, key) }); n > 0 {
			t.Errorf("Get allocates %v times", n)
		}
	}
}
