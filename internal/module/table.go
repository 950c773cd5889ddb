package module

import (
	"iter"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Table is a table whose rows are made by Go code. Its methods are called by the
// goroutine that uses the connection.
type Table interface {
	// Columns returns what the table looks like. It is asked when a query names
	// the table for the first time, and again only after [Conn.Table].
	Columns() ([]Column, error)
	// Scan yields rows, which are values by column. What a short row lacks is NULL,
	// or for a hidden column the argument. Values are those that a function may
	// return. The slice may be used again for the next row, the bytes of its values
	// may not. Several scans of a table may be under way at once. A scan whose rows
	// are not wanted any more is stopped.
	//
	// But for the filters, all scans of a statement yield the same rows. A row's
	// identity, its rowid, is its values.
	Scan(filters []Filter) iter.Seq2[[]any, error]
}

// ColumnScanner is a Table that asks which columns a query reads.
type ColumnScanner interface {
	Table
	// ScanColumns is called instead of Scan. Bit i of used is set if column i is
	// read, bit 63 if any column from 63 on is.
	ScanColumns(filters []Filter, used uint64) iter.Seq2[[]any, error]
}

// Writer is a Table that takes INSERT, UPDATE and DELETE. Rows have all columns,
// the hidden ones too; old is the row as it was scanned.
//
// A statement that fails at its third row has written two, and a rollback takes
// nothing back: a Writer that can do better does so with the database behind it.
// It must have written nothing of a row for which it returns an error.
type Writer interface {
	Table
	Insert(row []any) error
	Update(old, new []any) error
	Delete(old []any) error
}

// Column is a column of a Table.
type Column struct {
	_ [0]func() // not comparable: no code is made that compares arrays of columns

	Name, Type string
	// Collation is how SQL compares the column's texts; empty means BINARY.
	Collation string

	Hidden   bool // not in SELECT *: an argument, which Scan gets as one EQ filter
	Required bool // a hidden column without which a query is refused
	Push     Push // the conditions that Scan can use
	Unique   bool // a value of the column leads to one row, or few
}

// Push says which conditions on a column come to Scan. Those on an argument come
// in any case.
//
// A number is a filter of a column with a numeric type only: SQL may convert the
// texts of other columns before it compares them with a number. For the same reason
// < and <= of a text that starts like a number are filters of such columns only;
// DATETIME is a numeric type, to SQLite. So a column has to state its type, and its
// values are to be of the class that the type asks for.
type Push int

// The kinds of conditions.
const (
	PushNone  Push = iota
	PushEQ         // =, IN, IS, IS NULL
	PushRange      // those and <, <=, >, >=
)

// Filter is a condition that rows have to meet: their column, compared with Value.
// Comparisons are SQL's, across storage classes too. A filter other than IsNull is
// met by no NULL.
type Filter struct {
	Column int
	Op     Op
	Value  any // nil, int64, float64, string or []byte
}

// Op is the comparison of a Filter.
type Op int

// The comparisons.
const (
	EQ Op = iota + 1
	GT
	GE
	LT
	LE
	IsNull // without a Value
)

// String returns the operator in SQL.
func (op Op) String() string {
	return [...]string{"?", "=", ">", ">=", "<", "<=", "IS NULL"}[op]
}

// registered is a table as it was given to one connection.
type registered struct {
	name  string
	table Table
}

// Table registers t under a name, in the place of a table that had it. A query
// that runs at this moment keeps the old one. It is read-only unless it is a
// [Writer]. A table of the database's own schema under this name hides it.
func (c Conn) Table(name string, t Table) error {
	if err := checkName(name); err != nil {
		return err
	}
	methods, err := process.modules.of(c.TLS, t)
	if err != nil {
		return err
	}
	return c.module(name, methods, process.tables.add(&registered{name, t}), native.FuncPointer(dropTable))
}

// DropTable takes a table away. There need be none.
func (c Conn) DropTable(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return c.module(name, 0, 0, 0)
}

// module registers a module, or none; SQLite calls destroy if it fails, too.
func (c Conn) module(name string, methods, id, destroy uintptr) error {
	zName := native.CString(c.TLS, name)
	defer lib.Xsqlite3_free(c.TLS, zName)
	rc := lib.Xsqlite3_create_module_v2(c.TLS, c.DB, zName, methods, id, destroy)
	if rc == lib.SQLITE_OK {
		c.expire()
	}
	return c.check(rc, "register table", name)
}

func dropTable(_ *libc.TLS, id uintptr) { process.tables.drop(id) }
