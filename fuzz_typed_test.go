package vdb

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/nbs"
)

// fuzzRow has a field of each kind that reads bytes.
type fuzzRow struct {
	ID   int64 `vdb:",pk"`
	I8   int8
	U    *uint32
	F    float32
	S    string
	PS   *string
	B    []byte
	T    time.Time
	Yes  bool
	Blob *Blob
}

// FuzzTypedRow reads structs from bytes of any kind: it must not panic, and a
// row that can be read and written is read the same again.
func FuzzTypedRow(f *testing.F) {
	table := MustTable[fuzzRow]("rows")
	l, err := newLayout(&table.shape.schema)
	if err != nil {
		f.Fatal(err)
	}
	m, err := table.mapping(l)
	if err != nil {
		f.Fatal(err)
	}
	add := func(vals ...Value) { f.Add(record.Append(nil, vals)) }
	add(Null(), Int(-7), Int(1<<31), Float(1.5), Text("text"), Text(""), Bytes([]byte{0}), Text("2026-11-22 19:07:42.5+00:00"), Int(1), Bytes([]byte("blob")))
	add(Null(), Int(300), Null(), Int(3), Null(), Null(), Null(), Int(0), Int(2), Null())
	f.Add(record.AppendSQLite(nil, []Value{Null(), Int(0), Null(), Float(0), Text(strings.Repeat("long", 500))}))
	add(Null(), Int(0), Null(), Float(0), record.OutOfLine(record.KindText, 5000, [20]byte{1}))
	f.Fuzz(func(t *testing.T, rec []byte) {
		s := &Snapshot{ctx: t.Context()}
		view := &tableView{layout: l, store: nbs.NewMemory().NewWriter()}
		key := record.AppendIntKey(nil, 1)
		var first, second fuzzRow
		if _, err := m.read(s, view, nil, key, rec, unsafe.Pointer(&first)); err != nil {
			return
		}
		vals, err := m.values(t.Context(), view.store, nil, unsafe.Pointer(&first))
		if err != nil || l.prepare(vals) != nil {
			return
		}
		for i, v := range vals {
			if vals[i], err = outline(t.Context(), view.store, v); err != nil {
				t.Fatal(err)
			}
		}
		again := l.appendRecord(nil, vals)
		if _, err := m.read(s, view, nil, key, again, unsafe.Pointer(&second)); err != nil {
			t.Fatalf("%+v was written and not read: %v", first, err)
		}
		first.Blob, second.Blob = nil, nil // compared by their bytes in other tests
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("got %+v, want %+v", second, first)
		}
	})
}
