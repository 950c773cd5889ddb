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
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/child"
)

// recoverOnce recovers, says so, and waits to be killed: as it begins to copy, if its number
// is 1, else when it is done.
func recoverOnce(number int, path string) error {
	copying := sync.OnceFunc(func() {
		if fmt.Println("copying"); number == 1 {
			untilKilled()
		}
	})
	_, err := vdb.Recover(context.Background(), filepath.Join(path, "damaged"), filepath.Join(path, "new"), &vdb.RecoverOptions{
		Progress: func(step string, _, _ int64) {
			if step == "copy" {
				copying()
			}
		},
	})
	if err != nil {
		return err
	}
	fmt.Println("recovered")
	untilKilled()
	return nil
}

// untilKilled waits. A select without cases would be a deadlock, to the runtime.
func untilKilled() { time.Sleep(time.Hour) }

// TestRecoverKilled kills processes that recover. What they leave is whole, or does not open.
func TestRecoverKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	here := newBox(t, 20_000)
	here.put("main", 100, func(i int) int { return 7 * i })
	path := t.TempDir()
	root := here.rootOf()
	succeeds(t, here.Close())
	succeeds(t, os.CopyFS(filepath.Join(path, "damaged"), os.DirFS(here.Path())))
	succeeds(t, os.Truncate(filepath.Join(path, "damaged", "manifest"), 17))
	before := dirBytes(t, filepath.Join(path, "damaged"))
	to := filepath.Join(path, "new")
	cut, done := 0, 0
	for i := range 8 {
		succeeds(t, os.RemoveAll(to))
		printed, err := child.Killed(child.Command("recover", i%4, path), time.Duration(20+rng.IntN(200))*time.Millisecond)
		succeeds(t, err)
		db, err := vdb.Open(t.Context(), to, nil)
		switch {
		case err != nil && len(printed) == 2:
			t.Errorf("it was recovered, and does not open: %v", err)
		case err == nil:
			if is := (box{db, t}).rootOf(); is != root && len(printed) > 0 {
				t.Errorf("printed %v, the root is %s, want %s", printed, is, root)
			}
			succeeds(t, db.Close())
		case !errors.Is(err, vdb.ErrNotDatabase):
			t.Errorf("open gave %v", err)
		}
		if len(printed) == 1 {
			cut++
		}
		done += len(printed) / 2
	}
	t.Logf("%d were killed while they copied or checked, %d when they were done", cut, done)
	if after := dirBytes(t, filepath.Join(path, "damaged")); after != before {
		t.Error("the damaged directory has changed")
	}
}

// dirBytes is all that a directory holds.
func dirBytes(t *testing.T, dir string) (all string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	succeeds(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		succeeds(t, err)
		all += e.Name() + string(data)
	}
	return all
}
