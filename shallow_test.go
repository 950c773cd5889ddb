package vdb_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
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

// A shallow clone that is cut goes on where it was, also if more history is asked for
// then.
func TestShallowCloneCut(t *testing.T) {
	ctx := t.Context()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	full := smallBox(t)
	for i := range 8 {
		full.put("main", 30, func(k int) int { return 10*k + i })
	}
	succeeds(t, full.Compact(ctx)) // chunks travel one by one
	all := len(full.log(""))
	var answer []byte
	cut := -1
	w := &wire{
		handler: remote.Handler(full.DB, &remote.HandlerOptions{Allow: func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }}),
		response: func(path string, body []byte) ([]byte, error) {
			if !isFetch(path) {
				return body, nil
			}
			if answer = body; cut >= 0 {
				return body[:cut], io.ErrUnexpectedEOF
			}
			return body, nil
		},
	}
	open := &vdb.Options{Remotes: &remote.Options{Client: &http.Client{Transport: w}, Attempts: 1}}
	clone := func(path string, depth int) (*vdb.DB, error) {
		return vdb.Clone(ctx, "http://full", path, &vdb.CloneOptions{Depth: depth, Open: open})
	}
	db, err := clone(filepath.Join(t.TempDir(), "whole"), 3)
	succeeds(t, err)
	succeeds(t, db.Close())
	whole := len(answer)
	resumed := 0
	cuts := places(r, answer)
	for i := range 20 {
		path := filepath.Join(t.TempDir(), "clone")
		depth := []int{3, 3, 5, 0}[r.IntN(4)]
		cut = cuts[r.IntN(len(cuts))]
		if i == 0 {
			cut, depth = cuts[len(cuts)-1], 3
		}
		if _, err := clone(path, 3); !errors.Is(err, remote.ErrInterrupted) {
			t.Fatalf("cut after %d of %d bytes: %v", cut, whole, err)
		}
		cut = -1
		db, err := clone(path, depth)
		succeeds(t, err)
		if depth == 3 && len(answer) < whole/2 {
			resumed++
		}
		if depth == 0 {
			depth = all
		}
		there := box{db, t}
		if n := len(there.log("")); n != depth {
			t.Errorf("%d commits came, not %d", n, depth)
		}
		there.mustEqual(full, "main")
		there.mustBeWhole()
		succeeds(t, db.Close())
	}
	if resumed == 0 {
		t.Error("no clone went on where it was cut")
	}
}
