package vdb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestPutBlob streams values of many sizes into a column and back.
func TestPutBlob(t *testing.T) {
	b := mainBranch(t, openMemory(t))
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(people), tx.Put("people", person(1, "Audit")), tx.Put("people", person(2, "Billing")))
	})
	for _, size := range []int{0, 1, 1023, 1024, 1025, 20_000, 32_000} {
		want := strings.Repeat("n", size)
		update(t, b, func(tx *vdb.Tx) error { return tx.PutBlob("people", "name", strings.NewReader(want), 1) })
		s, err := b.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		row, err := s.Get("people", 1)
		if err != nil || row[1].Kind() != vdb.KindText || row[1].Text() != want {
			t.Errorf("%d bytes: %d came back, %v", size, row[1].Size(), err)
		}
		if other, err := s.Get("people", 2); err != nil || other[1].Text() != "Billing" {
			t.Errorf("%d bytes: the other row is %v, %v", size, other, err)
		}
		n, err := s.Count("people", vdb.Range{Index: "by_name", Prefix: []any{"Audit"}})
		if err != nil || n != 0 {
			t.Errorf("%d bytes: the index has the old entry, %v", size, err)
		}
	}
}

// TestPutBlobRefuses what is no such row, column or reader, and changes nothing.
func TestPutBlobRefuses(t *testing.T) {
	b := mainBranch(t, openMemory(t))
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(people), tx.Put("people", person(1, "Audit")))
	})
	before := root(t, b)
	broken := errors.New("broken reader")
	for name, test := range map[string]struct {
		do   func(tx *vdb.Tx) error
		want error
	}{
		"no row":    {func(tx *vdb.Tx) error { return tx.PutBlob("people", "name", strings.NewReader("x"), 9) }, vdb.ErrNotFound},
		"no column": {func(tx *vdb.Tx) error { return tx.PutBlob("people", "nope", strings.NewReader("x"), 1) }, vdb.ErrNotFound},
		"no table":  {func(tx *vdb.Tx) error { return tx.PutBlob("nope", "name", strings.NewReader("x"), 1) }, vdb.ErrNotFound},
		"the key":   {func(tx *vdb.Tx) error { return tx.PutBlob("people", "id", strings.NewReader("x"), 1) }, vdb.ErrInvalid},
		"no text":   {func(tx *vdb.Tx) error { return tx.PutBlob("people", "name", strings.NewReader("\xff"), 1) }, vdb.ErrInvalid},
		"a failure": {func(tx *vdb.Tx) error { return tx.PutBlob("people", "name", failingReader{broken}, 1) }, broken},
		"too long for an index": {func(tx *vdb.Tx) error {
			return tx.PutBlob("people", "name", strings.NewReader(strings.Repeat("x", 40_000)), 1)
		}, vdb.ErrInvalid},
	} {
		if err := b.Update(t.Context(), test.do); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if root(t, b) != before {
		t.Error("the branch changed")
	}
}
