package sqlite_test

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// TestCollectUnderStatements loses a branch and collects it while statements read it:
// each goes on to its end and returns what it returns when nothing happens.
func TestCollectUnderStatements(t *testing.T) {
	const commits = 8
	var all sync.WaitGroup
	for _, query := range []string{
		"SELECT id, note FROM t",
		"SELECT id, note FROM t AS OF 'HEAD~3'",
		"SELECT note, id FROM t AS OF 'HEAD~3' ORDER BY note",
		"SELECT message FROM dolt_log",
		"SELECT id, note FROM dolt_history_t",
		"SELECT to_id, to_note, diff_type FROM dolt_diff_t",
		"SELECT id, message FROM dolt_blame_t",
	} {
		all.Go(func() {
			whole, err := readDoomed(t, query, commits, false)
			if err != nil || len(whole) < commits {
				t.Errorf("%s: %d rows, %v", query, len(whole), err)
				return
			}
			got, err := readDoomed(t, query, commits, true)
			if err != nil || !reflect.DeepEqual(got, whole) {
				t.Errorf("%s: %d rows while its branch was lost, want %d; %v", query, len(got), len(whole), err)
			}
		})
	}
	all.Wait()
}

// readDoomed makes a branch with commits and returns what a query on it does. lost tells
// to lose the branch after the first row.
func readDoomed(t *testing.T, query string, commits int, lost bool) (read []string, err error) {
	db, err := vdb.Open(t.Context(), t.TempDir(), &vdb.Options{CacheBytes: -1})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.CreateBranch(t.Context(), "doomed", vdb.MainBranch); err != nil {
		return nil, err
	}
	pool := sqlite.OpenDB(db, "doomed")
	defer pool.Close()
	for _, stmt := range []string{
		"CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)",
		"CREATE INDEX notes ON t (note)",
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
			INSERT INTO t SELECT i, printf('%0100d', i*7919%2000) FROM n`,
	} {
		if _, err := pool.ExecContext(t.Context(), stmt); err != nil {
			return nil, err
		}
	}
	for n := range commits {
		if _, err := pool.ExecContext(t.Context(), "UPDATE t SET note = printf('%0100d.%d', id, ?) WHERE id%400 = 0", n); err != nil {
			return nil, err
		}
		if _, err := pool.ExecContext(t.Context(), "SELECT dolt_commit('-Am', ?)", fmt.Sprint(n)); err != nil {
			return nil, err
		}
	}
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		read = append(read, fmt.Sprint(values...))
		if lost && len(read) == 1 {
			if err := lose(t, db); err != nil {
				return nil, err
			}
		}
		if lost && len(read)%(200*commits) == 1 {
			runtime.GC() // what is not held goes
		}
	}
	return read, rows.Err()
}

// lose makes the branch what main is, and collects what it was.
func lose(t *testing.T, db *vdb.DB) error {
	if err := db.DeleteBranch(t.Context(), "doomed"); err != nil {
		return err
	}
	r, err := db.Collect(t.Context(), &vdb.CollectOptions{Full: true})
	if err == nil && r.DroppedChunks == 0 {
		err = fmt.Errorf("nothing was dropped: %+v", r)
	}
	time.Sleep(5500 * time.Millisecond) // beyond the time of grace
	return err
}
