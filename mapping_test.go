package vdb_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/vdbgo/vdb"
)

type (
	level   int16
	label   string
	digest  []byte
	moment  time.Time
	enabled bool
	ratio   float32
)

// point has the methods of driver.Valuer and sql.Scanner.
type point struct{ X, Y int }

func (p point) Value() (driver.Value, error) {
	if p.X < 0 {
		return nil, errors.New("point left of the origin")
	}
	return fmt.Sprintf("%d/%d", p.X, p.Y), nil
}

func (p *point) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("point from %T", src)
	}
	_, err := fmt.Sscanf(text, "%d/%d", &p.X, &p.Y)
	return err
}

type Audit struct {
	CreatedBy string
	Revision  uint16
}

// everything has a field of each kind that a column can have.
type everything struct {
	ID   int64 `vdb:"id,pk"`
	I    int
	I8   int8
	I16  int16
	I32  int32
	U    uint
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64
	F32  float32
	F64  float64
	B    bool
	S    string
	Raw  []byte
	T    time.Time
	L    level
	Lb   label
	D    digest
	M    moment
	E    enabled
	R    ratio
	P    point
	V    vdb.Value
	NS   sql.NullString
	NI   sql.NullInt64
	NB   sql.NullBool
	NF   sql.NullFloat64
	NT   sql.NullTime
	NG   sql.Null[string]
	PI   *int32
	PU   *uint64
	PS   *string
	PT   *time.Time
	PB   *bool
	PF   *float64
	PR   *[]byte
	PL   *label
	PP   *point
	Skip func() `vdb:"-"`
	Audit
	hidden int
}

var everythings = vdb.MustTable[everything]("everything")

func ptr[T any](x T) *T { return &x }

// full is a row without NULLs, every field with a value that no other has.
func full() everything {
	when := time.Date(2026, 11, 22, 19, 7, 42, 500, time.UTC)
	return everything{
		ID: 1, I: math.MinInt64, I8: -128, I16: -32768, I32: math.MinInt32,
		U: math.MaxInt64, U8: 255, U16: 65535, U32: math.MaxUint32, U64: math.MaxInt64,
		F32: math.MaxFloat32, F64: math.SmallestNonzeroFloat64, B: true, S: "snow ☃\x00 man", Raw: []byte{0, 1, 255},
		T: when, L: 300, Lb: "named", D: digest{9}, M: moment(when.Add(time.Hour)), E: true, R: 0.25, P: point{3, 4},
		V:  vdb.Float(1.5),
		NS: sql.NullString{String: "ns", Valid: true}, NI: sql.NullInt64{Int64: 5, Valid: true}, NB: sql.NullBool{Bool: true, Valid: true},
		NF: sql.NullFloat64{Float64: 2.5, Valid: true}, NT: sql.NullTime{Time: when, Valid: true}, NG: sql.Null[string]{V: "ng", Valid: true},
		PI: ptr(int32(7)), PU: ptr(uint64(8)), PS: ptr("ps"), PT: ptr(when), PB: ptr(true), PF: ptr(9.5), PR: ptr([]byte("pr")), PL: ptr(label("pl")),
		PP: ptr(point{5, 6}), Audit: Audit{CreatedBy: "audit", Revision: 12},
	}
}

// created returns a branch with the tables.
func created(t testing.TB, tables ...interface{ Create(*vdb.Tx) error }) *vdb.Branch {
	t.Helper()
	b := mainBranch(t, openMemory(t))
	update(t, b, func(tx *vdb.Tx) error {
		for _, table := range tables {
			if err := table.Create(tx); err != nil {
				return err
			}
		}
		return nil
	})
	return b
}

func snapshot(t testing.TB, b *vdb.Branch) *vdb.Snapshot {
	t.Helper()
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryKindRoundTrips(t *testing.T) {
	b := created(t, everythings)
	want, empty := full(), everything{ID: 2}
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(everythings.Put(tx, want), everythings.Put(tx, everything{ID: 2, P: point{}}))
	})
	s := snapshot(t, b)
	if err := everythings.Check(s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []everything{want, empty} {
		got, err := everythings.Get(s, want.ID)
		if err != nil || got.hidden != 0 {
			t.Fatal(got, err)
		}
		if !got.V.Equal(want.V) {
			t.Errorf("V: %v, want %v", got.V, want.V)
		}
		got.V = want.V // a Value points to its bytes: compared above
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestDeclaredTypes(t *testing.T) {
	want := map[string]string{
		"id": "INTEGER", "u64": "INTEGER", "f32": "REAL", "b": "BOOLEAN", "s": "TEXT", "raw": "BLOB", "t": "DATETIME", "l": "INTEGER",
		"lb": "TEXT", "d": "BLOB", "m": "DATETIME", "e": "BOOLEAN", "p": "", "v": "", "ns": "TEXT", "ni": "INTEGER", "nb": "BOOLEAN",
		"nf": "REAL", "nt": "DATETIME", "ng": "TEXT", "pi": "INTEGER", "pt": "DATETIME", "pp": "", "created_by": "TEXT", "revision": "INTEGER",
	}
	nullable := map[string]bool{"raw": true, "d": true, "p": true, "v": true, "ns": true, "ni": true, "nb": true, "nf": true, "nt": true, "ng": true,
		"pi": true, "pu": true, "ps": true, "pt": true, "pb": true, "pf": true, "pr": true, "pl": true, "pp": true}
	s := everythings.Schema()
	for _, c := range s.Columns {
		if declared, ok := want[c.Name]; ok && declared != c.Type {
			t.Errorf("column %s is declared %q, want %q", c.Name, c.Type, declared)
		}
		if c.NotNull == nullable[c.Name] {
			t.Errorf("column %s: NOT NULL is %v", c.Name, c.NotNull)
		}
		delete(want, c.Name)
	}
	if len(want) > 0 || s.Column("skip") >= 0 || s.Column("hidden") >= 0 {
		t.Errorf("columns missing: %v; schema %+v", want, s)
	}
}

// randomRow has fields that quick can fill.
type randomRow struct {
	ID  int64 `vdb:",pk"`
	I8  int8
	I32 *int32
	U32 uint32
	F   float64
	F32 *float32
	S   string
	PS  *string
	B   []byte
	Yes bool
	L   label
}

func TestRandomRowsRoundTrip(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	table := vdb.MustTable[randomRow]("random")
	b := created(t, table)
	rows := map[int64]randomRow{}
	config := &quick.Config{MaxCount: 500, Rand: rand.New(rand.NewSource(seed))}
	update(t, b, func(tx *vdb.Tx) error {
		return quick.Check(func(r randomRow) bool {
			rows[r.ID] = r
			if err := table.Put(tx, r); err != nil {
				t.Log(err)
				return false
			}
			got, err := table.Get(tx, r.ID)
			return err == nil && reflect.DeepEqual(got, r)
		}, config)
	})
	n := 0
	for got, err := range table.All(snapshot(t, b)) {
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, rows[got.ID]) {
			t.Fatalf("got %+v, want %+v", got, rows[got.ID])
		}
		n++
	}
	if n != len(rows) {
		t.Fatalf("%d rows, want %d", n, len(rows))
	}
}

// wants fails unless err is target and names all of the words.
func wants(t *testing.T, err, target error, words ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want one that is %v", err, target)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not name %q", err, w)
		}
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	b := created(t, everythings)
	for _, c := range []struct {
		column string
		change func(*everything)
		says   string
	}{
		{"u64", func(e *everything) { e.U64 = math.MaxInt64 + 1 }, "does not fit 64 signed bits"},
		{"pu", func(e *everything) { e.PU = ptr(uint64(math.MaxUint64)) }, "does not fit 64 signed bits"},
		{"f64", func(e *everything) { e.F64 = math.NaN() }, "NaN"},
		{"f32", func(e *everything) { e.F32 = float32(math.NaN()) }, "NaN"},
		{"pf", func(e *everything) { e.PF = ptr(math.NaN()) }, "NaN"},
		{"s", func(e *everything) { e.S = "a\xffb" }, "UTF-8"},
		{"pl", func(e *everything) { e.PL = ptr(label("\xc3")) }, "UTF-8"},
		{"t", func(e *everything) { e.T = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "year 10000"},
	} {
		row := full()
		c.change(&row)
		err := b.Update(t.Context(), func(tx *vdb.Tx) error { return everythings.Put(tx, row) })
		wants(t, err, vdb.ErrInvalid, "table everything", "column "+c.column, c.says)
	}
	if n, err := everythings.Count(snapshot(t, b), vdb.Range{}); n != 0 || err != nil {
		t.Fatalf("%d rows were written: %v", n, err)
	}
}

func TestErrorsOfValuersAndScanners(t *testing.T) {
	b := created(t, everythings)
	row := full()
	row.P.X = -1
	err := b.Update(t.Context(), func(tx *vdb.Tx) error { return everythings.Put(tx, row) })
	if err == nil || !strings.Contains(err.Error(), "column p: point left of the origin") {
		t.Fatalf("error of a Valuer: %v", err)
	}
	update(t, b, func(tx *vdb.Tx) error {
		if err := everythings.Put(tx, full()); err != nil {
			return err
		}
		stored, err := tx.Get("everything", 1)
		if err != nil {
			return err
		}
		s := everythings.Schema()
		stored[s.Column("p")] = vdb.Int(3)
		return tx.Put("everything", stored)
	})
	_, err = everythings.Get(snapshot(t, b), 1)
	if err == nil || !strings.Contains(err.Error(), "row (1), column p: point from int64") {
		t.Fatalf("error of a Scanner: %v", err)
	}
}

func TestStoredValuesThatDoNotFit(t *testing.T) {
	type row struct {
		ID   string `vdb:",pk"`
		I    int
		I8   int8
		U    uint
		U16  uint16
		F32  float32
		B    bool
		S    string
		T    time.Time
		P    *int8
		Raw  []byte
		Blob *vdb.Blob
	}
	table := vdb.MustTable[row]("rows")
	b := mainBranch(t, openMemory(t))
	s := table.Schema()
	for i := range s.Columns {
		s.Columns[i].NotNull = false // other programs may write NULLs
	}
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(s), table.Put(tx, row{ID: "r", Raw: []byte{}}))
	})
	good := snapshot(t, b)
	if _, err := table.Get(good, "r"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		column string
		value  vdb.Value
		says   string
	}{
		{"i", vdb.Text("many"), "text 'many'"},
		{"i", vdb.Float(1.5), "real 1.5"},
		{"i", vdb.Null(), "NULL"},
		{"i8", vdb.Int(128), "integer 128"},
		{"i8", vdb.Int(-129), "integer -129"},
		{"u", vdb.Int(-1), "integer -1"},
		{"u16", vdb.Int(65536), "integer 65536"},
		{"f32", vdb.Float(1e300), "real"},
		{"f32", vdb.Bytes([]byte("x")), "blob"},
		{"b", vdb.Int(2), "integer 2"},
		{"s", vdb.Bytes([]byte{1}), "blob x'01'"},
		{"s", vdb.Null(), "NULL"},
		{"t", vdb.Text("soon"), "'soon'"},
		{"p", vdb.Int(300), "integer 300"},
		{"raw", vdb.Int(1), "integer 1"},
		{"blob", vdb.Int(1), "integer 1"},
	} {
		update(t, b, func(tx *vdb.Tx) error {
			bad, err := good.Get("rows", "r")
			if err != nil {
				return err
			}
			bad[s.Column(c.column)] = c.value
			return tx.Put("rows", bad)
		})
		now := snapshot(t, b)
		_, err := table.Get(now, "r")
		wants(t, err, vdb.ErrInvalid, "table rows", "row ('r')", "column "+c.column, c.says)
		for _, err := range table.All(now) {
			wants(t, err, vdb.ErrInvalid, "column "+c.column, c.says)
		}
	}
}

func TestTagsMakeTheSchema(t *testing.T) {
	type order struct {
		Line       int     `vdb:",pk=2"`
		Order      string  `vdb:"order_no,pk=1,type=VARCHAR(20),nocase"`
		CustomerID string  `vdb:",fk=customers.id,index,desc"`
		Product    *string `vdb:",fk=products,notnull,rtrim"`
		HTTPCode   int     `vdb:",unique=code,default=200"`
		Sum        float64 `vdb:",type=DECIMAL(10,2),merge=sum,default=0.0,unique=code,desc"`
		Note       string  `vdb:",default='a, b'"`
	}
	table, err := vdb.NewTable[order]("orders", func(s *vdb.Schema) {
		s.ForeignKeys = append(s.ForeignKeys, vdb.ForeignKey{Columns: []string{"order_no", "line"}, Parent: "lines"})
	})
	if err != nil {
		t.Fatal(err)
	}
	want := vdb.Schema{
		Name: "orders",
		Columns: []vdb.Column{
			{Name: "line", Type: "INTEGER", NotNull: true},
			{Name: "order_no", Type: "VARCHAR(20)", NotNull: true, Collation: "NOCASE"},
			{Name: "customer_id", Type: "TEXT", NotNull: true},
			{Name: "product", Type: "TEXT", NotNull: true, Collation: "RTRIM"},
			{Name: "http_code", Type: "INTEGER", NotNull: true, Default: "200"},
			{Name: "sum", Type: "DECIMAL(10,2)", NotNull: true, Default: "0.0", Merge: vdb.PolicySum},
			{Name: "note", Type: "TEXT", NotNull: true, Default: "'a, b'"},
		},
		PrimaryKey: []string{"order_no", "line"},
		Indexes: []vdb.Index{
			{Name: "orders_customer_id", Columns: []vdb.IndexColumn{{Name: "customer_id", Desc: true}}},
			{Name: "code", Unique: true, Columns: []vdb.IndexColumn{{Name: "http_code"}, {Name: "sum", Desc: true}}},
		},
		ForeignKeys: []vdb.ForeignKey{
			{Columns: []string{"customer_id"}, Parent: "customers", ParentColumns: []string{"id"}},
			{Columns: []string{"product"}, Parent: "products"},
			{Columns: []string{"order_no", "line"}, Parent: "lines"},
		},
	}
	if got := table.Schema(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestStructsThatAreRefused(t *testing.T) {
	type onlyValuer struct{ driver.Valuer }
	try := func(says string, err error) {
		t.Helper()
		wants(t, err, vdb.ErrInvalid, "map table rows", says)
	}
	_, err := vdb.NewTable[int]("rows")
	try("int is not a struct", err)
	_, err = vdb.NewTable[struct{}]("rows")
	try("no columns", err)
	_, err = vdb.NewTable[struct{ C chan int }]("rows")
	try("field C: Go type chan int", err)
	_, err = vdb.NewTable[struct{ V onlyValuer }]("rows")
	try("field V", err)
	_, err = vdb.NewTable[struct{ P **int }]("rows")
	try("field P: Go type **int", err)
	_, err = vdb.NewTable[struct{ Audit struct{ C any } }]("rows")
	try("field Audit", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",primary"`
	}]("rows")
	try(`field A: tag option "primary"`, err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",pk=x"`
	}]("rows")
	try("field A: tag option pk=x", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",pk=1"`
		B int `vdb:",pk=3"`
	}]("rows")
	try("column b: the positions", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",nocase=yes"`
	}]("rows")
	try("tag option nocase=yes", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",desc"`
	}]("rows")
	try("desc without an index", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",type=TEXT"`
	}]("rows")
	try("column a TEXT, of TEXT affinity, does not keep Go field A of type int", err)
	_, err = vdb.NewTable[struct {
		A string `vdb:",pk,auto"`
	}]("rows")
	try("field A: tag option auto on Go type string", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",auto"`
	}]("rows")
	try("field A: auto is for a primary key", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",merge=best"`
	}]("rows")
	try("column a: merge policy", err)
	_, err = vdb.NewTable[struct {
		A int `vdb:",default=now()"`
	}]("rows")
	try("column a: default now() is not a literal", err)
	_, err = vdb.NewTable[struct{ A int }]("")
	wants(t, err, vdb.ErrInvalid, "table without a name")
	_, err = vdb.NewTable[struct {
		A int
		B int `vdb:"a"`
	}]("rows")
	wants(t, err, vdb.ErrExists, "column a")
	_, err = vdb.NewTable[struct{ A int }]("rows", func(s *vdb.Schema) { s.Columns = nil })
	try("the columns have been adjusted", err)
}

func TestMustTablePanics(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, vdb.ErrInvalid) {
			t.Fatalf("recovered %v", err)
		}
	}()
	vdb.MustTable[string]("rows")
}

func TestColumnNames(t *testing.T) {
	type names struct {
		ID, CustomerID, HTTPServer, URL, X1, Already_snake, Größe, A, ABc int
	}
	var got []string
	for _, c := range vdb.MustTable[names]("names").Schema().Columns {
		got = append(got, c.Name)
	}
	want := []string{"id", "customer_id", "http_server", "url", "x1", "already_snake", "größe", "a", "a_bc"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
