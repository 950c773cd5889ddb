package record_test

import (
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
)

// tenColumns is a row such as an application has.
func tenColumns() []record.Value {
	return []record.Value{
		record.Int(4711), record.Text("nope-industries"), record.Text("Audit Records"), record.Int(1),
		record.Float(1234.56), record.Null(), record.Int(1_795_375_435_076), record.Text("2026-11-22 19:07:42+00:00"),
		record.Blob([]byte("0123456789abcdef")), record.Int(-70000),
	}
}

func BenchmarkAppend10Columns(b *testing.B) {
	row := tenColumns()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = record.Append(buf[:0], row)
	}
}

func BenchmarkParse10Columns(b *testing.B) {
	rec := record.Append(nil, tenColumns())
	dst := make([]record.Value, 0, 10)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = record.Parse(rec, dst[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkColumn9(b *testing.B) {
	rec := record.Append(nil, tenColumns())
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := record.Column(rec, 9); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkAddressesPlain(b *testing.B) {
	rec := record.Append(nil, tenColumns())
	b.ReportAllocs()
	for b.Loop() {
		if offsets := record.Addresses(rec, nil); offsets != nil {
			b.Fatal(offsets)
		}
	}
}

func BenchmarkAddressesOutOfLine(b *testing.B) {
	rec := record.Append(nil, append(tenColumns(), record.OutOfLine(record.KindBlob, 5000, hash.Hash{1})))
	offsets := make([]int, 0, 4)
	b.ReportAllocs()
	for b.Loop() {
		if offsets = record.Addresses(rec, offsets[:0]); len(offsets) != 1 {
			b.Fatal(offsets)
		}
	}
}

func BenchmarkAppendIntKey(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = record.AppendIntKey(buf[:0], 4711)
	}
}

func BenchmarkAppendKey(b *testing.B) {
	for _, c := range []struct {
		name   string
		value  record.Value
		column record.KeyColumn
	}{
		{"int", record.Int(4711), record.KeyColumn{}},
		{"int-desc", record.Int(4711), record.KeyColumn{Desc: true}},
		{"real", record.Float(1234.56), record.KeyColumn{}},
		{"text16", record.Text("nope-industries!"), record.KeyColumn{}},
		{"text16-nocase", record.Text("nope-industries!"), record.KeyColumn{Collation: record.NoCase}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = record.AppendKey(buf[:0], c.value, c.column)
			}
		})
	}
}

func BenchmarkDecodeKey(b *testing.B) {
	for _, c := range []struct {
		name   string
		value  record.Value
		column record.KeyColumn
	}{
		{"int", record.Int(4711), record.KeyColumn{}},
		{"int-desc", record.Int(4711), record.KeyColumn{Desc: true}},
		{"real", record.Float(1234.56), record.KeyColumn{}},
		{"text16", record.Text("nope-industries!"), record.KeyColumn{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			key := record.AppendKey(nil, c.value, c.column)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, err := record.DecodeKey(key, c.column); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSkipKeyTextDesc(b *testing.B) {
	c := record.KeyColumn{Desc: true}
	key := record.AppendKey(nil, record.Text("nope-industries!"), c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.SkipKey(key, c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	x, y := record.Text("nope-industries"), record.Text("nope-industrial")
	b.ReportAllocs()
	for b.Loop() {
		if record.Compare(x, y, record.NoCase) < 0 {
			b.Fatal("order")
		}
	}
}

func BenchmarkRealToText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if record.AffinityText.Store(record.Float(1234.5678)).Size() == 0 {
			b.Fatal("no text")
		}
	}
}
