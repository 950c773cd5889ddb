package vdb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
)

// restoredLines describes what a restore did.
func restoredLines(r *vdb.Restored) []string {
	var lines []string
	for _, c := range r.Changes {
		lines = append(lines, fmt.Sprintf("%s %s %v: %v → %v %v", c.Table, c.Kind, c.Key, c.From, c.To, c.Columns))
	}
	return lines
}

// restore runs a dry run and the restore, and compares the two.
func restore(t testing.TB, b *vdb.Branch, r vdb.Restore) *vdb.Restored {
	t.Helper()
	before := asOf(t, b, "WORKING").Root()
	r.DryRun = true
	dry, err := b.Restore(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if after := asOf(t, b, "WORKING").Root(); after != before {
		t.Fatal("a dry run changed the working set")
	}
	r.DryRun = false
	done, err := b.Restore(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, restoredLines(dry), restoredLines(done))
	return done
}

func TestRestoreOneCustomer(t *testing.T) {
	_, main := companyDB(t, 30)
	whole := asOf(t, main, "HEAD")
	badDay(t, main, 3, 4, 5)
	done := restore(t, main, vdb.Restore{From: "HEAD~", Where: map[string]any{"cust_id": "c004"}, Follow: true})
	if n := 1 + projectsEach*(1+issuesEach) + 1 + 2; len(done.Changes) != n {
		t.Fatalf("%d rows restored, want %d:\n%v", len(done.Changes), n, restoredLines(done))
	}
	is := asOf(t, main, "WORKING")
	for _, table := range companyTables {
		want := rowsOf(t, whole, table)
		for row, err := range whole.Rows(table, vdb.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			id := row[0].Text()
			if s, _ := whole.Schema(table); s.Column("cust_id") == 1 {
				id = row[1].Text()
			}
			if table == "issues" {
				id = customerName(int(row[0].Int()) / projectsEach)
			}
			if s, _ := whole.Schema(table); (id == "c003" || id == "c005") && len(s.PrimaryKey) > 0 {
				delete(want, keyText(s, row))
			}
		}
		got := rowsOf(t, is, table)
		if table == "events" {
			n, err := is.Count(table, vdb.Range{})
			if err != nil || n != 56 {
				t.Errorf("%d events, %v", n, err)
			}
			continue
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("table %s: %v, want %v", table, got, want)
		}
	}
	again := restore(t, main, vdb.Restore{From: "HEAD~", Where: map[string]any{"cust_id": "c004"}, Follow: true})
	if len(again.Changes) != 0 {
		t.Errorf("restored again: %v", restoredLines(again))
	}
	badAgain := restore(t, main, vdb.Restore{From: "HEAD~", Where: map[string]any{"cust_id": "c003"}, Follow: true})
	last := restore(t, main, vdb.Restore{From: "HEAD~", Where: map[string]any{"CUST_ID": "c005"}, Follow: true})
	if len(badAgain.Changes) == 0 || len(last.Changes) == 0 || asOf(t, main, "WORKING").Root() != whole.Root() {
		t.Error("all is restored, and the root is not what it was")
	}
}

func TestRestoreLeavesOtherTablesAlone(t *testing.T) {
	db, main := companyDB(t, 10)
	badDay(t, main, 7)
	update(t, main, func(tx *vdb.Tx) error { return putCustomer(tx, 40) })
	restore(t, main, vdb.Restore{From: "HEAD~", Table: "customers", Match: func(r vdb.Row) bool { return r[0].Text() == "c007" }})
	var changed []string
	before := asOf(t, main, "HEAD")
	for c, err := range before.Diff(asOf(t, main, "WORKING")).Tables() {
		if err != nil {
			t.Fatal(err)
		}
		changed = append(changed, fmt.Sprintf("%s %d→%d", c.Name(), c.FromRows, c.ToRows))
	}
	wantLines(t, changed, []string{"billing 9→10", "customers 9→11", "events 18→20", "issues 54→60", "projects 18→20"})
	wantChanges(t, db.Diff(t.Context(), "HEAD", "WORKING"), "customers", &vdb.RowsOptions{Limit: 1},
		"added ['c007'] [] → ['c007' 'Customer 7' 'basic'] []")
}

func TestRestoreParents(t *testing.T) {
	_, main := companyDB(t, 10)
	badDay(t, main, 2)
	_, err := main.Restore(t.Context(), vdb.Restore{From: "HEAD~", Table: "issues", Range: vdb.Range{Prefix: []any{4}}})
	wantError(t, err, vdb.ErrConstraint)
	done := restore(t, main, vdb.Restore{From: "HEAD~", Table: "issues", Range: vdb.Range{Prefix: []any{4, 1}}, Follow: true})
	wantLines(t, restoredLines(done), []string{
		"issues added [4 1]: [] → [4 1 'open'] []",
		"projects added [4]: [] → [4 'c002' 'Project 4'] []",
		"customers added ['c002']: [] → ['c002' 'Customer 2' 'basic'] []",
	})
}

func TestRestoreExactAndThroughSchemaChanges(t *testing.T) {
	_, main := companyDB(t, 5)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.RenameTable("customers", "clients"),
			tx.RenameColumn("clients", "name", "title"),
			tx.DropColumn("clients", "plan"),
			tx.AddColumn("clients", vdb.Column{Name: "vip", Type: "INT", Default: "0"}),
			tx.Put("clients", vdb.Row{vdb.Text("c001"), vdb.Text("renamed"), vdb.Int(1)}),
			tx.Put("projects", vdb.Row{vdb.Int(100), vdb.Text("c001"), vdb.Text("later")}),
			tx.Delete("billing", "c001"),
		)
	})
	commit(t, main, "schema")
	r := vdb.Restore{From: "HEAD~", Where: map[string]any{"cust_id": "c001"}, DryRun: true}
	done, err := main.Restore(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, restoredLines(done), []string{
		"billing added ['c001']: [] → ['c001' 100] []",
		"clients modified ['c001']: ['c001' 'renamed' 1] → ['c001' 'Customer 1' 1] [title]",
	})
	r.Exact, r.DryRun = true, false
	done = restore(t, main, r)
	wantLines(t, restoredLines(done), []string{
		"billing added ['c001']: [] → ['c001' 100] []",
		"clients modified ['c001']: ['c001' 'renamed' 1] → ['c001' 'Customer 1' 1] [title]",
		"projects deleted [100]: [100 'c001' 'later'] → [] []",
	})
	done = restore(t, main, vdb.Restore{From: "HEAD~", Table: "clients", Where: map[string]any{"title": "Customer 1"}})
	wantLines(t, restoredLines(done), nil)
	// No row has the dropped column now: what was added since stays.
	update(t, main, func(tx *vdb.Tx) error {
		return tx.Put("clients", vdb.Row{vdb.Text("c900"), vdb.Text("Customer 900"), vdb.Int(0)})
	})
	done = restore(t, main, vdb.Restore{From: "HEAD~", Where: map[string]any{"plan": "basic"}, Exact: true})
	wantLines(t, restoredLines(done), nil)
}

func TestRestoreDroppedTable(t *testing.T) {
	_, main := companyDB(t, 5)
	whole := asOf(t, main, "HEAD")
	update(t, main, func(tx *vdb.Tx) error { return tx.DropTable("issues") })
	commit(t, main, "drop")
	done := restore(t, main, vdb.Restore{From: "HEAD~", Table: "issues"})
	if len(done.Tables) != 1 || len(done.Changes) != 5*projectsEach*issuesEach || asOf(t, main, "WORKING").Root() != whole.Root() {
		t.Fatalf("restored %v, %d rows", done.Tables, len(done.Changes))
	}
}

func TestRestoreRowsWithoutKey(t *testing.T) {
	_, main := companyDB(t, 3)
	update(t, main, func(tx *vdb.Tx) error {
		// The last rowid is used again by another row.
		return errors.Join(tx.Delete("events", 6), tx.Put("events", vdb.Row{vdb.Text("c000"), vdb.Text("new")}), tx.Delete("events", 1))
	})
	done := restore(t, main, vdb.Restore{From: "HEAD", Table: "events"})
	wantLines(t, restoredLines(done), []string{
		"events added [1]: [] → ['c000' 'signed up'] []",
		"events added [7]: [] → ['c002' 'logged in'] []",
	})
	done = restore(t, main, vdb.Restore{From: "HEAD", Table: "events"})
	wantLines(t, restoredLines(done), nil)
}

func TestRestoreErrors(t *testing.T) {
	_, main := companyDB(t, 3)
	for _, test := range []struct {
		r    vdb.Restore
		want error
	}{
		{vdb.Restore{From: "HEAD"}, vdb.ErrInvalid},
		{vdb.Restore{From: "HEAD", Where: map[string]any{"cust_id": 1}, Match: func(vdb.Row) bool { return true }}, vdb.ErrInvalid},
		{vdb.Restore{From: "nope", Table: "customers"}, vdb.ErrNotFound},
		{vdb.Restore{From: "HEAD", Table: "nope"}, vdb.ErrNotFound},
		{vdb.Restore{From: "HEAD~", Table: "customers"}, vdb.ErrNotFound},
		{vdb.Restore{From: "HEAD", Where: map[string]any{"nope": 1}}, vdb.ErrNotFound},
		{vdb.Restore{From: "HEAD", Table: "customers", Where: map[string]any{"nope": 1}}, vdb.ErrNotFound},
		{vdb.Restore{From: "HEAD", Table: "customers", Where: map[string]any{"name": struct{}{}}}, vdb.ErrInvalid},
		{vdb.Restore{From: "HEAD", Table: "customers", Range: vdb.Range{Index: "nope"}}, vdb.ErrNotFound},
	} {
		if _, err := main.Restore(t.Context(), test.r); !errors.Is(err, test.want) {
			t.Errorf("%+v: error %v, want %v", test.r, err, test.want)
		}
	}
}

func TestRestoreCommits(t *testing.T) {
	db, main := companyDB(t, 10)
	badDay(t, main, 2, 3)
	update(t, main, func(tx *vdb.Tx) error { return putCustomer(tx, 20) })
	m := &vdb.Message{Author: "Op"}
	done := restore(t, main, vdb.Restore{From: "HEAD~", Where: map[string]any{"cust_id": "c002"}, Follow: true, Message: m})
	if done.Commit == nil || done.Commit.Author != "Op" || done.Commit.Text != "Restore rows from HEAD~" {
		t.Fatalf("commit %+v", done.Commit)
	}
	wantChanges(t, main.Show(t.Context(), "HEAD"), "customers", nil, "added ['c002'] [] → ['c002' 'Customer 2' 'basic'] []")
	wantChanges(t, db.Diff(t.Context(), "HEAD", "WORKING"), "customers", nil, "added ['c020'] [] → ['c020' 'Customer 20' 'basic'] []")
	_, err := main.Restore(t.Context(), vdb.Restore{From: "HEAD~2", Where: map[string]any{"cust_id": "c002"}, Follow: true, Message: m})
	wantError(t, err, vdb.ErrNothingToCommit)

	update(t, main, func(tx *vdb.Tx) error {
		return tx.Put("customers", vdb.Row{vdb.Text("c003"), vdb.Text("another"), vdb.Text("pro")})
	})
	before := branchRoots(t, main)
	_, err = main.Restore(t.Context(), vdb.Restore{From: "HEAD~2", Table: "customers", Where: map[string]any{"cust_id": "c003"}, Message: m})
	wantError(t, err, vdb.ErrUncommitted)
	wantError(t, err, vdb.ErrConflict)
	if after := branchRoots(t, main); after != before {
		t.Error("the branch changed")
	}
}

func TestRestoreWhileOthersWrite(t *testing.T) {
	_, main := companyDB(t, 20)
	badDay(t, main, 5, 6)
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for g := range 3 {
		writers.Go(func() {
			for i := 0; ; i++ {
				err := main.Update(t.Context(), func(tx *vdb.Tx) error {
					return tx.Put("customers", vdb.Row{vdb.Text(fmt.Sprint("new", g)), vdb.Text(fmt.Sprint(i)), vdb.Text("")})
				})
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for _, id := range []string{"c005", "c006"} {
		done, err := main.Restore(t.Context(), vdb.Restore{From: "HEAD~", Where: map[string]any{"cust_id": id}, Follow: true})
		if err != nil || len(done.Changes) != 1+projectsEach*(1+issuesEach)+1+2 {
			t.Errorf("%v, %v", done, err)
		}
	}
	close(stop)
	writers.Wait()
	for _, id := range []string{"c005", "c006", "new0", "new1", "new2"} {
		if _, err := asOf(t, main, "WORKING").Get("customers", id); err != nil {
			t.Error(err)
		}
	}
}

func TestRestoreByIndexAndNull(t *testing.T) {
	_, main := companyDB(t, 5)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.Put("projects", vdb.Row{vdb.Int(50), vdb.Null(), vdb.Text("nobody's")}),
			tx.Put("projects", vdb.Row{vdb.Int(51), vdb.Null(), vdb.Text(strings.Repeat("long", 1000))}),
		)
	})
	commit(t, main, "null")
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Delete("projects", 50), tx.Delete("projects", 51), tx.Delete("billing", "c001"))
	})
	done := restore(t, main, vdb.Restore{From: "HEAD", Table: "projects", Where: map[string]any{"cust_id": nil, "title": "nobody's"}})
	if len(done.Changes) != 1 || done.Changes[0].Key[0].Int() != 50 {
		t.Fatalf("restored %v", restoredLines(done))
	}
	done = restore(t, main, vdb.Restore{From: "HEAD", Table: "projects", Range: vdb.Range{Index: "projects_by_customer", Prefix: []any{nil}}})
	if len(done.Changes) != 1 || done.Changes[0].To[2].Text() != strings.Repeat("long", 1000) {
		t.Fatalf("restored %v", restoredLines(done))
	}
	done = restore(t, main, vdb.Restore{From: "HEAD", Table: "billing", Where: map[string]any{"cents": "100"}})
	wantLines(t, restoredLines(done), []string{"billing added ['c001']: [] → ['c001' 100] []"})
	if asOf(t, main, "WORKING").Root() != asOf(t, main, "HEAD").Root() {
		t.Error("the root is not what it was")
	}
}

func TestRestoreUnderAnotherKeyOrder(t *testing.T) {
	_, main := companyDB(t, 4)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.AlterColumn("billing", vdb.Column{Name: "cust_id", Type: "TEXT", Collation: "NOCASE"}),
			tx.Delete("billing", "C001"),
			tx.Put("billing", vdb.Row{vdb.Text("c002"), vdb.Int(7)}),
		)
	})
	done := restore(t, main, vdb.Restore{From: "HEAD", Table: "billing"})
	wantLines(t, restoredLines(done), []string{
		"billing added ['c001']: [] → ['c001' 100] []",
		"billing modified ['c002']: ['c002' 7] → ['c002' 200] [cents]",
	})
	done = restore(t, main, vdb.Restore{From: "HEAD", Table: "billing", Follow: true})
	wantLines(t, restoredLines(done), nil)
	for _, table := range []string{"billing", "customers"} {
		_, err := main.Restore(t.Context(), vdb.Restore{From: "HEAD", Table: table, Exact: true, Follow: true})
		wantError(t, err, vdb.ErrInvalid)
	}
}
