package vdb

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb/internal/record"
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
