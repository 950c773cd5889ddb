package nbs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

var soak = flag.Bool("soak", false, "run the fault tests for many more seeds")

const faultDir = "/data/store"

// history is a workload that can be checked at any point: commit n has a root
// chunk that holds n, and some chunks that follow from n.
type history struct {
	acknowledged uint64 // commits that were reported durable
	attempted    uint64
	made         map[hash.Hash][]byte // see chunks
}

const historyChunks = 3

func historyChunk(commit, i uint64) []byte {
	return nbstest.Chunk(commit*historyChunks+i, 100+int(commit*397+i*131)%300)
}

func historyRoot(commit uint64) []byte {
	return binary.LittleEndian.AppendUint64([]byte("root"), commit)
}

// chunks returns all chunks that were acknowledged.
func (h *history) chunks() map[hash.Hash][]byte {
	if len(h.made) < int(h.acknowledged*historyChunks) {
		h.made = map[hash.Hash][]byte{}
		for commit := uint64(1); commit <= h.acknowledged; commit++ {
			for i := range uint64(historyChunks) {
				data := historyChunk(commit, i)
				h.made[hash.Of(data)] = data
			}
		}
	}
	return h.made
}

// commit makes one more commit.
func (h *history) commit(ctx context.Context, s *nbs.Store) error {
	n := h.acknowledged + 1
	h.attempted = n
	w := s.NewWriter()
	for i := range uint64(historyChunks) {
		if _, err := w.Put(ctx, historyChunk(n, i)); err != nil {
			return err
		}
	}
	root, err := w.Put(ctx, historyRoot(n))
	if err != nil {
		return err
	}
	err = s.Commit(ctx, w, nbstest.Set(root))
	if err == nil {
		h.acknowledged = n
	}
	return err
}

// run makes commits with a compaction now and then, until something fails.
func (h *history) run(ctx context.Context, fsys nbs.FS, seed uint64) error {
	opts := faultOptions(fsys, seed)
	for h.acknowledged < 12 {
		s, err := nbs.Open(ctx, faultDir, opts)
		if err != nil {
			return err
		}
		for range 4 {
			if err := h.commit(ctx, s); err != nil {
				return errors.Join(err, s.Close())
			}
		}
		if h.acknowledged%8 == 0 {
			if err := s.Compact(ctx); err != nil {
				return errors.Join(err, s.Close())
			}
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

func faultOptions(fsys nbs.FS, seed uint64) *nbs.Options {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return &nbs.Options{FS: fsys, CacheBytes: -1, JournalBytes: -1, Rand: rand.NewChaCha8(key)}
}

// newest returns the number of the newest commit, 0 for none.
func newest(ctx context.Context, s *nbs.Store) (uint64, error) {
	root, err := s.Root(ctx)
	if err != nil || root.IsZero() {
		return 0, err
	}
	data, err := s.Get(ctx, root)
	if err != nil {
		return 0, err
	}
	if len(data) != 12 {
		return 0, fmt.Errorf("root has %d bytes", len(data))
	}
	return binary.LittleEndian.Uint64(data[4:]), nil
}

// check checks a sound store: the newest commit is one of those that may be it,
// and everything up to it is there.
func (h *history) check(ctx context.Context, s *nbs.Store) error {
	if err := s.Damage(); err != nil {
		return fmt.Errorf("reported as damaged: %w", err)
	}
	n, err := newest(ctx, s)
	if err != nil {
		return err
	}
	if n != h.acknowledged && n != h.attempted {
		return fmt.Errorf("newest commit is %d, acknowledged %d, attempted %d", n, h.acknowledged, h.attempted)
	}
	for commit := uint64(1); commit <= n; commit++ {
		for i := range uint64(historyChunks) {
			if _, err := s.Get(ctx, hash.Of(historyChunk(commit, i))); err != nil {
				return fmt.Errorf("commit %d of %d: %w", commit, n, err)
			}
		}
	}
	return nil
}

// reopen checks what is left in fsys, as a reader and then as a writer.
func (h *history) reopen(t *testing.T, fsys nbs.FS) {
	t.Helper()
	ctx := t.Context()
	readOnly := faultOptions(fsys, 1)
	readOnly.ReadOnly = true
	for _, opts := range []*nbs.Options{readOnly, faultOptions(fsys, 2), faultOptions(fsys, 3)} {
		s, err := nbs.Open(ctx, faultDir, opts)
		if opts.ReadOnly && errors.Is(err, nbs.ErrNotStore) && h.acknowledged == 0 {
			continue // it had not been made yet
		}
		if err != nil {
			t.Fatalf("open, read-only %t: %v", opts.ReadOnly, err)
		}
		if err := h.check(ctx, s); err != nil {
			t.Fatal(err)
		}
		if !opts.ReadOnly {
			n, err := newest(ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			h.acknowledged = n
			if err := h.commit(ctx, s); err != nil {
				t.Fatalf("commit after recovery: %v", err)
			}
			if err := s.Compact(ctx); err != nil {
				t.Fatalf("compact after recovery: %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// recover opens fsys, in which everything may fail, and commits.
func (h *history) recover(t *testing.T, fsys nbs.FS) {
	t.Helper()
	s, err := nbs.Open(t.Context(), faultDir, faultOptions(fsys, 4))
	if err == nil {
		if n, newestErr := newest(t.Context(), s); newestErr == nil {
			h.acknowledged, h.attempted = n, max(n, h.attempted)
		}
		err = errors.Join(h.commit(t.Context(), s), s.Close())
	}
	if err != nil && !errors.Is(err, faultfs.ErrInjected) {
		t.Fatalf("recovery that is interrupted: %v", err)
	}
}

// TestFailEveryOperation makes each operation of a workload fail in turn. What
// was acknowledged must be there afterwards, in what other processes see at
// once and after a loss of power alike.
func TestFailEveryOperation(t *testing.T) {
	clean := faultfs.New()
	if err := new(history).run(t.Context(), clean, 1); err != nil {
		t.Fatal(err)
	}
	for i := range clean.Ops() {
		fsys := faultfs.New()
		fsys.Fail(i)
		h := &history{}
		err := h.run(t.Context(), fsys, 1)
		if err == nil && fsys.Ops() <= i {
			continue // an index that is saved in the background can take an operation less
		}
		line := fsys.Log()[i]
		if err != nil && !errors.Is(err, faultfs.ErrInjected) {
			t.Errorf("operation %s: the error hides its cause: %v", line, err)
		}
		if err == nil && !strings.Contains(line, ".index") && !strings.Contains(line, "remove") {
			t.Errorf("operation %s failed, and nobody was told", line)
		}
		t.Run(fmt.Sprintf("crashed/%d", i), func(t *testing.T) {
			g := *h
			g.reopen(t, fsys.Crash(rand.New(rand.NewPCG(uint64(i), 7)), faultfs.Sectors))
		})
		t.Run(fmt.Sprintf("running/%d", i), func(t *testing.T) {
			g := *h
			fsys.Fail(-1)
			g.reopen(t, fsys)
		})
		if t.Failed() {
			t.Fatalf("operation %s, error %v, log:\n%s", line, err, strings.Join(fsys.Log(), "\n"))
		}
	}
}

// TestPowerLoss cuts the power before each operation of a workload, twice, and many times
// with -soak. What is lost is random.
func TestPowerLoss(t *testing.T) {
	clean := faultfs.New()
	if err := new(history).run(t.Context(), clean, 1); err != nil {
		t.Fatal(err)
	}
	seeds, first := uint64(2), rand.Uint64()
	if *soak {
		seeds = 400
	}
	for i := range clean.Ops() + 1 {
		fsys := faultfs.New()
		fsys.Stop(i)
		h := &history{}
		if err := h.run(t.Context(), fsys, 1); err != nil && !errors.Is(err, faultfs.ErrInjected) {
			t.Fatalf("operation %d: %v", i, err)
		}
		for seed := range seeds {
			h := *h
			random := rand.New(rand.NewPCG(first+seed, uint64(i)))
			g := []faultfs.Granularity{faultfs.Writes, faultfs.Sectors}[random.IntN(2)]
			left := fsys.Crash(random, g)
			if seed%2 == 1 { // and once more while it recovers
				left.Stop(left.Ops() + random.IntN(8))
				h.recover(t, left)
				left = left.Crash(random, g)
			}
			h.reopen(t, left)
			if t.Failed() {
				t.Fatalf("operation %d, seed %d (the %dth), granularity %d, log:\n%s", i, first, seed, g, strings.Join(fsys.Log(), "\n"))
			}
		}
	}
}

// TestFlipEveryByte changes every byte of a store, one at a time; without -soak every
// third, from a random one on. Whatever is read must be right or an error, and the newest
// root is the one before unless damage is reported.
func TestFlipEveryByte(t *testing.T) {
	base := faultfs.New()
	h := &history{}
	must(t, h.run(t.Context(), base, 1))
	t.Run("closed", func(t *testing.T) { testFlips(t, base, h, "") })
	t.Run("crashed", func(t *testing.T) { testFlips(t, withoutIndexes(t, base), h, "journal") })
	base, h = sealed(t)
	t.Run("sealed", func(t *testing.T) { testFlips(t, withoutIndexes(t, base), h, "journal") })
}

// sealed returns a store as a crash leaves it between the exchange of the
// journal and the end of the compaction.
func sealed(t *testing.T) (*faultfs.FS, *history) {
	t.Helper()
	for i := 0; ; i++ {
		fsys, h := faultfs.New(), &history{}
		fsys.Stop(i)
		if err := h.run(t.Context(), fsys, 1); err == nil {
			t.Fatal("no journal was ever sealed")
		}
		manifest := faultDir + "/manifest"
		if fsys.Files()[manifest] > 0 && bytes.Contains(contents(t, fsys, manifest), []byte("\nsealed ")) {
			return fsys.Clone(), h
		}
	}
}

// testFlips flips the bytes of the files whose names contain part.
func testFlips(t *testing.T, base *faultfs.FS, h *history, part string) {
	h.chunks()
	base = trimmed(t, base)
	seed, step := rand.Uint64(), int64(3)
	if *soak {
		step = 1
	}
	random := rand.New(rand.NewPCG(seed, 0))
	files := base.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.Contains(filepath.Base(name), part) {
			continue
		}
		for at := random.Int64N(step); at < files[name]; at += step {
			mask := byte(1 << random.IntN(8))
			if random.IntN(2) == 0 {
				mask = byte(1 + random.IntN(255))
			}
			if err := flipAndCheck(t.Context(), base, h, name, at, mask); err != nil {
				t.Errorf("%s, byte %d, xor %02x (seed %d): %v", name, at, mask, seed, err)
			}
		}
	}
}

// withoutIndexes returns a copy without index files, as a crash may leave it.
func withoutIndexes(t *testing.T, base *faultfs.FS) *faultfs.FS {
	t.Helper()
	c := base.Clone()
	for name := range c.Files() {
		if strings.HasSuffix(name, ".index") {
			must(t, c.Remove(name))
		}
	}
	return c
}

// trimmed returns a copy with few zeros at the end of journals, which takes less
// time to read.
func trimmed(t *testing.T, base *faultfs.FS) *faultfs.FS {
	t.Helper()
	c := faultfs.New()
	must(t, c.MkdirAll(faultDir, 0o777))
	for name := range base.Files() {
		data := contents(t, base, name)
		if len(data) > 100<<10 {
			data = append(bytes.TrimRight(data, "\x00"), make([]byte, 2048)...)
		}
		f, err := c.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		must(t, err)
		_, err = f.WriteAt(data, 0)
		must(t, err)
	}
	return c
}

func flipAndCheck(ctx context.Context, base *faultfs.FS, h *history, name string, at int64, mask byte) error {
	if err := base.Flip(name, at, mask); err != nil {
		return err
	}
	readOnly := faultOptions(base, 1)
	readOnly.ReadOnly = true
	err := checkFlipped(ctx, readOnly, *h)
	if err == nil && at%64 == 3 { // writers take a copy each
		err = checkFlipped(ctx, faultOptions(base.Clone(), 2), *h)
	}
	return errors.Join(err, base.Flip(name, at, mask))
}

func checkFlipped(ctx context.Context, opts *nbs.Options, h history) error {
	s, err := nbs.Open(ctx, faultDir, opts)
	if err != nil {
		return wantDamage(err)
	}
	err = h.checkDamaged(ctx, s, opts.ReadOnly)
	return errors.Join(err, s.Close())
}

func wantDamage(err error) error {
	var damage *nbs.DamageError
	if !errors.As(err, &damage) {
		return fmt.Errorf("no *DamageError: %w", err)
	}
	if !strings.HasPrefix(damage.File, faultDir) || damage.Reason == "" {
		return fmt.Errorf("damage is not described: %+v", damage)
	}
	return nil
}

func (h *history) checkDamaged(ctx context.Context, s *nbs.Store, readOnly bool) error {
	root, err := s.Root(ctx)
	if err != nil {
		return err
	}
	if s.Damage() == nil && root != hash.Of(historyRoot(h.acknowledged)) {
		return fmt.Errorf("an older root, and no damage reported")
	}
	for want, data := range h.chunks() {
		got, err := s.Get(ctx, want)
		if err != nil && wantDamage(err) != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err == nil && !bytes.Equal(got, data) {
			return errors.New("wrong bytes")
		}
	}
	if readOnly {
		return nil
	}
	err = h.commit(ctx, s)
	if s.Damage() != nil && (!errors.Is(err, nbs.ErrReadOnly) || wantDamage(err) != nil) {
		return fmt.Errorf("commit to a damaged store: %w", err)
	}
	if s.Damage() == nil && err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// TestNoSpace fills the disk, then makes room.
func TestNoSpace(t *testing.T) {
	fsys := faultfs.New()
	h := &history{}
	if err := h.run(t.Context(), fsys, 1); err != nil {
		t.Fatal(err)
	}
	fsys.Limit(0)
	s := open(t, faultDir, faultOptions(fsys, 1))
	w := s.NewWriter()
	for i := range uint64(4) {
		nbstest.MustPut(t, w, nbstest.Chunk(1000+i, 1<<20))
	}
	err := s.Commit(t.Context(), w, nbstest.Set(hash.Of([]byte("x"))))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Commit = %v, want ENOSPC", err)
	}
	if err := h.check(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	fsys.Limit(-1)
	if err := h.commit(t.Context(), s); err != nil { // nothing had been written
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h.reopen(t, fsys)
}

// TestNoSpaceInside fills the disk where bytes are copied on write: an append into room
// that the journal has fails half-way.
func TestNoSpaceInside(t *testing.T) {
	fsys := faultfs.New()
	h := &history{}
	if err := h.run(t.Context(), fsys, 1); err != nil {
		t.Fatal(err)
	}
	s := open(t, faultDir, faultOptions(fsys, 1))
	for range 3 {
		fsys.Limit(0)
		for i := range uint64(3) {
			w := s.NewWriter()
			nbstest.MustPut(t, w, nbstest.Chunk(2000+i, 5000))
			if err := s.Commit(t.Context(), w, nbstest.Set(hash.Of([]byte{byte(i)}))); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("Commit = %v, want ENOSPC", err)
			}
			if err := h.check(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		fsys.Limit(-1)
		if err := h.commit(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h.reopen(t, fsys)
}

// TestFailedSyncIsFinal checks that a sync is never tried again.
func TestFailedSyncIsFinal(t *testing.T) {
	fsys := faultfs.New()
	h := &history{}
	if err := h.run(t.Context(), fsys, 1); err != nil {
		t.Fatal(err)
	}
	s := open(t, faultDir, faultOptions(fsys, 1))
	fsys.Fail(fsys.Ops() + 1) // after the write
	if err := h.commit(t.Context(), s); !errors.Is(err, faultfs.ErrInjected) {
		t.Fatalf("Commit = %v", err)
	}
	for range 3 {
		err := h.commit(t.Context(), s)
		if !errors.Is(err, nbs.ErrFailed) || !errors.Is(err, faultfs.ErrInjected) {
			t.Fatalf("Commit after a failed sync = %v", err)
		}
	}
	if err := h.check(t.Context(), s); err != nil {
		t.Fatalf("reading after a failed sync: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
