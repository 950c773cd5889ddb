package vdb_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// bigBox is a database with a million rows in table files.
func bigBox(t testing.TB, rows int) box {
	t.Helper()
	ctx := t.Context()
	db, err := vdb.Open(ctx, filepath.Join(t.TempDir(), "big"), nil)
	succeeds(t, err)
	t.Cleanup(func() { db.Close() })
	b := box{db, t}
	succeeds(t, b.branch("main").Update(ctx, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(vdb.Schema{
			Name:       "events",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER", NotNull: true}, {Name: "customer", Type: "INTEGER"}, {Name: "what", Type: "TEXT"}},
			PrimaryKey: []string{"id"},
		}); err != nil {
			return err
		}
		for i := range int64(rows) {
			if err := tx.Put("events", event(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	b.commit("events")
	succeeds(t, db.Compact(ctx))
	return b
}

func event(i int64) vdb.Row {
	h := uint64(i) * 0x9e3779b97f4a7c15
	return vdb.Row{vdb.Int(i), vdb.Int(int64(h >> 44)), vdb.Text(fmt.Sprintf("event %016x of %x", h, h>>50))}
}

func (b box) commit(text string) {
	b.t.Helper()
	_, err := b.branch("main").Commit(b.t.Context(), vdb.Message{Author: "Billing", Text: text})
	succeeds(b.t, err)
}

func (b box) change(rows ...int64) {
	b.t.Helper()
	succeeds(b.t, b.branch("main").Update(b.t.Context(), func(tx *vdb.Tx) error {
		for _, i := range rows {
			row := event(i)
			row[2] = vdb.Text(fmt.Sprintf("changed %d", time.Now().UnixNano()))
			if err := tx.Put("events", row); err != nil {
				return err
			}
		}
		return nil
	}))
	b.commit("a change")
}

// A fetch of ten rows, changed all over a million, takes few round trips and bytes.
func TestFetchOfTenRows(t *testing.T) {
	const rows = 1_000_000
	here := bigBox(t, rows)
	s := here.serve(nil)
	there := here.cloneURL(s.URL, nil)
	var ten []int64
	for i := range int64(10) {
		ten = append(ten, i*rows/10+rows/20)
	}
	here.change(ten...)
	s.requests.Store(0)
	s.bytes.Store(0)
	_, err := there.Fetch(t.Context(), "origin", nil)
	succeeds(t, err)
	t.Logf("%d round trips, %d bytes", s.requests.Load(), s.bytes.Load())
	if s.requests.Load() > 3 || s.bytes.Load() > 64<<10 {
		t.Error("that is too much")
	}
}

// BenchmarkClone compares a clone over HTTP with a copy of the files.
func BenchmarkClone(b *testing.B) {
	here := bigBox(b, 1_000_000)
	s := here.serve(nil)
	size := here.Stats().TableBytes
	b.Run("HTTP", func(b *testing.B) {
		b.SetBytes(size)
		before := cpuTime()
		defer func() { b.ReportMetric(float64((cpuTime()-before).Milliseconds())/float64(b.N), "cpu-ms/op") }()
		for b.Loop() {
			db, err := vdb.Clone(b.Context(), s.URL, filepath.Join(b.TempDir(), "clone"), nil)
			succeeds(b, err)
			succeeds(b, db.Close())
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			copyDir(b, here.Path(), b.TempDir())
		}
	})
}

// copyDir copies files and makes them durable, as a clone is.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	files, err := os.ReadDir(from)
	succeeds(t, err)
	for _, f := range files {
		src, err := os.Open(filepath.Join(from, f.Name()))
		succeeds(t, err)
		dst, err := os.Create(filepath.Join(to, f.Name()))
		succeeds(t, err)
		_, err = io.Copy(dst, src)
		succeeds(t, err)
		succeeds(t, dst.Sync())
		succeeds(t, dst.Close())
		succeeds(t, src.Close())
	}
}

// BenchmarkPush pushes a thousand commits of a row each.
func BenchmarkPush(b *testing.B) {
	here := bigBox(b, 10_000)
	for b.Loop() {
		b.StopTimer()
		s := here.serve(nil)
		there := here.cloneURL(s.URL, nil)
		for i := range int64(1000) {
			there.change(i * 7919 % 10_000)
		}
		b.StartTimer()
		succeeds(b, there.branch("main").Push(b.Context(), "origin", nil))
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}
