package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// stock is what most tests of triggers work with: each write is noted, and the sum of
// all parts is kept in another table.
var stock = []string{
	`CREATE TABLE parts(id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT (lower('NONE')), count INT DEFAULT 0, note TEXT)`,
	`CREATE TABLE totals(what TEXT PRIMARY KEY, n INT)`,
	`CREATE TABLE journal(id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT)`,
	`INSERT INTO totals VALUES('parts', 0)`,
	`CREATE TRIGGER came AFTER INSERT ON parts BEGIN
		UPDATE totals SET n = n + new.count WHERE what = 'parts';
		INSERT INTO journal(line) VALUES('+' || new.id || ' ' || new.name);
	END`,
	`CREATE TRIGGER changed AFTER UPDATE OF count ON parts BEGIN
		UPDATE totals SET n = n + new.count - old.count WHERE what = 'parts';
		INSERT INTO journal(line) VALUES(new.id || ' ' || old.count || '>' || new.count);
	END`,
	`CREATE TRIGGER gone AFTER DELETE ON parts BEGIN
		UPDATE totals SET n = n - old.count WHERE what = 'parts';
		INSERT INTO journal(line) VALUES('-' || old.id);
	END`,
	`CREATE TRIGGER refused BEFORE INSERT ON parts WHEN new.count < 0 BEGIN
		INSERT INTO journal(line) VALUES('never seen');
		SELECT RAISE(ABORT, 'a part that is not there');
	END`,
}

func part(id int64, name string, count int64) vdb.Row {
	return vdb.Row{vdb.Int(id), vdb.Text(name), vdb.Int(count), vdb.Null()}
}

// lines is what the journal of stock says.
const lines = `SELECT group_concat(line, ', ') FROM (SELECT line FROM journal ORDER BY id)`

func TestTriggersSeeAndMakeRows(t *testing.T) {
	r := newRuled(t, stock...)
	err := r.update("main", func(tx *vdb.Tx) error {
		if err := tx.Put("parts", part(1, "bolt", 10)); err != nil {
			return err
		}
		row, err := tx.Get("totals", "parts") // what the trigger has written is there
		if err != nil || row[1].Int() != 10 {
			return fmt.Errorf("the total is %v, %w", row, err)
		}
		// A write without SQL in between: the trigger sees it.
		if err := tx.Put("totals", vdb.Row{vdb.Text("parts"), vdb.Int(100)}); err != nil {
			return err
		}
		if err := tx.Insert("parts", part(2, "nut", 5)); err != nil {
			return err
		}
		if err := tx.Update("parts", part(1, "bolt", 11)); err != nil {
			return err
		}
		return tx.Delete("parts", 2)
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", `SELECT n FROM totals`, "101")
	r.want("main", lines, "+1 bolt, +2 nut, 1 10>11, -2")
	r.want("main", `SELECT seq FROM sqlite_sequence WHERE name = 'journal'`, "4")
}

// TestAbortedWrites has triggers refuse writes: the write leaves nothing, and what was
// written before it stays.
func TestAbortedWrites(t *testing.T) {
	r := newRuled(t, stock...)
	err := r.update("main", func(tx *vdb.Tx) error {
		if err := tx.Insert("parts", part(1, "bolt", 10)); err != nil {
			return err
		}
		err := tx.Insert("parts", part(2, "hole", -1))
		if !errors.Is(err, vdb.ErrConstraint) || !strings.Contains(err.Error(), "a part that is not there") {
			t.Errorf("%v, want what the trigger says", err)
		}
		if err := tx.Insert("parts", part(1, "bolt", 10)); !errors.Is(err, vdb.ErrExists) {
			t.Errorf("%v, want ErrExists", err)
		}
		if err := tx.Update("parts", part(7, "bolt", 10)); !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
		if err := tx.Delete("parts", 7); !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
		if err := tx.Insert("parts", vdb.Row{vdb.Int(3), vdb.Null(), vdb.Null(), vdb.Null()}); !errors.Is(err, vdb.ErrConstraint) {
			t.Errorf("%v, want ErrConstraint", err)
		}
		if err := tx.Insert("parts", vdb.Row{vdb.Int(3)}); !errors.Is(err, vdb.ErrInvalid) {
			t.Errorf("%v, want ErrInvalid", err)
		}
		return tx.Insert("parts", part(3, "nut", 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	r.want("main", lines, "+1 bolt, +3 nut")
	r.want("main", `SELECT n FROM totals`, "11")

	was := r.text("main", `SELECT dolt_hashof_db('WORKING')`)
	failed := errors.New("changed its mind")
	err = r.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.Insert("parts", part(4, "cog", 1)), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	r.want("main", `SELECT dolt_hashof_db('WORKING')`, was)
}

// TestDefinitionsBetweenTriggers changes definitions while SQL holds writes.
func TestDefinitionsBetweenTriggers(t *testing.T) {
	r := newRuled(t, stock...)
	err := r.update("main", func(tx *vdb.Tx) error {
		if err := tx.Put("parts", part(1, "bolt", 10)); err != nil {
			return err
		}
		table := vdb.Schema{Name: "new", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}}, PrimaryKey: []string{"id"}}
		if err := tx.CreateTable(table); err != nil {
			return err
		}
		if err := tx.Put("parts", part(2, "nut", 10)); err != nil {
			return err
		}
		if err := tx.Put("new", vdb.Row{vdb.Int(1)}); err != nil {
			return err
		}
		if err := tx.Put("parts", part(3, "cog", 10)); err != nil {
			return err
		}
		if err := tx.DropTable("parts"); err != nil {
			return err
		}
		table.Name = "parts" // it has no triggers any more
		if err := tx.CreateTable(table); err != nil {
			return err
		}
		return tx.Put("parts", vdb.Row{vdb.Int(7)})
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", lines, "+1 bolt, +2 nut, +3 cog")
	r.want("main", `SELECT id, (SELECT id FROM new) FROM parts`, "7|1")
}

// TestTriggersOnViewsAndVirtualTables has triggers keep a full-text index, and write
// through a view.
func TestTriggersOnViewsAndVirtualTables(t *testing.T) {
	r := newRuled(t, `CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)`, `CREATE VIRTUAL TABLE words USING fts5(body, content='notes', content_rowid='id')`,
		`CREATE TABLE tags(tag TEXT PRIMARY KEY, n INT)`, `CREATE VIEW tagged AS SELECT tag FROM tags`,
		`CREATE TRIGGER tagging INSTEAD OF INSERT ON tagged BEGIN INSERT INTO tags VALUES(new.tag, 1) ON CONFLICT DO UPDATE SET n = n + 1; END`,
		`CREATE TRIGGER came AFTER INSERT ON notes BEGIN
			INSERT INTO words(rowid, body) VALUES(new.id, new.body);
			INSERT INTO tagged VALUES(substr(new.body, 1, 1));
		END`,
		`CREATE TRIGGER changed AFTER UPDATE ON notes BEGIN
			INSERT INTO words(words, rowid, body) VALUES('delete', old.id, old.body);
			INSERT INTO words(rowid, body) VALUES(new.id, new.body);
		END`)
	note := func(id int64, body string) vdb.Row { return vdb.Row{vdb.Int(id), vdb.Text(body)} }
	for _, notes := range [][]vdb.Row{{note(1, "a red bolt"), note(2, "a green nut")}, {note(2, "no nut"), note(3, "red cog")}} {
		err := r.update("main", func(tx *vdb.Tx) error {
			for _, n := range notes {
				if err := tx.Put("notes", n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.sound("main")
	r.exec("main", `INSERT INTO words(words) VALUES('integrity-check')`)
	r.want("main", `SELECT group_concat(rowid) FROM words WHERE words MATCH 'red'`, "1,3")
	r.want("main", `SELECT group_concat(rowid) FROM words WHERE words MATCH 'green'`, "")
	r.want("main", `SELECT group_concat(tag || n) FROM tags`, "a2,r1")
}

func TestRaise(t *testing.T) {
	for what, c := range map[string]struct {
		fails, ends bool
		want        string
	}{
		"IGNORE":         {false, false, "0: before"},
		"ABORT, 'no'":    {true, false, "0: "},
		"FAIL, 'no'":     {true, false, "0: before"}, // as in SQL, what came before it stays
		"ROLLBACK, 'no'": {true, true, ""},
	} {
		r := newRuled(t, `CREATE TABLE t(id INTEGER PRIMARY KEY)`, `CREATE TABLE log(line)`,
			`CREATE TRIGGER first BEFORE INSERT ON t WHEN new.id = 1 BEGIN INSERT INTO log VALUES('before'); SELECT RAISE(`+what+`); END`)
		err := r.update("main", func(tx *vdb.Tx) error {
			err := tx.Insert("t", vdb.Row{vdb.Int(1)})
			if errors.Is(err, vdb.ErrConstraint) != c.fails || errors.Is(err, vdb.ErrTxDone) != c.ends {
				t.Errorf("%s: %v", what, err)
			}
			return nil
		})
		if errors.Is(err, vdb.ErrTxDone) != c.ends || err != nil && !c.ends {
			t.Errorf("%s: %v", what, err)
		}
		if !c.ends {
			r.want("main", `SELECT (SELECT count(*) FROM t) || ': ' || (SELECT coalesce(max(line), '') FROM log)`, c.want)
		}
	}
}

// TestChainsOfTriggers has a trigger fire another one, three tables long, and one that
// writes to its own table.
func TestChainsOfTriggers(t *testing.T) {
	r := newRuled(t, `CREATE TABLE a(id INTEGER PRIMARY KEY, n INT)`, `CREATE TABLE b(id TEXT PRIMARY KEY, n INT)`, `CREATE TABLE c(n INT)`,
		`CREATE TRIGGER ab AFTER INSERT ON a BEGIN INSERT INTO b VALUES('b' || new.id, new.n) ON CONFLICT DO UPDATE SET n = n + 1; END`,
		`CREATE TRIGGER bc AFTER INSERT ON b BEGIN INSERT INTO c SELECT n FROM a; END`,
		`CREATE TRIGGER aa AFTER UPDATE ON a WHEN new.n > 0 BEGIN UPDATE a SET n = -new.n WHERE id = new.id; INSERT INTO c VALUES(new.n); END`)
	err := r.update("main", func(tx *vdb.Tx) error {
		for i := range int64(3) {
			if err := tx.Put("a", vdb.Row{vdb.Int(i), vdb.Int(i * 10)}); err != nil {
				return err
			}
		}
		return tx.Put("a", vdb.Row{vdb.Int(1), vdb.Int(7)})
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", `SELECT group_concat(id || n) FROM a`, "00,1-7,220")
	r.want("main", `SELECT group_concat(id || ':' || n) FROM b`, "b0:0,b1:10,b2:20")
	r.want("main", `SELECT group_concat(n) FROM c`, "0,0,10,0,10,20,7")
}

// TestTriggersOfStructs writes structs that do not have all of the columns.
func TestTriggersOfStructs(t *testing.T) {
	type Part struct {
		ID    int64 `vdb:"id,pk,auto"`
		Count int64
	}
	parts := vdb.MustTable[Part]("parts")
	r := newRuled(t, append(stock, `CREATE TRIGGER noted AFTER UPDATE OF note ON parts BEGIN INSERT INTO journal(line) VALUES('noted'); END`)...)
	var first Part
	err := r.update("main", func(tx *vdb.Tx) error {
		first = Part{Count: 4}
		if err := parts.Add(tx, &first); err != nil {
			return err
		}
		second := Part{Count: 5}
		if err := parts.Add(tx, &second); err != nil {
			return err
		}
		if first.ID != 1 || second.ID != 2 {
			t.Errorf("rows %d and %d", first.ID, second.ID)
		}
		if err := parts.Put(tx, Part{1, 8}); err != nil {
			return err
		}
		if err := tx.PutBlob("parts", "note", strings.NewReader(strings.Repeat("long ", 1000)), 1); err != nil {
			return err
		}
		if err := parts.Insert(tx, Part{1, 8}); !errors.Is(err, vdb.ErrExists) {
			t.Errorf("%v, want ErrExists", err)
		}
		if err := parts.Update(tx, Part{2, 6}); err != nil {
			return err
		}
		got, err := parts.Get(tx, 2)
		if err != nil || got.Count != 6 {
			return fmt.Errorf("%v, %w", got, err)
		}
		return parts.Delete(tx, 2)
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", lines, "+1 none, +2 none, 1 4>8, noted, 2 5>6, -2")
	r.want("main", `SELECT id, name, count, length(note) FROM parts`, "1|none|8|5000")
	s, err := r.branch("main").Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	blob, err := s.OpenBlob("parts", "note", 1)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(blob.Reader()); err != nil || len(text) != 5000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// TestTriggersOfRacers has transactions run at the same time.
func TestTriggersOfRacers(t *testing.T) {
	r := newRuled(t, stock...)
	main := r.branch("main")
	const writers, rounds = 4, 10
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := range rounds {
				err := main.Update(context.Background(), func(tx *vdb.Tx) error {
					return tx.Insert("parts", part(int64(w*rounds+i), "bolt", 1))
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	r.sound("main")
	r.want("main", `SELECT n, (SELECT count(*) FROM journal), (SELECT count(*) FROM parts) FROM totals`, "40|40|40")
}

// TestWritesWithTriggersEnd cancels a transaction, and uses it after its end.
func TestWritesWithTriggersEnd(t *testing.T) {
	r := newRuled(t, stock...)
	was := r.text("main", `SELECT dolt_hashof_db('WORKING')`)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := r.branch("main").Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Put("parts", part(1, "bolt", 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := tx.Put("parts", part(2, "bolt", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
	if err := tx.Commit(); err == nil {
		t.Error("a transaction that was cancelled has committed")
	}
	if err := tx.Put("parts", part(2, "bolt", 1)); !errors.Is(err, vdb.ErrTxDone) {
		t.Errorf("%v, want ErrTxDone", err)
	}
	if err := tx.Delete("parts", 2); !errors.Is(err, vdb.ErrTxDone) {
		t.Errorf("%v, want ErrTxDone", err)
	}
	r.want("main", `SELECT dolt_hashof_db('WORKING')`, was)
}

// TestManyWritesWithTriggers makes more writes than SQL holds at once.
func TestManyWritesWithTriggers(t *testing.T) {
	r := newRuled(t, stock...)
	const n = 5000
	err := r.update("main", func(tx *vdb.Tx) error {
		for i := range int64(n) {
			if err := tx.Put("parts", part(i, "bolt", 1)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sound("main")
	r.want("main", `SELECT n, (SELECT count(*) FROM journal), (SELECT count(*) FROM parts) FROM totals`, "5000|5000|5000")
}

// TestWritesWithTriggersAsSQL makes random writes to tables with random triggers, by
// the typed API and as SQL by the driver: rows, errors and roots are the same.
func TestWritesWithTriggersAsSQL(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 12 {
		w := &triggerTwins{t: t, random: random}
		w.make()
		for range 6 {
			w.round()
		}
	}
}

// triggerTwins are two databases with the same tables and triggers.
type triggerTwins struct {
	t      *testing.T
	random *rand.Rand
	typed  *ruled
	sql    *ruled
	keys   []string // of the three tables: their key columns
}

func (w *triggerTwins) make() {
	forms := []struct{ table, key string }{
		{`CREATE TABLE t%d(k INTEGER PRIMARY KEY, a INT, b TEXT)`, "k"},
		{`CREATE TABLE t%d(k INTEGER PRIMARY KEY AUTOINCREMENT, a INT CHECK (a < 90), b TEXT)`, "k"},
		{`CREATE TABLE t%d(k TEXT COLLATE NOCASE PRIMARY KEY, a INT, b TEXT, s AS (a || b) STORED)`, "k"},
		{`CREATE TABLE t%d(k INT, a INT, b TEXT, PRIMARY KEY(k DESC, a)) WITHOUT ROWID`, "k, a"},
		{`CREATE TABLE t%d(k INT, a INT, b TEXT)`, ""},
	}
	var statements []string
	for i := range 3 {
		form := forms[w.random.IntN(len(forms))]
		statements = append(statements, fmt.Sprintf(form.table, i))
		w.keys = append(w.keys, form.key)
		if w.random.IntN(2) == 0 {
			statements = append(statements, fmt.Sprintf(`CREATE INDEX x%d ON t%d(b, a + 1)`, i, i))
		}
	}
	for i := range 6 {
		statements = append(statements, w.trigger(i))
	}
	w.typed, w.sql = newRuled(w.t, statements...), newRuled(w.t, statements...)
}

func (w *triggerTwins) trigger(i int) string {
	pick := func(of ...string) string { return of[w.random.IntN(len(of))] }
	event := pick("INSERT", "UPDATE", "DELETE", "UPDATE OF b", "UPDATE OF k")
	row := "new"
	if event == "DELETE" {
		row = "old"
	}
	body := pick(
		`INSERT OR IGNORE INTO t%[1]d(k, a, b) VALUES(%[2]s.a %% 7, %[2]s.k, 'made');`,
		`UPDATE t%[1]d SET b = b || '!' WHERE a = %[2]s.a %% 5 AND length(b) < 9;`,
		`DELETE FROM t%[1]d WHERE a = %[2]s.a %% 11;`,
		`SELECT RAISE(ABORT, 'no') WHERE %[2]s.a %% 6 = 0;`,
		`SELECT RAISE(IGNORE) WHERE %[2]s.a %% 8 = 0;`,
		`INSERT INTO t%[1]d(k, a, b) SELECT k + 20, a + 1, 'next' FROM t%[1]d WHERE a < 3;`)
	when := pick("", "", "WHEN "+row+".a > 3")
	text := fmt.Sprintf(`CREATE TRIGGER g%d %s %s ON t%d %s BEGIN `+body+` END`, i, pick("BEFORE", "AFTER"), event, w.random.IntN(3), when, w.random.IntN(3), row)
	return strings.TrimSuffix(text, "%!(EXTRA string="+row+")")
}

// write is one write, by both ways.
type triggerWrite struct {
	table   int
	verb    string
	k, a, b any
}

// round makes a transaction of random writes by both ways, and compares.
func (w *triggerTwins) round() {
	var writes []triggerWrite
	for range 1 + w.random.IntN(6) {
		verbs := []string{"insert", "update", "put", "delete"}
		x := triggerWrite{w.random.IntN(3), verbs[w.random.IntN(4)], w.random.Int64N(12), w.random.Int64N(16), fmt.Sprint("v", w.random.IntN(4))}
		if w.keys[x.table] == "" && x.verb != "insert" {
			x.verb = "insert"
		}
		writes = append(writes, x)
	}
	var typed, inSQL []bool
	if err := w.typed.update("main", func(tx *vdb.Tx) error {
		typed = nil
		for i, x := range writes {
			err := w.writeTyped(tx, x)
			typed = append(typed, err == nil)
			if errors.Is(err, vdb.ErrTxDone) || errors.Is(err, vdb.ErrNeedsSQL) {
				return err
			}
			if i%2 == 1 { // reads take what SQL has
				if _, err := tx.Count("t0", vdb.Range{}); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		w.t.Fatalf("%+v: %v", writes, err)
	}
	db := sqlite.OpenDB(w.sql.db, "main")
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range writes {
		inSQL = append(inSQL, w.writeSQL(tx, x) == nil)
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
	if fmt.Sprint(typed) != fmt.Sprint(inSQL) {
		w.t.Fatalf("%+v: typed %v, in SQL %v", writes, typed, inSQL)
	}
	w.typed.sound("main")
	for i := range 3 {
		query := fmt.Sprintf(`SELECT * FROM t%d ORDER BY k, a, b`, i)
		if i, j := w.typed.text("main", query), w.sql.text("main", query); i != j {
			w.t.Fatalf("%+v: %s: typed\n%s\nin SQL\n%s", writes, query, i, j)
		}
	}
	const root = `SELECT dolt_hashof_db('WORKING')`
	if w.typed.text("main", root) != w.sql.text("main", root) {
		w.t.Fatalf("%+v: other roots", writes)
	}
}

func (w *triggerTwins) writeTyped(tx *vdb.Tx, x triggerWrite) error {
	table := fmt.Sprint("t", x.table)
	s, err := tx.Schema(table)
	if err != nil {
		return err
	}
	row := make(vdb.Row, len(s.Columns))
	for i, v := range []any{x.k, x.a, x.b} {
		if row[i], err = vdb.ValueOf(v); err != nil {
			return err
		}
	}
	switch x.verb {
	case "insert":
		return tx.Insert(table, row)
	case "update":
		return tx.Update(table, row)
	case "put":
		return tx.Put(table, row)
	}
	if w.keys[x.table] == "k" {
		return tx.Delete(table, x.k)
	}
	return tx.Delete(table, x.k, x.a)
}

var errNoRow = errors.New("no row")

func (w *triggerTwins) writeSQL(tx *sql.Tx, x triggerWrite) error {
	where, set := "k = ?1", "a = ?2, b = ?3"
	if w.keys[x.table] == "k, a" {
		where, set = "k = ?1 AND a = ?2", "b = ?3"
	}
	var n int
	if err := tx.QueryRow(fmt.Sprintf(`SELECT count(*) FROM t%d WHERE %s AND ?3 = ?3`, x.table, where), x.k, x.a, x.b).Scan(&n); err != nil {
		return err
	}
	exec := func(text string) error {
		_, err := tx.Exec(fmt.Sprintf(text, x.table), x.k, x.a, x.b)
		return err
	}
	switch {
	case x.verb == "insert", x.verb == "put" && n == 0:
		return exec(`INSERT INTO t%d(k, a, b) VALUES(?1, ?2, ?3)`)
	case n == 0:
		return errNoRow
	case x.verb == "delete":
		return exec(`DELETE FROM t%d WHERE ` + where + ` AND ?3 = ?3`)
	}
	return exec(`UPDATE t%d SET ` + set + ` WHERE ` + where)
}
