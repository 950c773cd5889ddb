package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"

	_ "modernc.org/sqlite"
)

// tabBench is a database, and a plain connection that has its per-table system
// tables.
type tabBench struct {
	testing.TB
	db   *vdb.DB
	main *vdb.Branch
	s    *session
	conn *sql.Conn
	raw  module.Conn

	clock time.Time // of the last commit
}

// opening keeps tests from getting each other's connections.
var opening sync.Mutex

func newTabBench(t testing.TB) *tabBench { return newTabBenchIn(t, vdb.Memory) }

func newTabBenchIn(t testing.TB, dir string) *tabBench {
	t.Helper()
	db, err := vdb.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &tabBench{TB: t, db: db, clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), s: &session{db: db, branch: "main", revision: "main"}}
	if b.main, err = db.Branch(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	b.open()
	return b
}

func (b *tabBench) open() {
	opening.Lock()
	defer opening.Unlock()
	stop, err := module.OnOpen(func(c module.Conn, _ string) error {
		b.raw = c
		return nil
	})
	b.check(err)
	defer stop()
	plain, err := sql.Open("sqlite", ":memory:")
	b.check(err)
	b.Cleanup(func() { plain.Close() })
	b.conn, err = plain.Conn(b.Context())
	b.check(err)
	b.Cleanup(func() { b.conn.Close() })
}

func (b *tabBench) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// register registers all system tables of some tables, which they follow as they
// are now.
func (b *tabBench) register(tables ...string) {
	b.Helper()
	for _, table := range tables {
		for _, c := range perTable() {
			b.check(b.raw.Table(c.prefix+table, c.make(b.s, table)))
		}
	}
}

func (b *tabBench) update(branch string, fn func(*vdb.Tx) error) {
	b.Helper()
	br, err := b.db.Branch(b.Context(), branch)
	b.check(err)
	b.check(br.Update(b.Context(), fn))
}

func (b *tabBench) commit(branch, text string) *vdb.Commit {
	b.Helper()
	br, err := b.db.Branch(b.Context(), branch)
	b.check(err)
	b.clock = b.clock.Add(time.Minute)
	c, err := br.Commit(b.Context(), vdb.Message{Author: "Billing <billing@example.com>", Text: text, Time: b.clock, AllowEmpty: true})
	b.check(err)
	return c
}

func (b *tabBench) exec(query string, args ...any) error {
	_, err := b.conn.ExecContext(b.Context(), query, args...)
	return err
}

// query returns rows as text, their values between bars.
func (b *tabBench) query(query string, args ...any) []string {
	b.Helper()
	found, err := b.try(query, args...)
	if err != nil {
		b.Fatalf("%s: %v", query, err)
	}
	return found
}

func (b *tabBench) try(query string, args ...any) ([]string, error) {
	return queryTexts(b.Context(), b.conn, "-", query, args...)
}

// queryTexts returns the rows of a query, the values of each separated by |, with a
// word for NULL.
func queryTexts(ctx context.Context, conn *sql.Conn, null, query string, args ...any) (found []string, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range into {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			if texts[i] = fmt.Sprint(v); v == nil {
				texts[i] = null
			}
		}
		found = append(found, strings.Join(texts, "|"))
	}
	return found, rows.Err()
}

// want compares the rows of a query with those expected.
func (b *tabBench) want(query string, args []any, want ...string) {
	b.Helper()
	if got := b.query(query, args...); !slices.Equal(got, want) {
		b.Errorf("%s %v:\n%s\nwant\n%s", query, args, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// refuses checks that a query fails, with all of some words in its message.
func (b *tabBench) refuses(query string, words ...string) {
	b.Helper()
	_, err := b.try(query)
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			b.Errorf("%s: %v, want %q in it", query, err, word)
		}
	}
}

// columnsOf lists the columns that SELECT * has.
func (b *tabBench) columnsOf(from string) string {
	b.Helper()
	rows, err := b.conn.QueryContext(b.Context(), "SELECT * FROM "+from)
	b.check(err)
	defer rows.Close()
	columns, err := rows.Columns()
	b.check(err)
	return strings.Join(columns, " ")
}

// column describes one of a table, as in "name TEXT".
func column(text string) vdb.Column {
	name, typ, _ := strings.Cut(text, " ")
	return vdb.Column{Name: name, Type: typ}
}

// tableOf describes a table whose first columns are its primary key.
func tableOf(name string, keys int, columns ...string) vdb.Schema {
	s := vdb.Schema{Name: name}
	for i, text := range columns {
		s.Columns = append(s.Columns, column(text))
		if i < keys {
			s.PrimaryKey = append(s.PrimaryKey, s.Columns[i].Name)
		}
	}
	return s
}

func rowOf(values ...any) vdb.Row {
	row := make(vdb.Row, len(values))
	for i, v := range values {
		var err error
		if row[i], err = vdb.ValueOf(v); err != nil {
			panic(err)
		}
	}
	return row
}

// put returns what puts rows into a table.
func put(table string, rows ...vdb.Row) func(*vdb.Tx) error {
	return func(tx *vdb.Tx) error {
		var errs []error
		for _, row := range rows {
			errs = append(errs, tx.Put(table, row))
		}
		return errors.Join(errs...)
	}
}

// customers is a bench with four commits on main, one of which added a column, and
// an uncommitted change.
func customers(t testing.TB) (b *tabBench, commits []*vdb.Commit) {
	b = newTabBench(t)
	step := func(text string, fns ...func(*vdb.Tx) error) {
		t.Helper()
		b.update("main", func(tx *vdb.Tx) error {
			for _, fn := range fns {
				if err := fn(tx); err != nil {
					return err
				}
			}
			return nil
		})
		commits = append(commits, b.commit("main", text))
	}
	step("two", func(tx *vdb.Tx) error { return tx.CreateTable(tableOf("t", 1, "id INTEGER", "name TEXT")) },
		put("t", rowOf(1, "a"), rowOf(2, "b")))
	step("other", func(tx *vdb.Tx) error { return tx.CreateTable(tableOf("u", 1, "id INTEGER")) })
	step("renamed", func(tx *vdb.Tx) error {
		return errors.Join(tx.RenameColumn("t", "name", "label"), tx.AddColumn("t", column("size INTEGER")))
	}, put("t", rowOf(1, "A", 10)))
	step("deleted", func(tx *vdb.Tx) error { return tx.Delete("t", 2) }, put("t", rowOf(3, "c", 30)))
	b.update("main", put("t", rowOf(3, "C", 31)))
	b.register("t", "u")
	return b, commits
}

// TestTablesOfNoTable names the table that is missing.
func TestTablesOfNoTable(t *testing.T) {
	b := newTabBench(t)
	b.register("nothing")
	for _, c := range perTable() {
		b.refuses("SELECT * FROM "+c.prefix+"nothing", "no such table: nothing")
	}
}

// TestTablesAtRevision reads history on a connection that is on no branch.
func TestTablesAtRevision(t *testing.T) {
	b, commits := customers(t)
	b.s.branch, b.s.revision = "", commits[2].Hash.String()
	b.register("t")
	b.want("SELECT to_commit = ?, to_id, from_label FROM dolt_diff_t", []any{commits[2].Hash.String()},
		"1|1|a", "0|1|-", "0|2|-")
	b.want("SELECT count(*) FROM dolt_history_t", nil, "6")
	b.want("SELECT id, message FROM dolt_blame_t", nil, "1|renamed", "2|two")
	b.want("SELECT to_id FROM dolt_diff_t('HEAD~2', 'HEAD')", nil, "1")
	b.want("SELECT count(*) FROM dolt_workspace_t", nil, "0")
	b.refuses("SELECT * FROM dolt_diff_t('HEAD', 'WORKING')", "WORKING", "no working set")
	if err := b.exec("UPDATE dolt_workspace_t SET staged = 1"); err != nil {
		t.Errorf("an update of no rows: %v", err)
	}
}

// TestTablesFollowTheirTable takes over a changed schema when it is registered again.
func TestTablesFollowTheirTable(t *testing.T) {
	b, _ := customers(t)
	if got := b.columnsOf("dolt_history_t"); got != "id label size commit_hash committer commit_date" {
		t.Errorf("columns: %s", got)
	}
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.RenameTable("t", "clients"), tx.DropColumn("clients", "size"))
	})
	b.register("clients")
	if got := b.columnsOf("dolt_history_clients"); got != "id label commit_hash committer commit_date" {
		t.Errorf("columns: %s", got)
	}
	b.want("SELECT id, label FROM dolt_history_clients WHERE id = 1", nil, "1|A", "1|A", "1|a", "1|a")
	b.want("SELECT message FROM dolt_blame_clients", nil, "renamed", "deleted")
	b.want("SELECT id, label FROM dolt_at_clients('HEAD~3')", nil, "1|-", "2|-")
	b.want("SELECT id, name FROM dolt_at_clients('HEAD~3')", nil, "1|a", "2|b")
}

// TestDroppedTable still has its history.
func TestDroppedTable(t *testing.T) {
	b, _ := customers(t)
	b.update("main", func(tx *vdb.Tx) error { return tx.DropTable("t") })
	b.commit("main", "dropped")
	b.register("t")
	b.want("SELECT from_id FROM dolt_diff_t WHERE diff_type = 'removed'", nil, "1", "3", "2")
	b.want("SELECT count(*) FROM dolt_history_t", nil, "8")
	b.want("SELECT count(*) FROM dolt_blame_t", nil, "0")
}

// TestOddNames reads columns whose names collide with those of the system tables.
func TestOddNames(t *testing.T) {
	b := newTabBench(t)
	table := `odd "table"`
	columns := []string{"ref", "commit", "from_x", "x", `q"t`, "commit_hash", "diff_type", "commit_ref", "violation_type", "to", "commit_1"}
	schema := tableOf(table, 1)
	for _, name := range columns {
		schema.Columns = append(schema.Columns, vdb.Column{Name: name, Type: "TEXT"})
	}
	schema.PrimaryKey = []string{"commit"}
	row := make([]any, len(columns))
	for i, name := range columns {
		row[i] = "a " + name
	}
	b.update("main", func(tx *vdb.Tx) error { return errors.Join(tx.CreateTable(schema), tx.Put(table, rowOf(row...))) })
	c := b.commit("main", "odd")
	b.register(table)
	quoted := `"dolt_%s_odd ""table"""`
	b.want("SELECT to_ref, to_commit = ?, to_commit_2, to_commit_1, to_from_x, \"to_q\"\"t\", to_to, from_to FROM "+fmt.Sprintf(quoted, "diff"),
		[]any{c.Hash.String()}, "a ref|1|a commit|a commit_1|a from_x|a q\"t|a to|-")
	b.want("SELECT commit_hash = ?, commit_hash_1, \"commit\", ref FROM "+fmt.Sprintf(quoted, "history"), []any{c.Hash.String()}, "1|a commit_hash|a commit|a ref")
	b.want("SELECT ref, commit_ref, \"q\"\"t\" FROM "+fmt.Sprintf(quoted, "at")+"('main')", nil, "a ref|a commit_ref|a q\"t")
	b.want("SELECT commit_1, \"commit\" = ?, message FROM "+fmt.Sprintf(quoted, "blame"), []any{c.Hash.String()}, "a commit|1|odd")
	b.want("SELECT to_ref FROM "+fmt.Sprintf(quoted, "diff")+" WHERE to_commit_2 = 'a commit'", nil, "a ref")
	for _, kind := range []string{"conflicts", "constraint_violations", "workspace"} {
		b.want("SELECT count(*) FROM "+fmt.Sprintf(quoted, kind), nil, "0")
	}
}
