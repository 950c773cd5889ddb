package vdb

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecoverMends damages rows and indexes. Indexes are made again; of a state whose rows
// are partly lost there is a branch, with all others, and older ones in the places of
// those.
func TestRecoverMends(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "db")
	newest := mendedOriginal(t, dir, rng)
	files := must(filepath.Glob(filepath.Join(dir, "journal-*")))(t)
	var remade, rows, older int64
	for i := range 20 {
		damaged := filepath.Join(t.TempDir(), "damaged")
		succeed(t, os.CopyFS(damaged, os.DirFS(dir)))
		for _, file := range files {
			spoil(t, filepath.Join(damaged, filepath.Base(file)), rng, 1+i%4)
		}
		to := filepath.Join(t.TempDir(), "recovered")
		report, err := Recover(t.Context(), damaged, to, nil)
		if err != nil {
			t.Logf("%d: %v", i, err) // the list of branches is lost
			continue
		}
		remade += report.Remade
		db := must(Open(t.Context(), to, nil))(t)
		for _, m := range report.Mended {
			if m.Err != nil {
				t.Fatalf("%d: %+v", i, m)
			}
			mustBeMended(t, db, m, newest)
			for _, table := range m.Tables {
				rows, older = rows+table.Rows, older+table.Older
			}
		}
		if report.Whole() {
			main := must(db.Branch(t.Context(), MainBranch))(t)
			if s := must(main.Snapshot(t.Context()))(t); !maps.Equal(rowsOf(t, s, "large"), newest["large"]) {
				t.Errorf("%d: nothing is lost, but rows are not as they were", i)
			}
		}
		succeed(t, db.Close())
	}
	t.Logf("%d chunks remade, %d rows and %d older ones mended", remade, rows, older)
	if remade == 0 || rows == 0 || older == 0 {
		t.Error("too little was damaged")
	}
}

// mendedOriginal makes a database with two commits and changes that are not committed, and
// returns the rows of its tables.
func mendedOriginal(t *testing.T, dir string, rng *rand.Rand) map[string]map[string]string {
	t.Helper()
	ctx := t.Context()
	db := must(Open(ctx, dir, &Options{CollectGrowth: -1}))(t)
	main := must(db.Branch(ctx, MainBranch))(t)
	schema := Schema{
		Columns:    []Column{{Name: "id", Type: "INTEGER"}, {Name: "n", Type: "INTEGER"}, {Name: "v", Type: "TEXT"}},
		PrimaryKey: []string{"id"}, Indexes: []Index{{Name: "", Columns: []IndexColumn{{Name: "n"}}}},
	}
	put := func(tx *Tx, table string, id int) error {
		v := strings.Repeat(fmt.Sprint(rng.Uint64()), 1+rng.IntN(4))
		if rng.IntN(100) == 0 {
			v = strings.Repeat(v, 200) // out of line
		}
		return tx.Put(table, Row{Int(int64(id)), Int(rng.Int64()), Text(v)})
	}
	succeed(t, main.Update(ctx, func(tx *Tx) error {
		for _, name := range []string{"large", "small"} {
			schema.Name, schema.Indexes[0].Name = name, name+"_n"
			if err := tx.CreateTable(schema); err != nil {
				return err
			}
		}
		for id := range 3000 {
			if err := put(tx, "large", id); err != nil {
				return err
			}
		}
		return put(tx, "small", 1)
	}))
	must(main.Commit(ctx, Message{Author: "Audit", Text: "first"}))(t)
	change := func(tx *Tx) error {
		for range 400 {
			if err := put(tx, "large", rng.IntN(4000)); err != nil {
				return err
			}
		}
		for id := rng.IntN(2000); id < 2000; id += 1 + rng.IntN(5) {
			if err := tx.Delete("large", id); err != nil && !strings.Contains(err.Error(), "not found") {
				return err
			}
		}
		return nil
	}
	succeed(t, main.Update(ctx, change))
	must(main.Commit(ctx, Message{Author: "Audit", Text: "second"}))(t)
	succeed(t, main.Update(ctx, change))
	s := must(main.Snapshot(ctx))(t)
	all := map[string]map[string]string{"large": rowsOf(t, s, "large"), "small": rowsOf(t, s, "small")}
	succeed(t, db.Close())
	return all
}

func rowsOf(t *testing.T, s *Snapshot, table string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for row, err := range s.Rows(table, Range{}) {
		succeed(t, err)
		rows[fmt.Sprint(row[0])] = fmt.Sprint(row)
	}
	return rows
}

// spoil flips bytes of what has been written of a file.
func spoil(t *testing.T, path string, rng *rand.Rand, n int) {
	t.Helper()
	data := must(os.ReadFile(path))(t)
	end := len(strings.TrimRight(string(data), "\x00"))
	for range n {
		data[rng.IntN(end)] ^= byte(1 + rng.IntN(255))
	}
	succeed(t, os.WriteFile(path, data, 0o666))
}

// mustBeMended compares a mended branch with what there was, and with the commit before.
func mustBeMended(t *testing.T, db *DB, m MendedBranch, newest map[string]map[string]string) {
	t.Helper()
	is := must(db.AsOf(t.Context(), m.Commit.String()))(t)
	before := must(db.AsOf(t.Context(), m.Commit.String()+"~"))(t)
	damaged := map[string]MendedTable{}
	for _, table := range m.Tables {
		damaged[table.Name] = table
	}
	names := must(is.Tables())(t)
	for table, want := range newest {
		report, hit := damaged[table]
		if report.Gone {
			continue
		}
		got := rowsOf(t, is, table)
		if !hit {
			if !maps.Equal(got, want) {
				t.Errorf("table %s is not damaged and not as it was", table)
			}
			continue
		}
		old := map[string]string{}
		for _, name := range must(before.Tables())(t) {
			if name == table {
				old = rowsOf(t, before, table)
			}
		}
		asWere, asBefore := int64(0), int64(0)
		for key, row := range got {
			switch row {
			case want[key]:
				asWere++
			case old[key]:
				asBefore++
			default:
				t.Fatalf("table %s has the row %s, which was %q, and %q before", table, row, want[key], old[key])
			}
		}
		if int64(len(got)) != report.Rows+report.Older || asWere < report.Rows || asBefore > report.Older || report.Rows == int64(len(want)) {
			t.Errorf("table %s of %v: %d rows as they were and %d as before, of %d: %+v", table, names, asWere, asBefore, len(want), report)
		}
	}
}
