package vdb

import (
	"bytes"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
)

func TestRowConflictRoundTrip(t *testing.T) {
	far := hash.Of([]byte("far"))
	long := record.Append(nil, []Value{Int(1), record.OutOfLine(record.KindText, 5000, far)})
	plain := record.Append(nil, []Value{Int(1), Text("x")})
	for _, c := range []rowConflict{
		{base: plain, ours: long, theirs: long},
		{ours: plain, theirs: long},
		{base: long, theirs: plain},
		{base: long, ours: []byte{}},
		{},
	} {
		data := c.encode()
		got, err := decodeRowConflict([]byte("k"), data)
		if err != nil {
			t.Fatal(err)
		}
		for i, pair := range [][2][]byte{{got.base, c.base}, {got.ours, c.ours}, {got.theirs, c.theirs}} {
			if !sameRecord(pair[0], pair[1]) {
				t.Errorf("record %d: %x, want %x", i, pair[0], pair[1])
			}
		}
		want := 0
		for _, rec := range [][]byte{c.base, c.ours, c.theirs} {
			want += len(record.Addresses(rec, nil))
		}
		offsets := conflictAddresses(data, nil)
		if len(offsets) != want || slices.ContainsFunc(offsets, func(at int) bool { return !bytes.Equal(data[at:at+hash.Size], far[:]) }) {
			t.Errorf("%d addresses at %v, want %d", len(offsets), offsets, want)
		}
		for cut := range data {
			if _, err := decodeRowConflict(nil, data[:cut]); err == nil {
				t.Errorf("%d of %d bytes pass", cut, len(data))
			}
		}
	}
}

func FuzzRowConflict(f *testing.F) {
	f.Add(rowConflict{ours: []byte{1}, theirs: []byte{2, 1, 1}}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, at := range conflictAddresses(data, nil) {
			if at < 0 || at+hash.Size > len(data) {
				t.Fatalf("address at %d of %d bytes", at, len(data))
			}
		}
		if c, err := decodeRowConflict(nil, data); err == nil {
			again, err := decodeRowConflict(nil, c.encode())
			if err != nil || !sameRecord(again.base, c.base) || !sameRecord(again.ours, c.ours) || !sameRecord(again.theirs, c.theirs) {
				t.Fatalf("%x does not survive: %v", data, err)
			}
		}
	})
}
