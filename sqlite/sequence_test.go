package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// Two branches give out different rowids, so that a merge keeps all rows.
func TestAutoincrementAcrossBranches(t *testing.T) {
	open := func(branch, path string) *sql.DB {
		db, err := sql.Open("vdb", "file:"+path+"?branch="+branch)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	path := filepath.Join(t.TempDir(), "x.vdb")
	main := open("main", path)
	exec := func(db *sql.DB, statements ...string) {
		t.Helper()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	want := func(db *sql.DB, query, result string) {
		t.Helper()
		var got string
		if err := db.QueryRow(query).Scan(&got); err != nil || got != result {
			t.Fatalf("%s: %q, %v, want %q", query, got, err, result)
		}
	}
	exec(main, "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, who TEXT)", "INSERT INTO t(who) VALUES('main'), ('main')",
		"SELECT dolt_commit('-Am', 'two rows')", "SELECT dolt_branch('side')")
	side := open("side", path)
	for range 3 {
		exec(main, "INSERT INTO t(who) VALUES('main')")
		exec(side, "INSERT INTO t(who) VALUES('side')")
	}
	want(side, "SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY id)", "1,2,4,6,8")
	want(main, "SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY id)", "1,2,3,5,7")
	want(main, "SELECT seq FROM sqlite_sequence", "8")
	want(main, "PRAGMA integrity_check", "ok")
	exec(side, "SELECT dolt_commit('-am', 'side')")
	exec(main, "SELECT dolt_commit('-am', 'main')", "SELECT dolt_merge('side')")
	want(main, "SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY id)", "1,2,3,4,5,6,7,8")
	exec(main, "DELETE FROM sqlite_sequence", "DELETE FROM t WHERE id > 3", "INSERT INTO t(who) VALUES('again')")
	want(main, "SELECT max(id) FROM t", "4")
	exec(main, "CREATE TABLE other(id INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO other VALUES(100)", "INSERT INTO other DEFAULT VALUES")
	want(main, "SELECT group_concat(name || seq) FROM (SELECT * FROM sqlite_sequence ORDER BY name)", "other101,t4")
	want(main, "PRAGMA integrity_check", "ok")
}

// What ANALYZE found on two branches is no conflict.
func TestStatisticsMerge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	db, err := sql.Open("vdb", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range []string{
		"CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "CREATE INDEX ta ON t(a)", "INSERT INTO t VALUES(1, 1)",
		"ANALYZE", "SELECT dolt_commit('-Am', 'one')", "SELECT dolt_branch('side')",
		"INSERT INTO t VALUES(2, 2), (3, 3)", "ANALYZE", "SELECT dolt_commit('-am', 'main')",
		"SELECT dolt_checkout('side')", "INSERT INTO t VALUES(4, 2)", "ANALYZE", "SELECT dolt_commit('-am', 'side')",
		"SELECT dolt_merge('main')",
	} {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	var rows, statistics int
	if err := db.QueryRow("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM sqlite_stat1)").Scan(&rows, &statistics); err != nil || rows != 4 || statistics != 1 {
		t.Fatal(rows, statistics, err)
	}
	if _, err := db.Exec("CREATE VIEW v AS SELECT * FROM t AS OF 'HEAD~'"); err == nil {
		t.Fatal("a view of the past")
	}
}
