package sqlite

import (
	"errors"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestDifferentialFound runs what once made a difference.
func TestDifferentialFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		cache int
		steps []step
	}{
		{"a row of defaults alone", 0, []step{both("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"), both("INSERT INTO t DEFAULT VALUES"), typed}},
		{"an entry of small letters in an index without case", 0, []step{
			both("CREATE TABLE t(a TEXT, b)"), both("CREATE INDEX i ON t(a COLLATE NOCASE, b)"), both("INSERT INTO t VALUES ('abc', 1), ('ABC', 2)"), typed,
		}},
		{"VACUUM in a transaction", 0, []step{both("BEGIN"), both("VACUUM"), both("COMMIT"), both("VACUUM")}},
		{"indexes of a table that is sorted downwards", 0, []step{
			both("CREATE TABLE t(k TEXT PRIMARY KEY DESC, a UNIQUE, b) WITHOUT ROWID"), both("CREATE INDEX i ON t(b)"),
			both("INSERT INTO t VALUES ('x', 1, 1), ('y', 2, 1), ('z', 3, NULL), ('w', NULL, NULL), ('v', NULL, 1)"), typed,
			both("DELETE FROM t WHERE k = 'y'"), both("SELECT k FROM t WHERE b = 1"), typed, both("CREATE INDEX j ON t(a)"),
		}},
		{"a constraint on a virtual column", 0, []step{
			both("CREATE TABLE t(a INTEGER PRIMARY KEY, b, c AS (b || 'x'), UNIQUE(b, c DESC))"), both("INSERT INTO t(b) VALUES (1), (2)"),
			both("INSERT INTO t(b) VALUES (1)"), typed, both("INSERT OR REPLACE INTO t(b) VALUES (1)"),
		}},
		{"a foreign key of a virtual column", 0, []step{
			both("CREATE TABLE t(a INTEGER PRIMARY KEY, c AS (a - 1) REFERENCES t)"), both("PRAGMA foreign_keys = 1"),
			both("INSERT INTO t VALUES (1)"), both("PRAGMA foreign_keys = 0"), both("INSERT INTO t VALUES (1)"), typed,
		}},
		{"REALs that SQLite stores as integers or not", 0, []step{
			both("CREATE TABLE t(a REAL CHECK(a <> 13), b REAL, c)"), both("CREATE INDEX i ON t(a)"), both("CREATE INDEX j ON t(b, a)"),
			both("INSERT INTO t VALUES (1, 2, 3), (1.5, 2.5, 3.0), (9007199254740992, 9e15, 1e300), (1e18, 140737488355328, 1), (-0.0, 0, -0.0)"),
			typed, both("UPDATE t SET b = a, a = b WHERE c = 3"),
		}},
		{"an integral REAL between the pages of an index", 0, []step{
			both("CREATE TABLE t(c)"), both("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000) INSERT INTO t SELECT n * 1.0 FROM s"),
			both("CREATE INDEX i ON t(c, c)"),
			{ours: "SELECT sum(length(c)) FROM t INDEXED BY i WHERE c > 0", plain: "SELECT sum(length(c)) FROM t INDEXED BY i WHERE c > 0", query: true},
		}},
		{"a key that is the default", 0, []step{
			both("CREATE TABLE t(a DEFAULT 4, b NOT NULL, PRIMARY KEY(b, a)) WITHOUT ROWID"), both("INSERT INTO t VALUES (4, 1), (3, 1), (4, 2), (5, 2)"), typed,
			both("SELECT 1"), both("UPDATE t SET a = 9 WHERE a <> 3"),
		}},
		{"a page that was taken and given back in one transaction", 9, []step{
			both("CREATE VIRTUAL TABLE f USING fts5(a, b)"), both("INSERT INTO f VALUES ('" + strings.Repeat("p191 ", 62) + "', 'word')"),
			both("INSERT INTO f VALUES ('" + strings.Repeat("f46 ", 18351) + "', 'word')"), both("INSERT INTO f(f) VALUES ('optimize')"),
			both("CREATE TABLE t(a BLOB NOT NULL UNIQUE, b INT COLLATE NOCASE CHECK(b <> 13), c INTEGER NOT NULL DEFAULT (abs(-5))) STRICT"),
		}},
		{"a schema that is in the end what it was", 0, []step{
			both("CREATE TABLE t(a INTEGER NOT NULL)"), both("INSERT INTO t VALUES (1), (2), (3)"),
			both("BEGIN"), both("CREATE TABLE u(b)"), both("DROP TABLE u"), both("UPDATE t SET a = 21 WHERE a = 3"), both("COMMIT"),
			both("UPDATE t SET a = 7 WHERE a = 2"), typed, both("CREATE TABLE v(b)"),
		}},
		{"rows of a statement that fails when it commits", 0, []step{
			both("PRAGMA foreign_keys = 1"), both("CREATE TABLE t(a INTEGER PRIMARY KEY, b REFERENCES t DEFERRABLE INITIALLY DEFERRED)"),
			{ours: "INSERT INTO t VALUES (1, 2) RETURNING a", plain: "INSERT INTO t VALUES (1, 2) RETURNING a", query: true},
			both("INSERT INTO t VALUES (1, 1)"), typed,
		}},
		{"a NUL in a key without case that is sorted downwards", 0, []step{
			both("CREATE TABLE t(a TEXT COLLATE NOCASE, b UNIQUE, PRIMARY KEY(a DESC)) WITHOUT ROWID"),
			both("INSERT INTO t VALUES (?, 1), ('aB', 2)", "a\x00b"), typed,
		}},
		{"a default that looks like a number in a STRICT table's column of any type", 0, []step{
			both("CREATE TABLE t(a INTEGER PRIMARY KEY, b ANY) STRICT"), both("INSERT INTO t DEFAULT VALUES"), both("ALTER TABLE t ADD COLUMN c ANY DEFAULT '7'"), typed,
			both("INSERT INTO t(c) VALUES ('7'), (7), ('8')"), both("CREATE INDEX i ON t(c)"), typed,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := replay(t, c.cache, c.steps); err != nil {
				t.Error(err)
			}
		})
	}
}

// What SQL writes has the hash that it has if the typed API writes it.
func TestTypedTwin(t *testing.T) {
	w, err := newTwins(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	main, err := w.vdb.Branch(t.Context(), vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	schema := vdb.Schema{
		Name:       "x",
		Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "r", Type: "REAL"}, {Name: "s", Type: "TEXT", Collation: "NOCASE"}, {Name: "v"}},
		PrimaryKey: []string{"id"},
		Indexes:    []vdb.Index{{Name: "xr", Columns: []vdb.IndexColumn{{Name: "r"}}}, {Name: "xsv", Columns: []vdb.IndexColumn{{Name: "s", Desc: true}, {Name: "v"}}}},
	}
	rows := []vdb.Row{
		{vdb.Int(1), vdb.Float(1), vdb.Text("abc"), vdb.Int(5)},
		{vdb.Int(2), vdb.Float(1.5), vdb.Text("ABC"), vdb.Float(5)},
		{vdb.Int(3), vdb.Float(1 << 50), vdb.Text(strings.Repeat("long", 500)), vdb.Null()},
		{vdb.Int(4), vdb.Null(), vdb.Null(), vdb.Null()},
	}
	create := func(name string) error {
		return main.Update(t.Context(), func(tx *vdb.Tx) error {
			s := schema.Clone()
			s.Name = name
			return tx.CreateTable(*s)
		})
	}
	put := func(tx *vdb.Tx) error {
		for _, r := range rows {
			if err := tx.Put("x", r); err != nil {
				return err
			}
		}
		return nil
	}
	if err := errors.Join(create("x"), main.Update(t.Context(), put)); err != nil {
		t.Fatal(err)
	}
	typed := hashOfX(t, w)
	if err := w.ours.exec("DELETE FROM x", "INSERT INTO x SELECT 1, 1, 'abc', 5 UNION ALL SELECT 2, 1.5, 'ABC', 5.0 UNION ALL SELECT 3, 1 << 50, replace(hex(zeroblob(500)), '00', 'long'), NULL",
		"INSERT INTO x DEFAULT VALUES"); err != nil {
		t.Fatal(err)
	}
	if sql := hashOfX(t, w); sql != typed {
		t.Errorf("by SQL %s, typed %s", sql, typed)
	}
}

func hashOfX(t *testing.T, w *twins) vdb.Hash {
	t.Helper()
	s, err := w.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.TableHash("x")
	if err != nil {
		t.Fatal(err)
	}
	return h
}
