package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vdbgo/vdb"
)

// side is one of the two databases, on one connection.
type side struct {
	ctx  context.Context
	db   *sql.DB
	conn *sql.Conn
}

func (s *side) open(db *sql.DB, setUp ...string) (err error) {
	s.db = db
	db.SetMaxOpenConns(1)
	if s.conn, err = db.Conn(s.ctx); err != nil {
		return err
	}
	for _, statement := range setUp {
		if _, err := s.conn.ExecContext(s.ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (s *side) close() error {
	err := s.conn.Close()
	return errors.Join(err, s.db.Close())
}

// outcome is what a statement has come to, as text.
type outcome struct {
	rows    []string
	columns string
	changed string // rows affected, and last insert id
	failure string
}

// endless is the failure of a statement that comes to no end, as triggers may have it.
const endless = "it has no end"

// run runs a statement.
func (s *side) run(text string, st *step) (o outcome) {
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer func() {
		if ctx.Err() != nil {
			o = outcome{failure: endless}
		}
		cancel()
	}()
	if !st.query {
		result, err := s.conn.ExecContext(ctx, text, st.args...)
		if err != nil {
			o.failure = failureText(err)
			return o
		}
		affected, _ := result.RowsAffected()
		id, _ := result.LastInsertId()
		o.changed = fmt.Sprintf("%d rows affected, last insert id %d", affected, id)
		return o
	}
	rows, err := s.conn.QueryContext(ctx, text, st.args...)
	if err != nil {
		o.failure = failureText(err)
		return o
	}
	defer rows.Close()
	o.columns, o.rows, err = readRows(rows)
	if err != nil {
		o.failure = failureText(err)
	}
	if !st.ordered {
		slices.Sort(o.rows)
	}
	return o
}

// failureText tells an error with its code.
func failureText(err error) string {
	code := -1
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		code = coded.Code()
	}
	text := err.Error()
	if at := strings.Index(text, "error in "); at >= 0 {
		text = text[:at] // the first of several objects, in an order of their own
	}
	return fmt.Sprintf("%s [%d]", text, code)
}

func readRows(rows *sql.Rows) (header string, lines []string, err error) {
	columns, err := rows.Columns()
	if err != nil {
		return "", nil, err
	}
	for rows.Next() {
		values, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			return "", nil, err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = exactText(v)
		}
		lines = append(lines, strings.Join(texts, " | "))
	}
	return strings.Join(columns, " | "), lines, rows.Err()
}

// exactText tells values of all types apart.
func exactText(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprintf("real %x", math.Float64bits(v))
	case string:
		return fmt.Sprintf("%q", v)
	case []byte:
		return fmt.Sprintf("x%x", v)
	}
	return fmt.Sprintf("%T %v", v, v)
}

// twins are a database of ours and a plain one that get the same statements.
type twins struct {
	dir   string
	vdb   *vdb.DB
	ours  side
	plain side
	cache int // PRAGMA cache_size; 0 is the default
	typed int // writes by the typed API
	// foreseen is the hash of all contents as the open transaction has them.
	foreseen string
}

// newTwins opens two databases in an empty directory.
func newTwins(dir string, cache int) (*twins, error) {
	w := &twins{dir: dir, cache: cache}
	w.ours.ctx, w.plain.ctx = context.Background(), context.Background()
	if err := w.open(); err != nil {
		return nil, err
	}
	return w, w.side()
}

func (w *twins) open() (err error) {
	if w.vdb, err = vdb.Open(w.ours.ctx, filepath.Join(w.dir, "ours.vdb"), nil); err != nil {
		return err
	}
	var setUp []string
	if w.cache != 0 {
		setUp = []string{fmt.Sprintf("PRAGMA cache_size = %d", w.cache)}
	}
	plain, err := sql.Open("sqlite", filepath.Join(w.dir, "plain.db"))
	if err != nil {
		return err
	}
	return errors.Join(w.ours.open(OpenDB(w.vdb, vdb.MainBranch), setUp...), w.plain.open(plain, append(setUp, "PRAGMA synchronous = OFF")...))
}

func (w *twins) close() error {
	return errors.Join(w.ours.close(), w.plain.close(), w.vdb.Close())
}

// side writes a table by the typed API: the branch is rendered anew.
func (w *twins) side() error {
	main, err := w.vdb.Branch(w.ours.ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	w.typed++
	return main.Update(w.ours.ctx, func(tx *vdb.Tx) error {
		if w.typed == 1 {
			if err := tx.CreateTable(sideSchema); err != nil {
				return err
			}
		}
		return tx.Put(sideTable, vdb.Row{vdb.Int(int64(w.typed)), vdb.Text(strings.Repeat("side ", w.typed*w.typed*30))})
	})
}

// sideTable is the table that the typed API writes: it is in no plain database.
const sideTable = "vdb_side"

var sideSchema = vdb.Schema{
	Name:       sideTable,
	Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "v", Type: "TEXT"}},
	PrimaryKey: []string{"id"},
}

// errLimit ends a comparison: what SQLite has in an index is too long for a key
// here, or a statement comes to no end on either side.
var errLimit = errors.New("a long key")

// step takes a step on both, and tells where they differ.
func (w *twins) step(st step) error {
	switch st.ours {
	case reopen.ours:
		if err := w.close(); err != nil {
			return err
		}
		if err := w.open(); err != nil {
			return err
		}
	case typed.ours:
		if w.inTransaction() {
			return nil
		}
		if err := w.side(); err != nil {
			return err
		}
	default:
		if st.plain == "VACUUM" && !w.inTransaction() {
			st.plain = "SELECT 0 WHERE 0" // there it sets the last insert id
		}
		ours, plain := w.ours.run(strings.ReplaceAll(st.ours, "DIR", w.dir), &st), w.plain.run(strings.ReplaceAll(st.plain, "DIR", w.dir), &st)
		if strings.Contains(ours.failure, "a key value of") || ours.failure == endless && plain.failure == endless {
			return errLimit
		}
		if ours.failure != "" && ours.columns == "" { // it gives out no row of what is not committed
			plain.columns, plain.rows = "", ours.rows
		}
		if ours.failure != plain.failure || ours.changed != plain.changed || ours.columns != plain.columns || !slices.Equal(ours.rows, plain.rows) {
			return fmt.Errorf("ours\n%splain\n%s", ours, plain)
		}
	}
	if err := w.look(st); err != nil {
		return err
	}
	return w.check()
}

// look asks ours, inside of a transaction, for the hash of all that the transaction
// has left, and after its COMMIT sees that it is that. The look must change nothing.
func (w *twins) look(st step) error {
	foreseen := w.foreseen
	w.foreseen = ""
	inside := w.inTransaction()
	if !inside && (foreseen == "" || !strings.EqualFold(st.ours, "COMMIT")) {
		return nil
	}
	virtual, err := w.ours.query("SELECT 1 FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%'")
	if err != nil || len(virtual) > 0 {
		return err // FTS5 holds entries back; to look has it write them, in a table of its own
	}
	found, err := w.ours.query("SELECT dolt_hashof_db()")
	switch {
	case inside && err != nil && (strings.Contains(err.Error(), "FOREIGN KEY") || strings.Contains(err.Error(), "a key value of")):
		return nil // nor could the transaction be committed
	case err != nil:
		return err
	case inside:
		w.foreseen = found[0]
	case found[0] != foreseen:
		return fmt.Errorf("inside of the transaction the hash was %s, after it %s", foreseen, found[0])
	}
	return nil
}

// inTransaction tells whether a transaction is open.
func (w *twins) inTransaction() bool {
	_, err := w.plain.conn.ExecContext(w.plain.ctx, "BEGIN")
	if err == nil {
		_, err = w.plain.conn.ExecContext(w.plain.ctx, "ROLLBACK")
	}
	return err != nil
}

func describe(st step) string {
	text := st.ours
	for _, a := range st.args {
		text += "\n    " + clip(exactText(a), 60)
	}
	return text
}

func clip(s string, n int) string {
	if len(s) > n {
		return fmt.Sprintf("%s… (%d)", s[:n], len(s))
	}
	return s
}

func (o outcome) String() string {
	var b strings.Builder
	if o.failure != "" {
		fmt.Fprintln(&b, " ", o.failure)
	}
	fmt.Fprintln(&b, " ", o.changed, o.columns, len(o.rows), "rows")
	for _, r := range o.rows[:min(len(o.rows), 10)] {
		fmt.Fprintln(&b, "   ", clip(r, 300))
	}
	return b.String()
}

// check compares the whole of both databases.
func (w *twins) check() error {
	for _, s := range []*side{&w.plain, &w.ours} {
		if lines, err := s.strings("PRAGMA integrity_check"); err != nil || len(lines) != 1 || lines[0] != "ok" {
			return fmt.Errorf("integrity_check: ours is %t: %s %v %v", s == &w.ours, lines, err, w.failure())
		}
	}
	ours, err := w.ours.dump()
	if err != nil {
		return fmt.Errorf("dump of ours: %w: %w", err, w.failure())
	}
	plain, err := w.plain.dump()
	if err != nil {
		return fmt.Errorf("dump of the plain one: %w", err)
	}
	for i := range max(len(ours), len(plain)) {
		if i >= len(ours) || i >= len(plain) || ours[i] != plain[i] {
			return fmt.Errorf("dumps differ:\nours  %s\nplain %s", excerpt(ours, i), excerpt(plain, i))
		}
	}
	return nil
}

func excerpt(lines []string, i int) string {
	return clip(strings.Join(lines[min(i, len(lines)):min(i+3, len(lines))], "\n"), 3000)
}

// failure returns what lies behind the latest error of ours.
func (w *twins) failure() (err error) {
	w.ours.conn.Raw(func(c any) error {
		err = c.(*conn).file.failure()
		return nil
	})
	return err
}

// dump lists the schemas and all rows, those of the side table aside.
func (s *side) dump() (lines []string, err error) {
	schemas, err := s.strings("SELECT name FROM pragma_database_list ORDER BY name")
	for _, schema := range schemas {
		part, e := s.dumpSchema(schema)
		if err = errors.Join(err, e); err != nil {
			return nil, err
		}
		lines = append(lines, part...)
	}
	return lines, err
}

func (s *side) dumpSchema(schema string) ([]string, error) {
	from := " FROM " + schema + ".sqlite_schema WHERE tbl_name <> '" + sideTable + "'"
	lines, err := s.query("SELECT type, name, tbl_name, sql" + from)
	if err != nil {
		return nil, err
	}
	tables, err := s.strings("SELECT name" + from + " AND type = 'table' ORDER BY name")
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		rows, err := s.dumpTable(schema, table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		for _, r := range rows {
			lines = append(lines, schema+"."+table+": "+r)
		}
	}
	return lines, nil
}

func (s *side) dumpTable(schema, table string) ([]string, error) {
	from := "* FROM " + schema + "." + quote(table)
	if strings.HasPrefix(table, "sqlite_stat") {
		from += " WHERE tbl <> '" + sideTable + "'"
	}
	rows, err := s.query("SELECT rowid, " + from)
	if err != nil || strings.HasPrefix(table, "sqlite_") {
		rows, err = s.query("SELECT " + from)
	}
	return rows, err
}

// query returns a query's rows, sorted.
func (s *side) query(text string) ([]string, error) {
	rows, err := s.conn.QueryContext(s.ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	_, lines, err := readRows(rows)
	slices.Sort(lines)
	return lines, err
}
