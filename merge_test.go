package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
)

// mergeTable is a table of which main holds ten rows.
var mergeTable = vdb.Schema{
	Name: "t",
	Columns: []vdb.Column{
		{Name: "id", Type: "INTEGER"}, {Name: "a", Type: "TEXT"}, {Name: "b", Type: "TEXT"}, {Name: "n", Type: "INTEGER", Merge: vdb.PolicySum},
	},
	PrimaryKey: []string{"id"},
	Indexes:    []vdb.Index{{Name: "by_a", Columns: []vdb.IndexColumn{{Name: "a"}}}},
}

func mergeRow(id int64, a, b string, n int64) vdb.Row {
	return vdb.Row{vdb.Int(id), vdb.Text(a), vdb.Text(b), vdb.Int(n)}
}

// fork returns main, with ten rows, and a branch of it called side.
func fork(t testing.TB, db *vdb.DB) (main, side *vdb.Branch) {
	t.Helper()
	main = mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(mergeTable); err != nil {
			return err
		}
		for i := range int64(10) {
			if err := tx.Insert("t", mergeRow(i, "a", "b", 0)); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "ten rows")
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	return main, side
}

// put commits one row.
func put(t testing.TB, b *vdb.Branch, row vdb.Row) *vdb.Commit {
	t.Helper()
	update(t, b, func(tx *vdb.Tx) error { return tx.Put("t", row) })
	return commit(t, b, "put "+row[0].String())
}

func tableText(t testing.TB, b *vdb.Branch, table string) string {
	t.Helper()
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for row, err := range s.Rows(table, vdb.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, rowText(row))
	}
	return strings.Join(lines, "\n")
}

func rowText(row vdb.Row) string {
	if row == nil {
		return "-"
	}
	parts := make([]string, len(row))
	for i, v := range row {
		parts[i] = v.String()
	}
	return strings.Join(parts, " ")
}

func wantRow(t testing.TB, b *vdb.Branch, id int64, want string) {
	t.Helper()
	s, err := b.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row, err := s.Get("t", id)
	if err != nil && !errors.Is(err, vdb.ErrNotFound) {
		t.Fatal(err)
	}
	if got := rowText(row); got != want {
		t.Errorf("row %d: %s, want %s", id, got, want)
	}
}

func head(t testing.TB, b *vdb.Branch) *vdb.Commit {
	t.Helper()
	c, err := b.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func conflictsOf(t testing.TB, b *vdb.Branch) []vdb.Conflict {
	t.Helper()
	var all []vdb.Conflict
	for c, err := range b.Conflicts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func TestMergeThreeWay(t *testing.T) {
	main, side := fork(t, openMemory(t))
	put(t, main, mergeRow(1, "main", "b", 2))
	theirs := put(t, side, mergeRow(1, "a", "side", 3))
	before := head(t, main)
	c, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{Message: vdb.Message{Author: "Audit"}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Parents, []vdb.Hash{before.Hash, theirs.Hash}) || c.Text != "Merge side into main" || c.Author != "Audit" {
		t.Errorf("merge commit %+v", c)
	}
	wantRow(t, main, 1, "1 'main' 'side' 5")
	if again, err := main.Merge(t.Context(), "side", nil); err != nil || again.Hash != c.Hash {
		t.Errorf("merged again: %v, %v", again, err)
	}
	if ff, err := side.Merge(t.Context(), "main", nil); err != nil || ff.Hash != c.Hash {
		t.Errorf("fast-forward: %v, %v", ff, err)
	}
	wantRow(t, side, 1, "1 'main' 'side' 5")
}

func TestMergeNoFastForward(t *testing.T) {
	main, side := fork(t, openMemory(t))
	before, theirs := head(t, main), put(t, side, mergeRow(1, "x", "y", 0))
	c, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{NoFastForward: true})
	if err != nil || !slices.Equal(c.Parents, []vdb.Hash{before.Hash, theirs.Hash}) || c.Root != theirs.Root {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestMergeSquash(t *testing.T) {
	main, side := fork(t, openMemory(t))
	before := head(t, main)
	put(t, side, mergeRow(1, "x", "y", 0))
	c, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{Squash: true})
	if err != nil || !slices.Equal(c.Parents, []vdb.Hash{before.Hash}) {
		t.Errorf("%+v, %v", c, err)
	}
	if again, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{Squash: true}); err != nil || again.Hash != c.Hash {
		t.Errorf("squashed again: %+v, %v", again, err)
	}
}

func TestMergeNoCommit(t *testing.T) {
	main, side := fork(t, openMemory(t))
	before, theirs := head(t, main), put(t, side, mergeRow(1, "x", "y", 0))
	c, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{NoCommit: true})
	if err != nil || c.Hash != before.Hash {
		t.Fatalf("%v, %v", c, err)
	}
	wantRow(t, main, 1, "1 'x' 'y' 0")
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrMerging) {
		t.Errorf("merge in a merge: %v", err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", mergeRow(2, "more", "", 0)) })
	c = commit(t, main, "")
	if !slices.Equal(c.Parents, []vdb.Hash{before.Hash, theirs.Hash}) || c.Text != "Merge side into main" {
		t.Errorf("%+v", c)
	}
	wantRow(t, main, 2, "2 'more' '' 0")
}

// collide makes a merge of side into main that has conflicts in rows 1 (a), 2
// (deleted by ours) and 3 (deleted by theirs), and changes 4 cleanly.
func collide(t testing.TB, db *vdb.DB) (main, side *vdb.Branch) {
	t.Helper()
	main, side = fork(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("t", mergeRow(1, "main", "b", 1)), tx.Delete("t", 2), tx.Put("t", mergeRow(3, "main", "b", 0)))
	})
	commit(t, main, "main")
	update(t, side, func(tx *vdb.Tx) error {
		return errors.Join(tx.Put("t", mergeRow(1, "side", "side", 1)), tx.Put("t", mergeRow(2, "side", "b", 0)), tx.Delete("t", 3),
			tx.Put("t", mergeRow(4, "side", "b", 0)))
	})
	commit(t, side, "side")
	return main, side
}

func TestMergeConflicts(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	_, err := main.Merge(t.Context(), "side", nil)
	var conflict *vdb.ConflictError
	if !errors.As(err, &conflict) || !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	want := []string{
		"t (1) [a]: 1 'a' 'b' 0 | 1 'main' 'b' 1 | 1 'side' 'side' 1",
		"t (2) []: 2 'a' 'b' 0 | - | 2 'side' 'b' 0",
		"t (3) []: 3 'a' 'b' 0 | 3 'main' 'b' 0 | -",
	}
	for name, got := range map[string][]vdb.Conflict{"error": conflict.Conflicts, "list": conflictsOf(t, main)} {
		var lines []string
		for _, c := range got {
			lines = append(lines, fmt.Sprintf("%s (%s) %v: %s | %s | %s", c.Table, rowText(c.Key), c.Columns, rowText(c.Base), rowText(c.Ours), rowText(c.Theirs)))
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%s:\n%s", name, strings.Join(lines, "\n"))
		}
	}
	wantRow(t, main, 1, "1 'main' 'b' 1")
	wantRow(t, main, 2, "-")
	wantRow(t, main, 3, "3 'main' 'b' 0")
	wantRow(t, main, 4, "4 'side' 'b' 0")
	if _, err := main.Commit(t.Context(), vdb.Message{}); !errors.Is(err, vdb.ErrMerging) {
		t.Errorf("commit: %v", err)
	}
}

func TestMergeOrNothing(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	was, before := head(t, main), tableText(t, main, "t")
	_, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{OrNothing: true})
	var conflicts *vdb.ConflictError
	if !errors.As(err, &conflicts) || len(conflicts.Conflicts) == 0 {
		t.Fatalf("%v is no conflict", err)
	}
	if _, err := main.Merging(t.Context()); !errors.Is(err, vdb.ErrNotMerging) {
		t.Errorf("it is in progress: %v", err)
	}
	if head(t, main).Hash != was.Hash || tableText(t, main, "t") != before {
		t.Error("the branch has changed")
	}
	if _, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{OrNothing: true, Take: vdb.Ours}); err != nil {
		t.Error(err)
	}
}

func resolve(t testing.TB, b *vdb.Branch, r vdb.Resolution) {
	t.Helper()
	if err := b.ResolveConflicts(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestResolveConflicts(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	resolve(t, main, vdb.Resolution{Table: "T", Keys: [][]any{{1}}, Take: vdb.Theirs})
	wantRow(t, main, 1, "1 'side' 'side' 2")
	if err := main.ResolveConflicts(t.Context(), vdb.Resolution{Table: "t", Keys: [][]any{{1}}, Take: vdb.Ours}); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("settled twice: %v", err)
	}
	resolve(t, main, vdb.Resolution{Table: "t", Func: func(c vdb.Conflict) (vdb.Row, error) {
		if c.Ours == nil {
			return vdb.Row{c.Key[0], vdb.Text("func"), c.Theirs[2], vdb.Int(9)}, nil
		}
		return nil, vdb.ErrConflict
	}})
	wantRow(t, main, 2, "2 'func' 'b' 9")
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", mergeRow(3, "by hand", "b", 0)) })
	resolve(t, main, vdb.Resolution{Take: vdb.Working})
	wantRow(t, main, 3, "3 'by hand' 'b' 0")
	if left := conflictsOf(t, main); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if c := commit(t, main, "merged"); len(c.Parents) != 2 {
		t.Errorf("%+v", c)
	}
	if err := main.Abort(t.Context()); !errors.Is(err, vdb.ErrNotMerging) {
		t.Errorf("abort: %v", err)
	}
}

func TestMergeDecided(t *testing.T) {
	for _, c := range []struct {
		name string
		o    vdb.MergeOptions
		want [3]string
	}{
		{"ours", vdb.MergeOptions{Take: vdb.Ours}, [3]string{"1 'main' 'side' 2", "-", "3 'main' 'b' 0"}},
		{"theirs", vdb.MergeOptions{Take: vdb.Theirs}, [3]string{"1 'side' 'side' 2", "2 'side' 'b' 0", "-"}},
		{"func", vdb.MergeOptions{Resolve: map[string]func(vdb.Conflict) (vdb.Row, error){"T": func(c vdb.Conflict) (vdb.Row, error) {
			return c.Theirs, nil
		}}}, [3]string{"1 'side' 'side' 1", "2 'side' 'b' 0", "-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			main, _ := collide(t, openMemory(t))
			if _, err := main.Merge(t.Context(), "side", &c.o); err != nil {
				t.Fatal(err)
			}
			for i, want := range c.want {
				wantRow(t, main, int64(i+1), want)
			}
		})
	}
}

func TestMergeResolverFails(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	before := head(t, main)
	wrong := errors.New("wrong")
	for name, fn := range map[string]func(vdb.Conflict) (vdb.Row, error){
		"error":       func(vdb.Conflict) (vdb.Row, error) { return nil, wrong },
		"other key":   func(vdb.Conflict) (vdb.Row, error) { return mergeRow(99, "", "", 0), nil },
		"wrong width": func(vdb.Conflict) (vdb.Row, error) { return vdb.Row{vdb.Int(1)}, nil },
	} {
		_, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{Resolve: map[string]func(vdb.Conflict) (vdb.Row, error){"t": fn}})
		if !errors.Is(err, wrong) && !errors.Is(err, vdb.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if head(t, main).Hash != before.Hash {
			t.Errorf("%s: the head moved", name)
		}
	}
	if _, err := main.Merge(t.Context(), "side", &vdb.MergeOptions{Resolve: map[string]func(vdb.Conflict) (vdb.Row, error){"nope": nil}}); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("unknown table: %v", err)
	}
}

func TestAbort(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", mergeRow(8, "uncommitted", "b", 0)) })
	before := tableText(t, main, "t")
	for _, also := range []func(){
		func() {},
		func() { resolve(t, main, vdb.Resolution{Take: vdb.Theirs}) },
	} {
		if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
			t.Fatal(err)
		}
		also()
		if err := main.Abort(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := tableText(t, main, "t"); after != before {
			t.Errorf("after Abort:\n%s\nbefore:\n%s", after, before)
		}
	}
}

func TestAbortKeepsLaterWrites(t *testing.T) {
	main, _ := collide(t, openMemory(t))
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", mergeRow(9, "later", "b", 0)) })
	if err := main.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRow(t, main, 9, "9 'later' 'b' 0")
	wantRow(t, main, 4, "4 'a' 'b' 0")
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) || errors.Is(err, vdb.ErrUncommitted) {
		t.Fatal(err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", mergeRow(4, "on top", "b", 0)) })
	if err := main.Abort(t.Context()); !errors.Is(err, vdb.ErrConflict) {
		t.Errorf("abort under a write to a merged row: %v", err)
	}
}

func TestMergeIntoDirtyWorkingSet(t *testing.T) {
	main, side := fork(t, openMemory(t))
	put(t, side, mergeRow(1, "side", "b", 0))
	put(t, main, mergeRow(2, "main", "b", 0))
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", mergeRow(1, "a", "dirty", 0)) })
	c, err := main.Merge(t.Context(), "side", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRow(t, main, 1, "1 'side' 'dirty' 0")
	snap, err := main.AsOf(t.Context(), c.Hash.String())
	if err != nil {
		t.Fatal(err)
	}
	if row, err := snap.Get("t", 1); err != nil || rowText(row) != "1 'side' 'b' 0" {
		t.Errorf("committed: %s, %v", rowText(row), err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", mergeRow(5, "dirty", "b", 0)) })
	put(t, side, mergeRow(5, "side", "b", 0))
	_, err = main.Merge(t.Context(), "side", nil)
	var conflict *vdb.ConflictError
	if !errors.Is(err, vdb.ErrUncommitted) || !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 {
		t.Errorf("collision with an uncommitted row: %v", err)
	}
	if head(t, main).Hash != c.Hash {
		t.Error("the head moved")
	}
}

var uniqueTable = vdb.Schema{
	Name:       "u",
	Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "email", Type: "TEXT"}, {Name: "t", Type: "INTEGER"}},
	PrimaryKey: []string{"id"},
	Indexes:    []vdb.Index{{Name: "email", Columns: []vdb.IndexColumn{{Name: "email"}}, Unique: true}},
	ForeignKeys: []vdb.ForeignKey{
		{Columns: []string{"t"}, Parent: "t"},
	},
}

func TestMergeViolations(t *testing.T) {
	db := openMemory(t)
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(mergeTable), tx.Insert("t", mergeRow(1, "", "", 0)), tx.CreateTable(uniqueTable))
	})
	commit(t, main, "tables")
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.Insert("u", vdb.Row{vdb.Int(1), vdb.Text("x@y"), vdb.Null()}), tx.Delete("t", 1))
	})
	commit(t, main, "main")
	update(t, side, func(tx *vdb.Tx) error {
		return errors.Join(tx.Insert("u", vdb.Row{vdb.Int(2), vdb.Text("x@y"), vdb.Null()}), tx.Insert("u", vdb.Row{vdb.Int(3), vdb.Text("z"), vdb.Int(1)}))
	})
	commit(t, side, "side")
	_, err = main.Merge(t.Context(), "side", nil)
	var broken *vdb.ConstraintError
	if !errors.As(err, &broken) || len(broken.Violations) != 2 {
		t.Fatalf("merge: %v", err)
	}
	kinds := map[vdb.ViolationKind]string{}
	for v, err := range main.Violations(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[v.Kind] = v.Table + rowText(v.Key)
	}
	if kinds[vdb.ViolatesUnique] != "u2" || kinds[vdb.ViolatesForeignKey] != "u3" {
		t.Errorf("violations: %v", kinds)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("u", 3) })
	if _, err := main.Commit(t.Context(), vdb.Message{}); !errors.Is(err, vdb.ErrMerging) || !errors.Is(err, vdb.ErrConstraint) {
		t.Errorf("commit with a violation: %v", err)
	}
	update(t, main, func(tx *vdb.Tx) error { return tx.Delete("u", 1) })
	if c := commit(t, main, "repaired"); len(c.Parents) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestMergeSurvivesReopen(t *testing.T) {
	dir := t.TempDir()
	db, err := vdb.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	main, side := collide(t, db)
	long := strings.Repeat("long", 1000)
	put(t, main, mergeRow(7, "x", long, 0))
	put(t, side, mergeRow(7, "x", long+"er", 0))
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	before := conflictsOf(t, main)
	if err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = vdb.Open(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	main = mainBranch(t, db)
	after := conflictsOf(t, main)
	if len(after) != 4 || after[3].Theirs[2].Text() != long+"er" || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("conflicts %v, before %v", after, before)
	}
	resolve(t, main, vdb.Resolution{Take: vdb.Theirs})
	if c := commit(t, main, "merged"); len(c.Parents) != 2 {
		t.Errorf("%+v", c)
	}
	wantRow(t, main, 2, "2 'side' 'b' 0")
}

// Writers go on while branches are merged again and again; no write is lost.
func TestMergeUnderWriters(t *testing.T) {
	main, side := fork(t, openMemory(t))
	const writers, writes, merges = 4, 25, 10
	var wg sync.WaitGroup
	errs := make(chan error, writers+1)
	for w := range int64(writers) {
		wg.Go(func() {
			for i := range int64(writes) {
				if err := main.Update(context.Background(), func(tx *vdb.Tx) error {
					row, err := tx.Get("t", 1)
					if err != nil {
						return err
					}
					row[3] = vdb.Int(row[3].Int() + 1)
					return errors.Join(tx.Update("t", row), tx.Insert("t", mergeRow(1000+w*writes+i, "w", "", 0)))
				}); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for i := range int64(merges) {
		put(t, side, mergeRow(100+i, "side", "", 0))
		if _, err := main.Merge(t.Context(), "side", nil); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	wantRow(t, main, 1, fmt.Sprintf("1 'a' 'b' %d", writers*writes))
	s, err := main.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Count("t", vdb.Range{}); err != nil || n != 10+merges+writers*writes {
		t.Errorf("%d rows, %v", n, err)
	}
}

// Conflicts are settled one by one while transactions go on.
func TestResolveUnderWriters(t *testing.T) {
	main, side := fork(t, openMemory(t))
	const rows, writes = 8, 20
	for b, text := range map[*vdb.Branch]string{main: "main", side: "side"} {
		update(t, b, func(tx *vdb.Tx) error {
			for i := range int64(rows) {
				if err := tx.Put("t", mergeRow(i, text, "b", 0)); err != nil {
					return err
				}
			}
			return nil
		})
		commit(t, b, text)
	}
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range int64(2) {
		wg.Go(func() {
			for i := range int64(writes) {
				if err := main.Update(context.Background(), func(tx *vdb.Tx) error {
					return errors.Join(tx.Insert("t", mergeRow(1000+w*writes+i, "w", "", 0)), tx.Put("t", mergeRow(9, "w", "", i)))
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range rows {
		resolve(t, main, vdb.Resolution{Table: "t", Keys: [][]any{{i}}, Take: vdb.Theirs})
	}
	wg.Wait()
	commit(t, main, "merged")
	for i := range int64(rows) {
		wantRow(t, main, i, fmt.Sprintf("%d 'side' 'b' 0", i))
	}
	s, err := main.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Count("t", vdb.Range{}); err != nil || n != 10+2*writes {
		t.Errorf("%d rows, %v", n, err)
	}
}

// Two transactions that add the same row, or make the same change, are two.
func TestEqualTransactionsCollide(t *testing.T) {
	main := mainBranch(t, openMemory(t))
	log := vdb.Schema{Name: "log", Columns: []vdb.Column{{Name: "event"}}}
	counter := vdb.Schema{Name: "counter", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "n"}}, PrimaryKey: []string{"id"}}
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(log), tx.CreateTable(counter), tx.Insert("counter", vdb.Row{vdb.Int(1), vdb.Int(0)}))
	})
	var txs [2]*vdb.Tx
	for i := range txs {
		var err error
		if txs[i], err = main.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := txs[i].Put("log", vdb.Row{vdb.Text("login")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tx := range txs {
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if got := tableText(t, main, "log"); got != "'login'\n'login'" {
		t.Errorf("log: %s", got)
	}
	for name, write := range map[string]func(*vdb.Tx) error{
		"update": func(tx *vdb.Tx) error { return tx.Put("counter", vdb.Row{vdb.Int(1), vdb.Int(1)}) },
		"insert": func(tx *vdb.Tx) error { return tx.Insert("counter", vdb.Row{vdb.Int(2), vdb.Int(1)}) },
		"delete": func(tx *vdb.Tx) error { return tx.Delete("counter", 1) },
	} {
		for i := range txs {
			var err error
			if txs[i], err = main.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := write(txs[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := txs[0].Commit(); err != nil {
			t.Fatal(err)
		}
		if err := txs[1].Commit(); !errors.Is(err, vdb.ErrConflict) {
			t.Errorf("%s twice: %v", name, err)
		}
		update(t, main, func(tx *vdb.Tx) error {
			if err := tx.Delete("counter", 2); err != nil && !errors.Is(err, vdb.ErrNotFound) {
				return err
			}
			return tx.Put("counter", vdb.Row{vdb.Int(1), vdb.Int(0)})
		})
	}
}

// A conflict of schemas is settled by taking theirs, which merges again, or by
// keeping the working set.
func TestResolveSchemaConflict(t *testing.T) {
	for _, take := range []vdb.Side{vdb.Ours, vdb.Theirs} {
		main, side := fork(t, openMemory(t))
		for b, typ := range map[*vdb.Branch]string{main: "TEXT", side: "INTEGER"} {
			update(t, b, func(tx *vdb.Tx) error { return tx.AddColumn("t", vdb.Column{Name: "x", Type: typ}) })
		}
		update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", append(mergeRow(1, "main", "b", 0), vdb.Text("7"))) })
		update(t, side, func(tx *vdb.Tx) error { return tx.Put("t", append(mergeRow(2, "side", "b", 0), vdb.Int(7))) })
		commit(t, main, "main")
		commit(t, side, "side")
		if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
			t.Fatal(err)
		}
		update(t, main, func(tx *vdb.Tx) error { return tx.Put("t", append(mergeRow(9, "meanwhile", "b", 0), vdb.Text("9"))) })
		open := conflictsOf(t, main)
		if len(open) != 1 || open[0].Reason != "column x: added by both sides, as TEXT and as INTEGER" {
			t.Errorf("conflicts: %v", open)
		}
		resolve(t, main, vdb.Resolution{Table: "t", Take: take})
		want := [3]string{"1 'main' 'b' 0 '7'", "2 'side' 'b' 0 '7'", "9 'meanwhile' 'b' 0 '9'"}
		if take == vdb.Theirs {
			want = [3]string{"1 'main' 'b' 0 7", "2 'side' 'b' 0 7", "9 'meanwhile' 'b' 0 9"}
		}
		for i, id := range []int64{1, 2, 9} {
			wantRow(t, main, id, want[i])
		}
		if c := commit(t, main, "merged"); len(c.Parents) != 2 {
			t.Errorf("%+v", c)
		}
	}
}

// A dropped table comes back if theirs, which changed it, is taken.
func TestResolveDroppedTable(t *testing.T) {
	main, side := fork(t, openMemory(t))
	update(t, main, func(tx *vdb.Tx) error { return tx.DropTable("t") })
	commit(t, main, "drop")
	put(t, side, mergeRow(1, "side", "b", 0))
	if _, err := main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	resolve(t, main, vdb.Resolution{Take: vdb.Theirs})
	wantRow(t, main, 1, "1 'side' 'b' 0")
	if err := main.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := main.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if tables, err := s.Tables(); err != nil || len(tables) != 0 {
		t.Errorf("tables %v, %v", tables, err)
	}
}

// Rows of a table without a primary key are all kept.
func TestMergeRowsWithoutKey(t *testing.T) {
	db := openMemory(t)
	main := mainBranch(t, db)
	add := func(b *vdb.Branch, events ...string) {
		t.Helper()
		update(t, b, func(tx *vdb.Tx) error {
			for _, e := range events {
				if err := tx.Put("log", vdb.Row{vdb.Text(e)}); err != nil {
					return err
				}
			}
			return nil
		})
		commit(t, b, "log")
	}
	update(t, main, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{Name: "log", Columns: []vdb.Column{{Name: "event"}}, Indexes: []vdb.Index{{Name: "e", Columns: []vdb.IndexColumn{{Name: "event"}}}}})
	})
	add(main, "start")
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	add(main, "a", "same")
	add(side, "b", "same", "c")
	if _, err := main.Merge(t.Context(), "side", nil); err != nil {
		t.Fatal(err)
	}
	if got := tableText(t, main, "log"); got != "'start'\n'a'\n'same'\n'c'\n'b'\n'same'" {
		t.Errorf("log:\n%s", got)
	}
}

func TestMergeErrors(t *testing.T) {
	main, side := fork(t, openMemory(t))
	put(t, side, mergeRow(1, "x", "y", 0))
	if _, err := main.Merge(t.Context(), "nope", nil); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("unknown revision: %v", err)
	}
	for name, o := range map[string]vdb.MergeOptions{
		"side":  {Take: "mine"},
		"amend": {Message: vdb.Message{Amend: true}},
	} {
		if _, err := main.Merge(t.Context(), "side", &o); !errors.Is(err, vdb.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, r := range []vdb.Resolution{{}, {Take: "mine"}, {Take: vdb.Ours, Keys: [][]any{{1}}}} {
		if err := main.ResolveConflicts(t.Context(), r); !errors.Is(err, vdb.ErrInvalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if err := main.ResolveConflicts(t.Context(), vdb.Resolution{Take: vdb.Ours}); !errors.Is(err, vdb.ErrNotMerging) {
		t.Errorf("resolve: %v", err)
	}
	for _, err := range main.Conflicts(t.Context()) {
		if !errors.Is(err, vdb.ErrNotMerging) {
			t.Errorf("conflicts: %v", err)
		}
	}
	for _, err := range main.Violations(t.Context()) {
		if !errors.Is(err, vdb.ErrNotMerging) {
			t.Errorf("violations: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := head(t, main)
	if _, err := main.Merge(ctx, "side", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if head(t, main).Hash != before.Hash {
		t.Error("the head moved")
	}
}
