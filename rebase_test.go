package vdb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// rebaseFork has two commits on main and three on the branch side: each puts a
// row of its own number into things.
func rebaseFork(t *testing.T) (*vdb.DB, *vdb.Branch, *vdb.Branch) {
	t.Helper()
	db, main := thingsDB(t)
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(2) {
		putThing(t, main, 100+i)
	}
	for i := range int64(3) {
		putThing(t, side, 200+i)
	}
	return db, main, side
}

func putThing(t *testing.T, b *vdb.Branch, id int64) {
	t.Helper()
	update(t, b, func(tx *vdb.Tx) error { return tx.Put("things", thing(id, "new", 1, 1)) })
	commit(t, b, fmt.Sprint("thing ", id))
}

// texts returns the texts of the commits that a branch has beyond a revision.
func textsBeyond(t *testing.T, b *vdb.Branch, rev string) []string {
	t.Helper()
	texts := []string{}
	for c, err := range b.Log(t.Context(), &vdb.LogOptions{From: rev + "..HEAD"}) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.ReplaceAll(c.Text, "\n", "|"))
	}
	return texts
}

func TestRebase(t *testing.T) {
	db, main, side := rebaseFork(t)
	old, err := side.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tip, err := side.Rebase(t.Context(), "main", &vdb.RebaseOptions{Committer: "Support"})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, textsBeyond(t, side, "main"), []string{"thing 202", "thing 201", "thing 200"})
	head, err := side.Head(t.Context())
	if err != nil || head.Hash != tip.Hash || tip.Author != "Audit" || tip.Committer != "Support" || !tip.Time.Equal(old.Time) {
		t.Errorf("head %+v, tip %+v, %v", head, tip, err)
	}
	if is, err := db.IsAncestor(t.Context(), "main", "side"); !is || err != nil {
		t.Errorf("main is no ancestor: %v", err)
	}
	again, err := side.Rebase(t.Context(), "main", nil)
	if err != nil || again.Hash != tip.Hash {
		t.Errorf("rebased again: %v, %v", again, err)
	}
	forward, err := main.Rebase(t.Context(), "side", nil)
	if err != nil || forward.Hash != tip.Hash {
		t.Errorf("rebased onto a descendant: %v, %v", forward, err)
	}
	if s := asOf(t, main, "WORKING"); s.Root() != tip.Root {
		t.Error("the working set did not follow")
	}
}

func TestRebasePlan(t *testing.T) {
	_, _, side := rebaseFork(t)
	plan, err := side.PlanRebase(t.Context(), "main")
	if err != nil || len(plan) != 3 || plan[0].Text != "thing 200" {
		t.Fatalf("plan %v, %v", plan, err)
	}
	head, err := side.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	try := func(actions ...vdb.RebaseAction) error {
		t.Helper()
		if err := side.ResetHard(t.Context(), head.Hash.String()); err != nil {
			t.Fatal(err)
		}
		steps := append([]vdb.RebaseStep{}, plan...)
		for i, a := range actions {
			steps[i].Action = a
			if a == vdb.RebaseReword {
				steps[i].Text = "reworded"
			}
		}
		_, err := side.Rebase(t.Context(), "main", &vdb.RebaseOptions{Plan: steps, Head: head.Hash})
		return err
	}
	for _, c := range []struct {
		actions []vdb.RebaseAction
		want    []string
	}{
		{[]vdb.RebaseAction{"pick", "squash", "squash"}, []string{"thing 200||thing 201||thing 202"}},
		{[]vdb.RebaseAction{"reword", "fixup", "pick"}, []string{"thing 202", "reworded"}},
		{[]vdb.RebaseAction{"drop", "pick", "fixup"}, []string{"thing 201"}},
		{[]vdb.RebaseAction{"drop", "drop", "drop"}, nil},
	} {
		if err := try(c.actions...); err != nil {
			t.Errorf("%v: %v", c.actions, err)
		}
		wantLines(t, textsBeyond(t, side, "main"), c.want)
	}
	wantError(t, try("squash"), vdb.ErrInvalid)
	wantError(t, try("drop", "fixup"), vdb.ErrInvalid)
	wantError(t, try("edit"), vdb.ErrInvalid)
	plan[0].Commit = vdb.Hash{1}
	if err := try("pick"); err == nil {
		t.Error("a commit that is not there was picked")
	}
}

func TestRebaseRefused(t *testing.T) {
	_, main, side := rebaseFork(t)
	ctx := t.Context()
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "main", 5, 5)) })
	commit(t, main, "one")
	update(t, side, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "side", 6, 6)) })
	_, err := side.Rebase(ctx, "main", nil)
	wantError(t, err, vdb.ErrUncommitted)
	commit(t, side, "one too")
	before, err := side.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = side.Rebase(ctx, "main", nil)
	wantError(t, err, vdb.ErrConflict)
	if err == nil || !strings.Contains(err.Error(), "one too") {
		t.Errorf("the error does not name the commit: %v", err)
	}
	if after, err := side.Head(ctx); err != nil || after.Hash != before.Hash {
		t.Errorf("the branch moved to %v, %v", after, err)
	}
	if _, err := side.Rebase(ctx, "main", &vdb.RebaseOptions{Take: vdb.Theirs}); err != nil {
		t.Error(err)
	}
	_, err = side.Rebase(ctx, "main", &vdb.RebaseOptions{Head: before.Hash})
	wantError(t, err, vdb.ErrInvalid)
	_, err = side.Rebase(ctx, "nope", nil)
	wantError(t, err, vdb.ErrNotFound)
	_, err = side.Rebase(ctx, "main", &vdb.RebaseOptions{Take: vdb.Working})
	wantError(t, err, vdb.ErrInvalid)
}

// Commits whose change is there already are left out, unless they are asked for.
func TestRebaseEmpty(t *testing.T) {
	_, _, side := rebaseFork(t)
	ctx := t.Context()
	if _, err := side.Commit(ctx, vdb.Message{Author: "Audit", Text: "empty", AllowEmpty: true}); err != nil {
		t.Fatal(err)
	}
	main, err := side.DB().Branch(ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := main.CherryPick(ctx, "side~2", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := side.Rebase(ctx, "main", nil); err != nil {
		t.Fatal(err)
	}
	wantLines(t, textsBeyond(t, side, "main"), []string{"empty", "thing 202", "thing 200"})
}
