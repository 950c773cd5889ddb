package vdb_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestMatch finds a table and its columns under the names that they had.
func TestMatch(t *testing.T) {
	main := exampleBranch(t.Context())
	defer main.DB().Close()
	must(main.Update(t.Context(), func(tx *vdb.Tx) error {
		return errors.Join(
			tx.RenameTable("cities", "towns"),
			tx.RenameColumn("towns", "people", "heads"),
			tx.AddColumn("towns", vdb.Column{Name: "land", Type: "TEXT"}),
		)
	}))
	head, err := main.Head(t.Context())
	must(err)
	now, err := main.Snapshot(t.Context())
	must(err)
	was := main.DB().At(t.Context(), head)

	m, err := now.Match("TOWNS", was)
	must(err)
	if m.Name != "cities" || !slices.Equal(m.Columns, []int{0, 1, -1}) || !m.SameKeys || m.Schema.Columns[1].Name != "people" {
		t.Errorf("towns was %+v", m)
	}
	back, err := was.Match("cities", now)
	must(err)
	if back.Name != "towns" || !slices.Equal(back.Columns, []int{0, 1}) || back.Rows != m.Rows {
		t.Errorf("cities is %+v", back)
	}
	if _, err := now.Match("cities", was); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("a name that is gone: %v", err)
	}
	if _, err := now.Match("towns", main.DB().At(t.Context(), &vdb.Commit{})); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("before the first commit: %v", err)
	}
	other := exampleBranch(t.Context())
	defer other.DB().Close()
	theirs, err := other.Snapshot(t.Context())
	must(err)
	if _, err := now.Match("towns", theirs); !errors.Is(err, vdb.ErrInvalid) {
		t.Errorf("another database: %v", err)
	}
}

// TestMatchKeys tells a table that was keyed otherwise.
func TestMatchKeys(t *testing.T) {
	main := exampleBranch(t.Context())
	defer main.DB().Close()
	must(main.Update(t.Context(), func(tx *vdb.Tx) error {
		return errors.Join(tx.DropTable("cities"), tx.CreateTable(vdb.Schema{
			Name:       "cities",
			Columns:    []vdb.Column{{Name: "people", Type: "INTEGER"}, {Name: "name", Type: "TEXT"}},
			PrimaryKey: []string{"people"},
		}))
	}))
	was, err := main.AsOf(t.Context(), "HEAD")
	must(err)
	now, err := main.Snapshot(t.Context())
	must(err)
	m, err := now.Match("cities", was)
	must(err)
	if m.SameKeys || !slices.Equal(m.Columns, []int{1, 0}) {
		t.Errorf("the table that was keyed by name: %+v", m)
	}
}
