package sqlite

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// console runs statements on one connection of the driver, as an operator types
// them.
type console struct {
	t     *testing.T
	store *vdb.DB
	db    *sql.DB
	conn  *sql.Conn
}

func newConsole(t *testing.T) *console {
	t.Helper()
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, store: db, db: OpenDB(db, vdb.MainBranch)}
	t.Cleanup(func() { c.db.Close(); db.Close() })
	c.connect()
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func (c *console) connect() {
	c.t.Helper()
	var err error
	if c.conn, err = c.db.Conn(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// run runs statements that yield rows of one value, and those that yield none.
func (c *console) run(statements ...string) {
	c.t.Helper()
	for _, s := range statements {
		if _, err := c.rows(s); err != nil {
			c.t.Fatalf("%s: %v", s, err)
		}
	}
}

// rows returns a statement's rows, values separated by |.
func (c *console) rows(statement string) (string, error) {
	lines, err := queryTexts(c.t.Context(), c.conn, "<nil>", statement)
	return strings.Join(lines, "\n"), err
}

func (c *console) want(want, statement string) {
	c.t.Helper()
	if got, err := c.rows(statement); err != nil || got != want {
		c.t.Errorf("%s:\n%s\n%v\nwant\n%s", statement, got, err, want)
	}
}

func (c *console) fails(word, statement string) {
	c.t.Helper()
	if got, err := c.rows(statement); err == nil || !strings.Contains(err.Error(), word) {
		c.t.Errorf("%s: %s, %v; want an error with %q", statement, got, err, word)
	}
}

func TestFunctionsThroughDriver(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO t VALUES (1, 'one'), (2, 'two')",
		"SELECT dolt_commit('-Am', 'two rows')", "SELECT dolt_checkout('-b', 'work')", "UPDATE t SET name = 'eins' WHERE id = 1")
	c.want("eins", "SELECT name FROM t WHERE id = 1")
	c.run("SELECT dolt_checkout('main')")
	c.want("one", "SELECT name FROM t WHERE id = 1")
	c.run("UPDATE t SET name = 'zwei' WHERE id = 2", "SELECT dolt_commit('-am', 'two')", "SELECT dolt_checkout('work')",
		"SELECT dolt_commit('-am', 'one')", "SELECT dolt_checkout('main')", "SELECT dolt_merge('work')")
	c.want("1|eins\n2|zwei", "SELECT * FROM t")
	c.run("SELECT dolt_reset('--hard', 'HEAD~')")
	c.want("1|one\n2|zwei", "SELECT * FROM t")
	c.run("SELECT dolt_revert('HEAD')")
	c.want("1|one\n2|two", "SELECT * FROM t")
	c.run("DELETE FROM t")
	c.want(`{"rows":{"t":{"added":1,"deleted":0,"modified":0}}}`, "SELECT dolt_restore('t', 'HEAD', 2)")
	c.want("2|two", "SELECT * FROM t")
	c.run("SELECT dolt_checkout('t')")
	c.want("1|one\n2|two", "SELECT * FROM t")
	c.want("ok", "PRAGMA integrity_check")
}

// A verb commits what the transaction has written, and goes on in a new one.
func TestFunctionsInTransaction(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)", "SELECT dolt_commit('-Am', 'empty')",
		"BEGIN", "INSERT INTO t VALUES (1, 'one')", "SELECT dolt_commit('-am', 'one')", "INSERT INTO t VALUES (2, 'two')", "ROLLBACK")
	c.want("1|one", "SELECT * FROM t")
	c.run("BEGIN", "INSERT INTO t VALUES (3, 'three')", "SELECT dolt_checkout('-b', 'work')", "INSERT INTO t VALUES (4, 'four')", "COMMIT")
	c.want("1|one\n4|four", "SELECT * FROM t")
	c.run("SELECT dolt_checkout('main')")
	c.want("1|one\n3|three", "SELECT * FROM t")
	c.run("BEGIN", "DELETE FROM t WHERE id = 3", "SELECT dolt_reset('--hard')")
	c.want("1|one", "SELECT * FROM t")
	c.run("COMMIT")
	c.fails("nothing to commit", "SELECT dolt_commit('-Am', 'nothing')")
	c.run("BEGIN", "INSERT INTO t VALUES (5, 'five')")
	c.fails("not found", "SELECT dolt_merge('nope')")
	c.fails("unknown flag", "SELECT dolt_commit('--nope')")
	c.run("INSERT INTO t VALUES (6, 'six')", "COMMIT")
	c.want("1|one\n5|five\n6|six", "SELECT * FROM t")
}

// After a verb statements are compiled by the schema that it has left, in a transaction too,
// and where a text has several.
func TestSchemaAfterVerb(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)", "SELECT dolt_commit('-Am', 'empty')", "SELECT dolt_branch('work')",
		"ALTER TABLE t DROP COLUMN name", "SELECT dolt_reset('--hard')", "INSERT INTO t VALUES (1, 'one')",
		"CREATE INDEX names ON t(name)", "SELECT dolt_reset('--hard')", "CREATE INDEX names ON t(name)",
		"ALTER TABLE t ADD COLUMN n", "SELECT dolt_checkout('work')", "ALTER TABLE t ADD COLUMN n",
		"BEGIN", "SELECT dolt_reset('--hard')", "INSERT INTO t VALUES (2, 'two')", "COMMIT",
		"ALTER TABLE t ADD COLUMN n", "USE main", "USE work; SELECT dolt_reset('--hard'); INSERT INTO t VALUES (3, 'three')")
	c.want("3|three", "SELECT * FROM t")
}

func TestRebaseThroughDriver(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)", "SELECT dolt_commit('-Am', 'empty')", "SELECT dolt_checkout('-b', 'work')",
		"INSERT INTO t VALUES (1, 'on')", "SELECT dolt_commit('-am', 'first')", "UPDATE t SET name = 'one'", "SELECT dolt_commit('-am', 'typo')",
		"INSERT INTO t VALUES (2, 'two')", "SELECT dolt_commit('-am', 'secret')",
		"SELECT dolt_checkout('main')", "INSERT INTO t VALUES (3, 'three')", "SELECT dolt_commit('-am', 'third')", "SELECT dolt_checkout('work')",
		"SELECT dolt_rebase('-i', 'main')")
	c.want("pick|first\npick|typo\npick|secret", "SELECT action, commit_message FROM dolt_rebase ORDER BY rebase_order")
	c.run("UPDATE dolt_rebase SET action = 'fixup' WHERE commit_message = 'typo'", "UPDATE dolt_rebase SET action = 'edit' WHERE rebase_order = 3")
	c.fails(`"edit"`, "SELECT dolt_rebase('--continue')")
	c.run("UPDATE dolt_rebase SET action = 'drop' WHERE rebase_order = 3", "INSERT INTO t VALUES (4, 'lost')")
	c.fails("table t was changed on branch dolt_rebase_work", "SELECT dolt_rebase('--continue')")
	c.run("DELETE FROM t WHERE id = 4")
	c.want(rebased, "SELECT dolt_rebase('--continue')")
	c.want("work", "SELECT active_branch()")
	c.want("1|one\n3|three", "SELECT * FROM t")
	c.fails("no such table", "SELECT * FROM dolt_rebase")
}

// What a connection did to itself is undone when the next user gets it.
func TestCheckoutEndsWithPool(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY)", "SELECT dolt_commit('-Am', 'empty')", "SELECT dolt_checkout('-b', 'work')")
	c.db.SetMaxOpenConns(1)
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	c.connect()
	c.want("main", "SELECT active_branch()")
}

func TestMergeThroughDriver(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO t VALUES (1, 'one')", "SELECT dolt_commit('-Am', 'one')",
		"SELECT dolt_branch('work')", "UPDATE t SET name = 'ours'", "SELECT dolt_commit('-am', 'ours')",
		"SELECT dolt_checkout('work')", "UPDATE t SET name = 'theirs'", "SELECT dolt_commit('-am', 'theirs')", "SELECT dolt_checkout('main')")
	c.fails("nothing was changed", "SELECT dolt_merge('work')")
	c.want("0", "SELECT is_merging FROM dolt_merge_status")
	c.run("BEGIN")
	c.fails("1 conflict", "SELECT dolt_merge('work')")
	c.fails("conflicts remain", "SELECT dolt_commit('-am', 'too early')")
	c.want("ours", "SELECT name FROM t")
	c.run("SELECT dolt_conflicts_resolve('--theirs', 't')")
	c.want("theirs", "SELECT name FROM t")
	c.run("SELECT dolt_commit('-m', 'settled')")
	c.fails("1 conflict", "SELECT dolt_revert('HEAD~2')")
	c.run("SELECT dolt_revert('--abort')", "COMMIT")
	c.fails("nothing was changed", "SELECT dolt_revert('HEAD~2')")
	c.fails("nothing is in progress", "SELECT dolt_revert('--abort')")
	c.want("0", "SELECT dolt_config('dolt_allow_commit_conflicts')")
	c.fails("0 or 1", "SELECT dolt_config('dolt_allow_commit_conflicts', 'yes')")
	c.want("1|theirs", "SELECT * FROM t")
}

// Where rows break a rule and none is in conflict, no side can decide.
func TestViolationThroughDriver(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE)", "SELECT dolt_commit('-Am', 'empty')", "SELECT dolt_checkout('-b', 'work')",
		"INSERT INTO t VALUES (1, 'one')", "SELECT dolt_commit('-am', 'one')", "SELECT dolt_checkout('main')",
		"INSERT INTO t VALUES (2, 'one')", "SELECT dolt_commit('-am', 'one too')")
	_, err := c.rows("SELECT dolt_merge('work', '--ours')")
	if err == nil || !strings.Contains(err.Error(), "1 constraint violation") || strings.Contains(err.Error(), "--ours") {
		t.Error(err)
	}
}

// Triggers go with their table, and the tables of a virtual table with it.
func TestObjectsThroughDriver(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(x)", "SELECT dolt_commit('-Am', 't')")
	schema := "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema ORDER BY name)"
	sound := func(want string) {
		t.Helper()
		c.want(want, schema)
		c.want("ok", "PRAGMA integrity_check")
	}
	c.run("CREATE TABLE draft(x)", "CREATE TRIGGER on_draft AFTER INSERT ON draft BEGIN SELECT 1; END", "SELECT dolt_clean()")
	sound("t")
	c.run("CREATE TRIGGER on_t AFTER INSERT ON t BEGIN SELECT 1; END", "INSERT INTO t VALUES (1)", "SELECT dolt_checkout('t')")
	sound("t")
	c.run("CREATE VIEW v AS SELECT * FROM t", "SELECT dolt_add('v')", "SELECT dolt_commit('-m', 'v')", "DROP VIEW v", "SELECT dolt_checkout('v')")
	sound("t v")

	c.run("CREATE VIRTUAL TABLE f USING fts5(a)", "INSERT INTO f VALUES ('hello world')", "CREATE TABLE more(x)", "SELECT dolt_add('more')",
		"SELECT dolt_commit('-m', 'more')", "SELECT dolt_clean('f')")
	sound("more t v")
	c.run("CREATE VIRTUAL TABLE f USING fts5(a)", "INSERT INTO f VALUES ('hello world')", "SELECT dolt_add('f')", "SELECT dolt_clean()",
		"SELECT dolt_commit('-m', 'f')", "DELETE FROM f", "SELECT dolt_checkout('f')")
	sound("f f_config f_content f_data f_docsize f_idx more t v")
	c.want("hello world", "SELECT * FROM f WHERE f MATCH 'world'")
	c.run("CREATE TABLE dolt_ignore(pattern TEXT NOT NULL, ignored TINYINT NOT NULL, PRIMARY KEY(pattern))", "INSERT INTO dolt_ignore VALUES ('g', 1)",
		"CREATE VIRTUAL TABLE g USING fts5(a)", "SELECT dolt_commit('-Am', 'not g')", "SELECT dolt_clean('-x')")
	sound("dolt_ignore f f_config f_content f_data f_docsize f_idx more t v")
}

// Statements are compiled by the schema as it is, whoever has changed it.
func TestOthersAlter(t *testing.T) {
	c := newConsole(t)
	other := *c
	other.connect()
	t.Cleanup(func() { other.conn.Close() })
	c.run("CREATE TABLE t(a)", "CREATE TABLE log(a)")
	values := "1"
	for i, statement := range []string{
		"INSERT INTO t VALUES(%s)", "INSERT INTO t VALUES(%s) RETURNING a", "SELECT * FROM t UNION ALL SELECT %s",
		"INSERT INTO log VALUES (0); INSERT INTO t VALUES(%s)", "prepared: INSERT INTO t VALUES(%s)", "in a transaction: INSERT INTO t VALUES(%s)",
	} {
		other.want("", "SELECT * FROM t WHERE 0")
		c.run(fmt.Sprintf("ALTER TABLE t ADD COLUMN c%d", i))
		values += ", 1"
		statement = fmt.Sprintf(statement, values)
		switch kind, text, special := strings.Cut(statement, ": "); {
		case !special:
			other.run(statement)
		case kind == "prepared":
			st, err := other.conn.PrepareContext(t.Context(), text)
			if err == nil {
				_, err = st.ExecContext(t.Context())
			}
			if err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		default:
			other.run("BEGIN", text, "COMMIT")
		}
	}
	c.want("5|1", "SELECT count(*), (SELECT count(*) FROM log) FROM t")
	other.fails("8 values were supplied", "INSERT INTO t VALUES("+values+", 1)")
}

// A verb commits the transaction and opens one like it, savepoints and all.
func TestSavepointsAroundVerbs(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(a)", "SELECT dolt_commit('-Am', 't')")
	c.run(`SAVEPOINT "out""er"`, "INSERT INTO t VALUES (1)", "SAVEPOINT inner", "INSERT INTO t VALUES (2)", "SELECT dolt_commit('-am', 'two')",
		"INSERT INTO t VALUES (3)", "ROLLBACK TO inner", "RELEASE inner", "INSERT INTO t VALUES (4)", `RELEASE "out""er"`)
	c.fails("no transaction is active", "ROLLBACK")
	c.want("1\n2\n4", "SELECT a FROM t")
	c.run("BEGIN", "SAVEPOINT s", "INSERT INTO t VALUES (5)", "SELECT dolt_commit('-am', 'five')", "RELEASE s", "INSERT INTO t VALUES (6)", "ROLLBACK")
	c.want("1\n2\n4\n5", "SELECT a FROM t")
}
