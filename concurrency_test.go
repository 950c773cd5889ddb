package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
)

func TestColumnsOfOneRow(t *testing.T) {
	b := items(t)
	one, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		one.Put("items", vdb.Row{vdb.Int(7), vdb.Text("renamed"), vdb.Float(3.5)}),
		two.Put("items", vdb.Row{vdb.Int(7), vdb.Text("item 7"), vdb.Float(99)}),
		two.Put("items", vdb.Row{vdb.Int(8), vdb.Text("eight"), vdb.Float(8)}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(one.Commit(), two.Commit()); err != nil {
		t.Fatal(err)
	}
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if row, err := s.Get("items", 7); err != nil || fmt.Sprint(row) != "[7 'renamed' 99.0]" {
		t.Fatalf("%v, %v", row, err)
	}
}

func TestCollisionListsRows(t *testing.T) {
	b := items(t)
	one, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		one.Put("items", vdb.Row{vdb.Int(7), vdb.Text("mine"), vdb.Float(3.5)}),
		one.Delete("items", 9),
		two.Put("items", vdb.Row{vdb.Int(7), vdb.Text("yours"), vdb.Float(3.5)}),
		two.Put("items", vdb.Row{vdb.Int(9), vdb.Text("yours"), vdb.Float(3.5)}),
		one.Commit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	before := root(t, b)
	var conflicts *vdb.ConflictError
	if err := two.Commit(); !errors.As(err, &conflicts) || len(conflicts.Conflicts) != 2 {
		t.Fatalf("collision: %v", err)
	}
	if c := conflicts.Conflicts[0]; c.Table != "items" || c.Key[0].Int() != 7 || fmt.Sprint(c.Columns) != "[name]" || c.Ours[1].Text() != "mine" {
		t.Errorf("first conflict: %+v", c)
	}
	if root(t, b) != before {
		t.Error("a lost transaction changed the branch")
	}
}

// Sixteen goroutines add to one counter: each addition counts, and they share
// syncs.
func TestManyWriters(t *testing.T) {
	db, b := openDir(t, t.TempDir())
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{Name: "counters", Columns: pairSchema, PrimaryKey: []string{"id"}}),
			tx.Put("counters", vdb.Row{vdb.Int(0), vdb.Int(0)}))
	})
	const writers, each = 16, 63
	before := db.Stats()
	var running sync.WaitGroup
	for w := range int64(writers) {
		running.Go(func() {
			for i := range int64(each) {
				err := b.Update(context.Background(), func(tx *vdb.Tx) error {
					if i%9 == 0 {
						total, err := tx.Get("counters", 0)
						if err != nil {
							return err
						}
						if err := tx.Put("counters", vdb.Row{vdb.Int(0), vdb.Int(total[1].Int() + 1)}); err != nil {
							return err
						}
					}
					return tx.Put("counters", vdb.Row{vdb.Int(1 + w*each + i), vdb.Int(w)})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if row, err := s.Get("counters", 0); err != nil || row[1].Int() != writers*each/9 {
		t.Errorf("the shared counter: %v, %v", row, err)
	}
	if n, err := s.Count("counters", vdb.Range{}); err != nil || n != writers*each+1 {
		t.Errorf("%d rows, %v", n, err)
	}
	after := db.Stats()
	if syncs := after.Syncs - before.Syncs; syncs > writers*each*7/10 {
		t.Errorf("%d syncs for %d transactions", syncs, writers*each)
	}
}

func TestCancel(t *testing.T) {
	b := items(t)
	before := root(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	load := func(tx *vdb.Tx) error {
		for i := range int64(1000) {
			if i == 500 {
				cancel()
			}
			if err := tx.Put("items", vdb.Row{vdb.Int(1000 + i), vdb.Null(), vdb.Null()}); err != nil {
				return err
			}
		}
		return nil
	}
	err := b.Update(ctx, load)
	if !errors.Is(err, context.Canceled) || root(t, b) != before {
		t.Errorf("a load that was cancelled: %v", err)
	}
	if err := b.Update(t.Context(), load); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	s, err := b.AsOf(ctx, "WORKING")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err = range s.Rows("items", vdb.Range{}) {
		if n++; n == 50 {
			cancel()
		}
	}
	if !errors.Is(err, context.Canceled) || n >= 1000 {
		t.Errorf("a scan that was cancelled: %v after %d rows", err, n)
	}
	if _, err := b.Commit(ctx, vdb.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a commit that was cancelled: %v", err)
	}
}
