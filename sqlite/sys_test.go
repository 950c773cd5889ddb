package sqlite

import (
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// sysBench is a database, and a plain connection that has its system tables and
// functions.
type sysBench struct{ *tabBench }

func newSysBench(t testing.TB) *sysBench {
	t.Helper()
	b := &sysBench{newTabBench(t)}
	b.s.author = "Support <support@bank.example>"
	b.check(registerFunctions(b.raw, b.s))
	for name, make := range systemTables() {
		b.check(b.raw.Table(name, make(b.s)))
	}
	return b
}

func (b *sysBench) on() *vdb.Branch {
	b.Helper()
	branch, err := b.db.Branch(b.Context(), b.s.branch)
	b.check(err)
	return branch
}

func (b *sysBench) write(fn func(tx *vdb.Tx) error) {
	b.Helper()
	b.check(b.on().Update(b.Context(), fn))
}

// rows runs a statement and joins each row's values by |.
func (b *sysBench) rows(query string, args ...any) ([]string, error) {
	return queryTexts(b.Context(), b.conn, "", query, args...)
}

func (b *sysBench) query(query string, args ...any) []string {
	b.Helper()
	rows, err := b.rows(query, args...)
	if err != nil {
		b.Fatalf("%s: %v", query, err)
	}
	return rows
}

// want compares the rows of a statement, as lines.
func (b *sysBench) want(want, query string, args ...any) {
	b.Helper()
	if got := strings.Join(b.query(query, args...), "\n"); got != want {
		b.Errorf("%s\n%s\nwant\n%s", query, got, want)
	}
}

func (b *sysBench) fails(word, query string, args ...any) {
	b.Helper()
	rows, err := b.rows(query, args...)
	if err == nil || !strings.Contains(err.Error(), word) {
		b.Errorf("%s: %q, %v; want an error with %q", query, rows, err, word)
	}
}

func (b *sysBench) commit(text string) string {
	b.Helper()
	return b.query("SELECT dolt_commit('-Am', ?)", text)[0]
}

func (b *sysBench) checkout(branch string) {
	b.s.branch, b.s.revision = branch, branch
}

func account(id int64, name string, cents int64) vdb.Row {
	return vdb.Row{vdb.Int(id), vdb.Text(name), vdb.Int(cents)}
}

// forkedSys has accounts on main, and a branch feature; both changed account 1, and
// each has an account of its own.
func forkedSys(t testing.TB) *sysBench {
	t.Helper()
	b := newSysBench(t)
	b.write(func(tx *vdb.Tx) error {
		if err := tx.CreateTable(benchSchemas[0]); err != nil {
			return err
		}
		return tx.Insert("accounts", account(1, "first", 10))
	})
	b.commit("accounts")
	_, err := b.db.CreateBranch(t.Context(), "feature", "main")
	b.check(err)
	b.write(func(tx *vdb.Tx) error { return tx.Put("accounts", account(1, "ours", 10)) })
	b.write(func(tx *vdb.Tx) error { return tx.Insert("accounts", account(2, "second", 20)) })
	b.commit("ours")
	b.checkout("feature")
	b.write(func(tx *vdb.Tx) error { return tx.Put("accounts", account(1, "theirs", 10)) })
	b.write(func(tx *vdb.Tx) error { return tx.Insert("accounts", account(3, "third", 30)) })
	b.commit("theirs")
	b.checkout("main")
	return b
}

func TestSysLog(t *testing.T) {
	b := forkedSys(t)
	b.want("ours\naccounts\nCreate database", "SELECT message FROM dolt_log")
	b.want("theirs\naccounts\nCreate database", "SELECT message FROM dolt_log('feature')")
	b.want("theirs", "SELECT message FROM dolt_log('main..feature')")
	b.want("theirs", "SELECT message FROM dolt_log('feature', '--not', 'main')")
	b.want("theirs", "SELECT message FROM dolt_log('^main', 'feature')")
	b.want("ours\ntheirs", "SELECT message FROM dolt_log('main...feature') ORDER BY message")
	b.want("ours\ntheirs\naccounts\nCreate database", "SELECT message FROM dolt_log('main', 'feature') ORDER BY commit_order DESC, message")
	b.want("ours\naccounts", "SELECT message FROM dolt_log('--tables', 'accounts')")
	b.want("", "SELECT message FROM dolt_log('--merges')")
	b.want("Support|support@bank.example|1|1|main", `SELECT committer, email, date = datetime(date), author = 'Support', refs
		FROM dolt_log LIMIT 1`)
	b.want("ours", "SELECT message FROM dolt_log WHERE commit_hash = dolt_hashof('main')")
	b.want("", "SELECT message FROM dolt_log WHERE commit_hash = dolt_hashof('feature')")
	b.want("theirs", "SELECT message FROM dolt_log('main...feature') WHERE commit_hash = dolt_hashof('feature')")
	b.want("", "SELECT message FROM dolt_log('main...feature') WHERE commit_hash = dolt_hashof('main~')")
	b.want("3", "SELECT count(*) FROM dolt_log WHERE author LIKE 'S%' OR author = 'vdb'")
	b.want("2", "SELECT count(*) FROM dolt_log WHERE author = 'Support'")
	b.want("feature|theirs\nmain|ours", `SELECT b.name, l.message FROM dolt_branches b, dolt_log(b.name) l
		WHERE l.commit_hash = b.hash ORDER BY b.name`)
	b.fails("nowhere", "SELECT * FROM dolt_log('nowhere')")
	b.fails("unknown flag --frobnicate", "SELECT * FROM dolt_log('--frobnicate')")
	b.fails("WORKING", "SELECT * FROM dolt_log('WORKING')")
	b.fails("a..b", "SELECT * FROM dolt_log('main..feature..main')")
	b.fails("needs a value", "SELECT * FROM dolt_log('--not')")
	b.fails("no number", "SELECT * FROM dolt_log('--min-parents', 'x')")
}

// TestSysDetached reads history where the connection is on no branch.
func TestSysDetached(t *testing.T) {
	b := forkedSys(t)
	b.s.branch, b.s.revision = "", "feature~"
	b.want("accounts\nCreate database", "SELECT message FROM dolt_log")
	b.want("Create database", "SELECT message FROM dolt_log('HEAD~')")
	b.want("accounts|accounts", "SELECT table_name, message FROM dolt_diff")
	b.want("", "SELECT * FROM dolt_status")
	b.want("", "SELECT * FROM dolt_conflicts")
	b.want("0||||", "SELECT * FROM dolt_merge_status")
	b.want("", "SELECT * FROM dolt_schemas")
	b.fails("no working set", "SELECT * FROM dolt_diff_stat('HEAD', 'WORKING')")
}

func TestSysCommits(t *testing.T) {
	b := forkedSys(t)
	b.want("4", "SELECT count(*) FROM dolt_commits")
	b.want("theirs", "SELECT message FROM dolt_commits WHERE commit_hash = dolt_hashof('feature')")
	b.want("Create database||0\naccounts|Create database|0\nours|accounts|0\ntheirs|accounts|0", `
		SELECT c.message, p.message, a.parent_index FROM dolt_commit_ancestors a
		JOIN dolt_commits c ON c.commit_hash = a.commit_hash
		LEFT JOIN dolt_commits p ON p.commit_hash = a.parent_hash ORDER BY c.commit_order, c.message`)
	gone := b.query("SELECT hash FROM dolt_branches WHERE name = 'feature'")[0]
	b.check(b.db.DeleteBranch(b.Context(), "feature"))
	b.want("3", "SELECT count(*) FROM dolt_commits")
	b.want("", "SELECT message FROM dolt_commits WHERE commit_hash = ?", gone)
	b.want("", "SELECT message FROM dolt_commits WHERE commit_hash = 'no hash'")
	b.want("refs/heads/feature||theirs", `SELECT ref, commit_hash, (SELECT text FROM (SELECT 'theirs' AS text) WHERE previous_commit = ?)
		FROM dolt_reflog('feature') LIMIT 1`, gone)
}

func TestSysRefs(t *testing.T) {
	b := forkedSys(t)
	b.want("feature|Support|support@bank.example|theirs|0\nmain|Support|support@bank.example|ours|0",
		"SELECT name, latest_committer, latest_committer_email, latest_commit_message, dirty FROM dolt_branches")
	b.write(func(tx *vdb.Tx) error { return tx.Delete("accounts", 1) })
	b.want("main|1", "SELECT name, dirty FROM dolt_branches WHERE name = 'main'")
	b.query("SELECT dolt_add('-A')")
	b.want("main|1", "SELECT name, dirty FROM dolt_branches WHERE dirty")
	b.want("", "SELECT name FROM dolt_branches WHERE name = 'none'")
	_, err := b.db.CreateTag(b.Context(), "v1", "feature", vdb.Message{Author: "Audit <audit@bank.example>", Text: "checked"})
	b.check(err)
	b.want("v1|1|Audit|audit@bank.example|checked", `SELECT tag_name, tag_hash = dolt_hashof('feature'), tagger, email, message
		FROM dolt_tags WHERE tag_name = 'v1'`)
	b.want("", "SELECT * FROM dolt_tags WHERE tag_name = 'v2'")
	b.want("refs/tags/v1|theirs", "SELECT ref, commit_message FROM dolt_reflog LIMIT 1")
	b.want("ours\naccounts\nCreate database", "SELECT commit_message FROM dolt_reflog('main')")
	b.want("6", "SELECT count(*) FROM dolt_reflog('--all')")
	b.fails("unknown flag", "SELECT * FROM dolt_reflog('--most')")
}

func TestSysStatusTable(t *testing.T) {
	b := newSysBench(t)
	b.want("", "SELECT * FROM dolt_status")
	table := func(name string) vdb.Schema {
		return vdb.Schema{Name: name, Columns: []vdb.Column{{Name: "x", Type: "TEXT"}}}
	}
	b.write(func(tx *vdb.Tx) error {
		for _, name := range []string{"a", "b", "c"} {
			if err := tx.CreateTable(table(name)); err != nil {
				return err
			}
		}
		return tx.CreateTable(vdb.Schema{Name: "dolt_ignore", PrimaryKey: []string{"pattern"},
			Columns: []vdb.Column{{Name: "pattern", Type: "TEXT"}, {Name: "ignored", Type: "TINYINT"}}})
	})
	b.commit("tables")
	b.write(func(tx *vdb.Tx) error { return tx.Insert("a", vdb.Row{vdb.Text("row")}) })
	b.query("SELECT dolt_add('a')")
	b.write(func(tx *vdb.Tx) error { return tx.DropTable("b") })
	b.write(func(tx *vdb.Tx) error { return tx.RenameTable("c", "d") })
	b.write(func(tx *vdb.Tx) error { return tx.Insert("a", vdb.Row{vdb.Text("another")}) })
	b.write(func(tx *vdb.Tx) error { return tx.CreateTable(table("new")) })
	b.write(func(tx *vdb.Tx) error { return tx.CreateTable(table("tmp_1")) })
	b.want("a|0|modified\na|1|modified\nb|0|deleted\nc -> d|0|renamed\nnew|0|new table\ntmp_1|0|new table",
		"SELECT * FROM dolt_status ORDER BY table_name, staged")
	b.write(func(tx *vdb.Tx) error { return tx.Insert("dolt_ignore", vdb.Row{vdb.Text("tmp*"), vdb.Int(1)}) })
	b.want("0", "SELECT count(*) FROM dolt_status WHERE table_name LIKE 'tmp%'")
	b.write(func(tx *vdb.Tx) error { return tx.Insert("dolt_ignore", vdb.Row{vdb.Text("*mp_"), vdb.Int(0)}) })
	b.write(func(tx *vdb.Tx) error { return tx.Insert("dolt_ignore", vdb.Row{vdb.Text("tmp_*"), vdb.Int(1)}) })
	b.write(func(tx *vdb.Tx) error { return tx.Insert("dolt_ignore", vdb.Row{vdb.Text("*mp_1"), vdb.Int(0)}) })
	b.fails("tmp_1", "SELECT * FROM dolt_status")
}

// TestSysUserTables has the tables that users fill, before they were made.
func TestSysUserTables(t *testing.T) {
	b := newSysBench(t)
	b.want("", "SELECT pattern, ignored FROM dolt_ignore")
	b.want("", "SELECT doc_name, doc_text FROM dolt_docs")
	for name, create := range userTables() {
		b.query(create)
		b.query("INSERT INTO " + name + " VALUES ('a', 1)")
		b.want("a|1", "SELECT * FROM "+name)
	}
}

func TestSysDiffTable(t *testing.T) {
	b := forkedSys(t)
	b.want("ours|1|0|accounts\naccounts|1|1|accounts", "SELECT message, data_change, schema_change, table_name FROM dolt_diff")
	b.write(func(tx *vdb.Tx) error { return tx.AddColumn("accounts", vdb.Column{Name: "vip", Type: "INTEGER"}) })
	b.query("SELECT dolt_add('accounts')")
	b.write(func(tx *vdb.Tx) error { return tx.Delete("accounts", 2) })
	b.want("WORKING||1|0\nSTAGED||0|1", "SELECT commit_hash, message, data_change, schema_change FROM dolt_diff WHERE commit_hash IN ('WORKING', 'STAGED') ORDER BY 1 DESC")
	b.want("accounts", "SELECT message FROM dolt_diff WHERE commit_hash = dolt_hashof('HEAD~')")
	b.want("", "SELECT message FROM dolt_diff WHERE commit_hash = dolt_hashof('feature')")
	b.want("", "SELECT message FROM dolt_diff WHERE table_name = 'none'")
	b.want("WORKING|cents|modified\nWORKING|id|modified\nWORKING|name|modified\nSTAGED|vip|added",
		"SELECT commit_hash, column_name, diff_type FROM dolt_column_diff WHERE message IS NULL ORDER BY commit_hash DESC, column_name")
	b.want("accounts|cents|added\naccounts|id|added\naccounts|name|added", `SELECT table_name, column_name, diff_type FROM dolt_column_diff
		WHERE commit_hash = dolt_hashof('HEAD~') AND table_name = 'accounts' ORDER BY 2`)
	b.commit("narrower")
	b.write(func(tx *vdb.Tx) error { return tx.DropColumn("accounts", "vip") })
	b.want("WORKING|vip|removed", "SELECT commit_hash, column_name, diff_type FROM dolt_column_diff WHERE commit_hash = 'WORKING'")
	b.write(func(tx *vdb.Tx) error { return tx.DropTable("accounts") })
	b.want("accounts|1|1", "SELECT table_name, data_change, schema_change FROM dolt_diff WHERE commit_hash = 'WORKING'")
	b.want("4", "SELECT count(*) FROM dolt_column_diff WHERE commit_hash = 'WORKING' AND diff_type = 'removed'")
}

func TestSysDiffFunctions(t *testing.T) {
	b := forkedSys(t)
	b.want("accounts|0|1|1|1|3|3|1|2|2|6|6", "SELECT * FROM dolt_diff_stat('main', 'feature')")
	b.want("accounts|0|1|0|1|3|0|1|1|2|3|6", "SELECT * FROM dolt_diff_stat('main...feature', 'accounts')")
	b.want("accounts|accounts|modified|1|0", "SELECT * FROM dolt_diff_summary('main', 'feature')")
	b.want("accounts|0|1|0|0|3|0|0|0|1|0|3", "SELECT * FROM dolt_diff_stat('main~2', 'main~')")
	b.write(func(tx *vdb.Tx) error { return tx.AddColumn("accounts", vdb.Column{Name: "vip", Type: "INTEGER"}) })
	b.want("accounts|2|0|0|0|2|0|0|2|2|6|8", "SELECT * FROM dolt_diff_stat('HEAD', 'working')")
	b.want("accounts|accounts|modified|0|1", "SELECT * FROM dolt_diff_summary('HEAD', 'WORKING')")
	b.write(func(tx *vdb.Tx) error {
		return tx.CreateIndex("accounts", vdb.Index{Name: "by_name", Columns: []vdb.IndexColumn{{Name: "name"}}})
	})
	b.want(`accounts|accounts|0|1
|by_name|0|0`, `SELECT from_table_name, to_table_name, from_create_statement LIKE '%vip%', to_create_statement LIKE '%"vip" INTEGER%'
		FROM dolt_schema_diff('HEAD', 'WORKING')`)
	b.write(func(tx *vdb.Tx) error { return tx.RenameTable("accounts", "clients") })
	b.want("accounts|clients|renamed|0|1", "SELECT * FROM dolt_diff_summary('HEAD', 'WORKING', 'clients')")
	b.want("|accounts|added|1|1", "SELECT * FROM dolt_diff_summary('main~2..main')")
	b.want("accounts||dropped|1|1", "SELECT * FROM dolt_diff_summary('main', 'main~2')")
	b.want("feature|1\nmain|0", `SELECT b.name, (SELECT count(*) FROM dolt_diff_stat('main', b.name)) FROM dolt_branches b ORDER BY 1`)
	b.fails("nowhere", "SELECT * FROM dolt_diff_stat('main', 'nowhere')")
	b.fails("none", "SELECT * FROM dolt_diff_stat('main', 'feature', 'none')")
	b.fails("two revisions", "SELECT * FROM dolt_diff_stat('main')")
	b.fails("both sides", "SELECT * FROM dolt_diff_stat('main..')")
	b.fails("NULL", "SELECT * FROM dolt_diff_stat(NULL)")
	b.fails("from_revision", "SELECT * FROM dolt_diff_stat")
}

func TestSysMergeTables(t *testing.T) {
	b := forkedSys(t)
	b.want("0||||", "SELECT * FROM dolt_merge_status")
	b.want("", "SELECT * FROM dolt_conflicts")
	b.want("", "SELECT * FROM dolt_schema_conflicts")
	b.want("", "SELECT * FROM dolt_constraint_violations")
	b.want("accounts|1|0", "SELECT * FROM dolt_preview_merge_conflicts_summary('main', 'feature')")
	b.want(`{"id":1,"name":"first","cents":10}|{"id":1,"name":"ours","cents":10}|modified|{"id":1,"name":"theirs","cents":10}|modified|1`,
		`SELECT base_row, our_row, our_diff_type, their_row, their_diff_type, dolt_conflict_id FROM dolt_preview_merge_conflicts('main', 'feature', 'accounts')`)
	b.fails("none", "SELECT * FROM dolt_preview_merge_conflicts('main', 'feature', 'none')")
	b.fails("nowhere", "SELECT * FROM dolt_preview_merge_conflicts_summary('main', 'nowhere')")
	if _, err := b.on().Merge(b.Context(), "feature", nil); err == nil {
		t.Fatal("the merge has no conflict")
	}
	b.want("1|feature|1|refs/heads/main|accounts", "SELECT is_merging, source, source_commit = dolt_hashof('feature'), target, unmerged_tables FROM dolt_merge_status")
	b.want("accounts|1", `SELECT "table", num_conflicts FROM dolt_conflicts`)
	b.want("accounts|0|conflict", "SELECT * FROM dolt_status WHERE status = 'conflict'")
	b.check(b.on().ResolveConflicts(b.Context(), vdb.Resolution{Take: vdb.Theirs}))
	b.want("", "SELECT * FROM dolt_conflicts")
	b.commit("merged")
	b.want("merged", "SELECT message FROM dolt_log('--merges')")
	b.want("2", "SELECT count(*) FROM dolt_commit_ancestors WHERE commit_hash = dolt_hashof('HEAD')")
}

func TestSysOpenMerges(t *testing.T) {
	b := newSysBench(t)
	b.write(func(tx *vdb.Tx) error {
		for _, s := range benchSchemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		return tx.Insert("accounts", account(1, "first", 10))
	})
	b.commit("tables")
	_, err := b.db.CreateBranch(t.Context(), "feature", "main")
	b.check(err)
	b.write(func(tx *vdb.Tx) error {
		if err := tx.Insert("notes", vdb.Row{vdb.Int(1), vdb.Int(1), vdb.Text("keeps")}); err != nil {
			return err
		}
		return tx.AlterColumn("accounts", vdb.Column{Name: "cents", Type: "REAL"})
	})
	b.commit("ours")
	b.checkout("feature")
	b.write(func(tx *vdb.Tx) error {
		if err := tx.Delete("accounts", 1); err != nil {
			return err
		}
		return tx.AlterColumn("accounts", vdb.Column{Name: "cents", Type: "TEXT"})
	})
	b.commit("theirs")
	b.checkout("main")
	b.want("accounts|1", `SELECT "table", num_schema_conflicts FROM dolt_preview_merge_conflicts_summary('main', 'feature')`)
	if _, err := b.on().Merge(t.Context(), "feature", nil); err == nil {
		t.Fatal("the merge has no conflict")
	}
	b.want("accounts|1|1|1|1", `SELECT table_name, base_schema LIKE '%"cents" INTEGER%', our_schema LIKE '%"cents" REAL%',
		their_schema LIKE '%"cents" TEXT%', description <> '' FROM dolt_schema_conflicts`)
	b.want("accounts|0|schema conflict", "SELECT * FROM dolt_status WHERE status = 'schema conflict'")
}

// TestSysViolationsTable merges a row whose parent the other side has deleted.
func TestSysViolationsTable(t *testing.T) {
	b := newSysBench(t)
	b.write(func(tx *vdb.Tx) error {
		for _, s := range benchSchemas {
			if err := tx.CreateTable(s); err != nil {
				return err
			}
		}
		return tx.Insert("accounts", account(1, "first", 10))
	})
	b.commit("tables")
	_, err := b.db.CreateBranch(t.Context(), "feature", "main")
	b.check(err)
	b.write(func(tx *vdb.Tx) error { return tx.Insert("notes", vdb.Row{vdb.Int(1), vdb.Int(1), vdb.Text("keeps")}) })
	b.commit("ours")
	b.checkout("feature")
	b.write(func(tx *vdb.Tx) error { return tx.Delete("accounts", 1) })
	b.commit("theirs")
	b.checkout("main")
	if _, err := b.on().Merge(t.Context(), "feature", nil); err == nil {
		t.Fatal("the merge breaks no rule")
	}
	b.want("notes|1", `SELECT "table", num_violations FROM dolt_constraint_violations`)
	b.want("notes|0|constraint violation", "SELECT * FROM dolt_status WHERE status LIKE 'constraint%'")
}
