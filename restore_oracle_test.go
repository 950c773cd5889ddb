package vdb_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestRestoreAgainstMaps restores random selections of random states, with and
// without an index on the condition's column.
func TestRestoreAgainstMaps(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	main := mainBranch(t, openMemory(t))
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(things) })
	commit(t, main, "create")
	states := []cells{}
	now := cells{}
	for i := range 20 {
		update(t, main, func(tx *vdb.Tx) error {
			if i == 10 {
				return tx.CreateIndex("things", vdb.Index{Name: "by_a", Columns: []vdb.IndexColumn{{Name: "a"}}})
			}
			return editCells(tx, r, now)
		})
		if _, err := main.Commit(t.Context(), vdb.Message{Text: "edit", AllowEmpty: true}); err != nil {
			t.Fatal(err)
		}
		states = append(states, maps.Clone(now))
	}
	for range 200 {
		back := r.IntN(len(states))
		rev, was := fmt.Sprint("HEAD~", back), states[len(states)-1-back]
		o := vdb.Restore{From: rev, Table: "things", Exact: r.IntN(2) == 0, Follow: r.IntN(2) == 0, CountOnly: r.IntN(2) == 0}
		from, to, a := int64(0), int64(cellKeys), ""
		if r.IntN(2) == 0 {
			from, to = r.Int64N(cellKeys), r.Int64N(cellKeys)
			o.Range = vdb.Range{From: []any{from}, To: []any{to}}
		}
		if r.IntN(2) == 0 {
			a = fmt.Sprint("v", r.IntN(4))
			o.Where = map[string]any{"a": a}
		}
		want := maps.Clone(now)
		for id := from; id < to; id++ {
			then := was[id] != "" && (a == "" || was[id] == a)
			is := o.Exact && now[id] != "" && (a == "" || now[id] == a)
			if !then && !is {
				continue
			}
			if want[id] = was[id]; was[id] == "" {
				delete(want, id)
			}
		}
		done, err := main.Restore(t.Context(), o)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		got := cellsOf(t, asOf(t, main, "WORKING"))
		if !maps.Equal(got, want) {
			t.Fatalf("%+v: %v, want %v; it was %v, is %v", o, got, want, was, now)
		}
		changed := 0
		for id := range int64(cellKeys) {
			if want[id] != now[id] {
				changed++
			}
		}
		if n := done.Counts["things"].Total(); int(n) != changed || o.CountOnly == (len(done.Changes) > 0) && n > 0 {
			t.Fatalf("%+v: %v counted, %d listed, %d rows changed", o, done.Counts, len(done.Changes), changed)
		}
		now = want
		if r.IntN(3) == 0 {
			update(t, main, func(tx *vdb.Tx) error { return editCells(tx, r, now) })
		}
	}
}
