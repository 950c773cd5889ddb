package module

import (
	"fmt"
	"strings"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Flags say what SQLite may assume of a function.
type Flags int32

// The flags of functions; | joins them.
const (
	// Deterministic: equal arguments give equal results, so that an index or a
	// generated column may use the function and one call may stand for many.
	Deterministic Flags = lib.SQLITE_DETERMINISTIC
	// DirectOnly: not in triggers, views or the schema, for functions that do
	// something.
	DirectOnly Flags = lib.SQLITE_DIRECTONLY
	// Innocuous: may be used in a schema that is not trusted.
	Innocuous Flags = lib.SQLITE_INNOCUOUS
)

// function is a registered function.
type function struct {
	name string
	f    func(args []any) (any, error)
}

// Function registers f under a name, for nArgs arguments or, if that is negative,
// for any number. It replaces a function that has the same name and number.
//
// The arguments are nil, int64, float64, string or []byte; they are copies and f's
// to keep. The result may be one of these, a bool, another number, or a time.Time,
// which becomes text (see [record.FormatTime]). A nil []byte is NULL.
func (c Conn) Function(name string, nArgs int, flags Flags, f func(args []any) (any, error)) error {
	if err := checkName(name); err != nil {
		return err
	}
	zName := native.CString(c.TLS, name)
	defer lib.Xsqlite3_free(c.TLS, zName)
	id := process.functions.add(&function{name, f})
	rc := lib.Xsqlite3_create_function_v2(c.TLS, c.DB, zName, int32(max(nArgs, -1)), lib.SQLITE_UTF8|int32(flags), id,
		native.FuncPointer(callFunction), 0, 0, native.FuncPointer(dropFunction)) // drops id if it fails, too
	return c.check(rc, "register function", name)
}

func checkName(name string) error {
	if name == "" || strings.ContainsRune(name, 0) {
		return fmt.Errorf("module: %q cannot be a name: it is empty or has a NUL", name)
	}
	return nil
}

// callFunction is the xFunc of every function.
func callFunction(tls *libc.TLS, ctx uintptr, argc int32, argv uintptr) {
	f := process.functions.at(lib.Xsqlite3_user_data(tls, ctx))
	if err := f.call(tls, ctx, argc, argv); err != nil {
		setError(tls, ctx, err)
	}
}

func (f *function) call(tls *libc.TLS, ctx uintptr, argc int32, argv uintptr) (err error) {
	defer guard(&err, "function", f.name)
	result, err := f.f(valuesAt(tls, argc, argv))
	if err != nil {
		return err
	}
	if err := setResult(tls, ctx, result); err != nil {
		return fmt.Errorf("module: function %s: %w", f.name, err)
	}
	return nil
}

func dropFunction(_ *libc.TLS, id uintptr) { process.functions.drop(id) }
