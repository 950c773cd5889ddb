package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
)

// awayRow is a row with two values out of line, and the size of its record with
// them in line.
func awayRow() (row []record.Value, logicalSize int64) {
	plain := []record.Value{
		record.Int(7), record.Text(strings.Repeat("t", 5000)), record.Text("between"), record.Blob(make([]byte, 1025)), record.Float(0.5),
	}
	row = slices.Clone(plain)
	row[1] = record.OutOfLine(record.KindText, 5000, hash.Of(plain[1].Bytes()))
	row[3] = record.OutOfLine(record.KindBlob, 1025, hash.Of(plain[3].Bytes()))
	return row, int64(len(record.AppendSQLite(nil, plain)))
}

func TestOutOfLine(t *testing.T) {
	row, logicalSize := awayRow()
	rec := record.Append([]byte("before"), row)[len("before"):]
	if rec[0] != 0 {
		t.Errorf("record starts with %#x, want the marker", rec[0])
	}
	got, err := record.Parse(rec, nil)
	if err != nil || !slices.EqualFunc(got, row, record.Value.Equal) {
		t.Fatalf("parsed %v, %v; want %v", got, err, row)
	}
	if got := record.LogicalSize(rec); got != logicalSize {
		t.Errorf("logical size %d, want %d", got, logicalSize)
	}
	offsets := record.Addresses(rec, []int{-1})
	if len(offsets) != 3 {
		t.Fatalf("addresses at %v, want two more", offsets)
	}
	for i, c := range []int{1, 3} {
		addr, _ := row[c].Address()
		if at := offsets[1+i]; hash.Hash(rec[at:at+hash.Size]) != addr {
			t.Errorf("column %d: no address at %d", c, at)
		}
		v, ok, err := record.Column(rec, c)
		if got, away := v.Address(); !ok || err != nil || !away || got != addr || v.Size() != row[c].Size() {
			t.Errorf("column %d is %v, %v, %v", c, v, ok, err)
		}
	}
}

func TestPlainRecordHasNoAddresses(t *testing.T) {
	rec := record.Append(nil, tenColumns())
	if got := record.Addresses(rec, nil); got != nil {
		t.Errorf("addresses at %v", got)
	}
	if got := record.LogicalSize(rec); got != int64(len(rec)) {
		t.Errorf("logical size %d, want %d", got, len(rec))
	}
}

func TestColumn(t *testing.T) {
	row := tenColumns()
	rec := record.Append(nil, row)
	for i := range row {
		if v, ok, err := record.Column(rec, i); !ok || err != nil || !v.Equal(row[i]) {
			t.Errorf("column %d: %v, %v, %v; want %v", i, v, ok, err, row[i])
		}
	}
	if v, ok, err := record.Column(rec, len(row)); ok || err != nil || !v.IsNull() {
		t.Errorf("column beyond the last: %v, %v, %v", v, ok, err)
	}
}

// TestLongestInline is about the limit: 1024 bytes are in line, 1025 are not.
func TestLongestInline(t *testing.T) {
	longest := record.Blob(make([]byte, record.InlineMax))
	rec := record.Append(nil, []record.Value{longest})
	if rec[0] == 0 || longest.IsLong() {
		t.Error("a value of InlineMax bytes is out of line")
	}
	long := record.Blob(make([]byte, record.InlineMax+1))
	if !long.IsLong() {
		t.Error("IsLong is false above InlineMax")
	}
	mustPanic(t, "Append of a long value", func() { record.Append(nil, []record.Value{long}) })
	away := record.OutOfLine(record.KindBlob, 1025, hash.Hash{1})
	mustPanic(t, "AppendSQLite out of line", func() { record.AppendSQLite(nil, []record.Value{away}) })
	mustPanic(t, "OutOfLine of a short value", func() { record.OutOfLine(record.KindBlob, 1024, hash.Hash{1}) })
	mustPanic(t, "OutOfLine of a number", func() { record.OutOfLine(record.KindReal, 4096, hash.Hash{1}) })
	if got, err := record.Parse(record.AppendSQLite(nil, []record.Value{long}), nil); err != nil || !got[0].Equal(long) {
		t.Errorf("SQLite's record of a long value: %v, %v", got, err)
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}

func TestParseCorrupt(t *testing.T) {
	for name, rec := range map[string][]byte{
		"empty":                      {},
		"header longer than record":  {5, 1},
		"header size cut short":      {0x81},
		"header shorter than itself": {0, 0},
		"type cut short":             {2, 0x81},
		"reserved type 10":           {2, 10},
		"reserved type 11":           {2, 11},
		"body cut short":             {2, 4, 1, 2, 3},
		"bytes after the body":       {2, 1, 1, 1},
		"NaN":                        {2, 7, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1},
		"marker without address":     {0, 2, 1, 1},
		"marker alone":               {0},
		"address cut short":          {0, 3, 0x90, 0x0e, 1, 2, 3},
		"huge blob":                  {10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe},
	} {
		got, err := record.Parse(rec, []record.Value{record.Int(1)})
		if !errors.Is(err, record.ErrCorrupt) || len(got) != 1 {
			t.Errorf("%s: parsed %v, %v", name, got, err)
		}
	}
}

// TestEveryPrefixIsCorrupt cuts records at every byte.
func TestEveryPrefixIsCorrupt(t *testing.T) {
	away, _ := awayRow()
	for _, row := range [][]record.Value{tenColumns(), away} {
		rec := record.Append(nil, row)
		for n := range rec {
			if got, err := record.Parse(rec[:n], nil); !errors.Is(err, record.ErrCorrupt) {
				t.Errorf("the first %d of %d bytes parse as %v, %v", n, len(rec), got, err)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	row, away := tenColumns(), record.OutOfLine(record.KindBlob, 4096, hash.Hash{1})
	rec := record.Append(nil, append(slices.Clone(row), away))
	buf, vals, offsets := make([]byte, 0, 1024), make([]record.Value, 0, 16), make([]int, 0, 4)
	for name, f := range map[string]func(){
		"Append":       func() { buf = record.Append(buf[:0], row) },
		"Parse":        func() { vals, _ = record.Parse(rec, vals[:0]) },
		"Column":       func() { _, _, _ = record.Column(rec, 9) },
		"Addresses":    func() { offsets = record.Addresses(rec, offsets[:0]) },
		"LogicalSize":  func() { record.LogicalSize(rec) },
		"AppendIntKey": func() { buf = record.AppendIntKey(buf[:0], 1) },
		"AppendKey": func() {
			for _, v := range row {
				buf = record.AppendKey(buf[:0], v, record.KeyColumn{Desc: true})
			}
		},
		"DecodeKey": func() {
			buf = record.AppendKey(buf[:0], row[1], record.KeyColumn{})
			_, _, _, _ = record.DecodeKey(buf, record.KeyColumn{})
			buf = record.AppendKey(buf[:0], row[4], record.KeyColumn{Desc: true})
			_, _, _, _ = record.DecodeKey(buf, record.KeyColumn{Desc: true})
		},
		"Compare": func() { record.Compare(row[1], row[2], record.NoCase) },
		"Load":    func() { record.AffinityReal.Load(record.AffinityReal.Store(row[0])) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// TestFrozenRecord pins the stored form down: a change of these bytes is a change
// of the format.
func TestFrozenRecord(t *testing.T) {
	away := record.OutOfLine(record.KindText, 2000, hash.Hash{0xaa, 19: 0xbb})
	for _, c := range []struct {
		row  []record.Value
		want string
	}{
		{nil, "01"},
		{[]record.Value{record.Null(), record.Int(0), record.Int(1), record.Int(-1)}, "05000809" + "01ff"},
		{[]record.Value{record.Int(1 << 40), record.Float(1.5), record.Text("é"), record.Blob([]byte{0})}, "050507110e" + "010000000000" + "3ff8000000000000" + "c3a9" + "00"},
		{[]record.Value{record.Int(3), away}, "00" + "04019f2d" + "03" + "aa" + strings.Repeat("00", 18) + "bb"},
	} {
		if got := fmt.Sprintf("%x", record.Append(nil, c.row)); got != c.want {
			t.Errorf("%v:\n got %s\nwant %s", c.row, got, c.want)
		}
	}
}

// TestEqualRowsAreEqualBytes stores one value in many ways.
func TestEqualRowsAreEqualBytes(t *testing.T) {
	for _, c := range []struct {
		affinity record.Affinity
		same     []record.Value
	}{
		{record.AffinityInteger, []record.Value{record.Int(12), record.Float(12), record.Text(" 12 "), record.Text("1.2e1")}},
		{record.AffinityReal, []record.Value{record.Int(0), record.Float(0), record.Float(math.Copysign(0, -1)), record.Text("-0.0")}},
		{record.AffinityReal, []record.Value{record.Int(1 << 50), record.Float(1 << 50), record.Text("1125899906842624")}},
		{record.AffinityText, []record.Value{record.Text("1.5"), record.Float(1.5)}},
	} {
		want := record.Append(nil, []record.Value{c.affinity.Store(c.same[0])})
		for _, v := range c.same {
			stored := c.affinity.Store(v)
			if got := record.Append(nil, []record.Value{stored}); !bytes.Equal(got, want) {
				t.Errorf("%v in %v: % x, want % x", v, c.affinity, got, want)
			}
			if again := c.affinity.Store(c.affinity.Load(stored)); !again.Equal(stored) {
				t.Errorf("%v in %v: stored again %v", v, c.affinity, again)
			}
		}
	}
}
