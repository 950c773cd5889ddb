package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	lib "modernc.org/sqlite/lib"
)

// newDriverBench is a bench whose connection is the driver's.
func newDriverBench(t *testing.T) *tabBench {
	t.Helper()
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &tabBench{TB: t, db: db}
	b.main, err = db.Branch(t.Context(), "main")
	b.check(err)
	pool := OpenDB(db, "main")
	t.Cleanup(func() { pool.Close() })
	b.conn, err = pool.Conn(t.Context())
	b.check(err)
	t.Cleanup(func() { b.conn.Close() })
	return b
}

// run executes statements one after the other.
func (b *tabBench) run(statements ...string) {
	b.Helper()
	for _, s := range statements {
		if _, err := b.try(s); err != nil {
			b.Fatalf("%s: %v", s, err)
		}
	}
}

// TestTablesThroughDriver has a day's work done in SQL alone.
func TestTablesThroughDriver(t *testing.T) {
	b := newDriverBench(t)
	b.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT AS (v || '!'))", "INSERT INTO t VALUES (1, 'a'), (2, 'b')", "SELECT dolt_commit('-Am', 'one')",
		"UPDATE t SET v = 'B' WHERE id = 2", "DELETE FROM t WHERE id = 1")
	b.want("SELECT staged, diff_type, coalesce(to_id, from_id) FROM dolt_workspace_t", nil, "0|removed|1", "0|modified|2")
	b.run("UPDATE dolt_workspace_t SET staged = 1 WHERE to_id = 2", "SELECT dolt_commit('-m', 'two')", "DELETE FROM dolt_workspace_t")
	b.want("SELECT id, v, w FROM t", nil, "1|a|a!", "2|B|B!")
	b.want("SELECT to_id, from_v, to_v FROM dolt_diff_t WHERE to_commit = dolt_hashof('HEAD')", nil, "2|b|B")
	b.want("SELECT t.id, o.v FROM t JOIN dolt_at_t('HEAD~') o USING (id) WHERE o.v <> t.v", nil, "2|b")
	b.want("SELECT count(*) FROM dolt_history_t WHERE id = 2", nil, "2")
	b.want("SELECT id, message FROM dolt_blame_t", nil, "1|one", "2|two")
}

// TestConflictsThroughDriver settles a merge in SQL, in a transaction and out of one.
func TestConflictsThroughDriver(t *testing.T) {
	b := newDriverBench(t)
	b.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')", "SELECT dolt_commit('-Am', 'base')",
		"SELECT dolt_checkout('-b', 'side')", "UPDATE t SET v = 'side'", "SELECT dolt_commit('-am', 'side')",
		"SELECT dolt_checkout('main')", "UPDATE t SET v = 'main'", "SELECT dolt_commit('-am', 'main')")
	b.refuses("SELECT dolt_merge('side')", "conflict", "nothing was changed", "BEGIN")
	b.want("SELECT count(*) FROM dolt_conflicts", nil, "0")
	b.run("SELECT dolt_config('dolt_allow_commit_conflicts', 1)")
	b.refuses("SELECT dolt_merge('side')", "conflict", "in progress now")
	b.run("UPDATE dolt_conflicts_t SET our_v = their_v WHERE our_id = 1")
	b.want("SELECT v FROM t", nil, "side", "main")
	b.run("BEGIN", "UPDATE t SET v = 'both' WHERE id = 2")
	b.run("UPDATE dolt_conflicts_t SET our_v = 'x' WHERE our_id = 1", "DELETE FROM dolt_conflicts_t WHERE our_id = 2", "ROLLBACK")
	b.want("SELECT our_id, our_v FROM dolt_conflicts_t", nil, "1|x")
	b.run("BEGIN", "DELETE FROM dolt_conflicts_t", "SELECT dolt_commit('-am', 'merged')", "COMMIT")
	b.want("SELECT id, v FROM t", nil, "1|x", "2|both")
	if head, err := b.main.Head(t.Context()); err != nil || len(head.Parents) != 2 {
		t.Errorf("the merge's commit: %+v, %v", head, err)
	}
}

// TestConflictOfCheckedTable leaves rows that only SQL can check to SQL.
func TestConflictOfCheckedTable(t *testing.T) {
	b := newDriverBench(t)
	b.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> ''))", "INSERT INTO t VALUES (1, 'a')", "SELECT dolt_commit('-Am', 'base')",
		"SELECT dolt_checkout('-b', 'side')", "UPDATE t SET v = 'side'", "SELECT dolt_commit('-am', 'side')",
		"SELECT dolt_checkout('main')", "UPDATE t SET v = 'main'", "SELECT dolt_commit('-am', 'main')")
	b.refuses("SELECT dolt_merge('side')", "conflict", "nothing was changed", "BEGIN")
	b.want("SELECT count(*) FROM dolt_conflicts", nil, "0")
	b.run("SELECT dolt_config('dolt_allow_commit_conflicts', 1)")
	b.refuses("SELECT dolt_merge('side')", "conflict", "in progress now")
	if err := b.exec("UPDATE dolt_conflicts_t SET our_v = their_v"); err != nil {
		b.refuses("UPDATE dolt_conflicts_t SET our_v = their_v", "write to table t itself")
		b.run("UPDATE t SET v = 'side'")
	}
	b.want("SELECT our_v FROM dolt_conflicts_t", nil, "side")
	b.run("DELETE FROM dolt_conflicts_t", "SELECT dolt_commit('-am', 'merged')")
	b.want("SELECT v FROM t", nil, "side")
}

// TestOutdated tells when a system table has to be registered again.
func TestOutdated(t *testing.T) {
	b, _ := customers(t)
	for i, c := range perTable() {
		table := c.make(b.s, "t")
		if tabOutdated(table) {
			t.Errorf("%st is outdated before it was used", c.prefix)
		}
		_, err := table.Columns()
		b.check(err)
		b.update("main", func(tx *vdb.Tx) error { return put("u", rowOf(i))(tx) })
		if tabOutdated(table) {
			t.Errorf("%st is outdated by a row", c.prefix)
		}
		b.update("main", func(tx *vdb.Tx) error { return tx.AddColumn("t", column("more_"+c.prefix)) })
		if !tabOutdated(table) {
			t.Errorf("%st is not outdated by a column", c.prefix)
		}
	}
}

// TestAtIsTheTableOfThen has dolt_at_t with the columns, types and indexes that the
// table had then, which the virtual table's union of columns has not.
func TestAtIsTheTableOfThen(t *testing.T) {
	b := newDriverBench(t)
	b.run("CREATE TABLE t (id INTEGER PRIMARY KEY, ref TEXT, v TEXT)", "CREATE INDEX byV ON t(v)",
		"INSERT INTO t VALUES (1, 'r', '10'), (2, 's', '9')", "SELECT dolt_commit('-Am', 'one')",
		"DROP INDEX byV", "ALTER TABLE t DROP COLUMN v", "ALTER TABLE t ADD COLUMN v INTEGER DEFAULT 7", "ALTER TABLE t ADD COLUMN \"commit\" TEXT",
		"SELECT dolt_commit('-Am', 'two')", "ALTER TABLE t RENAME TO u", "INSERT INTO u VALUES (3, 'w', 1, 'c')")
	b.want("SELECT * FROM dolt_at_t('HEAD~') ORDER BY id", nil, "1|r|10", "2|s|9")
	b.want("SELECT typeof(v), typeof(dolt_at_t.id) FROM dolt_at_t(?) WHERE v < '2' AND id = ?", []any{"HEAD~", 1}, "text|integer")
	b.want("SELECT a.ref, a.\"commit\", a.v FROM dolt_at_u('HEAD') a WHERE ref = 'r'", nil, "r|-|7")
	b.want("SELECT * FROM dolt_at_u('WORKING') WHERE id = 3", nil, "3|w|1|c")
	if plan := b.query("EXPLAIN QUERY PLAN SELECT id FROM dolt_at_t('HEAD~') WHERE v = '9'"); len(plan) != 1 || !strings.Contains(plan[0], "byV") {
		t.Errorf("the index of then is not used: %q", plan)
	}
	b.want("SELECT c.message, a.id FROM dolt_log c, dolt_at_t(c.commit_hash) a WHERE c.message <> 'Create database' AND a.id = 1 ORDER BY 1", nil, "one|1", "two|1")
	b.refuses("SELECT * FROM dolt_at_t('nowhere')", "dolt_at_t('nowhere')", "nowhere")
	b.refuses("SELECT * FROM dolt_at_none('HEAD')", "none")
}

// TestAtOfManyVersions reads more versions in one statement than SQLite can attach,
// and inside of a transaction.
func TestAtOfManyVersions(t *testing.T) {
	b := newDriverBench(t)
	b.run("CREATE TABLE t (id INTEGER PRIMARY KEY)", "SELECT dolt_commit('-Am', 'table')")
	var union []string
	var want []string
	for i := range 12 {
		b.run(fmt.Sprintf("INSERT INTO t VALUES (%d)", i), "SELECT dolt_commit('-am', 'row')")
		union = append(union, fmt.Sprintf("SELECT count(*) FROM dolt_at_t('HEAD~%d')", i))
		want = append(want, fmt.Sprint(12-i))
	}
	b.want(strings.Join(union, " UNION ALL "), nil, want...)
	b.run("BEGIN", "INSERT INTO t VALUES (100)")
	b.want("SELECT count(*) FROM dolt_at_t('WORKING')", nil, "13")
	for i := range union {
		b.want(union[i], nil, want[i])
	}
	b.run("COMMIT")
}

// TestErrorsOfSyntaxHaveCodes has SQLite's code on errors that SQLite did not make.
func TestErrorsOfSyntaxHaveCodes(t *testing.T) {
	b := newDriverBench(t)
	b.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
	for _, s := range []string{"SELECT * FROM t AS OF 'nowhere'", "SELECT * FROM t AS OF 'HEAD'", "DELETE FROM t AS OF 'HEAD'", "USE `db/nowhere`",
		"SELECT * FROM dolt_at_t('nowhere')", "CREATE VIEW v AS SELECT * FROM t AS OF 'HEAD'"} {
		_, err := b.try(s)
		var coded interface{ Code() int }
		if !errors.As(err, &coded) || coded.Code() != lib.SQLITE_ERROR {
			t.Errorf("%s: %v has no SQLITE_ERROR", s, err)
		}
	}
}
