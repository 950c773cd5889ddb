package record

import (
	"strconv"
	"strings"
)

// Affinity is the preference of a column for a storage class.
// https://www.sqlite.org/datatype3.html#type_affinity
type Affinity uint8

// SQLite's affinities. Their numbers are part of stored schemas. AffinityBlob,
// which SQLite also calls NONE, leaves values as they are.
const (
	AffinityBlob Affinity = iota
	AffinityText
	AffinityNumeric
	AffinityInteger
	AffinityReal
)

// String returns SQLite's name of the affinity.
func (a Affinity) String() string {
	names := [...]string{"BLOB", "TEXT", "NUMERIC", "INTEGER", "REAL"}
	if int(a) < len(names) {
		return names[a]
	}
	return "affinity(" + strconv.Itoa(int(a)) + ")"
}

// AffinityOf returns the affinity of a declared type by SQLite's rules: names in
// the declaration decide, INT before all others and in any place.
func AffinityOf(declared string) Affinity {
	if declared == "" {
		return AffinityBlob
	}
	has := func(name string) bool { return strings.Contains(asciiUpper(declared), name) }
	switch {
	case has("INT"):
		return AffinityInteger
	case has("CHAR"), has("CLOB"), has("TEXT"):
		return AffinityText
	case has("BLOB"):
		return AffinityBlob
	case has("REAL"), has("FLOA"), has("DOUB"):
		return AffinityReal
	}
	return AffinityNumeric
}

func asciiUpper(s string) string {
	upper := []byte(s)
	for i, c := range upper {
		if c-'a' < 26 {
			upper[i] = c &^ 0x20
		}
	}
	return string(upper)
}

// Apply returns v as a query reads it back from a column of the affinity.
func (a Affinity) Apply(v Value) Value { return a.Load(a.Store(v)) }

// Load returns a value from a record as a query reads it: an integer in a REAL
// column is a REAL.
func (a Affinity) Load(v Value) Value {
	if a == AffinityReal && v.kind == KindInteger {
		return Float(float64(int64(v.bits)))
	}
	return v
}

// Store returns v in the form in which a record of the column holds it. An
// integral REAL in a REAL column is an INTEGER there, when that takes less than
// 8 bytes.
func (a Affinity) Store(v Value) Value {
	if v.away {
		return v
	}
	switch a {
	case AffinityText:
		return toText(v)
	case AffinityNumeric, AffinityInteger:
		return toNumeric(v)
	case AffinityReal:
		return packReal(toNumeric(v))
	}
	return v
}

// toText turns a number to text.
func toText(v Value) Value {
	switch v.kind {
	case KindInteger:
		return TextBytes(strconv.AppendInt(nil, int64(v.bits), 10))
	case KindReal:
		return TextBytes(appendReal(nil, v.Float()))
	}
	return v
}

// toNumeric turns a text that is a number, and nothing else, to that number, and
// an integral REAL to an INTEGER.
func toNumeric(v Value) Value {
	if v.kind == KindText {
		v = numberOf(v)
	}
	if v.kind == KindReal {
		return integral(v)
	}
	return v
}

// integral turns a REAL that an INTEGER equals to that INTEGER. SQLite spares
// the lowest integer (its ticket 3922), and so do we.
func integral(v Value) Value {
	if f := v.Float(); equalsInt(f) && f != lowest {
		return Int(int64(f))
	}
	return v
}

// packReal keeps an INTEGER of a REAL column that takes less than 8 bytes.
func packReal(v Value) Value {
	if v.kind != KindInteger {
		return v
	}
	if i := int64(v.bits); uint64(i^i>>63) > maxInt48 {
		return Float(float64(i))
	}
	return v
}
