package vdb_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/vdbgo/vdb"
)

// cells is a table of one column beside the key: id → a.
type cells map[int64]string

// mergeCells is a three-way merge, key by key; it tells whether one collides.
func mergeCells(base, ours, theirs cells) (merged cells, collides bool) {
	merged = maps.Clone(ours)
	for id := range int64(cellKeys) {
		b, o, t := base[id], ours[id], theirs[id]
		switch {
		case b == t || o == t:
		case b == o && t == "":
			delete(merged, id)
		case b == o:
			merged[id] = t
		default:
			collides = true
		}
	}
	return merged, collides
}

const cellKeys = 8

// editCells changes a few cells of the table things, and of now.
func editCells(tx *vdb.Tx, r *rand.Rand, now cells) error {
	for range 1 + r.IntN(3) {
		id := r.Int64N(cellKeys)
		if r.IntN(3) == 0 {
			if err := tx.Delete("things", id); err != nil && !errors.Is(err, vdb.ErrNotFound) {
				return err
			}
			delete(now, id)
			continue
		}
		now[id] = fmt.Sprint("v", r.IntN(4))
		if err := tx.Put("things", thing(id, now[id], 0, 0)); err != nil {
			return err
		}
	}
	return nil
}

func cellsOf(t testing.TB, s *vdb.Snapshot) cells {
	t.Helper()
	now := cells{}
	for row, err := range s.Rows("things", vdb.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		now[row[0].Int()] = row[1].Text()
	}
	return now
}

// TestRevertAndPickAgainstMaps reverts and picks random commits under later
// commits and uncommitted changes, and compares each outcome with that of maps.
func TestRevertAndPickAgainstMaps(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	main := mainBranch(t, openMemory(t))
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(things) })
	commit(t, main, "create")
	states, hashes := []cells{{}}, []string{""}
	outcomes := map[string]int{}
	for range 150 {
		now := maps.Clone(states[len(states)-1])
		update(t, main, func(tx *vdb.Tx) error { return editCells(tx, r, now) })
		c, err := main.Commit(t.Context(), vdb.Message{Text: "edit", AllowEmpty: true})
		if err != nil {
			t.Fatal(err)
		}
		states, hashes = append(states, now), append(hashes, c.Hash.String())
		working := maps.Clone(now)
		if r.IntN(2) == 0 {
			update(t, main, func(tx *vdb.Tx) error { return editCells(tx, r, working) })
		}
		k := max(1, len(states)-1-r.IntN(4))
		base, theirs, verb := states[k], states[k-1], main.Revert
		if r.IntN(2) == 0 {
			base, theirs, verb = theirs, base, main.CherryPick
		}
		outcome := replayOne(t, main, base, now, theirs, working, func() error {
			_, err := verb(t.Context(), hashes[k], nil)
			return err
		})
		outcomes[outcome]++
		if err := main.ResetHard(t.Context(), hashes[len(hashes)-1]); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(outcomes)
	for _, outcome := range []string{"done", "nothing", "conflict", "uncommitted"} {
		if outcomes[outcome] == 0 {
			t.Errorf("no case of %q", outcome)
		}
	}
}

// replayOne runs verb and checks what it did against the merge of maps.
func replayOne(t testing.TB, main *vdb.Branch, base, head, theirs, working cells, verb func() error) string {
	t.Helper()
	before := branchRoots(t, main)
	err := verb()
	outcome, want := "done", error(nil)
	next, collides := mergeCells(base, head, theirs)
	carried, uncommitted := mergeCells(head, working, next)
	switch {
	case collides:
		outcome, want = "conflict", vdb.ErrConflict
	case maps.Equal(next, head):
		outcome, want = "nothing", vdb.ErrNothingToCommit
	case uncommitted:
		outcome, want = "uncommitted", vdb.ErrUncommitted
	}
	if want != nil {
		wantError(t, err, want)
		if outcome == "conflict" && errors.Is(err, vdb.ErrUncommitted) {
			t.Fatal("the collision was not with uncommitted changes")
		}
		if after := branchRoots(t, main); after != before {
			t.Fatal("it failed and changed the branch")
		}
		return outcome
	}
	if err != nil {
		t.Fatalf("base %v, head %v, theirs %v, working %v: %v", base, head, theirs, working, err)
	}
	if got := cellsOf(t, asOf(t, main, "HEAD")); !maps.Equal(got, next) {
		t.Fatalf("head %v, want %v", got, next)
	}
	if got := cellsOf(t, asOf(t, main, "WORKING")); !maps.Equal(got, carried) {
		t.Fatalf("working set %v, want %v", got, carried)
	}
	return outcome
}
