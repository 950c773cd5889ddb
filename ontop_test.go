package vdb_test

import (
	"slices"
	"testing"

	"github.com/vdbgo/vdb"
)

// whileMerging merges side into main, deciding for take, and calls fn in the middle.
func whileMerging(t *testing.T, main *vdb.Branch, take vdb.Side, fn func()) *vdb.Commit {
	t.Helper()
	c, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{
		NoFastForward: true,
		Resolve: map[string]func(vdb.Conflict) (vdb.Row, error){"t": func(c vdb.Conflict) (vdb.Row, error) {
			if fn != nil {
				do := fn
				fn = nil
				do()
			}
			if take == vdb.Theirs {
				return c.Theirs, nil
			}
			return c.Ours, nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A merge beside a reset to before its merge base brings all of the merged branch.
func TestMergeBesideReset(t *testing.T) {
	db := openMemory(t)
	main, side := fork(t, db)
	start := head(t, main)
	put(t, side, mergeRow(1, "shared", "b", 0))
	if _, err := main.Merge(t.Context(), "side", nil); err != nil {
		t.Fatal(err)
	}
	put(t, side, mergeRow(2, "side", "b", 0))
	theirs := put(t, side, mergeRow(3, "side", "b", 0))
	put(t, main, mergeRow(2, "main", "b", 0))
	c := whileMerging(t, main, vdb.Ours, func() {
		if err := main.ResetHard(t.Context(), start.Hash.String()); err != nil {
			t.Fatal(err)
		}
	})
	if !slices.Equal(c.Parents, []vdb.Hash{start.Hash, theirs.Hash}) || c.Root != theirs.Root {
		t.Errorf("merge commit %+v; theirs is %s", c, theirs.Root)
	}
	wantRow(t, main, 1, "1 'shared' 'b' 0")
	wantRow(t, main, 2, "2 'side' 'b' 0")
}

// Of two merges of one branch at a time the first counts, and the second finds
// nothing to do.
func TestMergeBesideMerge(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	var first *vdb.Commit
	c := whileMerging(t, main, vdb.Theirs, func() {
		var err error
		if first, err = main.Merge(t.Context(), "side", &vdb.MergeOptions{Take: vdb.Ours}); err != nil {
			t.Fatal(err)
		}
	})
	if c.Hash != first.Hash {
		t.Errorf("merged twice: %+v, then %+v", first, c)
	}
	wantRow(t, main, 1, "1 'main' 'side' 2")
}

// A commit made meanwhile stays beneath the merge.
func TestMergeBesideCommit(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	var beneath *vdb.Commit
	c := whileMerging(t, main, vdb.Ours, func() { beneath = put(t, main, mergeRow(7, "meanwhile", "b", 0)) })
	if c.Parents[0] != beneath.Hash {
		t.Errorf("merge commit %+v", c)
	}
	wantRow(t, main, 7, "7 'meanwhile' 'b' 0")
	wantRow(t, main, 4, "4 'side' 'b' 0")
}
