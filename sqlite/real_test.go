package sqlite_test

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// realData is where real data is, seen from this folder.
const realData = "../../shared/data"

// realFile returns the path of a file of real data. A checkout on its own does not
// have it: then the test says so, and what it generates itself has to do.
func realFile(t *testing.T, name string) (path string, ok bool) {
	t.Helper()
	path = filepath.Join(realData, name)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Logf("NOT TESTED with real data, it is not there: %v", err)
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, true
}

// app is an application: a pool, and the database below where it is open.
type app struct {
	t testing.TB
	*sql.DB
	below *vdb.DB
}

// newApp opens a new database on disk and its main branch.
func newApp(t testing.TB) *app {
	t.Helper()
	db, err := vdb.Open(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	a := &app{t: t, below: db}
	return a.on(vdb.MainBranch)
}

// on opens a pool on a branch.
func (a *app) on(branch string) *app {
	pool := sqlite.OpenDB(a.below, branch)
	a.t.Cleanup(func() { pool.Close() })
	return &app{t: a.t, DB: pool, below: a.below}
}

// openApp opens a pool of a driver.
func openApp(t testing.TB, driver, name string) *app {
	t.Helper()
	pool, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return &app{t: t, DB: pool}
}

func (a *app) run(statements ...string) {
	a.t.Helper()
	for _, s := range statements {
		a.exec(s)
	}
}

func (a *app) exec(statement string, args ...any) sql.Result {
	a.t.Helper()
	r, err := a.ExecContext(a.t.Context(), statement, args...)
	if err != nil {
		a.t.Fatalf("%.200s: %v", statement, err)
	}
	return r
}

// rows returns what a query yields: a row a line, values separated by |, each as
// Go prints it.
func (a *app) rows(query string, args ...any) string {
	a.t.Helper()
	rows, err := a.QueryContext(a.t.Context(), query, args...)
	if err != nil {
		a.t.Fatalf("%.200s: %v", query, err)
	}
	text, err := textOf(rows)
	if err != nil {
		a.t.Fatalf("%.200s: %v", query, err)
	}
	return text
}

func (a *app) want(want, query string, args ...any) {
	a.t.Helper()
	if got := a.rows(query, args...); got != want {
		a.t.Errorf("%s:\n%s\nwant\n%s", query, got, want)
	}
}

// textOf reads rows to their end.
func textOf(rows *sql.Rows) (string, error) {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values, pointers := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		pointers[i] = &values[i]
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return "", err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprint(v)
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	return strings.Join(lines, "\n"), rows.Err()
}

// smallShop is a script with what Chinook's has.
const smallShop = `
/* A small shop. */
DROP TABLE IF EXISTS [Customer];
CREATE TABLE [Customer]
(
    [CustomerId] INTEGER  NOT NULL,
    [FirstName] NVARCHAR(40)  NOT NULL,
    [Company] NVARCHAR(80),
    [SupportRepId] INTEGER,
    CONSTRAINT [PK_Customer] PRIMARY KEY  ([CustomerId])
);
CREATE TABLE [Invoice]
(
    [InvoiceId] INTEGER  NOT NULL,
    [CustomerId] INTEGER  NOT NULL,
    [InvoiceDate] DATETIME  NOT NULL,
    [BillingCity] NVARCHAR(40),
    [Total] NUMERIC(10,2)  NOT NULL,
    CONSTRAINT [PK_Invoice] PRIMARY KEY  ([InvoiceId]),
    FOREIGN KEY ([CustomerId]) REFERENCES [Customer] ([CustomerId])
		ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE [PlaylistTrack]
(
    [PlaylistId] INTEGER  NOT NULL,
    [TrackId] INTEGER  NOT NULL,
    CONSTRAINT [PK_PlaylistTrack] PRIMARY KEY  ([PlaylistId], [TrackId])
);
CREATE TABLE [Track]([TrackId] INTEGER PRIMARY KEY, [Name] TEXT, [UnitPrice] NUMERIC(10,2));
CREATE INDEX [IFK_InvoiceCustomerId] ON [Invoice] ([CustomerId]);
INSERT INTO [Customer] VALUES (1, 'Luís', 'Embraer', 3), (2, 'Leonie', NULL, 5), (3, 'François', NULL, 3);
INSERT INTO [Invoice] VALUES (1, 2, '2009-01-01 00:00:00', 'Stuttgart', 1.98), (2, 3, '2009-01-02 00:00:00', 'Montréal', 3), (3, 1, '2009-01-03 00:00:00', NULL, 13.86);
INSERT INTO [Track] VALUES (1, 'Balls to the Wall', 0.99), (2, 'It''s; a -- track', 0.99), (3, 'Princess of the Dawn', 1.99);
INSERT INTO [PlaylistTrack] VALUES (3, 1), (1, 3), (1, 1), (1, 2);
`

func TestChinook(t *testing.T) {
	t.Run("small", func(t *testing.T) { testShop(t, smallShop, 4) })
	path, ok := realFile(t, "chinook/Chinook_Sqlite.sql")
	if !ok {
		return
	}
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("real", func(t *testing.T) { testShop(t, string(script), 11) })
}

// testShop loads a script as it is, here and into plain SQLite, and has branches
// change it.
func testShop(t *testing.T, script string, tables int) {
	plain := openApp(t, "sqlite", filepath.Join(t.TempDir(), "plain.db")+"?_pragma=synchronous(OFF)")
	ours := newApp(t)
	for _, a := range []*app{plain, ours} {
		a.run(script)
	}
	if n := len(tableNames(ours)); n != tables {
		t.Errorf("%d tables, want %d", n, tables)
	}
	sameContents(t, ours, plain)
	ours.run("SELECT dolt_commit('-Am', 'Load')")
	ours.want("0", "SELECT count(*) FROM dolt_status")
	mergeShop(t, ours)
	sameContents(t, ours.on("both"), ours)
	editShop(plain)
	editShopToo(plain)
	sameContents(t, ours, plain)
}

func tableNames(a *app) []string {
	a.t.Helper()
	return strings.Fields(a.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"))
}

// sameContents compares all tables, row by row, and the sums that indexes give.
func sameContents(t *testing.T, a, b *app) {
	t.Helper()
	names := tableNames(a)
	if other := tableNames(b); !slices.Equal(names, other) {
		t.Fatalf("tables %v and %v", names, other)
	}
	for _, name := range names {
		query := fmt.Sprintf(`SELECT *, typeof(%s) FROM "%s" ORDER BY 1, 2`, strings.Join(columnNames(a, name), "), typeof("), name)
		if x, y := a.rows(query), b.rows(query); x != y || x == "" {
			t.Errorf("table %s differs: %d and %d bytes", name, len(x), len(y))
		}
		for _, query := range []string{`PRAGMA foreign_key_list("%s")`, `SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info('%s')`} {
			if x, y := a.rows(fmt.Sprintf(query, name)), b.rows(fmt.Sprintf(query, name)); x != y {
				t.Errorf("%s of table %s: %s and %s", query, name, x, y)
			}
		}
	}
	indexes := "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
	if x, y := a.rows(indexes), b.rows(indexes); x != y {
		t.Errorf("indexes %s and %s", x, y)
	}
	a.want("ok", "PRAGMA integrity_check")
	a.want("", "PRAGMA foreign_key_check")
}

func columnNames(a *app, table string) []string {
	return strings.Fields(a.rows("SELECT name FROM pragma_table_info(?)", table))
}

// editShop and editShopToo are what two branches do. They touch the same tables,
// and one row in two columns.
func editShop(a *app) {
	a.run(`ALTER TABLE Customer ADD COLUMN Loyalty INTEGER NOT NULL DEFAULT 0`,
		`UPDATE Customer SET Loyalty = 10 * CustomerId, Company = 'Acme' WHERE CustomerId < 3`,
		`UPDATE Track SET UnitPrice = UnitPrice + 1 WHERE TrackId % 2`,
		`DELETE FROM PlaylistTrack WHERE TrackId = 3`,
		`INSERT INTO Invoice(InvoiceId, CustomerId, InvoiceDate, Total) VALUES (9001, 1, '2026-11-22', 4.5)`,
		`CREATE INDEX track_name ON Track(Name COLLATE NOCASE)`)
}

func editShopToo(a *app) {
	a.run(`UPDATE Customer SET SupportRepId = 4 WHERE CustomerId = 2`,
		`UPDATE Track SET Name = 'A ' || Name WHERE TrackId <= 2`,
		`UPDATE Track SET UnitPrice = 5 WHERE TrackId = 2`,
		`INSERT INTO PlaylistTrack VALUES (3, 2)`,
		`INSERT INTO Invoice(InvoiceId, CustomerId, InvoiceDate, Total) VALUES (9002, 2, '2026-11-23', 1)`,
		`CREATE INDEX invoice_date ON Invoice(InvoiceDate DESC)`)
}

// mergeShop edits the data on two branches and merges them, and makes both edits on
// a third one: that gives the same.
func mergeShop(t *testing.T, main *app) {
	t.Helper()
	main.run("SELECT dolt_branch('side')", "SELECT dolt_branch('both')")
	side, both := main.on("side"), main.on("both")
	editShop(both)
	editShopToo(both)
	both.run("SELECT dolt_commit('-Am', 'Both')")
	editShop(main)
	main.run("SELECT dolt_commit('-Am', 'Prices')")
	editShopToo(side)
	side.run("SELECT dolt_commit('-Am', 'Names')")
	main.run("SELECT dolt_merge('side')")
	main.want(both.rows("SELECT dolt_hashof_db()"), "SELECT dolt_hashof_db()")
	main.want("4|Acme|20", "SELECT SupportRepId, Company, Loyalty FROM Customer WHERE CustomerId = 2")
	main.want("2", "SELECT count(*) FROM Track INDEXED BY track_name WHERE Name LIKE 'A %' AND TrackId < 3 AND Name >= 'a' COLLATE NOCASE")
	main.want("9002|9001", "SELECT group_concat(InvoiceId, '|') FROM (SELECT InvoiceId FROM Invoice INDEXED BY invoice_date WHERE InvoiceDate > '2026-11-01' ORDER BY InvoiceDate DESC)")
}

// revision is what one commit of a recorded history did. See the README of the data.
type revision struct {
	Seq     int       `json:"seq"`
	Time    int64     `json:"time"`
	Author  string    `json:"author"`
	Message string    `json:"message"`
	Columns []string  `json:"columns"`
	Full    bool      `json:"full"`
	Delete  []textRow `json:"delete"`
	Insert  []textRow `json:"insert"`
	Update  []textRow `json:"update"`
	Rows    int       `json:"rows"`
	Sum     string    `json:"sum"`

	before []string // columns
}

type textRow []*string

// recording is a history.
type recording struct {
	Dataset   string   `json:"dataset"`
	Key       []string `json:"key"`
	Revisions int      `json:"revisions"`
}

// read yields the revisions of lines, the first of which describes the history.
func (h *recording) read(lines *bufio.Reader) iter.Seq2[*revision, error] {
	return func(yield func(*revision, error) bool) {
		decoder := json.NewDecoder(lines)
		if err := decoder.Decode(h); err != nil {
			yield(nil, err)
			return
		}
		var columns []string
		for range h.Revisions {
			r := &revision{before: columns}
			err := decoder.Decode(r)
			if r.Columns == nil {
				r.Columns = columns
			}
			columns = r.Columns
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// replay is a history that is made twice: here by SQL, there by the typed API.
type replay struct {
	t *testing.T
	recording
	here  *app
	sql   *vdb.Branch
	typed *vdb.Branch
	// stored are the columns in the order that they have in the tables.
	stored []string
}

func TestReplay(t *testing.T) {
	t.Run("generated", func(t *testing.T) { replayed(t, strings.NewReader(generatedHistory())) })
	for _, name := range []string{"constituents", "financials"} {
		path, ok := realFile(t, "sp500/"+name+".jsonl.gz")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			unzipped, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			replayed(t, unzipped)
		})
	}
}

func replayed(t *testing.T, lines io.Reader) {
	here, there := newApp(t), newApp(t)
	p := &replay{t: t, here: here, sql: mainOf(here), typed: mainOf(there)}
	n := 0
	for r, err := range p.read(bufio.NewReader(lines)) {
		if err != nil {
			t.Fatal(err)
		}
		p.revision(r)
		p.compare(r)
		n++
	}
	if n < 4 || n != p.Revisions {
		t.Fatalf("%d revisions", n)
	}
	p.here.want(fmt.Sprint(n+1), "SELECT count(*) FROM dolt_log")
	p.here.want("ok", "PRAGMA integrity_check")
}

func mainOf(a *app) *vdb.Branch {
	a.t.Helper()
	b, err := a.below.Branch(a.t.Context(), vdb.MainBranch)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// revision makes a revision on both sides.
func (p *replay) revision(r *revision) {
	p.t.Helper()
	statements, steps := p.reshape(r)
	tx, err := p.here.BeginTx(p.t.Context(), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer tx.Rollback()
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			p.t.Fatalf("revision %d: %s: %v", r.Seq, s, err)
		}
	}
	if err := errors.Join(p.write(tx, r), tx.Commit()); err != nil {
		p.t.Fatalf("revision %d: %v", r.Seq, err)
	}
	if _, err := p.here.Exec("SELECT dolt_commit('-Am', ?, '--author', ?, '--date', ?, '--allow-empty')", r.Message, r.Author+" <author@example.org>", time.Unix(r.Time, 0).UTC().Format(time.RFC3339)); err != nil {
		p.t.Fatalf("revision %d: %v", r.Seq, err)
	}
	err = p.typed.Update(p.t.Context(), func(tx *vdb.Tx) error { return errors.Join(steps(tx), p.put(tx, r)) })
	if err != nil {
		p.t.Fatalf("revision %d, typed: %v", r.Seq, err)
	}
	_, err = p.typed.Commit(p.t.Context(), vdb.Message{Text: r.Message, Author: r.Author, Time: time.Unix(r.Time, 0), AllowEmpty: true})
	if err != nil {
		p.t.Fatalf("revision %d, typed: %v", r.Seq, err)
	}
}

// reshape returns how the table gets a revision's columns. One that goes as
// another comes is renamed.
func (p *replay) reshape(r *revision) (statements []string, steps func(*vdb.Tx) error) {
	if r.before == nil {
		p.stored = slices.Clone(r.Columns)
		return p.create(r)
	}
	gone, come := without(p.stored, r.Columns), without(r.Columns, p.stored)
	if len(gone) == 1 && len(come) == 1 {
		p.stored[slices.Index(p.stored, gone[0])] = come[0]
		return []string{fmt.Sprintf(`ALTER TABLE "%s" RENAME COLUMN "%s" TO "%s"`, p.Dataset, gone[0], come[0])},
			func(tx *vdb.Tx) error { return tx.RenameColumn(p.Dataset, gone[0], come[0]) }
	}
	for _, c := range gone {
		statements = append(statements, fmt.Sprintf(`ALTER TABLE "%s" DROP COLUMN "%s"`, p.Dataset, c))
	}
	for _, c := range come {
		statements = append(statements, fmt.Sprintf(`ALTER TABLE "%s" ADD COLUMN "%s" TEXT`, p.Dataset, c))
	}
	p.stored = append(without(p.stored, gone), come...)
	return statements, func(tx *vdb.Tx) (err error) {
		for _, c := range gone {
			err = errors.Join(err, tx.DropColumn(p.Dataset, c))
		}
		for _, c := range come {
			err = errors.Join(err, tx.AddColumn(p.Dataset, vdb.Column{Name: c, Type: "TEXT"}))
		}
		return err
	}
}

// create returns how the table comes to be. A key that clusters a table is NOT NULL
// to SQL, and a statement in any other style would be kept in the schema.
func (p *replay) create(r *revision) (statements []string, steps func(*vdb.Tx) error) {
	s := vdb.Schema{Name: p.Dataset, PrimaryKey: p.Key}
	var columns []string
	for _, name := range r.Columns {
		c := vdb.Column{Name: name, Type: "TEXT", NotNull: slices.Contains(p.Key, name)}
		s.Columns = append(s.Columns, c)
		columns = append(columns, fmt.Sprintf(`"%s" TEXT`, name))
		if c.NotNull {
			columns[len(columns)-1] += " NOT NULL"
		}
	}
	statement := fmt.Sprintf(`CREATE TABLE "%s"(%s, PRIMARY KEY("%s")) WITHOUT ROWID`,
		p.Dataset, strings.Join(columns, ", "), strings.Join(p.Key, `", "`))
	return []string{statement}, func(tx *vdb.Tx) error { return tx.CreateTable(s) }
}

// without returns the names that are not among others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(others, n) })
}

// write makes a revision's changes by SQL: UPSERTs, UPDATEs and DELETEs through
// prepared statements.
func (p *replay) write(tx *sql.Tx, r *revision) error {
	if r.Full {
		if _, err := tx.Exec(fmt.Sprintf(`DELETE FROM "%s"`, p.Dataset)); err != nil {
			return err
		}
	}
	key := fmt.Sprintf(`"%s" = ?`, strings.Join(p.Key, `" = ? AND "`))
	quoted := `"` + strings.Join(r.Columns, `", "`) + `"`
	marks := strings.Repeat(", ?", len(r.Columns))[2:]
	for _, change := range []struct {
		statement string
		rows      []textRow
		keys      bool // are bound last
	}{
		{fmt.Sprintf(`DELETE FROM "%s" WHERE %s`, p.Dataset, key), r.Delete, false},
		{fmt.Sprintf(`INSERT INTO "%s"(%s) VALUES (%s)`, p.Dataset, quoted, marks), r.Insert, false},
		{fmt.Sprintf(`UPDATE "%s" SET (%s) = (%s) WHERE %s`, p.Dataset, quoted, marks, key), r.Update, true},
	} {
		if err := p.runAll(tx, r, change.statement, change.rows, change.keys); err != nil {
			return err
		}
	}
	return nil
}

// runAll runs a statement for each row.
func (p *replay) runAll(tx *sql.Tx, r *revision, statement string, rows []textRow, keys bool) error {
	if len(rows) == 0 {
		return nil
	}
	prepared, err := tx.Prepare(statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	for _, row := range rows {
		args := make([]any, 0, len(row)+len(p.Key))
		for _, v := range row {
			args = append(args, v)
		}
		if keys {
			for _, k := range p.Key {
				args = append(args, row[slices.Index(r.Columns, k)])
			}
		}
		result, err := prepared.Exec(args...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%s: %d rows, %w", statement, n, err)
		}
	}
	return nil
}

// put makes a revision's changes by the typed API.
func (p *replay) put(tx *vdb.Tx, r *revision) error {
	if r.Full {
		if err := p.clear(tx); err != nil {
			return err
		}
	}
	for _, key := range r.Delete {
		if err := tx.Delete(p.Dataset, key.anys()...); err != nil {
			return err
		}
	}
	for _, row := range slices.Concat(r.Insert, r.Update) {
		stored := make(vdb.Row, len(p.stored))
		for i, c := range p.stored {
			if v := row[slices.Index(r.Columns, c)]; v != nil {
				stored[i] = vdb.Text(*v)
			}
		}
		if err := tx.Put(p.Dataset, stored); err != nil {
			return err
		}
	}
	return nil
}

func (r textRow) anys() []any {
	values := make([]any, len(r))
	for i, v := range r {
		values[i] = *v
	}
	return values
}

func (p *replay) clear(tx *vdb.Tx) error {
	var keys [][]any
	for row, err := range tx.Rows(p.Dataset, vdb.Range{}) {
		if err != nil {
			return err
		}
		var key []any
		for _, k := range p.Key {
			key = append(key, row[slices.Index(p.stored, k)])
		}
		keys = append(keys, key)
	}
	for _, key := range keys {
		if err := tx.Delete(p.Dataset, key...); err != nil {
			return err
		}
	}
	return nil
}

// compare compares the contents of both sides after a revision, and now and then
// the rows with the recorded sum.
func (p *replay) compare(r *revision) {
	p.t.Helper()
	if x, y := rootOf(p.t, p.sql), rootOf(p.t, p.typed); x != y {
		p.t.Fatalf("revision %d: by SQL the contents are %s, by the typed API %s", r.Seq, x, y)
	}
	if r.Seq > 4 && r.Seq%20 != 0 && !r.Full {
		return
	}
	query := fmt.Sprintf(`SELECT "%s" FROM "%s" AS OF 'HEAD' ORDER BY "%s"`, strings.Join(r.Columns, `", "`), p.Dataset, strings.Join(p.Key, `", "`))
	sum, rows := p.sum(r, query)
	if sum != r.Sum || rows != r.Rows {
		p.t.Fatalf("revision %d: %d rows of sum %s, recorded are %d of %s", r.Seq, rows, sum, r.Rows, r.Sum)
	}
}

func rootOf(t *testing.T, b *vdb.Branch) vdb.Hash {
	t.Helper()
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Root()
}

// sum returns the checksum of a table as it is recorded, and the number of its rows.
func (p *replay) sum(r *revision, query string) (string, int) {
	p.t.Helper()
	rows, err := p.here.Query(query)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	h, n := sha256.New(), 0
	fmt.Fprint(h, strings.Join(r.Columns, "\x1f"), "\x1e")
	values, pointers := make([]sql.NullString, len(r.Columns)), make([]any, len(r.Columns))
	for ; rows.Next(); n++ {
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			p.t.Fatal(err)
		}
		texts := make([]string, len(values))
		for i, v := range values {
			if texts[i] = v.String; !v.Valid {
				texts[i] = "\x00"
			}
		}
		fmt.Fprint(h, strings.Join(texts, "\x1f"), "\x1e")
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil)), n
}

// generatedHistory has rows that come, change and go, a NULL, a column that is
// renamed, and others that are dropped and added.
func generatedHistory() string {
	line := func(seq int, body string, rows int, contents string) string {
		return fmt.Sprintf(`{"seq":%d,"time":%d,"author":"Support","message":"Revision %d",%s,"rows":%d,"sum":"%x"}`+"\n",
			seq, 1_400_000_000+seq, seq, body, rows, sha256.Sum256([]byte(contents)))
	}
	return `{"dataset":"towns","key":["Code","Land"],"revisions":5}` + "\n" +
		line(1, `"columns":["Land","Name","Code","Old"],"full":true,"insert":[["CH","Bern","b","1"],["CH","Aarau","a",null]]`, 2,
			"Land\x1fName\x1fCode\x1fOld\x1eCH\x1fAarau\x1fa\x1f\x00\x1eCH\x1fBern\x1fb\x1f1\x1e") +
		line(2, `"delete":[["b","CH"]],"insert":[["CH","Chur","c",""]],"update":[["CH","Aarau","a","2"]]`, 2,
			"Land\x1fName\x1fCode\x1fOld\x1eCH\x1fAarau\x1fa\x1f2\x1eCH\x1fChur\x1fc\x1f\x1e") +
		line(3, `"columns":["Land","Town","Code","Old"],"full":true,"insert":[["CH","Chur","c",""],["CH","Davos","d","3"]]`, 2,
			"Land\x1fTown\x1fCode\x1fOld\x1eCH\x1fChur\x1fc\x1f\x1eCH\x1fDavos\x1fd\x1f3\x1e") +
		line(4, `"columns":["Land","Code","X","Y"],"full":true,"insert":[["CH","c","1",null]]`, 1,
			"Land\x1fCode\x1fX\x1fY\x1eCH\x1fc\x1f1\x1f\x00\x1e") +
		line(5, `"update":[["CH","c","1","2"]]`, 1, "Land\x1fCode\x1fX\x1fY\x1eCH\x1fc\x1f1\x1f2\x1e")
}
