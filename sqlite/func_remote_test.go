package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// openBox opens a database by its path, with one connection.
func openBox(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("vdb", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func queryBox(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var v any
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprint(v)
}

// Two boxes in SQL: clone, push, a rejected push, pull.
func TestRemotesInSQL(t *testing.T) {
	dir := t.TempDir()
	here := openBox(t, filepath.Join(dir, "here.vdb"))
	for _, stmt := range []string{
		"CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT)",
		"INSERT INTO customers VALUES (1, 'nope'), (2, 'acme')",
	} {
		if _, err := here.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	queryBox(t, here, "SELECT dolt_commit('-Am', 'two customers')")
	queryBox(t, here, "SELECT dolt_clone(?, 'there.vdb')", filepath.Join(dir, "here.vdb"))
	there := openBox(t, filepath.Join(dir, "there.vdb"))
	if got := queryBox(t, there, "SELECT group_concat(name) FROM customers"); got != "nope,acme" {
		t.Errorf("the clone has %s", got)
	}
	commit := func(db *sql.DB, insert string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
		queryBox(t, db, "SELECT dolt_commit('-Am', 'a row')")
	}
	commit(there, "INSERT INTO customers VALUES (3, 'umbrella')")
	queryBox(t, there, "SELECT dolt_push('origin', 'main')")
	commit(here, "INSERT INTO customers VALUES (4, 'initech')")
	commit(there, "INSERT INTO customers VALUES (5, 'hooli')")
	var v any
	err := there.QueryRowContext(t.Context(), "SELECT dolt_push()").Scan(&v)
	if err == nil || !strings.Contains(err.Error(), "not a fast-forward") {
		t.Errorf("push gave %v", err)
	}
	queryBox(t, there, "SELECT dolt_pull('origin')")
	queryBox(t, there, "SELECT dolt_push()")
	for _, db := range []*sql.DB{here, there} {
		if got := queryBox(t, db, "SELECT group_concat(id) FROM customers"); got != "1,2,3,4,5" {
			t.Errorf("it has %s", got)
		}
	}
	if got := queryBox(t, there, "SELECT dolt_pull()"); got != "Already up to date" {
		t.Errorf("a pull of nothing gave %s", got)
	}
	want := "remotes/origin/main " + queryBox(t, here, "SELECT dolt_hashof('main')")
	if got := queryBox(t, there, "SELECT name || ' ' || hash FROM dolt_remote_branches"); got != want {
		t.Errorf("remote branches: %s, not %s", got, want)
	}
	if got := queryBox(t, there, "SELECT name || ' ' || url FROM dolt_remotes"); got != "origin "+filepath.Join(dir, "here.vdb") {
		t.Errorf("remotes: %s", got)
	}
	queryBox(t, there, "SELECT dolt_remote('add', 'backup', 'https://u:secret@example.org/x')")
	if got := queryBox(t, there, "SELECT group_concat(url) FROM dolt_remotes WHERE name = 'backup'"); got != "https://example.org/x" {
		t.Errorf("URL %s", got)
	}
	queryBox(t, there, "SELECT dolt_remote('remove', 'backup')")
	queryBox(t, there, "SELECT dolt_fetch('--prune')")
	if got := queryBox(t, there, "SELECT count(*) FROM customers AS OF 'origin/main'"); got != "5" {
		t.Errorf("AS OF origin/main has %s rows", got)
	}
}

// Backups in SQL: of what is not committed, too; by name and by URL, and back.
func TestBackupsInSQL(t *testing.T) {
	dir := t.TempDir()
	here := openBox(t, filepath.Join(dir, "here.vdb"))
	for _, stmt := range []string{
		"CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT)",
		"INSERT INTO customers VALUES (1, 'nope')",
		"SELECT dolt_commit('-Am', 'a customer')",
		"INSERT INTO customers VALUES (2, 'acme')",
	} {
		if _, err := here.ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	queryBox(t, here, "SELECT dolt_backup('add', 'nightly', ?)", "file://"+filepath.ToSlash(filepath.Join(dir, "nightly")))
	queryBox(t, here, "SELECT dolt_backup('sync', 'nightly')")
	queryBox(t, here, "SELECT dolt_backup('restore', ?, 'there.vdb')", filepath.Join(dir, "nightly"))
	there := openBox(t, filepath.Join(dir, "there.vdb"))
	if got := queryBox(t, there, "SELECT group_concat(name) FROM customers"); got != "nope,acme" {
		t.Errorf("the restored database has %s", got)
	}
	if got := queryBox(t, there, "SELECT count(*) FROM customers AS OF 'HEAD'"); got != "1" {
		t.Errorf("its head has %s customers", got)
	}

	if _, err := here.ExecContext(t.Context(), "INSERT INTO customers VALUES (3, 'hooli')"); err != nil {
		t.Fatal(err)
	}
	queryBox(t, here, "SELECT dolt_backup('sync-url', ?)", filepath.Join(dir, "other"))
	queryBox(t, here, "SELECT dolt_backup('restore', ?, ?)", filepath.Join(dir, "other"), filepath.Join(dir, "third.vdb"))
	if got := queryBox(t, openBox(t, filepath.Join(dir, "third.vdb")), "SELECT group_concat(id) FROM customers"); got != "1,2,3" {
		t.Errorf("the second restored database has %s", got)
	}

	queryBox(t, here, "SELECT dolt_backup('add', 'secret', 'https://u:secret@example.org/x')")
	if got := queryBox(t, here, "SELECT group_concat(name || ' ' || url) FROM dolt_backups WHERE name > 'o'"); got != "secret https://example.org/x" {
		t.Errorf("backups: %s", got)
	}
	queryBox(t, here, "CALL dolt_backup('rm', 'secret')")
	queryBox(t, here, "SELECT dolt_backup('remove', 'nightly')")
	if got := queryBox(t, here, "SELECT count(*) FROM dolt_backups"); got != "0" {
		t.Errorf("%s backups are left", got)
	}
	for query, want := range map[string]string{
		"SELECT dolt_backup('sync', 'nightly')":                                            "add it first",
		"SELECT dolt_backup('remove', 'nightly')":                                          "add it first",
		"SELECT dolt_backup('add', 'x')":                                                   "sync-url",
		"SELECT dolt_backup('sync', 'x', 'y')":                                             "sync-url",
		"SELECT dolt_backup('add', 'x', '://')":                                            "not the URL",
		"SELECT dolt_backup('sync-url', 'https://example.org/x')":                          "a directory or a bucket",
		"SELECT dolt_backup('restore', '/nothing/there', 'x.vdb')":                         "no database there",
		"SELECT dolt_backup('restore', '" + filepath.Join(dir, "other") + "', 'here.vdb')": "exists",
	} {
		var v any
		if err := here.QueryRowContext(t.Context(), query).Scan(&v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gave %v", query, err)
		}
	}
}
