package nbs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// link makes a chunk that leads to others.
func link(id uint64, size int, to ...hash.Hash) []byte {
	data := []byte{byte(len(to))}
	for _, h := range to {
		data = append(data, h[:]...)
	}
	data = binary.LittleEndian.AppendUint64(data, id)
	return append(data, nbstest.Chunk(id, size)...)
}

// links returns what a chunk of link leads to.
func links(dst []hash.Hash, _ hash.Hash, data []byte) ([]hash.Hash, error) {
	if len(data) == 0 || len(data) < 1+int(data[0])*hash.Size {
		return dst, errors.New("no chunk of the test")
	}
	for i := range int(data[0]) {
		dst = append(dst, hash.Hash(data[1+i*hash.Size:]))
	}
	return dst, nil
}

func leadsTo(context.Context, nbs.Chunks, hash.Hash, bool) (nbs.LeadsToFunc, error) {
	return links, nil
}

func openLinked(t testing.TB, dir string, o nbs.Options) *nbs.Store {
	t.Helper()
	o.LeadsTo = leadsTo
	if o.CacheBytes == 0 {
		o.CacheBytes = -1
	}
	if o.JournalBytes == 0 {
		o.JournalBytes = -1
	}
	s, err := nbs.Open(t.Context(), dir, &o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// graph is the oracle: all chunks that there ever were.
type graph struct {
	mu     sync.Mutex
	chunks map[hash.Hash][]byte
}

func (g *graph) put(ctx context.Context, w *nbs.Writer, data []byte) (hash.Hash, error) {
	g.mu.Lock()
	g.chunks[hash.Of(data)] = data
	g.mu.Unlock()
	return w.Put(ctx, data)
}

// below returns all that root leads to, itself included.
func (g *graph) below(root hash.Hash) map[hash.Hash][]byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[hash.Hash][]byte{}
	stack := []hash.Hash{root}
	for len(stack) > 0 {
		h := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if _, ok := all[h]; ok || h.IsZero() {
			continue
		}
		all[h] = g.chunks[h]
		stack, _ = links(stack, h, g.chunks[h])
	}
	return all
}

// wantBelow checks that all that root leads to can be read.
func (g *graph) wantBelow(t testing.TB, s *nbs.Store, root hash.Hash) {
	t.Helper()
	for h, data := range g.below(root) {
		got, err := s.Get(context.Background(), h)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("chunk %s below root %s: %v", h, root, err)
		}
	}
}

// wantOnly checks that nothing but what root leads to is left after a full collection.
func (g *graph) wantOnly(t testing.TB, s *nbs.Store, root hash.Hash) {
	t.Helper()
	below := g.below(root)
	if n := s.Stats().Chunks; n != int64(len(below)) {
		t.Fatalf("the store has %d chunks, its root leads to %d", n, len(below))
	}
	for h := range g.chunks {
		if got, err := s.Has(t.Context(), h); err != nil || got != (below[h] != nil) {
			t.Fatalf("Has(%s) = %v, %v; want %v", h, got, err, !got)
		}
	}
}

func TestCollect(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := openLinked(t, dir, nbs.Options{})
	g := &graph{chunks: map[hash.Hash][]byte{}}
	var root hash.Hash
	for i := range uint64(50) { // each commit keeps one chunk of the one before
		w := s.NewWriter()
		kept, err := g.put(ctx, w, link(1000+i/10, 300))
		must(t, err)
		changed, err := g.put(ctx, w, link(2000+i, 3000))
		must(t, err)
		root, err = g.put(ctx, w, link(i, 10, kept, changed))
		must(t, err)
		must(t, s.Commit(ctx, w, nbstest.Set(root)))
	}
	var calls, last, total int64
	report, err := s.Collect(ctx, &nbs.CollectOptions{Progress: func(done, all int64) {
		calls, last, total = calls+1, done, all
	}})
	must(t, err)
	if report.KeptChunks != 3 || report.DroppedChunks != 50+50+5-3 {
		t.Errorf("kept %d chunks and dropped %d", report.KeptChunks, report.DroppedChunks)
	}
	if calls == 0 || last != total || total != report.KeptBytes {
		t.Errorf("%d reports of progress, the last %d of %d; %d bytes kept", calls, last, total, report.KeptBytes)
	}
	g.wantOnly(t, s, root)
	must(t, s.Close())

	s = openLinked(t, dir, nbs.Options{})
	defer s.Close()
	nbstest.WantRoot(t, s, root)
	g.wantBelow(t, s, root)
	g.wantOnly(t, s, root)
	again, err := s.Collect(ctx, nil)
	if err != nil || again != (nbs.CollectReport{}) {
		t.Errorf("a collection of nothing: %+v, %v", again, err)
	}
}

// TestCollectOld drops what has become garbage after it was collected once: a full
// collection does, another does not look at it.
func TestCollectOld(t *testing.T) {
	ctx := t.Context()
	s := openLinked(t, t.TempDir(), nbs.Options{})
	defer s.Close()
	g := &graph{chunks: map[hash.Hash][]byte{}}
	commit := func(id uint64) (root hash.Hash) {
		w := s.NewWriter()
		leaf, err := g.put(ctx, w, link(100+id, 500))
		must(t, err)
		root, err = g.put(ctx, w, link(id, 10, leaf))
		must(t, err)
		must(t, s.Commit(ctx, w, nbstest.Set(root)))
		return root
	}
	first := commit(1)
	_, err := s.Collect(ctx, nil)
	must(t, err)
	second := commit(2)
	_, err = s.Collect(ctx, nil)
	must(t, err)
	if has, err := s.Has(ctx, first); err != nil || !has {
		t.Errorf("a collection of what is new dropped what is old: %v, %v", has, err)
	}
	_, err = s.Collect(ctx, &nbs.CollectOptions{Full: true})
	must(t, err)
	g.wantOnly(t, s, second)
}

// TestCollectHeld reads what was dropped as long as it is held, and then no more.
func TestCollectHeld(t *testing.T) {
	ctx := t.Context()
	s := openLinked(t, t.TempDir(), nbs.Options{})
	defer s.Close()
	w := s.NewWriter()
	root := nbstest.MustPut(t, w, link(1, 100))
	nbstest.MustCommit(t, s, w, root)
	hold := s.Hold()
	next := nbstest.MustPut(t, w, link(2, 100))
	nbstest.MustCommit(t, s, w, next)
	_, err := s.Collect(ctx, nil)
	must(t, err)
	if has, err := s.Has(ctx, root); has || err != nil {
		t.Errorf("Has of what was dropped = %v, %v", has, err)
	}
	if _, err := s.Get(ctx, root); err != nil {
		t.Errorf("Get of what is held: %v", err)
	}
	runtime.KeepAlive(hold)
}

// TestCollectWithoutLeadsTo says what is missing.
func TestCollectWithoutLeadsTo(t *testing.T) {
	s, err := nbs.Open(t.Context(), t.TempDir(), nil)
	must(t, err)
	defer s.Close()
	if _, err := s.Collect(t.Context(), nil); err == nil {
		t.Error("Collect without LeadsTo has succeeded")
	}
}

// TestCollectMissing leaves all files as they are when a chunk is missing.
func TestCollectMissing(t *testing.T) {
	s := openLinked(t, t.TempDir(), nbs.Options{})
	defer s.Close()
	w := s.NewWriter()
	root := nbstest.MustPut(t, w, link(1, 10, hash.Of([]byte("nowhere"))))
	nbstest.MustCommit(t, s, w, root)
	if _, err := s.Collect(t.Context(), &nbs.CollectOptions{Full: true}); !errors.Is(err, nbs.ErrNotFound) {
		t.Errorf("Collect = %v, want ErrNotFound", err)
	}
	nbstest.WantRoot(t, s, root)
	if _, err := s.Get(t.Context(), root); err != nil {
		t.Error(err)
	}
}

// TestCollectRevive commits to chunks that a Writer did not write, because they were
// there, and that were dropped before its commit.
func TestCollectRevive(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	for _, other := range []bool{false, true} {
		t.Run(fmt.Sprintf("other=%v", other), func(t *testing.T) {
			s := openLinked(t, filepath.Join(dir, t.Name()), nbs.Options{})
			defer s.Close()
			collector := s
			if other {
				collector = openLinked(t, filepath.Join(dir, t.Name()), nbs.Options{})
				defer collector.Close()
			}
			g := &graph{chunks: map[hash.Hash][]byte{}}
			w := s.NewWriter()
			leaf, err := g.put(ctx, w, link(1, 100))
			must(t, err)
			tree, err := g.put(ctx, w, link(2, 100, leaf))
			must(t, err)
			must(t, s.Commit(ctx, w, nbstest.Set(tree)))
			must(t, s.Commit(ctx, nil, nbstest.Set(hash.Hash{})))

			_, err = w.Put(ctx, link(2, 100, leaf)) // it is there
			must(t, err)
			root, err := g.put(ctx, w, link(3, 100, tree))
			must(t, err)
			_, err = collector.Collect(ctx, nil)
			must(t, err)
			if has, err := collector.Has(ctx, tree); has || err != nil {
				t.Fatalf("the tree was not dropped: %v, %v", has, err)
			}
			must(t, s.Commit(ctx, w, nbstest.Set(root)))
			_, err = collector.Collect(ctx, &nbs.CollectOptions{Full: true})
			must(t, err)
			g.wantOnly(t, collector, root)
		})
	}
}

// collectModel drives stores of one directory at random, beside collections.
type collectModel struct {
	t      *testing.T
	random *rand.Rand
	fs     *faultfs.FS
	stores []*nbs.Store
	graph  *graph
	head   []hash.Hash // what the root leads to
	root   hash.Hash
	held   []heldRoot
	next   uint64
}

type heldRoot struct {
	hold  *nbs.Hold
	store *nbs.Store
	root  hash.Hash
}

func TestCollectModel(t *testing.T) {
	seeds := 6
	if *soak {
		seeds = 500
	}
	first := rand.Uint64()
	for i := range seeds {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := &collectModel{t: t, random: rand.New(rand.NewPCG(seed, 1)), fs: faultfs.New(),
				graph: &graph{chunks: map[hash.Hash][]byte{}}, head: make([]hash.Hash, 4)}
			for range 2 {
				m.stores = append(m.stores, m.open())
			}
			for range 150 {
				m.step()
			}
			m.settle()
		})
	}
}

func (m *collectModel) open() *nbs.Store {
	return openLinked(m.t, faultDir, nbs.Options{FS: m.fs, JournalBytes: []int64{-1, 40 << 10}[m.random.IntN(2)], CollectGrowth: 20})
}

func (m *collectModel) store() *nbs.Store { return m.stores[m.random.IntN(len(m.stores))] }

func (m *collectModel) step() {
	switch n := m.random.IntN(100); {
	case n < 60:
		m.commit(m.store(), nil)
	case n < 66:
		m.overlap()
	case n < 76:
		s := m.store()
		root, hold, err := s.HoldRoot(m.t.Context())
		if err != nil || root != m.root {
			m.t.Fatalf("root %s, %v; want %s", root, err, m.root)
		}
		m.held = append(m.held, heldRoot{hold, s, root})
	case n < 82 && len(m.held) > 0:
		i := m.random.IntN(len(m.held))
		m.graph.wantBelow(m.t, m.held[i].store, m.held[i].root)
		m.held = append(m.held[:i], m.held[i+1:]...)
	case n < 84:
		runtime.GC()
	case n < 87:
		m.reopen()
	default:
		_, err := m.store().Collect(m.t.Context(), &nbs.CollectOptions{Full: n > 95})
		must(m.t, err)
		for _, s := range m.stores {
			m.graph.wantBelow(m.t, s, m.root)
		}
	}
}

// commit gives a branch a new tree, of chunks of which some were there before, or
// what another one has, or nothing. between is called before the commit.
func (m *collectModel) commit(s *nbs.Store, between func()) {
	ctx, w := m.t.Context(), s.NewWriter()
	put := func(data []byte) hash.Hash {
		h, err := m.graph.put(ctx, w, data)
		must(m.t, err)
		return h
	}
	i := m.random.IntN(len(m.head))
	switch m.random.IntN(10) {
	case 0:
		m.head[i] = hash.Hash{}
	case 1:
		m.head[i] = m.head[m.random.IntN(len(m.head))]
	default:
		var nodes []hash.Hash
		for range 1 + m.random.IntN(4) {
			var leaves []hash.Hash
			for range 1 + m.random.IntN(4) {
				id := m.random.Uint64N(40)
				leaves = append(leaves, put(link(id, 200+int(id))))
			}
			nodes = append(nodes, put(link(100, 50, leaves...)))
		}
		if !m.head[i].IsZero() && m.random.IntN(3) > 0 {
			nodes = append(nodes, m.head[i]) // history
		}
		m.head[i] = put(link(m.random.Uint64N(5), 5, nodes...))
	}
	if between != nil {
		between()
	}
	var all []hash.Hash
	for _, h := range m.head {
		if !h.IsZero() {
			all = append(all, h)
		}
	}
	m.next++
	root := put(link(m.next, 1, all...))
	must(m.t, s.Commit(ctx, w, nbstest.Set(root)))
	m.root = root
}

// overlap has a collection end while a Writer is at work, or run beside its commit.
func (m *collectModel) overlap() {
	collector, beside := m.store(), m.random.IntN(2) == 0
	o := &nbs.CollectOptions{Full: m.random.IntN(2) == 0}
	var done sync.WaitGroup
	m.commit(m.store(), func() {
		collect := func() {
			if _, err := collector.Collect(context.Background(), o); err != nil {
				m.t.Error(err)
			}
		}
		if done.Go(collect); !beside {
			done.Wait()
		}
	})
	done.Wait()
	m.graph.wantBelow(m.t, collector, m.root)
}

// reopen closes a store, and with it all that is held there.
func (m *collectModel) reopen() {
	i := m.random.IntN(len(m.stores))
	var left []heldRoot
	for _, h := range m.held {
		if h.store != m.stores[i] {
			left = append(left, h)
		}
	}
	m.held = left
	must(m.t, m.stores[i].Close())
	m.stores[i] = m.open()
	m.graph.wantBelow(m.t, m.stores[i], m.root)
}

func (m *collectModel) settle() {
	for _, h := range m.held {
		m.graph.wantBelow(m.t, h.store, h.root)
	}
	for range 2 { // a collection of the background may be at it
		_, err := m.stores[0].Collect(m.t.Context(), &nbs.CollectOptions{Full: true})
		must(m.t, err)
	}
	m.graph.wantOnly(m.t, m.stores[0], m.root)
	for _, s := range m.stores {
		for damage, err := range s.Check(m.t.Context(), nil) {
			m.t.Errorf("Check: %v, %v", damage, err)
		}
		if err := s.Stats().CompactError; err != nil {
			m.t.Error(err)
		}
		must(m.t, s.Close())
	}
}
