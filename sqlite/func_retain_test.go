package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// The tables of history show what was kept, also to connections that have seen what was
// squashed since.
func TestRetainInSQL(t *testing.T) {
	dir := t.TempDir()
	box := openBox(t, filepath.Join(dir, "box.vdb"))
	exec := func(statement string) {
		t.Helper()
		if _, err := box.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	exec("CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT)")
	var hashes []string
	for i := range 6 {
		exec(fmt.Sprintf("INSERT INTO customers VALUES(%d, 'row %d')", i, i))
		exec(fmt.Sprintf("UPDATE customers SET name = 'of commit %d' WHERE id = 0", i))
		hashes = append(hashes, queryBox(t, box, "SELECT dolt_commit('-Am', ?)", fmt.Sprint("commit ", i)))
		if i == 3 {
			queryBox(t, box, "SELECT dolt_tag('v3')")
		}
	}
	other := openBox(t, filepath.Join(dir, "box.vdb"))
	squashed := "SELECT count(*) FROM customers AS OF '" + hashes[1] + "'"
	for _, db := range []string{squashed, "SELECT count(*) FROM customers AS OF 'HEAD~4'"} {
		if got := queryBox(t, other, db); got != "2" {
			t.Errorf("%s: %s", db, got)
		}
	}
	queryBox(t, box, "SELECT dolt_retain('set', '*', '0s:none')")
	if got := queryBox(t, box, "SELECT dolt_retain('--dry-run')"); got != "4 commits squashed, 3 kept" {
		t.Error(got)
	}
	queryBox(t, box, "SELECT dolt_retain()")
	queryBox(t, box, "SELECT dolt_gc()")
	for query, want := range map[string]string{
		"SELECT group_concat(message) FROM dolt_log":                                                  "commit 5,commit 3,Create database",
		"SELECT group_concat(message) FROM dolt_commits":                                              "commit 5,commit 3,Create database",
		"SELECT count(*) FROM dolt_commit_ancestors WHERE parent_hash = '" + hashes[3] + "'":          "1",
		"SELECT group_concat(to_id) FROM dolt_diff_customers WHERE to_commit = '" + hashes[5] + "'":   "0,4,5",
		"SELECT group_concat(from_name) FROM dolt_diff_customers WHERE from_id = 0":                   "of commit 3",
		"SELECT count(*) FROM dolt_diff_customers WHERE to_commit = '" + hashes[3] + "'":              "4",
		"SELECT group_concat(name) FROM dolt_history_customers WHERE id = 0":                          "of commit 5,of commit 3",
		`SELECT "commit" FROM dolt_blame_customers WHERE id = 1`:                                      hashes[3],
		"SELECT count(*) FROM dolt_diff WHERE table_name = 'customers'":                               "2",
		"SELECT group_concat(name) FROM customers AS OF 'HEAD~1'":                                     "of commit 3,row 1,row 2,row 3",
		"SELECT count(*) FROM customers AS OF 'v3'":                                                   "4",
		"SELECT dolt_merge_base('v3', 'main')":                                                        hashes[3],
		"SELECT has_ancestor('main', 'v3')":                                                           "1",
		"SELECT rows_added || ' ' || rows_modified FROM dolt_diff_stat('HEAD~', 'HEAD', 'customers')": "2 1",
	} {
		for i, db := range []*sql.DB{box, other} {
			if got := queryBox(t, db, query); got != want {
				t.Errorf("connection %d: %s: %s, not %s", i, query, got, want)
			}
		}
	}
	var n int
	err := openBox(t, filepath.Join(dir, "box.vdb")).QueryRowContext(t.Context(), squashed).Scan(&n)
	if err == nil || !strings.Contains(err.Error(), "was squashed into commit "+hashes[3]) {
		t.Errorf("%s: %v", squashed, err)
	}
	queryBox(t, box, "SELECT dolt_revert('HEAD')")
	if got := queryBox(t, box, "SELECT group_concat(name) FROM customers"); got != "of commit 3,row 1,row 2,row 3" {
		t.Errorf("after a revert: %s", got)
	}
	// Two commits on a side, replayed on what has come to main.
	conn, err := box.Conn(t.Context()) // else each statement begins on main
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask := func(query string, args ...any) (answer string) {
		t.Helper()
		if err := conn.QueryRowContext(t.Context(), query, args...).Scan(&answer); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return answer
	}
	ask("SELECT dolt_checkout('-b', 'side', 'v3')")
	ask("INSERT INTO customers VALUES(7, 'side') RETURNING id")
	ask("SELECT dolt_commit('-am', 'side')")
	ask("SELECT dolt_rebase('main')")
	if got := ask("SELECT group_concat(message) FROM dolt_log"); !strings.HasPrefix(got, "side,Revert") {
		t.Errorf("after a rebase: %s", got)
	}
	ask("SELECT dolt_checkout('main')")
	ask("SELECT dolt_cherry_pick(?)", hashes[5])
	if got := ask("SELECT group_concat(id) FROM customers"); got != "0,1,2,3,4,5" {
		t.Errorf("after a cherry-pick: %s", got)
	}
}
