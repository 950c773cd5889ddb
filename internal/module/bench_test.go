package module

import (
	"fmt"
	"iter"
	"testing"
)

// BenchmarkFunction is one call, in a query of many.
func BenchmarkFunction(b *testing.B) {
	db, _ := open(b, func(c Conn) error {
		return c.Function("f", 1, Deterministic, func(args []any) (any, error) { return args[0], nil })
	})
	b.ReportAllocs()
	var n int
	err := db.QueryRow("WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < ?) SELECT count(f(x)) FROM c", b.N).Scan(&n)
	if err != nil || n != b.N {
		b.Fatal(n, err)
	}
}

// numbers is a table of n rows that are one slice.
type numbers struct{ n int }

func (t numbers) Columns() ([]Column, error) {
	return []Column{{Name: "a", Type: "INTEGER", Push: PushEQ, Unique: true}, {Name: "b", Type: "TEXT"}}, nil
}

func (t numbers) Scan(filters []Filter) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		row := []any{int64(1), "some text"}
		if len(filters) > 0 {
			row[0] = filters[0].Value
			yield(row, nil)
			return
		}
		for range t.n {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// BenchmarkRow is one row of two columns in a scan of many.
func BenchmarkRow(b *testing.B) {
	db, _ := open(b, withTables(map[string]Table{"t": numbers{b.N}}))
	b.ReportAllocs()
	var n int
	if err := db.QueryRow("SELECT sum(a) + 0 * sum(length(b)) FROM t").Scan(&n); err != nil || n != b.N {
		b.Fatal(n, err)
	}
}

// BenchmarkScan is a scan of one row: one for each row of a join.
func BenchmarkScan(b *testing.B) {
	db, _ := open(b, withTables(map[string]Table{"t": numbers{b.N}, "u": numbers{1}}))
	b.ReportAllocs()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM t CROSS JOIN u ON t.a = u.a").Scan(&n); err != nil || n != b.N {
		b.Fatal(n, err)
	}
}

// BenchmarkOpen is what 40 functions and 40 tables add to the opening of a
// connection.
func BenchmarkOpen(b *testing.B) {
	_, c := open(b, func(Conn) error { return nil })
	none := func([]any) (any, error) { return nil, nil }
	b.ReportAllocs()
	for b.Loop() {
		for i := range 40 {
			name := fmt.Sprint("f", i)
			if err := c.Function(name, -1, 0, none); err != nil {
				b.Fatal(err)
			}
			if err := c.Table(name, numbers{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
