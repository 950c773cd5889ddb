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
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := replay(t, c.cache, append(c.steps, reopen)); err != nil {
				t.Error(err)
			}
		})
	}
}
