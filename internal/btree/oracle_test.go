package btree_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/internal/record"
	_ "modernc.org/sqlite"
)

// file is a database file as SQLite has written it.
type file []byte

func (f file) Page(number uint32) ([]byte, error) {
	from := int(number-1) * btree.PageBytes
	if number == 0 || from+btree.PageBytes > len(f) {
		return nil, btree.ErrCorrupt
	}
	return f[from : from+btree.PageBytes], nil
}

// maker makes database files.
type maker struct {
	t    *testing.T
	db   *sql.DB
	path string
}

func newMaker(t *testing.T, statements ...string) *maker {
	t.Helper()
	m := &maker{t: t, path: filepath.Join(t.TempDir(), "x.db")}
	var err error
	if m.db, err = sql.Open("sqlite", m.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.db.Close() })
	m.db.SetMaxOpenConns(1)
	m.exec(fmt.Sprintf("PRAGMA page_size = %d", btree.PageBytes), "PRAGMA synchronous = OFF")
	m.exec(statements...)
	return m
}

func (m *maker) exec(statements ...string) {
	m.t.Helper()
	for _, s := range statements {
		if _, err := m.db.Exec(s); err != nil {
			m.t.Fatalf("%s: %v", s, err)
		}
	}
}

// file returns the file as it is.
func (m *maker) file() file {
	m.t.Helper()
	data, err := os.ReadFile(m.path)
	if err != nil {
		m.t.Fatal(err)
	}
	return data
}

func (m *maker) root(name string) uint32 {
	m.t.Helper()
	var root uint32
	if err := m.db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", name).Scan(&root); err != nil {
		m.t.Fatal(err)
	}
	return root
}

// rows returns a query's rows as records.
func (m *maker) rows(query string) []string {
	m.t.Helper()
	rows, err := m.db.Query(query)
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	var all []string
	for rows.Next() {
		values, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			m.t.Fatal(err)
		}
		all = append(all, m.record(values))
	}
	return all
}

func (m *maker) record(values []any) string {
	m.t.Helper()
	vals := make([]record.Value, len(values))
	for i, v := range values {
		var err error
		if b, ok := v.([]byte); ok {
			vals[i] = record.Blob(b) // one without bytes is nil
		} else if vals[i], err = record.Of(v); err != nil {
			m.t.Fatal(err)
		}
	}
	return string(record.AppendSQLite(nil, vals))
}

// walk returns the payloads of a tree, with their rowids if it is a table's.
func walk(t *testing.T, f file, root uint32, table bool) []string {
	t.Helper()
	var all []string
	for item, err := range btree.Walk(btree.Side{Source: f, Root: root}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text(t, f, &item, table))
	}
	return all
}

func text(t *testing.T, f file, item *btree.Item, table bool) string {
	t.Helper()
	payload, err := item.Payload(f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !table {
		return string(payload)
	}
	vals, err := record.Parse(payload, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(record.AppendSQLite(nil, append([]record.Value{record.Int(item.Rowid)}, vals...)))
}

var schema = []string{"CREATE TABLE t(a, b)", "CREATE INDEX i ON t(a, b)", "CREATE TABLE w(k, v, PRIMARY KEY(k, v)) WITHOUT ROWID"}

// change makes up a statement.
func change(r *rand.Rand) string {
	size := []int{0, 3, 100, 1000, 2040, 2060, 8150, 8200, 20_000, 200_000}[min(r.IntN(14), r.IntN(10))]
	from := r.IntN(1000)
	to := from + r.IntN(1+100_000/(size+200))
	value := []string{"NULL", "n", "n * 0.5", fmt.Sprintf("printf('%%0%dd', n)", size), fmt.Sprintf("zeroblob(%d)", size)}
	series := fmt.Sprintf("WITH RECURSIVE s(n) AS (SELECT %d UNION ALL SELECT n + 1 FROM s WHERE n < %d) ", from, to)
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf("DELETE FROM t WHERE rowid BETWEEN %d AND %d", from, to)
	case 1:
		return fmt.Sprintf("UPDATE t SET b = zeroblob(%d) WHERE rowid BETWEEN %d AND %d", size, from, to)
	case 2:
		return fmt.Sprintf("DELETE FROM w WHERE k BETWEEN %d AND %d", from, to)
	case 3:
		return series + fmt.Sprintf("INSERT OR REPLACE INTO w SELECT n, %s FROM s", value[1+r.IntN(4)])
	}
	return series + fmt.Sprintf("REPLACE INTO t(rowid, a, b) SELECT n, %s, %s FROM s", value[r.IntN(5)], value[r.IntN(5)])
}

// TestWalk reads the files that SQLite writes.
func TestWalk(t *testing.T) {
	for seed := range uint64(6) {
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 7))
		m := newMaker(t, schema...)
		for range 12 {
			m.exec(change(r))
			f := m.file()
			for _, c := range []struct {
				name, query string
				table       bool
			}{
				{"t", "SELECT rowid, a, b FROM t ORDER BY rowid", true},
				{"i", "SELECT a, b, rowid FROM t ORDER BY a, b, rowid", false},
				{"w", "SELECT k, v FROM w ORDER BY k, v", false},
			} {
				if got, want := walk(t, f, m.root(c.name), c.table), m.rows(c.query); !slices.Equal(got, want) {
					t.Fatalf("%s: %d items, want %d, the same", c.name, len(got), len(want))
				}
			}
		}
	}
}

// TestDiff compares states of files that SQLite has written by the pages that it
// wrote, and in full.
func TestDiff(t *testing.T) {
	for seed := range uint64(8) {
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 8))
		m := newMaker(t, schema...)
		roots := map[string]uint32{"t": m.root("t"), "i": m.root("i"), "w": m.root("w")}
		from := m.file()
		for range 15 {
			m.exec("BEGIN")
			for range 1 + r.IntN(3) {
				m.exec(change(r))
			}
			m.exec("COMMIT")
			to := m.file()
			for name, root := range roots {
				compareDiff(t, name, from, to, root)
			}
			from = to
		}
	}
}

func compareDiff(t *testing.T, name string, from, to file, root uint32) {
	t.Helper()
	table := name == "t"
	state := map[string]int{}
	for _, item := range walk(t, from, root, table) {
		state[item]--
	}
	for _, item := range walk(t, to, root, table) {
		state[item]++
	}
	dirty := dirtyPages(t, from, to, root)
	for change, err := range btree.Diff(btree.Side{Source: from, Root: root}, btree.Side{Source: to, Root: root}, dirty, orderOf(from, to, table)) {
		if err != nil {
			t.Fatal(err)
		}
		if change.From != nil {
			state[text(t, from, change.From, table)]++
		}
		if change.To != nil {
			state[text(t, to, change.To, table)]--
		}
	}
	for item, n := range state {
		if n != 0 {
			t.Fatalf("%s: %d of %.40q is not as in a full walk", name, n, item)
		}
	}
}

// orderOf compares items as their tree does.
func orderOf(from, to file, table bool) func(a, b *btree.Item) (int, error) {
	key := func(f file, item *btree.Item) ([]byte, error) {
		if table {
			return record.AppendIntKey(nil, item.Rowid), nil
		}
		payload, err := item.Payload(f, nil, nil)
		if err != nil {
			return nil, err
		}
		vals, err := record.Parse(payload, nil)
		var key []byte
		for _, v := range vals {
			key = record.AppendKey(key, v, record.KeyColumn{})
		}
		return key, err
	}
	return func(a, b *btree.Item) (int, error) {
		x, err := key(from, a)
		if err != nil {
			return 0, err
		}
		y, err := key(to, b)
		return bytes.Compare(x, y), err
	}
}

// dirtyPages finds what was written between two states of a file, and what stood
// above it in a tree.
func dirtyPages(t *testing.T, from, to file, root uint32) *btree.Dirty {
	t.Helper()
	d := &btree.Dirty{Pages: map[uint32]bool{}, Below: map[uint32][]uint32{}, Overflow: true}
	for number := uint32(1); int(number)*btree.PageBytes <= len(to); number++ {
		was, err := from.Page(number)
		is, _ := to.Page(number)
		if err != nil || !bytes.Equal(was, is) {
			d.Pages[number] = true
		}
	}
	findBelow(t, from, root, d)
	return d
}

func findBelow(t *testing.T, f file, number uint32, d *btree.Dirty) {
	t.Helper()
	p, err := btree.Open(f, number)
	if err != nil {
		t.Fatal(err)
	}
	note := func(child uint32) {
		if d.Touched(child) {
			d.Below[number] = append(d.Below[number], child)
		}
	}
	for i := range p.Len() + 1 {
		if !p.Kind.IsLeaf() {
			child, err := p.Child(i)
			if err != nil {
				t.Fatal(err)
			}
			findBelow(t, f, child, d)
			note(child)
		}
		if i < p.Len() && p.Kind != btree.TableInterior {
			cell, err := p.Cell(i)
			if err == nil {
				_, err = cell.Payload(f, nil, note)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestVarint writes and reads lengths on the edges, and refuses those cut short.
func TestVarint(t *testing.T) {
	for shift := range 65 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1} {
			b := btree.AppendVarint(nil, v)
			if got, n := btree.Varint(b); got != v || n != len(b) {
				t.Errorf("%d: %d in %d bytes of %x", v, got, n, b)
			}
			if _, n := btree.Varint(b[:len(b)-1]); n != 0 {
				t.Errorf("%x cut short is %d bytes", b, n)
			}
		}
	}
}

// TestBuilder fills pages and reads them back.
func TestBuilder(t *testing.T) {
	b := btree.NewBuilder(2, btree.TableLeaf, make([]byte, btree.PageBytes))
	var want []string
	for i := 0; ; i++ {
		rec := []byte(strings.Repeat("x", i%50))
		cell := append(btree.AppendVarint(btree.AppendVarint(nil, uint64(len(rec))), uint64(i)), rec...)
		if !b.Fits(len(cell)) {
			if err := b.Add(cell); !errors.Is(err, btree.ErrCorrupt) {
				t.Errorf("a cell too many: %v", err)
			}
			break
		}
		if err := b.Add(cell[:1], cell[1:]); err != nil {
			t.Fatal(err)
		}
		want = append(want, string(rec))
	}
	p, err := btree.Open(append(make(file, btree.PageBytes), b.Finish(0)...), 2)
	if err != nil || p.Len() != len(want) {
		t.Fatal(p.Len(), err)
	}
	for i, w := range want {
		if c, err := p.Cell(i); err != nil || c.Rowid != int64(i) || string(c.Local) != w {
			t.Errorf("cell %d: %+v, %v", i, c, err)
		}
	}
}

// FuzzWalk reads pages of any bytes: they are an error, or end.
func FuzzWalk(f *testing.F) {
	b := btree.NewBuilder(2, btree.TableLeaf, make([]byte, btree.PageBytes))
	f.Add(b.Finish(0))
	f.Fuzz(func(t *testing.T, data []byte) {
		pages := make(file, 4*btree.PageBytes)
		copy(pages[btree.PageBytes:], data)
		n := 0
		for item, err := range btree.Walk(btree.Side{Source: pages, Root: 2}) {
			if err != nil {
				if !errors.Is(err, btree.ErrCorrupt) {
					t.Fatal(err)
				}
				return
			}
			if item.Size < 1<<20 {
				item.Payload(pages, nil, nil)
			}
			if n++; n > 100_000 {
				return
			}
		}
	})
}
