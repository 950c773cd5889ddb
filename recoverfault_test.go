package vdb

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/prolly"
)

// asFaultFS copies a directory into a file system that fails, as /from.
func asFaultFS(t *testing.T, dir string) *faultfs.FS {
	t.Helper()
	fsys := faultfs.New()
	succeed(t, fsys.MkdirAll("/from", 0o777))
	for _, e := range must(os.ReadDir(dir))(t) {
		f := must(fsys.OpenFile("/from/"+e.Name(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666))(t)
		must(f.WriteAt(must(os.ReadFile(filepath.Join(dir, e.Name())))(t), 0))(t)
		succeed(t, f.Sync())
		succeed(t, f.Close())
	}
	succeed(t, fsys.SyncDir("/from"))
	return fsys.Clone()
}

// below returns the files of a directory.
func below(t *testing.T, fsys *faultfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name := range fsys.Files() {
		if strings.HasPrefix(name, dir+"/") {
			f := must(fsys.OpenFile(name, os.O_RDONLY, 0))(t)
			all[name] = string(must(io.ReadAll(io.NewSectionReader(f, 0, 1<<30)))(t))
		}
	}
	return all
}

// TestRecoverFaults has each operation fail, in turn, and power be lost at each; and the
// disk be full. What is left is the whole new database, or does not open.
func TestRecoverFaults(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir := filepath.Join(t.TempDir(), "db")
	db := checkedDB(t, dir, rng)
	main := must(db.Branch(t.Context(), MainBranch))(t)
	succeed(t, main.Update(t.Context(), func(tx *Tx) error { // so much that a table is written
		photo := make([]byte, 9<<20)
		for i := range photo {
			photo[i] = byte(rng.Uint32())
		}
		err := tx.CreateTable(Schema{Name: "photos", Columns: []Column{{Name: "id", Type: "INTEGER"}, {Name: "photo", Type: "BLOB"}}, PrimaryKey: []string{"id"}})
		return errors.Join(err, tx.Put("photos", Row{Int(1), Bytes(photo)}))
	}))
	must(main.Commit(t.Context(), Message{Author: "Audit", Text: "photo"}))(t)
	root := must(db.refs(t.Context()))(t).root
	succeed(t, db.Close())
	damaged := asFaultFS(t, dir)
	succeed(t, damaged.Flip("/from/manifest", 10, 1))
	from, size := below(t, damaged, "/from"), int64(0)
	for _, data := range from {
		size += int64(len(data))
	}
	now := func() time.Time { return time.Unix(1e9, 0) }

	whole := damaged.Clone()
	must(Recover(t.Context(), "/from", "/to", &RecoverOptions{Open: &Options{FS: whole, Now: now}}))(t)
	ops := whole.Ops()
	attempts := map[string]func(*faultfs.FS, int){
		"failed":  (*faultfs.FS).Fail,
		"stopped": (*faultfs.FS).Stop,
		"full":    func(f *faultfs.FS, i int) { f.Limit(size + int64(i)*14<<20/int64(ops)) },
	}
	failed := 0
	for what, make := range attempts {
		for range 4 {
			i := rng.IntN(ops)
			fsys := damaged.Clone()
			make(fsys, i)
			report, err := Recover(t.Context(), "/from", "/to", &RecoverOptions{Open: &Options{FS: fsys, Now: now}})
			if err != nil {
				failed++
			}
			if left := below(t, fsys, "/to"); err != nil && what != "stopped" && len(left) > 0 {
				t.Errorf("%s at %d of %d: %v, and %d files are left", what, i, ops, err, len(left))
			}
			for _, left := range []*faultfs.FS{fsys.Clone(), fsys.Crash(rng, faultfs.Sectors)} {
				if !maps.Equal(below(t, left, "/from"), from) {
					t.Fatalf("%s at %d of %d: the damaged directory has changed", what, i, ops)
				}
				db, failed := Open(t.Context(), "/to", &Options{FS: left, Now: now, ReadOnly: true})
				switch {
				case failed != nil && err == nil:
					t.Errorf("%s at %d of %d: it was recovered, and does not open: %v", what, i, ops, failed)
				case failed == nil:
					if is := must(db.refs(t.Context()))(t).root; is != root || err == nil && report.Root != root {
						t.Errorf("%s at %d of %d: %v, and the root is %s, was %s", what, i, ops, err, is, root)
					}
					succeed(t, db.Close())
				}
			}
		}
	}
	if failed == 0 {
		t.Error("nothing has failed")
	}
}

// TestRecoverWrong: a database whose chunks are all there, but do not fit, is not called
// whole, nor healthy.
func TestRecoverWrong(t *testing.T) {
	dir, to := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "to")
	db := checkedDB(t, dir, rand.New(rand.NewPCG(3, 1)))
	side := must(db.Branch(t.Context(), "side"))(t)
	tx := must(side.Begin(t.Context()))(t)
	v := must(tx.written("children"))(t)
	item := must(v.indexes[0].tree.At(t.Context(), 3))(t)
	v.indexes[0].tree = must(v.indexes[0].tree.Apply(t.Context(), []prolly.Edit{{Key: item.Key}}))(t)
	v.entry.indexes[0] = v.indexes[0].tree.Hash()
	succeed(t, tx.editRoot(prolly.Edit{Key: tableKey("children"), Value: v.entry.encode()}))
	putVersion(t, tx)
	succeed(t, db.Close())
	_, err := Recover(t.Context(), dir, to, nil)
	if err == nil || !strings.Contains(err.Error(), "side WORKING, table children") {
		t.Errorf("recover gave %v", err)
	}
	if names, err := os.ReadDir(to); len(names) > 0 {
		t.Errorf("there are %v, %v", names, err)
	}
}

// TestRecoverRefuses: what is in the way of a new database stays, and what was never a
// database cannot be recovered.
func TestRecoverRefuses(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "db")
	succeed(t, must(Open(ctx, dir, nil))(t).Close())
	if _, err := Recover(ctx, dir, dir, nil); !errors.Is(err, ErrExists) {
		t.Errorf("onto itself: %v", err)
	}
	other := t.TempDir()
	succeed(t, os.WriteFile(filepath.Join(other, "letter"), []byte("Dear"), 0o666))
	if _, err := Recover(ctx, dir, other, nil); !errors.Is(err, ErrExists) {
		t.Errorf("onto a letter: %v", err)
	}
	to := filepath.Join(t.TempDir(), "to")
	if _, err := Recover(ctx, other, to, nil); !errors.Is(err, ErrNotDatabase) {
		t.Errorf("a letter: %v", err)
	}
	if _, err := Recover(ctx, filepath.Join(other, "none"), to, nil); err == nil {
		t.Error("nothing was recovered")
	}
	if _, err := Recover(ctx, dir, to, &RecoverOptions{From: []string{filepath.Join(other, "none")}}); err == nil {
		t.Error("a source that is not there was passed over")
	}
	if names, err := os.ReadDir(to); err == nil {
		t.Errorf("there are %v", names)
	}
}
