package vdb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// familyOf has a parent table p, keyed by its one column, and a child table c.
func familyOf(t *testing.T, parent, child vdb.Column, indexed bool) *vdb.Branch {
	t.Helper()
	b := mainBranch(t, openMemory(t))
	parent.Name, child.Name = "id", "p"
	c := vdb.Schema{
		Name: "c", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, child}, PrimaryKey: []string{"id"},
		ForeignKeys: []vdb.ForeignKey{{Columns: []string{"p"}, Parent: "p"}},
	}
	if indexed {
		c.Indexes = []vdb.Index{{Name: "p", Columns: []vdb.IndexColumn{{Name: "p"}}}}
	}
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(vdb.Schema{Name: "p", Columns: []vdb.Column{parent}, PrimaryKey: []string{"id"}}), tx.CreateTable(c))
	})
	return b
}

// A child's value equals a parent's under the parent's affinity and collation:
// when it is written, and when the parent goes.
func TestForeignKeyComparesAsParentDoes(t *testing.T) {
	long := strings.Repeat("long ", 1000)
	for _, test := range []struct {
		name          string
		parent, child vdb.Column
		key, ref      vdb.Value
		matches       bool
	}{
		{"same", vdb.Column{Type: "TEXT"}, vdb.Column{Type: "TEXT"}, vdb.Text("a"), vdb.Text("a"), true},
		{"letters' case", vdb.Column{Type: "TEXT", Collation: "NOCASE"}, vdb.Column{Type: "TEXT"}, vdb.Text("abc"), vdb.Text("ABC"), true},
		{"letters' case of the child", vdb.Column{Type: "TEXT"}, vdb.Column{Type: "TEXT", Collation: "NOCASE"}, vdb.Text("abc"), vdb.Text("ABC"), false},
		{"trailing spaces", vdb.Column{Type: "TEXT", Collation: "RTRIM"}, vdb.Column{}, vdb.Text("a"), vdb.Text("a  "), true},
		{"digits in text", vdb.Column{Type: "INTEGER"}, vdb.Column{Type: "TEXT"}, vdb.Int(1), vdb.Text("1"), true},
		{"number for text", vdb.Column{Type: "TEXT"}, vdb.Column{Type: "INTEGER"}, vdb.Text("1"), vdb.Int(1), true},
		{"no affinity", vdb.Column{}, vdb.Column{Type: "TEXT"}, vdb.Int(1), vdb.Text("1"), false},
		{"text for an integer key", vdb.Column{Type: "INTEGER"}, vdb.Column{Type: "TEXT"}, vdb.Int(1), vdb.Text("one"), false},
		{"beyond 2^53", vdb.Column{Type: "INTEGER"}, vdb.Column{}, vdb.Int(1<<53 + 1), vdb.Float(1 << 53), false},
		{"out of line", vdb.Column{Type: "TEXT"}, vdb.Column{Type: "TEXT"}, vdb.Text(long), vdb.Text(long), true},
	} {
		for _, indexed := range []bool{false, true} {
			b := familyOf(t, test.parent, test.child, indexed)
			update(t, b, func(tx *vdb.Tx) error { return tx.Put("p", vdb.Row{test.key}) })
			err := b.Update(t.Context(), func(tx *vdb.Tx) error { return tx.Put("c", vdb.Row{vdb.Int(1), test.ref}) })
			if !test.matches {
				if !errors.Is(err, vdb.ErrConstraint) {
					t.Errorf("%s, index %v: an orphan was written: %v", test.name, indexed, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, index %v: %v", test.name, indexed, err)
			}
			err = b.Update(t.Context(), func(tx *vdb.Tx) error { return tx.Delete("p", test.key) })
			if !errors.Is(err, vdb.ErrConstraint) {
				t.Errorf("%s, index %v: an orphan was made: %v", test.name, indexed, err)
			}
		}
	}
}

// An integer key has no row that refers to a text.
func TestParentTextOfIntegerChild(t *testing.T) {
	b := mainBranch(t, openMemory(t))
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{Name: "p", Columns: []vdb.Column{{Name: "id", Type: "INT"}}, PrimaryKey: []string{"id"}}),
			tx.CreateTable(vdb.Schema{
				Name: "c", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}}, PrimaryKey: []string{"id"},
				ForeignKeys: []vdb.ForeignKey{{Columns: []string{"id"}, Parent: "p"}},
			}),
			tx.Put("p", vdb.Row{vdb.Text("one")}), tx.Put("p", vdb.Row{vdb.Int(1)}), tx.Put("c", vdb.Row{vdb.Int(1)}))
	})
	update(t, b, func(tx *vdb.Tx) error { return tx.Delete("p", "one") })
	if err := b.Update(t.Context(), func(tx *vdb.Tx) error { return tx.Delete("p", 1) }); !errors.Is(err, vdb.ErrConstraint) {
		t.Errorf("parent of an integer key: %v", err)
	}
}

// A parent that compares in another way from now on may lose children.
func TestParentCollationChanges(t *testing.T) {
	b := familyOf(t, vdb.Column{Type: "TEXT", Collation: "NOCASE"}, vdb.Column{Type: "TEXT"}, true)
	update(t, b, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("p", vdb.Row{vdb.Text("a")}), tx.Put("c", vdb.Row{vdb.Int(1), vdb.Text("A")}))
	})
	err := b.Update(t.Context(), func(tx *vdb.Tx) error { return tx.AlterColumn("p", vdb.Column{Name: "id", Type: "TEXT"}) })
	if !errors.Is(err, vdb.ErrConstraint) {
		t.Errorf("a collation under which a child has no parent: %v", err)
	}
}
