package record

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/vdbgo/vdb/hash"
)

// Value is one SQL value, small enough to pass around (24 bytes) and made
// without allocation. The zero Value is NULL.
//
// A text or blob Value aliases the bytes it was made from: they must not change
// while the Value is in use. Values are immutable and safe for concurrent use.
// Compare them with [Value.Equal] or [Compare], not with ==.
type Value struct {
	data *byte  // content, or the address of an out-of-line content
	bits uint64 // the integer, the float's bits, or the size in bytes
	kind Kind
	away bool // out of line: data points to hash.Size bytes
}

// Kind is the storage class of a Value. The order of the kinds is the order in
// which SQL sorts them, but that Integer and Real are one class of numbers.
type Kind uint8

// The storage classes: https://www.sqlite.org/datatype3.html.
const (
	KindNull Kind = iota
	KindInteger
	KindReal
	KindText
	KindBlob
)

// String returns the name that SQL's typeof() gives the kind.
func (k Kind) String() string {
	switch k {
	case KindNull:
		return "null"
	case KindInteger:
		return "integer"
	case KindReal:
		return "real"
	case KindText:
		return "text"
	case KindBlob:
		return "blob"
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Null returns NULL.
func Null() Value { return Value{} }

// Int returns an INTEGER.
func Int(i int64) Value { return Value{kind: KindInteger, bits: uint64(i)} }

// Float returns a REAL. NaN is no SQL value: as in SQLite it becomes NULL. [Of]
// rejects it.
func Float(f float64) Value {
	if f != f {
		return Value{}
	}
	return Value{kind: KindReal, bits: math.Float64bits(f)}
}

// Text returns a TEXT. Whether s is valid UTF-8 is not checked; [Of] does.
func Text(s string) Value {
	return Value{kind: KindText, data: unsafe.StringData(s), bits: uint64(len(s))}
}

// TextBytes returns a TEXT that aliases b.
func TextBytes(b []byte) Value {
	return Value{kind: KindText, data: unsafe.SliceData(b), bits: uint64(len(b))}
}

// Blob returns a BLOB that aliases b. A nil b is the empty blob, not NULL.
func Blob(b []byte) Value {
	return Value{kind: KindBlob, data: unsafe.SliceData(b), bits: uint64(len(b))}
}

// OutOfLine returns a TEXT or BLOB of size bytes whose content is the blob at
// addr. It panics if the kind has no content, or the size belongs in line, at
// [InlineMax] or below, or exceeds [SizeMax].
func OutOfLine(kind Kind, size int64, addr hash.Hash) Value {
	if kind != KindText && kind != KindBlob || size <= InlineMax || size > SizeMax {
		panic(fmt.Sprintf("record: a %v of %d bytes cannot be out of line", kind, size))
	}
	return Value{kind: kind, data: &addr[0], bits: uint64(size), away: true}
}

// Of returns the Value of a Go value: nil, bool (0 or 1), every integer and
// float type, string, []byte (nil is NULL), [time.Time] (see [FormatTime]) and
// Value itself. A []byte is aliased. It is an error for an unsigned integer to
// exceed an int64, for a float to be NaN and for a string to be no UTF-8.
func Of(x any) (Value, error) {
	switch x := x.(type) {
	case nil:
		return Null(), nil
	case Value:
		return x, nil
	case string:
		return textOf(x)
	case []byte:
		if x == nil {
			return Null(), nil
		}
		return Blob(x), nil
	case bool:
		return boolOf(x), nil
	case time.Time:
		return timeOf(x)
	case float64:
		return floatOf(x)
	case float32:
		return floatOf(float64(x))
	}
	return integerOf(x)
}

func textOf(s string) (Value, error) {
	if !utf8.ValidString(s) {
		return Value{}, fmt.Errorf("record: text %s: %w", abbreviate(s), ErrUTF8)
	}
	return Text(s), nil
}

func boolOf(b bool) Value {
	if b {
		return Int(1)
	}
	return Int(0)
}

func floatOf(f float64) (Value, error) {
	if f != f {
		return Value{}, ErrNaN
	}
	return Float(f), nil
}

func timeOf(t time.Time) (Value, error) {
	s, err := FormatTime(t)
	if err != nil {
		return Value{}, err
	}
	return Text(s), nil
}

func integerOf(x any) (Value, error) {
	switch x := x.(type) {
	case int:
		return Int(int64(x)), nil
	case int64:
		return Int(x), nil
	case int32:
		return Int(int64(x)), nil
	case int16:
		return Int(int64(x)), nil
	case int8:
		return Int(int64(x)), nil
	case uint:
		return unsignedOf(uint64(x))
	case uint64:
		return unsignedOf(x)
	case uintptr:
		return unsignedOf(uint64(x))
	case uint32:
		return Int(int64(x)), nil
	case uint16:
		return Int(int64(x)), nil
	case uint8:
		return Int(int64(x)), nil
	}
	return Value{}, fmt.Errorf("record: Go type %T: %w", x, ErrType)
}

func unsignedOf(u uint64) (Value, error) {
	if u > math.MaxInt64 {
		return Value{}, fmt.Errorf("record: integer %d: %w", u, ErrOverflow)
	}
	return Int(int64(u)), nil
}

// Kind returns the storage class.
func (v Value) Kind() Kind { return v.kind }

// IsNull tells whether v is NULL.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Int returns the integer of an INTEGER, and 0 of any other kind.
func (v Value) Int() int64 {
	if v.kind != KindInteger {
		return 0
	}
	return int64(v.bits)
}

// Float returns the number of a REAL, the nearest one of an INTEGER, and 0 of
// any other kind.
func (v Value) Float() float64 {
	switch v.kind {
	case KindReal:
		return math.Float64frombits(v.bits)
	case KindInteger:
		return float64(int64(v.bits))
	}
	return 0
}

// Text returns a copy of the content of a TEXT or BLOB that is in line, and ""
// otherwise.
func (v Value) Text() string { return string(v.Bytes()) }

// Bytes returns the content of a TEXT or BLOB that is in line, and nil
// otherwise. The caller must not change it: it is what the Value was made from.
func (v Value) Bytes() []byte {
	if v.kind < KindText || v.away {
		return nil
	}
	if v.bits == 0 {
		return []byte{}
	}
	return unsafe.Slice(v.data, int(v.bits))
}

// Size returns the length in bytes of a TEXT or BLOB, in line or not, and 0 of
// any other kind.
func (v Value) Size() int64 {
	if v.kind < KindText {
		return 0
	}
	return int64(v.bits)
}

// Address returns where the content of an out-of-line Value is, and false for
// every other one.
func (v Value) Address() (hash.Hash, bool) {
	if !v.away {
		return hash.Hash{}, false
	}
	return hash.Hash(unsafe.Slice(v.data, hash.Size)), true
}

// IsLong tells whether v must go out of line before it can be stored: a TEXT or
// BLOB that is in line and longer than [InlineMax].
func (v Value) IsLong() bool {
	return v.kind >= KindText && !v.away && v.bits > InlineMax
}

// Any returns v as nil, int64, float64, string or []byte, the last two copied.
// The content of an out-of-line Value is not at hand: Any panics.
func (v Value) Any() any {
	switch v.kind {
	case KindInteger:
		return int64(v.bits)
	case KindReal:
		return v.Float()
	case KindText:
		return string(v.content())
	case KindBlob:
		return append([]byte{}, v.content()...)
	}
	return nil
}

// content is Bytes for those who cannot go on without them.
func (v Value) content() []byte {
	if v.away {
		panic("record: the content of " + v.String() + " has not been read")
	}
	return v.Bytes()
}

// String returns v as an SQL literal for messages, long content abbreviated.
func (v Value) String() string {
	if addr, ok := v.Address(); ok {
		return fmt.Sprintf("%v(%d bytes at %v)", v.kind, v.Size(), addr)
	}
	switch v.kind {
	case KindInteger:
		return strconv.FormatInt(int64(v.bits), 10)
	case KindReal:
		return string(appendReal(nil, v.Float()))
	case KindText:
		return abbreviate(v.Text())
	case KindBlob:
		return abbreviateBlob(v.Bytes())
	}
	return "NULL"
}

// messageBytes is how much of a long value a message shows.
const messageBytes = 64

func abbreviate(s string) string {
	more := ""
	if len(s) > messageBytes {
		s, more = s[:messageBytes], "…"
	}
	return "'" + strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "'", "''") + more + "'"
}

func abbreviateBlob(b []byte) string {
	if len(b) > messageBytes {
		return fmt.Sprintf("x'%x…'", b[:messageBytes])
	}
	return fmt.Sprintf("x'%x'", b)
}

// Equal tells whether v and w are the same value in the same storage class: 1
// and 1.0 are not Equal, nor are 0.0 and -0.0. A Value that is out of line
// equals only another with the same kind, size and address.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind || v.bits != w.bits || v.away != w.away {
		return false
	}
	if v.away {
		return bytes.Equal(unsafe.Slice(v.data, hash.Size), unsafe.Slice(w.data, hash.Size))
	}
	return v.kind < KindText || bytes.Equal(v.Bytes(), w.Bytes())
}
