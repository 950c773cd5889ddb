package sqlite_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestReturningLosesNoRace counts up in SQL, by Query and by a prepared statement, beside
// the typed API, whose commits SQL finds out about only at its own.
func TestReturningLosesNoRace(t *testing.T) {
	a := newApp(t)
	a.run("CREATE TABLE counter(id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO counter VALUES (1, 0)")
	const each = 25
	const count = "UPDATE counter SET n = n + 1 WHERE id = 1 RETURNING n"
	prepared, err := a.Prepare(count)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	var mu sync.Mutex
	seen := map[int]bool{}
	note := func(n int, err error) error {
		mu.Lock()
		defer mu.Unlock()
		if err == nil && seen[n] {
			err = fmt.Errorf("%d was returned twice", n)
		}
		seen[n] = true
		return err
	}
	bySQL := func(n *int) error { return a.QueryRow(count).Scan(n) }
	byStatement := func(n *int) error { return prepared.QueryRow().Scan(n) }
	typed := func(n *int) error {
		return mainOf(a).Update(t.Context(), func(tx *vdb.Tx) error {
			row, err := tx.Get("counter", 1)
			if err != nil {
				return err
			}
			*n = int(row[1].Int()) + 1
			return tx.Put("counter", vdb.Row{vdb.Int(1), vdb.Int(int64(*n))})
		})
	}
	var wg sync.WaitGroup
	for _, increment := range []func(*int) error{bySQL, bySQL, byStatement, typed, typed} {
		wg.Go(func() {
			for range each {
				var n int
				err := increment(&n)
				if err := note(n, err); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	a.want(fmt.Sprint(5*each), "SELECT n FROM counter")
}

// TestReturnedRows have the types, the columns and the order that SQLite gives them.
func TestReturnedRows(t *testing.T) {
	a := newApp(t)
	a.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, at DATETIME, b BLOB)")
	rows, err := a.Query("INSERT INTO t(v, at, b) VALUES ('a', '2026-11-22 09:30:00', x'00ff'), (NULL, NULL, NULL) RETURNING *")
	if err != nil {
		t.Fatal(err)
	}
	types, err := rows.ColumnTypes()
	if err != nil || len(types) != 4 || types[2].DatabaseTypeName() != "DATETIME" || types[0].ScanType().String() != "int64" {
		t.Errorf("%v, %v", types, err)
	}
	text, err := textOf(rows)
	if want := "1|a|2026-11-22 09:30:00 +0000 UTC|[0 255]\n2|<nil>|<nil>|<nil>"; err != nil || text != want {
		t.Errorf("%s, %v\nwant\n%s", text, err, want)
	}
	a.want("", "DELETE FROM t WHERE id = 9 RETURNING id")
	a.want("3", "INSERT INTO t DEFAULT VALUES RETURNING id")
	a.want("3", "SELECT count(*) FROM t")
}
