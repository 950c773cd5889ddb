package vdb

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb/internal/record"
)

// Value is one SQL value: NULL, INTEGER, REAL, TEXT or BLOB. The zero Value is
// NULL. Values are immutable, small (24 bytes) and made without allocation, and
// may be used by many goroutines at once. A TEXT or BLOB aliases the bytes that it
// was made from: they must not change while it is in use. Those of rows that were
// read are the reader's own.
//
// Its methods are
//
//	Kind() Kind        KindNull, KindInteger, KindReal, KindText or KindBlob
//	IsNull() bool
//	Int() int64        the number of an INTEGER, else 0
//	Float() float64    the number of a REAL or INTEGER, else 0
//	Text() string      a copy of the content of a TEXT or BLOB, else ""
//	Bytes() []byte     the content of a TEXT or BLOB, not to be changed, else nil
//	Size() int64       the length in bytes of a TEXT or BLOB, else 0
//	Any() any          nil, int64, float64, string or []byte, the last two copied
//	String() string    a SQL literal for messages, long content abbreviated
//	Equal(Value) bool  same kind and content: 1 and 1.0 are not Equal
//
// Compare Values with Equal, not with ==.
type Value = record.Value

// Kind is the storage class of a Value. Its String is what SQL's typeof() says.
type Kind = record.Kind

// The kinds, in the order in which SQL sorts them, but that INTEGER and REAL are
// one class of numbers.
const (
	KindNull    = record.KindNull
	KindInteger = record.KindInteger
	KindReal    = record.KindReal
	KindText    = record.KindText
	KindBlob    = record.KindBlob
)

// Null returns SQL's NULL.
func Null() Value { return record.Null() }

// Int returns an INTEGER.
func Int(i int64) Value { return record.Int(i) }

// Float returns a REAL. A NaN is refused when it is written.
func Float(f float64) Value { return record.Float(f) }

// Text returns a TEXT.
func Text(s string) Value { return record.Text(s) }

// Bytes returns a BLOB that aliases b.
func Bytes(b []byte) Value { return record.Blob(b) }

// ValueOf converts a Go value: nil, bool, integers, floats, string, []byte,
// time.Time (as TEXT in UTC), Value. NaN, invalid UTF-8 and an unsigned integer
// above 2^63-1 are refused.
func ValueOf(x any) (Value, error) {
	if v, ok := x.(Value); ok {
		return v, nil
	}
	v, err := record.Of(x)
	if err != nil {
		return Value{}, fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	return v, nil
}

// valuesOf converts the values of a key or row.
func valuesOf(xs []any) ([]Value, error) {
	vals := make([]Value, len(xs))
	for i, x := range xs {
		v, err := ValueOf(x)
		if err != nil {
			return nil, err
		}
		vals[i] = v
	}
	return vals, nil
}

// parseLiteral reads the SQL literal of a column's default; "" is NULL.
func parseLiteral(text string) (Value, error) {
	s := strings.TrimSpace(text)
	switch strings.ToUpper(s) {
	case "", "NULL":
		return Null(), nil
	case "TRUE":
		return Int(1), nil
	case "FALSE":
		return Int(0), nil
	}
	if body, ok := quoted(s, 0); ok {
		return Text(strings.ReplaceAll(body, "''", "'")), nil
	}
	if body, ok := quoted(s, 1); ok && (s[0] == 'x' || s[0] == 'X') {
		b, err := hex.DecodeString(body)
		if err != nil {
			return Value{}, invalidf("default %s", text)
		}
		return Bytes(b), nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Int(i), nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "+-0123456789.eE") == "" {
		return Float(f), nil
	}
	return Value{}, invalidf("default %s is not a literal", text)
}

// quoted returns what stands between the quotes of s after skip letters.
func quoted(s string, skip int) (string, bool) {
	if len(s) < skip+2 || s[skip] != '\'' || s[len(s)-1] != '\'' {
		return "", false
	}
	body := s[skip+1 : len(s)-1]
	return body, !strings.Contains(strings.ReplaceAll(body, "''", ""), "'")
}
