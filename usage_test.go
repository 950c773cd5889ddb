package vdb_test

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

func usageOf(t *testing.T, db *vdb.DB) *vdb.Usage {
	t.Helper()
	var last, total int64
	u, err := db.Usage(t.Context(), &vdb.UsageOptions{Progress: func(done, all int64) {
		if done < last || done > all {
			t.Errorf("progress: %d of %d after %d", done, all, last)
		}
		last, total = done, all
	}})
	if err != nil {
		t.Fatal(err)
	}
	if last != total || last != u.Live.Chunks+u.History.Chunks {
		t.Errorf("progress ended at %d of %d; %+v", last, total, u)
	}
	stats := db.Stats()
	if sum := u.Live.Chunks + u.History.Chunks + u.Garbage.Chunks; sum != stats.Chunks {
		t.Errorf("%d chunks are accounted for, %d are stored", sum, stats.Chunks)
	}
	if sum := u.Live.Bytes + u.History.Bytes + u.Garbage.Bytes; sum != stats.ChunkBytes {
		t.Errorf("%d bytes are accounted for, %d are stored", sum, stats.ChunkBytes)
	}
	return u
}

func branchUsage(t *testing.T, u *vdb.Usage, name string) vdb.BranchUsage {
	t.Helper()
	for _, b := range u.Branches {
		if b.Name == name {
			return b
		}
	}
	t.Fatalf("no branch %s in %+v", name, u)
	return vdb.BranchUsage{}
}

// TestUsage compares what is said of a branch with what a collection finds once
// the branch is gone.
func TestUsage(t *testing.T) {
	ctx := t.Context()
	db, err := vdb.Open(ctx, t.TempDir(), nil)
	must(err)
	defer db.Close()
	main := mainBranch(t, db)
	fill := func(b *vdb.Branch, table string, n int64) {
		update(t, b, func(tx *vdb.Tx) error {
			for i := range int64(500) {
				if err := tx.Put(table, vdb.Row{vdb.Int(i), vdb.Int(n), vdb.Text(fmt.Sprint("row ", i, " of ", n))}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	other := collectSchema
	other.Name = "Other"
	update(t, main, func(tx *vdb.Tx) error {
		must(tx.CreateTable(collectSchema))
		return tx.CreateTable(other)
	})
	for n := range int64(3) {
		fill(main, "t", n)
		commit(t, main, "rows")
	}
	fill(main, "Other", 7)
	commit(t, main, "other")
	_, err = db.CreateBranch(ctx, "side", vdb.MainBranch)
	must(err)
	side, err := db.Branch(ctx, "side")
	must(err)
	fill(side, "t", 100)
	commit(t, side, "first")
	fill(side, "t", 101)
	commit(t, side, "second")
	_, err = db.Collect(ctx, &vdb.CollectOptions{Full: true})
	must(err)

	u := usageOf(t, db)
	if u.Garbage.Chunks != 0 || u.History.Chunks == 0 || u.Live.Chunks == 0 {
		t.Errorf("after a collection: %+v", u)
	}
	if len(u.Branches) != 2 || u.Branches[0].Name != vdb.MainBranch {
		t.Errorf("branches: %+v", u.Branches)
	}
	if len(u.Tables) != 2 || u.Tables[0].Name != "other" || u.Tables[1].Name != "t" {
		t.Fatalf("tables: %+v", u.Tables)
	}
	if o, tt := u.Tables[0], u.Tables[1]; o.History.Chunks >= tt.History.Chunks || o.Live.Bytes == 0 || tt.Live.Bytes <= o.Live.Bytes {
		t.Errorf("tables: %+v", u.Tables)
	}
	own := branchUsage(t, u, "side")
	if own.Live.Chunks == 0 || own.History.Chunks == 0 {
		t.Errorf("side: %+v", own)
	}

	must(db.DeleteBranch(ctx, "side"))
	left := usageOf(t, db)
	gone := own.Live.Chunks + own.History.Chunks
	if n := left.Garbage.Chunks; n < gone || n > gone+10 { // some of the refs' own
		t.Errorf("%d chunks are garbage, the branch had %d", n, gone)
	}
	report, err := db.Collect(ctx, &vdb.CollectOptions{Full: true})
	must(err)
	if report.DroppedChunks != left.Garbage.Chunks {
		t.Errorf("%d chunks were dropped of %d", report.DroppedChunks, left.Garbage.Chunks)
	}
	if u := usageOf(t, db); u.Garbage.Chunks != 0 {
		t.Errorf("after a collection: %+v", u)
	}
}

// TestUsageInMemory is that of a database that is never collected.
func TestUsageInMemory(t *testing.T) {
	db := openMemory(t)
	if u := usageOf(t, db); u.Live.Chunks == 0 || u.Live.Bytes == 0 {
		t.Errorf("%+v", u)
	}
}
