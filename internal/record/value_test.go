package record_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
)

func TestOf(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 7, 42, 500_000_000, time.FixedZone("CET", 3600))
	for _, c := range []struct {
		in   any
		want record.Value
	}{
		{nil, record.Null()}, {true, record.Int(1)}, {false, record.Int(0)},
		{int(-1), record.Int(-1)}, {int8(-2), record.Int(-2)}, {int16(-3), record.Int(-3)}, {int32(-4), record.Int(-4)}, {int64(-5), record.Int(-5)},
		{uint(1), record.Int(1)}, {uint8(2), record.Int(2)}, {uint16(3), record.Int(3)}, {uint32(4), record.Int(4)}, {uint64(math.MaxInt64), record.Int(math.MaxInt64)},
		{uintptr(6), record.Int(6)}, {float32(0.5), record.Float(0.5)}, {0.25, record.Float(0.25)}, {math.Inf(1), record.Float(math.Inf(1))},
		{"é", record.Text("é")}, {[]byte{1}, record.Blob([]byte{1})}, {[]byte{}, record.Blob(nil)}, {[]byte(nil), record.Null()},
		{at, record.Text("2026-11-22 19:07:42.5+00:00")}, {record.Int(9), record.Int(9)},
	} {
		if got, err := record.Of(c.in); err != nil || !got.Equal(c.want) {
			t.Errorf("Of(%#v) = %v, %v; want %v", c.in, got, err, c.want)
		}
	}
}

func TestOfRejects(t *testing.T) {
	for _, c := range []struct {
		in   any
		want error
	}{
		{math.NaN(), record.ErrNaN}, {float32(math.NaN()), record.ErrNaN}, {"\xff", record.ErrUTF8},
		{uint64(1 << 63), record.ErrOverflow}, {uint(math.MaxUint), record.ErrOverflow}, {struct{}{}, record.ErrType}, {[]int{1}, record.ErrType},
		{time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), record.ErrTime}, {time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), record.ErrTime},
	} {
		if got, err := record.Of(c.in); !errors.Is(err, c.want) || !got.IsNull() {
			t.Errorf("Of(%#v) = %v, %v; want %v", c.in, got, err, c.want)
		}
	}
}

func TestValue(t *testing.T) {
	if size := unsafe.Sizeof(record.Value{}); size > 24 {
		t.Errorf("a Value takes %d bytes", size)
	}
	b := []byte("abc")
	v := record.TextBytes(b)
	if &v.Bytes()[0] != &b[0] || v.Text() != "abc" || v.Any() != "abc" || v.Size() != 3 || v.Kind() != record.KindText {
		t.Errorf("text %v", v)
	}
	copied := record.Blob(b).Any().([]byte)
	b[0] = 'x'
	if string(copied) != "abc" {
		t.Error("Any aliases the blob")
	}
	if v := record.Float(math.NaN()); !v.IsNull() {
		t.Errorf("Float(NaN) = %v", v)
	}
	if v := record.Blob(nil); v.IsNull() || v.Bytes() == nil || v.Any() == nil {
		t.Errorf("empty blob is %v", v)
	}
	if f := record.Int(3).Float(); f != 3 {
		t.Errorf("Int(3).Float() = %v", f)
	}
	for _, v := range []record.Value{record.Null(), record.Text("5"), record.Float(2)} {
		if v.Int() != 0 || v.Kind() == record.KindText && v.Float() != 0 {
			t.Errorf("%v is the integer %d", v, v.Int())
		}
	}
}

func TestOutOfLineValue(t *testing.T) {
	addr := hash.Of([]byte("content"))
	v := record.OutOfLine(record.KindText, 5000, addr)
	if got, ok := v.Address(); !ok || got != addr || v.Size() != 5000 || v.Bytes() != nil || v.Text() != "" || v.IsLong() {
		t.Errorf("out of line: %v", v)
	}
	if _, ok := record.Text("x").Address(); ok {
		t.Error("an inline text has an address")
	}
	other := record.OutOfLine(record.KindText, 5000, hash.Of(nil))
	inline := record.Text(strings.Repeat("x", 5000))
	if !v.Equal(record.OutOfLine(record.KindText, 5000, addr)) || v.Equal(other) || v.Equal(inline) || inline.Equal(v) {
		t.Error("Equal out of line")
	}
	if stored := record.AffinityInteger.Store(v); !stored.Equal(v) {
		t.Errorf("Store changed it to %v", stored)
	}
	mustPanic(t, "Any", func() { v.Any() })
	mustPanic(t, "Compare", func() { record.Compare(v, other, record.Binary) })
	mustPanic(t, "AppendKey", func() { record.AppendKey(nil, v, record.KeyColumn{}) })
}

func TestEqual(t *testing.T) {
	distinct := []record.Value{
		record.Null(), record.Int(0), record.Int(1), record.Float(0), record.Float(math.Copysign(0, -1)), record.Float(1),
		record.Text(""), record.Text("1"), record.Blob(nil), record.Blob([]byte("1")), record.Blob([]byte("2")),
	}
	for i, a := range distinct {
		for j, b := range distinct {
			if a.Equal(b) != (i == j) {
				t.Errorf("%v Equal %v is %v", a, b, i != j)
			}
		}
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		v    record.Value
		want string
	}{
		{record.Null(), "NULL"}, {record.Int(-5), "-5"}, {record.Float(3), "3.0"}, {record.Float(1e300), "1.0e+300"},
		{record.Text("it's"), "'it''s'"}, {record.Text(strings.Repeat("a", 70)), "'" + strings.Repeat("a", 64) + "…'"},
		{record.Text("\xff"), "'\uFFFD'"}, {record.Blob([]byte{1, 0xab}), "x'01ab'"}, {record.Blob(make([]byte, 65)), "x'" + strings.Repeat("00", 64) + "…'"},
		{record.OutOfLine(record.KindBlob, 2000, hash.Hash{1}), "blob(2000 bytes at 01" + strings.Repeat("00", 19) + ")"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if s := record.RTrim.String() + record.NoCase.String() + record.Binary.String() + record.AffinityReal.String() + record.KindReal.String(); s != "RTRIMNOCASEBINARYREALreal" {
		t.Errorf("names: %s", s)
	}
	if s := record.Collation(9).String() + record.Affinity(9).String() + record.Kind(9).String(); s != "collation(9)affinity(9)kind(9)" {
		t.Errorf("names of what does not exist: %s", s)
	}
}
