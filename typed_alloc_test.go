//go:build !race

package vdb_test

import (
	"testing"

	"github.com/vdbgo/vdb"
)

// The race detector makes sync.Pool forget buffers, hence the build tag.
func TestTypedAllocations(t *testing.T) {
	b := withCustomers(t, 2000)
	s := snapshot(t, b)
	id := customerOf(1234).ID
	allocations(t, "Get", 2, func() error { // the boxed key, the row's bytes
		_, err := customers.Get(s, id)
		return err
	})
	rows := 0.0
	perScan := testing.AllocsPerRun(5, func() {
		rows = 0
		for _, err := range customers.Range(s, vdb.Range{From: []any{"c0100"}}) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
	})
	if perRow := perScan / rows; perRow > 1.5 { // the row's bytes, a third of the rows has a pointer
		t.Errorf("a scan: %v allocations a row", perRow)
	}
	tx, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	type count struct {
		ID int64 `vdb:",pk"`
		N  string
	}
	counts := vdb.MustTable[count]("counts")
	if err := counts.Create(tx); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	allocations(t, "Put", 1, func() error { // the row's key and record; room for more rows
		n++
		return counts.Put(tx, count{n, "text"})
	})
}

func allocations(t *testing.T, what string, most float64, fn func() error) {
	t.Helper()
	got := testing.AllocsPerRun(1000, func() {
		if err := fn(); err != nil {
			t.Fatal(err)
		}
	})
	if got > most {
		t.Errorf("%s: %v allocations, at most %v are meant", what, got, most)
	}
}
