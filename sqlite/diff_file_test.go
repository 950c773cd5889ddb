package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
)

// writeRendering writes what a branch is rendered as to a file.
func writeRendering(w *twins, path string) error {
	db, err := newDatabase(w.vdb, processShared.numbering)
	if err != nil {
		return err
	}
	v, err := db.engine.Working(w.ours.ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	s, err := db.open(w.ours.ctx, v)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	for number := uint32(1); number <= s.pages; number++ {
		page, err := s.Page(number)
		if err != nil {
			return err
		}
		if len(page) != btree.PageBytes {
			return fmt.Errorf("page %d has %d bytes", number, len(page))
		}
		file.Write(page)
	}
	return errors.Join(os.WriteFile(path, file.Bytes(), 0o600), db.introspector.close())
}

// sameAsFile tells whether plain SQLite finds in a rendering what there is.
func sameAsFile(w *twins) error {
	path := filepath.Join(w.dir, "rendered.db")
	if err := writeRendering(w, path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	plain := side{ctx: w.ours.ctx}
	if err := plain.open(db); err != nil {
		return err
	}
	defer plain.close()
	if lines, err := plain.strings("PRAGMA integrity_check"); err != nil || !slices.Equal(lines, []string{"ok"}) {
		return fmt.Errorf("integrity_check: %s, %v", lines, err)
	}
	ours, err := w.ours.dump()
	if err != nil {
		return err
	}
	theirs, err := plain.dump()
	if err == nil && !slices.Equal(ours, theirs) {
		err = fmt.Errorf("%d lines, %d in the file, or others", len(ours), len(theirs))
	}
	return err
}

// TestRenderedFile writes renderings to files, trees of many shapes among them:
// empty ones, those of one page, those whose right edge has to borrow a child.
func TestRenderedFile(t *testing.T) {
	w, err := newTwins(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	grow := func(rows, size int) string {
		return fmt.Sprintf(`WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d)
			INSERT INTO t(a, b) SELECT n * 7919 %% 10007, printf('%%0%dd', n) FROM s`, rows, size)
	}
	shapes := [][]string{{}, {"INSERT INTO t VALUES (1, NULL, x'')"}}
	for _, rows := range []int{2, 30, 300, 900, 1100, 1300, 1500, 1700, 1900, 2500} {
		shapes = append(shapes, []string{grow(rows, 5)}, []string{grow(rows/4, 900)})
	}
	for _, size := range []int{0, 1, 2030, 2040, 2050, 8150, 8160, 8170, 8188, 16376, 30_000, 1 << 20} {
		shapes = append(shapes, []string{fmt.Sprintf("INSERT INTO t(a, b) VALUES (1, zeroblob(%d)), (2, printf('%%0%dd', 1))", size, size/40)})
	}
	if err := w.ours.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)", "CREATE INDEX ta ON t(a)", "CREATE INDEX tl ON t(length(b), a DESC)",
		"CREATE TABLE w(a, b, PRIMARY KEY(a DESC, b)) WITHOUT ROWID", "CREATE INDEX wb ON w(b)", "CREATE VIEW v AS SELECT a FROM t"); err != nil {
		t.Fatal(err)
	}
	for _, shape := range shapes {
		statements := append([]string{"DELETE FROM t", "DELETE FROM w"}, shape...)
		if err := w.ours.exec(append(statements, "INSERT INTO w SELECT id, substr(a || b, 1, 5000) FROM t WHERE a || b NOT NULL")...); err != nil {
			t.Fatal(err)
		}
		if err := sameAsFile(w); err != nil {
			t.Errorf("%s: %v", shape, err)
		}
	}
}

// TestRenderedSchema renders schema tables of one page and of many.
func TestRenderedSchema(t *testing.T) {
	w, err := newTwins(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	n := 0
	for _, more := range []int{1, 5, 30, 60, 120} {
		statements := []string{"BEGIN"}
		for range more {
			n++
			comment := fmt.Sprintf("%0*d", n*n, n)
			statements = append(statements, fmt.Sprintf("CREATE TABLE t%d(a INTEGER PRIMARY KEY, b /* %s */)", n, comment), fmt.Sprintf("INSERT INTO t%d(b) VALUES (%d)", n, n))
		}
		if err := w.ours.exec(append(statements, "COMMIT")...); err != nil {
			t.Fatal(err)
		}
		if err := sameAsFile(w); err != nil {
			t.Errorf("%d tables: %v", n, err)
		}
	}
}
