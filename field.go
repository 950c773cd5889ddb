package vdb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// field is where a value is in a struct, and what Go type it has there.
type field struct {
	path     string       // the field's name in Go, Address.City
	typ      reflect.Type // of the value; of what it points to, if pointer
	offset   uintptr
	kind     fieldKind
	bits     uint8 // of an integer or float
	pointer  bool  // a pointer to the value; nil is NULL
	nullable bool
	auto     bool // zero takes the next free key
	text     bool // bytes are stored as TEXT
	dated    bool // the column declares a date: a Scanner gets a time.Time
}

// fieldKind is how a Go type becomes a value.
type fieldKind uint8

const (
	fieldCustom fieldKind = iota // driver.Valuer and sql.Scanner
	fieldBool
	fieldInt
	fieldUint
	fieldFloat
	fieldString
	fieldBytes
	fieldTime
	fieldBlob  // *Blob
	fieldValue // Value
)

// scanner is sql.Scanner, without database/sql.
type scanner interface{ Scan(src any) error }

var (
	blobType    = reflect.TypeFor[*Blob]()
	timeType    = reflect.TypeFor[time.Time]()
	valueType   = reflect.TypeFor[Value]()
	valuerType  = reflect.TypeFor[driver.Valuer]()
	scannerType = reflect.TypeFor[scanner]()
)

// newField describes a struct's field of Go type t.
func newField(path string, t reflect.Type, offset uintptr) (field, error) {
	f := field{path: path, typ: t, offset: offset}
	if t.Kind() == reflect.Pointer && t != blobType {
		f.pointer, f.typ = true, t.Elem()
	}
	var ok bool
	if f.kind, ok = fieldKindOf(f.typ); !ok {
		return f, invalidf("Go type %s has no SQL type: give it the methods of driver.Valuer and sql.Scanner, or leave the field out by the tag `vdb:\"-\"`", t)
	}
	switch f.kind {
	case fieldInt, fieldUint, fieldFloat:
		f.bits = uint8(f.typ.Bits())
	case fieldBytes, fieldBlob, fieldValue, fieldCustom:
		f.nullable = true
	}
	f.nullable = f.nullable || f.pointer
	return f, nil
}

func fieldKindOf(t reflect.Type) (fieldKind, bool) {
	switch t {
	case blobType:
		return fieldBlob, true
	case valueType:
		return fieldValue, true
	}
	p := reflect.PointerTo(t)
	gives, takes := p.Implements(valuerType), p.Implements(scannerType)
	switch {
	case gives && takes:
		return fieldCustom, true
	case gives || takes: // one way only: a row could not be read back
		return 0, false
	case t.Kind() == reflect.Struct && t.ConvertibleTo(timeType):
		return fieldTime, true
	}
	return basicKindOf(t)
}

func basicKindOf(t reflect.Type) (fieldKind, bool) {
	switch t.Kind() {
	case reflect.Bool:
		return fieldBool, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fieldInt, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return fieldUint, true
	case reflect.Float32, reflect.Float64:
		return fieldFloat, true
	case reflect.String:
		return fieldString, true
	case reflect.Slice:
		return fieldBytes, t.Elem().Kind() == reflect.Uint8
	}
	return 0, false
}

// declaredType is the SQL type of a column made for a field of Go type t.
func declaredType(kind fieldKind, t reflect.Type) string {
	switch kind {
	case fieldBool:
		return "BOOLEAN"
	case fieldInt, fieldUint:
		return "INTEGER"
	case fieldFloat:
		return "REAL"
	case fieldString:
		return "TEXT"
	case fieldBytes, fieldBlob:
		return "BLOB"
	case fieldTime:
		return "DATETIME"
	case fieldCustom:
		return customType(t)
	}
	return ""
}

// customType knows the types that are shaped as sql.Null is: a value, and
// whether it is Valid. Others take what their Valuer gives.
func customType(t reflect.Type) string {
	if t.Kind() != reflect.Struct || t.NumField() != 2 || t.Field(1).Name != "Valid" || t.Field(1).Type.Kind() != reflect.Bool {
		return ""
	}
	inner := t.Field(0).Type
	kind, ok := fieldKindOf(inner)
	if !ok || kind == fieldCustom {
		return ""
	}
	return declaredType(kind, inner)
}

// holds tells whether a column of the affinity gives back what the field wrote.
func (f *field) holds(a record.Affinity) bool {
	switch f.kind {
	case fieldBool, fieldInt, fieldUint:
		return a != record.AffinityText && a != record.AffinityReal
	case fieldFloat:
		return a != record.AffinityText
	case fieldString:
		return a == record.AffinityText || a == record.AffinityBlob
	}
	return true
}

// inColumn fits the field to a column, or says why the column is not for it.
func (f *field) inColumn(c *Column) error {
	a := record.AffinityOf(c.Type)
	if !f.holds(a) {
		return invalidf("column %s %s, of %v affinity, does not keep Go field %s of type %s", c.Name, c.Type, a, f.path, f.typ)
	}
	f.text = a == record.AffinityText
	switch strings.ToUpper(c.Type) {
	case "DATE", "DATETIME", "TIMESTAMP":
		f.dated = true
	}
	return nil
}

// accepts tells whether a key of the kind can be meant for the field.
func (f *field) accepts(k record.Kind) bool {
	switch f.kind {
	case fieldBool, fieldInt, fieldUint:
		return k == record.KindInteger
	case fieldFloat:
		return k == record.KindInteger || k == record.KindReal
	case fieldString:
		return k == record.KindText
	case fieldBytes:
		return k == record.KindBlob || f.text && k == record.KindText
	}
	return true
}

// value returns what the field of the struct at base holds. It aliases the
// struct's strings and bytes; a Blob is written to s.
func (f *field) value(ctx context.Context, s prolly.Store, base unsafe.Pointer) (Value, error) {
	p := unsafe.Add(base, f.offset)
	if f.pointer {
		if p = *(*unsafe.Pointer)(p); p == nil {
			return Null(), nil
		}
	}
	switch f.kind {
	case fieldInt:
		return f.intValue(p), nil
	case fieldString:
		return Text(*(*string)(p)), nil // checked with the whole row
	case fieldBool:
		if *(*bool)(p) {
			return Int(1), nil
		}
		return Int(0), nil
	case fieldFloat:
		return f.floatValue(p)
	case fieldBytes:
		return f.bytesValue(*(*[]byte)(p)), nil
	case fieldTime:
		return ValueOf(*(*time.Time)(p))
	}
	return f.otherValue(ctx, s, p)
}

func (f *field) otherValue(ctx context.Context, s prolly.Store, p unsafe.Pointer) (Value, error) {
	switch f.kind {
	case fieldUint:
		return f.uintValue(p)
	case fieldValue:
		v := *(*Value)(p)
		return v, checkForeign(v)
	case fieldBlob:
		kind := record.KindBlob
		if f.text {
			kind = record.KindText
		}
		return (*(**Blob)(p)).store(ctx, s, kind)
	}
	x, err := reflect.NewAt(f.typ, p).Interface().(driver.Valuer).Value()
	if err != nil {
		return Value{}, err
	}
	return ValueOf(x)
}

func (f *field) bytesValue(b []byte) Value {
	switch {
	case b == nil:
		return Null()
	case f.text:
		return record.TextBytes(b)
	}
	return Bytes(b)
}

func (f *field) intValue(p unsafe.Pointer) Value {
	var i int64
	switch f.bits {
	case 64:
		i = *(*int64)(p)
	case 32:
		i = int64(*(*int32)(p))
	case 16:
		i = int64(*(*int16)(p))
	default:
		i = int64(*(*int8)(p))
	}
	if i == 0 && f.auto {
		return Null()
	}
	return Int(i)
}

func (f *field) uintValue(p unsafe.Pointer) (Value, error) {
	var u uint64
	switch f.bits {
	case 64:
		u = *(*uint64)(p)
	case 32:
		u = uint64(*(*uint32)(p))
	case 16:
		u = uint64(*(*uint16)(p))
	default:
		u = uint64(*(*uint8)(p))
	}
	if u == 0 && f.auto {
		return Null(), nil
	}
	return ValueOf(u)
}

func (f *field) floatValue(p unsafe.Pointer) (Value, error) {
	var x float64
	if f.bits == 32 {
		x = float64(*(*float32)(p))
	} else {
		x = *(*float64)(p)
	}
	if x != x {
		return Value{}, fmt.Errorf("%w: %w", record.ErrNaN, ErrInvalid)
	}
	return Float(x), nil
}

// set puts v, with its bytes in line, into the field of the struct at base,
// which aliases v's bytes from then on.
func (f *field) set(base unsafe.Pointer, v Value) error {
	p := unsafe.Add(base, f.offset)
	if v.IsNull() && f.kind != fieldCustom || v.IsNull() && f.pointer {
		return f.setNull(p)
	}
	if f.pointer {
		to := reflect.New(f.typ).UnsafePointer()
		*(*unsafe.Pointer)(p) = to
		p = to
	}
	ok := false
	switch f.kind {
	case fieldInt:
		ok = v.Kind() == record.KindInteger && f.setInt(p, v.Int())
	case fieldString:
		if ok = v.Kind() == record.KindText; ok {
			*(*string)(p) = aliasText(v)
		}
	case fieldBool:
		ok = v.Kind() == record.KindInteger && uint64(v.Int()) <= 1
		*(*bool)(p) = v.Int() == 1
	case fieldFloat:
		ok = f.setFloat(p, v)
	case fieldBytes:
		if ok = v.Kind() >= record.KindText; ok {
			*(*[]byte)(p) = v.Bytes()
		}
	default:
		return f.setOther(p, v)
	}
	if !ok {
		return f.mismatch(v)
	}
	return nil
}

func (f *field) setOther(p unsafe.Pointer, v Value) error {
	switch f.kind {
	case fieldUint:
		if v.Kind() != record.KindInteger || !f.setUint(p, v.Int()) {
			return f.mismatch(v)
		}
		return nil
	case fieldValue:
		*(*Value)(p) = v
		return nil
	case fieldTime:
		t, err := record.ParseTime(v)
		if err != nil {
			return f.mismatch(v)
		}
		*(*time.Time)(p) = t
		return nil
	}
	src := v.Any()
	if f.dated && v.Kind() == record.KindText {
		if t, err := record.ParseTime(v); err == nil {
			src = t
		}
	}
	return reflect.NewAt(f.typ, p).Interface().(scanner).Scan(src)
}

// setNull clears the field; the caller's struct may hold an earlier row.
func (f *field) setNull(p unsafe.Pointer) error {
	switch {
	case !f.nullable:
		return f.mismatch(Null())
	case f.pointer || f.kind == fieldBlob:
		*(*unsafe.Pointer)(p) = nil
	case f.kind == fieldBytes:
		*(*[]byte)(p) = nil
	case f.kind == fieldValue:
		*(*Value)(p) = Null()
	}
	return nil
}

func (f *field) mismatch(v Value) error {
	what := v.String()
	if !v.IsNull() {
		what = v.Kind().String() + " " + what
	}
	return invalidf("%s does not fit Go field %s of type %s", what, f.path, f.typ)
}

// aliasText returns v's bytes as a string, which hold still while it is in use.
func aliasText(v Value) string {
	b := v.Bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// setInt tells whether i fits.
func (f *field) setInt(p unsafe.Pointer, i int64) bool {
	switch f.bits {
	case 64:
		*(*int64)(p) = i
		return true
	case 32:
		*(*int32)(p) = int32(i)
		return int64(int32(i)) == i
	case 16:
		*(*int16)(p) = int16(i)
		return int64(int16(i)) == i
	}
	*(*int8)(p) = int8(i)
	return int64(int8(i)) == i
}

func (f *field) setUint(p unsafe.Pointer, i int64) bool {
	switch f.bits {
	case 64:
		*(*uint64)(p) = uint64(i)
		return i >= 0
	case 32:
		*(*uint32)(p) = uint32(i)
		return int64(uint32(i)) == i
	case 16:
		*(*uint16)(p) = uint16(i)
		return int64(uint16(i)) == i
	}
	*(*uint8)(p) = uint8(i)
	return int64(uint8(i)) == i
}

func (f *field) setFloat(p unsafe.Pointer, v Value) bool {
	if k := v.Kind(); k != record.KindReal && k != record.KindInteger {
		return false
	}
	x := v.Float()
	if f.bits == 64 {
		*(*float64)(p) = x
		return true
	}
	*(*float32)(p) = float32(x)
	return math.IsInf(x, 0) || !math.IsInf(float64(float32(x)), 0)
}

// otherKeyValue converts what a field could hold.
func otherKeyValue(x any) (Value, error) {
	if v, ok := x.(Value); ok {
		return v, checkForeign(v)
	}
	t := reflect.TypeOf(x)
	if t == nil {
		return Null(), nil
	}
	f, err := newField("", t, 0)
	if err != nil || f.kind == fieldBlob {
		return Value{}, invalidf("Go type %s in a key", t)
	}
	p := reflect.New(t)
	p.Elem().Set(reflect.ValueOf(x))
	v, err := f.value(context.Background(), nil, p.UnsafePointer())
	if err != nil {
		return Value{}, err
	}
	return v, checkValue(v)
}
