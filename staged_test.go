package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestUpdateStaged stages one row, and leaves working set and head as they are.
func TestUpdateStaged(t *testing.T) {
	main := exampleBranch(t.Context())
	defer main.DB().Close()
	put := func(people int64) func(*vdb.Tx) error {
		return func(tx *vdb.Tx) error { return tx.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(people)}) }
	}
	must(main.Update(t.Context(), put(1)))
	must(main.UpdateStaged(t.Context(), put(2)))
	for rev, want := range map[string]int64{"HEAD": 134_000, "WORKING": 1, "STAGED": 2} {
		s, err := main.AsOf(t.Context(), rev)
		must(err)
		row, err := s.Get("cities", "Bern")
		must(err)
		if row[1].Int() != want {
			t.Errorf("%s has %v, want %d", rev, row, want)
		}
	}
	failed := errors.New("no")
	if err := main.UpdateStaged(t.Context(), func(*vdb.Tx) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("a function that fails: %v", err)
	}
}

// TestUpdateStagedAgain runs the function again when something else was staged.
func TestUpdateStagedAgain(t *testing.T) {
	main := exampleBranch(t.Context())
	defer main.DB().Close()
	runs := 0
	must(main.UpdateStaged(t.Context(), func(tx *vdb.Tx) error {
		if runs++; runs == 1 {
			must(main.UpdateStaged(t.Context(), func(tx *vdb.Tx) error { return tx.Delete("cities", "Lima") }))
		}
		return tx.Put("cities", vdb.Row{vdb.Text("Oslo"), vdb.Int(700_000)})
	}))
	s, err := main.AsOf(t.Context(), "STAGED")
	must(err)
	if n, err := s.Count("cities", vdb.Range{}); runs != 2 || n != 2 || err != nil {
		t.Errorf("%d runs, %d cities, %v", runs, n, err)
	}
}

// TestUpdateStagedRules refuses to stage what breaks a rule.
func TestUpdateStagedRules(t *testing.T) {
	main := exampleBranch(t.Context())
	defer main.DB().Close()
	err := main.UpdateStaged(t.Context(), func(tx *vdb.Tx) error {
		return tx.CreateIndex("cities", vdb.Index{Name: "people", Columns: []vdb.IndexColumn{{Name: "people"}}, Unique: true})
	})
	must(err)
	err = main.UpdateStaged(t.Context(), func(tx *vdb.Tx) error {
		return tx.Put("cities", vdb.Row{vdb.Text("Bern"), vdb.Int(10_000_000)})
	})
	if !errors.Is(err, vdb.ErrConstraint) {
		t.Errorf("a second row of 10,000,000 people: %v", err)
	}
}
