package vdb_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

func TestStatus(t *testing.T) {
	_, main := companyDB(t, 4)
	s, err := main.Status(t.Context())
	if err != nil || !s.IsClean() || s.Branch != "main" || s.Head.Text != "customers" {
		t.Fatalf("status %+v, %v", s, err)
	}
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Delete("events", 1), tx.Put("billing", vdb.Row{vdb.Text("c001"), vdb.Int(1)}), tx.CreateTable(things))
	})
	if s, err = main.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range s.Tables {
		got = append(got, fmt.Sprintf("%s %s: %s", table.Kind, table.Name(), table.Counts))
	}
	wantLines(t, got, []string{
		"modified billing: 0 added, 0 deleted, 1 modified",
		"modified events: 0 added, 1 deleted, 0 modified",
		"added things: 0 added, 0 deleted, 0 modified",
	})
}
