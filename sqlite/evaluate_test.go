package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// ruled is a database that SQL and the typed API write in turn.
type ruled struct {
	t  *testing.T
	db *vdb.DB
}

func newRuled(t *testing.T, statements ...string) *ruled {
	t.Helper()
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r := &ruled{t: t, db: db}
	r.exec(vdb.MainBranch, statements...)
	r.commit(vdb.MainBranch)
	return r
}

// sql opens a branch.
func (r *ruled) sql(branch string) *sql.DB { return sqlite.OpenDB(r.db, branch) }

func (r *ruled) exec(branch string, statements ...string) {
	r.t.Helper()
	db := r.sql(branch)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(r.t.Context(), s); err != nil {
			r.t.Fatalf("%s: %v", s, err)
		}
	}
}

// text returns all that a query yields, as one text.
func (r *ruled) text(branch, query string) string {
	r.t.Helper()
	db := r.sql(branch)
	defer db.Close()
	rows, err := db.QueryContext(r.t.Context(), query)
	if err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		r.t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		vals := make([]any, len(columns))
		for i := range vals {
			vals[i] = new(sql.NullString)
		}
		if err := rows.Scan(vals...); err != nil {
			r.t.Fatal(err)
		}
		var fields []string
		for _, v := range vals {
			fields = append(fields, v.(*sql.NullString).String)
		}
		lines = append(lines, strings.Join(fields, "|"))
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func (r *ruled) want(branch, query, want string) {
	r.t.Helper()
	if got := r.text(branch, query); got != want {
		r.t.Fatalf("%s on %s:\n%s\nwant\n%s", query, branch, got, want)
	}
}

// sound fails unless SQLite finds every index of a branch as its table has it.
func (r *ruled) sound(branch string) {
	r.t.Helper()
	r.want(branch, "PRAGMA integrity_check", "ok")
}

func (r *ruled) branch(name string) *vdb.Branch {
	r.t.Helper()
	b, err := r.db.Branch(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *ruled) fork(name string) {
	r.t.Helper()
	r.exec(vdb.MainBranch, "SELECT dolt_branch('"+name+"')")
}

func (r *ruled) commit(branch string) {
	r.t.Helper()
	if _, err := r.branch(branch).Commit(r.t.Context(), vdb.Message{Author: "Billing <billing@shop.example>", Text: "work"}); err != nil && !errors.Is(err, vdb.ErrNothingToCommit) {
		r.t.Fatal(err)
	}
}

func (r *ruled) update(branch string, fn func(tx *vdb.Tx) error) error {
	return r.branch(branch).Update(r.t.Context(), fn)
}

func (r *ruled) merge(from, to string) error {
	r.commit(from)
	r.commit(to)
	_, err := r.branch(to).Merge(r.t.Context(), from, nil)
	return err
}

const pricesTable = `CREATE TABLE prices(
	id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER CHECK (cents >= 0), rate REAL,
	gross INTEGER AS (cents + cents / 5) STORED, label TEXT AS (upper(name)) VIRTUAL,
	CONSTRAINT named CHECK (name <> ''))`

func price(id int64, name string, cents int64) vdb.Row {
	return vdb.Row{vdb.Int(id), vdb.Text(name), vdb.Int(cents), vdb.Float(float64(cents) / 4), vdb.Null()}
}

func TestTypedWritesHaveWhatSQLComputes(t *testing.T) {
	r := newRuled(t, pricesTable, `CREATE INDEX by_label ON prices(label, cents)`,
		`CREATE INDEX dear ON prices(rate, gross) WHERE cents > 100`, `CREATE UNIQUE INDEX once ON prices(lower(name))`)
	err := r.update("main", func(tx *vdb.Tx) error {
		for i := range int64(50) {
			if err := tx.Insert("prices", price(i, fmt.Sprint("Item ", i), i*10)); err != nil {
				return err
			}
		}
		row, err := tx.Get("prices", 30)
		if err == nil && row[4].Int() != 360 {
			err = fmt.Errorf("gross is %s before the commit", row[4])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", `SELECT id, gross, label FROM prices INDEXED BY by_label WHERE label = 'ITEM 7'`, "7|84|ITEM 7")
	r.want("main", `SELECT count(*), sum(gross) FROM prices INDEXED BY dear WHERE cents > 100 AND rate > 0`, "39|14040")
	err = r.update("main", func(tx *vdb.Tx) error {
		if err := tx.Delete("prices", 7); err != nil {
			return err
		}
		return tx.Update("prices", price(8, "Eight", 1000))
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", `SELECT id, gross FROM prices INDEXED BY once WHERE lower(name) = 'eight'`, "8|1200")
}

func TestTypedWritesObeyChecks(t *testing.T) {
	r := newRuled(t, pricesTable, `CREATE UNIQUE INDEX once ON prices(lower(name))`, `CREATE TABLE strict(a INTEGER PRIMARY KEY, b INT) STRICT`,
		`INSERT INTO prices(id, name, cents) VALUES(1, 'one', 1)`)
	for _, c := range []struct{ row, want string }{
		{"cents", "CHECK cents >= 0 of table prices, row (9)"},
		{"name", "CHECK named of table prices, row (9)"},
		{"twin", "UNIQUE index once of table prices, row (9)"},
		{"type", "CHECK cannot store TEXT value in INT column strict.b of table strict, row (9)"},
	} {
		err := r.update("main", func(tx *vdb.Tx) error {
			switch c.row {
			case "cents":
				return tx.Insert("prices", price(9, "nine", -9))
			case "name":
				return tx.Insert("prices", price(9, "", 9))
			case "twin":
				return tx.Insert("prices", price(9, "ONE", 9))
			}
			return tx.Insert("strict", vdb.Row{vdb.Int(9), vdb.Text("nine")})
		})
		if !errors.Is(err, vdb.ErrConstraint) || !strings.Contains(err.Error(), c.want) && c.row != "twin" {
			t.Errorf("%s: %v; want %s", c.row, err, c.want)
		}
	}
	r.want("main", `SELECT count(*) FROM prices`, "1")
}

func TestTypedWritesFireTriggers(t *testing.T) {
	r := newRuled(t, `CREATE TABLE t(id INTEGER PRIMARY KEY)`, `CREATE TABLE journal(id INTEGER)`,
		`CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO journal VALUES(new.id); END`)
	err := r.update("main", func(tx *vdb.Tx) error { return tx.Put("t", vdb.Row{vdb.Int(1)}) })
	if err != nil {
		t.Fatal(err)
	}
	r.fork("work")
	r.exec("work", `INSERT INTO t VALUES(2)`)
	r.exec("main", `INSERT INTO t VALUES(3)`)
	if err := r.merge("work", "main"); err != nil {
		t.Fatal(err)
	}
	r.want("main", `SELECT group_concat(id) FROM (SELECT id FROM journal ORDER BY id)`, "1,2,3")
}

func TestMergesReportChecks(t *testing.T) {
	r := newRuled(t, `CREATE TABLE spans(id INTEGER PRIMARY KEY, low INT, high INT, CHECK (low <= high))`,
		`INSERT INTO spans VALUES(1, 10, 20), (2, 10, 20)`)
	r.fork("wide")
	r.exec("wide", `UPDATE spans SET high = 12 WHERE id = 1`)
	r.exec("main", `UPDATE spans SET low = 15`)
	err := r.merge("wide", "main")
	var broken *vdb.ConstraintError
	if !errors.As(err, &broken) || len(broken.Violations) != 1 {
		t.Fatalf("%v, want one violation", err)
	}
	v := broken.Violations[0]
	if v.Kind != vdb.ViolatesCheck || v.Other != "low <= high" || v.Key[0].Int() != 1 {
		t.Errorf("%+v", v)
	}
	r.want("main", `SELECT violation_type, id FROM dolt_constraint_violations_spans`, "check constraint|1")
}

func TestMergesComputeGeneratedColumns(t *testing.T) {
	r := newRuled(t, `CREATE TABLE boxes(id INTEGER PRIMARY KEY, w INT, h INT, area INT AS (w * h) STORED)`,
		`CREATE INDEX by_area ON boxes(area)`, `CREATE INDEX by_half ON boxes(area / 2)`,
		`INSERT INTO boxes(id, w, h) VALUES(1, 2, 3), (2, 4, 5)`)
	r.fork("tall")
	r.exec("tall", `UPDATE boxes SET h = 10`)
	r.exec("main", `UPDATE boxes SET w = 10 WHERE id = 1`)
	if err := r.merge("tall", "main"); err != nil {
		t.Fatal(err)
	}
	r.want("main", `SELECT id, w, h, area FROM boxes`, "1|10|10|100\n2|4|10|40")
	r.want("main", `SELECT id FROM boxes INDEXED BY by_half WHERE area / 2 = 50`, "1")
	r.sound("main")
}

// TestIndexesOfExpressionsFollow makes random changes, by SQL and the typed API, on
// two branches, merges them, and has SQLite check every index.
func TestIndexesOfExpressionsFollow(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for _, table := range []string{
		`CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b TEXT COLLATE NOCASE, c REAL, v AS (a || b), s AS (c * 2) STORED)`,
		`CREATE TABLE t(id TEXT PRIMARY KEY, a INT, b TEXT COLLATE NOCASE, c REAL, v AS (a || b), s REAL AS (c * 2) STORED, UNIQUE (id, v)) WITHOUT ROWID`,
		`CREATE TABLE t(id INT, a INT, b TEXT, c REAL, v REAL AS (c + a), s AS (length(b)) STORED)`,
	} {
		r := newRuled(t, table, `CREATE INDEX x ON t(a + 1, b COLLATE RTRIM DESC)`, `CREATE INDEX p ON t(c) WHERE a % 2`,
			`CREATE INDEX q ON t(v, s)`, `CREATE INDEX z ON t(b, c)`, `CREATE TABLE other(id INTEGER PRIMARY KEY)`)
		for round := range 4 {
			work := fmt.Sprint("work", round)
			r.fork(work)
			for _, branch := range []string{work, "main"} {
				r.change(random, branch)
				r.sound(branch)
			}
			r.commit(work)
			r.commit("main")
			if _, err := r.branch("main").Merge(t.Context(), work, &vdb.MergeOptions{Take: vdb.Theirs}); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
			r.sound("main")
			r.want("main", `SELECT count(*) FROM t INDEXED BY p WHERE a % 2`, r.text("main", `SELECT count(*) FROM t NOT INDEXED WHERE a % 2`))
		}
	}
}

// change writes a few rows of table t.
func (r *ruled) change(random *rand.Rand, branch string) {
	r.t.Helper()
	row := func() vdb.Row {
		id := vdb.Int(random.Int64N(20))
		b := vdb.Text(strings.Repeat("bC ", random.IntN(3)))
		return vdb.Row{id, vdb.Int(random.Int64N(9)), b, vdb.Float(float64(random.IntN(8)) / 2), vdb.Null()}
	}
	err := r.update(branch, func(tx *vdb.Tx) error {
		for range 12 {
			if err := tx.Put("t", row()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.exec(branch, fmt.Sprintf(`UPDATE t SET a = a + 1 WHERE id %% 3 = %d`, random.IntN(3)),
		fmt.Sprintf(`DELETE FROM t WHERE id %% 7 = %d`, random.IntN(7)))
}
