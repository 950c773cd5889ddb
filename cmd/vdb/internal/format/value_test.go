package format_test

import (
	"database/sql"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

// TestReal compares the text of random numbers with that of the engine.
func TestReal(t *testing.T) {
	db := open(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	numbers := []float64{0, 1, -1, 0.1, 1.0 / 3, 1e15, 1e16, 1e17, -1e-4, 1e-5, 5e-324, math.MaxFloat64, math.Inf(1), math.Inf(-1), 123456789012345678}
	for range 2000 {
		f := math.Float64frombits(random.Uint64())
		if math.IsNaN(f) {
			continue
		}
		numbers = append(numbers, f, random.NormFloat64()*1000, float64(random.Int64N(1e6))/100)
	}
	for _, f := range numbers {
		var want string
		if err := db.QueryRow(`SELECT CAST(? AS TEXT)`, f).Scan(&want); err != nil {
			t.Fatal(err)
		}
		if got := format.Real(f); got != want {
			t.Errorf("%v (%x) is %s, want %s", f, math.Float64bits(f), got, want)
		}
	}
}

// TestLiteral reads literals back, of INSERT statements, too.
func TestLiteral(t *testing.T) {
	db := open(t)
	for _, want := range []any{
		nil, int64(math.MinInt64 + 1), int64(7), 0.1, 1e300, -2.0, 1.0 / 3, math.Inf(1), math.Inf(-1),
		"", "it's", "a\nb", "a\\nb\n", "\r\n\\r\\n", "nul\x00nul", "é☃😀", []byte{}, []byte("\x00\xff'"),
	} {
		var got any
		if err := db.QueryRow(`SELECT ` + format.Literal(want)).Scan(&got); err != nil {
			t.Fatalf("%v: %v", want, err)
		}
		if !same(got, want) {
			t.Errorf("%s is %#v, want %#v", format.Literal(want), got, want)
		}
	}
}

func same(a, b any) bool {
	if x, ok := a.([]byte); ok {
		y, ok := b.([]byte)
		return ok && string(x) == string(y)
	}
	return a == b
}

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"t": "t", "T_1": "T_1", "": `""`, "1a": `"1a"`, "we ird": `"we ird"`, `a"b`: `"a""b"`,
		"select": `"select"`, "Order": `"Order"`, "é": `"é"`,
	} {
		if got := format.Name(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestUse(t *testing.T) {
	style := format.New()
	for _, mode := range format.Modes() {
		if err := style.Use(mode); err != nil || style.Mode != mode {
			t.Errorf("use %s: %v, %v", mode, style.Mode, err)
		}
	}
	if err := style.Use("fancy"); err == nil || style.Mode != "tabs" {
		t.Errorf("use fancy: %v, %v", style.Mode, err)
	}
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
