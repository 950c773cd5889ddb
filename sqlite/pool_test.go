package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
	engine "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// fails wants an error with a word in it, and returns it.
func (a *app) fails(word, statement string, args ...any) error {
	a.t.Helper()
	_, err := a.ExecContext(a.t.Context(), statement, args...)
	if err == nil || !strings.Contains(err.Error(), word) {
		a.t.Errorf("%s: %v; want an error with %q", statement, err, word)
	}
	return err
}

// habit is something that programs do with database/sql. It returns what they see.
type habit struct {
	name string
	do   func(a *app) (string, error)
}

// habits must give the same through this driver as through SQLite's own.
var habits = []habit{
	{"LastInsertId and RowsAffected", func(a *app) (seen string, err error) {
		for _, s := range []string{
			"INSERT INTO people(name) VALUES ('Ann'), ('Bob'), ('Cleo')", "UPDATE people SET born = NULL WHERE id > 1",
			"DELETE FROM people WHERE id = 99", "INSERT OR IGNORE INTO people(id, name) VALUES (1, 'x')", "SELECT 1", "CREATE TABLE more(x)",
			"INSERT INTO people(id, name) VALUES (1, 'Zoe') ON CONFLICT(id) DO UPDATE SET name = excluded.name", "INSERT INTO keyed VALUES ('k', 1)",
		} {
			r, err := a.Exec(s)
			if err != nil {
				return seen, err
			}
			id, err1 := r.LastInsertId()
			n, err2 := r.RowsAffected()
			seen += fmt.Sprintln(s, id, n, err1, err2)
		}
		return seen, nil
	}},
	{"ColumnTypes", func(a *app) (seen string, err error) {
		a.run("INSERT INTO people(name, born, height, photo, ok) VALUES ('Ann', '2001-02-03 04:05:06', 1.5, x'00ff', 1), (NULL, NULL, NULL, NULL, NULL)")
		rows, err := a.Query("SELECT *, id + 1 AS sum, 'x' AS text FROM people ORDER BY id")
		if err != nil {
			return "", err
		}
		defer rows.Close()
		for rows.Next() {
			types, err := rows.ColumnTypes()
			if err != nil {
				return "", err
			}
			for _, c := range types {
				nullable, known := c.Nullable()
				length, hasLength := c.Length()
				p, s, decimal := c.DecimalSize()
				seen += fmt.Sprintln(c.Name(), c.DatabaseTypeName(), c.ScanType(), nullable, known, length, hasLength, p, s, decimal)
			}
		}
		return seen, rows.Err()
	}},
	{"time.Time", func(a *app) (seen string, err error) {
		at := time.Date(2026, 11, 22, 9, 30, 15, 123456789, time.FixedZone("CET", 3600))
		a.exec("INSERT INTO people(name, born, met, day) VALUES ('Ann', ?, ?, ?)", at, at, at)
		a.exec("INSERT INTO people(name, born, met, day) VALUES ('Bob', '2001-02-03 04:05:06', '2001-02-03T04:05:06Z', '2001-02-03')")
		a.exec("INSERT INTO people(name, born) VALUES ('Cleo', 'never')")
		seen = a.rows("SELECT name, born, met, day, typeof(born), CAST(born AS TEXT) FROM people ORDER BY id")
		var back time.Time
		err = a.QueryRow("SELECT born FROM people WHERE born = ?", at).Scan(&back)
		return seen + fmt.Sprintln(back, back.Equal(at)), err
	}},
	{"NULL", func(a *app) (seen string, err error) {
		var text *string
		a.exec("INSERT INTO people(name, born, height, photo) VALUES (?, ?, ?, ?)", nil, text, sql.NullFloat64{}, []byte(nil))
		a.exec("INSERT INTO people(name, photo) VALUES (?, ?)", "", []byte{})
		return a.rows("SELECT name, born, height, photo, typeof(name), typeof(photo) FROM people ORDER BY id"), nil
	}},
	{"arguments", func(a *app) (seen string, err error) {
		seen = a.rows("SELECT :a, @b, $c, :a || 'x'", sql.Named("a", 1), sql.Named("b", "two"), sql.Named("c", 3.5))
		seen += a.rows("SELECT ?2, ?1, ?", 1, "b", true) + a.rows("SELECT ?, ?, ?", int64(1)<<62, []byte("raw"), float32(0.5))
		for _, args := range [][]any{nil, {1}, {1, 2, 3}, {struct{}{}, 1}, {uint64(1) << 63, 1}} {
			_, err := a.Query("SELECT ?, ?", args...)
			seen += fmt.Sprintln(args, err != nil)
		}
		return seen, nil
	}},
	{"Stmt", func(a *app) (seen string, err error) {
		insert, err := a.Prepare("INSERT INTO people(name) VALUES (?)")
		if err != nil {
			return "", err
		}
		defer insert.Close()
		for i := range 3 {
			r, err := insert.Exec(fmt.Sprint("name ", i))
			if err != nil {
				return "", err
			}
			id, _ := r.LastInsertId()
			seen += fmt.Sprintln(id)
		}
		_, err = a.Prepare("SELECT * FROM absent")
		seen += fmt.Sprintln(err)
		a.run("ALTER TABLE people ADD COLUMN more DEFAULT 7") // under the prepared statement
		_, err = insert.Exec("later")
		return seen + a.rows("SELECT name, more FROM people ORDER BY id"), err
	}},
	{"many statements", func(a *app) (seen string, err error) {
		_, err = a.Exec("INSERT INTO people(name) VALUES (?); UPDATE people SET height = ? WHERE name = ?; -- the end\n", "Ann", 1.5, "Ann")
		if err != nil {
			return "", err
		}
		_, err = a.Exec("INSERT INTO people(name) VALUES ('Bob'); INSERT INTO absent VALUES (1); INSERT INTO people(name) VALUES ('Cleo')")
		return fmt.Sprintln(err) + a.rows("SELECT name, height FROM people ORDER BY id"), nil
	}},
	{"RETURNING", func(a *app) (seen string, err error) {
		seen = a.rows("INSERT INTO people(name) VALUES ('Ann'), ('Bob') RETURNING id, name")
		var n int
		err = a.QueryRow("UPDATE people SET name = 'B' WHERE id = 2 RETURNING id").Scan(&n)
		return seen + fmt.Sprint(n) + a.rows("SELECT name FROM people ORDER BY id"), err
	}},
	{"Tx", func(a *app) (seen string, err error) {
		tx, err := a.Begin()
		if err != nil {
			return "", err
		}
		defer tx.Rollback()
		if _, err := tx.Exec("INSERT INTO people(name) VALUES ('Ann')"); err != nil {
			return "", err
		}
		seen += a.rows("SELECT count(*) FROM people") // by another connection
		if err := tx.Rollback(); err != nil {
			return "", err
		}
		seen += fmt.Sprintln(tx.Commit(), a.rows("SELECT count(*) FROM people"))
		_, err = a.BeginTx(a.t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		return seen + fmt.Sprintln(err != nil), nil
	}},
	{"error codes", func(a *app) (seen string, err error) {
		a.run("INSERT INTO keyed VALUES ('a', 1)", "INSERT INTO rules(id, n) VALUES (1, 1)")
		for _, s := range []string{
			"INSERT INTO keyed VALUES ('a', 2)", "INSERT INTO rules(id, n) VALUES (2, 1)", "INSERT INTO rules(id, n) VALUES (1, 2)",
			"INSERT INTO rules(id) VALUES (3)", "INSERT INTO rules(id, n) VALUES (4, -4)", "INSERT INTO rules(id, n, parent) VALUES (5, 5, 'none')",
			"SELECT * FROM absent", "SELEC 1", "SELECT absent()", "INSERT INTO strict VALUES ('x')", "SELECT json('{')",
		} {
			_, err := a.Exec(s)
			var e *engine.Error
			if !errors.As(err, &e) {
				return seen, fmt.Errorf("%s: %w", s, err)
			}
			seen += fmt.Sprintln(s, e.Code(), e)
		}
		return seen, nil
	}},
	{"pool after a transaction that was left open", func(a *app) (seen string, err error) {
		conn, err := a.Conn(a.t.Context())
		if err != nil {
			return "", err
		}
		for _, s := range []string{"BEGIN", "INSERT INTO people(name) VALUES ('Ann')", "COMMIT", "CREATE TEMP TABLE own(x)"} {
			if _, err := conn.ExecContext(a.t.Context(), s); err != nil {
				return "", err
			}
		}
		return a.rows("SELECT count(*) FROM people"), conn.Close()
	}},
}

var habitTables = []string{
	"CREATE TABLE people(id INTEGER PRIMARY KEY, name VARCHAR(20), born DATETIME, met TIMESTAMP, day DATE, height REAL, photo BLOB, ok BOOLEAN)",
	"CREATE TABLE keyed(k TEXT PRIMARY KEY NOT NULL, v INTEGER) WITHOUT ROWID",
	"CREATE TABLE rules(id INTEGER PRIMARY KEY, n INTEGER NOT NULL UNIQUE CHECK (n > 0), parent TEXT REFERENCES keyed(k))",
	"CREATE TABLE strict(n INTEGER) STRICT",
}

func TestHabits(t *testing.T) {
	for _, format := range []string{"", "&_time_format=sqlite", "&_texttotime=1"} {
		options := "?_pragma=foreign_keys(1)&_pragma=busy_timeout(1000)" + format
		for _, h := range habits {
			t.Run(h.name+format, func(t *testing.T) {
				want, errWant := seenBy(openApp(t, "sqlite", filepath.Join(t.TempDir(), "plain.db")+options+"&_pragma=journal_mode(wal)"), h)
				got, err := seenBy(openApp(t, sqlite.DriverName, filepath.Join(t.TempDir(), "x.vdb")+options), h)
				if got != want || fmt.Sprint(err) != fmt.Sprint(errWant) {
					t.Errorf("seen:\n%s\n%v\nthrough SQLite's driver:\n%s\n%v", got, err, want, errWant)
				}
			})
		}
	}
}

func seenBy(a *app, h habit) (string, error) {
	a.run(habitTables...)
	return h.do(a)
}

// Goroutines that share a pool and a statement each see what they wrote.
func TestPool(t *testing.T) {
	a := newApp(t)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY, who INTEGER, n INTEGER)")
	a.SetMaxOpenConns(6)
	a.SetMaxIdleConns(3)
	insert, err := a.Prepare("INSERT INTO t(who, n) VALUES (?, ?)")
	if err != nil {
		t.Fatal(err)
	}
	defer insert.Close()
	const goroutines, rows = 12, 20
	var running sync.WaitGroup
	for who := range goroutines {
		running.Go(func() {
			for n := range rows {
				if err := insertAndRead(t.Context(), a.DB, insert, who, n); err != nil {
					t.Errorf("goroutine %d, row %d: %v", who, n, err)
					return
				}
			}
		})
	}
	running.Wait()
	a.want(fmt.Sprint(goroutines*rows), "SELECT count(*) FROM t")
	a.want(fmt.Sprintf("%d|%d", goroutines, goroutines*rows*(rows-1)/2), "SELECT count(DISTINCT who), sum(n) FROM t")
	if s := a.Stats(); s.OpenConnections > 6 || s.InUse != 0 {
		t.Errorf("%d connections are open, %d in use", s.OpenConnections, s.InUse)
	}
}

// insertAndRead inserts a row, by itself or in a transaction.
func insertAndRead(ctx context.Context, db *sql.DB, insert *sql.Stmt, who, n int) error {
	if n%2 == 0 {
		if _, err := insert.ExecContext(ctx, who, n); err != nil {
			return err
		}
	} else if err := retried(func() error { return insertInTx(ctx, db, insert, who, n) }); err != nil {
		return err
	}
	var seen int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM t WHERE who = ?", who).Scan(&seen); err != nil {
		return err
	}
	if seen != n+1 {
		return fmt.Errorf("%d rows are there", seen)
	}
	return nil
}

func insertInTx(ctx context.Context, db *sql.DB, insert *sql.Stmt, who, n int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.StmtContext(ctx, insert).ExecContext(ctx, who, n); err != nil {
		return err
	}
	return tx.Commit()
}

// forever is a query that ends when it is interrupted.
const forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

func TestCancelQuery(t *testing.T) {
	a := newApp(t)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY)")
	for name, run := range map[string]func(ctx context.Context) error{
		"query": func(ctx context.Context) error {
			var n int
			return a.QueryRowContext(ctx, forever).Scan(&n)
		},
		"exec": func(ctx context.Context) error {
			_, err := a.ExecContext(ctx, "INSERT INTO t "+forever)
			return err
		},
		"statement": func(ctx context.Context) error {
			s, err := a.Prepare(forever)
			if err != nil {
				return err
			}
			defer s.Close()
			var n int
			return s.QueryRowContext(ctx).Scan(&n)
		},
		"transaction": func(ctx context.Context) error {
			tx, err := a.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			_, err = tx.ExecContext(ctx, "INSERT INTO t "+forever)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := run(ctx); !errors.Is(err, context.DeadlineExceeded) && codeOf(err) != lib.SQLITE_INTERRUPT {
				t.Errorf("a query that was canceled: %v", err)
			}
			a.run("INSERT INTO t DEFAULT VALUES", "DELETE FROM t") // the pool is sound
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.ExecContext(ctx, "INSERT INTO t DEFAULT VALUES"); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	a.want("0", "SELECT count(*) FROM t")
}

// codeOf returns the result code of an error of SQLite's, or 0.
func codeOf(err error) int {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// A writer that waits for another one stops waiting when its context ends.
func TestCancelWaitingWriter(t *testing.T) {
	a := openApp(t, "vdb", filepath.Join(t.TempDir(), "x.vdb")+"?_txlock=immediate&_pragma=busy_timeout(600000)")
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY)")
	tx, err := a.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	waited := make(chan error, 1)
	go func() {
		_, err := a.ExecContext(ctx, "INSERT INTO t DEFAULT VALUES")
		waited <- err
	}()
	select {
	case err := <-waited:
		if err == nil {
			t.Error("two writers at once")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the writer waits on")
	}
	a.want("0", "SELECT count(*) FROM t")
}

func TestBusy(t *testing.T) {
	a := openApp(t, "vdb", filepath.Join(t.TempDir(), "x.vdb")+"?_pragma=busy_timeout(0)")
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY)")
	tx, err := a.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("INSERT INTO t DEFAULT VALUES"); err != nil {
		t.Fatal(err)
	}
	if err := a.fails("locked", "INSERT INTO t DEFAULT VALUES"); codeOf(err) != lib.SQLITE_BUSY {
		t.Errorf("%v has the code %d", err, codeOf(err))
	}
	a.want("0", "SELECT count(*) FROM t") // readers do not wait
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	a.run("INSERT INTO t DEFAULT VALUES")
	testBusySnapshot(t, a)
}

// testBusySnapshot has a transaction read, and write after another one has written.
func testBusySnapshot(t *testing.T, a *app) {
	t.Helper()
	tx, err := a.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	a.run("INSERT INTO t DEFAULT VALUES")
	if err := tx.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != 2 {
		t.Errorf("the transaction sees %d rows, %v", n, err)
	}
	if _, err := tx.Exec("INSERT INTO t DEFAULT VALUES"); codeOf(err) != lib.SQLITE_BUSY_SNAPSHOT {
		t.Errorf("a write on an old snapshot: %v", err)
	}
}

// What a user did to a connection is undone when the next one gets it.
func TestResetSession(t *testing.T) {
	a := newApp(t)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY)", "SELECT dolt_commit('-Am', 'empty')", "SELECT dolt_branch('work')")
	a.SetMaxOpenConns(1)
	for _, leave := range []string{
		"SELECT dolt_checkout('work')", "USE work", "USE `db/work`", "CALL dolt_checkout('-b', 'more')", "USE main; USE `HEAD~`",
		"SELECT dolt_config('user.name', 'Somebody')",
	} {
		conn, err := a.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), leave); err != nil {
			t.Fatalf("%s: %v", leave, err)
		}
		var on sql.NullString
		if err := conn.QueryRowContext(t.Context(), "SELECT active_branch()").Scan(&on); err != nil || !strings.Contains(leave, "config") && on.String == "main" {
			t.Errorf("after %s: on %s, %v", leave, on.String, err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		a.want("main", "SELECT active_branch()")
		a.run("INSERT INTO t DEFAULT VALUES")
		a.exec("SELECT dolt_commit('-am', ?)", leave)
		a.want("unknown", "SELECT author FROM dolt_log LIMIT 1")
	}
	a.want("0", "SELECT count(*) FROM t AS OF 'work'")
}

func TestRaw(t *testing.T) {
	a := newApp(t)
	conn, err := a.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(raw any) error {
		c, ok := raw.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("a %T", raw)
		}
		rows, err := c.QueryContext(t.Context(), "SELECT 7", nil)
		if err != nil {
			return err
		}
		defer rows.Close()
		values := make([]driver.Value, 1)
		if err := rows.Next(values); err != nil || values[0] != int64(7) {
			return fmt.Errorf("%v, %w", values, err)
		}
		for _, is := range []bool{is[driver.Pinger](raw), is[driver.SessionResetter](raw), is[driver.Validator](raw), is[driver.ConnBeginTx](raw),
			is[driver.ExecerContext](raw), is[driver.ConnPrepareContext](raw), is[driver.NamedValueChecker](raw)} {
			if !is {
				return errors.New("an interface is missing")
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := a.Ping(); err != nil {
		t.Error(err)
	}
}

func is[T any](x any) bool {
	_, ok := x.(T)
	return ok
}

func TestDataSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	main := openApp(t, "vdb", path+"?author=Support")
	main.run("CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)", "SELECT dolt_commit('-Am', 'one')", "SELECT dolt_tag('v1')",
		"INSERT INTO t VALUES (2)", "SELECT dolt_commit('-am', 'two')", "SELECT dolt_branch('a/b')", "INSERT INTO t VALUES (3)")
	main.want("Support", "SELECT author FROM dolt_log LIMIT 1")
	hash := main.rows("SELECT dolt_hashof('v1')")
	for name, rows := range map[string]string{
		"?branch=a/b": "2", "?branch=main": "3", "?rev=v1": "1", "?revision=" + hash: "1", "?rev=" + hash[:8]: "1", "?branch=main~1": "1", "?rev=HEAD": "2",
		"?mode=rw": "3", "?mode=rwc&chunk_cache=1000000": "3",
	} {
		for _, prefix := range []string{"", "file:"} {
			openApp(t, "vdb", prefix+path+name).want(rows, "SELECT count(*) FROM t")
		}
	}
	past := openApp(t, "vdb", path+"?rev=v1")
	if err := past.fails("readonly", "INSERT INTO t VALUES (9)"); codeOf(err) != lib.SQLITE_READONLY {
		t.Errorf("a write to history has the code %d", codeOf(err))
	}
	past.fails("v1 is no branch", "SELECT dolt_commit('-m', 'x', '--allow-empty')")
	past.want("1", "SELECT count(*) FROM t")
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	absent := openApp(t, "vdb", path+"?mode=ro")
	if err := absent.Ping(); !errors.Is(err, vdb.ErrNotDatabase) {
		t.Errorf("a database that is not there: %v", err)
	}
	a := openApp(t, "vdb", path)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)", "SELECT dolt_commit('-Am', 'one')")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	only := openApp(t, "vdb", path+"?mode=ro")
	only.want("1", "SELECT id FROM t")
	only.want("one", "SELECT message FROM dolt_log LIMIT 1")
	if err := only.fails("readonly", "INSERT INTO t VALUES (2)"); codeOf(err) != lib.SQLITE_READONLY {
		t.Errorf("the code is %d", codeOf(err))
	}
	only.fails("read-only", "SELECT dolt_branch('more')")
	only.want("1", "SELECT count(*) FROM t")
}

// A row that cannot be read says why, and so does Ping.
func TestRowsFail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	a := openApp(t, "vdb", path)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
		"INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, printf('%0100d', i) FROM n")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := vdb.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	pool := sqlite.OpenDB(db, vdb.MainBranch)
	defer pool.Close()
	rows, err := pool.Query("SELECT * FROM t")
	if err != nil || !rows.Next() {
		t.Fatal("no row", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	n := 1
	for rows.Next() {
		n++
	}
	if err := rows.Err(); !errors.Is(err, vdb.ErrClosed) || codeOf(err)&0xff != lib.SQLITE_IOERR || n == 20000 {
		t.Errorf("after %d rows: %v", n, err)
	}
	if err := pool.Ping(); !errors.Is(err, vdb.ErrClosed) {
		t.Errorf("ping: %v", err)
	}
}

// Each error says what is wrong.
func TestBadDataSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vdb")
	openApp(t, "vdb", path).run("CREATE TABLE t(x)")
	for name, want := range map[string]string{
		"": "names no database", "file:": "names no database", "?branch=main": "names no database",
		path + "?branch=absent": "absent", path + "?rev=deadbeef": "deadbeef", path + "?rev=main~99": "main~99", path + "?branch=": "branch",
		path + "?mode=fast": "mode=fast", path + "?brunch=main": "brunch", path + "?vfs=unix": "vfs", path + "?cache=shared": "cache",
		path + "?chunk_cache=lots": "lots", path + "?branch=main&rev=v1": "one branch or revision", path + "?x=%zz": "%zz",
		path + "?_txlock=maybe": "maybe", "/dev/null/x.vdb": "/dev/null/x.vdb",
	} {
		db, err := sql.Open("vdb", name)
		if err == nil {
			err = db.Ping()
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want an error with %q", name, err, want)
		}
	}
	if err := sqlite.OpenDB(newApp(t).below, "absent").Ping(); err == nil || !strings.Contains(err.Error(), "absent") || !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("OpenDB on a branch that is not there: %v", err)
	}
}

// SQL and the typed API see each other's transactions at once.
func TestBeside(t *testing.T) {
	type Account struct {
		ID    int64  `vdb:"id,pk"`
		Name  string `vdb:"name,index"`
		Cents int64  `vdb:"cents"`
	}
	typed := vdb.MustTable[Account]("accounts")
	a := newApp(t)
	main := mainOf(a)
	if err := main.Update(t.Context(), func(tx *vdb.Tx) error {
		return errors.Join(typed.Create(tx), typed.Put(tx, Account{1, "Ann", 100}))
	}); err != nil {
		t.Fatal(err)
	}
	a.want("1|Ann|100", "SELECT * FROM accounts")
	for i := int64(2); i < 12; i++ {
		a.exec("INSERT INTO accounts VALUES (?, 'Bob', ?)", i, i)
		if err := main.Update(t.Context(), func(tx *vdb.Tx) error {
			row, err := typed.Get(tx, i)
			if err != nil {
				return err
			}
			row.Cents *= 2
			return typed.Put(tx, row)
		}); err != nil {
			t.Fatal(err)
		}
		a.want(fmt.Sprint(2*i), "SELECT cents FROM accounts WHERE id = ?", i)
		a.want(fmt.Sprint(i-1), "SELECT count(*) FROM accounts INDEXED BY accounts_name WHERE name = 'Bob'")
	}
	a.run("ALTER TABLE accounts ADD COLUMN note TEXT DEFAULT 'none'", "CREATE TABLE more(id INTEGER PRIMARY KEY, t TEXT)", "INSERT INTO more VALUES (1, 'x')")
	if err := main.View(t.Context(), func(s *vdb.Snapshot) error {
		row, err := s.Get("more", 1)
		if err == nil && row[1].Text() != "x" {
			err = fmt.Errorf("the row is %v", row)
		}
		return errors.Join(err, typed.Check(s))
	}); err != nil {
		t.Error(err)
	}
	if err := main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.DropTable("more") }); err != nil {
		t.Fatal(err)
	}
	a.fails("no such table: more", "SELECT * FROM more")
	a.want("none", "SELECT DISTINCT note FROM accounts")
}

// Writers of both kinds at once lose none of each other's transactions.
func TestMoneyConserved(t *testing.T) {
	const accounts, writers, each, cents = 8, 6, 25, 1000
	a := newApp(t)
	a.run("CREATE TABLE accounts(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL)", "CREATE TABLE log(writer INTEGER, n INTEGER, PRIMARY KEY(writer, n))")
	for i := range accounts {
		a.exec("INSERT INTO accounts VALUES (?, ?)", i, cents)
	}
	main := mainOf(a)
	var running sync.WaitGroup
	for w := range writers {
		move := func(n int) error { return moveTyped(t.Context(), main, w, n, n%accounts, (n+w)%accounts) }
		if w%2 == 0 {
			move = func(n int) error {
				return retried(func() error { return moveSQL(t.Context(), a.DB, w, n, n%accounts, (n+w)%accounts) })
			}
		}
		running.Go(func() {
			for n := range each {
				if err := move(n); err != nil {
					t.Errorf("writer %d, transfer %d: %v", w, n, err)
					return
				}
			}
		})
	}
	running.Wait()
	a.want(fmt.Sprint(accounts*cents), "SELECT sum(cents) FROM accounts")
	a.want(fmt.Sprint(writers*each), "SELECT count(*) FROM log")
	moved := func(account string) string {
		return fmt.Sprintf("coalesce((SELECT sum(1 + n) FROM log WHERE (%s) %% %d = a.id AND n %% %d <> (n + writer) %% %d), 0)", account, accounts, accounts, accounts)
	}
	a.want("", fmt.Sprintf("SELECT id FROM accounts AS a WHERE cents <> %d - %s + %s", cents, moved("n"), moved("n + writer")))
	a.want("ok", "PRAGMA integrity_check")
}

func moveSQL(ctx context.Context, db *sql.DB, writer, n, from, to int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, id := range []int{from, to} {
		var have int
		if err := tx.QueryRowContext(ctx, "SELECT cents FROM accounts WHERE id = ?", id).Scan(&have); err != nil {
			return err
		}
		change := 1 + n
		if id == from {
			change = -change
		}
		if from == to {
			change = 0
		}
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET cents = ? WHERE id = ?", have+change, id); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO log VALUES (?, ?)", writer, n); err != nil {
		return err
	}
	return tx.Commit()
}

func moveTyped(ctx context.Context, main *vdb.Branch, writer, n, from, to int) error {
	return main.Update(ctx, func(tx *vdb.Tx) error {
		for id, change := range map[int]int64{from: -int64(1 + n), to: int64(1 + n)} {
			if from == to {
				break
			}
			row, err := tx.Get("accounts", id)
			if err != nil {
				return err
			}
			if err := tx.Put("accounts", vdb.Row{row[0], vdb.Int(row[1].Int() + change)}); err != nil {
				return err
			}
		}
		return tx.Insert("log", vdb.Row{vdb.Int(int64(writer)), vdb.Int(int64(n))})
	})
}
