package vdb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// evaluatedSchemas are tables that package sqlite makes: this test program does not
// import it.
var evaluatedSchemas = []vdb.Schema{
	{
		Name: "checked", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "n", Type: "INT"}}, PrimaryKey: []string{"id"},
		SQL: "CREATE TABLE checked(id INTEGER PRIMARY KEY, n INT CHECK (n > 0))", Evaluated: true,
	},
	{
		Name: "indexed", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "n", Type: "INT"}}, PrimaryKey: []string{"id"},
		Indexes: []vdb.Index{{Name: "twice", Columns: []vdb.IndexColumn{{}}, SQL: "CREATE INDEX twice ON indexed(n * 2)"}},
	},
	{
		Name: "partial", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "n", Type: "INT"}}, PrimaryKey: []string{"id"},
		Indexes: []vdb.Index{{Name: "some", Columns: []vdb.IndexColumn{{Name: "n"}}, Partial: true, SQL: "CREATE INDEX some ON partial(n) WHERE n > 1"}},
	},
}

func TestRulesOfSQLNeedItsPackage(t *testing.T) {
	for _, s := range evaluatedSchemas {
		db, err := vdb.Open(t.Context(), vdb.Memory, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		main, err := db.Branch(t.Context(), vdb.MainBranch)
		if err != nil {
			t.Fatal(err)
		}
		if err := main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.CreateTable(s) }); err != nil {
			t.Fatal(err)
		}
		err = main.Update(t.Context(), func(tx *vdb.Tx) error {
			return tx.Put(s.Name, vdb.Row{vdb.Int(1), vdb.Int(2)})
		})
		if !errors.Is(err, vdb.ErrNeedsSQL) {
			t.Errorf("table %s: %v, want ErrNeedsSQL", s.Name, err)
		}
	}
}

// withObjects returns a database that has a table, and objects as SQL makes them.
func withObjects(t *testing.T, table vdb.Schema, objects ...vdb.Object) (*vdb.DB, *vdb.Branch) {
	t.Helper()
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	main, err := db.Branch(t.Context(), vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	if err := main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.CreateTable(table) }); err != nil {
		t.Fatal(err)
	}
	engine := db.Engine()
	base, err := engine.Working(t.Context(), vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = engine.Commit(t.Context(), vdb.MainBranch, &vdb.EngineEdit{Base: base, Objects: objects}); err != nil {
		t.Fatal(err)
	}
	return db, main
}

// TestTextsNeedThePackageOfSQL has a table with a trigger and a view, as SQL makes them.
func TestTextsNeedThePackageOfSQL(t *testing.T) {
	_, main := withObjects(t, vdb.Schema{Name: "t", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "n"}}, PrimaryKey: []string{"id"}},
		vdb.Object{Type: "view", Name: "v", SQL: "CREATE VIEW v AS SELECT n FROM t"},
		vdb.Object{Type: "trigger", Name: "fired", Table: "T", SQL: "CREATE TRIGGER fired AFTER INSERT ON T BEGIN SELECT 1; END"})
	for name, c := range map[string]struct {
		verb func(tx *vdb.Tx) error
		says string
	}{
		"put":           {func(tx *vdb.Tx) error { return tx.Put("t", vdb.Row{vdb.Int(1), vdb.Null()}) }, "trigger fired"},
		"delete":        {func(tx *vdb.Tx) error { return tx.Delete("t", 1) }, "trigger fired"},
		"put blob":      {func(tx *vdb.Tx) error { return tx.PutBlob("t", "n", strings.NewReader("x"), 1) }, "trigger fired"},
		"rename table":  {func(tx *vdb.Tx) error { return tx.RenameTable("t", "u") }, "view v"},
		"rename column": {func(tx *vdb.Tx) error { return tx.RenameColumn("t", "n", "m") }, "view v"},
		"drop column":   {func(tx *vdb.Tx) error { return tx.DropColumn("t", "n") }, "view v"},
	} {
		err := main.Update(t.Context(), c.verb)
		if !errors.Is(err, vdb.ErrNeedsSQL) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want ErrNeedsSQL and %s", name, err, c.says)
		}
	}
	if err := main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.AddColumn("t", vdb.Column{Name: "more"}) }); err != nil {
		t.Errorf("add column: %v", err)
	}
}

// TestVirtualTableNeedsThePackageOfSQL has both sides of a merge write a table in which
// a virtual table keeps its index.
func TestVirtualTableNeedsThePackageOfSQL(t *testing.T) {
	db, main := withObjects(t, vdb.Schema{Name: "f_data", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "block"}}, PrimaryKey: []string{"id"}},
		vdb.Object{Type: "table", Name: "F", SQL: "CREATE VIRTUAL TABLE F USING fts5(body)"})
	if _, err := main.Commit(t.Context(), vdb.Message{Text: "base"}); err != nil {
		t.Fatal(err)
	}
	work, err := db.CreateBranch(t.Context(), "work", vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range []*vdb.Branch{main, work} {
		err := b.Update(t.Context(), func(tx *vdb.Tx) error {
			return tx.Put("f_data", vdb.Row{vdb.Int(int64(i)), vdb.Text(b.Name())})
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Commit(t.Context(), vdb.Message{Text: b.Name()}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := main.Merge(t.Context(), "work", nil); !errors.Is(err, vdb.ErrNeedsSQL) || !strings.Contains(err.Error(), "table F") {
		t.Errorf("%v, want ErrNeedsSQL and table F", err)
	}
}
