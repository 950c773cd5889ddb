package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// KeyColumn says how one column of a key is ordered. The zero KeyColumn is
// ascending and BINARY.
type KeyColumn struct {
	Collation Collation
	Desc      bool
}

// The first byte of an ascending value in a key. A descending value is the
// complement of the ascending one, so its first byte is 0x80 or above.
const (
	tagNull     = 0x10
	tagLow      = 0x27 // numbers ≤ -2^63: the complement of the float's bits
	tagZero     = 0x30 // ± n: a number between, whose magnitude takes n bytes
	tagHigh     = 0x39 // numbers ≥ 2^63: the float's bits
	tagText     = 0x40
	tagBlob     = 0x50
	endOfBytes  = 0x01 // after 0x00: the content ends
	zeroInBytes = 0xff // after 0x00: the content goes on with a zero
)

// lowest is the one integer whose magnitude does not fit the scheme of the
// others. It stands among the floats, where -2^63 is exact.
const lowest = math.MinInt64

// maxNumber is the length in bytes of the longest key of a number: tag, whole
// part, float.
const maxNumber = 1 + 8 + 8

// AppendKey appends v to a key. Keys made by the same KeyColumns compare by
// bytes as their values do by SQL, and no value's bytes are the beginning of
// another's. It panics if v is out of line.
func AppendKey(dst []byte, v Value, c KeyColumn) []byte {
	start := len(dst)
	switch v.kind {
	case KindNull:
		dst = append(dst, tagNull)
	case KindInteger:
		dst = appendKeyInt(dst, int64(v.bits))
	case KindReal:
		dst = appendKeyFloat(dst, v.Float())
	case KindText:
		dst = appendKeyText(append(dst, tagText), v.content(), c.Collation)
	case KindBlob:
		dst = appendKeyBytes(append(dst, tagBlob), v.content())
	}
	if c.Desc {
		complement(dst[start:])
	}
	return dst
}

// Exact tells whether [DecodeKey] gives back v itself from its key, and not
// another value that SQL holds for equal: an INTEGER for an integral REAL, a
// text in lower case or without its last spaces.
func (c KeyColumn) Exact(v Value) bool {
	switch v.kind {
	case KindReal:
		return !equalsInt(v.Float())
	case KindText:
		return c.Collation.keeps(v.content())
	}
	return true
}

// equalsInt tells whether some int64 equals f.
func equalsInt(f float64) bool {
	return f >= -twoTo63 && f < twoTo63 && f == math.Trunc(f)
}

// keeps tells whether the key of a text holds the text unchanged.
func (c Collation) keeps(text []byte) bool {
	switch c {
	case NoCase:
		return bytes.IndexByte(text, 0) < 0 && !hasCapital(text)
	case RTrim:
		return len(text) == 0 || text[len(text)-1] != ' '
	}
	return true
}

// appendKeyInt appends i as appendMagnitude does, its magnitude doubled: the
// lowest bit says that a fraction follows, which an integer has not.
func appendKeyInt(dst []byte, i int64) []byte {
	switch {
	case i >= 0:
		return appendMagnitude(dst, uint64(i)<<1, 0)
	case i == lowest:
		return appendKeyFloat(dst, lowest)
	}
	return appendMagnitude(dst, uint64(-i)<<1, ^uint64(0))
}

// appendMagnitude appends a tag that tells the sign and the length of m, and m
// in as few bytes as hold it, big-endian. flip is 0 for a number above zero and
// all ones for one below, whose greater magnitudes come first.
func appendMagnitude(dst []byte, m, flip uint64) []byte {
	n := (bits.Len64(m) + 7) / 8
	tag := tagZero + byte(n)
	if flip != 0 {
		tag = tagZero - byte(n)
	}
	var word [9]byte
	word[0] = tag
	binary.BigEndian.PutUint64(word[1:], (m^flip)<<(64-8*n))
	return append(dst, word[:1+n]...)
}

// appendKeyFloat appends an integral float as the integer that it equals, so
// that 3 and 3.0 are one key. One with a fraction is its whole part with the
// lowest bit set, and then its bits: floats of one whole part and sign order by
// their bits.
func appendKeyFloat(dst []byte, f float64) []byte {
	word := math.Float64bits(f)
	switch {
	case f >= twoTo63:
		return binary.BigEndian.AppendUint64(append(dst, tagHigh), word)
	case f <= -twoTo63:
		return binary.BigEndian.AppendUint64(append(dst, tagLow), ^word)
	}
	whole := math.Trunc(f)
	if whole == f {
		return appendKeyInt(dst, int64(whole))
	}
	if f > 0 {
		return binary.BigEndian.AppendUint64(appendMagnitude(dst, uint64(whole)<<1|1, 0), word)
	}
	return binary.BigEndian.AppendUint64(appendMagnitude(dst, uint64(-whole)<<1|1, ^uint64(0)), ^word)
}

func appendKeyText(dst, text []byte, c Collation) []byte {
	switch c {
	case NoCase:
		return appendKeyNoCase(dst, text)
	case RTrim:
		text = trimSpaces(text)
	}
	return appendKeyBytes(dst, text)
}

// appendKeyBytes appends content with its zeros marked, and an end mark that
// sorts before everything that can go on.
func appendKeyBytes(dst, content []byte) []byte {
	for {
		i := bytes.IndexByte(content, 0)
		if i < 0 {
			break
		}
		dst = append(append(dst, content[:i]...), 0, zeroInBytes)
		content = content[i+1:]
	}
	return append(append(dst, content...), 0, endOfBytes)
}

// appendKeyNoCase appends text in lower case. SQLite compares such texts up to
// the first NUL only, and then by their length: after a zero the length stands
// in for the rest.
func appendKeyNoCase(dst, text []byte) []byte {
	for _, b := range text {
		if b == 0 {
			return appendKeyInt(append(dst, 0, zeroInBytes), int64(len(text)))
		}
		dst = append(dst, lower(b))
	}
	return append(dst, 0, endOfBytes)
}

func complement(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

// PrefixEnd returns the end of the range of the keys that start with prefix, the
// least key after all of them, or nil when there is none, which happens for an
// empty prefix only.
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}

// IntKeySize is the length in bytes of the key of an INTEGER PRIMARY KEY table.
const IntKeySize = 8

// AppendIntKey appends the key of a table keyed by INTEGER PRIMARY KEY or rowid:
// 8 bytes big-endian, the sign bit flipped.
func AppendIntKey(dst []byte, i int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(i)^1<<63)
}

// DecodeIntKey reads what [AppendIntKey] wrote.
func DecodeIntKey(key []byte) (int64, error) {
	if len(key) != IntKeySize {
		return 0, fmt.Errorf("record: integer key of %d bytes, want %d: %w", len(key), IntKeySize, ErrCorrupt)
	}
	return int64(binary.BigEndian.Uint64(key) ^ 1<<63), nil
}
