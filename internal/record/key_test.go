package record_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/vdbgo/vdb/internal/record"
)

// TestFrozenKeys pins the key encoding down: a change of these bytes is a change
// of the format.
func TestFrozenKeys(t *testing.T) {
	for _, c := range []struct {
		v    record.Value
		col  record.KeyColumn
		want string
	}{
		{record.Null(), record.KeyColumn{}, "10"},
		{record.Float(math.Inf(-1)), record.KeyColumn{}, "27000fffffffffffff"},
		{record.Int(math.MinInt64), record.KeyColumn{}, "273c1fffffffffffff"},
		{record.Int(math.MinInt64 + 1), record.KeyColumn{}, "280000000000000001"},
		{record.Int(-128), record.KeyColumn{}, "2efeff"},
		{record.Int(-1), record.KeyColumn{}, "2ffd"},
		{record.Float(-0.5), record.KeyColumn{}, "2ffe401fffffffffffff"},
		{record.Int(0), record.KeyColumn{}, "30"},
		{record.Float(0.5), record.KeyColumn{}, "31013fe0000000000000"},
		{record.Int(1), record.KeyColumn{}, "3102"},
		{record.Float(1), record.KeyColumn{}, "3102"},
		{record.Int(127), record.KeyColumn{}, "31fe"},
		{record.Int(128), record.KeyColumn{}, "320100"},
		{record.Int(math.MaxInt64), record.KeyColumn{}, "38fffffffffffffffe"},
		{record.Float(0x1p63), record.KeyColumn{}, "3943e0000000000000"},
		{record.Text("aB\x00"), record.KeyColumn{}, "40614200ff0001"},
		{record.Text("aB  "), record.KeyColumn{Collation: record.RTrim}, "4061420001"},
		{record.Text("aB"), record.KeyColumn{Collation: record.NoCase}, "4061620001"},
		{record.Text("aB\x00XY"), record.KeyColumn{Collation: record.NoCase}, "40616200ff310a"},
		{record.Blob([]byte{0xff, 0}), record.KeyColumn{}, "50ff00ff0001"},
		{record.Int(1), record.KeyColumn{Desc: true}, "cefd"},
		{record.Text("a"), record.KeyColumn{Desc: true}, "bf9efffe"},
		{record.Null(), record.KeyColumn{Desc: true}, "ef"},
	} {
		if got := fmt.Sprintf("%x", record.AppendKey(nil, c.v, c.col)); got != c.want {
			t.Errorf("key of %v (%+v): %s, want %s", c.v, c.col, got, c.want)
		}
	}
}

// TestKeyRoundTrip decodes keys of random values, with more key behind them.
func TestKeyRoundTrip(t *testing.T) {
	r := newValues(t)
	for range 20_000 {
		v := r.any()
		for _, c := range keyColumns() {
			checkRoundTrip(t, v, c)
		}
	}
}

func checkRoundTrip(t *testing.T, v record.Value, c record.KeyColumn) {
	t.Helper()
	key := record.AppendKey(nil, v, c)
	got, rest, exact, err := record.DecodeKey(append(key, "rest"...), c)
	skipped, skipErr := record.SkipKey(append(key, "rest"...), c)
	switch {
	case skipErr != nil || string(skipped) != "rest":
		t.Errorf("SkipKey of %v (%+v): %v, rest %q", v, c, skipErr, skipped)
	case err != nil || string(rest) != "rest":
		t.Errorf("key of %v (%+v): %v, rest %q", v, c, err, rest)
	case c.Exact(v) && !got.Equal(v):
		t.Errorf("key of %v (%+v) decodes to %v and is said to be exact", v, c, got)
	case v.Kind() == record.KindInteger && !got.Equal(v):
		t.Errorf("key of the integer %v decodes to %v", v, got)
	case exact && record.Compare(v, got, c.Collation) != 0:
		t.Errorf("key of %v (%+v) decodes to %v, which SQL tells apart", v, c, got)
	case exact && v.Kind() >= record.KindText && !got.Equal(v):
		t.Errorf("key of %v (%+v) decodes to %v and is said to be exact", v, c, got)
	}
}

// TestRealColumnKeys gets back what a REAL column holds from its key alone.
func TestRealColumnKeys(t *testing.T) {
	r := newValues(t)
	for range 20_000 {
		v := record.AffinityReal.Apply(r.any())
		got, _, _, err := record.DecodeKey(record.AppendKey(nil, v, record.KeyColumn{}), record.KeyColumn{})
		if got = record.AffinityReal.Load(got); err != nil || !got.Equal(v) {
			t.Errorf("REAL %v comes back as %v, %v", v, got, err)
		}
	}
}

// TestPrefix checks with pairs of columns that the keys of one value of the first
// are exactly those in the range of its prefix.
func TestPrefix(t *testing.T) {
	r := newValues(t)
	for range 20_000 {
		a, b, second := r.any(), r.any(), r.any()
		for _, c := range keyColumns() {
			prefix := record.AppendKey(nil, a, c)
			key := record.AppendKey(record.AppendKey(nil, b, c), second, record.KeyColumn{Desc: r.IntN(2) == 0})
			in := bytes.Compare(key, prefix) >= 0 && bytes.Compare(key, record.PrefixEnd(prefix)) < 0
			if equal := record.Compare(a, b, c.Collation) == 0; in != equal || bytes.HasPrefix(key, prefix) != equal {
				t.Errorf("%v, %v (%+v): in range %v, equal %v", a, b, c, in, equal)
			}
		}
	}
}

func TestPrefixEnd(t *testing.T) {
	for _, c := range []struct{ prefix, want []byte }{
		{nil, nil}, {[]byte{0xff, 0xff}, nil}, {[]byte{1, 2}, []byte{1, 3}}, {[]byte{1, 0xff, 0xff}, []byte{2}},
	} {
		if got := record.PrefixEnd(c.prefix); !bytes.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("PrefixEnd(%x) = %x, want %x", c.prefix, got, c.want)
		}
	}
}

// TestEdgesOfNumbers checks Compare and keys against each other where floats and
// integers meet.
func TestEdgesOfNumbers(t *testing.T) {
	var vals []record.Value
	for _, e := range []int{0, 1, 7, 8, 31, 47, 51, 52, 53, 54, 55, 62, 63} {
		for d := -2; d <= 2; d++ {
			for _, s := range []int64{1, -1} {
				i := s * (int64(1)<<e + int64(d))
				f := float64(i)
				vals = append(vals, record.Int(i), record.Float(f), record.Float(f+0.5),
					record.Float(math.Nextafter(f, math.Inf(1))), record.Float(math.Nextafter(f, math.Inf(-1))))
			}
		}
	}
	for _, a := range vals {
		for _, b := range vals {
			want := cmp.Compare(record.Compare(a, b, record.Binary), 0)
			if got := bytes.Compare(record.AppendKey(nil, a, record.KeyColumn{}), record.AppendKey(nil, b, record.KeyColumn{})); got != want {
				t.Errorf("keys of %v and %v compare %d, Compare says %d", a, b, got, want)
			}
		}
	}
}

func TestIntKey(t *testing.T) {
	last := []byte(nil)
	for _, i := range []int64{math.MinInt64, -256, -1, 0, 1, 255, math.MaxInt64} {
		key := record.AppendIntKey(nil, i)
		if got, err := record.DecodeIntKey(key); err != nil || got != i || bytes.Compare(last, key) >= 0 {
			t.Errorf("key %x of %d decodes to %d, %v", key, i, got, err)
		}
		last = key
	}
	if _, err := record.DecodeIntKey(last[1:]); !errors.Is(err, record.ErrCorrupt) {
		t.Errorf("short key: %v", err)
	}
}

func TestDecodeKeyCorrupt(t *testing.T) {
	noCase, rtrim := record.KeyColumn{Collation: record.NoCase}, record.KeyColumn{Collation: record.RTrim}
	for _, c := range []struct {
		key string
		col record.KeyColumn
	}{
		{"", record.KeyColumn{}},
		{"", record.KeyColumn{Desc: true}},
		{"\x11", record.KeyColumn{}},
		{"\x32\x01", record.KeyColumn{}},                                 // cut short
		{"\x32\x00\x02", record.KeyColumn{}},                             // longer than needed
		{"\x31\x01\x3f\xe0", record.KeyColumn{}},                         // fraction cut short
		{"\x31\x01\x3f\xf0\x00\x00\x00\x00\x00\x00", record.KeyColumn{}}, // 1.0 as a fraction
		{"\x39\x3f\xf0\x00\x00\x00\x00\x00\x00", record.KeyColumn{}},     // 1.0 beyond 2^63
		{"\x39\x7f\xf8\x00\x00\x00\x00\x00\x01", record.KeyColumn{}},     // NaN
		{"\x40a", record.KeyColumn{}},
		{"\x40a\x00", record.KeyColumn{}},
		{"\x40a\x00\x02", record.KeyColumn{}},
		{"\x40A\x00\x01", noCase},
		{"\x40a\x00\xff", noCase},
		{"\x40abc\x00\xff\x31\x02", noCase}, // four bytes before, length 1
		{"\x40a \x00\x01", rtrim},
		{"\x50\x00", record.KeyColumn{}},
	} {
		if v, rest, _, err := record.DecodeKey([]byte(c.key), c.col); !errors.Is(err, record.ErrCorrupt) || rest != nil || !v.IsNull() {
			t.Errorf("key %x: %v, %x, %v", c.key, v, rest, err)
		}
	}
	for _, key := range []string{"", "\x11", "\x32\x01", "\x40a", "\x40a\x00", "\x40a\x00\xff", "\xbfa\xff", "\xcd"} {
		for _, c := range keyColumns() {
			if rest, err := record.SkipKey([]byte(key), c); !errors.Is(err, record.ErrCorrupt) || rest != nil {
				t.Errorf("SkipKey of %x (%+v): %x, %v", key, c, rest, err)
			}
		}
	}
}
