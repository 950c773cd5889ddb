package vdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// secret is a value of the rows to be forgotten, too long to stand in its row when
// long.
func secret(version int, long bool) string {
	text := fmt.Sprintf("forget-me-%d-", version)
	if long {
		text += strings.Repeat("and all that I have written, ", 200)
	}
	return text
}

// purgeWorld is a random history of which one customer's rows are purged.
type purgeWorld struct {
	t    *testing.T
	rng  *rand.Rand
	db   *vdb.DB
	made []vdb.Hash // all commits, in the order in which they were made
}

var purgeSchemas = []vdb.Schema{
	{
		Name: "customers", Columns: []vdb.Column{{Name: "id", Type: "TEXT"}, {Name: "note", Type: "TEXT"}}, PrimaryKey: []string{"id"},
		Indexes: []vdb.Index{{Name: "by_note", Columns: []vdb.IndexColumn{{Name: "note"}}}},
	},
	{
		Name: "letters", Columns: []vdb.Column{{Name: "n", Type: "INTEGER"}, {Name: "id", Type: "TEXT"}, {Name: "body", Type: "TEXT"}},
		PrimaryKey: []string{"n"}, Indexes: []vdb.Index{{Name: "by_id", Columns: []vdb.IndexColumn{{Name: "id"}, {Name: "body"}}}},
	},
	{Name: "visits", Columns: []vdb.Column{{Name: "id", Type: "TEXT"}, {Name: "page", Type: "TEXT"}}},
}

func (w *purgeWorld) begin(dir string) {
	db, err := vdb.Open(w.t.Context(), dir, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	w.db = db
	w.update("main", func(tx *vdb.Tx) error {
		for _, s := range purgeSchemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		return nil
	})
	w.commit("main")
}

func (w *purgeWorld) branch(name string) *vdb.Branch {
	b, err := w.db.Branch(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *purgeWorld) update(branch string, fn func(*vdb.Tx) error) {
	w.t.Helper()
	if err := w.branch(branch).Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *purgeWorld) commit(branch string) {
	w.t.Helper()
	c, err := w.branch(branch).Commit(w.t.Context(), vdb.Message{Author: "Support", Text: fmt.Sprint("commit ", len(w.made)), AllowEmpty: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.made = append(w.made, c.Hash)
}

// customer is "c7", who is to be forgotten, now and then once withSecrets.
func (w *purgeWorld) customer(withSecrets bool) (id, note string) {
	if n := w.rng.IntN(12); n != 7 {
		return fmt.Sprint("c", n), fmt.Sprint("note ", w.rng.IntN(5))
	} else if !withSecrets {
		return "c1", "note"
	}
	return "c7", secret(w.rng.IntN(4), w.rng.IntN(3) == 0)
}

// write changes some rows of random tables, by their names on the branch.
func (w *purgeWorld) write(branch string, withSecrets bool) {
	w.update(branch, func(tx *vdb.Tx) error {
		names, err := tx.Tables()
		if err != nil {
			return err
		}
		for range 1 + w.rng.IntN(30) {
			id, note := w.customer(withSecrets)
			name := names[w.rng.IntN(len(names))]
			s, err := tx.Schema(name)
			if err != nil {
				return err
			}
			row := vdb.Row{vdb.Text(id), vdb.Text(note)}
			if s.PrimaryKey == nil {
				err = tx.Insert(name, row)
			} else if s.PrimaryKey[0] == "n" {
				err = tx.Put(name, append(vdb.Row{vdb.Int(int64(w.rng.IntN(40)))}, row...))
			} else {
				err = tx.Put(name, row)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// run makes a history: two branches, tags, merges, a renamed table, rows that are
// staged or in a working set only.
func (w *purgeWorld) run() {
	ctx := w.t.Context()
	for range 1 + w.rng.IntN(3) {
		w.write("main", false)
		w.commit("main")
	}
	if _, err := w.db.CreateBranch(ctx, "side", "main"); err != nil {
		w.t.Fatal(err)
	}
	for i := range 4 + w.rng.IntN(12) {
		branch := oneOf(w.rng, "main", "side")
		w.write(branch, true)
		switch w.rng.IntN(5) {
		case 0:
			if err := w.branch(branch).StageAll(ctx); err != nil {
				w.t.Fatal(err)
			}
			continue
		case 1:
			continue
		case 2:
			w.commit(branch)
			if _, err := w.db.CreateTag(ctx, fmt.Sprint("t", i), branch, vdb.Message{Author: "Support"}); err != nil {
				w.t.Fatal(err)
			}
			continue
		}
		w.commit(branch)
	}
	if w.rng.IntN(2) == 0 {
		w.update("side", func(tx *vdb.Tx) error { return tx.RenameTable("customers", "clients") })
	}
	w.write("side", true)
	w.commit("side")
	w.write("main", true)
}

// read returns all rows of a version but those of c7, each with its table, and how
// many are c7's.
func (w *purgeWorld) read(s *vdb.Snapshot) (rows []string, secrets int) {
	names, err := s.Tables()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names {
		schema, err := s.Schema(name)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, index := range append([]vdb.Index{{}}, schema.Indexes...) {
			for row, err := range s.Rows(name, vdb.Range{Index: index.Name}) {
				if err != nil {
					w.t.Fatal(err)
				}
				if slices.ContainsFunc(row, func(v vdb.Value) bool { return v.Kind() == vdb.KindText && v.Text() == "c7" }) {
					secrets++
					continue
				}
				rows = append(rows, fmt.Sprint(name, index.Name, row))
			}
		}
	}
	return rows, secrets
}

// TestPurge purges a customer from random histories. The oracle is each version as it
// was, without the customer's rows.
func TestPurge(t *testing.T) {
	for range 12 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &purgeWorld{t: t, rng: rand.New(rand.NewPCG(seed, 1))}
			dir := filepath.Join(t.TempDir(), "db")
			w.begin(dir)
			w.run()
			w.purge(dir)
		})
	}
}

func (w *purgeWorld) purge(dir string) {
	t, ctx := w.t, w.t.Context()
	// A letter of c7 that is another's in some version goes as a whole: a row is its key.
	letters := w.lettersOf("c7")
	was := map[vdb.Hash][]string{}
	clean := map[vdb.Hash]bool{}
	for _, h := range w.made {
		rows, secrets := w.read(w.at(h.String()))
		was[h], clean[h] = w.without(rows, letters), secrets == 0 && len(w.without(rows, letters)) == len(rows)
	}
	working := map[string][]string{}
	for _, b := range []string{"main", "side"} {
		rows, _ := w.read(asOf(t, w.branch(b), "WORKING"))
		working[b] = w.without(rows, letters)
	}
	done, err := w.db.Purge(ctx, vdb.Purge{Where: map[string]any{"id": "c7"}})
	if errors.Is(err, vdb.ErrNotFound) && len(letters) == 0 {
		return // this history had none
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Copies) > 0 {
		t.Errorf("values stand elsewhere: %v", done.Copies)
	}
	dirty := false
	for _, h := range w.made {
		is, moved := done.Commits[h]
		if dirty = dirty || !clean[h]; moved && !dirty {
			t.Errorf("commit %s had no such row, nor had one before it, and is now %s", h, is)
		}
		if !moved {
			is = h
		} else if _, err := w.db.AsOf(ctx, h.String()); !errors.Is(err, vdb.ErrNotFound) || !strings.Contains(err.Error(), is.String()) {
			t.Errorf("the old commit %s: %v; want an error that names %s", h, err, is)
		}
		rows, secrets := w.read(w.at(is.String()))
		if secrets > 0 || !slices.Equal(rows, was[h]) {
			t.Errorf("commit %s has %d rows to be purged, others %v, want %v", is, secrets, rows, was[h])
		}
	}
	for b, want := range working {
		rows, secrets := w.read(asOf(t, w.branch(b), "WORKING"))
		if secrets > 0 || !slices.Equal(rows, want) {
			t.Errorf("branch %s has %d rows to be purged, others %v, want %v", b, secrets, rows, want)
		}
	}
	w.noByteLeft(dir)
	if _, err := w.db.Purge(ctx, vdb.Purge{Where: map[string]any{"id": "c7"}}); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("purged twice: %v, want ErrNotFound", err)
	}
	w.write("main", false)
	w.commit("main")
}

// at returns a commit.
func (w *purgeWorld) at(rev string) *vdb.Snapshot {
	w.t.Helper()
	s, err := w.db.AsOf(w.t.Context(), rev)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// lettersOf returns the keys of letters that were once the customer's.
func (w *purgeWorld) lettersOf(id string) map[int64]bool {
	found := map[int64]bool{}
	snapshots := []*vdb.Snapshot{}
	for _, h := range w.made {
		snapshots = append(snapshots, w.at(h.String()))
	}
	for _, b := range []string{"main", "side"} {
		snapshots = append(snapshots, asOf(w.t, w.branch(b), "WORKING"), asOf(w.t, w.branch(b), "STAGED"))
	}
	for _, s := range snapshots {
		for row, err := range s.Rows("letters", vdb.Range{}) {
			if err != nil {
				w.t.Fatal(err)
			}
			if row[1].Text() == id {
				found[row[0].Int()] = true
			}
		}
	}
	return found
}

// without leaves out the letters.
func (w *purgeWorld) without(rows []string, letters map[int64]bool) []string {
	return slices.DeleteFunc(slices.Clone(rows), func(row string) bool {
		for n := range letters {
			for _, index := range []string{"", "by_id"} {
				if strings.HasPrefix(row, fmt.Sprintf("letters%s[%d ", index, n)) {
					return true
				}
			}
		}
		return false
	})
}

// noByteLeft opens a copy of the files and reads all that is in them.
func (w *purgeWorld) noByteLeft(dir string) {
	w.t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("forget-me")) {
			w.t.Errorf("%s has the secret", path)
		}
		found++
		return err
	})
	if err != nil || found == 0 {
		w.t.Fatalf("%d files, %v", found, err)
	}
}

// TestPurgeRefuses: what cannot be purged is said, and nothing is changed.
func TestPurgeRefuses(t *testing.T) {
	ctx := t.Context()
	_, main := companyDB(t, 5)
	db := main.DB()
	before := asOf(t, main, "WORKING").Root()
	for _, c := range []struct {
		name  string
		purge vdb.Purge
		want  error
		says  string
	}{
		{"without a condition", vdb.Purge{Table: "customers"}, vdb.ErrInvalid, ""},
		{"no such row", vdb.Purge{Where: map[string]any{"cust_id": "nobody"}}, vdb.ErrNotFound, "no version has such a row"},
		{"no such table", vdb.Purge{Table: "nothing", Where: map[string]any{"cust_id": "c001"}}, vdb.ErrNotFound, "a table nothing"},
		{"no such column", vdb.Purge{Table: "customers", Where: map[string]any{"custid": "c001"}}, vdb.ErrNotFound, "customers has no column custid"},
		{"no such columns anywhere", vdb.Purge{Where: map[string]any{"cust_id": "c001", "b": 1}}, vdb.ErrNotFound, "no table has a column b and cust_id"},
		{"others refer to it", vdb.Purge{Table: "customers", Where: map[string]any{"cust_id": "c001"}}, vdb.ErrConstraint, ""},
	} {
		if _, err := db.Purge(ctx, c.purge); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %q", c.name, err, c.want, c.says)
		}
	}
	if after := asOf(t, main, "WORKING").Root(); after != before {
		t.Error("a refused purge has changed the working set")
	}
	done, err := db.Purge(ctx, vdb.Purge{Table: "customers", Where: map[string]any{"cust_id": "c001"}, LeaveDangling: true})
	if err != nil || done.Rows["customers"] != 1 {
		t.Errorf("with LeaveDangling: %+v, %v", done, err)
	}
}

// TestPurgeFindsCopies: a value that another row has is reported.
func TestPurgeFindsCopies(t *testing.T) {
	w := &purgeWorld{t: t, rng: rand.New(rand.NewPCG(1, 1))}
	w.begin(filepath.Join(t.TempDir(), "db"))
	w.update("main", func(tx *vdb.Tx) error {
		if err := tx.Put("customers", vdb.Row{vdb.Text("c7"), vdb.Text("12 Long Street, Springfield")}); err != nil {
			return err
		}
		return tx.Put("customers", vdb.Row{vdb.Text("c8"), vdb.Text("12 Long Street, Springfield")})
	})
	w.commit("main")
	done, err := w.db.Purge(t.Context(), vdb.Purge{Table: "customers", Where: map[string]any{"id": "c7"}})
	if err != nil || len(done.Copies) != 1 || done.Copies[0].Text() != "12 Long Street, Springfield" {
		t.Errorf("purged %+v, %v; want the address that another customer has", done, err)
	}
}
