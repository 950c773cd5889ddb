package sqlite

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// virtualSchema are full-text indexes with content of their own, with that of a table
// and with none, and an R*Tree and a Geopoly table.
var virtualSchema = []string{
	"CREATE VIRTUAL TABLE docs USING fts5(body, note UNINDEXED)",
	"CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)",
	"CREATE VIRTUAL TABLE words USING fts5(body, content = 'notes', content_rowid=id, tokenize = 'porter')",
	"CREATE TRIGGER came AFTER INSERT ON notes BEGIN INSERT INTO words(rowid, body) VALUES(new.id, new.body); END",
	"CREATE TRIGGER went AFTER DELETE ON notes BEGIN INSERT INTO words(words, rowid, body) VALUES('delete', old.id, old.body); END",
	`CREATE TRIGGER changed AFTER UPDATE ON notes BEGIN
		INSERT INTO words(words, rowid, body) VALUES('delete', old.id, old.body); INSERT INTO words(rowid, body) VALUES(new.id, new.body); END`,
	"CREATE VIRTUAL TABLE places USING rtree(id, x0, x1, y0, y1, +body DATE)",
	"CREATE VIRTUAL TABLE shapes USING geopoly(body)",
}

// virtualWorld is what the tables of virtualSchema should hold: a body by its number.
type virtualWorld struct {
	*console
	rng    *rand.Rand
	bodies map[int]string
}

func newVirtualWorld(t *testing.T, seed uint64) *virtualWorld {
	w := &virtualWorld{console: newConsole(t), rng: rand.New(rand.NewPCG(seed, 1)), bodies: map[int]string{}}
	w.run(virtualSchema...)
	for id := range 200 {
		w.put(2*id, w.body())
	}
	w.run("SELECT dolt_commit('-Am', 'base')")
	return w
}

func (w *virtualWorld) body() string {
	words := []string{"day"}
	for range w.rng.IntN(8) {
		words = append(words, fmt.Sprint("word", w.rng.IntN(30)))
	}
	return strings.Join(words, " ")
}

// put stores a body in all tables; empty is none.
func (w *virtualWorld) put(id int, body string) {
	w.t.Helper()
	_, there := w.bodies[id]
	for _, table := range []string{"docs", "notes", "places", "shapes"} {
		at := "rowid"
		if table == "notes" {
			at = "id"
		}
		switch {
		case body == "":
			w.run(fmt.Sprintf("DELETE FROM %s WHERE %s = %d", table, at, id))
		case there:
			w.run(fmt.Sprintf("UPDATE %s SET body = '%s' WHERE %s = %d", table, body, at, id))
		case table == "places":
			w.run(fmt.Sprintf("INSERT INTO places VALUES(%d, %f, %[2]f, %[3]f, %[3]f + 0.1, '%[4]s')", id, w.rng.Float64()*1000, float64(id), body))
		case table == "shapes":
			w.run(fmt.Sprintf("INSERT INTO shapes(rowid, _shape, body) VALUES(%d, '[[0,0],[%[1]d.5,0],[0,1],[0,0]]', '%[2]s')", id, body))
		case table == "notes":
			w.run(fmt.Sprintf("INSERT INTO notes VALUES(%d, '%s')", id, body))
		default:
			w.run(fmt.Sprintf("INSERT INTO docs(rowid, body, note) VALUES(%d, '%s', 'n%[1]d')", id, body))
		}
	}
	if w.bodies[id] = body; body == "" {
		delete(w.bodies, id)
	}
}

// change changes, removes and adds rows whose numbers leave a remainder by 5, and
// returns what it has done.
func (w *virtualWorld) change(remainder int) map[int]string {
	w.t.Helper()
	done := map[int]string{}
	for range 30 {
		id := 5*w.rng.IntN(100) + remainder
		done[id] = w.body()
		if _, there := w.bodies[id]; there && w.rng.IntN(3) == 0 {
			done[id] = ""
		}
		w.put(id, done[id])
	}
	return done
}

// sound compares all tables with the bodies, and has SQLite check the indexes.
func (w *virtualWorld) sound() {
	w.t.Helper()
	var all, some []string
	for _, id := range slices.Sorted(maps.Keys(w.bodies)) {
		all = append(all, fmt.Sprintf("%d|%s", id, w.bodies[id]))
		if strings.Contains(w.bodies[id]+" ", "word7 ") {
			some = append(some, fmt.Sprint(id))
		}
	}
	for _, table := range []string{"docs", "notes", "words", "places", "shapes"} {
		at := "rowid"
		if table == "notes" {
			at = "id"
		}
		w.want(strings.Join(all, "\n"), fmt.Sprintf("SELECT %s, body FROM %s ORDER BY 1", at, table))
	}
	for _, table := range []string{"docs", "words"} {
		w.want(strings.Join(some, "\n"), fmt.Sprintf("SELECT rowid FROM %s WHERE %[1]s MATCH 'word7' ORDER BY 1", table))
		w.run(fmt.Sprintf("INSERT INTO %s(%[1]s, rank) VALUES('integrity-check', 1)", table))
	}
	w.want("ok", "SELECT rtreecheck('places')")
	w.want(fmt.Sprint(len(w.bodies)), "SELECT count(*) FROM shapes WHERE geopoly_overlap(_shape, '[[-1,-1],[1000,-1],[1000,2],[-1,2],[-1,-1]]')")
	w.want("", "SELECT id FROM notes n WHERE NOT EXISTS (SELECT * FROM places p WHERE p.id = n.id AND y0 <= n.id AND y1 > n.id)")
	w.want("", "SELECT id FROM notes n WHERE NOT EXISTS (SELECT * FROM shapes s WHERE s.rowid = n.id AND geopoly_area(_shape) = (n.id + 0.5) / 2)")
	w.want("ok", "PRAGMA integrity_check")
}

// fork changes rows on branch work and others on main, and returns what work did.
func (w *virtualWorld) fork(main, work int) map[int]string {
	w.t.Helper()
	w.run("SELECT dolt_branch('-f', 'work')", "SELECT dolt_checkout('work')")
	before := maps.Clone(w.bodies)
	theirs := w.change(work)
	w.run("SELECT dolt_commit('-am', 'on work')", "SELECT dolt_checkout('main')")
	w.bodies = before
	w.change(main)
	return theirs
}

func (w *virtualWorld) merged(theirs map[int]string) {
	for id, body := range theirs {
		if w.bodies[id] = body; body == "" {
			delete(w.bodies, id)
		}
	}
}

// TestMergeVirtual has both sides write full-text indexes and R*Trees.
func TestMergeVirtual(t *testing.T) {
	for seed := range uint64(3) {
		w := newVirtualWorld(t, seed)
		theirs := w.fork(0, 1)
		w.run("SELECT dolt_commit('-am', 'on main')", "SELECT dolt_merge('work')")
		w.merged(theirs)
		w.sound()

		theirs = w.fork(2, 3) // carried under what is not committed
		w.run("SELECT dolt_merge('work')")
		w.merged(theirs)
		w.sound()
		w.run("SELECT dolt_commit('-am', 'carried')")

		before := maps.Clone(w.bodies) // reverted beneath what came after
		w.change(4)
		w.run("SELECT dolt_commit('-am', 'the bad day')")
		for id := range w.bodies {
			if id%5 == 4 {
				delete(w.bodies, id)
			}
		}
		for id, body := range before {
			if id%5 == 4 {
				w.bodies[id] = body
			}
		}
		wanted := maps.Clone(w.bodies)
		w.bodies = w.held()
		later := w.change(1)
		w.run("SELECT dolt_commit('-am', 'the day after')", "SELECT dolt_revert('HEAD~')")
		w.bodies = wanted
		w.merged(later)
		w.sound()
	}
}

// held are the bodies as the table has them.
func (w *virtualWorld) held() map[int]string {
	w.t.Helper()
	text, err := w.rows("SELECT id, body FROM notes")
	if err != nil {
		w.t.Fatal(err)
	}
	bodies := map[int]string{}
	for line := range strings.Lines(text) {
		var id int
		number, body, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		fmt.Sscan(number, &id)
		bodies[id] = body
	}
	return bodies
}

// TestMergeVirtualConflicts has both sides change the same rows.
func TestMergeVirtualConflicts(t *testing.T) {
	for _, side := range []string{"ours", "theirs"} {
		for _, at := range []string{"in the merge", "afterwards"} {
			w := newVirtualWorld(t, 9)
			w.run("SELECT dolt_branch('work')")
			w.put(10, "ours alone")
			w.put(20, "ours word7")
			w.put(30, "")
			ours := maps.Clone(w.bodies)
			w.run("SELECT dolt_commit('-am', 'on main')", "SELECT dolt_checkout('work')")
			w.bodies = map[int]string{20: "", 30: "", 40: ""}
			w.put(20, "theirs word7 and more")
			w.put(30, "theirs word7 too")
			w.put(40, "theirs alone")
			theirs := w.bodies
			w.run("SELECT dolt_commit('-am', 'on work')", "SELECT dolt_checkout('main')")
			w.bodies = ours
			if side == "theirs" {
				w.merged(theirs)
			}
			w.bodies[40] = "theirs alone"
			if at == "in the merge" {
				w.run("SELECT dolt_merge('work', '--" + side + "')")
				w.sound()
				continue
			}
			w.run("BEGIN")
			w.fails("table shapes: changed by both sides in rows 20, 30", "SELECT dolt_merge('work')")
			w.want("places|changed by both sides in rows 20, 30\nshapes|changed by both sides in rows 20, 30",
				"SELECT table_name, description FROM dolt_schema_conflicts ORDER BY 1")
			w.want("docs_content|2\nnotes|2", `SELECT "table", num_conflicts FROM dolt_conflicts WHERE num_conflicts > 0 ORDER BY 1`)
			w.run("SELECT dolt_conflicts_resolve('--" + side + "', 'docs')")
			w.want("notes|2", `SELECT "table", num_conflicts FROM dolt_conflicts`)
			w.fails("no conflict", "SELECT dolt_conflicts_resolve('--"+side+"', 'docs')")
			w.run("SELECT dolt_conflicts_resolve('--" + side + "', '.')")
			w.sound()
			w.run("SELECT dolt_commit('-am', 'merged')", "COMMIT")
			w.sound()
		}
	}
}

// TestMergeContentless: what a full-text index without content holds cannot be merged,
// so that it is taken from one side.
func TestMergeContentless(t *testing.T) {
	for side, want := range map[string]string{"ours": "1\n2", "theirs": "1\n3"} {
		c := newConsole(t)
		c.run("CREATE VIRTUAL TABLE f USING fts5(body, content='')", "INSERT INTO f(rowid, body) VALUES (1, 'a day')",
			"SELECT dolt_commit('-Am', 'base')", "SELECT dolt_checkout('-b', 'work')",
			"INSERT INTO f(rowid, body) VALUES (3, 'their day')", "SELECT dolt_commit('-am', 'theirs')", "SELECT dolt_checkout('main')",
			"INSERT INTO f(rowid, body) VALUES (2, 'our day')", "SELECT dolt_commit('-am', 'ours')", "BEGIN")
		c.fails("look at dolt_schema_conflicts, settle", "SELECT dolt_merge('work')")
		c.want("f|CREATE VIRTUAL TABLE f USING fts5(body, content='')", "SELECT table_name, our_schema FROM dolt_schema_conflicts")
		c.run("SELECT dolt_conflicts_resolve('--"+side+"', 'f')", "SELECT dolt_commit('-am', 'merged')", "COMMIT")
		c.want(want, "SELECT rowid FROM f WHERE f MATCH 'day' ORDER BY 1")
		c.run("INSERT INTO f(f) VALUES('integrity-check')")
	}
}

// TestContentOf asks FTS5 whether a table has content of its own.
func TestContentOf(t *testing.T) {
	for options, want := range map[string]string{
		"":                               "f_content",
		", tokenize = 'porter ascii'":    "f_content",
		", content=''":                   "",
		`, Content = ""`:                 "",
		", content=notes":                "notes",
		", content = 'my ''notes'''":     "my 'notes'",
		", content=[n], content_rowid=i": "n",
		", cont=`n`":                     "n",
		", content":                      "f_content", // a column
		", columnsize=0, detail=none":    "f_content",
		", content_rowid=i, content=n":   "n",
		", content='', contentless_unindexed=1, b UNINDEXED": "",
	} {
		text := "CREATE VIRTUAL TABLE f USING fts5(a" + options + ")"
		v, err := new(evaluator).Virtual(text)
		if err != nil || v.Source != want {
			t.Errorf("%s: %+v, %v; want %q", text, v, err, want)
		}
		var own int
		db := plainSQLite(t)
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		err = db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name = 'f_content'").Scan(&own)
		if err != nil || (own == 1) != (want == "f_content" || strings.Contains(text, "unindexed")) {
			t.Errorf("%s: %d, %v", text, own, err)
		}
	}
}

// TestMergeVirtualDisordered: an index whose content cannot be read any more collides.
func TestMergeVirtualDisordered(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)", "CREATE VIRTUAL TABLE words USING fts5(body, content=notes, content_rowid=id)",
		"SELECT dolt_commit('-Am', 'base')", "SELECT dolt_checkout('-b', 'work')",
		"INSERT INTO words(rowid, body) VALUES (3, 'their day')", "SELECT dolt_commit('-am', 'theirs')", "SELECT dolt_checkout('main')",
		"INSERT INTO words(rowid, body) VALUES (2, 'our day')", "ALTER TABLE notes RENAME COLUMN body TO text", "SELECT dolt_commit('-am', 'ours')")
	c.fails("table words: ", "SELECT dolt_merge('work')")
	c.run("SELECT dolt_merge('work', '--ours')")
	c.want("ok", "PRAGMA integrity_check(notes)")
}

// TestMergeVirtualBesideWriters merges while others write full-text indexes and R*Trees.
func TestMergeVirtualBesideWriters(t *testing.T) {
	w := newVirtualWorld(t, 4)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		for id := 1_000_000; ; id++ {
			if ctx.Err() != nil {
				done <- nil
				return
			}
			_, err := w.db.Exec("INSERT INTO notes VALUES(?, 'late day')", id)
			if err == nil {
				_, err = w.db.Exec("INSERT INTO places VALUES(?, 1, 1, ?1, ?1 + 1, 'late day')", id)
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for id := range 10 {
		w.run("SELECT dolt_branch('-f', 'work')", "SELECT dolt_checkout('work')")
		w.put(2*id+1, "early day")
		w.run("SELECT dolt_commit('-am', 'on work')", "SELECT dolt_checkout('main')", "SELECT dolt_merge('work')")
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.run("INSERT INTO words(words, rank) VALUES('integrity-check', 1)", "INSERT INTO docs(docs, rank) VALUES('integrity-check', 1)")
	w.want("ok", "SELECT rtreecheck('places')")
	w.want("ok", "PRAGMA integrity_check")
	w.want("10|1", "SELECT count(*), (SELECT count(*) FROM notes WHERE body LIKE 'late%') = (SELECT count(*) FROM words('late')) FROM words('early')")
	w.want("", "SELECT id FROM notes WHERE id % 2 AND id NOT IN (SELECT id FROM places) AND id < (SELECT max(id) FROM notes)")
}
