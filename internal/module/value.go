package module

import (
	"fmt"

	"github.com/vdbgo/vdb/internal/native"
	"github.com/vdbgo/vdb/internal/record"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// valuesAt returns copies of n sqlite3_values.
func valuesAt(tls *libc.TLS, n int32, array uintptr) []any {
	values := make([]any, n)
	for i := range values {
		values[i] = valueAt(tls, *native.Index[uintptr](array, i))
	}
	return values
}

// valueAt returns a copy of one sqlite3_value: nil, int64, float64, string, []byte.
func valueAt(tls *libc.TLS, v uintptr) any {
	switch lib.Xsqlite3_value_type(tls, v) {
	case lib.SQLITE_INTEGER:
		return int64(lib.Xsqlite3_value_int64(tls, v))
	case lib.SQLITE_FLOAT:
		return lib.Xsqlite3_value_double(tls, v)
	case lib.SQLITE_TEXT:
		text := lib.Xsqlite3_value_text(tls, v) // before the length: it may convert
		return string(native.Bytes(text, int(lib.Xsqlite3_value_bytes(tls, v))))
	case lib.SQLITE_BLOB:
		blob := lib.Xsqlite3_value_blob(tls, v)
		return append([]byte{}, native.Bytes(blob, int(lib.Xsqlite3_value_bytes(tls, v)))...)
	}
	return nil
}

// setResult gives SQLite the value that a function or column has.
func setResult(tls *libc.TLS, ctx uintptr, v any) error {
	switch v := v.(type) {
	case nil:
		lib.Xsqlite3_result_null(tls, ctx)
	case int64:
		lib.Xsqlite3_result_int64(tls, ctx, v)
	case float64:
		lib.Xsqlite3_result_double(tls, ctx, v)
	case string:
		return setText(tls, ctx, v)
	case []byte:
		return setBlob(tls, ctx, v)
	default:
		return setOther(tls, ctx, v)
	}
	return nil
}

// setOther takes the types that SQL has no word for: bool, time.Time, other
// numbers.
func setOther(tls *libc.TLS, ctx uintptr, v any) error {
	value, err := record.Of(v)
	if err != nil {
		return fmt.Errorf("a %T is no SQL value: %w", v, err)
	}
	return setResult(tls, ctx, value.Any())
}

func setText(tls *libc.TLS, ctx uintptr, s string) error {
	p := native.CString(tls, s)
	if p == 0 {
		return errNoMemory
	}
	lib.Xsqlite3_result_text64(tls, ctx, p, lib.Tsqlite3_uint64(len(s)), native.FuncPointer(lib.Xsqlite3_free), lib.SQLITE_UTF8)
	return nil
}

func setBlob(tls *libc.TLS, ctx uintptr, b []byte) error {
	if b == nil {
		lib.Xsqlite3_result_null(tls, ctx)
		return nil
	}
	p := native.CString(tls, b)
	if p == 0 {
		return errNoMemory
	}
	lib.Xsqlite3_result_blob64(tls, ctx, p, lib.Tsqlite3_uint64(len(b)), native.FuncPointer(lib.Xsqlite3_free))
	return nil
}

// setError makes err the error of a function or column.
func setError(tls *libc.TLS, ctx uintptr, err error) {
	text := native.CString(tls, err.Error())
	defer lib.Xsqlite3_free(tls, text)
	lib.Xsqlite3_result_error(tls, ctx, text, -1)
	lib.Xsqlite3_result_error_code(tls, ctx, codeOf(err)) // keeps the text
}
