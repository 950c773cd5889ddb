package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// DecodeKey reads the first value of a key and returns the bytes after it. A
// number that some int64 equals is an INTEGER, whatever it was; a column of
// affinity REAL gets its REAL back by [Affinity.Load]. exact tells that no other
// text has this key; [KeyColumn.Exact] tells it of a value beforehand, numbers
// included. Content aliases key where that is possible: ascending and
// without zeros.
func DecodeKey(key []byte, c KeyColumn) (v Value, rest []byte, exact bool, err error) {
	if c.Desc {
		return decodeDesc(key, c)
	}
	if len(key) == 0 {
		return Value{}, nil, false, keyError("is empty")
	}
	switch tag, body := key[0], key[1:]; {
	case tag == tagNull:
		return Null(), body, true, nil
	case tag == tagText:
		return decodeKeyText(body, c.Collation)
	case tag == tagBlob:
		content, rest, err := decodeKeyBytes(body)
		return Blob(content), rest, err == nil, err
	default:
		v, rest, err = decodeKeyNumber(tag, body)
		return v, rest, err == nil, err
	}
}

func keyError(what string) error { return fmt.Errorf("record: decode key: %s: %w", what, ErrCorrupt) }

// decodeDesc decodes a complemented value.
func decodeDesc(key []byte, c KeyColumn) (Value, []byte, bool, error) {
	plain := bytes.Clone(key)
	complement(plain)
	v, rest, exact, err := DecodeKey(plain, KeyColumn{Collation: c.Collation})
	return v, key[len(key)-len(rest):], exact, err
}

func decodeKeyText(body []byte, c Collation) (Value, []byte, bool, error) {
	if c == NoCase {
		return decodeKeyNoCase(body)
	}
	content, rest, err := decodeKeyBytes(body)
	if c == RTrim && len(content) > 0 && content[len(content)-1] == ' ' {
		return Value{}, nil, false, keyError("text ends in a space")
	}
	return TextBytes(content), rest, c == Binary && err == nil, err
}

// decodeKeyBytes undoes appendKeyBytes.
func decodeKeyBytes(body []byte) (content, rest []byte, err error) {
	var copied []byte
	for {
		i := bytes.IndexByte(body, 0)
		switch {
		case i < 0 || i+1 == len(body):
			return nil, nil, keyError("content without end")
		case body[i+1] == endOfBytes && copied == nil:
			return body[:i:i], body[i+2:], nil
		case body[i+1] == endOfBytes:
			return append(copied, body[:i]...), body[i+2:], nil
		case body[i+1] != zeroInBytes:
			return nil, nil, keyError("unknown mark in content")
		}
		copied = append(copied, body[:i+1]...)
		body = body[i+2:]
	}
}

// decodeKeyNoCase undoes appendKeyNoCase. A text with a NUL comes back without
// what followed it, of which the key has the length alone.
func decodeKeyNoCase(body []byte) (Value, []byte, bool, error) {
	i := bytes.IndexByte(body, 0)
	if i < 0 || i+1 == len(body) {
		return Value{}, nil, false, keyError("text without end")
	}
	text, mark, rest := body[:i:i], body[i+1], body[i+2:]
	for _, b := range text {
		if lower(b) != b {
			return Value{}, nil, false, keyError("NOCASE text with a capital")
		}
	}
	switch mark {
	case endOfBytes:
		return TextBytes(text), rest, !hasLetter(text), nil
	case zeroInBytes:
		size, rest, err := decodeKeyLength(rest)
		if err == nil && size <= int64(len(text)) {
			err = keyError("text shorter than its beginning")
		}
		return TextBytes(body[: i+1 : i+1]), rest, false, err
	}
	return Value{}, nil, false, keyError("unknown mark in text")
}

// decodeKeyLength reads the length of a NOCASE text that has a NUL.
func decodeKeyLength(body []byte) (size int64, rest []byte, err error) {
	if len(body) == 0 {
		return 0, nil, keyError("text without length")
	}
	v, rest, err := decodeKeyNumber(body[0], body[1:])
	if err == nil && v.Kind() != KindInteger {
		err = keyError("length of a text is no integer")
	}
	return v.Int(), rest, err
}

// hasLetter tells whether lower-case text may have been in another case.
func hasLetter(text []byte) bool {
	for _, b := range text {
		if b-'a' < 26 {
			return true
		}
	}
	return false
}

// decodeKeyNumber undoes appendKeyInt and appendKeyFloat, and accepts nothing
// that they do not write, so that a number has one key.
func decodeKeyNumber(tag byte, body []byte) (Value, []byte, error) {
	switch {
	case tag == tagHigh:
		return decodeKeyOuter(body, 0)
	case tag == tagLow:
		return decodeKeyOuter(body, ^uint64(0))
	case tag >= tagZero && tag < tagHigh:
		return decodeKeyInner(int(tag-tagZero), body, 0)
	case tag > tagLow && tag < tagZero:
		return decodeKeyInner(int(tagZero-tag), body, ^uint64(0))
	}
	return Value{}, nil, keyError(fmt.Sprintf("unknown tag %#02x", tag))
}

// decodeKeyOuter reads a number beyond the integers, or the lowest of them.
func decodeKeyOuter(body []byte, flip uint64) (Value, []byte, error) {
	if len(body) < 8 {
		return Value{}, nil, keyError("number cut short")
	}
	f := math.Float64frombits(binary.BigEndian.Uint64(body) ^ flip)
	switch {
	case flip == 0 && f >= twoTo63, flip != 0 && f < -twoTo63:
		return Float(f), body[8:], nil
	case flip != 0 && f == lowest:
		return Int(lowest), body[8:], nil
	}
	return Value{}, nil, keyError("number out of its range")
}

// decodeKeyInner reads a number whose magnitude takes n bytes.
func decodeKeyInner(n int, body []byte, flip uint64) (Value, []byte, error) {
	if len(body) < n {
		return Value{}, nil, keyError("number cut short")
	}
	var word [8]byte
	copy(word[8-n:], body[:n])
	m, rest := binary.BigEndian.Uint64(word[:])^flip, body[n:]
	m &= ^uint64(0) >> (64 - 8*n)
	switch {
	case n > 0 && m>>(8*n-8) == 0:
		return Value{}, nil, keyError("number longer than needed")
	case m&1 != 0:
		return decodeKeyFraction(m>>1, rest, flip)
	case flip != 0:
		return Int(-int64(m >> 1)), rest, nil
	}
	return Int(int64(m >> 1)), rest, nil
}

// decodeKeyFraction reads a float with a fraction after its whole part.
func decodeKeyFraction(whole uint64, body []byte, flip uint64) (Value, []byte, error) {
	if len(body) < 8 {
		return Value{}, nil, keyError("number cut short")
	}
	f := math.Float64frombits(binary.BigEndian.Uint64(body) ^ flip)
	size := math.Abs(f)
	if size >= twoTo63 || uint64(size) != whole || size == math.Trunc(size) || (f < 0) != (flip != 0) {
		return Value{}, nil, keyError("fraction does not belong to its whole part")
	}
	return Float(f), body[8:], nil
}
