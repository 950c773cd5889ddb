package vdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/prolly"
)

// checkedDB is a database with two branches, of some commits each, in a directory.
func checkedDB(t *testing.T, dir string, rng *rand.Rand) *DB {
	t.Helper()
	ctx := t.Context()
	db, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	main, err := db.Branch(ctx, MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	schemas := []Schema{
		{
			Name: "parents", Columns: []Column{{Name: "id", Type: "TEXT"}, {Name: "v", Type: "TEXT"}}, PrimaryKey: []string{"id"},
			Indexes: []Index{{Name: "by_v", Columns: []IndexColumn{{Name: "v", Collation: "NOCASE"}}}},
		},
		{
			Name: "children", Columns: []Column{{Name: "n", Type: "INTEGER"}, {Name: "parent", Type: "TEXT"}, {Name: "body", Type: "TEXT"}}, PrimaryKey: []string{"n"},
			Indexes:     []Index{{Name: "by_parent", Columns: []IndexColumn{{Name: "parent"}, {Name: "body", Desc: true}}}},
			ForeignKeys: []ForeignKey{{Columns: []string{"parent"}, Parent: "parents"}},
		},
	}
	write := func(b *Branch, rows int) {
		err := b.Update(ctx, func(tx *Tx) error {
			for range rows {
				id := Text(fmt.Sprint("p", rng.IntN(50)))
				if err := tx.Put("parents", Row{id, Text(strings.Repeat("v", rng.IntN(40)))}); err != nil {
					return err
				}
				body := Text(strings.Repeat("b", rng.IntN(100)) + strings.Repeat("long ", rng.IntN(2)*300))
				if err := tx.Put("children", Row{Int(int64(rng.IntN(400))), id, body}); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			_, err = b.Commit(ctx, Message{Author: "Audit", Text: "rows", AllowEmpty: true})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err = main.Update(ctx, func(tx *Tx) error {
		for _, s := range schemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	write(main, 200)
	side, err := db.CreateBranch(ctx, "side", MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		write(main, 1+rng.IntN(20))
		write(side, 1+rng.IntN(20))
	}
	if _, err := main.Merge(ctx, "side", &MergeOptions{Take: Theirs}); err != nil {
		t.Logf("merge: %v", err)
	}
	return db
}

func mustCheck(t *testing.T, db *DB) *CheckReport {
	t.Helper()
	report, err := db.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestCheckWhole(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	db := checkedDB(t, filepath.Join(t.TempDir(), "db"), rand.New(rand.NewPCG(seed, 1)))
	defer db.Close()
	for _, prepare := range []func() error{
		func() error { return nil },
		func() error { _, err := db.Collect(t.Context(), nil); return err },
	} {
		if err := prepare(); err != nil {
			t.Fatal(err)
		}
		var steps []string
		report, err := db.Check(t.Context(), &CheckOptions{Progress: func(step string, done, total int64) {
			if done > total {
				t.Errorf("%s: %d of %d", step, done, total)
			}
			if !slices.Contains(steps, step) {
				steps = append(steps, step)
			}
		}})
		if err != nil || !report.OK() {
			t.Fatalf("a whole database: %+v, %v", report, err)
		}
		if report.Commits < 9 || report.Reached < 50 || len(steps) != 3 {
			t.Errorf("%d commits, %d chunks looked at, steps %v", report.Commits, report.Reached, steps)
		}
	}
}

// TestCheckFlippedBytes flips one byte after the other of a collected database, of which
// every chunk is used, and has Check find each in a chunk, with what it hits.
func TestCheckFlippedBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir := filepath.Join(t.TempDir(), "db")
	db := checkedDB(t, dir, rng)
	if _, err := db.Collect(t.Context(), &CollectOptions{Full: true}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "table-*"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	whole, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	hit := 0
	for range 60 {
		damaged := slices.Clone(whole)
		at := rng.IntN(len(whole))
		damaged[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(tables[0], damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		hit += checkFlipped(t, dir, at)
	}
	if hit == 0 {
		t.Error("no flipped byte was in a chunk of a commit's contents")
	}
}

// checkFlipped checks a database with a flipped byte, and returns 1 if that is part of a
// commit's contents.
func checkFlipped(t *testing.T, dir string, at int) int {
	t.Helper()
	db, err := Open(t.Context(), dir, nil)
	if err != nil {
		return 0 // the refs themselves are damaged
	}
	defer db.Close()
	report, err := db.Check(t.Context(), nil)
	if err != nil {
		return 0 // likewise
	}
	for _, c := range report.Chunks {
		if c.Commits > 0 && (c.First.IsZero() || c.Last.IsZero()) {
			t.Errorf("byte %d: chunk %s is part of %d commits, from %s to %s", at, c.Address, c.Commits, c.First, c.Last)
		}
		if c.Commits == 0 && len(c.Refs) == 0 {
			t.Errorf("byte %d: chunk %s hits nothing", at, c.Address)
		}
		if len(c.Tables) > 0 {
			return 1
		}
	}
	if len(report.Chunks) > 0 && len(report.Files) == 0 {
		t.Errorf("byte %d: chunks %v are damaged, and no file", at, report.Chunks)
	}
	return 0
}

// TestCheckWrongParts gives a branch's working set parts that do not fit, each of them
// a whole chunk.
func TestCheckWrongParts(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(t *testing.T, tx *Tx, v *tableView)
	}{
		{"an entry is missing", "entries for", func(t *testing.T, tx *Tx, v *tableView) {
			item, err := v.indexes[0].tree.At(tx.ctx, 3)
			if err == nil {
				v.indexes[0].tree, err = v.indexes[0].tree.Apply(tx.ctx, []prolly.Edit{{Key: item.Key}})
			}
			if err != nil {
				t.Fatal(err)
			}
			v.entry.indexes[0] = v.indexes[0].tree.Hash()
		}},
		{"an entry of another value", "lacks the entry", func(t *testing.T, tx *Tx, v *tableView) {
			row, err := v.rows.tree.At(tx.ctx, 0)
			if err == nil {
				v.rows.tree, err = v.rows.tree.Apply(tx.ctx, []prolly.Edit{{Key: row.Key, Value: v.appendRecord(nil, Row{Int(0), Text("another"), Text("")})}})
			}
			if err != nil {
				t.Fatal(err)
			}
			v.entry.rows = v.rows.tree.Hash()
		}},
		{"a tree of another shape", "has the items of", func(t *testing.T, tx *Tx, v *tableView) {
			other := *v.config
			other.LeafTarget, other.LeafMax = 512, 1024
			tree, err := prolly.Build(tx.ctx, &other, tx.store, v.rows.tree.Items(tx.ctx, prolly.Range{}))
			if err != nil {
				t.Fatal(err)
			}
			v.entry.rows = tree.Hash()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := checkedDB(t, filepath.Join(t.TempDir(), "db"), rand.New(rand.NewPCG(3, 1)))
			defer db.Close()
			side, err := db.Branch(t.Context(), "side")
			if err != nil {
				t.Fatal(err)
			}
			tx, err := side.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v, err := tx.written("children")
			if err != nil {
				t.Fatal(err)
			}
			c.change(t, tx, v)
			if err := tx.editRoot(prolly.Edit{Key: tableKey("children"), Value: v.entry.encode()}); err != nil {
				t.Fatal(err)
			}
			putVersion(t, tx)
			report := mustCheck(t, db)
			if len(report.Wrong) == 0 || report.Wrong[0].Table != "children" || !strings.Contains(report.Wrong[0].Err.Error(), c.want) || report.Wrong[0].Version != "side WORKING" {
				t.Errorf("wrong: %+v; want table children with %q", report.Wrong, c.want)
			}
		})
	}
}

// putVersion makes the transaction's root the working set, unchecked.
func putVersion(t *testing.T, tx *Tx) {
	t.Helper()
	err := tx.db.update(t.Context(), tx.writer, func(ctx context.Context, r *refs) error {
		state, err := r.branch(ctx, tx.branch)
		if err != nil {
			return err
		}
		state.working.root = tx.root.Hash()
		return r.setBranch(ctx, tx.branch, state)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCheckViolations: a row that breaks a rule is found.
func TestCheckViolations(t *testing.T) {
	db := checkedDB(t, filepath.Join(t.TempDir(), "db"), rand.New(rand.NewPCG(5, 1)))
	defer db.Close()
	side, err := db.Branch(t.Context(), "side")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := side.Begin(t.Context())
	if err == nil {
		err = tx.Put("children", Row{Int(7), Text("nobody"), Text("")})
	}
	if err == nil {
		err = tx.flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	putVersion(t, tx)
	report := mustCheck(t, db)
	if len(report.Violations) != 1 || report.Violations[0].Branch != "side" || report.Violations[0].Table != "children" {
		t.Errorf("violations: %+v", report.Violations)
	}
}
