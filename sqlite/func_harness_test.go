package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
	_ "modernc.org/sqlite"
)

// bench is a database and a SQLite connection that has the functions.
type bench struct {
	t    *testing.T
	db   *vdb.DB
	s    *session
	conn *sql.Conn
	// settles are the SQL transactions that were settled and not resumed, and moves
	// how often the connection was told that it moved.
	settles, moves int
}

// newBench has tables accounts (ten rows) and notes (none), committed on main.
func newBench(t *testing.T) *bench {
	t.Helper()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	db, err := vdb.Open(t.Context(), vdb.Memory, &vdb.Options{Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db}
	b.connect()
	b.update(func(tx *vdb.Tx) error {
		for _, s := range benchSchemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		for i := range int64(10) {
			if err := tx.Insert("accounts", vdb.Row{vdb.Int(i), vdb.Text(fmt.Sprint("account ", i)), vdb.Int(10 * i)}); err != nil {
				return err
			}
		}
		return nil
	})
	b.want("0", "SELECT dolt_add('-A')")
	b.hash("SELECT dolt_commit('-m', 'tables')")
	return b
}

var benchSchemas = []vdb.Schema{
	{
		Name:       "accounts",
		Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "name", Type: "TEXT"}, {Name: "cents", Type: "INTEGER"}},
		PrimaryKey: []string{"id"},
	},
	{
		Name:        "notes",
		Columns:     []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "account", Type: "INTEGER"}, {Name: "note", Type: "TEXT"}},
		PrimaryKey:  []string{"id"},
		ForeignKeys: []vdb.ForeignKey{{Columns: []string{"account"}, Parent: "accounts"}},
	},
}

func (b *bench) connect() {
	b.t.Helper()
	b.s = &session{db: b.db, branch: vdb.MainBranch, revision: vdb.MainBranch, author: "Support <support@bank.example>"}
	b.s.settle = func(context.Context) (func() error, error) {
		b.settles++
		return func() error { b.settles--; return nil }, nil
	}
	b.s.moved = func() error { b.moves++; return nil }
	stop, err := module.OnOpen(func(c module.Conn, _ string) error { return registerFunctions(c, b.s) })
	if err != nil {
		b.t.Fatal(err)
	}
	defer stop()
	pool, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { pool.Close(); b.db.Close() })
	if b.conn, err = pool.Conn(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.conn.Close() })
}

// branch returns a branch by its name, empty for the session's.
func (b *bench) branch(name string) *vdb.Branch {
	b.t.Helper()
	if name == "" {
		name = b.s.branch
	}
	branch, err := b.db.Branch(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return branch
}

// update writes to the session's branch, as SQL would.
func (b *bench) update(fn func(tx *vdb.Tx) error) {
	b.t.Helper()
	if err := b.branch("").Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// put writes a row of accounts.
func (b *bench) put(id int64, name string) {
	b.t.Helper()
	b.update(func(tx *vdb.Tx) error { return tx.Put("accounts", vdb.Row{vdb.Int(id), vdb.Text(name), vdb.Int(0)}) })
}

// commitPut writes a row and commits it by SQL.
func (b *bench) commitPut(id int64, name, text string) string {
	b.t.Helper()
	b.put(id, name)
	return b.hash("SELECT dolt_commit('-am', ?)", text)
}

// table makes a table that is not committed.
func (b *bench) table(name string) {
	b.t.Helper()
	b.update(func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{Name: name, Columns: []vdb.Column{{Name: "x", Type: "TEXT"}}})
	})
}

// name returns the name of an account at a revision, or why there is none.
func (b *bench) name(rev string, id int64) string {
	b.t.Helper()
	s, err := b.branch("").AsOf(b.t.Context(), rev)
	if err != nil {
		b.t.Fatal(err)
	}
	row, err := s.Get("accounts", id)
	if err != nil {
		return "none"
	}
	return row[1].Text()
}

// query returns the only value that a statement yields.
func (b *bench) query(query string, args ...any) (string, error) {
	b.t.Helper()
	var v any
	err := b.conn.QueryRowContext(b.t.Context(), query, args...).Scan(&v)
	if b.settles != 0 {
		b.t.Errorf("%s: %d SQL transactions are not open again", query, b.settles)
	}
	if v == nil {
		return "NULL", err
	}
	return fmt.Sprint(v), err
}

func (b *bench) want(want, query string, args ...any) {
	b.t.Helper()
	if got, err := b.query(query, args...); err != nil || got != want {
		b.t.Errorf("%s = %s, %v; want %s", query, got, err, want)
	}
}

// hash returns the commit's hash that a statement yields.
func (b *bench) hash(query string, args ...any) string {
	b.t.Helper()
	got, err := b.query(query, args...)
	if err != nil || len(got) != 40 || strings.Trim(got, "0123456789abcdef") != "" {
		b.t.Fatalf("%s = %s, %v; want a hash", query, got, err)
	}
	return got
}

// fails wants an error that contains each of some words.
func (b *bench) fails(words []string, query string, args ...any) {
	b.t.Helper()
	got, err := b.query(query, args...)
	if err == nil {
		b.t.Errorf("%s = %s; want an error with %q", query, got, words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			b.t.Errorf("%s: error %q does not have %q", query, err, w)
		}
	}
}

// head returns the newest commit of the session's branch.
func (b *bench) head() *vdb.Commit {
	b.t.Helper()
	c, err := b.branch("").Head(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// changed names the tables that differ between two revisions.
func (b *bench) changed(from, to string) string {
	b.t.Helper()
	var names []string
	for c, err := range b.branch("").Diff(b.t.Context(), from, to).Tables() {
		if err != nil {
			b.t.Fatal(err)
		}
		names = append(names, c.Name())
	}
	return strings.Join(names, " ")
}

func (b *bench) wantChanged(staged, working string) {
	b.t.Helper()
	if s, w := b.changed("HEAD", "STAGED"), b.changed("STAGED", "WORKING"); s != staged || w != working {
		b.t.Errorf("staged %q, not staged %q; want %q and %q", s, w, staged, working)
	}
}
