package sqlite

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// TestPagesReachTrees writes short and long rows in all the ways in which SQLite moves
// cells between pages, or leaves them where they are. What its pages hold after a commit
// the trees must hold: rows are compared, and a rendering of the trees is checked.
func TestPagesReachTrees(t *testing.T) {
	eachSeed(t, 3*time.Second, func(t *testing.T, seed uint64) { newPageStress(t, seed).run() })
}

// TestPagesTakenAgain has a seed with which SQLite takes an interior page that it has freed
// and gives it the very cells that it had: no byte of the page changes.
func TestPagesTakenAgain(t *testing.T) {
	p := newPageStress(t, 1795463561119636356)
	p.rarely = false
	p.run()
}

// pageStress writes one table.
type pageStress struct {
	*console
	rng  *rand.Rand
	long int // the longest value
	keys int
	// rarely has many transactions follow each other before the trees are asked for.
	rarely bool
	lag    *rand.Rand
}

func newPageStress(t *testing.T, seed uint64) *pageStress {
	p := &pageStress{console: newConsole(t), rng: rand.New(rand.NewPCG(seed, 1)), lag: rand.New(rand.NewPCG(seed, 2))}
	p.rarely = p.lag.IntN(2) == 0
	p.long, p.keys = []int{40, 900, 5000, 15000}[p.rng.IntN(4)], 20+p.rng.IntN(200)
	columns := []string{"k INTEGER PRIMARY KEY, a, n INT, b, m INT", "k PRIMARY KEY, a, n INT, b, m INT", "a, n INT, k, b, m INT, PRIMARY KEY(k, m DESC)", "n INT, m INT, a, b, k UNIQUE"}
	p.exec("CREATE TABLE t(" + columns[p.rng.IntN(len(columns))] + ")")
	for i, index := range []string{"a", "n, b", "b COLLATE NOCASE DESC", "length(b)", "n) WHERE (m > 5"} {
		if p.rng.IntN(4) == 0 {
			p.exec(fmt.Sprintf("CREATE INDEX i%d ON t(%s)", i, index))
		}
	}
	if p.rng.IntN(3) == 0 {
		p.exec("PRAGMA cache_size = 10")
	}
	return p
}

func (p *pageStress) run() {
	for range 12 {
		p.transaction()
		p.compare()
		switch p.rng.IntN(6) {
		case 0:
			p.exec("CREATE TABLE other(id)") // it is rendered anew
			p.exec("DROP TABLE other")
		case 1:
			p.exec("SELECT dolt_commit('-Am', 'some', '--allow-empty')")
		case 2:
			p.flip()
		}
	}
	p.rarely = false
	p.compare()
	p.exec("SELECT dolt_commit('-Am', 'all', '--allow-empty')")
	fresh := OpenDB(p.store, vdb.MainBranch+"~0")
	defer fresh.Close()
	var told string
	if err := fresh.QueryRow("PRAGMA integrity_check").Scan(&told); err != nil || told != "ok" {
		p.t.Errorf("as rendered: %s %v", told, err)
	}
}

// exec runs a statement, which may break a rule.
func (p *pageStress) exec(statement string, args ...any) {
	p.t.Helper()
	if _, err := p.conn.ExecContext(p.t.Context(), statement, args...); err != nil && !strings.Contains(err.Error(), "constraint") {
		p.t.Fatalf("%s: %v", statement, err)
	}
}

func (p *pageStress) transaction() {
	n := 1 + p.rng.IntN(3)*p.rng.IntN(12)
	if n > 1 || p.rng.IntN(2) == 0 {
		p.exec("BEGIN")
		defer p.exec("COMMIT")
	}
	for range n {
		p.write()
		if n > 1 && p.rng.IntN(8) == 0 {
			p.exec("SAVEPOINT s")
			p.write()
			p.exec([]string{"ROLLBACK TO s", "RELEASE s"}[p.rng.IntN(2)])
		}
	}
}

// flip adds and removes the same rows, each time in a transaction: SQLite frees pages,
// and takes them again for the cells that they had.
func (p *pageStress) flip() {
	key, n, a, b := p.rng.IntN(p.keys), p.rng.IntN(3), p.value(), p.value()
	for range 3 {
		p.exec("WITH RECURSIVE g(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM g WHERE i < ?1 + ?2) INSERT OR REPLACE INTO t(k, a, n, b, m) SELECT i, ?3, i, ?4, 1 FROM g", key, n, a, b)
		for range p.rng.IntN(3) {
			p.exec("UPDATE t SET n = 2 + ? WHERE k = ?", p.rng.IntN(100), p.rng.IntN(p.keys))
		}
		p.compare()
		p.exec("DELETE FROM t WHERE k BETWEEN ? AND ?", key, key+n)
		p.compare()
	}
}

func (p *pageStress) write() {
	key, number := p.rng.IntN(p.keys), p.rng.IntN(100)
	switch p.rng.IntN(9) {
	case 0, 1:
		p.exec("INSERT OR REPLACE INTO t(k, a, n, b, m) VALUES(?, ?, ?, ?, ?)", key, p.value(), number, p.value(), p.rng.IntN(10))
	case 2:
		p.exec("UPDATE t SET n = 2 + ? WHERE k = ?", number, key)
	case 3:
		p.exec("UPDATE OR REPLACE t SET m = 2 + ? WHERE k = ?", p.rng.IntN(100), key)
	case 4:
		p.exec("UPDATE t SET b = ? WHERE k = ?", p.value(), key)
	case 5: // as long as it was
		p.exec("UPDATE t SET b = substr(b, 1, length(b) - 1) || ? WHERE k BETWEEN ? AND ? AND length(b) > 0", fmt.Sprint(number%10), key, key+p.rng.IntN(4))
	case 6:
		p.exec("DELETE FROM t WHERE k BETWEEN ? AND ?", key, key+p.rng.IntN(1+p.keys/10))
	case 7:
		p.exec("WITH RECURSIVE g(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM g WHERE i < ?1 + ?2) INSERT OR REPLACE INTO t(k, a, n, b, m) SELECT i, ?3, i, ?4, 1 FROM g",
			key, p.rng.IntN(1+p.keys/10), p.value(), p.value())
	case 8:
		p.exec("UPDATE OR IGNORE t SET k = k + ?, n = n + 1 WHERE n < ?", p.rng.IntN(2), number/4)
	}
}

func (p *pageStress) value() string {
	return strings.Repeat(string(rune('a'+p.rng.IntN(26))), p.rng.IntN(1+p.rng.IntN(p.long)))
}

// compare reads the table as SQLite's pages have it and as the trees have it.
func (p *pageStress) compare() {
	p.t.Helper()
	p.want("ok", "PRAGMA integrity_check")
	if p.rarely && p.lag.IntN(8) > 0 {
		return
	}
	main, err := p.store.Branch(p.t.Context(), vdb.MainBranch)
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := main.AsOf(p.t.Context(), "WORKING")
	if err != nil {
		p.t.Fatal(err)
	}
	schema, err := s.Schema("t")
	if err != nil {
		p.t.Fatal(err)
	}
	var lines []string
	for row, err := range s.Rows("t", vdb.Range{}) {
		if err != nil {
			p.t.Fatal(err)
		}
		var values []string
		for _, v := range row {
			values = append(values, sqltext.Literal(v.Any()))
		}
		lines = append(lines, strings.Join(values, "|"))
	}
	slices.Sort(lines)
	var columns []string
	for _, c := range schema.Columns {
		columns = append(columns, "quote("+c.Name+")")
	}
	pages, err := p.rows("SELECT " + strings.Join(columns, ", ") + " FROM t NOT INDEXED")
	if err != nil {
		p.t.Fatal(err)
	}
	there := strings.FieldsFunc(pages, func(r rune) bool { return r == '\n' })
	slices.Sort(there)
	if !slices.Equal(lines, there) {
		p.t.Fatalf("the tree has %d rows, the pages %d:\n%.1000s\n%.1000s", len(lines), len(there), lines, there)
	}
	for _, x := range schema.Indexes {
		n, err := s.Count("t", vdb.Range{Index: x.Name})
		if err != nil || !x.Partial && n != uint64(len(lines)) {
			p.t.Fatalf("index %s has %d entries, %v, the table %d", x.Name, n, err, len(lines))
		}
	}
}
