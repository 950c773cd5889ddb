package nbs_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

var update = flag.Bool("update", false, "write the frozen store anew")

// crashed returns a store of some commits without an index file, as a crash
// leaves it, the journal's name, and where each append ends.
func crashed(t *testing.T, commits int) (fsys *faultfs.FS, journal string, ends []int64) {
	t.Helper()
	fsys = faultfs.New()
	s := open(t, faultDir, faultOptions(fsys, 1))
	h := &history{}
	for range commits {
		if err := h.commit(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, s.Stats().JournalBytes)
	}
	fsys = withoutIndexes(t, fsys)
	for name := range fsys.Files() {
		if strings.Contains(name, "journal-") {
			journal = name
		}
	}
	return fsys, journal, ends
}

// overwrite writes zeros or other bytes into a file.
func overwrite(t *testing.T, fsys *faultfs.FS, name string, offset int64, data []byte) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, offset); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, fsys *faultfs.FS, name string) []byte {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRecovery damages a journal in one way at a time.
func TestRecovery(t *testing.T) {
	const commits = 5
	_, _, ends := crashed(t, commits)
	last, end := ends[commits-2], ends[commits-1] // of the last append
	firstSector := last &^ 511
	cases := []struct {
		name   string
		harm   func(t *testing.T, fsys *faultfs.FS, journal string)
		newest uint64 // commit that is to be found
		damage int64  // offset at least, -1 for none
	}{
		{"untouched", func(*testing.T, *faultfs.FS, string) {}, commits, -1},
		{"last sector lost", func(t *testing.T, f *faultfs.FS, j string) {
			overwrite(t, f, j, (end-1)&^511, make([]byte, 512))
		}, commits - 1, -1},
		{"first sector lost", func(t *testing.T, f *faultfs.FS, j string) {
			overwrite(t, f, j, last, make([]byte, firstSector+512-last))
		}, commits - 1, -1},
		{"middle sector lost", func(t *testing.T, f *faultfs.FS, j string) {
			overwrite(t, f, j, firstSector+512, make([]byte, 512))
		}, commits - 1, -1},
		{"last append lost", func(t *testing.T, f *faultfs.FS, j string) {
			overwrite(t, f, j, last, make([]byte, end-last))
		}, commits - 1, -1},
		{"garbage behind the end", func(t *testing.T, f *faultfs.FS, j string) {
			overwrite(t, f, j, end+700, []byte("garbage"))
		}, commits, -1},
		{"byte of the last chunks", func(t *testing.T, f *faultfs.FS, j string) {
			must(t, f.Flip(j, last+100, 0x10))
		}, commits, last},
		{"length of the last append's first record", func(t *testing.T, f *faultfs.FS, j string) {
			must(t, f.Flip(j, last+2, 0x10))
		}, commits, last},
		{"byte of the last terminal", func(t *testing.T, f *faultfs.FS, j string) {
			must(t, f.Flip(j, end-60, 0x10))
		}, commits - 1, last},
		{"mark of the last terminal", func(t *testing.T, f *faultfs.FS, j string) {
			must(t, f.Flip(j, end-1, 0x10))
		}, commits - 1, last},
		{"byte in the middle", func(t *testing.T, f *faultfs.FS, j string) {
			must(t, f.Flip(j, ends[1]+40, 0x10))
		}, commits, ends[1]},
		{"sector in the middle", func(t *testing.T, f *faultfs.FS, j string) {
			overwrite(t, f, j, (ends[1]+511)&^511, make([]byte, 512))
		}, commits, ends[1]},
		{"header", func(t *testing.T, f *faultfs.FS, j string) {
			must(t, f.Flip(j, 3, 0x10))
		}, commits, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fsys, journal, _ := crashed(t, commits)
			c.harm(t, fsys, journal)
			before := contents(t, fsys, journal)
			s := open(t, faultDir, faultOptions(fsys, 2))
			if n, err := newest(t.Context(), s); n != c.newest || err != nil {
				t.Errorf("newest commit is %d, %v, want %d", n, err, c.newest)
			}
			if c.damage < 0 {
				checkSound(t, s, c.newest)
			} else {
				checkDamaged(t, s, c.damage)
				if !bytes.Equal(before, contents(t, fsys, journal)) {
					t.Error("the damaged file was written to")
				}
			}
			must(t, s.Close())
			if c.damage < 0 {
				s := open(t, faultDir, faultOptions(fsys, 3))
				checkSound(t, s, c.newest+1)
				must(t, s.Close())
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkSound checks the store up to commit n, and adds one.
func checkSound(t *testing.T, s *nbs.Store, n uint64) {
	t.Helper()
	h := &history{acknowledged: n, attempted: n}
	must(t, h.check(t.Context(), s))
	must(t, h.commit(t.Context(), s))
	must(t, h.check(t.Context(), s))
}

func checkDamaged(t *testing.T, s *nbs.Store, atLeast int64) {
	t.Helper()
	var damage *nbs.DamageError
	if err := s.Damage(); !errors.As(err, &damage) || damage.Offset < atLeast || damage.Offset > atLeast+2000 {
		t.Fatalf("Damage = %v, want one at %d", err, atLeast)
	}
	err := s.Commit(t.Context(), nil, nbstest.Set(hash.Of([]byte("x"))))
	if damage = nil; !errors.Is(err, nbs.ErrReadOnly) || !errors.As(err, &damage) {
		t.Fatalf("Commit = %v", err)
	}
	if err := s.Compact(t.Context()); !errors.Is(err, nbs.ErrReadOnly) {
		t.Fatalf("Compact = %v", err)
	}
}

// TestCheck damages a chunk in a table and one in the journal.
func TestCheck(t *testing.T) {
	fsys := faultfs.New()
	h := &history{}
	must(t, h.run(t.Context(), fsys, 1))
	for name := range fsys.Files() {
		if base := filepath.Base(name); !strings.HasSuffix(base, ".index") && base != "manifest" {
			must(t, fsys.Flip(name, 512+100, 4))
		}
	}
	s := open(t, faultDir, faultOptions(fsys, 1))
	var files []string
	for damage, err := range s.Check(t.Context(), nil) {
		must(t, err)
		files = append(files, filepath.Base(damage.File)[:5])
	}
	if strings.Join(files, " ") != "journ table" {
		t.Errorf("damage found in %q", files)
	}
	for range s.Check(t.Context(), nil) {
		break
	}
	must(t, s.Close())
	for _, err := range s.Check(t.Context(), nil) {
		if !errors.Is(err, nbs.ErrClosed) {
			t.Errorf("Check of a closed store: %v", err)
		}
	}
}

// TestDamageWhileOpen has another store's append damaged before this one
// follows: the writer finds out, and does not cut it.
func TestDamageWhileOpen(t *testing.T) {
	fsys, journal, ends := crashed(t, 3)
	reader, writer := open(t, faultDir, faultOptions(fsys, 2)), open(t, faultDir, faultOptions(fsys, 3))
	h := &history{acknowledged: 3}
	must(t, h.commit(t.Context(), writer))
	must(t, fsys.Flip(journal, ends[2]+50, 1))
	nbstest.WantRoot(t, reader, hash.Of(historyRoot(3))) // it cannot tell yet from an append in progress
	err := reader.Commit(t.Context(), nil, nbstest.Set(hash.Of([]byte("x"))))
	if !errors.Is(err, nbs.ErrReadOnly) || reader.Damage() == nil {
		t.Fatalf("Commit = %v, Damage = %v", err, reader.Damage())
	}
	nbstest.WantRoot(t, reader, hash.Of(historyRoot(4)))
	must(t, reader.Close())
	must(t, writer.Close())
}

// lateFS has something happen before it reads a directory for the first time.
type lateFS struct {
	nbs.FS
	first func()
}

func (f *lateFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if first := f.first; first != nil {
		f.first = nil
		first()
	}
	return f.FS.ReadDir(name)
}

// TestCreatedMeanwhile opens a store that another one makes after it was found to be missing.
func TestCreatedMeanwhile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var other *nbs.Store
	s := open(t, dir, &nbs.Options{FS: &lateFS{nbs.OS(), func() { other = open(t, dir, nil) }}})
	must(t, nbstest.Increment(t.Context(), other, other.NewWriter()))
	if n, err := nbstest.Count(t.Context(), s); n != 1 || err != nil {
		t.Errorf("counted to %d, %v", n, err)
	}
	must(t, s.Close())
	must(t, other.Close())
}

func TestOpenErrors(t *testing.T) {
	ctx := t.Context()
	foreign := t.TempDir()
	must(t, os.WriteFile(filepath.Join(foreign, "photo.jpg"), nil, 0o666))
	if _, err := nbs.Open(ctx, foreign, nil); !errors.Is(err, nbs.ErrNotStore) {
		t.Errorf("Open of a foreign directory: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := nbs.Open(ctx, missing, &nbs.Options{ReadOnly: true}); !errors.Is(err, nbs.ErrNotStore) || !errors.Is(err, nbs.ErrReadOnly) {
		t.Errorf("Open of a missing directory, read-only: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := nbs.Open(cancelled, missing, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with a cancelled context: %v", err)
	}

	fsys, _, _ := crashed(t, 2)
	manifest := faultDir + "/manifest"
	size := fsys.Files()[manifest]
	must(t, fsys.Flip(manifest, 30, 1))
	must(t, open(t, faultDir, faultOptions(fsys, 1)).Close()) // the second copy is good
	must(t, fsys.Flip(manifest, size/2+30, 1))
	var damage *nbs.DamageError
	if _, err := nbs.Open(ctx, faultDir, faultOptions(fsys, 1)); !errors.As(err, &damage) || damage.File != manifest {
		t.Errorf("Open with a damaged manifest: %v", err)
	}
	must(t, fsys.Remove(manifest))
	if _, err := nbs.Open(ctx, faultDir, faultOptions(fsys, 1)); !errors.As(err, &damage) {
		t.Errorf("Open without its manifest: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	w := s.NewWriter()
	root := nbstest.MustPut(t, w, []byte("root"))
	nbstest.MustCommit(t, s, w, root)
	r := open(t, dir, &nbs.Options{ReadOnly: true})
	nbstest.WantRoot(t, r, root)
	if err := r.Commit(t.Context(), nil, nbstest.Set(root)); !errors.Is(err, nbs.ErrReadOnly) {
		t.Errorf("Commit = %v", err)
	}
	if err := r.Compact(t.Context()); !errors.Is(err, nbs.ErrReadOnly) {
		t.Errorf("Compact = %v", err)
	}
	next := nbstest.MustPut(t, w, []byte("next"))
	nbstest.MustCommit(t, s, w, next)
	nbstest.WantRoot(t, r, next) // it follows
	must(t, s.Compact(t.Context()))
	nbstest.WantRoot(t, r, next)
	third := nbstest.MustPut(t, w, []byte("third"))
	nbstest.MustCommit(t, s, w, third)
	nbstest.WantRoot(t, r, third) // into the next journal
	for _, data := range []string{"root", "next", "third"} {
		nbstest.WantChunk(t, r, []byte(data))
	}
	must(t, r.Close())
	must(t, s.Close())
}

// TestTwoStores has two stores on one directory count in turns.
func TestTwoStores(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, nil), open(t, dir, &nbs.Options{JournalBytes: 4 << 10})
	for i := range 200 {
		s := []*nbs.Store{a, b}[i%2]
		must(t, nbstest.Increment(t.Context(), s, s.NewWriter()))
		if i%50 == 0 {
			must(t, a.Compact(t.Context()))
		}
	}
	for _, s := range []*nbs.Store{a, b} {
		if n, err := nbstest.Count(t.Context(), s); n != 200 || err != nil {
			t.Errorf("counted to %d, %v", n, err)
		}
		must(t, s.Close())
	}
}

// TestGroupCommit has commits queue up behind one: they share a write and a
// sync, and the failure of one does not touch the others.
func TestGroupCommit(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	started, goOn := make(chan struct{}), make(chan struct{})
	results := make(chan error, 20)
	go func() {
		results <- s.Commit(context.Background(), nil, func(context.Context, hash.Hash) (hash.Hash, error) {
			close(started)
			<-goOn
			return hash.Of([]byte("first")), nil
		})
	}()
	<-started
	refused := errors.New("refused")
	for i := range 19 {
		go func() {
			if i == 7 {
				results <- s.Commit(context.Background(), nil, func(context.Context, hash.Hash) (hash.Hash, error) {
					return hash.Hash{}, refused
				})
				return
			}
			w := s.NewWriter()
			root, err := w.Put(context.Background(), nbstest.Chunk(uint64(i), 100))
			results <- errors.Join(err, s.Commit(context.Background(), w, nbstest.Set(root)))
		}()
	}
	time.Sleep(50 * time.Millisecond) // they are all waiting by now, or nearly
	before := s.Stats()
	close(goOn)
	failed := 0
	for range cap(results) {
		if err := <-results; err == refused {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	after := s.Stats()
	if failed != 1 || after.Commits-before.Commits != 19 || after.Syncs-before.Syncs > 10 {
		t.Errorf("%d failed, stats before %+v, after %+v", failed, before, after)
	}
	must(t, s.Close())
}

// TestFrozenStore opens a store that version 1 of the format has left, with a
// table, a journal and its index.
func TestFrozenStore(t *testing.T) {
	const frozen = "testdata/v1"
	if *update {
		freeze(t, frozen)
	}
	for _, readOnly := range []bool{true, false} {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(frozen)))
		s := open(t, dir, &nbs.Options{ReadOnly: readOnly})
		h := &history{acknowledged: 12, attempted: 12}
		must(t, h.check(t.Context(), s))
		if stats := s.Stats(); stats.TableFiles != 1 || stats.Chunks != 48 {
			t.Errorf("Stats = %+v", stats)
		}
		if !readOnly {
			checkSound(t, s, 12)
		}
		must(t, s.Close())
	}
}

// freeze writes the store, its journal without the zeros behind the end.
func freeze(t *testing.T, dir string) {
	t.Helper()
	must(t, os.RemoveAll(dir))
	must(t, os.MkdirAll(dir, 0o777))
	fsys := faultfs.New()
	h := &history{}
	must(t, h.run(t.Context(), fsys, 1))
	for name := range fsys.Files() {
		data := contents(t, fsys, name)
		if strings.Contains(name, "journal-") && !strings.HasSuffix(name, ".index") {
			data = bytes.TrimRight(data, "\x00")
		}
		must(t, os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o666))
	}
}
