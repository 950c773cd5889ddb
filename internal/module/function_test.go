package module

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"
)

func TestFunctionValues(t *testing.T) {
	db, _ := open(t, func(c Conn) error {
		return errors.Join(
			c.Function("same", 1, Deterministic, func(args []any) (any, error) { return args[0], nil }),
			c.Function("typed", -1, 0, func(args []any) (any, error) {
				return fmt.Sprintf("%T", args), nil
			}),
			c.Function("classes", -1, 0, func(args []any) (any, error) {
				var b strings.Builder
				for _, a := range args {
					fmt.Fprintf(&b, "%T ", a)
				}
				return b.String(), nil
			}),
		)
	})
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for _, v := range []any{nil, int64(0), int64(math.MinInt64), int64(math.MaxInt64), 0.5, math.Inf(-1), "", "text",
		"with\x00NUL", "größer", string(large), []byte{}, []byte{0, 1, 0}, large} {
		var got any
		if err := db.QueryRow("SELECT same(?)", v).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if show(got) != show(v) {
			t.Fatalf("same(%.40q) is %.40q", show(v), show(got))
		}
	}
	equal(t, query(t, db, "SELECT classes(), classes(NULL, 1, 1.5, 'a', x'00')"), "|<nil> int64 float64 string []uint8 ")
	equal(t, query(t, db, "SELECT typeof(same('')), typeof(same(x'')), length(same('a' || char(0) || 'b'))"), "text|blob|1")
	equal(t, query(t, db, "SELECT hex(same('a' || char(0) || 'b'))"), "610062")
	equal(t, query(t, db, "SELECT typed(1, 2)"), "[]interface {}")
}

func TestFunctionResults(t *testing.T) {
	var result any
	db, _ := open(t, func(c Conn) error {
		return c.Function("f", 0, 0, func([]any) (any, error) { return result, nil })
	})
	at := time.Date(2026, 11, 22, 20, 7, 42, 500000000, time.FixedZone("", 3600))
	for _, test := range []struct {
		v    any
		want string
	}{
		{true, "integer|1"}, {false, "integer|0"}, {7, "integer|7"}, {uint8(7), "integer|7"}, {float32(0.5), "real|0.5."},
		{math.NaN(), "null|NULL"}, {[]byte(nil), "null|NULL"}, {at, "text|2026-11-22 19:07:42.5+00:00"},
	} {
		result = test.v
		equal(t, query(t, db, "SELECT typeof(f()), f()"), test.want)
	}
	result = struct{}{}
	_, err := tryQuery(db, "SELECT f()")
	refused(t, err, "module: function f: a struct {} is no SQL value", lib.SQLITE_ERROR)
}

func TestFunctionErrors(t *testing.T) {
	var fail func() error
	db, _ := open(t, func(c Conn) error {
		return c.Function("f", 1, 0, func([]any) (any, error) { return "", fail() })
	})
	for _, test := range []struct {
		fail func() error
		text string
		code int
	}{
		{func() error { return errors.New("branch \"x\" not found: 100% %s %n") }, "branch \"x\" not found: 100% %s %n", lib.SQLITE_ERROR},
		{func() error { return fmt.Errorf("in f: %w", coded(lib.SQLITE_BUSY)) }, "in f: error with code 5", lib.SQLITE_BUSY},
		{func() error { return coded(lib.SQLITE_CONSTRAINT_UNIQUE) }, "error with code 2067", lib.SQLITE_CONSTRAINT_UNIQUE},
		{func() error { return coded(0) }, "error with code 0", lib.SQLITE_ERROR},
		{func() error { return coded(lib.SQLITE_ROW) }, "error with code 100", lib.SQLITE_ERROR},
		{func() error { panic("broken") }, "module: function f: panic: broken", lib.SQLITE_ERROR},
		{func() error { var none []error; return none[len(none)] }, "panic: runtime error: index out of range", lib.SQLITE_ERROR},
	} {
		fail = test.fail
		_, err := tryQuery(db, "SELECT f(1)")
		refused(t, err, test.text, test.code)
		_, err = tryQuery(db, "WITH c(x) AS (VALUES (1), (2)) SELECT f(x) FROM c")
		refused(t, err, test.text, test.code)
	}
	_, err := tryQuery(db, "SELECT f()")
	refused(t, err, "wrong number of arguments to function f()", 0)
	equal(t, query(t, db, "SELECT 1"), "1")
}

func TestFunctionFlags(t *testing.T) {
	none := func([]any) (any, error) { return int64(1), nil }
	db, _ := open(t, func(c Conn) error {
		return errors.Join(c.Function("pure", 1, Deterministic, none), c.Function("impure", 1, 0, none),
			c.Function("direct", 1, DirectOnly, none))
	})
	mustExec(t, db, "CREATE TABLE t(a)", "CREATE INDEX i ON t(pure(a))", "CREATE VIEW v AS SELECT direct(a) FROM t")
	_, err := db.Exec("CREATE INDEX j ON t(impure(a))")
	refused(t, err, "non-deterministic functions prohibited in index expressions", 0)
	_, err = tryQuery(db, "SELECT * FROM v")
	refused(t, err, "unsafe use of direct()", 0)
	equal(t, query(t, db, "SELECT direct(1)"), "1")
}

// TestFunctionReplaced adds functions while the connection is open.
func TestFunctionReplaced(t *testing.T) {
	constant := func(v any) func([]any) (any, error) {
		return func([]any) (any, error) { return v, nil }
	}
	db, c := open(t, func(c Conn) error { return c.Function("f", -1, 0, constant("old")) })
	prepared, err := db.Prepare("SELECT f()")
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	if err := c.Function("f", -1, 0, constant("new")); err != nil {
		t.Fatal(err)
	}
	if err := c.Function("f", 1, 0, constant("one")); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := prepared.QueryRow().Scan(&got); err != nil || got != "new" {
		t.Fatalf("got %q, error %v", got, err)
	}
	equal(t, query(t, db, "SELECT f(), f(1), f(1, 2)"), "new|one|new")
}

// TestFunctionUsesConnection: a function may run SQL on the connection that calls
// it, and register more.
func TestFunctionUsesConnection(t *testing.T) {
	var db *sql.DB
	db, c := open(t, func(c Conn) error { return nil })
	err := c.Function("define", 1, 0, func(args []any) (any, error) {
		name := args[0].(string)
		return name, c.Function(name, 0, 0, func([]any) (any, error) { return "I am " + name, nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, query(t, db, "SELECT define('f')"), "f")
	equal(t, query(t, db, "SELECT f()"), "I am f")
}

func mustExec(tb testing.TB, db *sql.DB, texts ...string) {
	tb.Helper()
	for _, text := range texts {
		if _, err := db.Exec(text); err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
	}
}
