package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
)

func TestWatchUnderCommits(t *testing.T) {
	_, main := thingsDB(t)
	// A hash, because HEAD moves as soon as the writers run.
	root, err := main.Resolve(t.Context(), "HEAD~")
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 4, 25
	var group sync.WaitGroup
	for w := range int64(writers) {
		group.Go(func() {
			for i := range int64(each) {
				id := 1000*(w+1) + i
				if err := main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.Put("things", thing(id, "x", 1, 1)) }); err != nil {
					t.Error(err)
				}
				if _, err := main.Commit(t.Context(), vdb.Message{Text: "w", AllowEmpty: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[vdb.Hash]bool{}
	rows := map[string]bool{}
	var last *vdb.Commit
	for e, err := range main.Watch(t.Context(), root.Hash.String()) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[e.Commit.Hash] || last != nil && e.Commit.Parents[0] != last.Hash {
			t.Fatalf("commit %s after %s", e.Commit.Hash, last.Hash)
		}
		seen[e.Commit.Hash], last = true, e.Commit
		for change, err := range e.Diff.Rows("things") {
			if err != nil {
				t.Fatal(err)
			}
			rows[fmt.Sprint(change.Key)] = true
		}
		if len(rows) == 3+writers*each {
			break
		}
	}
	group.Wait()
}

func TestWatchEnds(t *testing.T) {
	db, main := thingsDB(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []string
	var ended error
	for e, err := range main.Watch(ctx, "HEAD~") {
		if err != nil {
			ended = err
			break
		}
		got = append(got, e.Commit.Text)
		cancel()
	}
	wantLines(t, got, []string{"things"})
	wantError(t, ended, context.Canceled)
	for _, err := range main.Watch(t.Context(), "nope") {
		wantError(t, err, vdb.ErrNotFound)
	}
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	commitThings(t, side, 1)
	for _, err := range side.Watch(t.Context(), "main") {
		if err != nil {
			wantError(t, err, vdb.ErrNotFound)
			break
		}
		if err := db.DeleteBranch(t.Context(), "side"); err != nil {
			t.Fatal(err)
		}
	}
}

// commitThings makes n commits of one row each.
func commitThings(t testing.TB, b *vdb.Branch, n int) {
	t.Helper()
	for i := range n {
		update(t, b, func(tx *vdb.Tx) error { return tx.Put("things", thing(100, fmt.Sprint(b.Name(), i), 0, 0)) })
		commit(t, b, fmt.Sprint(b.Name(), " ", i))
	}
}

func TestWatchReset(t *testing.T) {
	_, main := thingsDB(t)
	base, err := main.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commitThings(t, main, 3)
	n := 0
	var rewound *vdb.RewoundError
	for _, err := range main.Watch(t.Context(), base.Hash.String()) {
		if err != nil {
			if !errors.As(err, &rewound) {
				t.Fatal(err)
			}
			break
		}
		if n++; n == 3 {
			if err := main.ResetHard(t.Context(), base.Hash.String()); err != nil {
				t.Fatal(err)
			}
			update(t, main, func(tx *vdb.Tx) error { return tx.Delete("things", 1) })
			commit(t, main, "another way")
		}
	}
	if rewound == nil || rewound.Base.Hash != base.Hash || rewound.Seen.Text != "main 2" || rewound.Head.Text != "another way" {
		t.Fatalf("rewound %+v", rewound)
	}
}

func TestWatchReadsManyCommits(t *testing.T) {
	_, main := thingsDB(t)
	commitThings(t, main, 600)
	n := 0
	for e, err := range main.Watch(t.Context(), "HEAD~600") {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint("main ", n); e.Commit.Text != want {
			t.Fatalf("commit %q, want %q", e.Commit.Text, want)
		}
		if n++; n == 600 {
			break
		}
	}
}

func TestWatchSeesOtherProcesses(t *testing.T) {
	dir := t.TempDir()
	var dbs [2]*vdb.DB
	for i := range dbs {
		db, err := vdb.Open(t.Context(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		dbs[i] = db
	}
	watched, written := mainBranch(t, dbs[0]), mainBranch(t, dbs[1])
	update(t, written, func(tx *vdb.Tx) error { return tx.CreateTable(things) })
	go func() {
		for i := range int64(5) {
			if err := written.Update(t.Context(), func(tx *vdb.Tx) error { return tx.Put("things", thing(i, "x", 0, 0)) }); err != nil {
				t.Error(err)
			}
			if _, err := written.Commit(t.Context(), vdb.Message{Text: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		}
	}()
	var got []string
	for e, err := range watched.Watch(t.Context(), "HEAD") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e.Commit.Text); e.Commit.Text == "4" {
			break
		}
	}
	for i, text := range got {
		if text != fmt.Sprint(5-len(got)+i) {
			t.Fatalf("commits %v", got)
		}
	}
}
