package sqlite

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

// Many branches that were written once do not keep their pages in memory.
func TestBranchesAreTrimmed(t *testing.T) {
	v, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	main := OpenDB(v, "main")
	defer main.Close()
	if _, err := main.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, x); SELECT dolt_commit('-Am', 't')"); err != nil {
		t.Fatal(err)
	}
	const branches, rows = 60, 20_000
	for i := range branches {
		name := fmt.Sprint("b", i)
		if _, err := v.CreateBranch(t.Context(), name, "main"); err != nil {
			t.Fatal(err)
		}
		db := OpenDB(v, name)
		if _, err := db.Exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?) INSERT INTO t SELECT i, printf('%0100d', i) FROM n", rows); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != rows {
			t.Fatal(n, err)
		}
		db.Close()
	}
	d, err := processShared.adopt(v)
	if err != nil {
		t.Fatal(err)
	}
	defer processShared.release(d)
	held := 0
	for _, f := range d.files {
		if f.latest != nil {
			held += f.latest.over.size()
		}
	}
	if held == 0 || held > 4*maxOverlay {
		t.Fatalf("%d pages are held for %d branches, at most %d were meant", held, branches, 4*maxOverlay)
	}
}
