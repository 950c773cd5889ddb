package record_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
)

// FuzzParse feeds bytes to all that reads records. What parses is stored again,
// and must then be stable: the same values, the same bytes.
func FuzzParse(f *testing.F) {
	away, _ := awayRow()
	f.Add(record.Append(nil, tenColumns()))
	f.Add(record.Append(nil, away))
	f.Add([]byte{2, 7, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, rec []byte) {
		vals, err := record.Parse(rec, nil)
		offsets, size := record.Addresses(rec, nil), record.LogicalSize(rec)
		checkColumns(t, rec, vals, err)
		if err != nil {
			if !errors.Is(err, record.ErrCorrupt) {
				t.Fatalf("error is not ErrCorrupt: %v", err)
			}
			return
		}
		if slices.ContainsFunc(vals, record.Value.IsLong) {
			return // SQLite's record, which is not stored as it is
		}
		stored := record.Append(nil, vals)
		again, err := record.Parse(stored, nil)
		if err != nil || !slices.EqualFunc(vals, again, record.Value.Equal) {
			t.Fatalf("%x stored as %x: %v, %v; want %v", rec, stored, again, err, vals)
		}
		if bytes.Equal(stored, rec) {
			checkAddresses(t, rec, vals, offsets, size)
		}
	})
}

// checkColumns compares Column with what Parse says.
func checkColumns(t *testing.T, rec []byte, vals []record.Value, parseErr error) {
	t.Helper()
	for i := range len(vals) + 1 {
		v, ok, err := record.Column(rec, i)
		if parseErr == nil && (err != nil || ok != (i < len(vals)) || ok && !v.Equal(vals[i])) {
			t.Fatalf("%x: column %d of %v is %v, %v, %v", rec, i, vals, v, ok, err)
		}
	}
}

// checkAddresses compares Addresses and LogicalSize with the values.
func checkAddresses(t *testing.T, rec []byte, vals []record.Value, offsets []int, size int64) {
	t.Helper()
	for _, v := range vals {
		addr, away := v.Address()
		if !away {
			continue
		}
		if len(offsets) == 0 || hash.Hash(rec[offsets[0]:offsets[0]+hash.Size]) != addr {
			t.Fatalf("%x: address %v is not at %v", rec, addr, offsets)
		}
		offsets = offsets[1:]
		size -= v.Size() - hash.Size
	}
	if len(offsets) != 0 || size != int64(len(rec)) && size != int64(len(rec))-1 {
		t.Fatalf("%x: %d addresses too many, %d bytes in line of %d", rec, len(offsets), size, len(rec))
	}
}

// FuzzDecodeKey feeds bytes to the key decoder. What it accepts is what the
// encoder writes, but for the rest of a NOCASE text after a NUL.
func FuzzDecodeKey(f *testing.F) {
	for _, v := range append(tenColumns(), record.Text("a\x00b"), record.Float(-1e300)) {
		for i, c := range keyColumns() {
			f.Add(record.AppendKey(nil, v, c), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, key []byte, column uint8) {
		columns := keyColumns()
		c := columns[int(column)%len(columns)]
		v, rest, _, err := record.DecodeKey(key, c)
		skipped, skipErr := record.SkipKey(key, c)
		if err == nil && (skipErr != nil || !bytes.Equal(skipped, rest)) {
			t.Fatalf("%x: %x follows, after SkipKey %x, %v", key, rest, skipped, skipErr)
		}
		if err != nil {
			if !errors.Is(err, record.ErrCorrupt) {
				t.Fatalf("error is not ErrCorrupt: %v", err)
			}
			return
		}
		used := key[:len(key)-len(rest)]
		if c.Collation == record.NoCase && v.Kind() == record.KindText && bytes.IndexByte(v.Bytes(), 0) >= 0 {
			return
		}
		if again := record.AppendKey(nil, v, c); !bytes.Equal(again, used) {
			t.Fatalf("key %x decodes to %v, whose key is %x", used, v, again)
		}
	})
}

// FuzzKeyOrder compares the order of the keys of texts with Compare.
func FuzzKeyOrder(f *testing.F) {
	f.Add([]byte("abc"), []byte("ABC "))
	f.Add([]byte("a\x00b"), []byte("a\x00"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, c := range keyColumns() {
			v, w := record.TextBytes(a), record.TextBytes(b)
			want := record.Compare(v, w, c.Collation)
			if c.Desc {
				want = -want
			}
			checkOrder(t, v, w, c, sign(want))
			v, w = record.AffinityNumeric.Store(v), record.AffinityNumeric.Store(w)
			if !c.Desc {
				checkOrder(t, v, w, c, sign(record.Compare(v, w, c.Collation)))
			}
		}
	})
}

func sign(i int) int { return max(-1, min(i, 1)) }

// FuzzApply feeds texts to the conversions: a value is stored once and for all.
func FuzzApply(f *testing.F) {
	for _, s := range []string{" 12 ", "1e400", "-.5e-3", "9223372036854775808", "0x10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range affinityTypes {
			stored := c.affinity.Store(record.Text(s))
			if again := c.affinity.Store(c.affinity.Load(stored)); !again.Equal(stored) {
				t.Fatalf("%q in %v: first %v, then %v", s, c.affinity, stored, again)
			}
		}
	})
}
