package shell

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// statement runs one statement and prints its rows.
func (s *Shell) statement(ctx context.Context, text string) {
	ctx, stop := s.interrupt(ctx)
	defer stop()
	began := time.Now()
	err := s.query(ctx, s.out, s.Style, s.untimed(ctx, text))
	if e := s.out.done(); err == nil {
		err = e
	}
	if err != nil {
		s.report(err)
	}
	if s.changes && err == nil {
		s.printChanges(ctx)
	}
	if s.timer {
		fmt.Fprintf(s.out, "Run Time: real %.3f\n", time.Since(began).Seconds())
	}
}

func (s *Shell) printChanges(ctx context.Context) {
	var changes, total int64
	err := s.conn.QueryRowContext(ctx, `SELECT changes(), total_changes()`).Scan(&changes, &total)
	if err != nil {
		s.report(err)
		return
	}
	fmt.Fprintf(s.out, "changes: %d   total_changes: %d\n", changes, total)
}

// query prints the rows of a statement.
func (s *Shell) query(ctx context.Context, out *output, style format.Style, text string, args ...any) error {
	rows, err := s.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	w := style.NewWriter(out, columns)
	if err := eachRow(rows, len(columns), w.Row); err != nil {
		w.Close() // what was read before the error is printed, as sqlite3 does
		return err
	}
	return w.Close()
}

// eachRow calls fn with the values of each row. They are reused.
func eachRow(rows *sql.Rows, columns int, fn func([]any) error) error {
	values, places := make([]any, columns), make([]any, columns)
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if err := fn(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// untimed returns a query that yields the stored text of dates. Drivers turn text in
// columns declared DATE, DATETIME or TIMESTAMP into a time.Time, from which the text
// cannot be told; values of expressions are left alone.
func (s *Shell) untimed(ctx context.Context, text string) string {
	info := sqltext.Parse(text)
	switch info.Kind {
	case sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete:
		return s.untimedReturning(ctx, text, info)
	}
	if info.Kind != sqltext.KindSelect || info.End < len(text) {
		return text
	}
	query := strings.TrimRight(strings.TrimSpace(text), ";")
	// Nothing is evaluated for LIMIT 0, but the columns are known.
	rows, err := s.conn.QueryContext(ctx, "SELECT * FROM (\n"+query+"\n) LIMIT 0")
	if err != nil {
		return text
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil || !anyTime(types) {
		return text
	}
	names, err := rows.Columns()
	if err != nil {
		return text
	}
	return asExpressions(query, undoubled(names))
}

func anyTime(types []*sql.ColumnType) bool {
	for _, t := range types {
		if isTime(t.DatabaseTypeName()) {
			return true
		}
	}
	return false
}

// isTime tells whether drivers take text in a column of a type for a time.
func isTime(declared string) bool {
	switch strings.ToUpper(declared) {
	case "DATE", "DATETIME", "TIMESTAMP":
		return true
	}
	return false
}

// undoubled takes back the number that SQLite gives the second of two columns of one
// name when they become a table's: a and a:1.
func undoubled(names []string) []string {
	result := slices.Clone(names)
	for i, name := range names {
		if at := strings.LastIndexByte(name, ':'); at > 0 && slices.Contains(names[:i], name[:at]) {
			result[i] = name[:at]
		}
	}
	return result
}

// asExpressions makes an expression of each column, which has no declared type.
func asExpressions(query string, names []string) string {
	var columns, results []string
	for i, name := range names {
		column := fmt.Sprintf("c%d", i)
		columns = append(columns, column)
		results = append(results, fmt.Sprintf("+%s AS %s", column, format.QuoteName(name)))
	}
	return fmt.Sprintf("WITH result(%s) AS (\n%s\n) SELECT %s FROM result",
		strings.Join(columns, ","), query, strings.Join(results, ","))
}
