package vdb_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/vdbgo/vdb"
)

// lastError runs a sequence to its end.
func lastError[T any](seq iter.Seq2[T, error]) error {
	var last error
	for _, err := range seq {
		last = err
	}
	return last
}

// verbs calls each verb that reads or changes a branch in its history.
func verbs(ctx context.Context, b *vdb.Branch) map[string]error {
	failed := map[string]error{}
	d := b.Diff(ctx, "HEAD~", "HEAD")
	failed["Diff.Tables"] = lastError(d.Tables())
	failed["Diff.Rows"] = lastError(d.Rows("customers"))
	_, failed["Diff.Count"] = d.Count("customers")
	failed["Show"] = lastError(b.Show(ctx, "HEAD").Tables())
	_, failed["Status"] = b.Status(ctx)
	_, failed["Revert"] = b.Revert(ctx, "HEAD", nil)
	_, failed["CherryPick"] = b.CherryPick(ctx, "HEAD~", nil)
	_, failed["Restore"] = b.Restore(ctx, vdb.Restore{From: "HEAD~", Table: "customers"})
	_, failed["Restore and commit"] = b.Restore(ctx, vdb.Restore{From: "HEAD~", Table: "customers", Message: &vdb.Message{}})
	_, failed["dry run"] = b.Restore(ctx, vdb.Restore{From: "HEAD~", Table: "customers", DryRun: true})
	failed["ResetHard"] = b.ResetHard(ctx, "HEAD~")
	failed["ResetSoft"] = b.ResetSoft(ctx, "HEAD~")
	failed["ResetTables"] = b.ResetTables(ctx, "HEAD~", "customers")
	failed["History"] = lastError(b.History(ctx, "customers", "c001"))
	failed["Blame"] = lastError(b.Blame(ctx, "customers", vdb.Range{}))
	failed["Watch"] = lastError(b.Watch(ctx, "HEAD~"))
	return failed
}

func TestVerbsCancelled(t *testing.T) {
	_, main := companyDB(t, 10)
	badDay(t, main, 3)
	before := branchRoots(t, main)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for verb, err := range verbs(ctx, main) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", verb, err)
		}
	}
	if branchRoots(t, main) != before {
		t.Error("the branch changed")
	}
}

func TestVerbsCancelledInTheMiddle(t *testing.T) {
	_, main := companyDB(t, 2000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	err := lastError(func(yield func(vdb.RowChange, error) bool) {
		for change, err := range main.Show(ctx, "HEAD").Rows("issues") {
			if n++; n == 10 {
				cancel()
			}
			if !yield(change, err) {
				return
			}
		}
	})
	wantError(t, err, context.Canceled)
	if n > 2000 {
		t.Errorf("%d rows after the end", n)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	before := branchRoots(t, main)
	update(t, main, func(tx *vdb.Tx) error { return tx.DropTable("issues") })
	_, err = main.Restore(ctx, vdb.Restore{From: "HEAD", Table: "issues", Match: func(vdb.Row) bool {
		cancel()
		return true
	}})
	wantError(t, err, context.Canceled)
	if err := main.ResetHard(t.Context(), "HEAD"); err != nil {
		t.Fatal(err)
	}
	if branchRoots(t, main) != before {
		t.Error("the branch changed")
	}
}

func TestVerbsAfterClose(t *testing.T) {
	db, main := companyDB(t, 3)
	badDay(t, main, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for verb, err := range verbs(t.Context(), main) {
		if !errors.Is(err, vdb.ErrClosed) {
			t.Errorf("%s: error %v", verb, err)
		}
	}
}

func TestWatchEndsWithTheDatabase(t *testing.T) {
	db, main := thingsDB(t)
	for _, err := range main.Watch(t.Context(), "HEAD~") {
		if err != nil {
			wantError(t, err, vdb.ErrClosed)
			break
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRestoreAgainstUniqueness(t *testing.T) {
	_, main := thingsDB(t)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateIndex("things", vdb.Index{Name: "unique_b", Unique: true, Columns: []vdb.IndexColumn{{Name: "b"}}}),
			tx.Delete("things", 1),
			tx.Put("things", thing(9, "taken", 10, 0)),
		)
	})
	commit(t, main, "unique")
	before := branchRoots(t, main)
	for _, o := range []vdb.Restore{
		{From: "HEAD~", Table: "things"},
		{From: "HEAD~", Table: "things", DryRun: true},
		{From: "HEAD~", Table: "things", Message: &vdb.Message{}},
	} {
		_, err := main.Restore(t.Context(), o)
		var violations *vdb.ConstraintError
		if !errors.As(err, &violations) || violations.Violations[0].Kind != vdb.ViolatesUnique {
			t.Errorf("%+v: error %v", o, err)
		}
	}
	if branchRoots(t, main) != before {
		t.Error("the branch changed")
	}
}
