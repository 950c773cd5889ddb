package record_test

import (
	"bytes"
	"fmt"

	"github.com/vdbgo/vdb/internal/record"
)

func ExampleAppend() {
	row := []record.Value{record.Int(7), record.Text("abc"), record.Null()}
	rec := record.Append(nil, row)
	fmt.Printf("% x\n", rec)

	vals, err := record.Parse(rec, nil)
	fmt.Println(vals, err)
	// Output:
	// 04 01 13 00 07 61 62 63
	// [7 'abc' NULL] <nil>
}

func ExampleAffinity() {
	price := record.AffinityOf("DOUBLE PRECISION")
	v := record.Text(" 12e0 ")
	fmt.Println(price, price.Store(v), price.Apply(v))
	// Output: REAL 12 12.0
}

func ExampleAppendKey() {
	byName := record.KeyColumn{Collation: record.NoCase}
	ada := record.AppendKey(nil, record.Text("ADA"), byName)
	billing := record.AppendKey(nil, record.Text("billing"), byName)
	fmt.Println(bytes.Compare(ada, billing))

	v, _, exact, err := record.DecodeKey(ada, byName)
	fmt.Println(v, exact, err)
	// Output:
	// -1
	// 'ada' false <nil>
}

func ExamplePrefixEnd() {
	from := record.AppendKey(nil, record.Int(42), record.KeyColumn{})
	to := record.PrefixEnd(from)
	key := record.AppendKey(bytes.Clone(from), record.Text("second column"), record.KeyColumn{})
	fmt.Println(bytes.Compare(from, key) <= 0, bytes.Compare(key, to) < 0)
	// Output: true true
}
