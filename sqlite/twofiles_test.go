package sqlite

import (
	"testing"

	"github.com/vdbgo/vdb"
	lib "modernc.org/sqlite/lib"
)

// A transaction that writes a plain database too fails as a whole where it collides.
// With a super-journal SQLite would not look at what the commit here says.
func TestTwoFiles(t *testing.T) {
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, db: OpenDB(db, vdb.MainBranch)}
	t.Cleanup(func() { c.db.Close(); db.Close() })
	c.connect()
	t.Cleanup(func() { c.conn.Close() })
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, who TEXT)", "INSERT INTO t VALUES (1, 'nobody')",
		"ATTACH '"+t.TempDir()+"/plain.db' AS plain", "CREATE TABLE plain.u(a)",
		"PRAGMA synchronous = FULL", "PRAGMA main.synchronous = EXTRA")
	c.want("2", "PRAGMA synchronous")
	c.want("memory", "PRAGMA journal_mode")
	c.want("memory", "PRAGMA main.journal_mode = TRUNCATE")
	main, err := db.Branch(t.Context(), vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	for _, collides := range []bool{true, false} {
		c.run("BEGIN", "UPDATE t SET who = 'billing'", "INSERT INTO plain.u VALUES (1)")
		if collides {
			if err := main.Update(t.Context(), func(tx *vdb.Tx) error {
				return tx.Put("t", vdb.Row{vdb.Int(1), vdb.Text("support")})
			}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = c.rows("COMMIT")
		if collides && codeOf(err) != lib.SQLITE_BUSY_SNAPSHOT || !collides && err != nil {
			t.Errorf("collides is %v, and COMMIT says %v", collides, err)
		}
		if collides {
			c.rows("ROLLBACK")
			c.want("support|0", "SELECT who, (SELECT count(*) FROM plain.u) FROM t")
		}
	}
	c.want("billing|1", "SELECT who, (SELECT count(*) FROM plain.u) FROM t")
}
