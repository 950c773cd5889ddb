package module

import (
	"errors"
	"iter"
	"slices"
	"testing"

	lib "modernc.org/sqlite/lib"
)

// shelf is a Writer over a list, whose first column is unique and never negative.
type shelf struct {
	list
	calls []string
}

func newShelf() *shelf {
	return &shelf{list: list{
		columns: []Column{{Name: "id", Type: "INTEGER", Push: PushEQ, Unique: true}, {Name: "text", Type: "TEXT"}, {Name: "mode", Hidden: true}},
		rows:    [][]any{{int64(1), "one"}, {int64(2), "two"}, {int64(3), "three"}},
	}}
}

func (s *shelf) find(id any) int {
	return slices.IndexFunc(s.rows, func(row []any) bool { return row[0] == id })
}

func (s *shelf) check(row []any) error {
	if id, ok := row[0].(int64); !ok || id < 0 {
		return errors.New("shelf: id must be a positive integer")
	}
	return nil
}

func (s *shelf) Insert(row []any) error {
	s.calls = append(s.calls, "insert "+show(row[0])+" "+show(row[1])+" "+show(row[2]))
	if s.find(row[0]) >= 0 {
		return coded(lib.SQLITE_CONSTRAINT_UNIQUE)
	}
	if err := s.check(row); err != nil {
		return err
	}
	s.rows = append(slices.Clone(s.rows), slices.Clone(row[:2]))
	return nil
}

func (s *shelf) Update(old, new []any) error {
	s.calls = append(s.calls, "update "+show(old[0])+" "+show(old[1])+" "+show(old[2])+" to "+show(new[0])+" "+show(new[1]))
	if err := s.check(new); err != nil {
		return err
	}
	i := s.find(old[0])
	if other := s.find(new[0]); other >= 0 && other != i {
		return coded(lib.SQLITE_CONSTRAINT_UNIQUE)
	}
	s.rows = slices.Clone(s.rows)
	s.rows[i] = slices.Clone(new[:2])
	return nil
}

func (s *shelf) Delete(old []any) error {
	s.calls = append(s.calls, "delete "+show(old[0])+" "+show(old[1]))
	if old[1] == "keep" {
		panic("it was to be kept")
	}
	i := s.find(old[0])
	s.rows = slices.Delete(slices.Clone(s.rows), i, i+1)
	return nil
}

func (s *shelf) called() []string {
	calls := s.calls
	s.calls = nil
	return calls
}

func TestWrite(t *testing.T) {
	s := newShelf()
	db, _ := open(t, withTables(map[string]Table{"shelf": s}))
	mustExec(t, db, "INSERT INTO shelf VALUES (4, 'four'), (5, upper('five'))", "INSERT INTO shelf(text, id) VALUES (NULL, 6)")
	equal(t, s.called(), "insert 4 four NULL", "insert 5 FIVE NULL", "insert 6 NULL NULL")
	mustExec(t, db, "UPDATE shelf SET text = text || '!' WHERE id < 3")
	equal(t, s.called(), "update 1 one NULL to 1 one!", "update 2 two NULL to 2 two!")
	mustExec(t, db, "UPDATE shelf SET id = id + 10 WHERE id = 6")
	equal(t, s.called(), "update 6 NULL NULL to 16 NULL")
	mustExec(t, db, "UPDATE shelf SET text = 'x' WHERE id = 4 AND mode = 'ours'")
	equal(t, s.called(), "update 4 four ours to 4 x")
	mustExec(t, db, "DELETE FROM shelf WHERE id = 16")
	equal(t, s.called(), "delete 16 NULL")
	mustExec(t, db, "DELETE FROM shelf WHERE id IN (SELECT id + 1 FROM shelf) AND id > 3")
	equal(t, s.called(), "delete 4 x", "delete 5 FIVE")
	mustExec(t, db, "INSERT INTO shelf SELECT id + 100, text FROM shelf")
	equal(t, s.called(), "insert 101 one! NULL", "insert 102 two! NULL", "insert 103 three NULL")
	equal(t, query(t, db, "SELECT * FROM shelf"), "1|one!", "2|two!", "3|three", "101|one!", "102|two!", "103|three")
	result, err := db.Exec("DELETE FROM shelf")
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := result.RowsAffected(); n != 6 || len(s.rows) != 0 {
		t.Fatalf("%d rows deleted, %d left", n, len(s.rows))
	}
}

func TestWriteInTransaction(t *testing.T) {
	s := newShelf()
	db, _ := open(t, withTables(map[string]Table{"shelf": s}))
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"UPDATE shelf SET text = 'a'", "UPDATE shelf SET text = text || 'b'",
		"DELETE FROM shelf WHERE id = 2", "UPDATE shelf SET text = text || 'c'", "INSERT INTO shelf VALUES (9, 'nine')",
	} {
		if _, err := tx.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	equal(t, query(t, db, "SELECT * FROM shelf"), "1|abc", "3|abc", "9|nine")
	tx, err = db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("DELETE FROM shelf WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	equal(t, query(t, db, "SELECT * FROM shelf"), "3|abc", "9|nine") // a Writer's rows are not SQLite's to roll back
}

func TestWriteErrors(t *testing.T) {
	s := newShelf()
	db, _ := open(t, withTables(map[string]Table{"shelf": s}))
	for _, test := range []struct {
		text, want string
		code       int
	}{
		{"INSERT INTO shelf VALUES (1, 'again')", "error with code 2067: 100% %s", lib.SQLITE_CONSTRAINT_UNIQUE},
		{"INSERT INTO shelf VALUES ('x', 'text')", "shelf: id must be a positive integer", lib.SQLITE_ERROR},
		{"UPDATE shelf SET id = -id", "shelf: id must be a positive integer", lib.SQLITE_ERROR},
		{"UPDATE shelf SET id = 3 WHERE id = 1", "error with code 2067", lib.SQLITE_CONSTRAINT_UNIQUE},
		{"INSERT INTO shelf(rowid, id) VALUES (1, 7)", "module: insert into shelf: the rowid cannot be chosen", lib.SQLITE_ERROR},
		{"UPDATE shelf SET rowid = 77", "module: update shelf: the rowid cannot be changed", lib.SQLITE_ERROR},
		{"INSERT INTO shelf VALUES (1, 2, 3)", "table shelf has 2 columns but 3 values were supplied", lib.SQLITE_ERROR},
	} {
		_, err := db.Exec(test.text)
		refused(t, err, test.want, test.code)
	}
	equal(t, query(t, db, "SELECT * FROM shelf"), "1|one", "2|two", "3|three")
	mustExec(t, db, "UPDATE shelf SET text = 'keep' WHERE id = 2")
	_, err := db.Exec("DELETE FROM shelf")
	refused(t, err, "module: write shelf: panic: it was to be kept", lib.SQLITE_ERROR)
	equal(t, query(t, db, "SELECT * FROM shelf"), "2|keep", "3|three")
	mustExec(t, db, "INSERT OR IGNORE INTO shelf VALUES (2, 'no'), (7, 'yes')")
	equal(t, query(t, db, "SELECT * FROM shelf"), "2|keep", "3|three", "7|yes")
}

// TestWriteWhileRead: the rows that SQLite addresses are those of its own scan,
// also if another scan of the table is under way.
func TestWriteWhileRead(t *testing.T) {
	s := newShelf()
	db, c := open(t, withTables(map[string]Table{"shelf": s}))
	err := c.Function("count_it", 0, 0, func([]any) (any, error) { return len(s.rows), nil })
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "UPDATE shelf SET text = (SELECT group_concat(id) FROM shelf b WHERE b.id <> shelf.id) || count_it()")
	equal(t, query(t, db, "SELECT * FROM shelf"), "1|2,33", "2|1,33", "3|1,23")
	rows, err := db.Query("SELECT id, rowid FROM shelf")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	rows.Close()
	mustExec(t, db, "DELETE FROM shelf WHERE id = 3")
	equal(t, query(t, db, "SELECT id FROM shelf"), "1", "2")
}

// columns is a shelf that yields only the columns that are asked for.
type columns struct{ *shelf }

func (c columns) ScanColumns(filters []Filter, used uint64) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, row := range c.rows {
			part := make([]any, len(row))
			for i := range part {
				if used>>i&1 == 1 {
					part[i] = row[i]
				}
			}
			if !yield(part, nil) {
				return
			}
		}
	}
}

// TestWriteWholeRow: a Writer gets the whole old row even if SQLite does not
// read all of it.
func TestWriteWholeRow(t *testing.T) {
	s := columns{newShelf()}
	db, _ := open(t, withTables(map[string]Table{"shelf": s}))
	mustExec(t, db, "DELETE FROM shelf WHERE id = 1", "UPDATE shelf SET text = 'x' WHERE id = 2")
	equal(t, s.called(), "delete 1 one", "update 2 two NULL to 2 x")
}
