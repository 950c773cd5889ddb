package vdb

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
	newest, committed := mendedOriginal(t, dir, rng)
	files := must(filepath.Glob(filepath.Join(dir, "journal-*")))(t)
	var remade, rows, older int64
	for i := 0; i < 20 || i < 200 && (remade == 0 || rows == 0 || older == 0); i++ {
		damaged := filepath.Join(t.TempDir(), "damaged")
		succeed(t, os.CopyFS(damaged, os.DirFS(dir)))
		states := []tableRows{newest}
		for _, file := range files {
			if spoil(t, filepath.Join(damaged, filepath.Base(file)), rng, 1+i%4) {
				states = append(states, committed) // the newest root may be lost
			}
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
			mustBeMended(t, db, m, states)
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
// returns the rows of its tables, and those of the second commit.
func mendedOriginal(t *testing.T, dir string, rng *rand.Rand) (newest, committed tableRows) {
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
	committed = tablesOf(t, main)
	succeed(t, main.Update(ctx, change))
	newest = tablesOf(t, main)
	succeed(t, db.Close())
	return newest, committed
}

// tableRows are the rows of tables, by the tables' names and the rows' keys.
type tableRows map[string]map[string]string

func tablesOf(t *testing.T, b *Branch) tableRows {
	t.Helper()
	s := must(b.Snapshot(t.Context()))(t)
	return tableRows{"large": rowsOf(t, s, "large"), "small": rowsOf(t, s, "small")}
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

// spoil flips bytes of what has been written of a file, and tells whether one is at the end,
// where a journal has its newest root and what that leads to but rows.
func spoil(t *testing.T, path string, rng *rand.Rand, n int) (atEnd bool) {
	t.Helper()
	data := must(os.ReadFile(path))(t)
	end := len(strings.TrimRight(string(data), "\x00"))
	for range n {
		at := rng.IntN(end)
		data[at] ^= byte(1 + rng.IntN(255))
		atEnd = atEnd || at > end-1000
	}
	succeed(t, os.WriteFile(path, data, 0o666))
	return atEnd
}

// mustBeMended compares a mended branch with what there was, and with the commit before: it is
// of one of these states.
func mustBeMended(t *testing.T, db *DB, m MendedBranch, states []tableRows) {
	t.Helper()
	var errs []error
	for _, state := range states {
		err := mendedFrom(t, db, m, state)
		if err == nil {
			return
		}
		errs = append(errs, err)
	}
	t.Error(errors.Join(errs...))
}

// mendedFrom returns an error if the branch is not what may be mended of a state.
func mendedFrom(t *testing.T, db *DB, m MendedBranch, state tableRows) error {
	t.Helper()
	is := must(db.AsOf(t.Context(), m.Commit.String()))(t)
	before := must(db.AsOf(t.Context(), m.Commit.String()+"~"))(t)
	damaged := map[string]MendedTable{}
	for _, table := range m.Tables {
		damaged[table.Name] = table
	}
	names := must(before.Tables())(t)
	for table, want := range state {
		report, hit := damaged[table]
		if report.Gone {
			continue
		}
		got := rowsOf(t, is, table)
		if !hit {
			if !maps.Equal(got, want) {
				return fmt.Errorf("table %s is not damaged and not as it was", table)
			}
			continue
		}
		old := map[string]string{}
		if slices.Contains(names, table) {
			old = rowsOf(t, before, table)
		}
		asWere, asBefore := int64(0), int64(0)
		for key, row := range got {
			switch row {
			case want[key]:
				asWere++
			case old[key]:
				asBefore++
			default:
				return fmt.Errorf("table %s has the row %s, which was %q, and %q before", table, row, want[key], old[key])
			}
		}
		if int64(len(got)) != report.Rows+report.Older || asWere < report.Rows || asBefore > report.Older || report.Rows == int64(len(want)) {
			return fmt.Errorf("table %s of %v: %d rows as they were and %d as before, of %d: %+v", table, names, asWere, asBefore, len(want), report)
		}
	}
	return nil
}
