package sqltext_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/internal/sqltext"
)

func TestParseKinds(t *testing.T) {
	for _, c := range []struct {
		sql    string
		kind   sqltext.Kind
		writes bool
		target string
	}{
		{"", sqltext.KindEmpty, false, ""},
		{" -- nothing", sqltext.KindEmpty, false, ""},
		{";; select 1", sqltext.KindSelect, false, ""},
		{"VALUES (1)", sqltext.KindSelect, false, ""},
		{"WITH a(x) AS (SELECT 1), b AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a", sqltext.KindSelect, false, ""},
		{"WITH replace AS (SELECT 1) INSERT INTO t SELECT * FROM replace", sqltext.KindInsert, true, "t"},
		{"with a as (select 1) delete from main.t where x in a", sqltext.KindDelete, true, "t"},
		{"with a as (select 1) update or ignore t set x=1", sqltext.KindUpdate, true, "t"},
		{"REPLACE INTO \"a b\" VALUES (1)", sqltext.KindInsert, true, "a b"},
		{"INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET x = 2", sqltext.KindInsert, true, "t"},
		{"UPDATE t SET a = b FROM u", sqltext.KindUpdate, true, "t"},
		{"CREATE TABLE IF NOT EXISTS s.t (a)", sqltext.KindCreateTable, true, "t"},
		{"CREATE UNIQUE INDEX i ON t(a)", sqltext.KindCreateIndex, true, "i"},
		{"CREATE VIEW v AS SELECT 1", sqltext.KindCreateView, true, "v"},
		{"CREATE VIRTUAL TABLE f USING fts5(a)", sqltext.KindCreateVirtual, true, "f"},
		{"CREATE TRIGGER r AFTER UPDATE OF a ON t BEGIN UPDATE u SET x=1; END", sqltext.KindCreateTrigger, true, "r"},
		{"ALTER TABLE t RENAME TO u", sqltext.KindAlter, true, "t"},
		{"DROP TABLE IF EXISTS t", sqltext.KindDropTable, true, "t"},
		{"DROP INDEX i", sqltext.KindDropIndex, true, "i"},
		{"DROP VIEW v", sqltext.KindDropView, true, "v"},
		{"DROP TRIGGER r", sqltext.KindDropTrigger, true, "r"},
		{"BEGIN", sqltext.KindBegin, false, ""},
		{"BEGIN IMMEDIATE", sqltext.KindBegin, true, ""},
		{"END TRANSACTION", sqltext.KindCommit, false, ""},
		{"ROLLBACK", sqltext.KindRollback, false, ""},
		{"ROLLBACK TO SAVEPOINT s", sqltext.KindRollbackTo, false, "s"},
		{"SAVEPOINT s", sqltext.KindSavepoint, false, "s"},
		{"RELEASE s", sqltext.KindRelease, false, "s"},
		{"PRAGMA main.user_version = 4", sqltext.KindPragma, true, "user_version"},
		{"PRAGMA user_version", sqltext.KindPragma, false, "user_version"},
		{"PRAGMA table_info(t)", sqltext.KindPragma, false, "table_info"},
		{"ATTACH 'f' AS g", sqltext.KindAttach, false, ""},
		{"DETACH g", sqltext.KindDetach, false, ""},
		{"VACUUM", sqltext.KindVacuum, true, ""},
		{"REINDEX t", sqltext.KindReindex, true, "t"},
		{"ANALYZE", sqltext.KindAnalyze, true, ""},
		{"EXPLAIN QUERY PLAN DELETE FROM t", sqltext.KindExplain, false, "t"},
		{"CALL dolt_add('-A')", sqltext.KindCall, false, ""},
		{"nonsense", sqltext.KindOther, false, ""},
		{"(select 1)", sqltext.KindOther, false, ""},
	} {
		info := sqltext.Parse(c.sql)
		if info.Kind != c.kind || info.Writes != c.writes || info.Target.Name != c.target {
			t.Errorf("%s: kind %d writes %v target %q; want %d %v %q", c.sql, info.Kind, info.Writes, info.Target.Name, c.kind, c.writes, c.target)
		}
		if info.End != len(c.sql) {
			t.Errorf("%s: ends at %d", c.sql, info.End)
		}
	}
}

func TestParseTemp(t *testing.T) {
	for sql, temp := range map[string]bool{
		"CREATE TEMP TABLE t (a)": true, "CREATE TEMPORARY VIEW v AS SELECT 1": true, "CREATE TABLE temp.t (a)": true,
		"INSERT INTO Temp.t VALUES (1)": true, "DROP TABLE temp.t": true, "CREATE TABLE t (a)": false, "DELETE FROM temp": false,
	} {
		if got := sqltext.Parse(sql).Temp; got != temp {
			t.Errorf("%s: temp is %v", sql, got)
		}
	}
}

func TestParseEnd(t *testing.T) {
	const trigger = "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 2; END;"
	for sql, rest := range map[string]string{
		"SELECT 1; SELECT 2": " SELECT 2", ";;SELECT 1;": "", trigger + " SELECT 3": " SELECT 3", "SELECT ';' -- ;\n; x": " x",
	} {
		if got := sql[sqltext.Parse(sql).End:]; got != rest {
			t.Errorf("%s: the rest is %q", sql, got)
		}
	}
}

func TestParseUse(t *testing.T) {
	for sql, name := range map[string]string{
		"USE `db/branch`": "db/branch", "use 'branch';": "branch", "USE branch": "branch", `USE "db/a""b"`: `db/a"b`,
		"USE db/feature-1.2 ;": "db/feature-1.2", "USE db/main -- there": "db/main", "USE [a b]": "a b", "USE": "",
	} {
		info := sqltext.Parse(sql)
		if info.Kind != sqltext.KindUse || info.Use != name {
			t.Errorf("%s: kind %d, name %q", sql, info.Kind, info.Use)
		}
	}
}

func TestParseNames(t *testing.T) {
	const sql = "SELECT Dolt_hashof('dolt_x'), \"dolt_q\".a, v.b FROM dolt_log, 'vdb_s', [DOLT_diff_t]('a'), vdb -- dolt_c\n, `vdb_` WHERE 'dolt_no' = 1"
	var got []string
	for _, n := range sqltext.Parse(sql).Names {
		got = append(got, n.Text)
		if !strings.Contains(n.Span.Of(sql), n.Text) {
			t.Errorf("the span of %s is %q", n.Text, n.Span.Of(sql))
		}
	}
	want := []string{"Dolt_hashof", "dolt_q", "dolt_log", "vdb_s", "DOLT_diff_t", "vdb_"}
	if !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
}

func TestStatements(t *testing.T) {
	const sql = "-- one\n\nSELECT 1; ;;\n/* two\n */ CREATE TRIGGER r AFTER DELETE ON t BEGIN\n SELECT 1;\nEND;\nSELECT\n2 -- open\n"
	want := []sqltext.Statement{
		{Span: sqltext.Span{Start: 8, End: 17}, Line: 3, Complete: true},
		{Span: sqltext.Span{Start: 32, End: 88}, Line: 5, Complete: true},
		{Span: sqltext.Span{Start: 89, End: 97}, Line: 8},
	}
	if got := slices.Collect(sqltext.Statements(sql)); !slices.Equal(got, want) {
		t.Errorf("statements %v, want %v", got, want)
	}
}

func TestParseOfAPointSelectAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { sqltext.Parse(pointSelect) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const pointSelect = "SELECT id, name, price FROM products WHERE id = ?"

func BenchmarkParsePointSelect(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sqltext.Parse(pointSelect)
	}
}

func BenchmarkParseInsert(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sqltext.Parse("INSERT INTO products (id, name, price, stock) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET stock = excluded.stock")
	}
}
