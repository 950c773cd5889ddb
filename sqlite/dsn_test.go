package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	engine "modernc.org/sqlite"
)

// openSQL opens a data source name, for one connection.
func openSQL(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("vdb", dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestBranchInPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	main := openSQL(t, "file:"+path+"/main")
	for _, s := range []string{"CREATE TABLE t(id INTEGER PRIMARY KEY)", "SELECT dolt_commit('-Am', 't')", "SELECT dolt_branch('a/b')"} {
		if _, err := main.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	side := openSQL(t, path+"/a/b")
	if _, err := side.Exec("INSERT INTO t VALUES(1)"); err != nil {
		t.Fatal(err)
	}
	var branch string
	var rows, here int
	if err := side.QueryRow("SELECT active_branch(), (SELECT count(*) FROM t)").Scan(&branch, &rows); err != nil || branch != "a/b" || rows != 1 {
		t.Fatal(branch, rows, err)
	}
	if err := main.QueryRow("SELECT count(*) FROM t").Scan(&here); err != nil || here != 0 {
		t.Fatal(here, err)
	}
	_, err := sql.Open("vdb", "file:"+path+"/main?branch=other")
	if err == nil || !strings.Contains(err.Error(), "one branch") {
		t.Fatal(err)
	}
}

// A read-only name holds where the process has the database open for writing.
func TestReadOnlyBesideWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	writer := openSQL(t, "file:"+path)
	if _, err := writer.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)"); err != nil {
		t.Fatal(err)
	}
	reader := openSQL(t, "file:"+path+"?mode=ro")
	for _, s := range []string{"DELETE FROM t", "SELECT dolt_commit('-Am', 'x')", "SELECT dolt_reset('--hard')"} {
		if _, err := reader.Exec(s); !errors.Is(err, vdb.ErrReadOnly) && !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s: %v", s, err)
		}
	}
	var n int
	if err := reader.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
}

func TestAsOfTime(t *testing.T) {
	db := openSQL(t, "file:"+filepath.Join(t.TempDir(), "x.vdb"))
	for _, s := range []string{"CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES(1)", "SELECT dolt_commit('-Am', 'one', '--date', '2026-01-01T00:00:00Z')",
		"INSERT INTO t VALUES(2)", "SELECT dolt_commit('-am', 'two', '--date', '2026-02-01T00:00:00Z')"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	now := time.Now().Add(time.Hour).UTC()
	for _, q := range []struct {
		query string
		args  []any
	}{
		{"SELECT count(*) FROM t AS OF TIMESTAMP '" + now.Format(time.DateTime) + "'", nil},
		{"SELECT count(*) FROM t AS OF '" + now.Format(time.RFC3339) + "'", nil},
		{"SELECT count(*) FROM t AS OF ?", []any{now}},
		{"SELECT count(*) FROM t AS OF TIMESTAMP ?", []any{now.Format(time.DateTime)}},
	} {
		var n int
		if err := db.QueryRow(q.query, q.args...).Scan(&n); err != nil || n != 2 {
			t.Errorf("%s: %d, %v", q.query, n, err)
		}
	}
	if _, err := db.Exec("SELECT * FROM t AS OF TIMESTAMP 'yesterday'"); err == nil || !strings.Contains(err.Error(), "is no time") {
		t.Error(err)
	}
}

func TestLongKey(t *testing.T) {
	db := openSQL(t, "file:"+filepath.Join(t.TempDir(), "x.vdb"))
	if _, err := db.Exec("CREATE TABLE t(k TEXT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	_, err := db.Exec("INSERT INTO t VALUES(?)", strings.Repeat("x", 40_000))
	var e *engine.Error
	if !errors.As(err, &e) || e.Code() != 18 || !errors.Is(err, vdb.ErrInvalid) {
		t.Fatal(err)
	}
}
