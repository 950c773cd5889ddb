package module

import (
	"iter"
	"math"

	"github.com/vdbgo/vdb/internal/native"
	"github.com/vdbgo/vdb/internal/record"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// cursor is one scan of a table, or none before the first filter and at the end.
type cursor struct {
	table    *connected
	plan     plan
	planText string

	next      func() ([]any, error, bool)
	stop      func()
	arguments []Filter // what the hidden columns are
	row       []any    // nil at the end

	number   int64 // the row's rowid, if numbered
	numbered bool
	seen     map[uint64]uint64 // how many rows with a hash this scan has numbered
}

// vtabCursor is a cursor in SQLite's memory.
type vtabCursor struct {
	base lib.Tsqlite3_vtab_cursor
	id   uintptr
}

// cursorAt returns the cursor of a sqlite3_vtab_cursor.
func cursorAt(p uintptr) *cursor { return process.cursors.at(native.At[vtabCursor](p).id) }

// fail makes err the error of a statement that uses a table.
func fail(tls *libc.TLS, table uintptr, err error) int32 {
	base := &native.At[vtab](table).base
	lib.Xsqlite3_free(tls, base.FzErrMsg)
	base.FzErrMsg = native.CString(tls, err.Error())
	return codeOf(err)
}

// failCursor makes err, if it is one, the error of a statement that uses a cursor.
func failCursor(tls *libc.TLS, p uintptr, err error) int32 {
	if err == nil {
		return lib.SQLITE_OK
	}
	return fail(tls, native.At[vtabCursor](p).base.FpVtab, err)
}

func xOpen(tls *libc.TLS, table, result uintptr) int32 {
	p := native.New[vtabCursor](tls)
	if p == 0 {
		return lib.SQLITE_NOMEM
	}
	native.At[vtabCursor](p).id = process.cursors.add(&cursor{table: tableAt(table)})
	*native.At[uintptr](result) = p
	return lib.SQLITE_OK
}

func xClose(tls *libc.TLS, p uintptr) int32 {
	_ = cursorAt(p).end() // the statement is over: SQLite takes no error here
	process.cursors.drop(native.At[vtabCursor](p).id)
	lib.Xsqlite3_free(tls, p)
	return lib.SQLITE_OK
}

func xFilter(tls *libc.TLS, p uintptr, _ int32, planText uintptr, argc int32, argv uintptr) int32 {
	c := cursorAt(p)
	err := c.end()
	if err == nil {
		err = c.start(libc.GoString(planText), valuesAt(tls, argc, argv))
	}
	if err == nil {
		err = c.advance()
	}
	return failCursor(tls, p, err)
}

func xNext(tls *libc.TLS, p uintptr) int32 {
	return failCursor(tls, p, cursorAt(p).advance())
}

func xEof(_ *libc.TLS, p uintptr) int32 {
	return libc.Bool32(cursorAt(p).row == nil)
}

func xColumn(tls *libc.TLS, p, ctx uintptr, i int32) int32 {
	if err := cursorAt(p).column(tls, ctx, int(i)); err != nil {
		setError(tls, ctx, err)
		return codeOf(err)
	}
	return lib.SQLITE_OK
}

func xRowid(_ *libc.TLS, p, result uintptr) int32 {
	c := cursorAt(p)
	*native.At[int64](result) = c.rowid()
	c.table.remember(c)
	return lib.SQLITE_OK
}

// start begins a scan.
func (c *cursor) start(planText string, values []any) (err error) {
	defer guard(&err, "scan", c.table.name)
	if planText != c.planText {
		if c.plan, err = parsePlan(planText); err != nil {
			return err
		}
		c.planText = planText
	}
	filters, possible := c.filters(values)
	if !possible {
		return nil
	}
	c.next, c.stop = iter.Pull2(c.scan(filters))
	return nil
}

func (c *cursor) scan(filters []Filter) iter.Seq2[[]any, error] {
	if t, ok := c.table.table.(ColumnScanner); ok {
		used := c.plan.used
		if c.table.writing {
			used = math.MaxUint64 // Update and Delete get the whole old row
		}
		return t.ScanColumns(filters, used)
	}
	return c.table.table.Scan(filters)
}

// filters returns the filters of a scan, and false if no row can meet them.
func (c *cursor) filters(values []any) (filters []Filter, possible bool) {
	filters = make([]Filter, 0, len(values))
	c.arguments = c.arguments[:0]
	for i, t := range c.plan.terms {
		f := Filter{Column: t.column, Op: opOf(t.op), Value: values[i]}
		column := c.table.columns[t.column]
		if column.Hidden {
			c.arguments = append(c.arguments, f)
			filters = append(filters, f)
			continue
		}
		if f.Value == nil && t.op == lib.SQLITE_INDEX_CONSTRAINT_IS {
			f.Op = IsNull
		}
		if f.Value == nil && f.Op != IsNull {
			return nil, false // x = NULL and x < NULL are not true of any x
		}
		if column.prepare(&f) {
			filters = append(filters, f)
		}
	}
	return filters, true
}

func opOf(op int) Op {
	switch op {
	case lib.SQLITE_INDEX_CONSTRAINT_GT:
		return GT
	case lib.SQLITE_INDEX_CONSTRAINT_GE:
		return GE
	case lib.SQLITE_INDEX_CONSTRAINT_LT:
		return LT
	case lib.SQLITE_INDEX_CONSTRAINT_LE:
		return LE
	case lib.SQLITE_INDEX_CONSTRAINT_ISNULL:
		return IsNull
	}
	return EQ
}

// prepare gives a filter's value the class in which SQL compares it with the
// column. It returns false if it cannot know: to a TEXT column, 5 means '5' if it
// stands in the query, but '05' as well if it comes from an INTEGER column, whose
// affinity SQL then applies to the text.
func (c Column) prepare(f *Filter) bool {
	if f.Op == IsNull {
		return true
	}
	affinity := record.AffinityOf(c.Type)
	isNumeric := affinity != record.AffinityText && affinity != record.AffinityBlob
	switch v := f.Value.(type) {
	case int64, float64:
		return isNumeric
	case string:
		if isNumeric {
			f.Value = record.AffinityNumeric.Apply(record.Text(v)).Any()
			return true
		}
		// Against a numeric column that holds this text, the column's texts that look
		// like numbers are numbers, which are less than any text. They start below ':'.
		return f.Op != LT && f.Op != LE || v >= ":"
	}
	return true
}

// advance goes to the next row.
func (c *cursor) advance() (err error) {
	defer guard(&err, "scan", c.table.name)
	if c.next == nil {
		return nil
	}
	row, err, ok := c.next()
	if err != nil || !ok {
		c.row = nil
		return err
	}
	if row == nil {
		row = []any{} // all NULL; nil is the end
	}
	c.row, c.numbered = row, false
	return nil
}

// end stops the scan.
func (c *cursor) end() (err error) {
	defer guard(&err, "end the scan of", c.table.name)
	stop := c.stop
	c.next, c.stop, c.row, c.seen = nil, nil, nil, nil
	if stop != nil {
		stop()
	}
	return nil
}

func (c *cursor) column(tls *libc.TLS, ctx uintptr, i int) (err error) {
	defer guard(&err, "read a column of", c.table.name)
	return setResult(tls, ctx, c.value(i))
}

// value returns what the row has in a column: for a hidden one where the scan says
// nothing, the argument.
func (c *cursor) value(i int) any {
	if i < len(c.row) && c.row[i] != nil {
		return c.row[i]
	}
	for _, argument := range c.arguments {
		if argument.Column == i {
			return argument.Value
		}
	}
	return nil
}
