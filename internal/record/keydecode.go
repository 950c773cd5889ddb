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
	if v, rest, exact, err = decodeFirst(key, c); err != nil {
		return Value{}, nil, false, fmt.Errorf("record: decode key %s: %w", abbreviateBlob(key), err)
	}
	return v, rest, exact, nil
}

func decodeFirst(key []byte, c KeyColumn) (v Value, rest []byte, exact bool, err error) {
	if c.Desc {
		return decodeDesc(key, c.Collation)
	}
	return decodeAsc(key, c.Collation)
}

// decodeAsc decodes a value as it stands.
func decodeAsc(key []byte, c Collation) (v Value, rest []byte, exact bool, err error) {
	if len(key) == 0 {
		return Value{}, nil, false, keyError("is empty")
	}
	switch tag, body := key[0], key[1:]; tag {
	case tagNull:
		return Null(), body, true, nil
	case tagText:
		return decodeKeyText(body, c)
	case tagBlob:
		content, rest, err := decodeKeyBytes(body)
		return Blob(content), rest, true, err
	}
	v, rest, err = decodeNumber(key, false)
	return v, rest, true, err
}

// SkipKey returns what follows the first value of a key, which costs less than to
// decode it and needs no memory. Of a text or blob it looks at the end alone.
func SkipKey(key []byte, c KeyColumn) (rest []byte, err error) {
	if rest, err = skip(key, c); err != nil {
		return nil, fmt.Errorf("record: skip key %s: %w", abbreviateBlob(key), err)
	}
	return rest, nil
}

func skip(key []byte, c KeyColumn) (rest []byte, err error) {
	if len(key) == 0 {
		return nil, keyError("is empty")
	}
	flip := byte(0)
	if c.Desc {
		flip = 0xff
	}
	switch key[0] ^ flip {
	case tagNull:
		return key[1:], nil
	case tagText:
		return skipContent(key[1:], flip, c.Collation == NoCase)
	case tagBlob:
		return skipContent(key[1:], flip, false)
	}
	_, rest, err = decodeNumber(key, c.Desc)
	return rest, err
}

// skipContent skips a text or blob. noCase says that a zero in it ends it, and
// that its length follows.
func skipContent(body []byte, flip byte, noCase bool) (rest []byte, err error) {
	for {
		i := bytes.IndexByte(body, flip)
		if i < 0 || i+1 == len(body) {
			return nil, keyError("content without end")
		}
		mark := body[i+1] ^ flip
		body = body[i+2:]
		switch {
		case mark == endOfBytes:
			return body, nil
		case mark != zeroInBytes:
			return nil, keyError("unknown mark in content")
		case noCase:
			_, rest, err = decodeNumber(body, flip != 0)
			return rest, err
		}
	}
}

// keyError returns an error that DecodeKey completes.
func keyError(what string) error { return fmt.Errorf("%s: %w", what, ErrCorrupt) }

// decodeDesc decodes a complemented value.
func decodeDesc(key []byte, c Collation) (Value, []byte, bool, error) {
	switch {
	case len(key) > 0 && ^key[0] == tagNull:
		return Null(), key[1:], true, nil
	case len(key) > 0 && ^key[0] < tagText:
		v, rest, err := decodeNumber(key, true)
		return v, rest, true, err
	}
	rest, err := skip(key, KeyColumn{Collation: c, Desc: true})
	if err != nil {
		return Value{}, nil, false, err
	}
	plain := bytes.Clone(key[:len(key)-len(rest)])
	complement(plain)
	v, _, exact, err := decodeAsc(plain, c)
	return v, rest, exact, err
}

// decodeNumber decodes a number in either direction, without memory of its own.
func decodeNumber(key []byte, desc bool) (v Value, rest []byte, err error) {
	n := 0
	if desc {
		var buf [maxNumber]byte
		plain := buf[:copy(buf[:], key)]
		complement(plain)
		v, n, err = decodeKeyNumber(plain)
	} else {
		v, n, err = decodeKeyNumber(key)
	}
	if err != nil {
		return Value{}, nil, err
	}
	return v, key[n:], nil
}

// decodeKeyText reads what appendKeyText wrote.
func decodeKeyText(body []byte, c Collation) (Value, []byte, bool, error) {
	if c == NoCase {
		return decodeKeyNoCase(body)
	}
	content, rest, err := decodeKeyBytes(body)
	if err == nil && c == RTrim && len(content) > 0 && content[len(content)-1] == ' ' {
		err = keyError("RTRIM text ends in a space")
	}
	return TextBytes(content), rest, c == Binary, err
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
	if hasCapital(text) {
		return Value{}, nil, false, keyError("NOCASE text with a capital")
	}
	switch mark {
	case endOfBytes:
		return TextBytes(text), rest, !hasLetter(text), nil
	case zeroInBytes:
		length, rest, err := decodeNumber(rest, false)
		if err == nil && length.Int() <= int64(len(text)) {
			err = keyError("text shorter than its beginning")
		}
		return TextBytes(body[: i+1 : i+1]), rest, false, err
	}
	return Value{}, nil, false, keyError("unknown mark in text")
}

// hasCapital tells whether text is no text in lower case.
func hasCapital(text []byte) bool {
	for _, b := range text {
		if lower(b) != b {
			return true
		}
	}
	return false
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
// that they do not write, so that a number has one key. It returns the number's
// length in the key.
func decodeKeyNumber(key []byte) (v Value, n int, err error) {
	if len(key) == 0 {
		return Value{}, 0, keyError("number is missing")
	}
	switch tag, body := key[0], key[1:]; {
	case tag == tagHigh:
		return decodeKeyOuter(body, 0)
	case tag == tagLow:
		return decodeKeyOuter(body, ^uint64(0))
	case tag >= tagZero && tag < tagHigh:
		return decodeKeyInner(int(tag-tagZero), body, 0)
	case tag > tagLow && tag < tagZero:
		return decodeKeyInner(int(tagZero-tag), body, ^uint64(0))
	}
	return Value{}, 0, keyError(fmt.Sprintf("unknown tag %#02x", key[0]))
}

// keyFloat reads the bits of a float. ok is false when they are cut short.
func keyFloat(body []byte, flip uint64) (f float64, ok bool) {
	if len(body) < 8 {
		return 0, false
	}
	return math.Float64frombits(binary.BigEndian.Uint64(body) ^ flip), true
}

// decodeKeyOuter reads a number beyond the integers, or the lowest of them.
func decodeKeyOuter(body []byte, flip uint64) (Value, int, error) {
	f, ok := keyFloat(body, flip)
	switch {
	case !ok:
		return Value{}, 0, keyError("number cut short")
	case flip == 0 && f >= twoTo63, flip != 0 && f < lowest:
		return Float(f), 9, nil
	case flip != 0 && f == lowest:
		return Int(lowest), 9, nil
	}
	return Value{}, 0, keyError("number out of its range")
}

// decodeKeyInner reads a number whose magnitude takes n bytes.
func decodeKeyInner(n int, body []byte, flip uint64) (Value, int, error) {
	if len(body) < n {
		return Value{}, 0, keyError("number cut short")
	}
	m := uint64(0)
	for _, b := range body[:n] {
		m = m<<8 | uint64(b^byte(flip))
	}
	switch {
	case n > 0 && m>>(8*n-8) == 0:
		return Value{}, 0, keyError("number longer than needed")
	case m&1 != 0:
		return decodeKeyFraction(m>>1, n, body, flip)
	case flip != 0:
		return Int(-int64(m >> 1)), 1 + n, nil
	}
	return Int(int64(m >> 1)), 1 + n, nil
}

// decodeKeyFraction reads the bits of a float after the n bytes of its whole part.
func decodeKeyFraction(whole uint64, n int, body []byte, flip uint64) (Value, int, error) {
	f, ok := keyFloat(body[n:], flip)
	size := math.Abs(f)
	switch {
	case !ok:
		return Value{}, 0, keyError("number cut short")
	case size >= twoTo63 || uint64(size) != whole || size == math.Trunc(size) || (f < 0) != (flip != 0):
		return Value{}, 0, keyError("fraction does not belong to its whole part")
	}
	return Float(f), 1 + n + 8, nil
}
