package sqlite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

const ordersTable = `CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT NOT NULL DEFAULT (lower('NOBODY')), cents INT CHECK (cents > 0))`

func TestMergesOfDefinitions(t *testing.T) {
	for name, c := range map[string]struct {
		ours, theirs []string
		query, want  string
	}{
		"column added, rows added": {
			[]string{`ALTER TABLE orders ADD COLUMN note TEXT DEFAULT 'none'`}, []string{`INSERT INTO orders VALUES(3, 'c', 30)`},
			`SELECT id, who, note FROM orders`, "1|a|none\n2|b|none\n3|c|none",
		},
		"index added, rows added": {
			[]string{`CREATE INDEX dear ON orders(upper(who)) WHERE cents > 15`}, []string{`INSERT INTO orders VALUES(3, 'c', 30)`, `DELETE FROM orders WHERE id = 2`},
			`SELECT id FROM orders INDEXED BY dear WHERE cents > 15 AND upper(who) >= 'A'`, "3",
		},
		"columns added by both": {
			[]string{`ALTER TABLE orders ADD COLUMN note TEXT CHECK (note <> '')`}, []string{`ALTER TABLE orders ADD COLUMN paid INT AS (cents / 2)`, `ALTER TABLE orders ADD COLUMN tip INT NOT NULL DEFAULT 4`, `INSERT INTO orders VALUES(3, 'c', 30, 5)`},
			`SELECT id, cents, note, paid, tip FROM orders`, "1|10||5|4\n2|20||10|4\n3|30||15|5",
		},
		"column renamed, column added": {
			[]string{`ALTER TABLE orders RENAME COLUMN cents TO amount`, `CREATE INDEX half ON orders(amount / 2)`},
			[]string{`ALTER TABLE orders ADD COLUMN tip INT CHECK (tip < cents)`, `UPDATE orders SET cents = 40, tip = 3 WHERE id = 2`},
			`SELECT id, amount, tip FROM orders INDEXED BY half WHERE amount / 2 = 20`, "2|40|3",
		},
		"column dropped, index added": {
			[]string{`ALTER TABLE orders DROP COLUMN who`}, []string{`CREATE INDEX half ON orders(cents / 2)`, `INSERT INTO orders VALUES(3, 'c', 30)`},
			`SELECT id, cents FROM orders INDEXED BY half WHERE cents / 2 > 5`, "2|20\n3|30",
		},
		"table renamed, column added": {
			[]string{`ALTER TABLE orders RENAME TO sales`}, []string{`ALTER TABLE orders ADD COLUMN tip INT DEFAULT 2`, `CREATE INDEX half ON orders(cents / 2)`},
			`SELECT id, tip FROM sales INDEXED BY half WHERE cents / 2 = 5`, "1|2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuled(t, ordersTable, `INSERT INTO orders VALUES(1, 'a', 10), (2, 'b', 20)`)
			r.fork("work")
			r.exec("main", c.ours...)
			r.exec("work", c.theirs...)
			if err := r.merge("work", "main"); err != nil {
				t.Fatal(err)
			}
			r.sound("main")
			r.want("main", c.query, c.want)
			table := r.text("main", `SELECT name FROM sqlite_schema WHERE type = 'table'`)
			db := r.sql("main")
			defer db.Close()
			column := "cents"
			if name == "column renamed, column added" {
				column = "amount"
			}
			if _, err := db.Exec(`UPDATE ` + table + ` SET ` + column + ` = -1`); err == nil || !strings.Contains(err.Error(), "CHECK") {
				t.Errorf("%v: the CHECK was lost", err)
			}
		})
	}
}

func TestMergedCheckFindsRows(t *testing.T) {
	r := newRuled(t, `CREATE TABLE ages(id INTEGER PRIMARY KEY, age INT)`, `INSERT INTO ages VALUES(1, 30)`)
	r.fork("work")
	r.exec("main", `INSERT INTO ages VALUES(2, -5)`)
	r.exec("work", `ALTER TABLE ages ADD COLUMN born INT DEFAULT 0 CHECK (age >= 0)`)
	err := r.merge("work", "main")
	var broken *vdb.ConstraintError
	if !errors.As(err, &broken) || len(broken.Violations) != 1 || broken.Violations[0].Key[0].Int() != 2 {
		t.Fatalf("%v, want the row that breaks the new CHECK", err)
	}
	r.exec("main", `UPDATE ages SET age = 5 WHERE id = 2`)
	r.commit("main")
	r.want("main", `SELECT * FROM ages`, "1|30|0\n2|5|0")
	r.sound("main")
}

func TestDefinitionsThatCollide(t *testing.T) {
	r := newRuled(t, ordersTable, `INSERT INTO orders VALUES(1, 'a', 10)`)
	r.fork("work")
	r.exec("main", `ALTER TABLE orders DROP COLUMN who`)
	r.exec("work", `ALTER TABLE orders ADD COLUMN loud TEXT AS (upper(who))`)
	err := r.merge("work", "main")
	var conflict *vdb.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 || !strings.Contains(conflict.Conflicts[0].Reason, "who") {
		t.Fatalf("%v, want a conflict of schemas that names the column", err)
	}
	r.sound("main")
	r.want("main", `SELECT * FROM orders`, "1|10")
}

// TestReferencesFollowRenames merges tables of which one side refers to what the other
// has renamed.
func TestReferencesFollowRenames(t *testing.T) {
	r := newRuled(t, `CREATE TABLE parents(id INTEGER PRIMARY KEY, code TEXT UNIQUE)`, `CREATE TABLE children(id INTEGER PRIMARY KEY, p INT REFERENCES parents(id))`,
		`INSERT INTO parents VALUES(1, 'a'), (2, 'b')`)
	r.fork("work")
	r.exec("work", `ALTER TABLE children ADD COLUMN q TEXT REFERENCES parents(code) ON DELETE SET NULL`, `INSERT INTO children VALUES(1, 1, 'b')`,
		`CREATE TABLE others(id INTEGER PRIMARY KEY, p INT REFERENCES parents ON DELETE CASCADE, q TEXT, up INT REFERENCES others, FOREIGN KEY (q) REFERENCES parents(code))`,
		`INSERT INTO others VALUES(1, 1, 'a', NULL), (2, 2, 'b', 1)`)
	r.exec("main", `ALTER TABLE parents RENAME TO elders`, `ALTER TABLE elders RENAME COLUMN code TO sign`)
	if err := r.merge("work", "main"); err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", `SELECT sql FROM sqlite_schema WHERE name = 'others'`,
		`CREATE TABLE others(id INTEGER PRIMARY KEY, p INT REFERENCES "elders" ON DELETE CASCADE, q TEXT, up INT REFERENCES others, FOREIGN KEY (q) REFERENCES "elders"("sign"))`)
	r.want("main", `SELECT group_concat("table" || '.' || coalesce("to", '')) FROM pragma_foreign_key_list('children')`, "elders.sign,elders.id")
	db := sqlite.OpenDB(r.db, "main", &sqlite.Options{Pragmas: []string{"foreign_keys(1)"}})
	defer db.Close()
	if _, err := db.Exec(`DELETE FROM elders WHERE id = 2`); err != nil {
		t.Fatal(err)
	}
	r.want("main", `SELECT (SELECT q IS NULL FROM children), (SELECT group_concat(id) FROM others)`, "1|1")
}
