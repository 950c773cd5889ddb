package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

// A backup has all branches with their working sets, tags and the reflog; the next one
// copies what is new.
func TestBackup(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 3000)
	_, err := here.CreateBranch(ctx, "other", "main")
	succeeds(t, err)
	here.put("other", 100, func(i int) int { return 5000 + i })
	_, err = here.CreateTag(ctx, "v1", "main", vdb.Message{Author: "Audit", Text: "first"})
	succeeds(t, err)
	succeeds(t, here.branch("main").Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("customers", 7) }))

	to := filepath.Join(t.TempDir(), "backup")
	first, err := here.Backup(ctx, to, nil)
	succeeds(t, err)
	again, err := here.Backup(ctx, to, nil)
	succeeds(t, err)
	if again.Chunks != 0 || again.Root != first.Root {
		t.Errorf("%d chunks were copied of a database that has not changed", again.Chunks)
	}
	here.put("main", 1, func(int) int { return 9999 })
	succeeds(t, here.DeleteBranch(ctx, "other"))
	succeeds(t, here.branch("main").Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("customers", 8) }))
	second, err := here.Backup(ctx, to, nil)
	succeeds(t, err)
	if second.Chunks == 0 || second.Chunks > 40 {
		t.Errorf("%d chunks were copied for three rows, %d the first time", second.Chunks, first.Chunks)
	}
	restored := here.restored(to)
	if got := restored.rootOf(); got != second.Root {
		t.Errorf("the root is %s, want %s", got, second.Root)
	}
	for _, rev := range []string{"main", "v1", "WORKING"} {
		restored.mustEqual(here, rev)
	}
	restored.put("main", 1, func(int) int { return 10_000 }) // it can be used
}

// restored restores a backup.
func (b box) restored(from string) box {
	b.t.Helper()
	db, err := vdb.RestoreBackup(b.t.Context(), from, filepath.Join(b.t.TempDir(), "restored"), nil)
	succeeds(b.t, err)
	b.t.Cleanup(func() { db.Close() })
	return box{db, b.t}
}

// rootOf is the address of all that the database holds.
func (b box) rootOf() vdb.Hash {
	b.t.Helper()
	result, err := b.Backup(b.t.Context(), filepath.Join(b.t.TempDir(), "root"), nil)
	succeeds(b.t, err)
	return result.Root
}

// Backups while others write are each of one moment.
func TestBackupWhileWriting(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	here := newBox(t, 500)
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for w := range 3 {
		writing.Go(func() { here.keepEqual(ctx, w) })
	}
	to := filepath.Join(t.TempDir(), "backup")
	for range 8 {
		result, err := here.Backup(t.Context(), to, nil)
		if err == nil && r.IntN(3) == 0 {
			_, err = here.Collect(t.Context(), nil)
		}
		if err == nil {
			restored := here.restored(to)
			if got := restored.rootOf(); got != result.Root {
				t.Errorf("the root is %s, want %s", got, result.Root)
			}
			restored.mustBeEqual()
		}
		if err != nil {
			t.Error(err)
			break
		}
	}
	stop()
	writing.Wait()
}

// keepEqual writes the same number to a row of its own and to another until ctx ends.
func (b box) keepEqual(ctx context.Context, writer int) {
	for i := 0; ctx.Err() == nil; i++ {
		err := b.branch("main").Update(ctx, func(tx *vdb.Tx) error {
			for _, key := range []int{10_000 + 2*writer, 10_001 + 2*writer} {
				if err := tx.Put("customers", vdb.Row{vdb.Int(int64(key)), vdb.Text(fmt.Sprint(i)), vdb.Null()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil && i%5 == 0 {
			_, err = b.branch("main").Commit(ctx, vdb.Message{Author: "Billing", Text: "numbers", AllowEmpty: true})
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			b.t.Error(err)
			return
		}
	}
}

// mustBeEqual checks that the two rows of each writer have the same number.
func (b box) mustBeEqual() {
	b.t.Helper()
	snap, err := b.branch("main").Snapshot(b.t.Context())
	succeeds(b.t, err)
	for w := range 3 {
		one, err := snap.Get("customers", 10_000+2*w)
		other, err2 := snap.Get("customers", 10_001+2*w)
		if errors.Is(err, vdb.ErrNotFound) && errors.Is(err2, vdb.ErrNotFound) {
			continue
		}
		succeeds(b.t, errors.Join(err, err2))
		if one[1].Text() != other[1].Text() {
			b.t.Errorf("writer %d: %v and %v", w, one, other)
		}
	}
}

// What is no place for a backup, and what is none, is refused and left as it is.
func TestBackupRefuses(t *testing.T) {
	ctx := t.Context()
	a, b := newBox(t, 10), newBox(t, 20)
	if _, err := a.Backup(ctx, b.Path(), nil); !errors.Is(err, vdb.ErrExists) {
		t.Errorf("error is %v", err)
	}
	if _, err := a.Backup(ctx, "https://example.com/db", nil); !errors.Is(err, remote.ErrURL) {
		t.Errorf("error is %v", err)
	}
	if _, err := vdb.RestoreBackup(ctx, filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "new"), nil); !errors.Is(err, remote.ErrNoDatabase) {
		t.Errorf("error is %v", err)
	}
	to := filepath.Join(t.TempDir(), "backup")
	_, err := a.Backup(ctx, to, nil)
	succeeds(t, err)
	if _, err := vdb.RestoreBackup(ctx, to, b.Path(), nil); !errors.Is(err, vdb.ErrExists) {
		t.Errorf("error is %v", err)
	}
}

// A place for backups is of one database: others are refused, also when both are the
// first, and what was restored goes on with it.
func TestBackupOfAnother(t *testing.T) {
	ctx := t.Context()
	a := newBox(t, 10)
	b := a.clone(nil)
	to := filepath.Join(t.TempDir(), "backup")
	saved, err := a.Backup(ctx, to, nil)
	succeeds(t, err)
	if _, err := b.Backup(ctx, to, nil); !errors.Is(err, remote.ErrOtherDatabase) {
		t.Errorf("a clone's backup gave %v", err)
	}
	restored := a.restored(to)
	if got := restored.rootOf(); got != saved.Root {
		t.Error("the backup has changed")
	}
	restored.put("main", 5, func(i int) int { return 100 + i })
	_, err = restored.Backup(ctx, to, nil)
	succeeds(t, err)
	restored.restored(to).mustEqual(restored, "main")

	for range 5 {
		to := filepath.Join(t.TempDir(), "raced")
		errs := make(chan error, 2)
		for _, db := range []box{a, b} {
			go func() {
				_, err := db.Backup(ctx, to, nil)
				errs <- err
			}()
		}
		one, other := <-errs, <-errs
		if one == nil {
			one = other
		} else if other != nil {
			t.Errorf("nobody won: %v, %v", one, other)
		}
		if !errors.Is(one, remote.ErrOtherDatabase) {
			t.Errorf("the slower one was told %v", one)
		}
	}
}

func ExampleDB_Backup() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "backup-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := vdb.Open(ctx, filepath.Join(dir, "shop"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	saved, err := db.Backup(ctx, filepath.Join(dir, "backup"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := db.Backup(ctx, filepath.Join(dir, "backup"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.Root == saved.Root, again.Chunks)
	// Output: true 0
}

func ExampleRestoreBackup() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "restore-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := vdb.Open(ctx, filepath.Join(dir, "shop"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Backup(ctx, filepath.Join(dir, "backup"), nil); err != nil {
		fmt.Println(err)
		return
	}
	restored, err := vdb.RestoreBackup(ctx, filepath.Join(dir, "backup"), filepath.Join(dir, "restored"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer restored.Close()
	for b, err := range restored.Branches(ctx) {
		fmt.Println(b.Name, err)
	}
	// Output: main <nil>
}
