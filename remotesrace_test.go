package vdb_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

// eachTransport runs a test with a box that others reach in each of the ways that need no
// bucket; package bucket has the same tests.
func eachTransport(t *testing.T, test func(t *testing.T, here box, url string)) {
	t.Run("HTTP", func(t *testing.T) {
		here := newBox(t, 50)
		test(t, here, here.serve(nil).URL)
	})
	t.Run("directory", func(t *testing.T) {
		here := newBox(t, 50)
		test(t, here, here.Path())
	})
}

// Two clients push to one branch at once, again and again: one wins, the other is told
// that it was slower, and has lost nothing after a pull.
func TestPushRaced(t *testing.T) {
	eachTransport(t, func(t *testing.T, here box, url string) {
		const rounds = 12
		clients := [2]box{here.cloneURL(url, nil), here.cloneURL(url, nil)}
		for round := range rounds {
			var heads [2]vdb.Hash
			for i, c := range clients {
				heads[i] = c.put("main", 1, func(int) int { return 1001 + 2*round + i }).Hash
			}
			winner := here.raced(clients)
			if got := here.head("main"); got != heads[winner] {
				t.Fatalf("round %d: the branch is at %s, the winner at %s", round, got, heads[winner])
			}
			for _, i := range []int{1 - winner, winner} {
				_, err := clients[i].branch("main").Pull(t.Context(), "origin", nil)
				succeeds(t, err)
				succeeds(t, clients[i].branch("main").Push(t.Context(), "origin", nil))
			}
		}
		for _, c := range clients {
			c.mustEqual(here, "main")
		}
		if n := len(here.rows("main")); n != 50+2*rounds {
			t.Errorf("%d rows are left of %d", n, 50+2*rounds)
		}
	})
}

// raced has two clients push their main branches at once, and returns which has won.
func (b box) raced(clients [2]box) (winner int) {
	b.t.Helper()
	var errs [2]error
	var pushing sync.WaitGroup
	for i, c := range clients {
		main := c.branch("main")
		pushing.Go(func() { errs[i] = main.Push(b.t.Context(), "origin", nil) })
	}
	pushing.Wait()
	if errs[0] != nil {
		winner = 1
	}
	if slower := errs[1-winner]; errs[winner] != nil || !isRejected(slower, remote.ErrNotFastForward) && !isRejected(slower, remote.ErrMoved) {
		b.t.Fatalf("two pushes at once gave %v and %v", errs[0], errs[1])
	}
	return winner
}

// Many clients that each push a branch of their own at once are in nobody's way.
func TestPushManyBranches(t *testing.T) {
	eachTransport(t, func(t *testing.T, here box, url string) {
		const clients, rounds = 6, 4
		all := make([]box, clients)
		for i := range all {
			all[i] = here.cloneURL(url, nil)
			_, err := all[i].CreateBranch(t.Context(), fmt.Sprint("client", i), "main")
			succeeds(t, err)
		}
		for round := range rounds {
			errs := make([]error, clients)
			var pushing sync.WaitGroup
			for i, c := range all {
				name := fmt.Sprint("client", i)
				c.put(name, 3, func(k int) int { return 1000*(i+1) + 10*round + k })
				own := c.branch(name)
				pushing.Go(func() { errs[i] = own.Push(t.Context(), "origin", nil) })
			}
			pushing.Wait()
			succeeds(t, errors.Join(errs...))
		}
		for i, c := range all {
			c.mustEqual(here, fmt.Sprint("client", i))
		}
		report, err := here.Check(t.Context(), nil)
		succeeds(t, err)
		if !report.OK() {
			t.Errorf("check: %+v", report)
		}
	})
}

// progress checks what it is told: what has been done is not more than the total, and
// neither shrinks.
type progress struct {
	t           *testing.T
	done, total int64
}

func (p *progress) tell(done, total int64) {
	if done > total || done < p.done || total < p.total {
		p.t.Errorf("%d of %d chunks after %d of %d", done, total, p.done, p.total)
	}
	p.done, p.total = done, total
}

// end checks that all was done.
func (p *progress) end() {
	p.t.Helper()
	if p.done != p.total || p.total == 0 {
		p.t.Errorf("%d of %d chunks at the end", p.done, p.total)
	}
	p.done, p.total = 0, 0
}

// The total of a transfer never shrinks, is never exceeded, and holds at the end, values
// out of line included.
func TestProgress(t *testing.T) {
	eachTransport(t, func(t *testing.T, here box, url string) {
		p := &progress{t: t}
		values := func(b box, from int) {
			succeeds(t, b.branch("main").Update(t.Context(), func(tx *vdb.Tx) error {
				for i := range 40 {
					text := strings.Repeat(fmt.Sprint("a photo of ", from+i), 4000*(i%3))
					if err := tx.Put("customers", vdb.Row{vdb.Int(int64(from + i)), vdb.Null(), vdb.Bytes([]byte(text))}); err != nil {
						return err
					}
				}
				return nil
			}))
			b.commit("photos")
		}
		values(here, 1000)
		there := here.cloneURL(url, &vdb.CloneOptions{Progress: p.tell})
		p.end()
		values(there, 2000)
		succeeds(t, there.Push(t.Context(), "origin", &vdb.PushOptions{Progress: p.tell}))
		p.end()
		values(here, 3000)
		_, err := there.Fetch(t.Context(), "origin", &vdb.FetchOptions{Progress: p.tell})
		succeeds(t, err)
		p.end()
		_, err = here.Backup(t.Context(), filepath.Join(t.TempDir(), "backup"), &vdb.BackupOptions{Progress: p.tell})
		succeeds(t, err)
		p.end()
	})
}
