package sqlite

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/faultfs"
	lib "modernc.org/sqlite/lib"
)

// wantCode runs a statement that is to fail with a result code of SQLite's.
func (c *console) wantCode(code int, statement string, args ...any) {
	c.t.Helper()
	_, err := c.conn.ExecContext(c.t.Context(), statement, args...)
	var coded interface{ Code() int }
	if !errors.As(err, &coded) || coded.Code() != code {
		c.t.Errorf("%s: %v, want code %d", statement, err, code)
	}
}

// TestDiskFull: a full disk is told as SQLite does, and writes go on when there is room.
func TestDiskFull(t *testing.T) {
	fs := faultfs.New()
	db, err := vdb.Open(t.Context(), "db", &vdb.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, store: db, db: OpenDB(db, vdb.MainBranch)}
	c.connect()
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, b)", "SELECT dolt_commit('-Am', 'table')")
	const insert = "INSERT INTO t(b) VALUES(randomblob(3000000))"
	c.run(insert, insert)
	fs.Limit(1)
	c.wantCode(lib.SQLITE_FULL, insert)
	c.want("2", "SELECT count(*) FROM t")
	fs.Limit(-1)
	c.run(insert)
	c.run("BEGIN", insert)
	fs.Limit(1)
	c.wantCode(lib.SQLITE_FULL, "SELECT dolt_commit('-Am', 'more')")
	fs.Limit(-1)
	c.run(insert, "SELECT dolt_commit('-Am', 'more')")
	c.want("4", "SELECT count(*) FROM t AS OF 'HEAD'")
	c.want("ok", "PRAGMA integrity_check")
}

// TestSchemaChangedUnderRows: what cannot be done while rows are open is said.
func TestSchemaChangedUnderRows(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES(1), (2)")
	rows, err := c.conn.QueryContext(t.Context(), "SELECT id FROM t")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	c.run("INSERT INTO t VALUES(3)", "CREATE TABLE u(id)")
	c.wantCode(lib.SQLITE_LOCKED, "INSERT INTO u VALUES(1)")
	rows.Close()
	c.run("INSERT INTO u VALUES(1)")
	c.want("3|1", "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)")
}
