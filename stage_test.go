package vdb_test

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// stagedTables names the tables that differ between two revisions of a branch.
func stagedTables(t testing.TB, b *vdb.Branch, from, to string) []string {
	t.Helper()
	names := []string{}
	for change, err := range b.Diff(t.Context(), from, to).Tables() {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, change.Name())
	}
	return names
}

func TestStage(t *testing.T) {
	_, main := companyDB(t, 3)
	ctx := t.Context()
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("billing", vdb.Row{vdb.Text("c001"), vdb.Int(7)}), tx.Delete("events", 1), tx.CreateTable(things))
	})
	check := func(what string, err error, staged, left []string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		wantLines(t, stagedTables(t, main, "HEAD", "STAGED"), staged)
		wantLines(t, stagedTables(t, main, "STAGED", "WORKING"), left)
	}
	check("two", main.Stage(ctx, "Billing", "things"), []string{"billing", "things"}, []string{"events"})
	check("unstage one", main.Unstage(ctx, "THINGS"), []string{"billing"}, []string{"events", "things"})
	check("unstage all", main.Unstage(ctx), nil, []string{"billing", "events", "things"})
	check("all but one", main.StageAll(ctx, "things"), []string{"billing", "events"}, []string{"things"})
	check("all", main.StageAll(ctx), []string{"billing", "events", "things"}, nil)
	check("unstage two", main.Unstage(ctx, "events", "things"), []string{"billing"}, []string{"events", "things"})

	working := asOf(t, main, "WORKING").Root()
	c, err := main.CommitStaged(ctx, vdb.Message{Author: "Billing", Text: "bills only"})
	check("commit", err, nil, []string{"events", "things"})
	wantLines(t, stagedTables(t, main, c.Hash.String()+"~", c.Hash.String()), []string{"billing"})
	if asOf(t, main, "WORKING").Root() != working {
		t.Error("the working set changed")
	}
	wantError(t, main.Stage(ctx, "nope"), vdb.ErrNotFound)
	_, err = main.CommitStaged(ctx, vdb.Message{Text: "nothing"})
	wantError(t, err, vdb.ErrNothingToCommit)
	_, err = main.CommitStaged(ctx, vdb.Message{Text: "tables", Tables: []string{"events"}})
	wantError(t, err, vdb.ErrInvalid)
	amended, err := main.CommitStaged(ctx, vdb.Message{Text: "bills", Amend: true})
	if err != nil || amended.Parents[0] != c.Parents[0] || amended.Root != c.Root || amended.Author != "Billing" {
		t.Errorf("amended %+v, %v", amended, err)
	}
}

// A version that is sound only with what is not staged is refused.
func TestCommitStagedStandsAlone(t *testing.T) {
	_, main := companyDB(t, 3)
	ctx := t.Context()
	update(t, main, func(tx *vdb.Tx) error { return putCustomer(tx, 9) })
	if err := main.Stage(ctx, "projects"); err != nil {
		t.Fatal(err)
	}
	_, err := main.CommitStaged(ctx, vdb.Message{Text: "no customer"})
	wantError(t, err, vdb.ErrConstraint)
	if err := main.Stage(ctx, "customers"); err != nil {
		t.Fatal(err)
	}
	if _, err := main.CommitStaged(ctx, vdb.Message{Text: "with customer"}); err != nil {
		t.Fatal(err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.RenameTable("events", "happenings") })
	if err := main.Stage(ctx, "happenings"); err != nil {
		t.Fatal(err)
	}
	_, err = main.CommitStaged(ctx, vdb.Message{Text: "half a rename"})
	wantError(t, err, vdb.ErrInvalid)
	if err := main.Stage(ctx, "events", "happenings"); err != nil {
		t.Fatal(err)
	}
	if _, err := main.CommitStaged(ctx, vdb.Message{Text: "renamed"}); err != nil {
		t.Fatal(err)
	}
}

func TestTableHash(t *testing.T) {
	_, main := companyDB(t, 3)
	before := asOf(t, main, "HEAD")
	hashOf := func(s *vdb.Snapshot, table string) vdb.Hash {
		t.Helper()
		h, err := s.TableHash(table)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("billing", vdb.Row{vdb.Text("c001"), vdb.Int(7)}) })
	changed := asOf(t, main, "WORKING")
	if hashOf(before, "billing") == hashOf(changed, "Billing") || hashOf(before, "events") != hashOf(changed, "events") {
		t.Error("the hashes do not follow the contents")
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("billing", vdb.Row{vdb.Text("c001"), vdb.Int(100)}) })
	if hashOf(before, "billing") != hashOf(asOf(t, main, "WORKING"), "billing") {
		t.Error("equal contents, other hash")
	}
	_, err := before.TableHash("nope")
	wantError(t, err, vdb.ErrNotFound)
}

func TestSnapshotViolations(t *testing.T) {
	db, main := companyDB(t, 3)
	if _, err := db.CreateBranch(t.Context(), "side", "main"); err != nil {
		t.Fatal(err)
	}
	side, err := db.Branch(t.Context(), "side")
	if err != nil {
		t.Fatal(err)
	}
	update(t, side, func(tx *vdb.Tx) error { return dropCustomer(tx, 1) })
	commit(t, side, "drop")
	update(t, main, func(tx *vdb.Tx) error {
		return tx.Put("projects", vdb.Row{vdb.Int(77), vdb.Text("c001"), vdb.Text("late")})
	})
	commit(t, main, "late project")
	_, err = main.Merge(t.Context(), "side", nil)
	wantError(t, err, vdb.ErrConstraint)
	for what, since := range map[string]*vdb.Snapshot{"head": asOf(t, main, "HEAD"), "all": nil} {
		n := 0
		for v, err := range asOf(t, main, "WORKING").Violations(since) {
			if err != nil || v.Table != "projects" || v.Kind != vdb.ViolatesForeignKey {
				t.Errorf("%s: %v, %v", what, v, err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s: %d violations", what, n)
		}
	}
	for v, err := range asOf(t, main, "HEAD").Violations(nil) {
		t.Errorf("sound, but %v, %v", v, err)
	}
}

// Triggers go with their table, and views are staged by their names.
func TestStageObjects(t *testing.T) {
	db, main := companyDB(t, 1)
	ctx := t.Context()
	update(t, main, func(tx *vdb.Tx) error { return tx.CreateTable(things) })
	base, err := db.Engine().Working(ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = db.Engine().Commit(ctx, "main", &vdb.EngineEdit{Base: base, Objects: []vdb.Object{
		{Type: "view", Name: "v", SQL: "CREATE VIEW v AS SELECT 1"},
		{Type: "trigger", Name: "a", Table: "things", SQL: "CREATE TRIGGER a AFTER DELETE ON things BEGIN SELECT 1; END"},
		{Type: "trigger", Name: "b", Table: "Events", SQL: "CREATE TRIGGER b AFTER DELETE ON events BEGIN SELECT 1; END"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		objects, err := asOf(t, main, "STAGED").Objects()
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, o := range objects {
			names = append(names, o.Name)
		}
		wantLines(t, names, want)
	}
	check("a table", main.Stage(ctx, "events"), "b")
	check("a view", main.Stage(ctx, "V"), "v", "b")
	check("not a table", main.Unstage(ctx, "events"), "v")
	check("all but a table", main.StageAll(ctx, "things"), "v", "b")
	check("all", main.StageAll(ctx), "v", "a", "b")
	check("none", main.Unstage(ctx))
	commit(t, main, "objects")
	check("after a reset", main.ResetTables(ctx, "HEAD~", "things", "v"), "v", "a", "b")
	check("of what is gone", main.StageAll(ctx), "b")
	update(t, main, func(tx *vdb.Tx) error { return tx.DropTable("events") })
	check("of a dropped table", main.StageAll(ctx))
	wantError(t, main.Stage(ctx, "w"), vdb.ErrNotFound)
}
