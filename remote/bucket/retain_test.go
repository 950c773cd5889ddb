package bucket_test

import (
	"path/filepath"
	"testing"

	"github.com/vdbgo/vdb"
)

// squash takes the commits in the middle of lines out of history, and collects.
func (b box) squash() int {
	b.t.Helper()
	ctx := b.t.Context()
	succeeds(b.t, b.SetRetention(ctx, "*", vdb.Retention{{Every: vdb.KeepNone}}))
	done, err := b.Retain(ctx, nil)
	succeeds(b.t, err)
	_, err = b.Collect(ctx, &vdb.CollectOptions{Full: true})
	succeeds(b.t, err)
	return len(done.Commits)
}

// history counts commits, those that were squashed for themselves.
func (b box) history() (kept, squashed int) {
	b.t.Helper()
	for c, err := range b.Log(b.t.Context(), nil) {
		succeeds(b.t, err)
		if kept++; c.Squashed != nil {
			squashed += c.Squashed.Commits
		}
	}
	report, err := b.Check(b.t.Context(), nil)
	succeeds(b.t, err)
	if !report.OK() {
		b.t.Fatalf("check: %+v", report)
	}
	return kept, squashed
}

func (b box) wantHistory(kept, squashed int) {
	b.t.Helper()
	if k, s := b.history(); k != kept || s != squashed {
		b.t.Errorf("%d commits are left and %d were squashed, not %d and %d", k, s, kept, squashed)
	}
}

// What one has squashed before the push reaches others through a bucket as it is, and
// who was behind goes on.
func TestRetained(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.connect(p.url())
	for i := range 3 {
		a.commit("main", i*10, 10)
	}
	succeeds(t, a.push(nil))
	b := mustClone(t, p.url(), nil)
	for i := range 5 {
		a.commit("main", 100+i*10, 10)
	}
	if n := a.squash(); n != 3+4 { // where the remote is stays
		t.Errorf("%d commits were squashed", n)
	}
	a.wantHistory(3, 7)
	succeeds(t, a.push(nil))
	b.wantHistory(5, 0)
	if _, err := b.branch("main").Pull(t.Context(), "origin", nil); err != nil || b.head("main") != a.head("main") {
		t.Fatalf("pull: %v", err)
	}
	b.wantHistory(6, 4)
	mustClone(t, p.url(), nil).wantHistory(6, 4)
	b.commit("main", 1000, 1)
	succeeds(t, b.push(nil))
	_, err := a.branch("main").Pull(t.Context(), "origin", nil)
	succeeds(t, err)
	a.wantHistory(4, 7)
}

// A backup that was begun before goes on after commits were squashed.
func TestBackupRetained(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	for range 3 {
		for i := range 3 {
			a.commit("main", i*10, 10)
		}
		if _, err := a.Backup(t.Context(), p.url(), nil); err != nil {
			t.Fatal(err)
		}
		kept, squashed := a.history()
		db, err := vdb.RestoreBackup(t.Context(), p.url(), filepath.Join(t.TempDir(), "restored"), &vdb.BackupOptions{Open: options(nil)})
		succeeds(t, err)
		box{db, t}.wantHistory(kept, squashed)
		succeeds(t, db.Close())
		a.squash()
	}
	a.wantHistory(2, 9)
}
