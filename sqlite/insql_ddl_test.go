package sqlite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// shop has tables that SQL has made, one that the typed API has, and views and triggers
// that mention both.
func shop(t *testing.T) *ruled {
	t.Helper()
	r := newRuled(t, `CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT CHECK (name <> ''), city TEXT)`,
		`CREATE TABLE orders(id INTEGER PRIMARY KEY, who INT REFERENCES customers(id), cents INT DEFAULT (1 + 1), loud AS (upper(cents)) STORED)`,
		`CREATE INDEX dear ON orders(cents / 2) WHERE who IS NOT NULL`)
	err := r.update("main", func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{
			Name: "visits", Columns: []vdb.Column{{Name: "day", Type: "TEXT"}, {Name: "n", Type: "INTEGER", Merge: vdb.PolicySum}, {Name: "spare", Type: "TEXT"}},
			PrimaryKey: []string{"day"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	r.exec("main", `CREATE TABLE stays(id INTEGER PRIMARY KEY, day TEXT REFERENCES visits(day) ON DELETE CASCADE)`,
		`CREATE VIEW sums AS SELECT who, name, sum(cents) AS cents FROM orders JOIN customers ON customers.id = who GROUP BY who`,
		`CREATE TRIGGER counted AFTER INSERT ON orders BEGIN INSERT INTO visits(day, n) VALUES('d' || new.cents, 1) ON CONFLICT DO UPDATE SET n = n + 1; END`,
		`INSERT INTO customers VALUES(1, 'Ann', 'Ulm')`, `INSERT INTO orders VALUES(1, 1, 10), (2, 1, 20)`, `INSERT INTO stays VALUES(1, 'd10')`)
	return r
}

// TestTypedDefinitionsAsSQL changes definitions by the typed API and in SQL: contents
// and texts are the same.
func TestTypedDefinitionsAsSQL(t *testing.T) {
	for statement, alter := range map[string]func(tx *vdb.Tx) error{
		`ALTER TABLE customers ADD COLUMN "mail" TEXT NOT NULL DEFAULT 'none' COLLATE NOCASE`: func(tx *vdb.Tx) error {
			return tx.AddColumn("customers", vdb.Column{Name: "mail", Type: "TEXT", NotNull: true, Default: "'none'", Collation: "NOCASE"})
		},
		`ALTER TABLE customers DROP COLUMN city`:               func(tx *vdb.Tx) error { return tx.DropColumn("customers", "City") },
		`ALTER TABLE customers RENAME COLUMN name TO "called"`: func(tx *vdb.Tx) error { return tx.RenameColumn("customers", "name", "called") },
		`ALTER TABLE customers RENAME COLUMN id TO "number"`:   func(tx *vdb.Tx) error { return tx.RenameColumn("customers", "id", "number") },
		`ALTER TABLE customers RENAME TO clients`:              func(tx *vdb.Tx) error { return tx.RenameTable("customers", "clients") },
		`ALTER TABLE orders RENAME COLUMN cents TO "amount"`:   func(tx *vdb.Tx) error { return tx.RenameColumn("orders", "cents", "amount") },
		`ALTER TABLE orders RENAME TO sales`:                   func(tx *vdb.Tx) error { return tx.RenameTable("orders", "sales") },
		`ALTER TABLE visits RENAME TO days`:                    func(tx *vdb.Tx) error { return tx.RenameTable("visits", "days") },
		`ALTER TABLE visits RENAME COLUMN day TO "date"`:       func(tx *vdb.Tx) error { return tx.RenameColumn("visits", "day", "date") },
		`ALTER TABLE visits DROP COLUMN spare`:                 func(tx *vdb.Tx) error { return tx.DropColumn("visits", "spare") },
		`CREATE INDEX "by city" ON "customers"("city" DESC)`: func(tx *vdb.Tx) error {
			return tx.CreateIndex("customers", vdb.Index{Name: "by city", Columns: []vdb.IndexColumn{{Name: "city", Desc: true}}})
		},
		`CREATE UNIQUE INDEX "alone" ON "orders"("cents")`: func(tx *vdb.Tx) error {
			return tx.CreateIndex("orders", vdb.Index{Name: "alone", Unique: true, Columns: []vdb.IndexColumn{{Name: "cents"}}})
		},
		`DROP INDEX dear`: func(tx *vdb.Tx) error { return tx.DropIndex("orders", "dear") },
	} {
		t.Run(statement, func(t *testing.T) {
			typed, inSQL := shop(t), shop(t)
			// Rows that are written before and after in the same transaction are there too.
			err := typed.update("main", func(tx *vdb.Tx) error {
				if err := tx.Put("stays", vdb.Row{vdb.Int(2), vdb.Text("d20")}); err != nil {
					return err
				}
				if err := alter(tx); err != nil {
					return err
				}
				return tx.Put("stays", vdb.Row{vdb.Int(3), vdb.Text("d20")})
			})
			if err != nil {
				t.Fatal(err)
			}
			inSQL.exec("main", statement, `INSERT INTO stays VALUES(2, 'd20'), (3, 'd20')`)
			typed.sound("main")
			const texts = `SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name`
			typed.want("main", texts, inSQL.text("main", texts))
			const root = `SELECT dolt_hashof_db('WORKING')`
			typed.want("main", root, inSQL.text("main", root))
			typed.want("main", `SELECT count(*) FROM sums`, "1")
		})
	}
}

// TestDefinitionsKeepPolicies has SQL change tables that have merge policies.
func TestDefinitionsKeepPolicies(t *testing.T) {
	r := shop(t)
	r.exec("main", `ALTER TABLE visits RENAME COLUMN n TO count`, `ALTER TABLE visits DROP COLUMN spare`, `ALTER TABLE visits ADD COLUMN more INT`)
	err := r.update("main", func(tx *vdb.Tx) error {
		if err := tx.AddColumn("customers", vdb.Column{Name: "visits", Type: "INT", Merge: vdb.PolicyMax}); err != nil {
			return err
		}
		if err := tx.AlterColumn("orders", vdb.Column{Name: "cents", Type: "INT", Merge: vdb.PolicyMin}); err != nil {
			return err
		}
		return tx.RenameColumn("customers", "visits", "seen")
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.branch("main").Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		table, column string
		policy        vdb.Policy
	}{{"visits", "count", vdb.PolicySum}, {"visits", "more", ""}, {"customers", "seen", vdb.PolicyMax}, {"orders", "cents", vdb.PolicyMin}} {
		schema, err := s.Schema(c.table)
		if err != nil {
			t.Fatal(err)
		}
		if i := schema.Column(c.column); i < 0 || schema.Columns[i].Merge != c.policy {
			t.Errorf("table %s: columns %+v; %s has not policy %q", c.table, schema.Columns, c.column, c.policy)
		}
	}
}

// TestRenamesInSQLMerge renames by the typed API what SQL has made, and merges.
func TestRenamesInSQLMerge(t *testing.T) {
	r := shop(t)
	r.commit("main")
	r.fork("work")
	r.exec("work", `UPDATE customers SET name = 'Bea'`, `INSERT INTO orders VALUES(3, 1, 30)`)
	err := r.update("main", func(tx *vdb.Tx) error {
		if err := tx.RenameColumn("customers", "name", "called"); err != nil {
			return err
		}
		return tx.RenameTable("customers", "clients")
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.merge("work", "main"); err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", `SELECT * FROM sums`, "1|Bea|60")
	r.want("main", `SELECT called FROM clients`, "Bea")
}

func TestDefinitionsThatSQLCannotAlter(t *testing.T) {
	r := shop(t)
	r.exec("main", `CREATE TABLE pairs(a INT, b INT, UNIQUE (a, b), CHECK (a < b)) STRICT`)
	was := r.text("main", `SELECT dolt_hashof_db('WORKING')`)
	for name, c := range map[string]struct {
		alter func(tx *vdb.Tx) error
		is    error
		says  string
	}{
		"a foreign key": {func(tx *vdb.Tx) error {
			return tx.AddForeignKey("orders", vdb.ForeignKey{Columns: []string{"cents"}, Parent: "customers"})
		}, vdb.ErrInvalid, "make a new table"},
		"a type":          {func(tx *vdb.Tx) error { return tx.AlterColumn("orders", vdb.Column{Name: "cents", Type: "TEXT"}) }, vdb.ErrInvalid, "make a new table"},
		"a constraint":    {func(tx *vdb.Tx) error { return tx.DropIndex("pairs", "sqlite_autoindex_pairs_1") }, vdb.ErrInvalid, "make a new table"},
		"no type":         {func(tx *vdb.Tx) error { return tx.AddColumn("pairs", vdb.Column{Name: "c"}) }, vdb.ErrInvalid, "missing datatype"},
		"a viewed column": {func(tx *vdb.Tx) error { return tx.DropColumn("customers", "name") }, vdb.ErrInvalid, "sums"},
		"a used column":   {func(tx *vdb.Tx) error { return tx.DropColumn("pairs", "a") }, vdb.ErrInvalid, "sqlite_autoindex"},
		"a name in use":   {func(tx *vdb.Tx) error { return tx.RenameTable("orders", "Customers") }, vdb.ErrExists, ""},
		"a view's name":   {func(tx *vdb.Tx) error { return tx.RenameTable("orders", "sums") }, vdb.ErrInvalid, "sums"},
		"a column in use": {func(tx *vdb.Tx) error { return tx.RenameColumn("orders", "who", "cents") }, vdb.ErrInvalid, "duplicate"},
		"no column":       {func(tx *vdb.Tx) error { return tx.RenameColumn("orders", "what", "cents") }, vdb.ErrNotFound, ""},
		"an index's name": {func(tx *vdb.Tx) error {
			return tx.CreateIndex("customers", vdb.Index{Name: "dear", Columns: []vdb.IndexColumn{{Name: "city"}}})
		}, vdb.ErrInvalid, "dear"},
		"rows in the way": {func(tx *vdb.Tx) error {
			return tx.CreateIndex("orders", vdb.Index{Name: "alone", Unique: true, Columns: []vdb.IndexColumn{{Name: "who"}}})
		}, vdb.ErrConstraint, "who"},
	} {
		err := r.update("main", func(tx *vdb.Tx) error {
			err := c.alter(tx)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", name, err)
			}
			return nil // and nothing is changed
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.want("main", `SELECT dolt_hashof_db('WORKING')`, was)
	}
}
