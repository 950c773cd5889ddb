package vfs_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/internal/vfs"
	_ "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// memory is a file in memory. fail, if it is set, is asked before each call.
type memory struct {
	data   []byte
	level  vfs.Level
	closed int
	calls  []string
	fail   func(call string) error
}

func (m *memory) call(name string) error {
	m.calls = append(m.calls, name)
	if m.fail != nil {
		return m.fail(name)
	}
	return nil
}

func (m *memory) ReadAt(p []byte, off int64) error {
	if err := m.call("read"); err != nil {
		return err
	}
	clear(p)
	if off < int64(len(m.data)) && copy(p, m.data[off:]) == len(p) {
		return nil
	}
	return vfs.ErrShort
}

func (m *memory) WriteAt(p []byte, off int64) error {
	if end := int(off) + len(p); end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	copy(m.data[off:], p)
	return m.call("write")
}

func (m *memory) Truncate(size int64) error {
	m.data = m.data[:size]
	return m.call("truncate")
}

func (m *memory) Size() (int64, error) { return int64(len(m.data)), m.call("size") }

func (m *memory) Lock(level vfs.Level) error {
	err := m.call("lock")
	if err == nil {
		m.level = max(m.level, level)
	}
	return err
}

func (m *memory) Unlock(level vfs.Level) error {
	m.level = min(m.level, level)
	return m.call("unlock")
}

func (m *memory) Reserved() bool  { return m.level >= vfs.Reserved }
func (m *memory) Sync() error     { return m.call("sync") }
func (m *memory) Commit() error   { return m.call("commit") }
func (m *memory) Immutable() bool { return false }
func (m *memory) Closed()         { m.closed++ }

func (m *memory) Pragma(name string, value *string) (string, bool, error) {
	switch {
	case name == "answer" && value != nil:
		return "answer to " + *value, true, nil
	case name == "refused":
		return "", false, errors.New("no such setting")
	}
	return "", false, nil
}

// open opens a file on one connection.
func open(t *testing.T, m *memory) *sql.DB {
	t.Helper()
	if err := vfs.Register(); err != nil {
		t.Fatal(err)
	}
	name := vfs.Add(m)
	t.Cleanup(func() { vfs.Remove(name) })
	db, err := sql.Open("sqlite", "file:"+name+"?vfs="+vfs.SystemName+"&_pragma=synchronous(0)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantCode wants an error with a SQLite result code.
func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	var coded interface{ Code() int }
	if !errors.As(err, &coded) || coded.Code() != code {
		t.Errorf("%v, want code %d", err, code)
	}
}

const fill = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 500) INSERT INTO t SELECT n, printf('%0200d', n) FROM s"

// SQLite keeps a database in a file of ours, and finds it there again.
func TestFile(t *testing.T) {
	m := &memory{}
	db := open(t, m)
	exec(t, db, "CREATE TABLE t(a, b)", "CREATE INDEX i ON t(b, a)", fill, "DELETE FROM t WHERE a % 3 = 0")
	db.Close()
	if m.closed != 1 || m.level != vfs.None {
		t.Errorf("closed %d times, lock %d", m.closed, m.level)
	}
	db = open(t, m)
	if n := count(t, db); n != 334 {
		t.Errorf("%d rows", n)
	}
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Error(sound, err)
	}
}

// A transaction ends with one commit, before the locks are given up.
func TestCommitOrder(t *testing.T) {
	m := &memory{}
	db := open(t, m)
	exec(t, db, "CREATE TABLE t(a, b)")
	m.calls = nil
	exec(t, db, "BEGIN", fill, "COMMIT")
	calls := strings.Join(m.calls, " ")
	if n := strings.Count(calls, "commit"); n != 1 || strings.LastIndex(calls, "write") > strings.Index(calls, "commit") ||
		strings.Index(calls, "unlock") < strings.Index(calls, "commit") {
		t.Errorf("calls: %s", calls)
	}
}

// coded is an error with a result code.
type coded int

func (c coded) Error() string { return fmt.Sprint("code ", int(c)) }
func (c coded) Code() int     { return int(c) }

// What a method returns reaches the application, by its code.
func TestErrors(t *testing.T) {
	plain := errors.New("the disk is on fire")
	for _, c := range []struct {
		call string
		err  error
		code int
	}{
		{"read", plain, lib.SQLITE_IOERR_READ},
		{"write", plain, lib.SQLITE_IOERR_WRITE},
		{"write", coded(lib.SQLITE_FULL), lib.SQLITE_FULL},
		{"lock", plain, lib.SQLITE_IOERR_LOCK},
		{"lock", coded(lib.SQLITE_READONLY), lib.SQLITE_READONLY},
		{"lock", coded(lib.SQLITE_BUSY_SNAPSHOT), lib.SQLITE_BUSY_SNAPSHOT},
		{"commit", plain, lib.SQLITE_IOERR},
		{"commit", coded(lib.SQLITE_BUSY_SNAPSHOT), lib.SQLITE_BUSY_SNAPSHOT},
	} {
		t.Run(fmt.Sprint(c.call, c.code), func(t *testing.T) {
			m := &memory{}
			db := open(t, m)
			exec(t, db, "CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1, 2)", "PRAGMA cache_size = 0")
			m.fail = func(call string) error {
				if call == c.call {
					return c.err
				}
				return nil
			}
			_, err := db.Exec(fill)
			wantCode(t, err, c.code)
			m.fail = nil
			if failed := vfs.Failure(m); failed != c.err {
				t.Errorf("behind it is %v", failed)
			}
			if failed := vfs.Failure(m); failed != nil {
				t.Errorf("asked again: %v", failed)
			}
		})
	}
}

// What panics is an error.
func TestPanic(t *testing.T) {
	m := &memory{}
	db := open(t, m)
	exec(t, db, "CREATE TABLE t(a, b)")
	m.fail = func(call string) error {
		if call == "lock" {
			panic("a broken invariant")
		}
		return nil
	}
	_, err := db.Exec(fill)
	wantCode(t, err, lib.SQLITE_IOERR_LOCK)
	if failed := vfs.Failure(m); failed == nil || !strings.Contains(failed.Error(), "a broken invariant") {
		t.Errorf("behind it is %v", failed)
	}
}

func TestPragma(t *testing.T) {
	db := open(t, &memory{})
	var answer string
	if err := db.QueryRow("PRAGMA answer = everything").Scan(&answer); err != nil || answer != "answer to everything" {
		t.Error(answer, err)
	}
	if _, err := db.Exec("PRAGMA refused"); err == nil || !strings.Contains(err.Error(), "no such setting") {
		t.Error(err)
	}
	if err := db.QueryRow("PRAGMA encoding").Scan(&answer); err != nil || answer != "UTF-8" {
		t.Error(answer, err)
	}
}

// Files of the host's are as they are, and those that are not announced not there.
func TestOtherFiles(t *testing.T) {
	db := open(t, &memory{})
	exec(t, db, "ATTACH '"+t.TempDir()+"/plain.db' AS plain", "CREATE TABLE plain.t(a, b)", "INSERT INTO plain.t VALUES (1, 2)", "CREATE TEMP TABLE x(a)")
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows", n)
	}
	_, err := db.Exec("ATTACH '/vdb:no such file' AS other")
	wantCode(t, err, lib.SQLITE_CANTOPEN)
}

// A transaction whose pages are written and that Sync holds back stays open.
func TestSync(t *testing.T) {
	m := &memory{}
	db := open(t, m)
	exec(t, db, "CREATE TABLE t(a, b)", "BEGIN", fill)
	m.calls = nil
	m.fail = func(call string) error {
		if call == "sync" {
			return coded(lib.SQLITE_BUSY)
		}
		return nil
	}
	_, err := db.Exec("COMMIT")
	wantCode(t, err, lib.SQLITE_BUSY)
	if calls := strings.Join(m.calls, " "); !strings.Contains(calls, "write") || strings.Contains(calls, "commit") || strings.Contains(calls, "unlock") {
		t.Errorf("calls: %s", calls)
	}
	m.fail = nil
	exec(t, db, "INSERT INTO t VALUES (501, 'more')", "SAVEPOINT s", "DELETE FROM t", "ROLLBACK TO s", "COMMIT")
	if n := count(t, db); n != 501 {
		t.Errorf("%d rows", n)
	}
}
