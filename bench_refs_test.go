package vdb

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A database with 100,000 branches and one with 100,000 commits, made in few
// appends, since it is not their making that is measured.
const (
	benchBranches = 100_000
	benchCommits  = 100_000
	perAppend     = 2_000
)

func benchOnDisk(b *testing.B) *DB {
	b.Helper()
	db, err := Open(b.Context(), b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	main, err := db.Branch(b.Context(), MainBranch)
	if err != nil {
		b.Fatal(err)
	}
	err = main.Update(b.Context(), func(tx *Tx) error {
		err := tx.CreateTable(Schema{Name: "rows", Columns: []Column{{Name: "id", Type: "INTEGER"}, {Name: "n"}}, PrimaryKey: []string{"id"}})
		for i := range int64(10_000) {
			if err == nil {
				err = tx.Put("rows", Row{Int(i), Int(i)})
			}
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// inAppends calls do for 0 … n-1 on the refs, many times in each append.
func inAppends(b *testing.B, db *DB, n int, do func(ctx context.Context, r *refs, i int) error) {
	b.Helper()
	for first := 0; first < n; first += perAppend {
		err := db.update(b.Context(), db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
			for i := first; i < min(first+perAppend, n); i++ {
				if err := do(ctx, r, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkManyBranches(b *testing.B) {
	db := benchOnDisk(b)
	inAppends(b, db, benchBranches, func(ctx context.Context, r *refs, i int) error {
		state, err := r.branch(ctx, MainBranch)
		if err != nil {
			return err
		}
		return r.setBranch(ctx, fmt.Sprintf("customer/%06d", i), state)
	})
	if err := db.Compact(b.Context()); err != nil { // not in the background of what is measured
		b.Fatal(err)
	}
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := db.CreateBranch(b.Context(), fmt.Sprintf("new/%d", time.Now().UnixNano()), MainBranch); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) { benchOpen(b, db.Path()) })
}

func BenchmarkManyCommits(b *testing.B) {
	db := benchOnDisk(b)
	inAppends(b, db, benchCommits, func(ctx context.Context, r *refs, i int) error {
		state, err := r.branch(ctx, MainBranch)
		if err != nil {
			return err
		}
		if _, err := db.commitState(ctx, r.store, &state, Message{Author: "Support", Text: "commit", AllowEmpty: true}); err != nil {
			return err
		}
		return r.setBranch(ctx, MainBranch, state)
	})
	b.Run("open", func(b *testing.B) { benchOpen(b, db.Path()) })
	b.Run("asof10000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := db.AsOf(b.Context(), "HEAD~10000")
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Get("rows", 77); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchOpen(b *testing.B, dir string) {
	b.ReportAllocs()
	for b.Loop() {
		db, err := Open(b.Context(), dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := db.AsOf(b.Context(), MainBranch); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
