package sqltext_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/internal/sqltext"
)

// rewrite puts the i-th table AS OF a revision into schema ri.
func rewrite(t *testing.T, sql string) sqltext.Rewritten {
	t.Helper()
	out, err := sqltext.AsOfRewrite(sql, sqltext.Parse(sql), func(i int) (string, string, error) { return "r" + strconv.Itoa(i), "", nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAsOfRewrite(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM t AS OF 'HEAD~3' WHERE a=1":                                                         `SELECT * FROM "r0"."t" AS "t" WHERE a=1`,
		"SELECT * FROM t as of 'x' u":                                                                      `SELECT * FROM "r0"."t"  u`,
		"SELECT * FROM t AS OF 'x' AS left":                                                                `SELECT * FROM "r0"."t"  AS left`,
		"SELECT * FROM t AS OF TIMESTAMP('2026-01-01') LEFT JOIN u":                                        `SELECT * FROM "r0"."t" AS "t" LEFT JOIN u`,
		"SELECT * FROM t AS OF TIMESTAMP '2026-01-01'":                                                     `SELECT * FROM "r0"."t" AS "t"`,
		"SELECT * FROM main.[t t] AS OF \"b\" INDEXED BY i":                                                `SELECT * FROM "r0"."t t" AS "t t" INDEXED BY i`,
		"SELECT * FROM a JOIN t AS OF 'x' USING (a, b), u AS OF 'y'":                                       `SELECT * FROM a JOIN "r0"."t" AS "t" USING (a, b), "r1"."u" AS "u"`,
		"SELECT (SELECT 1 FROM t AS OF 'x') FROM u, (v AS OF 'y' JOIN w AS OF 'z')":                        `SELECT (SELECT 1 FROM "r0"."t" AS "t") FROM u, ("r1"."v" AS "v" JOIN "r2"."w" AS "w")`,
		"INSERT INTO t SELECT * FROM t AS OF 'x'":                                                          `INSERT INTO t SELECT * FROM "r0"."t" AS "t"`,
		"UPDATE t SET a=u.a FROM u AS OF 'x' WHERE 1":                                                      `UPDATE t SET a=u.a FROM "r0"."u" AS "u" WHERE 1`,
		"WITH c AS (SELECT * FROM t AS OF 'x') SELECT * FROM c UNION SELECT * FROM t AS OF 'y' ORDER BY 1": `WITH c AS (SELECT * FROM "r0"."t" AS "t") SELECT * FROM c UNION SELECT * FROM "r1"."t" AS "t" ORDER BY 1`,
		"SELECT f(a, t AS OF 'x')":                                                                         "SELECT f(a, t AS OF 'x')",
		"SELECT * FROM t AS of WHERE of.a = 'x'":                                                           "SELECT * FROM t AS of WHERE of.a = 'x'",
		"SELECT * FROM t AS of, u":                                                                         "SELECT * FROM t AS of, u",
		"SELECT CAST(a AS of 'x') FROM t":                                                                  "SELECT CAST(a AS of 'x') FROM t",
		"SELECT a IS DISTINCT FROM b, c AS of FROM t":                                                      "SELECT a IS DISTINCT FROM b, c AS of FROM t",
		"SELECT 't AS OF ''x''' /* FROM t AS OF 'x' */ -- AS OF 'y'":                                       "SELECT 't AS OF ''x''' /* FROM t AS OF 'x' */ -- AS OF 'y'",
		"SELECT * FROM t AS OF 'x' WINDOW w AS (ORDER BY a)":                                               `SELECT * FROM "r0"."t" AS "t" WINDOW w AS (ORDER BY a)`,
		"SELECT * FROM t AS OF 'x' window":                                                                 `SELECT * FROM "r0"."t"  window`,
		"SELECT * FROM t/*c*/AS/*d*/OF/*e*/'x'/*f*/, u":                                                    `SELECT * FROM "r0"."t"/*c*/AS "t"/*f*/, u`,
	} {
		if got := rewrite(t, sql).SQL; got != want {
			t.Errorf("%s:\n got %s\nwant %s", sql, got, want)
		}
	}
}

func TestAsOfRewriteRenumbersParameters(t *testing.T) {
	for _, c := range []struct{ sql, want, params string }{
		{"SELECT ? FROM t AS OF ? WHERE a = ?", `SELECT ?1 FROM "r0"."t" AS "t" WHERE a = ?2`, "1 3"},
		{"SELECT ? FROM t AS OF 'x' WHERE a = ?", `SELECT ? FROM "r0"."t" AS "t" WHERE a = ?`, "1 2"},
		{"SELECT :b FROM t AS OF :a WHERE a = :b AND c = ?", `SELECT :b FROM "r0"."t" AS "t" WHERE a = :b AND c = ?2`, "1:b 3"},
		{"SELECT * FROM t AS OF ?5 WHERE a = :a AND b = ?3", `SELECT * FROM "r0"."t" AS "t" WHERE a = :a AND b = ?2`, "6:a 3?3"},
		{"SELECT * FROM t AS OF :a WHERE a = ?1 AND b = :a", `SELECT * FROM "r0"."t" AS "t" WHERE a = ?1 AND b = ?1`, "1?1"},
		{"SELECT * FROM t AS OF TIMESTAMP(?)", `SELECT * FROM "r0"."t" AS "t"`, ""},
	} {
		out := rewrite(t, c.sql)
		var params []string
		for _, p := range out.Params {
			params = append(params, strconv.Itoa(p.Index)+p.Name)
		}
		if got := strings.Join(params, " "); out.SQL != c.want || got != c.params {
			t.Errorf("%s:\n got %s (%s)\nwant %s (%s)", c.sql, out.SQL, got, c.want, c.params)
		}
		for i, p := range sqltext.Params(out.SQL) {
			if p.Index > len(out.Params) {
				t.Errorf("%s: parameter %d has number %d of %d", out.SQL, i, p.Index, len(out.Params))
			}
		}
	}
}

func TestAtFunctionRewrite(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM dolt_at_t('HEAD~3') WHERE a=1":              `SELECT * FROM "r0"."t" AS "dolt_at_t" WHERE a=1`,
		"SELECT o.a FROM t JOIN Dolt_At_T ( ? ) AS o USING (a)":    `SELECT o.a FROM t JOIN "r0"."T"   AS o USING (a)`,
		`SELECT * FROM "dolt_at_a b"('x') o, dolt_at_u(:r)`:        `SELECT * FROM "r0"."a b"  o, "r1"."u" AS "dolt_at_u"`,
		"INSERT INTO t SELECT * FROM dolt_at_t('x')":               `INSERT INTO t SELECT * FROM "r0"."t" AS "dolt_at_t"`,
		"SELECT * FROM c, dolt_at_t(c.hash)":                       "SELECT * FROM c, dolt_at_t(c.hash)",
		`SELECT * FROM c, dolt_at_t("hash")`:                       `SELECT * FROM c, dolt_at_t("hash")`,
		"SELECT * FROM dolt_at_t('a' || 'b')":                      "SELECT * FROM dolt_at_t('a' || 'b')",
		"SELECT * FROM dolt_at_t('a', 'b')":                        "SELECT * FROM dolt_at_t('a', 'b')",
		"SELECT * FROM dolt_at_t WHERE commit_ref = 'x'":           "SELECT * FROM dolt_at_t WHERE commit_ref = 'x'",
		"SELECT dolt_at_t('x')":                                    "SELECT dolt_at_t('x')",
		"CREATE VIEW v AS SELECT * FROM dolt_at_t('x')":            "CREATE VIEW v AS SELECT * FROM dolt_at_t('x')",
		"SELECT a FROM (SELECT 1 a FROM dolt_at_t('x') x), u":      `SELECT a FROM (SELECT 1 a FROM "r0"."t"  x), u`,
		"DELETE FROM dolt_at_t('x')":                               "DELETE FROM dolt_at_t('x')",
		"SELECT ?1 FROM dolt_at_t(?2), t AS OF ?3 WHERE a = ?4":    `SELECT ?1 FROM "r0"."t" AS "dolt_at_t", "r1"."t" AS "t" WHERE a = ?2`,
		"SELECT count(*) FROM dolt_at_t('x') LEFT JOIN u ON (a=b)": `SELECT count(*) FROM "r0"."t" AS "dolt_at_t" LEFT JOIN u ON (a=b)`,
	} {
		if got := rewrite(t, sql).SQL; got != want {
			t.Errorf("%s:\n got %s\nwant %s", sql, got, want)
		}
	}
}

func TestAsOfRewriteLeavesAFunction(t *testing.T) {
	const sql = "SELECT ? FROM dolt_at_t(?) a, dolt_at_t(?) b WHERE v = ?"
	out, err := sqltext.AsOfRewrite(sql, sqltext.Parse(sql), func(i int) (string, string, error) {
		if i == 0 {
			return "", "", sqltext.ErrAsWritten
		}
		return "r", "was", nil
	})
	if want := `SELECT ?1 FROM dolt_at_t(?2) a, "r"."was"  b WHERE v = ?3`; err != nil || out.SQL != want || len(out.Params) != 3 || out.Params[2].Index != 4 {
		t.Errorf("%s, %v, %v", out.SQL, out.Params, err)
	}
}

func TestAsOfInfo(t *testing.T) {
	info := sqltext.Parse("SELECT * FROM s.t AS OF 'it''s' x, u AS OF TIMESTAMP(@when)")
	if len(info.AsOf) != 2 {
		t.Fatalf("%d tables as of a revision", len(info.AsOf))
	}
	a, b := info.AsOf[0], info.AsOf[1]
	if a.Table.Schema != "s" || a.Table.Name != "t" || a.Revision != "it's" || a.Alias != "x" || a.Time || a.Param.Index != 0 {
		t.Errorf("the first is %+v", a)
	}
	if b.Table.Name != "u" || b.Param.Name != "@when" || b.Param.Index != 1 || !b.Time || b.Alias != "" {
		t.Errorf("the second is %+v", b)
	}
}

func TestAsOfOfAWrite(t *testing.T) {
	for _, sql := range []string{"DELETE FROM t AS OF 'x'", "UPDATE t AS OF 'x' SET a=1", "UPDATE OR FAIL t AS OF 'x' SET a=1", "INSERT INTO t AS OF 'x' VALUES (1)"} {
		if info := sqltext.Parse(sql); len(info.AsOf) != 1 || !info.AsOf[0].Write {
			t.Errorf("%s: %+v", sql, info.AsOf)
		}
	}
}

func TestAsOfRewriteNamesTheTable(t *testing.T) {
	const sql = "SELECT * FROM t AS OF 'nowhere'"
	cause := errors.New("no such revision")
	_, err := sqltext.AsOfRewrite(sql, sqltext.Parse(sql), func(int) (string, string, error) { return "", "", cause })
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "table t AS OF 'nowhere'") {
		t.Error(err)
	}
}

func TestCallRewrite(t *testing.T) {
	for sql, want := range map[string]string{
		"CALL dolt_add('-A');": "SELECT dolt_add('-A');", "/* c */ call f -- d": "/* c */ SELECT f() -- d", "CALL f;": "SELECT f();", "SELECT 1": "SELECT 1",
	} {
		if got := sqltext.CallRewrite(sql, sqltext.Parse(sql)); got != want {
			t.Errorf("%s: %s", sql, got)
		}
	}
}
