package vdb_test

import (
	"testing"

	"github.com/vdbgo/vdb"
)

func TestStartRevert(t *testing.T) {
	_, main := thingsDB(t)
	ctx := t.Context()
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "bad", 1, 1)) })
	bad := commit(t, main, "bad")
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "later", 1, 1)) })
	head := commit(t, main, "later")

	_, err := main.StartRevert(ctx, bad.Hash.String(), nil)
	wantError(t, err, vdb.ErrConflict)
	if s, err := main.Status(ctx); err != nil || !s.Merging {
		t.Fatalf("not in progress: %+v, %v", s, err)
	}
	if err := main.Abort(ctx); err != nil {
		t.Fatal(err)
	}
	if asOf(t, main, "WORKING").Root() != head.Root {
		t.Error("the abort left something behind")
	}
	_, err = main.StartRevert(ctx, bad.Hash.String(), nil)
	wantError(t, err, vdb.ErrConflict)
	if err := main.ResolveConflicts(ctx, vdb.Resolution{Take: vdb.Theirs}); err != nil {
		t.Fatal(err)
	}
	c, err := main.Commit(ctx, vdb.Message{Committer: "Support"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Parents) != 1 || c.Parents[0] != head.Hash || c.Subject() != `Revert "bad"` {
		t.Errorf("commit %q with parents %v", c.Text, c.Parents)
	}
	row, err := asOf(t, main, "HEAD").Get("things", 1)
	if err != nil || row[1].Text() != "t" {
		t.Errorf("row %v, %v", row, err)
	}
	_, err = main.StartRevert(ctx, "HEAD~3..HEAD", nil)
	wantError(t, err, vdb.ErrInvalid)
}

func TestStartCherryPick(t *testing.T) {
	db, main := thingsDB(t)
	ctx := t.Context()
	side, err := db.CreateBranch(ctx, "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	update(t, side, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "side", 1, 1)) })
	commit(t, side, "one")
	update(t, side, func(tx *vdb.Tx) error { return tx.Put("things", thing(2, "side", 1, 1)) })
	commit(t, side, "two")
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(2, "main", 1, 1)) })
	head := commit(t, main, "mine")

	c, err := main.StartCherryPick(ctx, "side~", &vdb.RevertOptions{Message: vdb.Message{Text: "one, picked"}})
	if err != nil || c.Text != "one, picked" || c.Author != "Audit" || c.Parents[0] != head.Hash {
		t.Fatalf("picked %+v, %v", c, err)
	}
	_, err = main.StartCherryPick(ctx, "side~", nil)
	wantError(t, err, vdb.ErrNothingToCommit)
	_, err = main.StartCherryPick(ctx, "side", nil)
	wantError(t, err, vdb.ErrConflict)
	_, err = main.StartCherryPick(ctx, "side", nil)
	wantError(t, err, vdb.ErrMerging)
	n := 0
	for conflict, err := range main.Conflicts(ctx) {
		if err != nil || conflict.Table != "things" {
			t.Errorf("conflict %v, %v", conflict, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d conflicts", n)
	}
	if err := main.ResolveConflicts(ctx, vdb.Resolution{Take: vdb.Theirs}); err != nil {
		t.Fatal(err)
	}
	picked, err := main.CommitStaged(ctx, vdb.Message{})
	if err != nil || picked.Text != "two" || picked.Author != "Audit" || len(picked.Parents) != 1 {
		t.Errorf("picked %+v, %v", picked, err)
	}
}
