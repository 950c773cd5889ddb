package sqlite

import "testing"

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
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := replay(t, c.cache, append(c.steps, reopen)); err != nil {
				t.Error(err)
			}
		})
	}
}
