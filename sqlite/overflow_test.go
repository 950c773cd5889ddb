package sqlite

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestUpdateInOverflow changes what rows have at their ends, on pages of their own that
// SQLite writes in place: neither the leaf nor the page above that has such a row is
// written. The tree must have all of it.
func TestUpdateInOverflow(t *testing.T) {
	for _, table := range []string{"k TEXT PRIMARY KEY, body TEXT, n INT", "k INTEGER PRIMARY KEY, body TEXT, n INT", "n2 INT DEFAULT 0, body TEXT, n INT, k TEXT, PRIMARY KEY(k, n2)"} {
		c := newConsole(t)
		rng := rand.New(rand.NewPCG(1, 2))
		key := func(id int) string { return fmt.Sprintf("%d", 1000+id) }
		c.run("CREATE TABLE t(" + table + ")")
		const rows = 60
		want := map[int]int{}
		for id := range rows {
			want[id] = 2
			c.run(fmt.Sprintf("INSERT INTO t(k, body, n) VALUES('%s', '%s', 2)", key(id), strings.Repeat("x", rng.IntN(12000))))
		}
		for turn := range 6 {
			if turn%2 == 0 { // as rendered, else as SQLite has written it
				c.run("CREATE TABLE other(id)", "DROP TABLE other")
			}
			for id := range rows {
				want[id] = 2 + rng.IntN(100)
				c.run(fmt.Sprintf("UPDATE t SET n = %d WHERE k = '%s'", want[id], key(id)))
			}
			main, err := c.store.Branch(t.Context(), vdb.MainBranch)
			if err != nil {
				t.Fatal(err)
			}
			s, err := main.AsOf(t.Context(), "WORKING")
			if err != nil {
				t.Fatal(err)
			}
			schema, err := s.Schema("t")
			if err != nil {
				t.Fatal(err)
			}
			k, n, seen := schema.Column("k"), schema.Column("n"), 0
			for row, err := range s.Rows("t", vdb.Range{}) {
				if err != nil {
					t.Fatal(err)
				}
				var id int
				fmt.Sscan(strings.Trim(row[k].String(), "'"), &id)
				if id, seen = id-1000, seen+1; fmt.Sprint(want[id]) != row[n].String() {
					t.Fatalf("%s: turn %d: row %d has %s in the tree, want %d", table, turn, id, row[n], want[id])
				}
			}
			if seen != rows {
				t.Fatalf("%d rows", seen)
			}
		}
	}
}
