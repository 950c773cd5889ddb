package btree_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/internal/btree"
)

// TestFree compares the free pages of a file with what SQLite counts, and none of them
// is in a tree.
func TestFree(t *testing.T) {
	m := newMaker(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, b)", "CREATE TABLE u(id INTEGER PRIMARY KEY, b)",
		"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 5000) INSERT INTO t SELECT i, randomblob(8000) FROM g",
		"INSERT INTO u SELECT id, 'kept' FROM t", "DELETE FROM t WHERE id > 100")
	var want int
	if err := m.db.QueryRow("PRAGMA freelist_count").Scan(&want); err != nil {
		t.Fatal(err)
	}
	free, err := btree.Free(m.file())
	if err != nil || len(free) != want || want < 3000 {
		t.Fatalf("%d free pages, %v; SQLite counts %d", len(free), err, want)
	}
	for _, table := range []string{"t", "u"} {
		for item, err := range btree.Walk(btree.Side{Source: m.file(), Root: m.root(table)}) {
			if err != nil || free[item.Page] {
				t.Fatalf("page %d of %s is free, or %v", item.Page, table, err)
			}
		}
	}
	damage := map[string]func(trunk []byte, number uint32){
		"too many pages": func(trunk []byte, _ uint32) { binary.BigEndian.PutUint32(trunk[4:], 1<<31) },
		"a circle":       func(trunk []byte, number uint32) { binary.BigEndian.PutUint32(trunk, number) },
	}
	for name, change := range damage {
		damaged := slices.Clone(m.file())
		first := binary.BigEndian.Uint32(damaged[32:])
		trunk, err := damaged.Page(first)
		if err != nil {
			t.Fatal(err)
		}
		change(trunk, first)
		if _, err := btree.Free(damaged); !errors.Is(err, btree.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
}
