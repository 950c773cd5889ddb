package sqlite

import "testing"

// Trees that are edited at once are those that many small transactions make.
func TestManyEditsAtOnce(t *testing.T) {
	const table = "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL)"
	indexes := []string{"CREATE INDEX by_a ON t(a)", "CREATE UNIQUE INDEX by_b ON t(b)", "CREATE INDEX by_c ON t(c DESC, a) WHERE a > 10"}
	numbers := func(from, to string) string {
		return "WITH RECURSIVE n(i) AS (SELECT " + from + " UNION ALL SELECT i + 1 FROM n WHERE i < " + to + ") "
	}
	const row = "i, i * 7919 % 1000, 'text ' || (i * 31 % 12007), i * 0.5 FROM n"
	at := newConsole(t)
	at.run(table)
	at.run(indexes...)
	at.run(numbers("1", "12000")+"INSERT INTO t SELECT "+row,
		"BEGIN", "UPDATE t SET a = a * 3 % 1009 WHERE id % 7 = 0", "DELETE FROM t WHERE id % 11 = 3",
		numbers("12001", "12600")+"INSERT INTO t SELECT i, 5, 'more ' || i, NULL FROM n", "COMMIT")

	slow := newConsole(t)
	slow.run(table)
	for from := 12_550; from >= 0; from -= 50 {
		if from < 12_000 {
			slow.bind(numbers("?1 + 1", "min(?1 + 50, 12000)")+"INSERT INTO t SELECT "+row, from)
		} else {
			slow.bind(numbers("?1 + 1", "min(?1 + 50, 12600)")+"INSERT INTO t SELECT i, 5, 'more ' || i, NULL FROM n", from)
		}
		slow.bind("UPDATE t SET a = a * 3 % 1009 WHERE id % 7 = 0 AND id BETWEEN ?1 + 1 AND ?1 + 50 AND id <= 12000", from)
		slow.bind("DELETE FROM t WHERE id % 11 = 3 AND id BETWEEN ?1 + 1 AND ?1 + 50 AND id <= 12000", from)
	}
	slow.run(indexes...)
	for _, q := range []string{"SELECT count(*) || '|' || sum(a) FROM t", "SELECT dolt_hashof_db()"} {
		want, err := slow.rows(q)
		if err != nil || want == "" {
			t.Fatal(want, err)
		}
		at.want(want, q)
	}
	at.want("ok", "PRAGMA integrity_check")
}

// bind runs a statement with an argument.
func (c *console) bind(query string, args ...any) {
	c.t.Helper()
	if _, err := c.conn.ExecContext(c.t.Context(), query, args...); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
}
