package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/vdbgo/vdb/hash"
)

// scanner walks over the columns of a record.
type scanner struct {
	rec  []byte
	head int  // offset of the next serial type
	end  int  // offset of the end of the header
	body int  // offset of the next body
	away bool // the record has values out of line
}

// scan begins at the first column of rec.
func scan(rec []byte) (scanner, error) {
	s := scanner{rec: rec}
	if len(rec) > 0 && rec[0] == marker {
		s.away, s.head = true, 1
	}
	size, n := varint(rec[s.head:])
	if n == 0 || size < uint64(n) || size > uint64(len(rec)-s.head) {
		return s, fmt.Errorf("record: header of %d bytes in %d: %w", size, len(rec), ErrCorrupt)
	}
	s.end = s.head + int(size)
	s.body = s.end
	s.head += n
	return s, nil
}

// next reads a serial type, where its body is, and whether the body is an
// address. It moves on to the next column.
func (s *scanner) next() (t uint64, body []byte, away bool, err error) {
	t, n := varint(s.rec[s.head:s.end])
	if n == 0 {
		return 0, nil, false, fmt.Errorf("record: serial type cut short at byte %d: %w", s.head, ErrCorrupt)
	}
	s.head += n
	size := bodyLen(t)
	if s.away && size > InlineMax && size <= SizeMax {
		size, away = hash.Size, true
	}
	if size > uint64(len(s.rec)-s.body) {
		return 0, nil, false, fmt.Errorf("record: value of %d bytes at byte %d of %d: %w", size, s.body, len(s.rec), ErrCorrupt)
	}
	body = s.rec[s.body : s.body+int(size) : s.body+int(size)]
	s.body += int(size)
	return t, body, away, nil
}

// more tells whether another column follows.
func (s *scanner) more() bool { return s.head < s.end }

// bodyLen returns the length of the content of a serial type.
func bodyLen(t uint64) uint64 {
	if t >= serialBlob {
		return (t - serialBlob) / 2
	}
	return uint64("\x00\x01\x02\x03\x04\x06\x08\x08\x00\x00\x00\x00"[t])
}

// Parse appends the values of a record to dst. They alias rec, and no memory is
// allocated when dst has room. It reads stored records and SQLite's own with
// long values in line; numbers need not be in the shortest form. Bytes that are
// no record are an error that is [ErrCorrupt].
func Parse(rec []byte, dst []Value) ([]Value, error) {
	s, err := scan(rec)
	if err != nil {
		return dst, err
	}
	start, anyAway := len(dst), false
	for s.more() {
		t, body, away, err := s.next()
		if err != nil {
			return dst[:start], err
		}
		v, err := decode(t, body, away)
		if err != nil {
			return dst[:start], err
		}
		anyAway = anyAway || away
		dst = append(dst, v)
	}
	if s.body != len(rec) || s.away != anyAway {
		return dst[:start], s.strayError()
	}
	return dst, nil
}

// strayError explains bytes that belong to no column.
func (s *scanner) strayError() error {
	if s.body != len(s.rec) {
		return fmt.Errorf("record: %d bytes after the last value: %w", len(s.rec)-s.body, ErrCorrupt)
	}
	return fmt.Errorf("record: marked as out of line without such a value: %w", ErrCorrupt)
}

// decode makes the value of a serial type and its body.
func decode(t uint64, body []byte, away bool) (Value, error) {
	switch {
	case t >= serialBlob:
		kind := KindBlob - Kind(t&1) // KindText stands before KindBlob
		return Value{kind: kind, data: unsafe.SliceData(body), bits: bodyLen(t), away: away}, nil
	case t == serialNull:
		return Value{}, nil
	case t == serialZero, t == serialOne:
		return Int(int64(t - serialZero)), nil
	case t == serialFloat:
		return decodeFloat(body)
	case t < serialFloat:
		return Int(signed(body)), nil
	}
	return Value{}, fmt.Errorf("record: serial type %d: %w", t, ErrCorrupt)
}

func decodeFloat(body []byte) (Value, error) {
	f := math.Float64frombits(binary.BigEndian.Uint64(body))
	if f != f {
		return Value{}, fmt.Errorf("record: NaN: %w", ErrCorrupt)
	}
	return Float(f), nil
}

// signed reads a big-endian integer of 1 to 8 bytes.
func signed(body []byte) int64 {
	i := int64(int8(body[0]))
	for _, b := range body[1:] {
		i = i<<8 | int64(b)
	}
	return i
}

// Column returns column i of a record, which it reads no further than there. ok
// is false when the record has fewer columns, as rows written before ADD COLUMN
// have. The value aliases rec.
func Column(rec []byte, i int) (v Value, ok bool, err error) {
	s, err := scan(rec)
	if err != nil {
		return Value{}, false, err
	}
	for ; s.more(); i-- {
		t, body, away, err := s.next()
		if err != nil {
			return Value{}, false, err
		}
		if i == 0 {
			v, err := decode(t, body, away)
			return v, err == nil, err
		}
	}
	return Value{}, false, nil
}

// Addresses appends the byte offsets in rec of the addresses of the values that
// are out of line. rec has been made by [Append] or read by [Parse] before: of
// other bytes it returns what it finds up to the first error.
func Addresses(rec []byte, offsets []int) []int {
	if len(rec) == 0 || rec[0] != marker {
		return offsets
	}
	return appendAddresses(rec, offsets)
}

func appendAddresses(rec []byte, offsets []int) []int {
	s, err := scan(rec)
	for err == nil && s.more() {
		var away bool
		if _, _, away, err = s.next(); away {
			offsets = append(offsets, s.body-hash.Size)
		}
	}
	return offsets
}

// LogicalSize returns the length in bytes of the record with all values in line,
// as SQLite would store it. The condition on rec is that of [Addresses].
func LogicalSize(rec []byte) int64 {
	if len(rec) == 0 || rec[0] != marker {
		return int64(len(rec))
	}
	return logicalSize(rec)
}

func logicalSize(rec []byte) int64 {
	size := int64(len(rec)) - 1
	s, err := scan(rec)
	for err == nil && s.more() {
		var t uint64
		var away bool
		if t, _, away, err = s.next(); away {
			size += int64(bodyLen(t)) - hash.Size
		}
	}
	return size
}
