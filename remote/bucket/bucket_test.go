package bucket_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
	"github.com/vdbgo/vdb/remote/bucket"
)

func (b box) head(branch string) vdb.Hash {
	b.t.Helper()
	c, err := b.branch(branch).Head(b.t.Context())
	succeeds(b.t, err)
	return c.Hash
}

// count is the number of orders at a revision; all of them are read.
func (b box) count(rev string) int {
	b.t.Helper()
	s, err := b.AsOf(b.t.Context(), rev)
	succeeds(b.t, err)
	n := 0
	for _, err := range s.Rows("orders", vdb.Range{}) {
		succeeds(b.t, err)
		n++
	}
	return n
}

func (b box) connect(url string) {
	b.t.Helper()
	succeeds(b.t, b.AddRemote(b.t.Context(), "origin", url))
}

func (b box) push(o *vdb.PushOptions) error { return b.Push(b.t.Context(), "origin", o) }

// A branch goes through a bucket to others and comes back changed.
func TestExchange(t *testing.T) {
	p := newPlace(t)
	here := newBox(t)
	here.connect(p.url())
	here.commit("main", 0, 3000)
	succeeds(t, here.push(nil))

	there := mustClone(t, p.url(), nil)
	if there.head("main") != here.head("main") || there.count("main") != 3000 {
		t.Fatal("the clone is not what was pushed")
	}
	there.commit("main", 10_000, 5)
	succeeds(t, there.push(nil))
	_, err := here.branch("main").Pull(t.Context(), "origin", nil)
	succeeds(t, err)
	if here.head("main") != there.head("main") || here.count("main") != 3005 {
		t.Fatal("what was pulled is not what was pushed")
	}
}

// Who has not seen the newest commits cannot push over them, but by force.
func TestFastForward(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.connect(p.url())
	a.commit("main", 0, 10)
	succeeds(t, a.push(nil))
	b := mustClone(t, p.url(), nil)
	b.commit("main", 100, 1)
	a.commit("main", 200, 1)
	succeeds(t, b.push(nil))
	fails(t, a.push(nil), remote.ErrNotFastForward)
	fails(t, a.push(&vdb.PushOptions{ForceWithLease: true}), remote.ErrMoved)
	succeeds(t, a.push(&vdb.PushOptions{Force: true}))
	if got := mustClone(t, p.url(), nil).head("main"); got != a.head("main") {
		t.Errorf("main is %s, want %s", got, a.head("main"))
	}

	var rejected *remote.RejectedError
	if err := b.push(nil); !errors.As(err, &rejected) || rejected.Rejected[0].Ref != "heads/main" {
		t.Errorf("error is %v", err)
	}
}

// The bucket itself looks whether an update is one: a client that is wrong is refused.
func TestRules(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.connect(p.url())
	old := a.head("main")
	a.commit("main", 0, 10)
	succeeds(t, a.push(nil))
	far, err := bucket.Open(p.url(), nil)
	succeeds(t, err)
	defer far.Close()
	push := func(u remote.Update) error {
		return far.Push(t.Context(), remote.PushRequest{Updates: []remote.Update{u}})
	}
	fails(t, push(remote.Update{Name: "heads/main", Old: a.head("main"), New: old}), remote.ErrNotFastForward)
	fails(t, push(remote.Update{Name: "heads/main", Old: old, New: old, Rule: remote.Lease}), remote.ErrMoved)
	fails(t, push(remote.Update{Name: "heads/new", New: vdb.Hash{1}}), remote.ErrNotFound)
	succeeds(t, push(remote.Update{Name: "heads/old", New: old}))
	succeeds(t, push(remote.Update{Name: "heads/old", Old: old, New: a.head("main")}))
	succeeds(t, push(remote.Update{Name: "heads/old", Old: a.head("main"), Rule: remote.Lease}))
	refs, err := far.Refs(t.Context())
	succeeds(t, err)
	if len(refs.Refs) != 1 || refs.Refs[0].Hash != a.head("main") {
		t.Errorf("refs are %v", refs.Refs)
	}
}

// Of one branch nothing comes that only others have; of a depth no older commits.
func TestPart(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.connect(p.url())
	a.commit("main", 0, 100)
	_, err := a.CreateBranch(t.Context(), "other", "main")
	succeeds(t, err)
	secret := a.commit("other", 1000, 500)
	a.commit("main", 200, 100)
	_, err = a.CreateTag(t.Context(), "v1", "main", vdb.Message{Author: "Audit", Text: "first"})
	succeeds(t, err)
	succeeds(t, a.push(&vdb.PushOptions{Branches: []string{"main", "other"}, Tags: []string{"v1"}}))

	one := mustClone(t, p.url(), &vdb.CloneOptions{Branches: []string{"main"}})
	if _, err := one.AsOf(t.Context(), secret.Hash.String()); err == nil {
		t.Error("a commit of another branch came")
	}
	if one.count("main") != 200 {
		t.Error("the branch did not come whole")
	}
	all := mustClone(t, p.url(), nil)
	if all.count("v1") != 200 || all.count("origin/other") != 600 || all.count("main") != 200 {
		t.Error("the clone is not what was pushed")
	}
}

// Many clients push branches of their own and the same branch; nothing is lost.
func TestManyPush(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.connect(p.url())
	succeeds(t, a.push(nil))
	const clients, rounds = 6, 4
	var running sync.WaitGroup
	errs := make(chan error, clients)
	for i := range clients {
		b := mustClone(t, p.url(), nil)
		running.Go(func() { errs <- b.contend(i, rounds) })
	}
	running.Wait()
	for range clients {
		succeeds(t, <-errs)
	}
	all := mustClone(t, p.url(), nil)
	if n := all.count("main"); n != clients*rounds {
		t.Errorf("main has %d rows, want %d", n, clients*rounds)
	}
	for i := range clients {
		if n := all.count(fmt.Sprintf("origin/client%d", i)); n < rounds {
			t.Errorf("client %d's branch has %d rows, want %d", i, n, rounds)
		}
	}
}

// Two clients push to one branch at once: one wins, the other is told that it was
// slower, and has lost nothing after a pull.
func TestRace(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.connect(p.url())
	succeeds(t, a.push(nil))
	clients := [2]box{a, mustClone(t, p.url(), nil)}
	const rounds = 6
	for round := range rounds {
		var heads [2]vdb.Hash
		var errs [2]error
		var pushing sync.WaitGroup
		for i, c := range clients {
			heads[i] = c.commit("main", 10*round+i, 1).Hash
			pushing.Go(func() { errs[i] = c.push(nil) })
		}
		pushing.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		slower := errs[1-winner]
		if errs[winner] != nil || !errors.Is(slower, remote.ErrNotFastForward) && !errors.Is(slower, remote.ErrMoved) {
			t.Fatalf("two pushes at once gave %v and %v", errs[0], errs[1])
		}
		if got := p.head(t); got != heads[winner] {
			t.Fatalf("the branch is at %s, the winner at %s", got, heads[winner])
		}
		for _, i := range []int{1 - winner, winner} {
			_, err := clients[i].branch("main").Pull(t.Context(), "origin", nil)
			succeeds(t, err)
			succeeds(t, clients[i].push(nil))
		}
	}
	if n := mustClone(t, p.url(), nil).count("main"); n != 2*rounds {
		t.Errorf("%d rows are left of %d", n, 2*rounds)
	}
}

// head is where the bucket's main branch is.
func (p place) head(t *testing.T) vdb.Hash {
	t.Helper()
	far, err := bucket.Open(p.url(), nil)
	succeeds(t, err)
	defer far.Close()
	refs, err := far.Refs(t.Context(), "heads/main")
	succeeds(t, err)
	return refs.Refs[0].Hash
}

// contend commits to main and to a branch of its own, and pushes both, again and again
// until nobody was faster.
func (b box) contend(client, rounds int) error {
	ctx := b.t.Context()
	own := fmt.Sprintf("client%d", client)
	if _, err := b.CreateBranch(ctx, own, "main"); err != nil {
		return err
	}
	for round := range rounds {
		for _, branch := range []string{"main", own} {
			b.commit(branch, 1000*(client+1)+round, 1)
		}
		for {
			err := b.push(&vdb.PushOptions{Branches: []string{"main", own}})
			if err == nil {
				break
			}
			if !errors.Is(err, remote.ErrNotFastForward) && !errors.Is(err, remote.ErrMoved) {
				return err
			}
			if _, err := b.branch("main").Pull(ctx, "origin", nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Many pushes leave few tables, and after the grace time no others.
func TestTidy(t *testing.T) {
	p := newPlace(t)
	now := time.Now()
	later := options(&bucket.Options{Grace: time.Minute, Now: func() time.Time { now = now.Add(time.Hour); return now }})
	a := newBoxAt(t, later)
	a.connect(p.url())
	for i := range 40 {
		a.commit("main", i, 1)
		succeeds(t, a.push(nil))
	}
	for _, f := range p.tables() { // as if they were of long ago
		succeeds(t, os.Chtimes(f, time.Time{}, time.Now().Add(-time.Hour)))
	}
	for i := range 20 {
		a.commit("main", 100+i, 1)
		succeeds(t, a.push(nil))
	}
	if n := len(p.tables()); n > 17+2*16 {
		t.Errorf("%d tables are left", n)
	}
	if b := mustClone(t, p.url(), nil); b.count("main") != 60 || b.head("main") != a.head("main") {
		t.Error("the clone is not what was pushed")
	}
}
