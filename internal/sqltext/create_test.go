package sqltext_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/internal/sqltext"
)

// tables are CREATE TABLE statements that are hard to read, each of a table t.
var tables = []string{
	`CREATE TABLE t (a)`,
	`CREATE TABLE IF NOT EXISTS main.t (id INTEGER PRIMARY KEY AUTOINCREMENT, b VARCHAR(10, 2) NOT NULL DEFAULT 'x,)' COLLATE nocase)`,
	"create /* ( */ table -- ,\n \"t\" ( -- )\n a /* , */ int /* x */ default (1 + (2)) /* y */, b -- last\n) -- end\n;",
	`CREATE TABLE t ("a,b" TEXT, [c)d] INT, ` + "`e``f`" + ` BLOB, 'g' REAL DEFAULT -1.5)`,
	`CREATE TABLE t (key TEXT, "select" INT, abort, left INT, replace text, action unsigned big int)`,
	`CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (b DESC, a)) WITHOUT ROWID`,
	`CREATE TABLE t (a TEXT PRIMARY KEY, b ANY NOT NULL ON CONFLICT FAIL) STRICT, WITHOUT ROWID`,
	`CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a + 1) STORED, c AS (f || ')') UNIQUE, f GENERATED ALWAYS AS (a) VIRTUAL NOT NULL)`,
	`CREATE TABLE t (a INT REFERENCES p(x) ON DELETE SET NULL ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED CHECK (a > 0), b INT)`,
	`CREATE TABLE t (a INT, b INT, CONSTRAINT u UNIQUE (a, b) CHECK (a <> ',') FOREIGN KEY (b, a) REFERENCES p (x, y) MATCH FULL NOT DEFERRABLE, CONSTRAINT q)`,
	`CREATE TABLE t (a INT CONSTRAINT c1 NOT NULL CONSTRAINT c2 DEFAULT CURRENT_TIMESTAMP, b DEFAULT NULL, c DEFAULT +7, d DEFAULT x'00', e DEFAULT foo)`,
	`CREATE TABLE t (a INT PRIMARY KEY DESC ON CONFLICT REPLACE, b "my type" UNIQUE ON CONFLICT IGNORE)`,
}

// TestCreateTableIsSQLites compares with what SQLite's pragmas say of a table.
func TestCreateTableIsSQLites(t *testing.T) {
	r := random(t)
	texts := slices.Clone(tables)
	for range 300 {
		texts = append(texts, randomTable(r))
	}
	for _, text := range texts {
		db := sqlite(t)
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		c, err := sqltext.ParseCreateTable(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, want := described(text, c), pragmas(t, db); got != want {
			t.Fatalf("%s:\n got %s\nwant %s", text, got, want)
		}
		checkRewrites(t, text, c)
	}
}

// described lists columns and foreign keys as pragmas does.
func described(text string, c *sqltext.CreateTable) string {
	var out strings.Builder
	key := c.PrimaryKey()
	for _, d := range c.Columns {
		hidden := 0
		switch {
		case d.Virtual:
			hidden = 2
		case d.Stored:
			hidden = 3
		}
		pk := 1 + slices.IndexFunc(key, func(k string) bool { return strings.EqualFold(k, d.Name) })
		notNull := d.NotNull || pk > 0 && c.NoRowID
		fmt.Fprintf(&out, "%s|%s|%v|%s|%d|%d\n", d.Name, plainType(d.Type), notNull, d.Default, pk, hidden)
	}
	foreign := 0
	for _, d := range c.Columns {
		if d.References {
			foreign++
		}
	}
	for _, k := range c.Constraints {
		if k.Kind == sqltext.ForeignKey {
			foreign++
		}
	}
	fmt.Fprintf(&out, "foreign %d rowid %v strict %v", foreign, !c.NoRowID, c.Strict)
	return out.String()
}

// plainType is a type without the differences of case and comments.
func plainType(s string) string {
	var out []string
	for token := range sqltext.Tokens(s) {
		if token.Kind != sqltext.Space && token.Kind != sqltext.Comment {
			out = append(out, sqltext.Unquote(token.Of(s)))
		}
	}
	return strings.ToUpper(strings.Join(out, " "))
}

func pragmas(t *testing.T, db *sql.DB) string {
	t.Helper()
	var out strings.Builder
	rows, err := db.Query("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('t')")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, kind string
		var notNull bool
		var value sql.NullString
		var pk, hidden int
		if err := rows.Scan(&name, &kind, &notNull, &value, &pk, &hidden); err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(value.String, " /*") // SQLite keeps a comment that follows
		fmt.Fprintf(&out, "%s|%s|%v|%s|%d|%d\n", name, plainType(kind), notNull, text, pk, hidden)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var foreign int
	var noRowID, strict bool
	if err := db.QueryRow("SELECT (SELECT count(DISTINCT id) FROM pragma_foreign_key_list('t')), wr, strict FROM pragma_table_list('t')").Scan(&foreign, &noRowID, &strict); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "foreign %d rowid %v strict %v", foreign, !noRowID, strict)
	return out.String()
}

// checkRewrites renames the table, writes it from its parts, and makes it WITHOUT
// ROWID where it has a key for that: SQLite must take the results.
func checkRewrites(t *testing.T, text string, c *sqltext.CreateTable) {
	t.Helper()
	var columns, constraints []string
	for _, d := range c.Columns {
		columns = append(columns, d.Span.Of(text))
	}
	for _, k := range c.Constraints {
		constraints = append(constraints, k.Span.Of(text))
	}
	db := sqlite(t)
	statements := []string{c.Rename(text, `new "name"`), c.Text("again", columns, constraints, c.Options.Of(text))}
	if !strings.Contains(strings.ToUpper(text), "AUTOINCREMENT") && c.PrimaryKey() != nil {
		statements = append(statements, c.WithoutRowID(text))
	}
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s\nbecame\n%s: %v", text, statement, err)
		}
	}
}

// randomTable writes a CREATE TABLE of a table t that SQLite takes.
func randomTable(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	gap := func() string { return pick(" ", " ", "\n", " /* ,( */ ", " -- ')\n") }
	var columns []string
	for i := range 1 + r.IntN(5) {
		name := fmt.Sprintf(pick("c%d", `"c %d"`, "[c,%d]", "`c)%d`", `"c""%d"`), i)
		column := name + gap() + pick("", "INT", "TEXT", "VARCHAR(10)", "DECIMAL(10,"+gap()+"2)", "DOUBLE PRECISION")
		for _, c := range []string{"NOT NULL", "UNIQUE", "DEFAULT 5", "DEFAULT ('a,' || (1))", "COLLATE NOCASE", "CHECK (1 <> ')')", "REFERENCES p (x) ON DELETE CASCADE", "CONSTRAINT n NULL"} {
			if r.IntN(4) == 0 {
				column += gap() + c
			}
		}
		columns = append(columns, column)
	}
	if r.IntN(2) == 0 {
		columns = append(columns, "k"+gap()+"TEXT", "PRIMARY"+gap()+"KEY (k"+pick("", " DESC", " COLLATE nocase", " ASC")+")")
		if r.IntN(2) == 0 {
			columns = append(columns, "CONSTRAINT u UNIQUE"+gap()+"(k)")
		}
		return "CREATE TABLE" + gap() + "t(" + strings.Join(columns, gap()+","+gap()) + gap() + ")" + pick("", " WITHOUT ROWID", gap()+"without"+gap()+"rowid;", " -- end")
	}
	return "CREATE TABLE t(" + strings.Join(columns, gap()+",") + gap() + ")" + pick("", ";")
}

func TestParseCreateTableParts(t *testing.T) {
	const text = `CREATE TEMP TABLE t (a INT DEFAULT (1) AS (x /* c */), CONSTRAINT f FOREIGN KEY (a) REFERENCES p (x, y), PRIMARY KEY (a AUTOINCREMENT))`
	c, err := sqltext.ParseCreateTable(text)
	if err != nil {
		t.Fatal(err)
	}
	f := c.Constraints[0]
	if !c.Temp || c.Columns[0].Generated != "x /* c */" || f.Name != "f" || f.Parent != "p" || !slices.Equal(f.ParentColumns, []string{"x", "y"}) || !c.Constraints[1].AutoIncrement {
		t.Errorf("%+v", c)
	}
	q, err := sqltext.ParseCreateTable("CREATE TABLE t AS SELECT 1 ;")
	if err != nil || !q.AsSelect || q.Query.Of("CREATE TABLE t AS SELECT 1 ;") != "SELECT 1" {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestRefer(t *testing.T) {
	const text = `CREATE TABLE t(a INT REFERENCES "the p" ON DELETE SET NULL, b REFERENCES p(x) NOT NULL, c, FOREIGN KEY (b, c) REFERENCES [p] ( x, "y z" ) MATCH FULL DEFERRABLE)`
	c, err := sqltext.ParseCreateTable(text)
	if err != nil {
		t.Fatal(err)
	}
	var of []string
	got := c.Refer(text, func(r *sqltext.Reference) (string, []string) {
		of = append(of, strings.Join(r.Columns, "+")+">"+r.Parent+"."+strings.Join(r.ParentColumns, "+"))
		if r.Parent == "the p" {
			return r.Parent, nil
		}
		return "q", append([]string{"X"}, "z")[:len(r.ParentColumns)]
	})
	const want = `CREATE TABLE t(a INT REFERENCES "the p" ON DELETE SET NULL, b REFERENCES "q"(x) NOT NULL, c, FOREIGN KEY (b, c) REFERENCES "q" ( x, "z" ) MATCH FULL DEFERRABLE)`
	if list := strings.Join(of, "; "); got != want || list != "a>the p.; b>p.x; b+c>p.x+y z" {
		t.Errorf("%s\nof %s\nwant %s", got, list, want)
	}
}

func TestParseCreateIndex(t *testing.T) {
	const text = `CREATE UNIQUE INDEX IF NOT EXISTS s."i" ON t ("a" COLLATE nocase DESC, lower(b) COLLATE x, (a || b), a || b COLLATE nocase ASC, 'c') WHERE a > ';' -- end`
	c, err := sqltext.ParseCreateIndex(text)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, k := range c.Keys {
		keys = append(keys, fmt.Sprint(k.Column, "|", k.Expression, "|", k.Collation, "|", k.Descending))
	}
	want := []string{"a||nocase|true", "|lower(b)|x|false", "|(a || b)||false", "|a || b COLLATE nocase||false", "c|||false"}
	if !slices.Equal(keys, want) || !c.Unique || !c.IfNotExists || c.Index.Name != "i" || c.Table != "t" || c.Where != "a > ';'" {
		t.Errorf("keys %q of %+v", keys, c)
	}
	if got := c.Rename(text, "j", "u"); !strings.Contains(got, `EXISTS s."j" ON "u" (`) {
		t.Error(got)
	}
}

func TestParseAlter(t *testing.T) {
	for text, want := range map[string]string{
		"ALTER TABLE s.t RENAME TO 'u'":               "1 t  u ",
		"ALTER TABLE t RENAME COLUMN \"a b\" TO c;":   "2 t a b c ",
		"ALTER TABLE t RENAME a TO c":                 "2 t a c ",
		"ALTER TABLE t ADD COLUMN a INT DEFAULT 1 --": "3 t a  a INT DEFAULT 1",
		"ALTER TABLE t ADD a":                         "3 t a  a",
		"ALTER TABLE t DROP COLUMN a":                 "4 t a  ",
		"ALTER TABLE t DROP CONSTRAINT c":             "0 t   ",
	} {
		a, err := sqltext.ParseAlter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := fmt.Sprint(int(a.Action), " ", a.Table.Name, " ", a.Column, " ", a.NewName, " ", a.Definition.Of(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestCreateVirtual(t *testing.T) {
	for text, want := range map[string]string{
		`CREATE VIRTUAL TABLE f USING fts5(a, b)`:                                   "|f|fts5|a|b",
		`create virtual table if not exists main."my f" using [fts5] ( a /* , */ )`: "main|my f|fts5|a /* , */",
		`CREATE VIRTUAL TABLE f USING m`:                                            "|f|m",
		`CREATE VIRTUAL TABLE f USING m();`:                                         "|f|m|",
		`CREATE VIRTUAL TABLE f USING m(a, "b,c", d='e,)', (f, g) h,)`:              `|f|m|a|"b,c"|d='e,)'|(f, g) h|`,
	} {
		c, err := sqltext.ParseCreateVirtual(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(append([]string{c.Table.Schema, c.Table.Name, c.Module}, c.Arguments...), "|"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"CREATE TABLE t(a)", "CREATE VIRTUAL TABLE f", "CREATE VIRTUAL TABLE f USING m(a", "CREATE VIRTUAL TABLE f USING m(a) b"} {
		if c, err := sqltext.ParseCreateVirtual(text); err == nil {
			t.Errorf("%s: %+v", text, c)
		}
	}
}
