package record

import (
	"bytes"
	"strconv"
)

// Collation orders text: one of the three that SQLite has built in.
// https://www.sqlite.org/datatype3.html#collating_sequences
type Collation uint8

// SQLite's collations. Their numbers are part of stored schemas.
const (
	Binary Collation = iota // by the bytes
	NoCase                  // by the bytes, ASCII letters in lower case
	RTrim                   // by the bytes, without spaces at the end
)

// String returns the name that SQL gives the collation.
func (c Collation) String() string {
	switch c {
	case Binary:
		return "BINARY"
	case NoCase:
		return "NOCASE"
	case RTrim:
		return "RTRIM"
	}
	return "collation(" + strconv.Itoa(int(c)) + ")"
}

// compare orders two texts.
func (c Collation) compare(a, b []byte) int {
	switch c {
	case NoCase:
		return compareNoCase(a, b)
	case RTrim:
		return bytes.Compare(trimSpaces(a), trimSpaces(b))
	}
	return bytes.Compare(a, b)
}

// compareNoCase does what SQLite's sqlite3StrNICmp does, which looks no further
// than a NUL that both texts have: then, as in equal texts, the shorter is less.
func compareNoCase(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		x, y := lower(a[i]), lower(b[i])
		if x != y {
			return int(x) - int(y)
		}
		if x == 0 {
			break
		}
	}
	return len(a) - len(b)
}

// lower folds an ASCII letter to lower case and leaves every other byte alone.
func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

func trimSpaces(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}
