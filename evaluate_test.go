package vdb_test

import (
	"errors"
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
