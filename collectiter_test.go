package vdb_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// TestCollectUnderIterators loses a branch and collects it in the midst of iterators:
// each goes on to its end as if nothing had happened.
func TestCollectUnderIterators(t *testing.T) {
	const commits = 40
	iterators := map[string]func(b *vdb.Branch, pause func(n int)) error{
		"Log": func(b *vdb.Branch, pause func(int)) error {
			n := 0
			for _, err := range b.Log(t.Context(), &vdb.LogOptions{Table: "t", From: "main..HEAD"}) {
				must(err)
				n++
				pause(n)
			}
			return wantCount(n, commits)
		},
		"Commits": func(b *vdb.Branch, pause func(int)) error {
			n := 0
			for _, err := range b.Commits(t.Context(), []string{"HEAD"}, []string{"main"}) {
				must(err)
				n++
				pause(n)
			}
			return wantCount(n, commits)
		},
		"History": func(b *vdb.Branch, pause func(int)) error {
			n := 0
			for v, err := range b.History(t.Context(), "t", 1) {
				must(err)
				n++
				if got := v.Row[1].Int(); got != int64(commits-n) {
					return fmt.Errorf("version %d has %d", n, got)
				}
				pause(n)
			}
			return wantCount(n, commits)
		},
		"Blame": func(b *vdb.Branch, pause func(int)) error {
			n := 0
			for _, err := range b.Blame(t.Context(), "t", vdb.Range{}) {
				must(err)
				n++
				pause(n + 1)
			}
			return wantCount(n, 2)
		},
		"rows of a diff": func(b *vdb.Branch, pause func(int)) error {
			d := b.Diff(t.Context(), "main", "HEAD")
			_, err := d.Count("t")
			must(err)
			pause(2)
			n := 0
			for _, err := range d.Rows("t") {
				must(err)
				n++
			}
			return wantCount(n, 2)
		},
		"Watch": func(b *vdb.Branch, pause func(int)) error {
			n := 0
			for e, err := range b.Watch(t.Context(), "main") {
				var rewound *vdb.RewoundError
				if errors.As(err, &rewound) {
					return wantCount(n, commits)
				}
				must(err)
				n++
				changed := 0
				for _, err := range e.Diff.Rows("t") {
					must(err)
					changed++
				}
				if changed != 1+1/n {
					return fmt.Errorf("commit %d changed %d rows", n, changed)
				}
				pause(n)
			}
			return nil
		},
	}
	var all sync.WaitGroup
	for name, run := range iterators {
		all.Go(func() {
			db, err := vdb.Open(t.Context(), t.TempDir(), &vdb.Options{CacheBytes: -1})
			must(err)
			defer db.Close()
			b := doomed(t, db, commits)
			if err := run(b, func(n int) {
				if n == 2 {
					lose(t, db, b)
				} else if n > 2 && n < 6 {
					forgetHolds()
				}
			}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
}

// lose makes a branch what main is, and collects what it was.
func lose(t *testing.T, db *vdb.DB, b *vdb.Branch) {
	must(db.DeleteBranch(t.Context(), b.Name()))
	_, err := db.CreateBranch(t.Context(), b.Name(), vdb.MainBranch)
	must(err)
	_, err = db.Collect(t.Context(), &vdb.CollectOptions{Full: true})
	must(err)
	time.Sleep(5500 * time.Millisecond) // beyond the time of grace
	forgetHolds()
}

// forgetHolds has what is not held go.
func forgetHolds() {
	for range 3 {
		runtime.GC()
		time.Sleep(time.Millisecond) // clean-ups have goroutines of their own
	}
}

func wantCount(n, want int) error {
	if n != want {
		return fmt.Errorf("%d were yielded, want %d", n, want)
	}
	return nil
}

// doomed makes a branch with commits, each of which sets row 1; the first makes row 2
// too.
func doomed(t *testing.T, db *vdb.DB, commits int) *vdb.Branch {
	main, err := db.Branch(t.Context(), vdb.MainBranch)
	must(err)
	must(main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.CreateTable(collectSchema) }))
	_, err = main.Commit(t.Context(), vdb.Message{Author: "Billing", Text: "table"})
	must(err)
	b, err := db.CreateBranch(t.Context(), "doomed", vdb.MainBranch)
	must(err)
	for n := range commits {
		must(b.Update(t.Context(), func(tx *vdb.Tx) error {
			if n == 0 {
				must(tx.Put("t", vdb.Row{vdb.Int(2), vdb.Int(2), vdb.Text("stays")}))
			}
			return tx.Put("t", vdb.Row{vdb.Int(1), vdb.Int(int64(n)), vdb.Text("moves")})
		}))
		_, err := b.Commit(t.Context(), vdb.Message{Author: "Billing", Text: fmt.Sprint(n)})
		must(err)
	}
	return b
}
