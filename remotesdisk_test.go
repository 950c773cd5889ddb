package vdb_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/remote"
)

// diskTest is a transfer to a database in a file system that fails.
type diskTest struct {
	t    *testing.T
	r    *rand.Rand
	here box
	far  remote.Remote // what box:// reaches
}

// options open a database in fs that reaches far.
func (d *diskTest) options(fs nbs.FS) *vdb.Options {
	return &vdb.Options{FS: fs, Now: standing, Remotes: &remote.Options{Attempts: 1, Transports: map[string]remote.Transport{
		"box": func(context.Context, string) (remote.Remote, error) { return staysOpen{d.far}, nil },
	}}}
}

// staysOpen is a remote that is used again after Close.
type staysOpen struct{ remote.Remote }

func (staysOpen) Close() error { return nil }

// with opens the database in fs, has do work on it, and checks that it is whole then.
func (d *diskTest) with(fs *faultfs.FS, do func(b box) error) error {
	db, err := vdb.Open(d.t.Context(), "/db", d.options(fs))
	if err != nil {
		return err
	}
	b := box{db, d.t}
	err = do(b)
	if err == nil {
		b.mustBeWhole()
	}
	return errors.Join(err, db.Close())
}

// run has do work where operations fail, where all do from one on, and where the disk is
// full, and then again on what a loss of power has left.
func (d *diskTest) run(base *faultfs.FS, do func(fs *faultfs.FS) error) {
	d.t.Helper()
	whole := base.Clone()
	succeeds(d.t, do(whole))
	ops, used := whole.Ops(), size(base)
	grown := size(whole) - used
	times := 1
	if *soak {
		times = 10
	}
	for range times {
		for kind, spoil := range map[string]func(fs *faultfs.FS, i int){
			"fails": (*faultfs.FS).Fail, "is the last": (*faultfs.FS).Stop,
			"fills the disk": func(fs *faultfs.FS, i int) { fs.Limit(used + grown*int64(i)/int64(ops)) },
		} {
			i := d.r.IntN(ops)
			fs := base.Clone()
			spoil(fs, i)
			err := do(fs)
			left := fs.Crash(d.r, faultfs.Sectors)
			if again := do(left); again != nil {
				d.t.Errorf("operation %d of %d %s: %v; then %v", i, ops, kind, err, again)
			}
		}
	}
}

func size(fs *faultfs.FS) (n int64) {
	for _, bytes := range fs.Files() {
		n += bytes
	}
	return n
}

// Failing and full disks in the middle of a transfer leave databases that are whole, and
// the next attempt succeeds.
func TestTransferFaults(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ctx := t.Context()
	here := newBox(t, 300)
	d := &diskTest{t: t, r: rand.New(rand.NewPCG(seed, 0)), here: here, far: here.Served(remote.FullAccess())}
	base, backups := faultfs.New(), faultfs.New()
	db, err := vdb.Clone(ctx, "box://here", "/db", &vdb.CloneOptions{Open: d.options(base)})
	succeeds(t, err)
	succeeds(t, db.Close())
	_, err = here.Backup(ctx, "/db", &vdb.BackupOptions{Open: d.options(backups)})
	succeeds(t, err)
	there := here.clone(nil) // for pushes
	here.photos(d.r, 10_000)
	there.photos(d.r, 10_000)

	t.Run("fetch", func(t *testing.T) {
		d.t = t
		d.run(base, func(fs *faultfs.FS) error {
			return d.with(fs, func(b box) error {
				if _, err := b.Fetch(ctx, "origin", nil); err != nil {
					b.mustBeWhole()
					return err
				}
				got, err := b.Resolve(ctx, "origin/main")
				if err == nil && got.Hash != here.head("main") {
					t.Error("another commit came")
				}
				return err
			})
		})
	})
	t.Run("push", func(t *testing.T) {
		d.t = t
		succeeds(t, there.RemoveRemote(ctx, "origin"))
		sender, err := vdb.Open(ctx, there.Path(), d.options(nil))
		succeeds(t, err)
		defer sender.Close()
		succeeds(t, sender.AddRemote(ctx, "origin", "box://there"))
		d.run(base, func(fs *faultfs.FS) error {
			return d.with(fs, func(b box) error {
				d.far = b.Served(remote.FullAccess())
				before := b.head("main")
				err := sender.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"main"}})
				if err != nil {
					b.mustBeWhole()
				}
				if got := b.head("main"); got != there.head("main") && (err == nil || got != before) {
					t.Errorf("the branch is at %s after %v", got, err)
				}
				return err
			})
		})
	})
	t.Run("backup", func(t *testing.T) {
		d.t = t
		d.run(backups, func(fs *faultfs.FS) error {
			_, err := here.Backup(ctx, "/db", &vdb.BackupOptions{Open: &vdb.Options{FS: fs, Now: standing}})
			rows := 309
			if err != nil { // it is the one before, or this one
				fs, rows = fs.Crash(d.r, faultfs.Sectors), 300
			}
			return errors.Join(err, d.with(fs, func(b box) error {
				if n := len(b.rows("main")); n != rows && n != 309 {
					t.Errorf("the backup has %d rows after %v", n, err)
				}
				b.mustBeWhole()
				return nil
			}))
		})
	})
	t.Run("restore", func(t *testing.T) {
		d.t = t
		from := filepath.Join(t.TempDir(), "backup")
		_, err := here.Backup(ctx, from, nil)
		succeeds(t, err)
		d.run(faultfs.New(), func(fs *faultfs.FS) error {
			db, err := vdb.RestoreBackup(ctx, from, "/db", &vdb.BackupOptions{Open: d.options(fs)})
			if errors.Is(err, vdb.ErrExists) { // all but the last step was done before
				return d.with(fs, func(b box) error { return nil })
			}
			if err != nil {
				return err
			}
			box{db, t}.mustEqual(here, "main")
			return db.Close()
		})
	})
}
