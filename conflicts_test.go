package vdb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestConflictMerged looks at what a function that resolves a conflict is given:
// the cells that are no conflict are merged already, values out of line are
// loaded, and a row that one side deleted has no merged form.
func TestConflictMerged(t *testing.T) {
	long := strings.Repeat("long ", 1000)
	ctx := t.Context()
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	row := func(key, text string, hits int64, ours, theirs string) vdb.Row {
		return vdb.Row{vdb.Text(key), vdb.Text(text), vdb.Int(hits), vdb.Text(ours), vdb.Text(theirs)}
	}
	write := func(b *vdb.Branch, fn func(*vdb.Tx) error) {
		t.Helper()
		if err := b.Update(ctx, fn); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Commit(ctx, vdb.Message{Text: "change"}); err != nil {
			t.Fatal(err)
		}
	}
	write(main, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(vdb.Schema{
			Name: "t", PrimaryKey: []string{"key"},
			Columns: []vdb.Column{{Name: "key", Type: "TEXT"}, {Name: "text", Type: "TEXT"},
				{Name: "hits", Type: "INTEGER", Merge: vdb.PolicySum}, {Name: "ours", Type: "TEXT"}, {Name: "theirs", Type: "TEXT"}},
		}), tx.Put("t", row("a", "base", 1, "", "")), tx.Put("t", row("b", "base", 1, "", "")))
	})
	side, err := db.CreateBranch(ctx, "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	write(main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("t", row("a", long+"ours", 3, "new", "")), tx.Delete("t", "b"))
	})
	write(side, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("t", row("a", long+"theirs", 11, "", long)), tx.Put("t", row("b", "theirs", 1, "", "")))
	})
	if _, err := main.Merge(ctx, "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatalf("merge: %v", err)
	}
	want := row("a", long+"ours", 13, "new", long)
	var keys []string
	for c, err := range main.Conflicts(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, c.Key[0].Text())
		switch c.Key[0].Text() {
		case "a":
			if !slices.EqualFunc(c.Merged, want, vdb.Value.Equal) || !slices.Equal(c.Columns, []string{"text"}) {
				t.Errorf("row a: merged %v, columns %v", c.Merged, c.Columns)
			}
		case "b":
			if c.Merged != nil || c.Columns != nil {
				t.Errorf("row b: merged %v, columns %v", c.Merged, c.Columns)
			}
		}
	}
	if !slices.Equal(keys, []string{"a", "b"}) {
		t.Fatalf("conflicts in rows %v", keys)
	}
	err = main.ResolveConflicts(ctx, vdb.Resolution{Func: func(c vdb.Conflict) (vdb.Row, error) { return c.Merged, nil }})
	if err != nil {
		t.Fatal(err)
	}
	s, err := main.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get("t", "a"); err != nil || !slices.EqualFunc(got, want, vdb.Value.Equal) {
		t.Errorf("row a: %v, %v", got, err)
	}
	if n, err := s.Count("t", vdb.Range{}); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestViolationsOfLongKeys finds each of many rows whose long keys begin alike.
func TestViolationsOfLongKeys(t *testing.T) {
	b := shop(t)
	long := strings.Repeat("key ", 1000)
	err := b.Update(t.Context(), func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{
				Name: "notes", PrimaryKey: []string{"id"},
				Columns:     []vdb.Column{{Name: "id", Type: "TEXT"}, {Name: "customer", Type: "TEXT"}},
				ForeignKeys: []vdb.ForeignKey{{Columns: []string{"customer"}, Parent: "customers"}},
			}),
			tx.Put("notes", texts(long+"1", "nope")), tx.Put("notes", texts(long+"2", "nope")))
	})
	violated, ok := errors.AsType[*vdb.ConstraintError](err)
	if !ok || len(violated.Violations) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, v := range violated.Violations {
		if want := long + string(rune('1'+i)); v.Key[0].Text() != want || v.Values[0].Text() != "nope" {
			t.Errorf("violation %d: key %v, values %v", i, v.Key, v.Values)
		}
	}
}
