package module

import (
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"

	lib "modernc.org/sqlite/lib"
)

// people is a table with a column of each Push.
func people() *list {
	return &list{
		columns: []Column{
			{Name: "id", Type: "INTEGER", Push: PushRange, Unique: true},
			{Name: "name", Type: "TEXT", Push: PushEQ},
			{Name: "note", Type: "TEXT"},
		},
		rows: [][]any{{1, "Ada", "x"}, {2, "Bob"}, {3, nil, "z"}, {4, "Ada", []byte{1}}},
	}
}

func TestScan(t *testing.T) {
	p := people()
	db, _ := open(t, withTables(map[string]Table{"people": p, "none": &list{columns: p.columns}}))
	equal(t, query(t, db, "SELECT * FROM people"), "1|Ada|x", "2|Bob|NULL", "3|NULL|z", "4|Ada|x'01'")
	equal(t, query(t, db, "SELECT count(DISTINCT rowid), count(*) FROM people"), "4|4")
	equal(t, query(t, db, "SELECT name, count(*) FROM people GROUP BY name ORDER BY 1 DESC"), "Bob|1", "Ada|2", "NULL|1")
	equal(t, query(t, db, "SELECT * FROM none"))
	equal(t, query(t, db, "SELECT * FROM main.people WHERE id = 2"), "2|Bob|NULL")
	mustExec(t, db, "CREATE TEMP TABLE copy AS SELECT * FROM people", "CREATE VIEW v AS SELECT name FROM people WHERE id > 2")
	equal(t, query(t, db, "SELECT count(*) FROM copy"), "4")
	equal(t, query(t, db, "SELECT * FROM v"), "NULL", "Ada")
	for _, write := range []string{"INSERT INTO people VALUES (1, 2, 3)", "UPDATE people SET id = 1", "DELETE FROM people"} {
		_, err := db.Exec(write)
		refused(t, err, "table people may not be modified", lib.SQLITE_ERROR)
	}
	_, err := db.Exec("CREATE VIRTUAL TABLE more USING people")
	refused(t, err, "no such module: people", lib.SQLITE_ERROR)
}

func TestPush(t *testing.T) {
	p := people()
	db, _ := open(t, withTables(map[string]Table{"people": p}))
	for _, test := range []struct {
		where string
		args  []any
		asked []string
		rows  []string
	}{
		{"id = 2", nil, []string{"id=2"}, []string{"2"}},
		{"id = ?", []any{2}, []string{"id=2"}, []string{"2"}},
		{"id = '2'", nil, []string{"id=2"}, []string{"2"}},
		{"id = 'two'", nil, []string{"id=two"}, nil},
		{"id = 2.5", nil, []string{"id=2.5."}, nil},
		{"id > 1 AND id <= 3", nil, []string{"id>1 id<=3"}, []string{"2", "3"}},
		{"id >= 2 AND id < 3 AND name = 'Bob'", nil, []string{"id>=2 id<3 name=Bob"}, []string{"2"}},
		{"id BETWEEN 2 AND 3", nil, []string{"id>=2 id<=3"}, []string{"2", "3"}},
		{"id IN (4, 1, 7)", nil, []string{"id=1", "id=4", "id=7"}, []string{"1", "4"}},
		{"id IN (SELECT 2)", nil, []string{"id=2"}, []string{"2"}},
		{"id = 1 OR id = 3", nil, []string{"id=1", "id=3"}, []string{"1", "3"}},
		{"name > 'B'", nil, []string{""}, []string{"2"}},
		{"name = 'ada' COLLATE NOCASE", nil, []string{""}, []string{"1", "4"}},
		{"name = 5", nil, []string{""}, nil},
		{"name IS NULL", nil, []string{"nameIS NULL"}, []string{"3"}},
		{"name IS ?", []any{nil}, []string{"nameIS NULL"}, []string{"3"}},
		{"name IS 'Bob'", nil, []string{"name=Bob"}, []string{"2"}},
		{"name = NULL", nil, nil, nil},
		{"name IS NOT NULL", nil, []string{""}, []string{"1", "2", "4"}},
		{"note = 'x'", nil, []string{""}, []string{"1"}},
		{"note LIKE 'X'", nil, []string{""}, []string{"1"}},
		{"id + 0 = 2", nil, []string{""}, []string{"2"}},
		{"id <> 2", nil, []string{""}, []string{"1", "3", "4"}},
	} {
		got := query(t, db, "SELECT id FROM people WHERE "+test.where, test.args...)
		t.Log(test.where)
		equal(t, got, test.rows...)
		equal(t, p.asked(), test.asked...)
	}
}

// TestPushConverted: a value that SQL would convert in the column before it
// compares is not pushed.
func TestPushConverted(t *testing.T) {
	p := &list{
		columns: []Column{{Name: "text", Type: "TEXT", Push: PushRange}, {Name: "any", Push: PushRange}},
		rows:    [][]any{{"05", int64(5)}, {"5", "5"}},
	}
	db, _ := open(t, withTables(map[string]Table{"p": p}))
	mustExec(t, db, "CREATE TABLE n(i INTEGER, t TEXT)", "INSERT INTO n VALUES (5, '5')")
	equal(t, query(t, db, "SELECT text FROM n CROSS JOIN p ON text = i"), "05", "5")
	equal(t, p.asked(), "")
	equal(t, query(t, db, "SELECT text FROM n CROSS JOIN p ON any = i"), "05", "5")
	equal(t, p.asked(), "")
	equal(t, query(t, db, "SELECT text FROM n CROSS JOIN p ON any = t"), "5")
	equal(t, p.asked(), "any=5")
	equal(t, query(t, db, "SELECT text FROM n CROSS JOIN p ON text = t"), "5")
	equal(t, p.asked(), "text=5")
	equal(t, query(t, db, "SELECT text FROM p WHERE any = x'05'"))
	equal(t, p.asked(), "any=x'05'")
}

func TestCollation(t *testing.T) {
	p := &list{
		columns: []Column{{Name: "name", Type: "TEXT", Collation: "NOCASE", Push: PushEQ}},
		rows:    [][]any{{"ada"}, {"Bob"}},
	}
	db, _ := open(t, withTables(map[string]Table{"p": p}))
	equal(t, query(t, db, "SELECT * FROM p WHERE name = 'BOB'"), "Bob")
	equal(t, p.asked(), "name=BOB")
	equal(t, query(t, db, "SELECT * FROM p WHERE name = 'BOB' COLLATE BINARY"))
	equal(t, p.asked(), "")
}

func TestJoin(t *testing.T) {
	p, q := people(), people()
	db, _ := open(t, withTables(map[string]Table{"p": p, "q": q}))
	equal(t, query(t, db, "SELECT p.id, q.id FROM p JOIN q ON q.id = p.id + 1 WHERE p.name = 'Ada'"), "1|2")
	equal(t, p.asked(), "name=Ada")
	equal(t, q.asked(), "id=2", "id=5")
	equal(t, query(t, db, "SELECT p.id, q.note FROM p LEFT JOIN q ON q.id = p.id AND q.note = 'x' WHERE p.id < 3"), "1|x", "2|NULL")
	equal(t, query(t, db, "SELECT a.id, (SELECT count(*) FROM p b WHERE b.id < a.id) FROM p a"), "1|0", "2|1", "3|2", "4|3")
}

// series is a table-valued function of two arguments, from 1 to n.
type series struct {
	filters [][]Filter
}

func (s *series) Columns() ([]Column, error) {
	return []Column{{Name: "value", Type: "INTEGER"}, {Name: "n", Hidden: true, Required: true}, {Name: "step", Hidden: true}}, nil
}

func (s *series) Scan(filters []Filter) iter.Seq2[[]any, error] {
	s.filters = append(s.filters, filters)
	args := [3]any{2: int64(1)}
	for _, f := range filters {
		args[f.Column] = f.Value
	}
	return func(yield func([]any, error) bool) {
		n, _ := args[1].(int64)
		step, ok := args[2].(int64)
		if !ok || step < 1 {
			yield(nil, fmt.Errorf("step %v is no positive number", args[2]))
			return
		}
		for i := int64(1); i <= n; i += step {
			if !yield([]any{i}, nil) {
				return
			}
		}
		if args[1] == nil {
			yield([]any{int64(-1)}, nil)
		}
	}
}

func TestArguments(t *testing.T) {
	s := &series{}
	db, _ := open(t, withTables(map[string]Table{"series": s}))
	equal(t, query(t, db, "SELECT * FROM series(3)"), "1", "2", "3")
	equal(t, query(t, db, "SELECT value, n, step FROM series(?, ?)", 5, 2), "1|5|2", "3|5|2", "5|5|2")
	equal(t, query(t, db, "SELECT value, n, step FROM series WHERE n = 1"), "1|1|NULL")
	equal(t, query(t, db, "SELECT value FROM series(NULL)"), "-1")
	equal(t, query(t, db, "SELECT n, value FROM series WHERE n IN (1, 2) ORDER BY 1, 2"), "1|1", "2|1", "2|2")
	equal(t, query(t, db, "SELECT value FROM series(2) WHERE n = 3"))
	equal(t, query(t, db, "SELECT value FROM series(2) WHERE n > 1 AND value > 1"), "2")
	mustExec(t, db, "CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1, 1), (3, 2)")
	equal(t, query(t, db, "SELECT a, value FROM t, series(t.a, t.b)"), "1|1", "3|1", "3|3")
	equal(t, query(t, db, "SELECT a, value FROM series(t.a), t ORDER BY 1, 2"), "1|1", "3|1", "3|2", "3|3")
	equal(t, query(t, db, "SELECT a, (SELECT sum(value) FROM series(t.a)) FROM t"), "1|1", "3|6")
	equal(t, query(t, db, "SELECT x.value, y.value FROM series(2) x, series(x.value) y"), "1|1", "2|1", "2|2")
	equal(t, query(t, db, "SELECT x.value, y.value FROM series(2) x JOIN series(2, 2) y ON x.n = y.n"), "1|1", "2|1")
	equal(t, query(t, db, "SELECT x.value, y.value FROM series(2) x JOIN series(1) y ON x.n = y.n"))
	equal(t, query(t, db, "SELECT x.value, y.value FROM series(2) x JOIN series y ON x.n = y.n WHERE y.value < 2"), "1|1", "2|1")
	equal(t, query(t, db, "SELECT a, value FROM t LEFT JOIN series(t.a - 1)"), "1|NULL", "3|1", "3|2")

	_, err := tryQuery(db, "SELECT * FROM series")
	refused(t, err, "series needs its argument n: write series(n, step)", lib.SQLITE_ERROR)
	_, err = tryQuery(db, "SELECT * FROM series WHERE n > 1")
	refused(t, err, "series needs its argument n", lib.SQLITE_ERROR)
	_, err = tryQuery(db, "SELECT * FROM series(1, 2, 3)")
	refused(t, err, "too many arguments on series() - max 2", lib.SQLITE_ERROR)
	_, err = tryQuery(db, "SELECT * FROM series(1, -2)")
	refused(t, err, "step -2 is no positive number", lib.SQLITE_ERROR)
}

// faulty fails or panics where it is told to.
type faulty struct {
	columns, start, row func() error
}

func (f *faulty) Columns() ([]Column, error) {
	return []Column{{Name: "a"}}, f.columns()
}

func (f *faulty) Scan([]Filter) iter.Seq2[[]any, error] {
	if err := f.start(); err != nil {
		return func(yield func([]any, error) bool) { yield(nil, err) }
	}
	return func(yield func([]any, error) bool) {
		_ = yield([]any{1}, nil) && yield(nil, f.row())
	}
}

func TestTableErrors(t *testing.T) {
	none := func() error { return nil }
	plain := func() error { return errors.New("100% %s of \"it\" failed") }
	busy := func() error { return fmt.Errorf("scan: %w", coded(lib.SQLITE_BUSY)) }
	boom := func() error { panic("boom") }
	tables := map[string]Table{}
	for where, set := range map[string]func(*faulty, func() error){
		"columns": func(f *faulty, fail func() error) { f.columns = fail },
		"start":   func(f *faulty, fail func() error) { f.start = fail },
		"row":     func(f *faulty, fail func() error) { f.row = fail },
	} {
		for how, fail := range map[string]func() error{"plain": plain, "busy": busy, "boom": boom} {
			f := &faulty{none, none, none}
			set(f, fail)
			tables[where+"_"+how] = f
		}
	}
	before := live()
	db, _ := open(t, withTables(tables))
	for name := range tables {
		_, err := tryQuery(db, "SELECT * FROM "+name)
		t.Log(err)
		switch name[len(name)-5:] {
		case "plain":
			refused(t, err, "100% %s of \"it\" failed", lib.SQLITE_ERROR)
		case "_busy":
			refused(t, err, "scan: error with code 5", lib.SQLITE_BUSY)
		case "_boom":
			refused(t, err, name+": panic: boom", lib.SQLITE_ERROR)
		}
	}
	equal(t, query(t, db, "SELECT 1"), "1")
	db.Close()
	if live() != before {
		t.Fatal("what failed is still held")
	}
}

func TestBadTables(t *testing.T) {
	db, _ := open(t, withTables(map[string]Table{
		"empty": &list{},
		"nul":   &list{columns: []Column{{Name: "a\x00b"}}},
		"twice": &list{columns: []Column{{Name: "a"}, {Name: "A"}}},
		"value": &list{columns: []Column{{Name: "a"}}, rows: [][]any{{struct{}{}}}},
		"short": &list{columns: []Column{{Name: "a"}, {Name: "b"}}, rows: [][]any{nil, {}, {1}}},
		"long":  &list{columns: []Column{{Name: "a"}}, rows: [][]any{{1, 2}}},
	}))
	for name, text := range map[string]string{
		"empty": "module: declare empty: it has no columns",
		"nul":   "has a NUL in its name",
		"twice": "duplicate column name: A",
		"value": "a struct {} is no SQL value",
	} {
		_, err := tryQuery(db, "SELECT * FROM "+name)
		refused(t, err, text, lib.SQLITE_ERROR)
	}
	equal(t, query(t, db, "SELECT * FROM short"), "NULL|NULL", "NULL|NULL", "1|NULL")
	equal(t, query(t, db, "SELECT * FROM long"), "1")
}

// TestColumns: names and types that are SQL's own words harm nothing.
func TestColumns(t *testing.T) {
	names := []string{"commit", "ref", "a b", `q"uote`, "select", "größe", ",)", "", "hidden"}
	types := []string{"DECIMAL(10,2)", "VARCHAR(20)", "HIDDEN TEXT", "INT PRIMARY KEY", "TEXT) --", "", "double precision", "a,b", "INT (", "(5)"}
	l := &list{rows: [][]any{{}}}
	for i := range len(names) * len(types) {
		l.columns = append(l.columns, Column{Name: names[i%len(names)] + fmt.Sprint(i), Type: types[i/len(names)]})
	}
	db, _ := open(t, withTables(map[string]Table{"l": l}))
	rows, err := db.Query("SELECT * FROM l")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got, _ := rows.ColumnTypes()
	if len(got) != len(l.columns) {
		t.Fatalf("%d columns of %d", len(got), len(l.columns))
	}
	want := []string{"DECIMAL(10,2)", "VARCHAR(20)", "TEXT", "INTEGER", "TEXT", "", "DOUBLE PRECISION", "NUMERIC", "INTEGER", "NUMERIC"}
	for i, column := range got {
		if column.Name() != l.columns[i].Name || column.DatabaseTypeName() != want[i/len(names)] {
			t.Errorf("column %d is %q %q, want %q %q", i, column.Name(), column.DatabaseTypeName(), l.columns[i].Name, want[i/len(names)])
		}
	}
}

func TestRedefine(t *testing.T) {
	one := &list{columns: []Column{{Name: "a"}}, rows: [][]any{{1}}}
	two := &list{columns: []Column{{Name: "b"}, {Name: "c"}}, rows: [][]any{{2, 3}, {4, 5}}}
	db, c := open(t, withTables(map[string]Table{"t": one}))
	prepared, err := db.Prepare("SELECT * FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	// first reads what the prepared statement sees.
	first := func() string {
		var a, b sql.NullString
		rows, err := prepared.Query()
		if err != nil {
			return err.Error()
		}
		defer rows.Close()
		columns, _ := rows.Columns()
		rows.Next()
		if err := rows.Scan([]any{&a, &b}[:len(columns)]...); err != nil {
			return err.Error()
		}
		return a.String + b.String
	}
	equal(t, []string{first()}, "1")
	if err := c.Table("T", two); err != nil {
		t.Fatal(err)
	}
	equal(t, []string{first()}, "23")
	equal(t, query(t, db, "SELECT b, c FROM t"), "2|3", "4|5")
	_, err = tryQuery(db, "SELECT a FROM t")
	refused(t, err, "no such column: a", 0)
	for range 2 {
		if err := c.DropTable("t"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = tryQuery(db, "SELECT * FROM t")
	refused(t, err, "no such table: t", 0)
	if err := c.Table("t", one); err != nil {
		t.Fatal(err)
	}
	equal(t, query(t, db, "SELECT a FROM t"), "1")
	mustExec(t, db, "CREATE TABLE t(own)")
	equal(t, query(t, db, "SELECT * FROM t"))
}

// TestRedefineWhileRead: a query that runs keeps the table that it began with.
func TestRedefineWhileRead(t *testing.T) {
	var c Conn
	l := people()
	db, c := open(t, func(conn Conn) error {
		return errors.Join(conn.Table("people", l), conn.Function("drop_it", 0, 0, func([]any) (any, error) {
			return 1, c.DropTable("people")
		}))
	})
	equal(t, query(t, db, "SELECT id, drop_it() FROM people"), "1|1", "2|1", "3|1", "4|1")
	_, err := tryQuery(db, "SELECT * FROM people")
	refused(t, err, "no such table: people", 0)
}

func TestEarlyClose(t *testing.T) {
	p := people()
	db, _ := open(t, withTables(map[string]Table{"people": p}))
	rows, err := db.Query("SELECT * FROM people a, people b")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	rows.Close()
	if p.stopped != 2 {
		t.Fatalf("%d scans of 2 were stopped", p.stopped)
	}
	query(t, db, "SELECT * FROM people LIMIT 2")
	if p.stopped != 3 {
		t.Fatalf("%d scans of 3 were stopped", p.stopped)
	}
	p.err = errors.New("too late")
	query(t, db, "SELECT * FROM people LIMIT 4")
	_, err = tryQuery(db, "SELECT * FROM people")
	refused(t, err, "too late", lib.SQLITE_ERROR)
}

// picky wants to know the columns that are read.
type picky struct {
	list
	used []uint64
}

func (p *picky) ScanColumns(filters []Filter, used uint64) iter.Seq2[[]any, error] {
	p.used = append(p.used, used)
	return p.Scan(filters)
}

func TestScanColumns(t *testing.T) {
	p := &picky{list: *people()}
	db, _ := open(t, withTables(map[string]Table{"people": p}))
	query(t, db, "SELECT note FROM people WHERE id = 1")
	query(t, db, "SELECT count(*) FROM people")
	query(t, db, "SELECT * FROM people")
	if got := fmt.Sprint(p.used); got != "[5 0 7]" {
		t.Fatalf("columns used: %s", got)
	}
}

// TestConnections: each connection has tables and functions of its own, and they
// work at once.
func TestConnections(t *testing.T) {
	stop, err := OnOpen(func(c Conn, _ string) error {
		own := &list{columns: []Column{{Name: "db", Type: "INTEGER"}}, rows: [][]any{{int64(c.DB)}}}
		return errors.Join(c.Table("own", own), c.Table("series", &series{}),
			c.Function("own", 0, 0, func([]any) (any, error) { return int64(c.DB), nil }))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxIdleConns(4)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				got, err := tryQuery(db, "SELECT db = own(), sum(value) FROM own, series(100)")
				if err != nil || len(got) != 1 || got[0] != "1|5050" {
					t.Errorf("got %q, error %v", got, err)
				}
			}
		})
	}
	wait.Wait()
}
