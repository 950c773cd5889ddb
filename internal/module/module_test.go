package module

import (
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// open returns a database in memory with one connection, and its handle, after
// setup.
func open(tb testing.TB, setup func(c Conn) error) (*sql.DB, Conn) {
	tb.Helper()
	var conn Conn
	stop, err := OnOpen(func(c Conn, file string) error {
		conn = c
		return setup(c)
	})
	if err != nil {
		tb.Fatal(err)
	}
	defer stop()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if err := db.Ping(); err != nil {
		tb.Fatal(err)
	}
	return db, conn
}

// withTables is a setup for open.
func withTables(tables map[string]Table) func(Conn) error {
	return func(c Conn) error {
		for name, t := range tables {
			if err := c.Table(name, t); err != nil {
				return err
			}
		}
		return nil
	}
}

// query returns the rows of a query, as text: a|b for each.
func query(tb testing.TB, db *sql.DB, text string, args ...any) []string {
	tb.Helper()
	rows, err := tryQuery(db, text, args...)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return rows
}

func tryQuery(db *sql.DB, text string, args ...any) ([]string, error) {
	rows, err := db.Query(text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	out := []string{}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return nil, err
		}
		words := make([]string, len(values))
		for i, v := range values {
			words[i] = show(*v.(*any))
		}
		out = append(out, strings.Join(words, "|"))
	}
	return out, rows.Err()
}

// show tells the classes of values apart.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return fmt.Sprintf("x'%x'", v)
	case string:
		return v
	case float64:
		return fmt.Sprintf("%#v.", v)
	}
	return fmt.Sprint(v)
}

func equal(tb testing.TB, got []string, want ...string) {
	tb.Helper()
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		tb.Fatalf("got %q, want %q", got, want)
	}
}

// refused asks for an error that has a text and, if it is not 0, a code.
func refused(tb testing.TB, err error, text string, code int) {
	tb.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		tb.Fatalf("got error %v, want %q", err, text)
	}
	var e *sqlite.Error
	if code != 0 && (!errors.As(err, &e) || e.Code() != code) {
		tb.Fatalf("got error %v, want code %d", err, code)
	}
}

// coded is an error with a SQLite code.
type coded int

func (c coded) Error() string { return fmt.Sprintf("error with code %d: 100%% %%s", int(c)) }
func (c coded) Code() int     { return int(c) }

// list is a Table of rows in memory. It records what was asked of it.
type list struct {
	columns []Column
	rows    [][]any
	err     error // after the rows

	filters [][]Filter
	stopped int // scans that were not read to the end
}

func (l *list) Columns() ([]Column, error) { return l.columns, nil }

func (l *list) Scan(filters []Filter) iter.Seq2[[]any, error] {
	l.filters = append(l.filters, filters)
	return func(yield func([]any, error) bool) {
		for _, row := range l.rows {
			if !yield(row, nil) {
				l.stopped++
				return
			}
		}
		if l.err != nil {
			yield(nil, l.err)
		}
	}
}

// asked returns the filters of all scans since the last call, as text.
func (l *list) asked() []string {
	var out []string
	for _, filters := range l.filters {
		var words []string
		for _, f := range filters {
			word := l.columns[f.Column].Name + f.Op.String()
			if f.Op != IsNull {
				word += show(f.Value)
			}
			words = append(words, word)
		}
		out = append(out, strings.Join(words, " "))
	}
	l.filters = nil
	return out
}

// live returns how many Go values SQLite holds.
func live() int {
	p := &process
	return p.functions.len() + p.tables.len() + p.connected.len() + p.cursors.len() + p.closers.len()
}

func TestOnOpen(t *testing.T) {
	var files []string
	stop, err := OnOpen(func(c Conn, file string) error {
		files = append(files, filepath.Base(file))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	touch := func(name string) error {
		db, err := sql.Open("sqlite", name)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Ping()
	}
	path := filepath.Join(t.TempDir(), "prod.db")
	for _, name := range []string{path, ":memory:"} {
		if err := touch(name); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := touch(path); err != nil {
		t.Fatal(err)
	}
	equal(t, files, "prod.db", ".")

	for _, test := range []struct {
		fn   func(Conn, string) error
		text string
		code int
	}{
		{func(Conn, string) error { return os.ErrPermission }, "permission denied", lib.SQLITE_ERROR},
		{func(Conn, string) error { return coded(lib.SQLITE_AUTH) }, "error with code 23: 100% %s", lib.SQLITE_AUTH},
		{func(Conn, string) error { panic("no") }, "panic: no", lib.SQLITE_ERROR},
	} {
		stop, err := OnOpen(test.fn)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, touch(path), test.text, test.code)
		stop()
	}
}

func TestOnClose(t *testing.T) {
	closed := 0
	db, c := open(t, func(c Conn) error {
		return errors.Join(
			c.OnClose(func() { closed++ }),
			c.OnClose(func() { panic("while closing") }),
		)
	})
	if err := c.OnClose(func() { closed++ }); err != nil {
		t.Fatal(err)
	}
	if closed != 0 {
		t.Fatal("called before the close")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if closed != 2 {
		t.Fatalf("%d of 2 were called", closed)
	}
}

// TestNoLeak opens, uses and closes many connections, from several goroutines.
func TestNoLeak(t *testing.T) {
	before := live()
	stop, err := OnOpen(func(c Conn, _ string) error {
		n := &list{columns: []Column{{Name: "n", Type: "INT"}}, rows: [][]any{{1}, {2}, {3}}}
		return errors.Join(
			c.OnClose(func() {}),
			c.Function("one", 0, Deterministic, func([]any) (any, error) { return 1, nil }),
			c.Function("one", 0, 0, func([]any) (any, error) { return 2, nil }), // in place of the other
			c.Table("n", n), c.Table("n", n), c.Table("m", n), c.DropTable("m"),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 25 {
				if err := useAndClose(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if after := live(); after != before {
		t.Fatalf("%d handles before, %d after", before, after)
	}
}

// useAndClose leaves rows unread, too.
func useAndClose() error {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	got, err := tryQuery(db, "SELECT a.n + b.n + one() FROM n a, n b WHERE a.n = 3")
	if err != nil || len(got) != 3 || got[2] != "8" {
		return fmt.Errorf("got %q, error %v", got, err)
	}
	rows, err := db.Query("SELECT n FROM n")
	if err != nil {
		return err
	}
	rows.Next()
	return rows.Close()
}

func TestBadNames(t *testing.T) {
	_, c := open(t, func(Conn) error { return nil })
	none := func([]any) (any, error) { return nil, nil }
	for _, name := range []string{"", "a\x00b"} {
		refused(t, c.Function(name, 0, 0, none), "cannot be a name", 0)
		refused(t, c.Table(name, &list{}), "cannot be a name", 0)
		refused(t, c.DropTable(name), "cannot be a name", 0)
	}
	before := live()
	err := c.Function(strings.Repeat("long", 100), 0, 0, none)
	refused(t, err, "module: register function longlong", 0)
	var e *Error
	if !errors.As(err, &e) || e.Code() != lib.SQLITE_MISUSE {
		t.Fatalf("got %v", err)
	}
	refused(t, c.Function("f", 4000, 0, none), "module: register function f", 0)
	if live() != before {
		t.Fatal("what was refused is still held")
	}
}
