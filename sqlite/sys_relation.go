package sqlite

import (
	"fmt"
	"iter"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// relation is a system table: its columns, and what yields its rows.
type relation struct {
	columns []module.Column
	// rows yields the rows that w asks for, and may yield others.
	rows func(w where) iter.Seq2[[]any, error]
}

var _ module.ColumnScanner = (*relation)(nil)

// Columns implements module.Table.
func (r *relation) Columns() ([]module.Column, error) { return r.columns, nil }

// Scan implements module.Table.
func (r *relation) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	return r.ScanColumns(filters, ^uint64(0))
}

// ScanColumns implements module.ColumnScanner. SQLite does not test conditions on
// hidden columns again, so those that are no arguments are tested here.
func (r *relation) ScanColumns(filters []module.Filter, used uint64) iter.Seq2[[]any, error] {
	w := where{filters: filters, used: used}
	return func(yield func([]any, error) bool) {
		for row, err := range r.rows(w) {
			if err == nil && !r.keeps(row, filters) {
				continue
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func (r *relation) keeps(row []any, filters []module.Filter) bool {
	for _, f := range filters {
		c := r.columns[f.Column]
		if !c.Hidden || f.Column >= len(row) || row[f.Column] == isArgument {
			continue
		}
		if row[f.Column] == nil || f.Value == nil || fmt.Sprint(row[f.Column]) != fmt.Sprint(f.Value) {
			return false
		}
	}
	return true
}

// argument stands in a row for the value of an argument, which SQLite knows.
type argument struct{}

var isArgument = argument{}

// where is what a query asks of a system table.
type where struct {
	filters []module.Filter
	used    uint64
}

// is returns the value that a column must have, as text.
func (w where) is(column int) (string, bool) {
	for _, f := range w.filters {
		if f.Column == column && f.Op == module.EQ && f.Value != nil {
			return textOf(f.Value), true
		}
	}
	return "", false
}

// uses tells whether the query reads one of the columns from first to last.
func (w where) uses(first, last int) bool {
	for i := first; i <= last; i++ {
		if w.used&(1<<min(i, 63)) != 0 {
			return true
		}
	}
	return false
}

// args returns the texts of n arguments that begin at a column, up to the first
// that was not given.
func (w where) args(first, n int) []string {
	var args []string
	for i := range n {
		text, ok := w.is(first + i)
		if !ok {
			break
		}
		args = append(args, text)
	}
	return args
}

// plain is a column that no condition is pushed down for.
//
//go:noinline // a program is smaller by its copies
func plain(name, typ string) module.Column { return module.Column{Name: name, Type: typ} }

// keyed is a TEXT column whose value leads to few rows.
func keyed(name string) module.Column {
	return module.Column{Name: name, Type: "TEXT", Push: module.PushEQ, Unique: true}
}

// arg is an argument of a table-valued function.
func arg(name string) module.Column { return module.Column{Name: name, Hidden: true} }

// needed is an argument that must be given.
func needed(name string) module.Column {
	return module.Column{Name: name, Hidden: true, Required: true}
}

// extra is a column that SELECT * leaves out.
func extra(name, typ string) module.Column {
	return module.Column{Name: name, Type: typ, Hidden: true}
}

// none yields nothing, or an error.
func none(err error) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		if err != nil {
			yield(nil, err)
		}
	}
}

// collected yields rows that a function appends to.
func collected(fill func(add func(...any)) error) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		var rows [][]any
		err := fill(func(row ...any) { rows = append(rows, row) })
		if err != nil {
			yield(nil, err)
			return
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// stamp writes a time as system tables have it.
func stamp(t time.Time) string { return t.UTC().Format(time.DateTime) }

// orNull is a text, or NULL for an empty one.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// hashOrNull is a hash, or NULL for the zero one.
func hashOrNull(h vdb.Hash) any {
	if h.IsZero() {
		return nil
	}
	return h.String()
}
