// Package nbstest checks that a block store keeps the contract of package nbs:
// a suite that each backend's tests run.
package nbstest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// Store is what a backend has to have.
type Store interface {
	Close() error
	Root(ctx context.Context) (hash.Hash, error)
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
	Has(ctx context.Context, h hash.Hash) (bool, error)
	NewWriter() *nbs.Writer
	Commit(ctx context.Context, w *nbs.Writer, update nbs.UpdateFunc) error
	Damage() error
	Compact(ctx context.Context) error
	Check(ctx context.Context, progress func(done, total int64)) iter.Seq2[*nbs.DamageError, error]
	Stats() nbs.Stats
	Resolve(ctx context.Context, prefix []byte, limit int) ([]hash.Hash, error)
}

var (
	_ Store = (*nbs.Store)(nil)
	_ Store = (*nbs.Memory)(nil)
)

// Run runs the suite. Each call of open returns a new, empty store; the suite
// closes it.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s Store)
	}{
		{"Empty", testEmpty},
		{"ReadBack", testReadBack},
		{"Sizes", testSizes},
		{"PutTwice", testPutTwice},
		{"PutLater", testPutLater},
		{"WriterReadsPending", testWriterReadsPending},
		{"Discard", testDiscard},
		{"UpdateError", testUpdateError},
		{"UpdatePuts", testUpdatePuts},
		{"UpdatePanics", testUpdatePanics},
		{"NilWriter", testNilWriter},
		{"ForeignWriter", testForeignWriter},
		{"SameRoot", testSameRoot},
		{"Cancelled", testCancelled},
		{"CancelledInQueue", testCancelledInQueue},
		{"Spill", testSpill},
		{"TooLarge", testTooLarge},
		{"Resolve", testResolve},
		{"Counter", testCounter},
		{"Compact", testCompact},
		{"Closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.test(t, s)
			if err := s.Close(); err != nil && c.name != "Closed" {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// Set returns an update that sets the root.
func Set(root hash.Hash) nbs.UpdateFunc {
	return func(context.Context, hash.Hash) (hash.Hash, error) { return root, nil }
}

// Chunk returns n bytes that depend on the seed; about half of them compress.
func Chunk(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	data := make([]byte, n)
	for i := range data {
		if i%64 < 32 {
			data[i] = byte(r.Uint32())
		}
	}
	if n >= 8 {
		binary.LittleEndian.PutUint64(data, seed)
	}
	return data
}

// MustPut puts a chunk.
func MustPut(t *testing.T, w *nbs.Writer, data []byte) hash.Hash {
	t.Helper()
	h, err := w.Put(t.Context(), data)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	return h
}

// MustCommit commits the chunks of w and the root.
func MustCommit(t *testing.T, s Store, w *nbs.Writer, root hash.Hash) {
	t.Helper()
	if err := s.Commit(t.Context(), w, Set(root)); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// WantRoot checks the root.
func WantRoot(t *testing.T, s Store, want hash.Hash) {
	t.Helper()
	if got, err := s.Root(t.Context()); err != nil || got != want {
		t.Fatalf("Root = %s, %v, want %s", got, err, want)
	}
}

// WantChunk checks that the chunk with these bytes is there.
func WantChunk(t *testing.T, s Store, data []byte) {
	t.Helper()
	got, err := s.Get(t.Context(), hash.Of(data))
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if !bytes.Equal(data, got) {
		t.Fatalf("Get of %d bytes returned %d others", len(data), len(got))
	}
}

// WantMissing checks that the chunk with these bytes is not there.
func WantMissing(t *testing.T, s Store, data []byte) {
	t.Helper()
	h := hash.Of(data)
	if got, err := s.Get(t.Context(), h); !errors.Is(err, nbs.ErrNotFound) || got != nil {
		t.Fatalf("Get = %d bytes, %v, want ErrNotFound", len(got), err)
	}
	if found, err := s.Has(t.Context(), h); found || err != nil {
		t.Fatalf("Has = %t, %v", found, err)
	}
}

func testEmpty(t *testing.T, s Store) {
	WantRoot(t, s, hash.Hash{})
	WantMissing(t, s, []byte("nothing"))
	if _, err := s.Get(t.Context(), hash.Hash{}); !errors.Is(err, nbs.ErrNotFound) {
		t.Fatalf("Get of the zero hash: %v", err)
	}
	if err := s.Damage(); err != nil {
		t.Fatalf("Damage: %v", err)
	}
}

func testReadBack(t *testing.T, s Store) {
	w := s.NewWriter()
	for commit := range uint64(10) {
		var root hash.Hash
		for i := range uint64(20) {
			root = MustPut(t, w, Chunk(commit*100+i, 1000))
		}
		MustCommit(t, s, w, root)
		WantRoot(t, s, root)
	}
	for commit := range uint64(10) {
		for i := range uint64(20) {
			WantChunk(t, s, Chunk(commit*100+i, 1000))
		}
	}
	if n := s.Stats().Chunks; n != 200 {
		t.Errorf("Stats().Chunks = %d, want 200", n)
	}
}

func testSizes(t *testing.T, s Store) {
	w := s.NewWriter()
	var chunks [][]byte
	for _, n := range []int{0, 1, 31, 32, 33, 63, 64, 127, 128, 511, 512, 513, 4095, 4096, 65536, 1 << 20} {
		chunks = append(chunks, Chunk(uint64(n), n), make([]byte, n), slices.Repeat([]byte{0xFF}, n))
		random := Chunk(uint64(n), 2*n) // incompressible, with a hole
		clear(random[n/2 : n])
		chunks = append(chunks, random)
	}
	var root hash.Hash
	for _, c := range chunks {
		root = MustPut(t, w, c)
	}
	MustCommit(t, s, w, root)
	for _, c := range chunks {
		WantChunk(t, s, c)
	}
}

func testPutTwice(t *testing.T, s Store) {
	w := s.NewWriter()
	h := MustPut(t, w, Chunk(1, 100))
	if again := MustPut(t, w, Chunk(1, 100)); again != h {
		t.Fatalf("Put = %s, then %s", h, again)
	}
	MustCommit(t, s, w, h)
	MustPut(t, w, Chunk(1, 100))
	MustCommit(t, s, w, h)
	if n := s.Stats().Chunks; n != 1 {
		t.Fatalf("Stats().Chunks = %d, want 1", n)
	}
}

// testPutLater puts some chunks twice, at once and later, and more than a Writer holds.
func testPutLater(t *testing.T, s Store) {
	w := s.NewWriter()
	MustCommit(t, s, w, MustPut(t, w, Chunk(3, 5000)))
	const rounds, each, size = 12, 9, 300_000
	var puts []func(context.Context) ([]hash.Hash, error)
	for round := range uint64(rounds) {
		MustPut(t, w, Chunk(round*each+5, size))
		data := [][]byte{Chunk(3, 5000)}
		for i := range uint64(each) {
			data = append(data, Chunk(round*each+i, size))
		}
		puts = append(puts, w.PutLater(data))
	}
	var root hash.Hash
	for round, put := range puts {
		addresses, err := put(t.Context())
		if err != nil || len(addresses) != each+1 {
			t.Fatal(len(addresses), err)
		}
		for i, h := range addresses[1:] {
			if root = h; h != hash.Of(Chunk(uint64(round*each+i), size)) {
				t.Fatalf("chunk %d of round %d has another address", i, round)
			}
		}
	}
	MustCommit(t, s, w, root)
	for i := range uint64(rounds * each) {
		WantChunk(t, s, Chunk(i, size))
	}
	put := w.PutLater([][]byte{make([]byte, nbs.MaxChunkBytes+1)})
	if _, err := put(t.Context()); !errors.Is(err, nbs.ErrTooLarge) {
		t.Errorf("PutLater = %v, want ErrTooLarge", err)
	}
}

func testWriterReadsPending(t *testing.T, s Store) {
	w := s.NewWriter()
	stored := MustPut(t, w, Chunk(1, 100))
	MustCommit(t, s, w, stored)
	pending := MustPut(t, w, Chunk(2, 100))
	for seed, h := range map[uint64]hash.Hash{1: stored, 2: pending} {
		got, err := w.Get(t.Context(), h)
		if err != nil || !bytes.Equal(Chunk(seed, 100), got) {
			t.Fatalf("Writer.Get(%d) = %x, %v", seed, got, err)
		}
	}
	WantMissing(t, s, Chunk(2, 100))
}

func testDiscard(t *testing.T, s Store) {
	w := s.NewWriter()
	MustPut(t, w, Chunk(1, 100))
	w.Discard()
	root := MustPut(t, w, Chunk(2, 100))
	MustCommit(t, s, w, root)
	WantMissing(t, s, Chunk(1, 100))
	WantChunk(t, s, Chunk(2, 100))
}

func testUpdateError(t *testing.T, s Store) {
	w := s.NewWriter()
	h := MustPut(t, w, Chunk(1, 100))
	want := errors.New("no")
	err := s.Commit(t.Context(), w, func(context.Context, hash.Hash) (hash.Hash, error) { return h, want })
	if err != want {
		t.Fatalf("Commit = %v, want update's error as it is", err)
	}
	WantRoot(t, s, hash.Hash{})
	WantMissing(t, s, Chunk(1, 100))
	MustCommit(t, s, w, h) // it still holds its chunks
	WantChunk(t, s, Chunk(1, 100))
}

func testUpdatePuts(t *testing.T, s Store) {
	first := s.NewWriter()
	root := MustPut(t, first, Chunk(1, 100))
	MustCommit(t, s, first, root)
	w := s.NewWriter()
	err := s.Commit(t.Context(), w, func(ctx context.Context, newest hash.Hash) (hash.Hash, error) {
		if newest != root {
			t.Errorf("update got root %s, want %s", newest, root)
		}
		if _, err := s.Get(ctx, newest); err != nil {
			t.Errorf("Get in update: %v", err)
		}
		if _, err := s.Get(ctx, hash.Of([]byte("?"))); !errors.Is(err, nbs.ErrNotFound) {
			t.Errorf("Get in update: %v", err)
		}
		if got, err := s.Root(ctx); got != root || err != nil {
			t.Errorf("Root in update = %s, %v", got, err)
		}
		return w.Put(ctx, Chunk(2, 100))
	})
	if err != nil {
		t.Fatal(err)
	}
	WantRoot(t, s, hash.Of(Chunk(2, 100)))
	WantChunk(t, s, Chunk(2, 100))
}

func testUpdatePanics(t *testing.T, s Store) {
	func() {
		defer func() {
			if got := recover(); got != "oops" {
				t.Errorf("recovered %v", got)
			}
		}()
		err := s.Commit(t.Context(), nil, func(context.Context, hash.Hash) (hash.Hash, error) { panic("oops") })
		t.Errorf("Commit returned %v", err)
	}()
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		err := s.Commit(context.Background(), nil, func(context.Context, hash.Hash) (hash.Hash, error) {
			runtime.Goexit() // as t.FailNow does
			return hash.Hash{}, nil
		})
		t.Errorf("Commit returned %v", err)
	}()
	<-exited
	w := s.NewWriter()
	MustCommit(t, s, w, MustPut(t, w, Chunk(1, 100)))
	WantChunk(t, s, Chunk(1, 100))
}

func testNilWriter(t *testing.T, s Store) {
	w := s.NewWriter()
	a, b := MustPut(t, w, Chunk(1, 100)), MustPut(t, w, Chunk(2, 100))
	MustCommit(t, s, w, a)
	MustCommit(t, s, nil, b)
	WantRoot(t, s, b)
}

func testForeignWriter(t *testing.T, s Store) {
	other := nbs.NewMemory().NewWriter()
	h := MustPut(t, other, Chunk(1, 100))
	if err := s.Commit(t.Context(), other, Set(h)); !errors.Is(err, nbs.ErrForeignWriter) {
		t.Fatalf("Commit = %v, want ErrForeignWriter", err)
	}
	WantRoot(t, s, hash.Hash{})
}

func testSameRoot(t *testing.T, s Store) {
	w := s.NewWriter()
	root := MustPut(t, w, Chunk(1, 100))
	MustCommit(t, s, w, root)
	before := s.Stats()
	MustCommit(t, s, w, root)
	if after := s.Stats(); after.AppendedBytes != before.AppendedBytes || after.Syncs != before.Syncs {
		t.Errorf("a commit that changes nothing has written: %+v, before %+v", after, before)
	}
	MustPut(t, w, Chunk(2, 100)) // a chunk without a new root is stored all the same
	MustCommit(t, s, w, root)
	WantChunk(t, s, Chunk(2, 100))
	WantRoot(t, s, root)
}

func testCancelled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := s.NewWriter()
	h := MustPut(t, w, Chunk(1, 100))
	for name, err := range map[string]error{
		"Commit": s.Commit(ctx, w, func(context.Context, hash.Hash) (hash.Hash, error) {
			t.Error("update was called")
			return h, nil
		}),
		"Root":    second(s.Root(ctx)),
		"Get":     second(s.Get(ctx, h)),
		"Has":     second(s.Has(ctx, h)),
		"Resolve": second(s.Resolve(ctx, []byte("0"), 1)),
		"Compact": s.Compact(ctx),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want context.Canceled", name, err)
		}
	}
	WantRoot(t, s, hash.Hash{})
}

func second[T any](_ T, err error) error { return err }

// testCancelledInQueue cancels a commit that waits behind another one.
func testCancelledInQueue(t *testing.T, s Store) {
	started, goOn := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- s.Commit(context.Background(), nil, func(context.Context, hash.Hash) (hash.Hash, error) {
			close(started)
			<-goOn
			return hash.Of([]byte("first")), nil
		})
	}()
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- s.Commit(ctx, nil, Set(hash.Of([]byte("second")))) }()
	time.Sleep(time.Millisecond) // most often it is in the queue by then
	cancel()
	if _, ok := s.(*nbs.Memory); !ok { // whose queue is a mutex
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("second commit = %v", err)
		}
		second <- nil
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("first commit = %v", err)
	}
	<-second
	WantRoot(t, s, hash.Of([]byte("first")))
	MustCommit(t, s, nil, hash.Of([]byte("third")))
}

// testSpill commits more than a Writer keeps in memory, some of it in update.
func testSpill(t *testing.T, s Store) {
	w := s.NewWriter()
	const size, count = 1 << 20, 40
	var root hash.Hash
	for i := range uint64(count) {
		root = MustPut(t, w, Chunk(i, size))
	}
	WantRoot(t, s, hash.Hash{})
	err := s.Commit(t.Context(), w, func(ctx context.Context, _ hash.Hash) (hash.Hash, error) {
		for i := range uint64(count) {
			if _, err := w.Put(ctx, Chunk(count+i, size)); err != nil {
				return hash.Hash{}, err
			}
		}
		return root, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	WantRoot(t, s, root)
	for i := range uint64(2 * count) {
		WantChunk(t, s, Chunk(i, size))
	}
}

func testTooLarge(t *testing.T, s Store) {
	w := s.NewWriter()
	if _, err := w.Put(t.Context(), make([]byte, nbs.MaxChunkBytes+1)); !errors.Is(err, nbs.ErrTooLarge) {
		t.Fatalf("Put = %v, want ErrTooLarge", err)
	}
	data := Chunk(1, nbs.MaxChunkBytes)
	root := MustPut(t, w, data)
	MustCommit(t, s, w, root)
	WantChunk(t, s, data)
}

func testResolve(t *testing.T, s Store) {
	w := s.NewWriter()
	var all []hash.Hash
	for i := range uint64(500) {
		all = append(all, MustPut(t, w, Chunk(i, 50)))
	}
	MustCommit(t, s, w, all[0])
	slices.SortFunc(all, hash.Hash.Compare)
	for _, prefix := range []string{"", "0", "f", "12", all[7].String()[:6], all[9].String(), "123456789"} {
		var want []hash.Hash
		for _, h := range all {
			if h.String()[:len(prefix)] == prefix {
				want = append(want, h)
			}
		}
		for _, limit := range []int{1000, 3} {
			got, err := s.Resolve(t.Context(), []byte(prefix), limit)
			if err != nil {
				t.Fatalf("Resolve(%q): %v", prefix, err)
			}
			if !slices.Equal(got, want[:min(limit, len(want))]) {
				t.Errorf("Resolve(%q, %d) = %v, want %v", prefix, limit, got, want)
			}
		}
	}
	for _, bad := range []string{"g", "0x", all[0].String() + "0"} {
		if got, err := s.Resolve(t.Context(), []byte(bad), 10); err == nil {
			t.Errorf("Resolve(%q) = %v", bad, got)
		}
	}
}

// testCounter counts in the root from many goroutines: no step may be lost.
func testCounter(t *testing.T, s Store) {
	const writers, steps = 16, 20
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			w := s.NewWriter()
			for range steps {
				if err := Increment(context.Background(), s, w); err != nil {
					t.Errorf("Increment: %v", err)
				}
			}
		})
	}
	done.Wait()
	if got, err := Count(t.Context(), s); got != writers*steps || err != nil {
		t.Fatalf("Count = %d, %v, want %d", got, err, writers*steps)
	}
	if n := s.Stats().Commits; n != writers*steps {
		t.Errorf("Stats().Commits = %d, want %d", n, writers*steps)
	}
}

// Increment commits a root that holds a number which is one higher.
func Increment(ctx context.Context, s Store, w *nbs.Writer) error {
	return s.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
		n, err := countAt(ctx, s.Get, root)
		if err != nil {
			return hash.Hash{}, err
		}
		return w.Put(ctx, binary.LittleEndian.AppendUint64(nil, n+1))
	})
}

// Count returns the number that Increment has left.
func Count(ctx context.Context, s Store) (uint64, error) {
	root, err := s.Root(ctx)
	if err != nil {
		return 0, err
	}
	return countAt(ctx, s.Get, root)
}

func countAt(ctx context.Context, get func(context.Context, hash.Hash) ([]byte, error), root hash.Hash) (uint64, error) {
	if root.IsZero() {
		return 0, nil
	}
	data, err := get(ctx, root)
	if err != nil {
		return 0, err
	}
	if len(data) != 8 {
		return 0, fmt.Errorf("nbstest: counter has %d bytes", len(data))
	}
	return binary.LittleEndian.Uint64(data), nil
}

func testCompact(t *testing.T, s Store) {
	w := s.NewWriter()
	for round := range uint64(5) {
		var root hash.Hash
		for i := range uint64(100) {
			root = MustPut(t, w, Chunk(round*1000+i, 500))
		}
		MustCommit(t, s, w, root)
		if err := s.Compact(t.Context()); err != nil {
			t.Fatalf("Compact: %v", err)
		}
		WantRoot(t, s, root)
	}
	for round := range uint64(5) {
		for i := range uint64(100) {
			WantChunk(t, s, Chunk(round*1000+i, 500))
		}
	}
	for damage, err := range s.Check(t.Context(), nil) {
		t.Errorf("Check: %v, %v", damage, err)
	}
	if n := s.Stats().Chunks; n != 500 {
		t.Errorf("Stats().Chunks = %d, want 500", n)
	}
}

func testClosed(t *testing.T, s Store) {
	w := s.NewWriter()
	h := MustPut(t, w, Chunk(1, 100))
	MustCommit(t, s, w, h)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, err := range map[string]error{
		"Commit":  s.Commit(ctx, w, Set(h)),
		"Root":    second(s.Root(ctx)),
		"Get":     second(s.Get(ctx, h)),
		"Has":     second(s.Has(ctx, h)),
		"Resolve": second(s.Resolve(ctx, []byte("0"), 1)),
		"Compact": s.Compact(ctx),
		"Close":   s.Close(),
	} {
		if !errors.Is(err, nbs.ErrClosed) {
			t.Errorf("%s = %v, want ErrClosed", name, err)
		}
	}
}
