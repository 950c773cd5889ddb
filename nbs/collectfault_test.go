package nbs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// linked is a workload whose every commit drops what the one some before it has
// written. What a commit leads to follows from its number.
type linked struct {
	acknowledged, attempted uint64
}

const linkedLeaves = 4

// linkedChunks returns what commit n leads to, the root last.
func linkedChunks(n uint64) [][]byte {
	var all [][]byte
	var leaves []hash.Hash
	for i := n; i > 0 && i+linkedLeaves > n; i-- {
		leaf := link(1_000_000+i, 100+int(i%7)*60)
		all, leaves = append(all, leaf), append(leaves, hash.Of(leaf))
	}
	tree := link(2_000_000+n, 50, leaves...)
	return append(all, tree, link(n, 5, hash.Of(tree)))
}

func (l *linked) commit(ctx context.Context, s *nbs.Store) error {
	l.attempted = l.acknowledged + 1
	w := s.NewWriter()
	var root hash.Hash
	for _, data := range linkedChunks(l.attempted) {
		var err error
		if root, err = w.Put(ctx, data); err != nil {
			return err
		}
	}
	err := s.Commit(ctx, w, nbstest.Set(root))
	if err == nil {
		l.acknowledged = l.attempted
	}
	return err
}

// newestLinked returns the number of the newest commit.
func newestLinked(ctx context.Context, s *nbs.Store) (uint64, error) {
	root, err := s.Root(ctx)
	if err != nil || root.IsZero() {
		return 0, err
	}
	data, err := s.Get(ctx, root)
	if err != nil {
		return 0, err
	}
	return numberOf(data), nil
}

// numberOf returns the number of the commit whose root chunk data is.
func numberOf(data []byte) uint64 { return binary.LittleEndian.Uint64(data[1+hash.Size:]) }

// checkLinked checks that all is there that commit n leads to.
func checkLinked(ctx context.Context, s *nbs.Store, n uint64) error {
	if n == 0 {
		return nil
	}
	for _, data := range linkedChunks(n) {
		if got, err := s.Get(ctx, hash.Of(data)); err != nil || !bytes.Equal(got, data) {
			return fmt.Errorf("commit %d: %w", n, err)
		}
	}
	return nil
}

func (l *linked) run(ctx context.Context, fsys nbs.FS) error {
	s, err := nbs.Open(ctx, faultDir, linkedOptions(fsys))
	if err != nil {
		return err
	}
	for l.acknowledged < 6 && err == nil {
		if err = l.commit(ctx, s); err == nil && l.acknowledged%2 == 1 {
			_, err = s.Collect(ctx, &nbs.CollectOptions{Full: l.acknowledged == 5})
		}
	}
	return errors.Join(err, s.Close())
}

func linkedOptions(fsys nbs.FS) *nbs.Options {
	o := faultOptions(fsys, 5)
	o.LeadsTo, o.Rand = leadsTo, nil
	return o
}

// reopen checks what is left in fsys, and goes on with it.
func (l *linked) reopen(t *testing.T, fsys nbs.FS) {
	t.Helper()
	ctx := t.Context()
	s, err := nbs.Open(ctx, faultDir, linkedOptions(fsys))
	must(t, err)
	n, err := newestLinked(ctx, s)
	if err != nil || n != l.acknowledged && n != l.attempted {
		t.Fatalf("newest commit is %d, %v; acknowledged %d, attempted %d", n, err, l.acknowledged, l.attempted)
	}
	must(t, checkLinked(ctx, s, n))
	next := &linked{acknowledged: n}
	must(t, next.commit(ctx, s))
	_, err = s.Collect(ctx, &nbs.CollectOptions{Full: true})
	must(t, err)
	must(t, checkLinked(ctx, s, n+1))
	if got, want := s.Stats().Chunks, int64(len(linkedChunks(n+1))); got != want {
		t.Fatalf("%d chunks are left, want %d", got, want)
	}
	must(t, s.Close())
}

// TestCollectFailEveryOperation makes operations fail in turn of commits and
// collections, all of them with -soak, and goes on with what is there, and with what a crash leaves.
func TestCollectFailEveryOperation(t *testing.T) {
	clean := faultfs.New()
	must(t, new(linked).run(t.Context(), clean))
	step := 2
	if *soak {
		step = 1
	}
	for i := rand.IntN(step); i < clean.Ops(); i += step {
		fsys := faultfs.New()
		fsys.Fail(i)
		l := &linked{}
		if err := l.run(t.Context(), fsys); err != nil && !errors.Is(err, faultfs.ErrInjected) {
			t.Fatalf("operation %d: %v", i, err)
		}
		t.Run(fmt.Sprintf("crashed/%d", i), func(t *testing.T) {
			l.reopen(t, fsys.Crash(rand.New(rand.NewPCG(uint64(i), 7)), faultfs.Sectors))
		})
		t.Run(fmt.Sprintf("running/%d", i), func(t *testing.T) {
			fsys.Fail(-1)
			l.reopen(t, fsys)
		})
		if t.Failed() {
			t.Fatalf("operation %d, log:\n%s", i, strings.Join(fsys.Log(), "\n"))
		}
	}
}

// TestCollectPowerLoss cuts the power before operations, all of them with -soak.
func TestCollectPowerLoss(t *testing.T) {
	clean := faultfs.New()
	must(t, new(linked).run(t.Context(), clean))
	seeds, step := uint64(1), 3
	if *soak {
		seeds, step = 100, 1
	}
	for i := rand.IntN(step); i <= clean.Ops(); i += step {
		fsys := faultfs.New()
		fsys.Stop(i)
		l := &linked{}
		if err := l.run(t.Context(), fsys); err != nil && !errors.Is(err, faultfs.ErrInjected) {
			t.Fatalf("operation %d: %v", i, err)
		}
		for seed := range seeds {
			l.reopen(t, fsys.Crash(rand.New(rand.NewPCG(seed, uint64(i))), faultfs.Granularity((seed+uint64(i))%2)))
		}
	}
}

// TestCollectDiskFull has the disk be full in the middle of a collection. Nothing is
// lost, commits go on, and the collection succeeds when there is room.
func TestCollectDiskFull(t *testing.T) {
	ctx := t.Context()
	failures := 0
	for room := int64(0); room < 5<<20; room += 300 << 10 {
		fsys := faultfs.New()
		s, err := nbs.Open(ctx, faultDir, linkedOptions(fsys))
		must(t, err)
		l := &linked{}
		for range 10 {
			must(t, l.commit(ctx, s))
		}
		var used int64
		for _, size := range fsys.Files() {
			used += size
		}
		fsys.Limit(used + room)
		if _, err = s.Collect(ctx, &nbs.CollectOptions{Full: true}); err != nil {
			failures++
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("room for %d bytes: %v", room, err)
			}
		}
		must(t, checkLinked(ctx, s, l.acknowledged))
		must(t, s.Close())
		fsys.Limit(-1)
		l.reopen(t, fsys)
	}
	if failures == 0 {
		t.Error("there was always room enough")
	}
}

// TestCollectCancelled gives a collection up at some point.
func TestCollectCancelled(t *testing.T) {
	fsys := faultfs.New()
	s, err := nbs.Open(t.Context(), faultDir, linkedOptions(fsys))
	must(t, err)
	l := &linked{}
	for range 20 {
		must(t, l.commit(t.Context(), s))
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := &nbs.CollectOptions{Full: true, Progress: func(int64, int64) { cancel() }}
	if _, err := s.Collect(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("Collect = %v", err)
	}
	must(t, checkLinked(t.Context(), s, l.acknowledged))
	must(t, l.commit(t.Context(), s))
	must(t, s.Close())
	l.reopen(t, fsys)
}

// TestCollectSpilled collects while a Writer has chunks in the journal that nothing
// leads to yet, and after it was given up.
func TestCollectSpilled(t *testing.T) {
	ctx := t.Context()
	for _, other := range []bool{false, true} {
		fsys := faultfs.New()
		s := openLinked(t, faultDir, nbs.Options{FS: fsys})
		collector := s
		if other {
			collector = openLinked(t, faultDir, nbs.Options{FS: fsys})
		}
		g := &graph{chunks: map[hash.Hash][]byte{}}
		spill := func(w *nbs.Writer, id uint64) hash.Hash {
			var parts []hash.Hash
			for i := range uint64(18) {
				h, err := g.put(ctx, w, link(id+i, 1<<20))
				must(t, err)
				parts = append(parts, h)
			}
			root, err := g.put(ctx, w, link(id, 9, parts...))
			must(t, err)
			return root
		}
		must(t, new(linked).commit(ctx, s))
		w, given := s.NewWriter(), s.NewWriter()
		root := spill(w, 10)
		spill(given, 1000)
		_, err := collector.Collect(ctx, &nbs.CollectOptions{Full: true})
		must(t, err)
		if has, err := collector.Has(ctx, hash.Of(link(10, 1<<20))); err != nil || !has {
			t.Errorf("a chunk that a Writer has spilled: Has = %v, %v", has, err)
		}
		must(t, s.Commit(ctx, w, nbstest.Set(root)))
		g.wantBelow(t, collector, root)
		given.Discard()
		for name := range fsys.Files() {
			if strings.Contains(name, "spill-") {
				t.Errorf("%s was left", name)
			}
		}
		_, err = collector.Collect(ctx, &nbs.CollectOptions{Full: true})
		must(t, err)
		g.wantOnly(t, collector, root)
		must(t, s.Close())
	}
}
