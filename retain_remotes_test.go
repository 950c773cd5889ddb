package vdb_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// clone makes a box of another one, with the same clock.
func (b timed) clone(o *vdb.CloneOptions) timed {
	b.t.Helper()
	if o == nil {
		o = &vdb.CloneOptions{}
	}
	o.Open = &vdb.Options{Now: func() time.Time { return *b.now }}
	db, err := vdb.Clone(b.t.Context(), b.Path(), filepath.Join(b.t.TempDir(), "clone"), o)
	succeeds(b.t, err)
	b.t.Cleanup(func() { db.Close() })
	return timed{box{db, b.t}, b.now}
}

func (b timed) pull() *vdb.Commit {
	b.t.Helper()
	c, err := b.branch("main").Pull(b.t.Context(), "origin", nil)
	succeeds(b.t, err)
	return c
}

func mustBeEqual(t testing.TB, got, want []vdb.Hash) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the log has %d commits, not %d", len(got), len(want))
	}
}

// A clone goes on from commits that the remote has squashed meanwhile.
func TestPullFromRetained(t *testing.T) {
	for _, lag := range []int{1, 59, 90} {
		remote := newTimed(t, filepath.Join(t.TempDir(), "remote"))
		remote.commits("main", 45)
		clone := remote.clone(nil)
		seen := clone.log("")
		remote.commits("main", lag)
		old := remote.log("")
		remote.retainHourly()
		if got, err := clone.branch("main").Pull(t.Context(), "origin", nil); err != nil || got.Hash != remote.head("main") {
			t.Fatalf("pull after %d commits: %v, %v", lag, got, err)
		}
		log := clone.log("")
		if tail := log[len(log)-len(seen):]; !slices.Equal(tail, seen) {
			t.Errorf("after %d commits: the clone's own history is gone", lag)
		}
		squashed := 0
		for c, err := range clone.Log(t.Context(), nil) {
			succeeds(t, err)
			if c.Squashed != nil {
				squashed += c.Squashed.Commits
			}
		}
		if squashed+len(log) != len(old) {
			t.Errorf("after %d commits: %d commits and %d squashed, not %d", lag, len(log), squashed, len(old))
		}
		clone.collect()
		clone.mustBeWhole()
		clone.commits("main", 3)
		succeeds(t, clone.Push(t.Context(), "origin", nil))
		remote.mustEqual(clone.box, "main")
		remote.mustBeWhole()
	}
}

// What was squashed here does not come back, and is not missed there.
func TestFetchIntoRetained(t *testing.T) {
	t.Run("collected", func(t *testing.T) { fetchIntoRetained(t, timed.retainHourly) })
	t.Run("stored", func(t *testing.T) { fetchIntoRetained(t, timed.squashHourly) })
}

func fetchIntoRetained(t *testing.T, retain func(timed) *vdb.Retained) {
	ctx := t.Context()
	remote := newTimed(t, filepath.Join(t.TempDir(), "remote"))
	remote.commits("main", 130)
	clone := remote.clone(nil)
	retain(clone)
	kept := clone.log("")
	remote.commits("main", 5)
	full := remote.log("")
	clone.pull()
	mustBeEqual(t, clone.log(""), append(slices.Clone(full[:5]), kept...))
	clone.commits("main", 61)
	retain(clone)
	kept = clone.log("")
	succeeds(t, clone.Push(ctx, "origin", nil))
	remote.mustEqual(clone.box, "main")
	remote.mustBeWhole()
	if got := remote.log(""); !slices.Equal(got[len(got)-len(full):], full) || slices.Equal(got, kept) {
		t.Error("a push has changed the remote's history")
	}
	result, err := clone.Fetch(ctx, "origin", &vdb.FetchOptions{Depth: vdb.FullDepth})
	succeeds(t, err)
	if result.Chunks != 0 {
		t.Errorf("%d chunks came of what was squashed", result.Chunks)
	}
	mustBeEqual(t, clone.log(""), kept)
	clone.collect()
	mustBeEqual(t, clone.box.reopened().log(""), kept)
}

// A branch that begins at a commit that was squashed brings that back, and no more.
func TestBranchFromSquashed(t *testing.T) {
	ctx := t.Context()
	for _, collected := range []bool{false, true} {
		remote := newTimed(t, filepath.Join(t.TempDir(), "remote"))
		remote.commits("main", 130)
		clone := remote.clone(nil)
		all := remote.log("")
		fork := all[100]
		if collected {
			remote.retainHourly()
		} else {
			remote.squashHourly()
		}
		kept := remote.log("")
		succeeds(t, ignore(clone.CreateBranch(ctx, "side", fork.String())))
		clone.commits("side", 1)
		succeeds(t, ignore(clone.CreateBranch(ctx, "there", all[80].String())))
		succeeds(t, clone.Push(ctx, "origin", nil))
		for _, b := range []timed{remote, clone} {
			base, err := b.MergeBase(ctx, "main", "side")
			succeeds(t, err)
			if base.Hash != fork {
				t.Errorf("the merge base is %s, not %s", base.Hash, fork)
			}
			succeeds(t, ignore(b.Resolve(ctx, fork.String())))
			succeeds(t, ignore(b.Resolve(ctx, all[80].String())))
			b.collect()
			b.mustBeWhole()
		}
		if got := remote.log("main"); len(got) != len(kept)+2 {
			t.Errorf("%d commits of main after two came back to %d", len(got), len(kept))
		}
		succeeds(t, ignore(remote.Retain(ctx, nil)))
		remote.collect()
		remote.mustBeWhole()
		remote.mustEqual(clone.box, "side")
	}
}

// Clones, shallow ones, and backups of a history that was squashed.
func TestCloneRetained(t *testing.T) {
	ctx := t.Context()
	remote := newTimed(t, filepath.Join(t.TempDir(), "remote"))
	place := filepath.Join(t.TempDir(), "backup")
	remote.commits("main", 200)
	full := remote.clone(nil)
	fork := remote.log("")[120]
	succeeds(t, ignore(remote.Backup(ctx, place, nil)))
	remote.retainHourly()
	kept := remote.log("")
	clone := remote.clone(nil)
	mustBeEqual(t, clone.log(""), kept)
	head, err := clone.Resolve(ctx, kept[21].String())
	succeeds(t, err)
	if head.Squashed == nil || head.Squashed.Commits != 59 {
		t.Errorf("a clone knows of %+v", head.Squashed)
	}
	clone.mustBeWhole()
	shallow := remote.clone(&vdb.CloneOptions{Depth: 22})
	mustBeEqual(t, shallow.log(""), kept[:22])
	remote.commits("main", 1)
	kept = remote.log("")
	succeeds(t, ignore(shallow.Fetch(ctx, "origin", &vdb.FetchOptions{Depth: vdb.FullDepth})))
	shallow.pull()
	mustBeEqual(t, shallow.log(""), kept)
	shallow.collect()
	shallow.mustBeWhole()

	// A commit comes back, and the next backup has it, too.
	for range 2 {
		succeeds(t, ignore(remote.Backup(ctx, place, nil)))
		db, err := vdb.RestoreBackup(ctx, place, filepath.Join(t.TempDir(), "restored"), nil)
		succeeds(t, err)
		restored := box{db, t}
		mustBeEqual(t, restored.log(""), remote.log(""))
		restored.collect()
		restored.mustBeWhole()
		succeeds(t, db.Close())
		succeeds(t, ignore(full.CreateBranch(ctx, "side", fork.String())))
		succeeds(t, full.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"side"}}))
		if len(remote.log("")) == len(kept) {
			t.Error("nothing came back")
		}
		succeeds(t, full.DeleteBranch(ctx, "side"))
	}
}

// A history that a remote squashes after it was cut for a clone.
func TestDeepenRetained(t *testing.T) {
	ctx := t.Context()
	remote := newTimed(t, filepath.Join(t.TempDir(), "remote"))
	remote.commits("main", 179)
	clone := remote.clone(&vdb.CloneOptions{Depth: 1})
	place := filepath.Join(t.TempDir(), "backup")
	succeeds(t, ignore(clone.Backup(ctx, place, nil)))
	remote.commits("main", 1)
	remote.retainHourly()
	succeeds(t, ignore(clone.Fetch(ctx, "origin", &vdb.FetchOptions{Depth: vdb.FullDepth})))
	clone.pull()
	mustBeEqual(t, clone.log(""), remote.log(""))
	clone.collect()
	clone.mustBeWhole()
	succeeds(t, ignore(clone.Backup(ctx, place, nil)))
	db, err := vdb.RestoreBackup(ctx, place, filepath.Join(t.TempDir(), "restored"), nil)
	succeeds(t, err)
	defer db.Close()
	mustBeEqual(t, box{db, t}.log(""), remote.log(""))
	box{db, t}.mustBeWhole()
}
