package sqlite_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	engine "modernc.org/sqlite"
)

func init() {
	// By length, then backwards: no order of bytes is like it.
	engine.MustRegisterCollationUtf8("backwards", func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return -strings.Compare(a, b)
	})
}

// Indexes with a collation of the application's are kept, sorted and used.
func TestOwnCollation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	open := func() *sql.DB {
		db, err := sql.Open("vdb", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		return db
	}
	db := open()
	exec := func(s string, args ...any) {
		t.Helper()
		if _, err := db.Exec(s, args...); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	check := func(rows int) {
		t.Helper()
		var sound string
		if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
			t.Fatal(sound, err)
		}
		var n, ordered int
		if err := db.QueryRow(`SELECT count(*), (SELECT count(*) FROM (SELECT a, lag(a) OVER (ORDER BY a COLLATE backwards, id) AS b FROM t INDEXED BY ta) WHERE b IS NULL OR b COLLATE backwards <= a) FROM t`).Scan(&n, &ordered); err != nil || n != rows || ordered != rows {
			t.Fatal(n, ordered, err)
		}
	}
	exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE backwards, b TEXT UNIQUE COLLATE backwards)")
	exec("CREATE INDEX ta ON t(a, length(b) DESC)")
	r := rand.New(rand.NewPCG(1, 2))
	const rows = 1500
	for i := range rows {
		if i%500 == 0 {
			check(i)
		}
		exec("INSERT INTO t VALUES(?, ?, ?)", i, strings.Repeat("x", r.IntN(9))+fmt.Sprint(r.IntN(1000)), strings.Repeat("y", r.IntN(3)*r.IntN(3000))+fmt.Sprint(i))
	}
	check(rows)
	db.Close()
	db = open()
	defer func() { db.Close() }()
	check(rows)
	exec("UPDATE t SET a = a || 'z' WHERE id % 3 = 0")
	exec("DELETE FROM t WHERE id % 5 = 0")
	check(rows * 4 / 5)
	db.Close()
	db = open()
	check(rows * 4 / 5)
	exec("REINDEX")
	exec("CREATE TABLE words(word TEXT PRIMARY KEY COLLATE backwards, n)")
	exec("INSERT INTO words SELECT DISTINCT a, id FROM t GROUP BY a")
	check(rows * 4 / 5)
}
