package vdb_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestVersionsAreSmall makes commits of one row, and merges, has them collected, and
// reads rows as of all of them.
func TestVersionsAreSmall(t *testing.T) {
	const seed, rows, commits = 8, 3000, 600
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	db, err := vdb.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	main := mainBranch(t, db)
	putRows(t, main, rows)
	if err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := tableBytes(t, dir)
	type change struct {
		commit string
		row    int64
		note   string
	}
	var made []change
	for i := range commits {
		c := change{row: random.Int64N(rows), note: fmt.Sprintf("note %0*d", 1+random.IntN(20), i)}
		row := benchRow(c.row)
		row[4] = vdb.Text(c.note)
		update(t, main, func(tx *vdb.Tx) error { return tx.Put("rows", row) })
		c.commit = commit(t, main, fmt.Sprint("change ", i)).Hash.String()
		made = append(made, c)
		if i%200 == 199 { // what is new is packed, later all
			if _, err := db.Collect(t.Context(), &vdb.CollectOptions{Full: i == commits-1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	perCommit := (tableBytes(t, dir) - before) / commits
	t.Logf("%d bytes a commit", perCommit)
	if perCommit > 1500 {
		t.Error("that is too much")
	}
	want := map[int64]string{}
	for _, c := range made {
		want[c.row] = c.note
		s, err := db.AsOf(t.Context(), c.commit)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []int64{c.row, made[random.IntN(len(made))].row} {
			row, err := s.Get("rows", id)
			note, changed := want[id]
			if !changed {
				note = benchRow(id)[4].Text()
			}
			if err != nil || row[4].Text() != note {
				t.Fatalf("seed %d: row %d as of %s has the note %q, want %q, %v", seed, id, c.commit, row[4].Text(), note, err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// putRows makes and commits a table of rows.
func putRows(t testing.TB, main *vdb.Branch, rows int64) {
	t.Helper()
	update(t, main, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(benchSchema); err != nil {
			return err
		}
		for i := range rows {
			if err := tx.Put("rows", benchRow(i)); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "load")
}

// tableBytes is the size of a database's table files.
func tableBytes(t testing.TB, dir string) (n int64) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "table-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tables {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}
