package vdb_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestMerging tells of a merge in progress, and of none.
func TestMerging(t *testing.T) {
	db, main := forked(t.Context())
	defer db.Close()
	if _, err := main.Merging(t.Context()); !errors.Is(err, vdb.ErrNotMerging) {
		t.Fatalf("no merge: %v", err)
	}
	base := mustResolve(t, db, "main~")
	if _, err := main.Merge(t.Context(), "sale", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	m, err := main.Merging(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m.Ours.Hash != mustResolve(t, db, "main") || m.Theirs.Hash != mustResolve(t, db, "sale") || m.Base.Hash != base {
		t.Errorf("the merge is of %v and %v from %v", m.Ours, m.Theirs, m.Base)
	}
	if m.Message.Text != "Merge sale into main" || m.Squash {
		t.Errorf("the merge's message is %q", m.Message.Text)
	}
}

// TestPreviewMerge lists the conflicts that the merge then has, and changes nothing.
func TestPreviewMerge(t *testing.T) {
	db, main := forked(t.Context())
	defer db.Close()
	list := func(seq func(func(vdb.Conflict, error) bool)) []string {
		var found []string
		for c, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, c.String())
		}
		return found
	}
	preview := list(db.PreviewMerge(t.Context(), "main", "sale", nil))
	if _, err := main.Merging(t.Context()); !errors.Is(err, vdb.ErrNotMerging) {
		t.Fatalf("a preview began a merge: %v", err)
	}
	if n := len(list(db.PreviewMerge(t.Context(), "main", "sale", &vdb.MergeOptions{Take: vdb.Theirs}))); n != 0 {
		t.Errorf("%d conflicts although theirs wins", n)
	}
	if _, err := main.Merge(t.Context(), "sale", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	if real := list(main.Conflicts(t.Context())); len(real) == 0 || !slices.Equal(preview, real) {
		t.Errorf("previewed %q, met %q", preview, real)
	}
	for _, err := range db.PreviewMerge(t.Context(), "main", "nowhere", nil) {
		if !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("an unknown revision: %v", err)
		}
	}
}

func mustResolve(t *testing.T, db *vdb.DB, rev string) vdb.Hash {
	t.Helper()
	c, err := db.Resolve(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	return c.Hash
}

// TestCommits walks the graph from some revisions and leaves out what others
// lead to; without revisions it is all of it.
func TestCommits(t *testing.T) {
	db, _ := forked(t.Context())
	defer db.Close()
	for _, test := range []struct {
		from, not, want []string
	}{
		{nil, nil, []string{"Sale", "Delivery, new price", "Stock", "Create database"}},
		{[]string{"sale"}, nil, []string{"Sale", "Stock", "Create database"}},
		{[]string{"sale", "main"}, []string{"main~"}, []string{"Sale", "Delivery, new price"}},
		{[]string{"sale"}, []string{"sale"}, nil},
		{nil, []string{"main", "sale~2"}, []string{"Sale"}},
	} {
		var got []string
		height := ^uint64(0)
		for c, err := range db.Commits(t.Context(), test.from, test.not) {
			if err != nil {
				t.Fatal(err)
			}
			if c.Height > height {
				t.Errorf("%s comes after its descendants' height %d", c.Text, height)
			}
			height = c.Height
			got = append(got, c.Text)
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("commits of %q but not %q: %q, want %q", test.from, test.not, got, test.want)
		}
	}
	for _, err := range db.Commits(t.Context(), []string{"nowhere"}, nil) {
		if !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("an unknown revision: %v", err)
		}
	}
}
