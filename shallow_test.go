package vdb_test

import (
	"path/filepath"
	"testing"

	"github.com/vdbgo/vdb"
)

func (b box) log(rev string) (all []vdb.Hash) {
	b.t.Helper()
	for c, err := range b.Log(b.t.Context(), &vdb.LogOptions{From: rev}) {
		succeeds(b.t, err)
		all = append(all, c.Hash)
	}
	return all
}

// A shallow clone works as others do: it commits, merges, collects, pushes, serves
// clones, survives a reopen, and gets the rest of its history when asked.
func TestShallowClone(t *testing.T) {
	ctx := t.Context()
	full := newBox(t, 300)
	for i := range 20 {
		full.put("main", 1, func(int) int { return i })
	}
	shallow := full.clone(&vdb.CloneOptions{Depth: 3})
	if n := len(shallow.log("")); n != 3 {
		t.Fatalf("%d commits came, not 3", n)
	}
	shallow.mustEqual(full, "main")
	if _, err := shallow.AsOf(ctx, "HEAD~3"); err == nil {
		t.Error("a commit is there that did not come")
	}
	for range 5 {
		shallow.put("main", 1, func(int) int { return 1000 })
	}
	if _, err := shallow.CreateBranch(ctx, "side", "HEAD~6"); err != nil {
		t.Fatal(err)
	}
	shallow.put("side", 1, func(int) int { return 2000 })
	if _, err := shallow.branch("main").Merge(ctx, "side", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := shallow.Collect(ctx, &vdb.CollectOptions{Full: true}); err != nil {
		t.Fatal(err)
	}
	again := shallow.reopened()
	report, err := again.Check(ctx, nil)
	succeeds(t, err)
	if !report.OK() || report.Commits != 3+5+1+1 {
		t.Errorf("check of a shallow clone: %+v", report)
	}
	if _, err := again.Usage(ctx, nil); err != nil {
		t.Error(err)
	}
	if n, want := len(again.log("")), 3+5+1+1; n != want {
		t.Errorf("%d commits are left, not %d", n, want)
	}
	second := again.clone(nil)
	second.mustEqual(again, "main")
	if got, want := len(second.log("")), len(again.log("")); got != want {
		t.Errorf("a clone of it has %d commits, not %d", got, want)
	}
	succeeds(t, again.Push(ctx, "origin", nil))
	full.mustEqual(again, "main")
	if n, want := len(full.log("")), 22+5+1+1; n != want {
		t.Errorf("%d commits after the push, not %d", n, want)
	}
	full.put("main", 1, func(int) int { return 3000 })
	if _, err := again.Fetch(ctx, "origin", &vdb.FetchOptions{Depth: vdb.FullDepth}); err != nil {
		t.Fatal(err)
	}
	if _, err := again.branch("main").Pull(ctx, "origin", nil); err != nil {
		t.Fatal(err)
	}
	if got, want := again.log(""), full.log(""); len(got) != len(want) {
		t.Errorf("%d commits after fetching all, not %d", len(got), len(want))
	}
	if _, err := again.Collect(ctx, &vdb.CollectOptions{Full: true}); err != nil {
		t.Fatal(err)
	}
	again.mustEqual(full, "main~15")
}

// reopened closes the box and opens it again.
func (b box) reopened() box {
	b.t.Helper()
	succeeds(b.t, b.Close())
	db, err := vdb.Open(b.t.Context(), filepath.Clean(b.Path()), nil)
	succeeds(b.t, err)
	b.t.Cleanup(func() { db.Close() })
	return box{db, b.t}
}
