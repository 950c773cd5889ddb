package sqlite_test

import (
	"strings"
	"testing"
)

// TestTransactionIsSeen has system tables and functions show what the open transaction
// has written, and nothing of it after a ROLLBACK.
func TestTransactionIsSeen(t *testing.T) {
	a := newApp(t)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')", "SELECT dolt_commit('-Am', 'one')")
	conn := a.on("main")
	conn.SetMaxOpenConns(1)
	conn.run("BEGIN", "UPDATE t SET v = 'A' WHERE id = 1", "CREATE TABLE u(id INTEGER PRIMARY KEY)", "INSERT INTO u VALUES (7)")
	var seen []string
	for _, query := range []string{"SELECT table_name, status FROM dolt_status ORDER BY 1", "SELECT to_v, from_v FROM dolt_diff_t WHERE to_commit = 'WORKING'",
		"SELECT to_id FROM dolt_workspace_u", "SELECT table_name FROM dolt_diff WHERE commit_hash = 'WORKING' ORDER BY 1",
		"SELECT table_name, rows_added, rows_modified FROM dolt_diff_stat('HEAD', 'WORKING') ORDER BY 1", "SELECT dirty FROM dolt_branches"} {
		seen = append(seen, strings.Fields(conn.rows(query))...)
	}
	if got, want := strings.Join(seen, " "), "t|modified u|new table A|a 7 t u t|0|1 u|1|0 1"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	conn.run("DELETE FROM u")
	conn.want("", "SELECT to_id FROM dolt_workspace_u")
	conn.want("", "SELECT table_name FROM dolt_status WHERE table_name = 'x'")
	inside := conn.rows("SELECT dolt_hashof_db() || dolt_hashof_table('t')")
	conn.run("SAVEPOINT s", "INSERT INTO t VALUES (3, 'c')")
	conn.want("3", "SELECT to_id FROM dolt_diff_t('HEAD', 'WORKING') WHERE diff_type = 'added'")
	conn.run("ROLLBACK TO s")
	conn.want(inside, "SELECT dolt_hashof_db() || dolt_hashof_table('t')")
	a.want("", "SELECT table_name FROM dolt_status") // nobody else sees it
	conn.run("COMMIT")
	a.want(inside, "SELECT dolt_hashof_db() || dolt_hashof_table('t')")
	conn.run("BEGIN", "DELETE FROM t")
	conn.want("2", "SELECT count(*) FROM dolt_diff_t WHERE to_commit = 'WORKING' AND diff_type = 'removed'")
	conn.run("ROLLBACK")
	conn.want("0", "SELECT count(*) FROM dolt_diff_t WHERE to_commit = 'WORKING' AND diff_type = 'removed'")
	conn.want("ok", "PRAGMA integrity_check")
}

// TestTransactionIsSeenBesideOpenRows has cursors on pages that the transaction has
// written, and changes of the schema.
func TestTransactionIsSeenBesideOpenRows(t *testing.T) {
	a := newApp(t)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)", "CREATE INDEX i ON t(v)",
		"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) INSERT INTO t SELECT n, 'row ' || n FROM s", "SELECT dolt_commit('-Am', 'rows')")
	tx, err := a.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var found, inside int
	var hash string
	for _, s := range []string{"UPDATE t SET v = v || '!' WHERE id % 50 = 0", "CREATE TABLE u(id INTEGER PRIMARY KEY)", "ALTER TABLE t ADD COLUMN w"} {
		if _, err := tx.Exec(s); err != nil {
			t.Fatal(s, err)
		}
	}
	rows, err := tx.Query("SELECT id FROM t ORDER BY v")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() && found < 2000 {
		if found++; found%500 != 1 {
			continue
		}
		if err := tx.QueryRow("SELECT count(*), dolt_hashof_db() FROM dolt_diff_t WHERE to_commit = 'WORKING'").Scan(&inside, &hash); err != nil || inside != 100 {
			t.Fatal(inside, err)
		}
		if err := tx.QueryRow("SELECT count(*) FROM t JOIN dolt_diff_t d ON d.to_id = t.id WHERE to_commit = 'WORKING' AND t.v LIKE '%!'").Scan(&inside); err != nil || inside != 100 {
			t.Fatal(inside, err)
		}
	}
	rows.Close()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	a.want(hash, "SELECT dolt_hashof_db()")
	a.want("ok", "PRAGMA integrity_check")
}

// TestTransactionThatCannotBeSeen has a transaction that could not be committed as it is.
func TestTransactionThatCannotBeSeen(t *testing.T) {
	a := newApp(t)
	a.SetMaxOpenConns(1)
	a.run("PRAGMA foreign_keys = 1", "CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t DEFERRABLE INITIALLY DEFERRED)", "SELECT dolt_commit('-Am', 'table')",
		"BEGIN", "INSERT INTO t VALUES (1, 2)")
	a.want("0.0.0-dev", "SELECT CASE WHEN dolt_version() <> '' THEN '0.0.0-dev' END") // does not look
	a.fails("FOREIGN KEY", "SELECT * FROM dolt_status")
	a.run("INSERT INTO t VALUES (2, NULL)")
	a.want("t|0|modified", "SELECT * FROM dolt_status")
	a.run("COMMIT")
	a.want("2", "SELECT count(*) FROM t")
}

// TestWritesApart has writes to what is staged commit the transaction that is open, as
// verbs do, and open another one after.
func TestWritesApart(t *testing.T) {
	a := newApp(t)
	a.SetMaxOpenConns(1)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 'a')", "SELECT dolt_commit('-Am', 'one')", "BEGIN", "UPDATE t SET v = 'c'")
	a.run("UPDATE dolt_workspace_t SET staged = 1")
	a.want("1|c", "SELECT staged, to_v FROM dolt_workspace_t")
	a.run("UPDATE t SET v = 'd'", "ROLLBACK")
	a.want("1|c", "SELECT staged, to_v FROM dolt_workspace_t")
	a.run("BEGIN", "UPDATE t SET v = 'd'", "DELETE FROM dolt_workspace_t WHERE NOT staged")
	a.want("c", "SELECT v FROM t")
	a.run("COMMIT")
	a.fails("cannot commit - no transaction", "COMMIT")
}
