package vdb_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/child"
)

const rowsOneByOne = 120

// commitOneByOne commits rows to a branch of its own.
func commitOneByOne(number int, path string) error {
	ctx := context.Background()
	db, err := vdb.Open(ctx, path, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	b, err := db.Branch(ctx, fmt.Sprint("b", number))
	if err != nil {
		return err
	}
	for i := range rowsOneByOne {
		err := b.Update(ctx, func(tx *vdb.Tx) error {
			return tx.Put("counters", vdb.Row{vdb.Int(int64(number*10_000 + i)), vdb.Int(int64(i))})
		})
		if err != nil {
			return err
		}
		if _, err := b.Commit(ctx, vdb.Message{Text: fmt.Sprint(i)}); err != nil {
			return err
		}
	}
	return nil
}

// retainForEver squashes and collects until it is killed.
func retainForEver(_ int, path string) error {
	ctx := context.Background()
	db, err := vdb.Open(ctx, path, nil)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if _, err := db.Retain(ctx, nil); err != nil {
			return err
		}
		if _, err := db.Collect(ctx, &vdb.CollectOptions{Full: i%2 == 0}); err != nil {
			return err
		}
	}
}

// TestRetainProcesses has processes squash and collect, and be killed at that, while others
// commit and clone, and one reads a commit that was squashed. Each commit is there at the end,
// or counted.
func TestRetainProcesses(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "db")
	db, main := openDir(t, dir)
	update(t, main, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{Name: "counters", Columns: pairSchema, PrimaryKey: []string{"id"}})
	})
	for i := range 3 {
		succeeds(t, ignore(main.Commit(ctx, vdb.Message{Text: fmt.Sprint(i), AllowEmpty: true})))
	}
	const writers = 2
	for n := range writers {
		succeeds(t, ignore(db.CreateBranch(ctx, fmt.Sprint("b", n), "main")))
	}
	held, err := db.AsOf(ctx, "main~")
	succeeds(t, err)
	succeeds(t, db.SetRetention(ctx, "*", vdb.Retention{{Every: vdb.KeepNone}}))
	var running sync.WaitGroup
	for n := range writers {
		cmd := child.Command("onebyone", n, dir)
		running.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("writer %d: %v", n, err)
			}
		})
	}
	kills := 3
	if *soak {
		kills = 60
	}
	for range kills {
		if _, err := child.Killed(child.Command("retain", 0, dir), 250*time.Millisecond); err != nil {
			t.Error(err)
		}
		clone, err := vdb.Clone(ctx, dir, filepath.Join(t.TempDir(), "clone"), nil)
		succeeds(t, err)
		box{clone, t}.mustBeWhole()
		succeeds(t, clone.Close())
		if n, err := held.Count("counters", vdb.Range{}); n != 0 || err != nil {
			t.Errorf("an old snapshot has %d rows, %v", n, err)
		}
	}
	running.Wait()
	succeeds(t, ignore(db.Retain(ctx, nil)))
	b := box{db, t}
	b.collect()
	b.mustBeWhole()
	if n, err := held.Count("counters", vdb.Range{}); n != 0 || err != nil {
		t.Errorf("an old snapshot has %d rows, %v", n, err)
	}
	commits, kept := 0, 0
	for c, err := range db.Commits(ctx, nil, nil) {
		succeeds(t, err)
		kept++
		if commits++; c.Squashed != nil {
			commits += c.Squashed.Commits
		}
	}
	if want := 1 + 3 + writers*rowsOneByOne; commits != want {
		t.Errorf("%d commits are there or were squashed, not %d", commits, want)
	}
	for n := range writers {
		s, err := db.AsOf(ctx, fmt.Sprint("b", n))
		succeeds(t, err)
		if rows, err := s.Count("counters", vdb.Range{}); rows != rowsOneByOne || err != nil {
			t.Errorf("writer %d: %d rows, %v", n, rows, err)
		}
	}
	if kept != 2+writers {
		t.Errorf("%d commits are left: more than the ends of lines", kept)
	}
}
