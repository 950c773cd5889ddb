package prolly

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// workload makes keys and values of one character.
type workload struct {
	name  string
	cfg   Config
	key   func(r *rand.Rand) []byte
	value func(r *rand.Rand) []byte
	batch int // edits at most
}

func intKey(space int) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte {
		return binary.BigEndian.AppendUint64(nil, uint64(r.IntN(space)))
	}
}

func textKey(space int) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte {
		n := r.IntN(space)
		return fmt.Appendf(nil, "customer/%0*d", n%7, n)
	}
}

func value(limit int) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte {
		v := make([]byte, r.IntN(limit+1))
		for i := range min(len(v), 8) {
			v[i] = byte(r.Uint32())
		}
		return v
	}
}

// sometimes takes the second generator once in n times.
func sometimes(n int, usual, rare func(r *rand.Rand) []byte) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte {
		if r.IntN(n) == 0 {
			return rare(r)
		}
		return usual(r)
	}
}

func measureBySeven(key, value []byte) (int, bool) {
	return len(key) + len(value)/7, len(value) > 60
}

func measureEntry(key, value []byte) (int, bool) {
	if len(value) > 0 {
		return len(value), false
	}
	return len(key) + len(key)/6 + 3, false
}

// pagesOf charges a page for each long value.
func pagesOf(n Node) uint64 {
	pages := uint64(1)
	for i := range n.Len() {
		if len(n.Value(i)) > 60 {
			pages++
		}
	}
	return pages
}

func workloads() []workload {
	tiny := Config{LeafTarget: 64, LeafMax: 96, NodeTarget: 150, NodeMax: 200}
	measured := Config{LeafTarget: 80, LeafMax: 120, NodeTarget: 160, NodeMax: 220,
		Measure: measureBySeven, Pages: pagesOf, Separators: true}
	entries := Config{LeafTarget: 120, LeafMax: 180, NodeTarget: 160, NodeMax: 220,
		Measure: measureEntry, MeasureEmpty: func(n int) (int, bool) { return n + n/6 + 3, false }, Separators: true}
	return []workload{
		{"tiny", tiny, intKey(500), value(12), 30},
		{"text", tiny, textKey(3000), value(20), 60},
		{"measured", measured, textKey(3000), value(200), 60},
		{"entries", entries, intKey(3000), value(0), 60},
		{"entries of text", entries, textKey(3000), sometimes(9, value(0), value(20)), 60},
		{"default", Config{}, intKey(20000), value(200), 400},
		{"sparse", Config{}, intKey(1 << 40), sometimes(3, value(0), value(300)), 300},
		{"huge", Config{}, textKey(300), sometimes(4, value(64<<10), value(100)), 8},
		{"same size", tiny, intKey(400), func(r *rand.Rand) []byte { return []byte{byte(r.IntN(3)), 0, 0, 0} }, 10},
	}
}

// edits makes a random batch: scattered, clustered, deleting a range, all, or
// appending.
func (w *workload) edits(r *rand.Rand, m model) []Edit {
	batch := model{}
	switch kind := r.IntN(10); {
	case kind == 0 && r.IntN(4) == 0:
		return deletions(m.keys())
	case kind == 1:
		keys := m.keys()
		from := r.IntN(len(keys) + 1)
		return deletions(keys[from : from+r.IntN(len(keys)-from+1)])
	case kind == 2:
		for i := range r.IntN(w.batch) + 1 {
			batch[fmt.Sprintf("\xff%08d", len(m)+i)] = string(w.value(r))
		}
	default:
		for range r.IntN(w.batch) + 1 {
			batch[string(w.key(r))] = string(w.value(r))
		}
	}
	return mixed(r, batch, m)
}

func deletions(keys []string) []Edit {
	edits := make([]Edit, len(keys))
	for i, k := range keys {
		edits[i] = Edit{Key: []byte(k)}
	}
	return edits
}

// mixed turns a batch into edits, of which some delete and some change nothing.
func mixed(r *rand.Rand, batch, m model) []Edit {
	deletes := r.IntN(3)
	var edits []Edit
	for _, k := range batch.keys() {
		e := Edit{Key: []byte(k), Value: []byte(batch[k])}
		old, ok := m[k]
		switch {
		case deletes > 0 && r.IntN(3) < deletes:
			e.Value = nil
		case ok && r.IntN(5) == 0:
			e.Value = []byte(old)
		}
		edits = append(edits, e)
	}
	return edits
}

// TestEditEqualsBuild is history independence: whatever the edits, the tree is
// the one that Build makes of the items.
func TestEditEqualsBuild(t *testing.T) {
	for _, w := range workloads() {
		t.Run(w.name, func(t *testing.T) {
			for seed := range uint64(6) {
				w.editEqualsBuild(t, seed, 60)
			}
		})
	}
}

func (w *workload) editEqualsBuild(t *testing.T, seed uint64, batches int) {
	ctx := context.Background()
	r := randomOf(t, seed)
	s := newStore()
	m := model{}
	tree := New(&w.cfg, s)
	for i := range batches {
		edits := w.edits(r, m)
		m.apply(edits)
		edited, err := tree.Apply(ctx, edits)
		if err != nil {
			t.Fatal(err)
		}
		if built := m.build(t, &w.cfg, newStore()); edited.Hash() != built.Hash() {
			t.Fatalf("batch %d: Apply gives %s, Build %s", i, edited.Hash(), built.Hash())
		}
		streamed, err := tree.EditSeq(ctx, sequence(edits))
		if err != nil {
			t.Fatal(err)
		}
		if streamed.Hash() != edited.Hash() {
			t.Fatalf("batch %d: EditSeq gives %s, Apply %s", i, streamed.Hash(), edited.Hash())
		}
		threaded, err := tree.WithStore(threadedStore{s}).Apply(ctx, edits)
		if err != nil {
			t.Fatal(err)
		}
		if threaded.Hash() != edited.Hash() {
			t.Fatalf("batch %d: Apply with two goroutines gives %s, with one %s", i, threaded.Hash(), edited.Hash())
		}
		tree = edited
	}
	wantItems(t, tree, m)
}

// TestEditSeqBatches sends more edits than EditSeq gathers at a time.
func TestEditSeqBatches(t *testing.T) {
	w, r := workloads()[0], randomOf(t, 11)
	base, m := model{}, model{}
	for range 3 * editBatch {
		base[string(intKey(10_000)(r))] = string(w.value(r))
		m[string(intKey(10_000)(r))] = string(w.value(r))
	}
	edits := mixed(r, m, base)
	tree, err := base.build(t, &w.cfg, newStore()).EditSeq(context.Background(), sequence(edits))
	if err != nil {
		t.Fatal(err)
	}
	base.apply(edits)
	if tree.Hash() != base.build(t, &w.cfg, newStore()).Hash() {
		t.Fatalf("%d streamed edits make another tree than Build", len(edits))
	}
}

// TestTails keeps only the end of a tree: its right edge, where nodes may have
// one child, becomes the root.
func TestTails(t *testing.T) {
	w := workloads()[0]
	for size := 1; size < 400; size += 3 {
		m, s := model{}, newStore()
		for i := range size {
			m[fmt.Sprintf("%04d", i)] = "value"
		}
		tree, keys := m.build(t, &w.cfg, s), m.keys()
		for keep := range min(size, 12) {
			rest := m.clone()
			edits := deletions(keys[:size-keep])
			rest.apply(edits)
			if tree.mustApply(t, edits).Hash() != rest.build(t, &w.cfg, s).Hash() {
				t.Fatalf("the last %d of %d rows make another tree", keep, size)
			}
		}
	}
}

// sequence yields edits in a buffer that it overwrites.
func sequence(edits []Edit) func(func(Edit, error) bool) {
	return func(yield func(Edit, error) bool) {
		var key, value []byte
		for _, e := range edits {
			key = append(key[:0], e.Key...)
			borrowed := Edit{Key: key}
			if e.Value != nil {
				value = append(value[:0], e.Value...)
				borrowed.Value = append([]byte{}, value...)
			}
			if !yield(borrowed, nil) {
				return
			}
		}
	}
}

// TestEditorsAreApart edits at once with buffers from one pool.
func TestEditorsAreApart(t *testing.T) {
	for seed := range uint64(4) {
		for _, w := range workloads() {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				w.editEqualsBuild(t, 100+seed, 3)
			})
		}
	}
}

func TestSmallEditsReuseBuffers(t *testing.T) {
	tree, err := Build(context.Background(), nil, newStore(), benchItems(20_000))
	if err != nil {
		t.Fatal(err)
	}
	for name, odd := range map[string]uint64{"update": 0, "insert": 1} {
		edits := benchRow(2*777+odd, 9)
		// Three nodes are new. Buffers for two levels are far more than the rest,
		// though a pool may lose some between two runs.
		if n := testing.AllocsPerRun(100, func() { tree.mustApply(t, edits) }); n > 12 {
			t.Errorf("%s makes %v allocations", name, n)
		}
	}
}

func TestLargeBuffersAreDropped(t *testing.T) {
	ctx := context.Background()
	large := bytes.Repeat([]byte{1}, 1<<20)
	e := New(nil, newStore()).editor()
	for key := range byte(3) {
		if err := e.row(ctx, append(large, key), large); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.tree(ctx, "edit"); err != nil {
		t.Fatal(err)
	}
	e.end()
	for _, c := range e.levels[:cap(e.levels)] {
		if n := max(cap(c.keys.data), cap(c.values.data)); n > keptBytes {
			t.Errorf("level %d keeps %d bytes", c.level, n)
		}
	}
	if e.store != nil || e.old.tree != (Tree{}) {
		t.Error("an editor in the pool keeps a store")
	}
}
