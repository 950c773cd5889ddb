package sqlite

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb/internal/btree"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// lockAt has SQLite lock another page than that at 1 GiB, in the whole process, until
// the test ends. No database may be open.
func lockAt(t *testing.T, page uint32) {
	t.Helper()
	tls := libc.NewTLS()
	t.Cleanup(tls.Close)
	set := func(offset uint32) uint32 {
		args := libc.NewVaList(offset)
		defer libc.Xfree(tls, args)
		return uint32(lib.Xsqlite3_test_control(tls, lib.SQLITE_TESTCTRL_PENDING_BYTE, args))
	}
	was := set((page - 1) * btree.PageBytes)
	processShared.numbering = numbering{page}
	t.Cleanup(func() {
		set(was)
		processShared.numbering = numbering{lockPage}
	})
}

// TestLockPage runs random statements on files that have the page that SQLite locks
// early: among the roots, in the trees, among the pages of the schema.
func TestLockPage(t *testing.T) {
	for _, page := range []uint32{2, 5, 13, 34} {
		t.Run(fmt.Sprint(page), func(t *testing.T) {
			lockAt(t, page)
			for seed := range uint64(2) {
				if !compare(t, seededSource(uint64(page)<<8|seed), 40) {
					t.Fatalf("page %d, seed %d", page, seed)
				}
			}
		})
	}
}

// TestLockPageInATree fills a file past the page, reads all of it back, and writes there.
func TestLockPageInATree(t *testing.T) {
	const fill = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) INSERT INTO t SELECT n, 'row ' || n || hex(zeroblob(n % 90)), CASE n % 100 WHEN 0 THEN zeroblob(20000) END FROM s"
	look := step{ours: "SELECT count(*), sum(id), sum(length(v)), sum(length(b)) FROM t", plain: "SELECT count(*), sum(id), sum(length(v)), sum(length(b)) FROM t", query: true}
	for _, page := range []uint32{6, 17, 60} {
		lockAt(t, page)
		err := replay(t, 0, []step{
			both("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, b BLOB)"), both(fill), reopen, look, both("CREATE INDEX i ON t(v)"), look,
			both("UPDATE t SET v = v || '!' WHERE id % 7 = 0"), reopen, both("DELETE FROM t WHERE id BETWEEN 300 AND 900"), look,
			both("CREATE TABLE u(k TEXT PRIMARY KEY, t REFERENCES t) WITHOUT ROWID"), both("INSERT INTO u SELECT v, id FROM t"), reopen,
			both("ALTER TABLE t DROP COLUMN b"), both("ALTER TABLE t ADD COLUMN b DEFAULT 'x'"), look, both("DROP INDEX i"), reopen, both("DROP TABLE u"), look,
		})
		if err != nil {
			t.Errorf("page %d: %v", page, err)
		}
	}
}
