package sqlite

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// indexed asks FTS5 whether what docs and words find is what docs and notes hold.
func (w *virtualWorld) indexed() {
	w.t.Helper()
	for _, table := range []string{"docs", "words"} {
		w.run(fmt.Sprintf("INSERT INTO %s(%[1]s, rank) VALUES('integrity-check', 1)", table))
	}
	w.want("ok", "SELECT rtreecheck('places')")
}

// TestRestoreVirtual restores rows that full-text indexes find.
func TestRestoreVirtual(t *testing.T) {
	for _, message := range []string{"", ", '-m', 'back'"} {
		w := newVirtualWorld(t, 1)
		w.run("SELECT dolt_tag('base')")
		for id := range 9 {
			w.put(2*id, "")
		}
		w.put(30, "changed")
		w.run("SELECT dolt_commit('-am', 'the bad day')", "INSERT INTO notes VALUES(1001, 'the day after')", "SELECT dolt_commit('-am', 'after')")
		w.run("SELECT dolt_restore('notes', 'base', 2" + message + ")")
		w.want("1", "SELECT count(*) FROM words WHERE rowid = 2 AND words MATCH 'day'")
		w.want("0", "SELECT count(*) FROM docs WHERE rowid = 2")
		w.indexed()
		w.run("SELECT dolt_restore('Docs', 'base', 'rowid = 4'"+message+")", "SELECT dolt_restore('docs', 'base', 'note = n6'"+message+")")
		w.want("4\n6", "SELECT rowid FROM docs WHERE rowid < 18 AND docs MATCH 'day'")
		w.indexed()
		w.run("SELECT dolt_restore('*', 'base', 'id = 8'" + message + ")") // the derived tables have such a column, too
		w.want("1|0", "SELECT count(*), (SELECT count(*) FROM docs WHERE rowid = 8) FROM notes WHERE id = 8")
		w.indexed()
		w.run("SELECT dolt_restore('docs_content', 'base', 'id = 8'" + message + ")")
		w.want("1", "SELECT count(*) FROM docs WHERE rowid = 8 AND docs MATCH 'day'")
		w.indexed()
		w.run("SELECT dolt_restore('*', 'base', 'note = n10', '--exact'" + message + ")")
		w.want("1", "SELECT count(*) FROM docs WHERE rowid = 10")
		w.indexed()
		w.want("1", "SELECT count(*) FROM words('after')")
		w.fails("name notes, of which it is made", "SELECT dolt_restore('words', 'base', 2)")
		w.fails("words_docsize is what words derives: name notes", "SELECT dolt_restore('words_docsize', 'base', 2)")
		w.fails("docs_data is what docs derives: name docs", "SELECT dolt_restore('docs_data', 'base', 2)")
		w.fails("places is a virtual table: write to places by SQL", "SELECT dolt_restore('places', 'base', 2)")
		w.fails("column nothing: not found", "SELECT dolt_restore('docs', 'base', 'nothing = 2')")
		w.run("DROP TABLE docs")
		w.fails("docs has been dropped: create it again", "SELECT dolt_restore('docs', 'base', 'rowid = 4')")
	}
}

// TestStageFullText stages, commits and throws away tables without what else changed:
// full-text indexes go with their content.
func TestStageFullText(t *testing.T) {
	for _, name := range []string{"notes", "words"} {
		w := newVirtualWorld(t, 2)
		w.put(2, "staged word")
		w.run("SELECT dolt_add('" + name + "')")
		w.put(4, "thrown away")
		w.put(6, "")
		w.run("SELECT dolt_checkout('" + name + "')")
		w.indexed()
		w.want("0|0", "SELECT (SELECT count(*) FROM words('staged')), (SELECT count(*) FROM words('thrown'))")
		w.run("SELECT dolt_commit('-m', 'notes alone')", "SELECT dolt_reset('--hard')")
		w.indexed()
		w.want("1", "SELECT count(*) FROM words('staged')")
		w.want("0", "SELECT count(*) FROM docs('staged')")
	}
}

// TestStageRowsOfFullText stages and throws away single rows.
func TestStageRowsOfFullText(t *testing.T) {
	w := newVirtualWorld(t, 3)
	w.run("INSERT INTO notes VALUES(1001, 'staged word'), (1003, 'thrown away'), (1005, 'left')",
		"UPDATE dolt_workspace_notes SET staged = 1 WHERE to_id = 1001", "DELETE FROM dolt_workspace_notes WHERE to_id = 1003")
	w.indexed()
	w.want("1|0|1", "SELECT (SELECT count(*) FROM words('staged')), (SELECT count(*) FROM words('thrown')), (SELECT count(*) FROM words('left'))")
	w.run("SELECT dolt_commit('-m', 'a row')", "SELECT dolt_reset('--hard')")
	w.indexed()
	w.want("1|0|0", "SELECT (SELECT count(*) FROM words('staged')), (SELECT count(*) FROM words('thrown')), (SELECT count(*) FROM words('left'))")
}

// TestPurgeFullText: the words of purged rows are in no version of a full-text index.
func TestPurgeFullText(t *testing.T) {
	w := newVirtualWorld(t, 4)
	for i, id := range []int{7, 8, 7, 9} {
		w.put(id, fmt.Sprintf("unspeakable word%d", i))
		w.run(fmt.Sprintf("SELECT dolt_commit('-am', 'version %d')", i))
	}
	w.put(8, "")
	w.put(11, "unspeakable in the working set")
	for _, p := range []vdb.Purge{
		{Where: map[string]any{"id": 7}}, {Table: "notes", Where: map[string]any{"id": 8}}, {Table: "notes", Where: map[string]any{"id": 9}},
		{Table: "notes", Where: map[string]any{"id": 11}}, {Table: "docs", Where: map[string]any{"note": "n7"}},
		{Table: "docs", Where: map[string]any{"rowid": 8}}, {Table: "DOCS", Where: map[string]any{"note": "n9"}}, {Table: "docs", Where: map[string]any{"note": "n11"}},
	} {
		if _, err := w.store.Purge(t.Context(), p); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
	}
	for n := range 5 {
		w.want("0", fmt.Sprintf("SELECT (SELECT count(*) FROM docs AS OF 'HEAD~%d' WHERE docs MATCH 'unspeakable') + (SELECT count(*) FROM words AS OF 'HEAD~%[1]d' WHERE words MATCH 'unspeakable')", n))
		w.want("0", fmt.Sprintf("SELECT (SELECT count(*) FROM docs_data AS OF 'HEAD~%d' WHERE instr(block, x'%x')) + (SELECT count(*) FROM words_data AS OF 'HEAD~%[1]d' WHERE instr(block, x'%[2]x'))", n, "speakabl"))
		w.run(fmt.Sprintf("SELECT dolt_checkout('-B', 'past', 'HEAD~%d')", n))
		w.indexed()
		w.run("SELECT dolt_checkout('main')")
	}
	w.indexed()
	for table, says := range map[string]string{"words": "name notes", "words_idx": "name notes", "places": "by SQL", "shapes_node": "by SQL"} {
		if _, err := w.store.Purge(t.Context(), vdb.Purge{Table: table, Where: map[string]any{"id": 1}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error with %q", table, err, says)
		}
	}
}

// TestContentColumns asks FTS5 for the columns in which it keeps what a table's columns
// hold.
func TestContentColumns(t *testing.T) {
	for _, columns := range []string{"a", "a UNINDEXED, B", `"a b" UNINDEXED, [c=d], 'e', tokenize = 'ascii'`, "content, x, prefix='2 3'"} {
		text := "CREATE VIRTUAL TABLE f USING fts5(" + columns + ")"
		def, err := sqltext.ParseCreateVirtual(text)
		if err != nil {
			t.Fatal(err)
		}
		db := plainSQLite(t)
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"rowid": "id"}
		rows, err := db.Query("SELECT lower(name), 'c' || cid FROM pragma_table_info('f') UNION ALL SELECT name, 'there' FROM pragma_table_info('f_content') WHERE cid > 0")
		if err != nil {
			t.Fatal(err)
		}
		var there []string
		for rows.Next() {
			var name, column string
			if err := rows.Scan(&name, &column); err != nil {
				t.Fatal(err)
			}
			if column == "there" {
				there = append(there, name)
			} else {
				want[name] = column
			}
		}
		got := contentColumns(def)
		if !maps.Equal(got, want) || len(there) != len(want)-1 {
			t.Errorf("%s: %v, want %v of %v", columns, got, want, there)
		}
	}
}
