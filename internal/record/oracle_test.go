package record_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb/internal/record"
	_ "modernc.org/sqlite"
)

// Plain SQLite is the oracle: it stores, converts and sorts random values, and
// the package has to agree.

// values makes random values of all kinds, many of them where rules change.
type values struct{ *rand.Rand }

// seedFlag repeats a test with the seed that it has printed.
var seedFlag = flag.Uint64("seed", 0, "seed of random tests, 0 for a new one")

// newValues seeds a generator and prints the seed.
func newValues(t testing.TB) values {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -seed=%d", seed)
	return values{rand.New(rand.NewPCG(seed, 0))}
}

func (r values) any() record.Value {
	switch r.IntN(9) {
	case 0:
		return record.Null()
	case 1, 2:
		return record.Int(r.integer())
	case 3, 4:
		return record.Float(r.float())
	case 5:
		return record.Text(r.numeral())
	case 6, 7:
		return record.Text(r.text())
	}
	return record.Blob([]byte(r.text()))
}

func (r values) integer() int64 {
	switch r.IntN(3) {
	case 0:
		return r.Int64N(600) - 300
	case 1:
		return int64(r.Uint64()) >> r.IntN(64)
	}
	edge := int64(1) << (r.IntN(64))
	return edge*(1-2*r.Int64N(2)) + r.Int64N(5) - 2
}

func (r values) float() float64 {
	switch r.IntN(7) {
	case 0:
		return float64(r.integer())
	case 1:
		return math.Nextafter(float64(r.integer()), math.Inf(1-2*r.IntN(2)))
	case 2:
		return float64(r.Int64N(2000)-1000) / 8
	case 3:
		special := []float64{math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64,
			-math.SmallestNonzeroFloat64, math.MaxFloat64, 0x1p-1022, 0x1p63, -0x1p63, 0x1p53, 0.1, 1e15, 1e16, 1e17}
		return special[r.IntN(len(special))]
	case 4:
		return float64(r.Int64N(1e6)) / 100
	}
	for {
		if f := math.Float64frombits(r.Uint64()); f == f {
			return f
		}
	}
}

func (r values) text() string {
	alphabet := "aAbBzZ  [`{@\x00\x01\xffé9"
	b := make([]byte, r.IntN(6))
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	if r.IntN(20) == 0 {
		b = append(b, bytes.Repeat([]byte{'x'}, r.IntN(record.InlineMax-6))...)
	}
	return strings.ToValidUTF8(string(b), "é") + strings.Repeat(" ", r.IntN(8)/6)
}

// numeral makes texts that are numbers, or nearly.
func (r values) numeral() string {
	var s string
	switch r.IntN(5) {
	case 0:
		s = strconv.FormatInt(r.integer(), 10)
	case 1:
		s = strconv.FormatFloat(r.float(), "efg"[r.IntN(3)], r.IntN(25)-1, 64)
	case 2:
		s = fmt.Sprintf("%d%s%d", r.IntN(100), []string{".", "e", "E+", "e-", ".5e", "", " "}[r.IntN(7)], r.IntN(400))
	case 3:
		s = strconv.FormatUint(r.Uint64(), 10) + strings.Repeat(strconv.Itoa(r.IntN(10)), r.IntN(9))
	case 4:
		odd := []string{"", ".", "-", "+", "5.", ".5", "-.5e1", "1e", "1e+", "0x10", "Inf", "nan", "1_0", "--1", "+ 1", "-0", "-0.0", "00012", "1e100001",
			"0." + strings.Repeat("0", 400) + "1e401", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
			"2251799813685248", "9007199254740993", "1\x00", "12\x00x", "9007199254740993\x00"}
		s = odd[r.IntN(len(odd))]
	}
	pads := []string{"", "", "", " ", "\t\n", "\v\f\r", "x", "\u00a0"}
	return pads[r.IntN(len(pads))] + s + pads[r.IntN(len(pads))]
}

// openSQLite opens a database of one connection in a new file.
func openSQLite(t testing.TB) (db *sql.DB, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "oracle.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	mustExec(t, db, "PRAGMA page_size = 65536; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")
	return db, file
}

func mustExec(t testing.TB, db interface {
	Exec(string, ...any) (sql.Result, error)
}, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// insert writes rows to the table t, with the rowids 1, 2, 3, ….
func insert(t testing.TB, db *sql.DB, rows [][]record.Value) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		args := []any{i + 1}
		for _, v := range row {
			args = append(args, v.Any())
		}
		columns := "rowid"
		for c := range row {
			columns += fmt.Sprintf(", c%d", c)
		}
		mustExec(t, tx, "INSERT INTO t("+columns+") VALUES(?"+strings.Repeat(",?", len(row))+")", args...)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// storedRecords reads the records of the only table straight from the leaf
// pages of a database file. https://www.sqlite.org/fileformat2.html#b_tree_pages
func storedRecords(t testing.TB, file string) map[int64][]byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	records := map[int64][]byte{}
	for at := 65536; at < len(data); at += 65536 {
		page := data[at : at+65536]
		if page[0] != 0x0d {
			continue
		}
		for i := range int(binary.BigEndian.Uint16(page[3:])) {
			cell := page[binary.BigEndian.Uint16(page[8+2*i:]):]
			size, n := sqliteVarint(cell)
			rowid, m := sqliteVarint(cell[n:])
			records[rowid] = cell[n+m : n+m+int(size)]
		}
	}
	return records
}

func sqliteVarint(b []byte) (v int64, n int) {
	for v, n = int64(b[0]&0x7f), 1; b[n-1] >= 0x80; n++ {
		v = v<<7 | int64(b[n]&0x7f)
	}
	return v, n
}

var affinityTypes = []struct {
	declared string
	affinity record.Affinity
}{
	{"", record.AffinityBlob}, {"TEXT", record.AffinityText}, {"NUMERIC", record.AffinityNumeric},
	{"INTEGER", record.AffinityInteger}, {"REAL", record.AffinityReal},
}

// TestStoredAsSQLiteStores compares whole records byte by byte, affinities
// applied, and what a query reads back.
func TestStoredAsSQLiteStores(t *testing.T) {
	r := newValues(t)
	db, file := openSQLite(t)
	mustExec(t, db, "CREATE TABLE t(c0, c1 TEXT, c2 NUMERIC, c3 INTEGER, c4 REAL)")
	rows := make([][]record.Value, 6000)
	for i := range rows {
		v := r.any()
		rows[i] = []record.Value{v, v, v, v, v} // the same through each affinity
	}
	insert(t, db, rows)
	records := storedRecords(t, file)
	if len(records) != len(rows) {
		t.Fatalf("found %d records of %d", len(records), len(rows))
	}
	for i, row := range rows {
		stored := make([]record.Value, len(row))
		for c, v := range row {
			stored[c] = affinityTypes[c].affinity.Store(v)
		}
		if got, want := record.Append(nil, stored), records[int64(i+1)]; !bytes.Equal(got, want) {
			t.Errorf("%v:\n got %x\nwant %x", row[0], got, want)
		}
	}
	compareWithSelect(t, db, rows)
}

// compareWithSelect compares the values that SQLite reads with applied ones.
func compareWithSelect(t *testing.T, db *sql.DB, want [][]record.Value) {
	t.Helper()
	rows, err := db.Query("SELECT c0, c1, c2, c3, c4, typeof(c0), typeof(c1), typeof(c2), typeof(c3), typeof(c4) FROM t ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, row := range want {
		var got [10]any
		if !rows.Next() {
			t.Fatal("rows are missing: ", rows.Err())
		}
		if err := rows.Scan(&got[0], &got[1], &got[2], &got[3], &got[4], &got[5], &got[6], &got[7], &got[8], &got[9]); err != nil {
			t.Fatal(err)
		}
		for c, v := range row {
			compareApplied(t, v, c, got[c], got[5+c])
		}
	}
}

// compareApplied compares one value that SQLite has read, and its typeof.
func compareApplied(t *testing.T, v record.Value, c int, got, typeof any) {
	t.Helper()
	applied := affinityTypes[c].affinity.Apply(v)
	if applied.Kind().String() != typeof {
		t.Errorf("%v in %q: %v, SQLite says %v %v", v, affinityTypes[c].declared, applied, typeof, got)
		return
	}
	if b, isBlob := got.([]byte); isBlob && applied.Kind() == record.KindBlob {
		got = append([]byte{}, b...)
	}
	if want, err := record.Of(got); err != nil || !applied.Equal(want) {
		t.Errorf("%v in %q: %v, SQLite says %v (%v)", v, affinityTypes[c].declared, applied, want, err)
	}
}

// TestRecordLengths compares records whose header and values cross the lengths
// at which varints grow.
func TestRecordLengths(t *testing.T) {
	r := newValues(t)
	db, file := openSQLite(t)
	const columns = 140
	mustExec(t, db, "CREATE TABLE t(c0"+func() (s string) {
		for c := 1; c < columns; c++ {
			s += fmt.Sprintf(", c%d", c)
		}
		return
	}()+")")
	var rows [][]record.Value
	for i := range 300 {
		row := make([]record.Value, columns)
		for c := range row {
			switch {
			case c < i-140:
				row[c] = record.Text(strings.Repeat("é", r.IntN(60)))
			case c < i/2:
				row[c] = record.Blob(make([]byte, r.IntN(70)))
			case r.IntN(4) == 0:
				row[c] = r.any()
			}
		}
		rows = append(rows, row)
	}
	insert(t, db, rows)
	records := storedRecords(t, file)
	for i, row := range rows {
		want := records[int64(i+1)]
		if got := record.Append(nil, row); !bytes.Equal(got, want) {
			t.Fatalf("row %d:\n got %x\nwant %x", i, got, want)
		}
		parsed, err := record.Parse(want, nil)
		if err != nil || !slices.EqualFunc(parsed, row, record.Value.Equal) {
			t.Fatalf("row %d: parsed %v (%v), want %v", i, parsed, err, row)
		}
	}
}

// TestOrderIsSQLites compares ORDER BY with the order of keys and of Compare, for
// each collation and direction. What SQLite finds equal must be one key.
func TestOrderIsSQLites(t *testing.T) {
	r := newValues(t)
	db, _ := openSQLite(t)
	mustExec(t, db, "CREATE TABLE t(c0)")
	vals := make([]record.Value, 4000)
	rows := make([][]record.Value, len(vals))
	for i := range vals {
		vals[i] = r.any()
		rows[i] = vals[i : i+1]
	}
	insert(t, db, rows)
	for _, c := range keyColumns() {
		t.Run(fmt.Sprintf("%v desc=%v", c.Collation, c.Desc), func(t *testing.T) {
			direction := map[bool]string{false: "ASC", true: "DESC"}[c.Desc]
			query := fmt.Sprintf("SELECT rowid, dense_rank() OVER w FROM t WINDOW w AS (ORDER BY c0 COLLATE %v %s) ORDER BY 2, 1", c.Collation, direction)
			ids, ranks := queryOrder(t, db, query)
			for i := 1; i < len(ids); i++ {
				checkOrder(t, vals[ids[i-1]-1], vals[ids[i]-1], c, cmp.Compare(ranks[i-1], ranks[i]))
			}
		})
	}
}

func keyColumns() (columns []record.KeyColumn) {
	for _, c := range []record.Collation{record.Binary, record.NoCase, record.RTrim} {
		columns = append(columns, record.KeyColumn{Collation: c}, record.KeyColumn{Collation: c, Desc: true})
	}
	return columns
}

// queryOrder reads rowids in order, with equal ranks for equal values.
func queryOrder(t *testing.T, db *sql.DB, query string) (ids, ranks []int64) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, rank int64
		if err := rows.Scan(&id, &rank); err != nil {
			t.Fatal(err)
		}
		ids, ranks = append(ids, id), append(ranks, rank)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids, ranks
}

// checkOrder checks that keys and Compare order two values as want says, which
// is in the column's direction.
func checkOrder(t *testing.T, a, b record.Value, c record.KeyColumn, want int) {
	t.Helper()
	if got := bytes.Compare(record.AppendKey(nil, a, c), record.AppendKey(nil, b, c)); got != want {
		t.Errorf("keys of %v and %v compare %d, SQLite says %d", a, b, got, want)
	}
	got := record.Compare(a, b, c.Collation)
	if c.Desc {
		got = -got
	}
	if cmp.Compare(got, 0) != want {
		t.Errorf("Compare(%v, %v) = %d, SQLite says %d", a, b, got, want)
	}
}

// TestRealTextIsSQLites compares the text of many floats.
func TestRealTextIsSQLites(t *testing.T) {
	r := newValues(t)
	db, _ := openSQLite(t)
	query, err := db.Prepare("SELECT CAST(? AS TEXT)")
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	for range 50_000 {
		f := r.float()
		var want string
		if err := query.QueryRow(f).Scan(&want); err != nil {
			t.Fatal(err)
		}
		if got := record.AffinityText.Apply(record.Float(f)).Text(); got != want {
			t.Errorf("text of %b: %s, SQLite says %s", f, got, want)
		}
	}
}

// TestAffinityOfIsSQLites declares random types and looks at what they do to
// values that tell the affinities apart.
func TestAffinityOfIsSQLites(t *testing.T) {
	r := newValues(t)
	db, _ := openSQLite(t)
	parts := []string{"int", "INT", "Char", "CLOB", "text", "BLOB", "real", "FLOA", "doub", "xx", "(10)", " ", "DECIMAL", "date", "in", "tex", "POINT", "CHARINT"}
	for range 300 {
		declared := ""
		for range r.IntN(4) {
			declared += parts[r.IntN(len(parts))]
		}
		mustExec(t, db, "DROP TABLE IF EXISTS t")
		if declared != "" {
			declared = `"` + declared + `"` // an empty name in quotes is no absent one
		}
		mustExec(t, db, "CREATE TABLE t(c0 "+declared+")")
		mustExec(t, db, "INSERT INTO t VALUES('1'), (1), (1.5), ('1.0')")
		var want string
		if err := db.QueryRow("SELECT group_concat(typeof(c0)) FROM t").Scan(&want); err != nil {
			t.Fatal(err)
		}
		a := record.AffinityOf(strings.Trim(declared, `"`))
		got := ""
		for _, v := range []record.Value{record.Text("1"), record.Int(1), record.Float(1.5), record.Text("1.0")} {
			got += "," + a.Apply(v).Kind().String()
		}
		if got[1:] != want {
			t.Errorf("%q has affinity %v: %s, SQLite says %s", declared, a, got[1:], want)
		}
	}
}
