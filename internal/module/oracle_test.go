package module

import (
	"database/sql"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/internal/record"
)

// strict is a table that yields no row that does not meet its filters.
type strict struct{ list }

func (s *strict) Scan(filters []Filter) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, row := range s.rows {
			meets := func(f Filter) bool { return meets(row[f.Column], f) }
			if !slices.ContainsFunc(filters, func(f Filter) bool { return !meets(f) }) && !yield(row, nil) {
				return
			}
		}
	}
}

func meets(x any, f Filter) bool {
	if f.Op == IsNull || x == nil {
		return f.Op == IsNull && x == nil
	}
	a, _ := record.Of(x)
	b, _ := record.Of(f.Value)
	order := record.Compare(a, b, record.Binary)
	return map[Op]bool{EQ: order == 0, GT: order > 0, GE: order >= 0, LT: order < 0, LE: order <= 0}[f.Op]
}

// TestFiltersLoseNothing runs random queries on a SQLite table and on a strict one
// with the same rows: the answers are the same.
func TestFiltersLoseNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := &strict{}
	db, _ := open(t, withTables(map[string]Table{"virtual": s}))
	mustExec(t, db, "CREATE TABLE real(i INTEGER, t TEXT, f REAL, b BLOB, n NUMERIC)", "CREATE TABLE other(i INTEGER, t TEXT, f REAL, b BLOB, n NUMERIC)")
	for range 24 {
		for _, table := range []string{"real", "other"} {
			mustExec(t, db, fmt.Sprintf("INSERT INTO %s VALUES (%s, %s, %s, %s, %s)", table, literal(r), literal(r), literal(r), literal(r), literal(r)))
		}
	}
	mustExec(t, db, "INSERT INTO real SELECT * FROM real WHERE rowid % 3 = 0") // equal rows
	s.rows = readAll(t, db)
	for i, name := range []string{"i", "t", "f", "b", "n"} {
		s.columns = append(s.columns, Column{Name: name, Type: []string{"INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC"}[i], Push: PushRange})
	}
	for range 500 {
		text := "SELECT x.* FROM %s x WHERE " + condition(r, false)
		switch r.IntN(4) {
		case 0, 1:
			text = "SELECT x.*, o.* FROM other o CROSS JOIN %s x WHERE " + condition(r, true) + " AND " + condition(r, true)
		case 2:
			text = "SELECT x.*, o.* FROM other o " + []string{"LEFT", "RIGHT", "FULL"}[r.IntN(3)] + " JOIN %s x ON " + condition(r, true)
		}
		want, got := query(t, db, fmt.Sprintf(text, "real")), query(t, db, fmt.Sprintf(text, "virtual"))
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %s:\n%d rows, want %d\n%q\n%q", seed, text, len(got), len(want), got, want)
		}
	}
}

func readAll(t *testing.T, db *sql.DB) (all [][]any) {
	rows, err := db.Query("SELECT * FROM real")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]any, 5)
		if err := rows.Scan(&row[0], &row[1], &row[2], &row[3], &row[4]); err != nil {
			t.Fatal(err)
		}
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				row[i] = append([]byte{}, b...) // an empty blob is read as a nil slice
			}
		}
		all = append(all, row)
	}
	return all
}

func literal(r *rand.Rand) string {
	values := strings.Fields("NULL 0 1 5 -3 2.5 5.0 1e18 9007199254740993 '' '5' '05' '2.5' 'a' 'A' '-3' '5.0' x'' x'05' x'35' 'b'")
	return values[r.IntN(len(values))]
}

func condition(r *rand.Rand, join bool) string {
	column := "x." + string("itfbn"[r.IntN(5)])
	value := func() string {
		if join && r.IntN(2) == 0 {
			return "o." + string("itfbn"[r.IntN(5)])
		}
		return literal(r)
	}
	switch r.IntN(12) {
	case 0:
		return fmt.Sprintf("%s IN (%s, %s, %s)", column, literal(r), literal(r), literal(r))
	case 1:
		return fmt.Sprintf("%s BETWEEN %s AND %s", column, value(), value())
	case 2:
		return column + " IS " + value()
	case 3:
		return fmt.Sprintf("(%s OR %s)", condition(r, join), condition(r, join))
	case 4:
		return fmt.Sprintf("%s AND %s", condition(r, join), condition(r, join))
	case 5:
		return fmt.Sprintf("%s = %s COLLATE NOCASE", column, value())
	case 6:
		return fmt.Sprintf("NOT %s", condition(r, join))
	}
	return column + " " + []string{"=", "<", "<=", ">", ">="}[r.IntN(5)] + " " + value()
}
