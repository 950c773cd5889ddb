package vdb_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/vdbgo/vdb"
)

// items is a table with 200 rows.
func items(t *testing.T) *vdb.Branch {
	t.Helper()
	b := mainBranch(t, openMemory(t))
	update(t, b, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(vdb.Schema{
			Name:       "items",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "name", Type: "TEXT"}, {Name: "price", Type: "REAL"}},
			PrimaryKey: []string{"id"},
		}); err != nil {
			return err
		}
		for i := range int64(200) {
			if err := tx.Put("items", vdb.Row{vdb.Int(i), vdb.Text(fmt.Sprint("item ", i)), vdb.Float(float64(i) / 2)}); err != nil {
				return err
			}
		}
		return nil
	})
	return b
}

func columnNames(t *testing.T, r interface {
	Schema(string) (*vdb.Schema, error)
}, table string) []string {
	t.Helper()
	s, err := r.Schema(table)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range s.Columns {
		names = append(names, c.Name)
	}
	return names
}

func root(t *testing.T, b *vdb.Branch) vdb.Hash {
	t.Helper()
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Root()
}

func TestColumns(t *testing.T) {
	b := items(t)
	commit(t, b, "before")
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.AddColumn("items", vdb.Column{Name: "stock", Type: "INTEGER", NotNull: true, Default: "3"}),
			tx.RenameColumn("items", "name", "title"),
			tx.DropColumn("items", "price"),
			tx.Put("items", vdb.Row{vdb.Int(7), vdb.Text("seven"), vdb.Int(9)}),
		)
	})
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := columnNames(t, s, "items"); !slices.Equal(got, []string{"id", "title", "stock"}) {
		t.Fatalf("columns %v", got)
	}
	for id, want := range map[int]string{6: "[6 'item 6' 3]", 7: "[7 'seven' 9]"} {
		if row, err := s.Get("items", id); err != nil || fmt.Sprint(row) != want {
			t.Errorf("row %d: %v, %v; want %s", id, row, err, want)
		}
	}
	old, err := b.AsOf(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if row, err := old.Get("items", 7); err != nil || fmt.Sprint(row) != "[7 'item 7' 3.5]" {
		t.Errorf("as of before: %v, %v", row, err)
	}
}

func TestAlterColumn(t *testing.T) {
	b := items(t)
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateIndex("items", vdb.Index{Name: "by_price", Columns: []vdb.IndexColumn{{Name: "price"}}}),
			tx.AlterColumn("items", vdb.Column{Name: "price", Type: "TEXT", Default: "'free'"}),
			tx.Put("items", vdb.Row{vdb.Int(500), vdb.Text("gift"), vdb.Text("free")}))
	})
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]string{7: "[7 'item 7' '3.5']", 500: "[500 'gift' 'free']"} {
		if row, err := s.Get("items", id); err != nil || fmt.Sprint(row) != want {
			t.Errorf("row %d: %v, %v; want %s", id, row, err, want)
		}
	}
	for row, err := range s.Rows("items", vdb.Range{Index: "by_price", Prefix: []any{"3.5"}}) {
		if err != nil || row[0].Int() != 7 {
			t.Errorf("by the altered column: %v, %v", row, err)
		}
	}
	before := root(t, b)
	err = b.Update(t.Context(), func(tx *vdb.Tx) error {
		if err := tx.Put("items", vdb.Row{vdb.Int(501), vdb.Null(), vdb.Null()}); err != nil {
			return err
		}
		err := tx.AlterColumn("items", vdb.Column{Name: "name", Type: "TEXT", NotNull: true})
		if !errors.Is(err, vdb.ErrConstraint) {
			t.Errorf("NOT NULL over a NULL: %v", err)
		}
		return tx.Delete("items", 501)
	})
	if err != nil || root(t, b) != before {
		t.Errorf("a refused change left something behind: %v", err)
	}
}

// Equal contents have equal roots, whichever way the schema took.
func TestSchemaHistoryIndependence(t *testing.T) {
	straight, winding := items(t), items(t)
	update(t, winding, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.AddColumn("items", vdb.Column{Name: "extra", Default: "'x'"}),
			tx.CreateIndex("items", vdb.Index{Name: "i", Columns: []vdb.IndexColumn{{Name: "name"}}}),
			tx.RenameTable("items", "things"),
			tx.RenameColumn("things", "name", "label"),
		)
	})
	update(t, winding, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.DropIndex("things", "i"), tx.DropColumn("things", "extra"),
			tx.RenameColumn("things", "label", "name"), tx.RenameTable("things", "items"),
		)
	})
	if root(t, straight) != root(t, winding) {
		t.Fatal("equal contents have different roots")
	}
	update(t, winding, func(tx *vdb.Tx) error { return tx.DropTable("items") })
	if root(t, winding) != root(t, mainBranch(t, openMemory(t))) {
		t.Fatal("a database whose only table was dropped differs from an empty one")
	}
}

func TestRenameKeepsForeignKeys(t *testing.T) {
	b := shop(t)
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.RenameTable("customers", "clients"), tx.RenameColumn("clients", "id", "code"))
	})
	err := b.Update(t.Context(), func(tx *vdb.Tx) error { return tx.Delete("clients", "c1") })
	if !errors.Is(err, vdb.ErrConstraint) {
		t.Fatalf("delete of a parent after renames: %v", err)
	}
}

func TestIndexOnExistingRows(t *testing.T) {
	b := items(t)
	update(t, b, func(tx *vdb.Tx) error {
		return tx.CreateIndex("items", vdb.Index{Name: "by_price", Columns: []vdb.IndexColumn{{Name: "price", Desc: true}}})
	})
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last, n := 1000.0, 0
	for row, err := range s.Rows("items", vdb.Range{Index: "by_price", From: []any{50.0}, To: []any{10.0}}) {
		if err != nil {
			t.Fatal(err)
		}
		if p := row[2].Float(); p > last || p > 50 || p <= 10 {
			t.Fatalf("price %v after %v", p, last)
		}
		last, n = row[2].Float(), n+1
	}
	if n != 80 {
		t.Fatalf("%d rows between the prices, want 80", n)
	}
}

func TestCommitSomeTablesAndAmend(t *testing.T) {
	b := shop(t)
	commit(t, b, "base")
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("customers", texts("c2", "2@x", "Two")), tx.Put("orders", vdb.Row{vdb.Int(2), vdb.Text("c1")}))
	})
	c, err := b.Commit(t.Context(), vdb.Message{Author: "Audit", Text: "customers", Tables: []string{"customers"}})
	if err != nil {
		t.Fatal(err)
	}
	at, err := b.AsOf(t.Context(), c.Hash.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := at.Get("orders", 2); !errors.Is(err, vdb.ErrNotFound) {
		t.Fatalf("a table that was not named was committed: %v", err)
	}
	amended, err := b.Commit(t.Context(), vdb.Message{Amend: true})
	if err != nil {
		t.Fatal(err)
	}
	if amended.Text != "customers" || amended.Author != "Audit" || len(amended.Parents) != 1 || amended.Parents[0] != c.Parents[0] {
		t.Fatalf("amended: %+v", amended)
	}
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.RenameColumn("letters", "mail", "address"), tx.Put("customers", texts("c3", "3@x", "Three")))
	})
	c, err = b.Commit(t.Context(), vdb.Message{Text: "customers again", Tables: []string{"customers"}})
	if err != nil {
		t.Fatal(err)
	}
	if at, err = b.AsOf(t.Context(), c.Hash.String()); err != nil {
		t.Fatal(err)
	}
	if got := columnNames(t, at, "letters"); !slices.Equal(got, []string{"id", "mail"}) {
		t.Fatalf("columns of a table that was not named: %v", got)
	}
	commit(t, b, "the rest")
	if _, err := b.Commit(t.Context(), vdb.Message{Text: "nothing"}); !errors.Is(err, vdb.ErrNothingToCommit) {
		t.Fatalf("nothing to commit: %v", err)
	}
	if _, err := b.Commit(t.Context(), vdb.Message{Text: "x", Tables: []string{"zz"}}); !errors.Is(err, vdb.ErrNotFound) {
		t.Fatalf("unknown table: %v", err)
	}
}
