package convert_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/vdbgo/vdb/cmd/vdb/internal/convert"
	"github.com/vdbgo/vdb/sqlite"
)

// everything has an object of each kind, and values that are easily lost.
const everything = `
PRAGMA user_version = 7;
PRAGMA application_id = 99;
CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, at DATETIME, day DATE);
INSERT INTO counted VALUES (5, '2024-01-02T03:04:05Z', '2024-01-02'), (9, 1700000000, NULL);
DELETE FROM counted WHERE id = 9;
CREATE TABLE strict(a INT, b TEXT, c ANY) STRICT;
INSERT INTO strict VALUES (1, 'x', x'00'), (NULL, '', 1.5), (3, 'nul' || char(0) || 'nul', x'');
CREATE TABLE child(id INTEGER PRIMARY KEY, parent TEXT REFERENCES parent(name), CHECK (id > 0));
INSERT INTO child VALUES (1, 'p');
CREATE TABLE parent(name TEXT PRIMARY KEY, n REAL DEFAULT 1, twice AS (n * 2), thrice AS (n * 3) STORED);
INSERT INTO parent(name, n) VALUES ('p', 3.0), ('q', 9e999);
CREATE TABLE pair(a, b, PRIMARY KEY (b, a)) WITHOUT ROWID;
INSERT INTO pair VALUES (1, 2), (0, 2);
CREATE TABLE hidden(rowid TEXT, v);
INSERT INTO hidden(_rowid_, rowid, v) VALUES (40, 'r', 1), (7, 's', 2);
CREATE TABLE "we ird""name"("a b", "select");
INSERT INTO "we ird""name" VALUES (1, 2);
CREATE UNIQUE INDEX partial ON counted(day) WHERE day IS NOT NULL;
CREATE INDEX expression ON parent(lower(name));
CREATE VIEW b_view AS SELECT * FROM a_view;
CREATE VIEW a_view AS SELECT name, n FROM parent;
CREATE TABLE fired(n);
CREATE TRIGGER on_child AFTER INSERT ON child BEGIN INSERT INTO fired VALUES (new.id); END;
CREATE VIRTUAL TABLE words USING fts5(text);
INSERT INTO words VALUES ('some words'), ('others');
CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
INSERT INTO boxes VALUES (1, 0, 10), (2, 5, 6);
`

// questions are asked of the source and of the copy.
var questions = []string{
	`SELECT id, typeof(at), at || '', day || '' FROM counted`,
	`SELECT name, seq FROM sqlite_sequence`,
	`SELECT quote(a), typeof(b), length(b), hex(b), quote(c) FROM strict ORDER BY rowid`,
	`SELECT * FROM child`, `SELECT * FROM parent ORDER BY name`, `SELECT * FROM pair`,
	`SELECT _rowid_, rowid, v FROM hidden ORDER BY v`,
	`SELECT * FROM "we ird""name"`,
	`SELECT * FROM b_view ORDER BY name`,
	`SELECT count(*) FROM fired`,
	`SELECT rowid, text FROM words WHERE words MATCH 'words'`,
	`SELECT id FROM boxes WHERE x0 > 4`,
	`SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name`,
	`PRAGMA user_version`, `PRAGMA application_id`, `PRAGMA integrity_check`,
}

// TestCopy copies a SQLite file into vdb, and from there into another file.
func TestCopy(t *testing.T) {
	ctx := context.Background()
	source, versioned, back := plain(t), branch(t), plain(t)
	must(t, source, everything)
	var last, all int64
	report, err := convert.Copy(ctx, source, versioned, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := report.String(), "10 tables with 25 rows, 2 indexes, 2 views, 1 triggers"; got != want {
		t.Errorf("copied %s, want %s", got, want)
	}
	_, err = convert.Copy(ctx, versioned, back, &convert.Options{Progress: func(done, of int64) { last, all = done, of }})
	if err != nil {
		t.Fatal(err)
	}
	if last > all {
		t.Errorf("progress %d of %d", last, all)
	}
	for _, question := range questions {
		want := answer(t, source, question)
		if got := answer(t, versioned, question); got != want {
			t.Errorf("%s in vdb:\n got %s\nwant %s", question, got, want)
		}
		if got := answer(t, back, question); got != want {
			t.Errorf("%s in the copy:\n got %s\nwant %s", question, got, want)
		}
	}
	must(t, back, `INSERT INTO words(words) VALUES ('integrity-check'); INSERT INTO words VALUES ('more words')`)
	must(t, versioned, `INSERT INTO words VALUES ('more words'); INSERT INTO child VALUES (2, 'q')`)
	if got := answer(t, versioned, `SELECT count(*) FROM words('words')`) + answer(t, versioned, `SELECT * FROM fired`); got != "[2]\n[2]\n" {
		t.Errorf("after the copy: %s", got)
	}
}

// TestCopyRefused copies nothing where a table of that name is there, nor where a
// statement fails.
func TestCopyRefused(t *testing.T) {
	ctx := context.Background()
	source, target := plain(t), plain(t)
	must(t, source, `CREATE TABLE a(x); CREATE TABLE B(x); INSERT INTO a VALUES (1)`)
	must(t, target, `CREATE VIEW b AS SELECT 1`)
	_, err := convert.Copy(ctx, source, target, nil)
	if !errors.Is(err, convert.ErrExists) || !strings.Contains(err.Error(), "B is there already") {
		t.Errorf("copy over b: %v", err)
	}
	must(t, target, `DROP VIEW b; CREATE TABLE taken(x); CREATE INDEX i ON taken(x)`)
	must(t, source, `CREATE INDEX i ON a(x)`)
	if _, err := convert.Copy(ctx, source, target, nil); err == nil || !strings.Contains(err.Error(), "convert i: ") {
		t.Errorf("copy an index that exists: %v", err)
	}
	if got := answer(t, target, `SELECT name FROM sqlite_schema`); got != "[taken]\n[i]\n" {
		t.Errorf("a refused copy left %s", got)
	}
}

func TestProgress(t *testing.T) {
	source, target := plain(t), plain(t)
	must(t, source, `CREATE TABLE n(i); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 2500) INSERT INTO n SELECT i FROM c`)
	var calls []int64
	_, err := convert.Copy(context.Background(), source, target, &convert.Options{Progress: func(done, all int64) { calls = append(calls, done, all) }})
	if err != nil || fmt.Sprint(calls) != "[1000 2500 2000 2500]" {
		t.Errorf("progress %v, %v", calls, err)
	}
}

func plain(t *testing.T) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "plain.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return connect(t, db)
}

func branch(t *testing.T) *sql.Conn {
	t.Helper()
	db, err := sql.Open(sqlite.DriverName, "file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "branch.vdb")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return connect(t, db)
}

func connect(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func must(t *testing.T, conn *sql.Conn, script string) {
	t.Helper()
	if _, err := conn.ExecContext(context.Background(), script); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// answer returns a query's rows, one to a line.
func answer(t *testing.T, conn *sql.Conn, query string) string {
	t.Helper()
	rows, err := conn.QueryContext(context.Background(), query)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	var out strings.Builder
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%v\n", values)
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return out.String()
}
