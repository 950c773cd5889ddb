package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

// box is a database in a directory with a table that has some rows.
type box struct {
	*vdb.DB
	t testing.TB
}

func newBox(t testing.TB, rows int) box {
	t.Helper()
	db, err := vdb.Open(t.Context(), filepath.Join(t.TempDir(), "box"), nil)
	succeeds(t, err)
	b := box{db, t}
	t.Cleanup(func() { db.Close() })
	main := b.branch("main")
	succeeds(t, main.Update(t.Context(), func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{
			Name:       "customers",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER", NotNull: true}, {Name: "name", Type: "TEXT"}, {Name: "photo", Type: "BLOB"}},
			PrimaryKey: []string{"id"},
			Indexes:    []vdb.Index{{Name: "by_name", Columns: []vdb.IndexColumn{{Name: "name"}}}},
		})
	}))
	b.put("main", rows, func(i int) int { return i })
	return b
}

func succeeds(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b box) branch(name string) *vdb.Branch {
	b.t.Helper()
	branch, err := b.Branch(b.t.Context(), name)
	succeeds(b.t, err)
	return branch
}

// put writes n rows to a branch and commits them.
func (b box) put(branch string, n int, key func(i int) int) *vdb.Commit {
	b.t.Helper()
	ctx := b.t.Context()
	succeeds(b.t, b.branch(branch).Update(ctx, func(tx *vdb.Tx) error {
		for i := range n {
			k := key(i)
			photo := vdb.Null()
			if k%100 == 0 {
				photo = vdb.Bytes([]byte(strings.Repeat(fmt.Sprint("photo ", k), 900)))
			}
			if err := tx.Put("customers", vdb.Row{vdb.Int(int64(k)), vdb.Text(fmt.Sprintf("customer %d of %s, %d", k, branch, i)), photo}); err != nil {
				return err
			}
		}
		return nil
	}))
	c, err := b.branch(branch).Commit(ctx, vdb.Message{Author: "Billing", Text: fmt.Sprintf("%d rows on %s", n, branch), AllowEmpty: true})
	succeeds(b.t, err)
	return c
}

func (b box) head(branch string) vdb.Hash {
	b.t.Helper()
	c, err := b.branch(branch).Head(b.t.Context())
	succeeds(b.t, err)
	return c.Hash
}

func (b box) clone(o *vdb.CloneOptions) box {
	b.t.Helper()
	db, err := vdb.Clone(b.t.Context(), b.Path(), filepath.Join(b.t.TempDir(), "clone"), o)
	succeeds(b.t, err)
	b.t.Cleanup(func() { db.Close() })
	return box{db, b.t}
}

// tables prints all rows of a revision.
func (b box) rows(rev string) []string {
	b.t.Helper()
	snap, err := b.AsOf(b.t.Context(), rev)
	succeeds(b.t, err)
	var rows []string
	for row, err := range snap.Rows("customers", vdb.Range{}) {
		succeeds(b.t, err)
		rows = append(rows, fmt.Sprint(row))
	}
	return rows
}

func (b box) mustEqual(other box, rev string) {
	b.t.Helper()
	if want, got := other.rows(rev), b.rows(rev); !slices.Equal(got, want) {
		b.t.Errorf("%s differs: %d rows, not %d", rev, len(got), len(want))
	}
}

func isRejected(err, reason error) bool {
	_, rejected := errors.AsType[*remote.RejectedError](err)
	return rejected && errors.Is(err, reason)
}

// Two boxes both go on; what each has reaches the other.
func TestCloneFetchPushPull(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 2000)
	_, err := here.CreateBranch(ctx, "cust1", "main")
	succeeds(t, err)
	here.put("cust1", 10, func(i int) int { return i * 7 })
	_, err = here.CreateTag(ctx, "v1", "main", vdb.Message{Author: "Audit", Text: "first"})
	succeeds(t, err)

	there := here.clone(nil)
	for _, rev := range []string{"main", "cust1", "v1", "cust1~"} {
		there.mustEqual(here, rev)
	}
	if got, err := there.Resolve(ctx, "origin/cust1"); err != nil || got.Hash != here.head("cust1") {
		t.Errorf("origin/cust1 is %v, %v", got, err)
	}

	here.put("cust1", 5, func(i int) int { return 100 + i })
	there.put("cust1", 5, func(i int) int { return 200 + i })
	err = there.branch("cust1").Push(ctx, "origin", nil)
	if !isRejected(err, remote.ErrNotFastForward) {
		t.Errorf("the push gave %v", err)
	}
	_, err = there.branch("cust1").Pull(ctx, "origin", nil)
	succeeds(t, err)
	succeeds(t, there.branch("cust1").Push(ctx, "origin", nil))
	there.mustEqual(here, "cust1")
	if here.head("cust1") != there.head("cust1") {
		t.Error("the branches are not the same after pull and push")
	}
	result, err := there.Fetch(ctx, "origin", nil)
	succeeds(t, err)
	if len(result.Updated) != 0 || result.Chunks != 0 {
		t.Errorf("a fetch of nothing new gave %+v", result)
	}
}

// A clone of one branch has nothing that only others have, and a main branch.
func TestCloneOneBranch(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 10)
	for _, name := range []string{"cust1", "cust2"} {
		_, err := here.CreateBranch(ctx, name, "main")
		succeeds(t, err)
	}
	one := here.put("cust1", 500, func(i int) int { return i })
	two := here.put("cust2", 500, func(i int) int { return i })
	there := here.clone(&vdb.CloneOptions{Branches: []string{"cust1"}})
	if there.head("cust1") != one.Hash || there.head("main") != one.Hash {
		t.Error("the branches are elsewhere")
	}
	if _, err := there.Resolve(ctx, two.Hash.String()); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("the other branch's commit gave %v", err)
	}
	if _, err := there.Resolve(ctx, "cust2"); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("the other branch gave %v", err)
	}
	if _, err := there.Fetch(ctx, "origin", &vdb.FetchOptions{Branches: []string{"cust3"}}); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("a branch that is not there gave %v", err)
	}
}

// All branches move or none, by the rule that was asked for.
func TestPushRules(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 50)
	_, err := here.CreateBranch(ctx, "b", "main")
	succeeds(t, err)
	there := here.clone(nil)
	moved := here.put("b", 1, func(int) int { return 1 })
	there.put("b", 1, func(int) int { return 2 })
	there.put("main", 1, func(int) int { return 3 })
	before := here.head("main")
	if err := there.Push(ctx, "origin", nil); !isRejected(err, remote.ErrNotFastForward) {
		t.Errorf("not a fast-forward gave %v", err)
	}
	if here.head("main") != before || here.head("b") != moved.Hash {
		t.Error("a rejected push moved a branch")
	}
	lease := &vdb.PushOptions{ForceWithLease: true}
	if err := there.Push(ctx, "origin", lease); !isRejected(err, remote.ErrMoved) {
		t.Errorf("a broken lease gave %v", err)
	}
	_, err = there.Fetch(ctx, "origin", nil)
	succeeds(t, err)
	succeeds(t, there.Push(ctx, "origin", lease))
	if here.head("b") != there.head("b") || here.head("main") != there.head("main") {
		t.Error("the push with a lease did not move all")
	}
	here.put("b", 1, func(int) int { return 4 })
	succeeds(t, there.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"b"}, Force: true}))
	if here.head("b") != there.head("b") {
		t.Error("force did not move the branch")
	}
	succeeds(t, there.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"b:c"}, Delete: []string{"b"}}))
	if _, err := here.Branch(ctx, "b"); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("the deleted branch gave %v", err)
	}
	if here.head("c") != there.head("b") {
		t.Error("the renamed branch is elsewhere")
	}
	succeeds(t, here.branch("c").Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("customers", 7) }))
	there.put("b", 1, func(int) int { return 5 })
	if err := there.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"b:c"}, Force: true}); !isRejected(err, remote.ErrDirty) {
		t.Errorf("a push to a branch with uncommitted changes gave %v", err)
	}
}

// Random work on three boxes, pushed and pulled all the time, ends the same on all.
func TestRemotesConverge(t *testing.T) {
	ctx := t.Context()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	hub := newBox(t, 300)
	boxes := []box{hub.clone(nil), hub.clone(nil)}
	for range 25 {
		b := boxes[r.IntN(len(boxes))]
		b.put("main", 1+r.IntN(30), func(int) int { return r.IntN(600) })
		if r.IntN(2) == 0 {
			continue
		}
		b.exchange(ctx)
	}
	for range 2 {
		for _, b := range boxes {
			b.exchange(ctx)
		}
	}
	for _, b := range boxes {
		b.mustEqual(hub, "main")
		if b.head("main") != hub.head("main") {
			t.Error("the heads differ")
		}
	}
}

func (b box) exchange(ctx context.Context) {
	b.t.Helper()
	_, err := b.branch("main").Pull(ctx, "origin", &vdb.PullOptions{Merge: &vdb.MergeOptions{Take: vdb.Theirs}})
	succeeds(b.t, err)
	succeeds(b.t, b.branch("main").Push(ctx, "origin", nil))
}

func TestRemoteNames(t *testing.T) {
	ctx := t.Context()
	b := newBox(t, 1)
	succeeds(t, b.AddRemote(ctx, "backup", "https://audit:secret@example.org/prod"))
	if err := b.AddRemote(ctx, "backup", "/elsewhere"); !errors.Is(err, vdb.ErrExists) {
		t.Errorf("a name that is taken gave %v", err)
	}
	for _, url := range []string{"", "https://a b/", "://", "gopher://example.org/x%zz"} {
		if err := b.AddRemote(ctx, "other", url); !errors.Is(err, remote.ErrURL) {
			t.Errorf("URL %q gave %v", url, err)
		}
	}
	if err := b.AddRemote(ctx, "a/b", "/x"); !errors.Is(err, vdb.ErrInvalid) {
		t.Errorf("a name with a slash gave %v", err)
	}
	rm, err := b.Remote(ctx, "backup")
	succeeds(t, err)
	if rm.URL != "https://example.org/prod" {
		t.Errorf("URL %q", rm.URL)
	}
	var names []string
	for rm, err := range b.Remotes(ctx) {
		succeeds(t, err)
		names = append(names, rm.Name)
	}
	if !slices.Equal(names, []string{"backup"}) {
		t.Errorf("remotes %q", names)
	}
	succeeds(t, b.RemoveRemote(ctx, "backup"))
	for _, err := range []error{
		b.RemoveRemote(ctx, "backup"),
		b.branch("main").Push(ctx, "backup", nil),
	} {
		if !errors.Is(err, vdb.ErrNotFound) {
			t.Errorf("an unknown remote gave %v", err)
		}
	}
	_, err = vdb.Clone(ctx, filepath.Join(t.TempDir(), "nothing"), filepath.Join(t.TempDir(), "x"), nil)
	if !errors.Is(err, remote.ErrNoDatabase) {
		t.Errorf("a clone of nothing gave %v", err)
	}
	_, err = vdb.Clone(ctx, b.Path(), b.Path(), nil)
	if !errors.Is(err, vdb.ErrExists) {
		t.Errorf("a clone onto itself gave %v", err)
	}
}

// A pull from a database that was never the same is refused.
func TestUnrelated(t *testing.T) {
	ctx := t.Context()
	a, b := newBox(t, 3), newBox(t, 4)
	succeeds(t, a.AddRemote(ctx, "b", b.Path()))
	if _, err := a.branch("main").Pull(ctx, "b", nil); !errors.Is(err, vdb.ErrUnrelated) {
		t.Errorf("pull gave %v", err)
	}
	if err := a.branch("main").Push(ctx, "b", nil); !isRejected(err, remote.ErrNotFastForward) || !errors.Is(err, vdb.ErrUnrelated) {
		t.Errorf("push gave %v", err)
	}
}
