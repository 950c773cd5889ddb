package record

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"github.com/vdbgo/vdb/hash"
)

// InlineMax is the length in bytes of the longest TEXT or BLOB that a stored
// record holds in line. Longer ones are always out of line, and shorter ones
// never, so that equal rows are equal bytes.
const InlineMax = 1024

// SizeMax is the size in bytes of the largest value that a record describes. SQL
// reads no more than 2 GiB of it.
const SizeMax = 1 << 40

// marker is the first byte of a record that has values out of line. No record of
// SQLite's starts with it: a header is one byte long at least.
const marker = 0x00

// SQLite's serial types.
// https://www.sqlite.org/fileformat2.html#record_format
const (
	serialNull  = 0
	serialInt64 = 6
	serialFloat = 7
	serialZero  = 8
	serialOne   = 9
	serialBlob  = 12 // and every even number above: (n-12)/2 bytes
	serialText  = 13 // and every odd number above: (n-13)/2 bytes
)

// Append appends the stored record of a row: SQLite's record, in which values
// out of line are replaced by their addresses. Values come in the form that
// [Affinity.Store] gives them. It panics when a value that is in line is longer
// than [InlineMax].
func Append(dst []byte, vals []Value) []byte {
	away := false
	for i := range vals {
		if vals[i].IsLong() {
			panic(fmt.Sprintf("record: append: column %d: %d bytes in line, the limit is %d", i, vals[i].Size(), InlineMax))
		}
		away = away || vals[i].away
	}
	if away {
		dst = append(dst, marker)
	}
	return appendRecord(dst, vals)
}

// AppendSQLite appends SQLite's own record of a row, all values in line, however
// long they are. It panics when one is out of line.
func AppendSQLite(dst []byte, vals []Value) []byte {
	for i := range vals {
		if vals[i].away {
			panic(fmt.Sprintf("record: append: column %d: content of %v has not been read", i, vals[i]))
		}
	}
	return appendRecord(dst, vals)
}

// appendRecord appends header and bodies.
func appendRecord(dst []byte, vals []Value) []byte {
	types, bodies := 0, 0
	for i := range vals {
		t, n := vals[i].serial()
		types += varintLen(t)
		bodies += n
	}
	header := headerLen(types)
	start := len(dst)
	end := start + header + bodies
	dst = slices.Grow(dst, header+bodies)[:end]
	h := start + putVarint(dst[start:], uint64(header))
	b := start + header
	for i := range vals {
		t, n := vals[i].serial()
		h += putVarint(dst[h:], t)
		vals[i].putBody(dst[b : b+n])
		b += n
	}
	return dst
}

// HasOutOfLine tells whether a stored record has values out of line; one that has
// none is SQLite's record, byte for byte.
func HasOutOfLine(rec []byte) bool { return len(rec) > 0 && rec[0] == marker }

// AppendHeader appends the header of SQLite's record of a row: what stands before
// the bodies. Values out of line count with their full lengths.
func AppendHeader(dst []byte, vals []Value) []byte {
	types := 0
	for i := range vals {
		t, _ := vals[i].serial()
		types += varintLen(t)
	}
	header := headerLen(types)
	start := len(dst)
	dst = slices.Grow(dst, header)[:start+header]
	h := start + putVarint(dst[start:], uint64(header))
	for i := range vals {
		t, _ := vals[i].serial()
		h += putVarint(dst[h:], t)
	}
	return dst
}

// AppendBody appends the body of a value that is in line.
func AppendBody(dst []byte, v Value) []byte {
	_, n := v.serial()
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	v.putBody(dst[start:])
	return dst
}

// headerLen returns the length of a header whose serial types take types bytes:
// it counts the varint in which it is written.
func headerLen(types int) int {
	n := types + 1
	for n < types+varintLen(uint64(n)) {
		n = types + varintLen(uint64(n))
	}
	return n
}

// serial returns the serial type of v, the shortest that holds it, and the
// length of its body.
func (v *Value) serial() (t uint64, bodyBytes int) {
	switch v.kind {
	case KindInteger:
		return serialInt(int64(v.bits))
	case KindReal:
		return serialFloat, 8
	case KindText, KindBlob:
		t = serialBlob + 2*v.bits
		if v.kind == KindText {
			t++
		}
		if v.away {
			return t, hash.Size
		}
		return t, int(v.bits)
	}
	return serialNull, 0
}

// serialInt returns the serial type of an integer and the length of its body.
func serialInt(i int64) (t uint64, bodyBytes int) {
	if i == 0 || i == 1 {
		return serialZero + uint64(i), 0
	}
	switch m := uint64(i ^ i>>63); {
	case m < 1<<7:
		return 1, 1
	case m < 1<<15:
		return 2, 2
	case m < 1<<23:
		return 3, 3
	case m < 1<<31:
		return 4, 4
	case m <= maxInt48:
		return 5, 6
	}
	return serialInt64, 8
}

// maxInt48 is the largest integer that takes less than 8 bytes.
const maxInt48 = 1<<47 - 1

// putBody writes the body of v, which fills body.
func (v *Value) putBody(body []byte) {
	switch v.kind {
	case KindInteger, KindReal:
		putInt(body, v.bits)
	case KindText, KindBlob:
		copy(body, unsafe.Slice(v.data, len(body)))
	}
}

// putInt writes the low bytes of i, big-endian.
func putInt(body []byte, i uint64) {
	switch len(body) {
	case 0:
	case 1:
		body[0] = byte(i)
	case 8:
		binary.BigEndian.PutUint64(body, i)
	default:
		for k := len(body) - 1; k >= 0; k-- {
			body[k] = byte(i)
			i >>= 8
		}
	}
}
