package remote

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// world is a random history in memory, in the form that package vdb gives it:
// commits lead to a tree of tables, whose values lead to rows, some to blobs.
type world struct {
	t       testing.TB
	r       *rand.Rand
	store   *nbs.Memory
	w       *nbs.Writer
	commits []*commit
	tables  map[hash.Hash][]hash.Hash // root value → the tables' rows
	grafts  map[hash.Hash]Graft
}

var (
	listed = &prolly.Config{Addresses: func(value []byte, offsets []int) []int {
		for i := range int(value[0]) {
			offsets = append(offsets, 1+i*hash.Size)
		}
		return offsets
	}}
	small = &prolly.Config{LeafTarget: 256, LeafMax: 512, NodeTarget: 256, NodeMax: 512, Addresses: listed.Addresses}
)

func newWorld(t testing.TB, r *rand.Rand) *world {
	store := nbs.NewMemory()
	return &world{t: t, r: r, store: store, w: store.NewWriter(), tables: map[hash.Hash][]hash.Hash{}, grafts: map[hash.Hash]Graft{}}
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func (w *world) put(data []byte) hash.Hash {
	h, err := w.w.Put(context.Background(), data)
	w.must(err)
	return h
}

// flush makes what was put readable.
func (w *world) flush() {
	w.must(w.store.Commit(context.Background(), w.w, func(context.Context, hash.Hash) (hash.Hash, error) {
		return w.commits[len(w.commits)-1].hash, nil
	}))
}

// commit makes a commit with the parents whose tables differ from the first one's
// in a few rows.
func (w *world) commit(parents ...*commit) *commit {
	ctx := context.Background()
	tables := make([]hash.Hash, 2+w.r.IntN(2))
	if len(parents) > 0 {
		tables = append([]hash.Hash{}, w.tables[parents[0].root]...)
	}
	for range 1 + w.r.IntN(2) {
		i := w.r.IntN(len(tables))
		tree := prolly.Load(small, w.w, tables[i])
		var edits []prolly.Edit
		for k := range w.edited() {
			e := prolly.Edit{Key: fmt.Appendf(nil, "row %05d", k)}
			if w.r.IntN(4) > 0 {
				e.Value = w.row()
			}
			edits = append(edits, e)
		}
		tree, err := tree.EditSeq(ctx, func(yield func(prolly.Edit, error) bool) {
			for _, e := range sorted(edits) {
				if !yield(e, nil) {
					return
				}
			}
		})
		w.must(err)
		tables[i] = tree.Hash()
	}
	return w.store1(tables, parents)
}

func (w *world) edited() map[int]bool {
	keys := map[int]bool{}
	n, from, span := 1+w.r.IntN(5), 0, 600
	if w.r.IntN(5) == 0 {
		n, from, span = 100, w.r.IntN(500), 150
	}
	for range n {
		keys[from+w.r.IntN(span)] = true
	}
	return keys
}

// row is a value, now and then with a blob.
func (w *world) row() []byte {
	value := []byte{0}
	if w.r.IntN(20) == 0 {
		h, _, err := prolly.WriteBlob(context.Background(), w.w, strings.NewReader(strings.Repeat(fmt.Sprint(w.r.IntN(50)), 1+w.r.IntN(40_000))))
		w.must(err)
		value = append([]byte{1}, h[:]...)
	}
	return fmt.Appendf(value, "value %d", w.r.IntN(1000))
}

func (w *world) store1(tables []hash.Hash, parents []*commit) *commit {
	items := []prolly.Item{}
	for i, h := range tables {
		schema := w.put(chunk.Encode(chunk.Schema, nil, fmt.Appendf(nil, "schema %d", i)))
		value := append(append([]byte{1}, schema[:]...), fmt.Sprint(i)...)
		if !h.IsZero() {
			value = append(append(append([]byte{2}, schema[:]...), h[:]...), fmt.Sprint(i)...)
		}
		items = append(items, prolly.Item{Key: fmt.Appendf(nil, "table %02d", i), Value: value})
	}
	root, err := prolly.Build(context.Background(), listed, w.w, func(yield func(prolly.Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	})
	w.must(err)
	w.tables[root.Hash()] = tables
	addresses := []hash.Hash{root.Hash(), {}, {}, {}}
	height := uint64(0)
	for _, p := range parents {
		addresses = append(addresses, p.hash)
		height = max(height, p.height+1)
	}
	payload := binary.AppendUvarint(nil, height)
	h := w.put(chunk.Encode(chunk.Commit, addresses, fmt.Appendf(payload, "commit %d", len(w.commits))))
	data, err := w.w.Get(context.Background(), h)
	w.must(err)
	c, err := decodeCommit(h, data)
	w.must(err)
	w.commits = append(w.commits, c)
	return c
}

// grow makes n random commits: most follow the latest ones, some merge, some take
// up what an old one had.
func (w *world) grow(n int) {
	if len(w.commits) == 0 {
		w.commit()
	}
	for range n {
		parent := w.commits[max(0, len(w.commits)-1-w.r.IntN(4))]
		switch w.r.IntN(6) {
		case 0:
			w.commit(parent, w.commits[w.r.IntN(len(w.commits))])
		case 1:
			old := w.commits[w.r.IntN(len(w.commits))]
			w.store1(w.tables[old.root], []*commit{parent})
		default:
			w.commit(parent)
		}
	}
	w.flush()
}

func (w *world) get(h hash.Hash) []byte {
	data, err := w.store.Get(context.Background(), h)
	w.must(err)
	return data
}

// graftAt is the GraftFunc of the world.
func (w *world) graftAt(_ context.Context, h hash.Hash) (Graft, bool, error) {
	g, ok := w.grafts[h]
	return g, ok, nil
}

// closure is the oracle: all that starts lead to, where cut tells what commits
// lead to in place of their parents.
func (w *world) closure(cut map[hash.Hash][]hash.Hash, starts ...hash.Hash) map[hash.Hash]bool {
	starts = slices.Clone(starts)
	all := map[hash.Hash]bool{}
	for len(starts) > 0 {
		h := starts[len(starts)-1]
		starts = starts[:len(starts)-1]
		if all[h] {
			continue
		}
		all[h] = true
		starts = append(starts, leadsTo(w.t, h, w.get(h), cut)...)
	}
	return all
}

func leadsTo(t testing.TB, h hash.Hash, data []byte, cut map[hash.Hash][]hash.Hash) []hash.Hash {
	refs, err := chunk.References(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	if parents, ok := cut[h]; ok {
		c, err := decodeCommit(h, data)
		if err != nil {
			t.Fatal(err)
		}
		return append(c.trees(), parents...)
	}
	return refs
}

func cutOf(grafts []Graft) map[hash.Hash][]hash.Hash {
	cut := map[hash.Hash][]hash.Hash{}
	for _, g := range grafts {
		cut[g.Commit] = g.Parents
	}
	return cut
}
