package sqlite

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// newSysDriverBench is a connection of the driver that has the system tables.
func newSysDriverBench(t testing.TB) *sysBench {
	t.Helper()
	b := newSysBench(t)
	pool := OpenDB(b.db, "main")
	t.Cleanup(func() { pool.Close() })
	var err error
	b.conn, err = pool.Conn(t.Context())
	b.check(err)
	t.Cleanup(func() { b.conn.Close() })
	b.check(b.conn.Raw(func(inner any) error {
		c := inner.(*conn)
		b.s = c.session
		for name := range systemTables() {
			if _, made := userTables()[name]; made {
				continue
			}
			if err := c.registerTable(name, c.systemTable(name)); err != nil {
				return err
			}
		}
		return c.registerTable("dolt_query_diff", c.systemTable("dolt_query_diff"))
	}))
	return b
}

func (b *sysBench) exec(statements ...string) {
	b.Helper()
	for _, s := range statements {
		if _, err := b.conn.ExecContext(b.Context(), s); err != nil {
			b.Fatalf("%s: %v", s, err)
		}
	}
}

// TestSysObjects has views, triggers, checks and generated columns in all tables
// that tell of them.
func TestSysObjects(t *testing.T) {
	b := newSysDriverBench(t)
	b.exec("CREATE TABLE orders(id INTEGER PRIMARY KEY, cents INTEGER CHECK(cents >= 0), euros REAL AS (cents / 100.0))",
		"CREATE TABLE audit(at INTEGER PRIMARY KEY, what TEXT)",
		"INSERT INTO orders(id, cents) VALUES (1, 100), (2, 250)")
	b.want("audit|0|new table\norders|0|new table", "SELECT * FROM dolt_status ORDER BY 1")
	b.commit("tables")
	b.exec("CREATE VIEW dear AS SELECT id FROM orders WHERE cents > 200",
		"CREATE TRIGGER log AFTER UPDATE ON orders BEGIN INSERT INTO audit(what) VALUES ('order ' || new.id); END")
	b.want("view|dear\ntrigger|log", "SELECT type, name FROM dolt_schemas")
	b.want("dolt_schemas|0|new table", "SELECT * FROM dolt_status")
	b.want("|dolt_schemas|added|1|1", "SELECT * FROM dolt_diff_summary('HEAD', 'WORKING')")
	b.want("|dear|1\n|log|1", "SELECT from_table_name, to_table_name, to_create_statement LIKE 'CREATE %' FROM dolt_schema_diff('HEAD', 'WORKING')")
	b.commit("view and trigger")
	b.want("view and trigger|dolt_schemas", "SELECT message, table_name FROM dolt_diff WHERE table_name = 'dolt_schemas'")
	b.exec("UPDATE orders SET cents = 300 WHERE id = 1")
	b.commit("dearer")
	b.exec("DROP VIEW dear", "CREATE VIEW dear AS SELECT id FROM orders WHERE cents > 250", "ALTER TABLE orders ADD COLUMN note TEXT")
	b.commit("another view")
	b.exec("CREATE VIRTUAL TABLE docs USING fts5(body)", "INSERT INTO docs VALUES ('a bad day'), ('a good day')")
	b.commit("texts")
	b.exec("DELETE FROM docs WHERE rowid = 1", "INSERT INTO docs VALUES ('another day')")
	b.commit("other texts")
	b.exec("DROP TABLE docs", "CREATE VIRTUAL TABLE docs USING fts5(title, body)", "INSERT INTO docs VALUES ('one', 'day')")
	b.commit("titles")
	revs := b.query("SELECT commit_hash FROM dolt_log ORDER BY commit_order")
	for i, from := range revs {
		for j, to := range revs {
			got, want := plainSQLite(t), plainSQLite(t)
			b.patch(want, revs[0], to)
			b.patch(got, revs[0], from)
			b.patch(got, from, to)
			if got, want := dump(t, got), dump(t, want); got != want {
				t.Fatalf("the patch from %d to %d leads to\n%s\nwant\n%s", i, j, got, want)
			}
		}
	}
	b.want(`{"id":1,"cents":100}|{"id":1,"cents":300}|modified`, `SELECT * FROM dolt_query_diff(
		'SELECT id, cents FROM orders AS OF ''HEAD~5''', 'SELECT id, cents FROM orders')`)
	b.fails("is no query", "SELECT * FROM dolt_query_diff('DELETE FROM orders', 'SELECT 1')")
	b.fails("is no query", "SELECT * FROM dolt_query_diff('SELECT 1; DELETE FROM orders', 'SELECT 1')")
	b.want("", "SELECT * FROM dolt_query_diff('SELECT 1; -- one', 'SELECT 1')")
	b.fails("dolt_commit: it changes something", "SELECT * FROM dolt_query_diff('SELECT dolt_commit(''-am'', ''in secret'')', 'SELECT 1')")
	b.exec("CREATE VIEW later AS SELECT 1 UNION ALL SELECT to_row FROM dolt_query_diff('SELECT * FROM later', 'SELECT 1')")
	b.fails("cannot compare others", "SELECT * FROM later")
	b.exec("DROP VIEW later")
	b.exec("CREATE VIEW itself AS SELECT * FROM dolt_query_diff('SELECT * FROM itself', 'SELECT 1')")
	b.fails("cannot compare others", "SELECT * FROM itself")
}

// TestSysPatchRules has patches that lead to rules which rows of the old version break, in a
// database that has a table of the name that a copy would get.
func TestSysPatchRules(t *testing.T) {
	b := newSysDriverBench(t)
	b.exec("CREATE TABLE orders(id INTEGER PRIMARY KEY, code TEXT, cents INTEGER CHECK(cents > -9))", "CREATE TABLE orders_patched(x)",
		"CREATE TABLE marks(name)", "INSERT INTO marks VALUES ('a'), ('b'), ('c')", "DELETE FROM marks WHERE name = 'b'",
		"INSERT INTO orders VALUES (1, 'a', -1), (2, 'a', -2), (3, 'b', 3)")
	b.commit("loose")
	b.exec("DELETE FROM orders WHERE id = 1", "CREATE UNIQUE INDEX codes ON orders(code)")
	b.commit("unique")
	b.exec("UPDATE orders SET cents = 2 WHERE id = 2", "ALTER TABLE orders ADD COLUMN paid INTEGER CHECK(cents > 0)",
		"UPDATE orders SET paid = 1 WHERE id = 3", "ALTER TABLE orders RENAME code TO number")
	b.commit("checked")
	b.exec("DELETE FROM marks WHERE name = 'c'", "ALTER TABLE marks ADD COLUMN short CHECK(name < 'c')")
	b.commit("short marks")
	revs := b.query("SELECT commit_hash FROM dolt_log ORDER BY commit_order")
	for i, from := range revs {
		for j, to := range revs {
			got, want := plainSQLite(t), plainSQLite(t)
			b.patch(want, revs[0], to)
			b.patch(got, revs[0], from)
			b.patch(got, from, to)
			if got, want := dump(t, got), dump(t, want); got != want {
				t.Fatalf("the patch from %d to %d leads to\n%s\nwant\n%s", i, j, got, want)
			}
		}
	}
}

// TestSysPushdown reads no more than a condition asks for.
func TestSysPushdown(t *testing.T) {
	b := newSysBench(t)
	b.write(func(tx *vdb.Tx) error { return tx.CreateTable(benchSchemas[0]) })
	for i := range int64(30) {
		b.write(func(tx *vdb.Tx) error { return tx.Insert("accounts", account(i, "x", i)) })
		b.commit(fmt.Sprint("commit ", i))
		_, err := b.db.CreateBranch(t.Context(), fmt.Sprint("b", i), "HEAD")
		b.check(err)
	}
	yielded := 0
	for name, construct := range systemTables() {
		b.check(b.raw.Table(name, counting{construct(b.s).(*relation), &yielded}))
	}
	hash := b.query("SELECT dolt_hashof('HEAD~7')")[0]
	for query, most := range map[string]int{
		"SELECT * FROM dolt_log WHERE commit_hash = ?1":                                                            1,
		"SELECT * FROM dolt_commits WHERE commit_hash IN (?1, 'none')":                                             1,
		"SELECT * FROM dolt_commit_ancestors WHERE commit_hash = ?1":                                               1,
		"SELECT * FROM dolt_diff WHERE commit_hash = ?1":                                                           1,
		"SELECT * FROM dolt_column_diff WHERE commit_hash = ?1 AND table_name = 'accounts'":                        3,
		"SELECT * FROM dolt_branches WHERE name = 'b5' AND ?1 <> ''":                                               1,
		"SELECT * FROM dolt_branches b JOIN dolt_log l ON l.commit_hash = b.hash WHERE b.name = 'b5' AND ?1 <> ''": 2,
	} {
		yielded = 0
		if rows := b.query(query, hash); len(rows) == 0 || yielded == 0 || yielded > most {
			t.Errorf("%s: %d rows of %d that were read; want %d at most", query, len(rows), yielded, most)
		}
	}
}

// counting counts the rows that a table yields.
type counting struct {
	*relation
	n *int
}

// ScanColumns implements module.ColumnScanner.
func (c counting) ScanColumns(filters []module.Filter, used uint64) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range c.relation.ScanColumns(filters, used) {
			*c.n++
			if !yield(row, err) {
				return
			}
		}
	}
}

func TestSysSignature(t *testing.T) {
	for text, want := range map[string]string{
		"Support <support@bank.example>": "Support|support@bank.example", "Audit": "Audit|", "<a@b>": "|a@b", "": "|",
	} {
		name, mail := signature(text)
		if got := strings.Join([]string{name, mail}, "|"); got != want {
			t.Errorf("signature %q is %q, want %q", text, got, want)
		}
	}
}
