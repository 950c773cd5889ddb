package vdb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

func mustRevert(t testing.TB, b *vdb.Branch, rev string, o *vdb.RevertOptions) *vdb.Commit {
	t.Helper()
	c, err := b.Revert(t.Context(), rev, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRevertGivesTheRootBack(t *testing.T) {
	_, main := companyDB(t, 30)
	whole := asOf(t, main, "HEAD")
	bad := badDay(t, main, 0, 7, 29)
	c := mustRevert(t, main, "HEAD", &vdb.RevertOptions{Message: vdb.Message{Author: "Op"}})
	if c.Root != whole.Root() || asOf(t, main, "WORKING").Root() != whole.Root() {
		t.Error("the root is not what it was")
	}
	if want := "Revert \"Routine maintenance\"\n\nThis reverts commit " + bad.Hash.String() + ".\n"; c.Text != want || c.Author != "Op" {
		t.Errorf("commit of %s: %q", c.Author, c.Text)
	}
	_, err := main.Revert(t.Context(), bad.Hash.String(), nil)
	wantError(t, err, vdb.ErrNothingToCommit)
}

func TestRevertKeepsLaterChanges(t *testing.T) {
	_, main := companyDB(t, 30)
	bad := badDay(t, main, 3, 4)
	for i := range 10 {
		update(t, main, func(tx *vdb.Tx) error {
			return errors.Join(putCustomer(tx, 40+i), tx.Put("customers", vdb.Row{vdb.Text(customerName(10 + i)), vdb.Text("new name"), vdb.Text("pro")}))
		})
		commit(t, main, fmt.Sprint("later ", i))
	}
	before := asOf(t, main, "HEAD")
	mustRevert(t, main, bad.Hash.String(), nil)
	d := before.Diff(asOf(t, main, "HEAD"))
	wantChanges(t, d, "customers", nil, "added ['c003'] [] → ['c003' 'Customer 3' 'basic'] []", "added ['c004'] [] → ['c004' 'Customer 4' 'basic'] []")
	for table, n := range map[string]uint64{"customers": 2, "billing": 2, "events": 4, "projects": 4, "issues": 12} {
		if counts, err := d.Count(table); err != nil || counts != (vdb.Counts{Added: n}) {
			t.Errorf("table %s: %v, %v", table, counts, err)
		}
	}
}

func TestRevertWithConflictsChangesNothing(t *testing.T) {
	db, main := thingsDB(t)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("things", thing(1, "bad", 10, 100)), tx.Delete("things", 2))
	})
	bad := commit(t, main, "bad")
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, "later", 10, 100)) })
	commit(t, main, "later")
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(8, "dirty", 1, 1)) })
	before := branchRoots(t, main)
	_, err := main.Revert(t.Context(), bad.Hash.String(), nil)
	wantError(t, err, vdb.ErrConflict)
	var conflict *vdb.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 || !strings.Contains(conflict.Conflicts[0].String(), "table things, row (1)") {
		t.Fatalf("error %v", err)
	}
	if after := branchRoots(t, main); after != before {
		t.Fatalf("the branch changed:\n%s\n%s", before, after)
	}
	for _, test := range []struct {
		o    vdb.RevertOptions
		want string
	}{
		{vdb.RevertOptions{Take: vdb.Ours}, "later"},
		{vdb.RevertOptions{Take: vdb.Theirs}, "t"},
		{vdb.RevertOptions{Resolve: map[string]func(vdb.Conflict) (vdb.Row, error){
			"Things": func(c vdb.Conflict) (vdb.Row, error) {
				return thing(1, c.Ours[1].Text()+"+"+c.Theirs[1].Text(), 10, 100), nil
			},
		}}, "later+t"},
	} {
		mustRevert(t, main, bad.Hash.String(), &test.o)
		if row, err := asOf(t, main, "HEAD").Get("things", 1); err != nil || row[1].Text() != test.want {
			t.Errorf("row %v, %v; want %s", row, err, test.want)
		}
		wantChanges(t, db.Diff(t.Context(), "HEAD", "WORKING"), "things", nil, "added [8] [] → [8 'dirty' 1 1] []")
		if err := main.ResetSoft(t.Context(), "HEAD~"); err != nil {
			t.Fatal(err)
		}
		if err := main.ResetTables(t.Context(), "HEAD", "things"); err != nil {
			t.Fatal(err)
		}
		update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(8, "dirty", 1, 1)) })
		if after := branchRoots(t, main); after != before {
			t.Fatalf("the branch is not as before:\n%s\n%s", before, after)
		}
	}
}

// branchRoots is all that a branch points to.
func branchRoots(t testing.TB, b *vdb.Branch) string {
	t.Helper()
	head, err := b.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(head.Hash, " ", asOf(t, b, "WORKING").Root(), " ", asOf(t, b, "STAGED").Root())
}

func TestRevertAgainstConstraints(t *testing.T) {
	_, main := companyDB(t, 3)
	update(t, main, func(tx *vdb.Tx) error { return putCustomer(tx, 9) })
	added := commit(t, main, "add")
	update(t, main, func(tx *vdb.Tx) error {
		return tx.Put("projects", vdb.Row{vdb.Int(99), vdb.Text("c009"), vdb.Text("later")})
	})
	commit(t, main, "later")
	before := branchRoots(t, main)
	_, err := main.Revert(t.Context(), added.Hash.String(), nil)
	var violations *vdb.ConstraintError
	if !errors.As(err, &violations) || len(violations.Violations) != 1 || violations.Violations[0].Table != "projects" {
		t.Fatalf("error %v", err)
	}
	if after := branchRoots(t, main); after != before {
		t.Fatal("the branch changed")
	}
}

func TestRevertCarriesIntoDirtyWorkingSet(t *testing.T) {
	db, main := companyDB(t, 10)
	badDay(t, main, 3)
	update(t, main, func(tx *vdb.Tx) error { return putCustomer(tx, 20) })
	mustRevert(t, main, "HEAD", nil)
	wantChanges(t, db.Diff(t.Context(), "HEAD", "WORKING"), "customers", nil, "added ['c020'] [] → ['c020' 'Customer 20' 'basic'] []")
	if n, err := asOf(t, main, "WORKING").Count("customers", vdb.Range{}); err != nil || n != 11 {
		t.Errorf("%d customers, %v", n, err)
	}

	bad := badDay(t, main, 4)
	update(t, main, func(tx *vdb.Tx) error {
		return tx.Put("customers", vdb.Row{vdb.Text("c004"), vdb.Text("another"), vdb.Text("pro")})
	})
	before := branchRoots(t, main)
	_, err := main.Revert(t.Context(), bad.Hash.String(), nil)
	wantError(t, err, vdb.ErrUncommitted)
	var conflict *vdb.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 || conflict.Conflicts[0].Table != "customers" {
		t.Fatalf("error %v", err)
	}
	if after := branchRoots(t, main); after != before {
		t.Fatal("the branch changed")
	}
}

func TestRevertRange(t *testing.T) {
	_, main := thingsDB(t)
	first := asOf(t, main, "HEAD")
	for i := range int64(4) {
		update(t, main, func(tx *vdb.Tx) error {
			return errors.Join(tx.Put("things", thing(1, fmt.Sprint("v", i), i, i)), tx.Put("things", thing(10+i, "new", i, i)))
		})
		commit(t, main, fmt.Sprint("change ", i))
	}
	c := mustRevert(t, main, "HEAD~4..HEAD", nil)
	var texts []string
	for c, err := range main.Log(t.Context(), &vdb.LogOptions{Limit: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(c.Text, "\n")
		texts = append(texts, line)
	}
	wantLines(t, texts, []string{`Revert "change 0"`, `Revert "change 1"`, `Revert "change 2"`, `Revert "change 3"`, "change 3"})
	if c.Root != first.Root() {
		t.Error("the root is not what it was")
	}
	if err := main.ResetHard(t.Context(), "HEAD~4"); err != nil {
		t.Fatal(err)
	}
	c = mustRevert(t, main, "HEAD~4..HEAD", &vdb.RevertOptions{Squash: true})
	if c.Root != first.Root() || !strings.Contains(c.Text, "change 2\n") {
		t.Errorf("squashed to %v", c)
	}
	if p, err := main.Resolve(t.Context(), "HEAD~"); err != nil || p.Text != "change 3" {
		t.Errorf("parent %v, %v", p, err)
	}
	_, err := main.Revert(t.Context(), "HEAD..HEAD", nil)
	wantError(t, err, vdb.ErrInvalid)
	_, err = main.Revert(t.Context(), "nope", nil)
	wantError(t, err, vdb.ErrNotFound)
	_, err = main.Revert(t.Context(), "WORKING", nil)
	wantError(t, err, vdb.ErrInvalid)
	_, err = main.Revert(t.Context(), "HEAD", &vdb.RevertOptions{Mainline: 2})
	wantError(t, err, vdb.ErrNotFound)
	_, err = main.Revert(t.Context(), "HEAD", &vdb.RevertOptions{Take: "nobody"})
	wantError(t, err, vdb.ErrInvalid)
}

func TestCherryPick(t *testing.T) {
	db, main := thingsDB(t)
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	then := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	for i := range int64(3) {
		update(t, side, func(tx *vdb.Tx) error { return tx.Put("things", thing(10+i, "side", i, i)) })
		if _, err := side.Commit(t.Context(), vdb.Message{Author: "Sue", Text: fmt.Sprint("side ", i), Time: then}); err != nil {
			t.Fatal(err)
		}
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(0, "main", 1, 1)) })
	commit(t, main, "main")
	c, err := main.CherryPick(t.Context(), "side~", &vdb.RevertOptions{Message: vdb.Message{Committer: "Op"}})
	if err != nil || c.Author != "Sue" || c.Committer != "Op" || !c.Time.Equal(then) || c.CommitTime.Equal(then) || c.Text != "side 1" {
		t.Fatalf("picked %+v, %v", c, err)
	}
	wantChanges(t, main.Show(t.Context(), "HEAD"), "things", nil, "added [11] [] → [11 'side' 1 1] []")
	if _, err := main.CherryPick(t.Context(), "main..side", nil); err != nil {
		t.Fatal(err)
	}
	wantChanges(t, main.Diff(t.Context(), "side", "HEAD"), "things", nil, "modified [0] [0 't' 0 0] → [0 'main' 1 1] [a b c]")
	if c, err = main.Resolve(t.Context(), "HEAD~"); err != nil || c.Text != "side 0" {
		t.Errorf("commit before %v, %v", c, err)
	}
}

func TestRevertWhileOthersCommit(t *testing.T) {
	_, main := companyDB(t, 40)
	bad := badDay(t, main, 1, 2, 3)
	var writers sync.WaitGroup
	stop := make(chan struct{})
	written := make([]int64, 3)
	for g := range written {
		writers.Go(func() {
			for i := int64(0); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := 1000*int64(g+1) + i
				err := main.Update(t.Context(), func(tx *vdb.Tx) error {
					return tx.Put("projects", vdb.Row{vdb.Int(id), vdb.Text("c010"), vdb.Text("later")})
				})
				if _, cerr := main.Commit(t.Context(), vdb.Message{Text: "later"}); cerr != nil && !errors.Is(cerr, vdb.ErrNothingToCommit) {
					err = errors.Join(err, cerr)
				}
				if err != nil {
					t.Error(err)
					return
				}
				written[g] = i + 1
			}
		})
	}
	for range 20 {
		c, err := main.Revert(t.Context(), bad.Hash.String(), nil)
		if err != nil {
			t.Error(err)
			break
		}
		bad = c
	}
	close(stop)
	writers.Wait()
	is := asOf(t, main, "WORKING")
	n, err := is.Count("customers", vdb.Range{})
	if err != nil || n != 37 {
		t.Errorf("%d customers, %v", n, err)
	}
	want := int64(37 * projectsEach)
	for _, w := range written {
		want += w
	}
	if n, err := is.Count("projects", vdb.Range{}); err != nil || int64(n) != want {
		t.Errorf("%d projects, want %d, %v", n, want, err)
	}
}

func TestRevertMerge(t *testing.T) {
	db, main := thingsDB(t)
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	commitThings(t, side, 3)
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("things", thing(0, "main", 1, 1)) })
	before := commit(t, main, "main")
	merged, err := main.Merge(t.Context(), "side", nil)
	if err != nil || len(merged.Parents) != 2 {
		t.Fatalf("merged %+v, %v", merged, err)
	}
	_, err = main.Revert(t.Context(), "HEAD", nil)
	wantError(t, err, vdb.ErrInvalid)
	if c := mustRevert(t, main, "HEAD", &vdb.RevertOptions{Mainline: 1}); c.Root != before.Root {
		t.Error("the root is not what it was before the merge")
	}
	c := mustRevert(t, main, merged.Hash.String(), &vdb.RevertOptions{Mainline: 2})
	wantChanges(t, main.Show(t.Context(), c.Hash.String()), "things", nil, "modified [0] [0 'main' 1 1] → [0 't' 0 0] [a b c]")
}

func TestVerbsDuringMerge(t *testing.T) {
	db, main := thingsDB(t)
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	for b, name := range map[*vdb.Branch]string{main: "ours", side: "theirs"} {
		update(t, b, func(tx *vdb.Tx) error { return tx.Put("things", thing(1, name, 10, 100)) })
		commit(t, b, name)
	}
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatalf("merge: %v", err)
	}
	s, err := main.Status(t.Context())
	if err != nil || !s.Merging || s.IsClean() {
		t.Fatalf("status %+v, %v", s, err)
	}
	_, err = main.Revert(t.Context(), "HEAD", nil)
	wantError(t, err, vdb.ErrMerging)
	_, err = main.CherryPick(t.Context(), "side", nil)
	wantError(t, err, vdb.ErrMerging)
	_, err = main.Restore(t.Context(), vdb.Restore{From: "HEAD~", Table: "things", Message: &vdb.Message{}})
	wantError(t, err, vdb.ErrMerging)
	wantError(t, main.ResetSoft(t.Context(), "HEAD~"), vdb.ErrMerging)
	if err := main.ResetHard(t.Context(), "HEAD"); err != nil {
		t.Fatal(err)
	}
	if s, err = main.Status(t.Context()); err != nil || !s.IsClean() {
		t.Fatalf("status %+v, %v", s, err)
	}
	mustRevert(t, main, "HEAD", nil)
}

func TestRevertSchemaChanges(t *testing.T) {
	_, main := thingsDB(t)
	first := asOf(t, main, "HEAD")
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.RenameTable("things", "goods"), tx.AddColumn("goods", vdb.Column{Name: "d", Type: "TEXT"}),
			tx.DropColumn("goods", "b"), tx.CreateTable(people))
	})
	bad := commit(t, main, "schema")
	if c := mustRevert(t, main, "HEAD", nil); c.Root != first.Root() {
		t.Error("the root is not what it was")
	}
	if err := main.ResetHard(t.Context(), bad.Hash.String()); err != nil {
		t.Fatal(err)
	}
	update(t, main, func(tx *vdb.Tx) error {
		return tx.Put("goods", vdb.Row{vdb.Int(7), vdb.Text("later"), vdb.Int(70), vdb.Null()})
	})
	commit(t, main, "later")
	mustRevert(t, main, bad.Hash.String(), nil)
	// The dropped column is back, as the last one.
	if row, err := asOf(t, main, "WORKING").Get("things", 7); err != nil || fmt.Sprint(row) != "[7 'later' 70 NULL]" {
		t.Errorf("row %v, %v", row, err)
	}
	if row, err := asOf(t, main, "WORKING").Get("things", 1); err != nil || fmt.Sprint(row) != "[1 't' 100 10]" {
		t.Errorf("row %v, %v", row, err)
	}
}
