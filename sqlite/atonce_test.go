package sqlite

import (
	"fmt"
	"testing"
)

// Connections that commit at once lose nothing of each other's.
func TestCommitsAtOnce(t *testing.T) {
	c := newConsole(t)
	c.run("CREATE TABLE t(id INTEGER PRIMARY KEY, who INTEGER)", "SELECT dolt_commit('-Am', 'empty')")
	const writers, rows = 4, 10
	failed := make(chan error, writers)
	for w := range writers {
		go func() {
			failed <- func() error {
				for i := range rows {
					if _, err := c.db.ExecContext(t.Context(), "INSERT INTO t VALUES (?, ?)", w*rows+i, w); err != nil {
						return err
					}
					if _, err := c.db.ExecContext(t.Context(), "SELECT dolt_commit('-am', ?, '--skip-empty')", fmt.Sprint(w, i)); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	c.want(fmt.Sprintf("%d|%d", writers*rows, writers), "SELECT count(*), count(DISTINCT who) FROM t")
	c.want("1", "SELECT dolt_hashof_db() = dolt_hashof_db('HEAD')")
	c.want("ok", "PRAGMA integrity_check")
}
