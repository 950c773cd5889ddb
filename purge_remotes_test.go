package vdb_test

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

func (b box) purge(id int) *vdb.Purged {
	b.t.Helper()
	done, err := b.Purge(b.t.Context(), vdb.Purge{Table: "customers", Where: map[string]any{"id": id}})
	succeeds(b.t, err)
	return done
}

// stored is how many chunks there are that are not garbage.
func (b box) stored() int64 {
	b.t.Helper()
	u, err := b.Usage(b.t.Context(), nil)
	succeeds(b.t, err)
	return u.Live.Chunks + u.History.Chunks
}

// What was purged here does not come back from a clone that has it still, whoever begins;
// after the same purge there, both go on together.
func TestPurgedStaysAway(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 120)
	old := here.head("main")
	server := here.serve(nil)
	clones := map[string]box{"directory": here.clone(nil), "HTTP": here.cloneURL(server.URL, nil)}
	moved := here.purge(7).Commits
	for how, there := range clones {
		t.Run(how, func(t *testing.T) {
			_, err := there.CreateBranch(ctx, "old", "main")
			succeeds(t, err)
			there.put("main", 2, func(i int) int { return 7 + i })
			if err := there.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"old"}}); !isRejected(err, remote.ErrPurged) {
				t.Errorf("the old commit was pushed: %v", err)
			}
			if err := there.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"main"}, Force: true}); !errors.Is(err, remote.ErrPurged) {
				t.Errorf("a commit on top of the old one was pushed: %v", err)
			}
			succeeds(t, there.Compact(ctx)) // chunks travel one by one
			s := there.serve(nil)
			for name, url := range map[string]string{how + "-path": there.Path(), how + "-url": s.URL} {
				succeeds(t, here.AddRemote(ctx, name, url))
				before := here.stored()
				for _, o := range []*vdb.FetchOptions{nil, {Branches: []string{"main"}}, {Branches: []string{"main"}, Depth: 1}, {Branches: []string{"old"}}} {
					if _, err := here.Fetch(ctx, name, o); !errors.Is(err, remote.ErrPurged) || !strings.Contains(err.Error(), moved[old].String()) {
						t.Errorf("fetch of %+v: %v; want an error that names %s", o, err, moved[old])
					}
				}
				if after := here.stored(); after != before {
					t.Errorf("%d chunks were kept of what came", after-before)
				}
			}
			succeeds(t, there.DeleteBranch(ctx, "old"))
			there.purge(7)
			_, err = there.branch("main").Pull(ctx, "origin", nil)
			succeeds(t, err)
			succeeds(t, there.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"main"}}))
			_, err = here.Fetch(ctx, how+"-url", nil)
			succeeds(t, err)
			here.mustEqual(there, "main")
			here.mustBeWhole()
			there.mustBeWhole()
		})
	}
}

// A transfer that was cut does not keep rows from being purged.
func TestPurgeForgetsCutTransfers(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 120)
	succeeds(t, here.Compact(ctx)) // chunks travel one by one
	var whole []byte
	cut := false
	w := &wire{}
	w.handler = remote.Handler(here.DB, &remote.HandlerOptions{Allow: func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }})
	w.response = func(path string, body []byte) ([]byte, error) {
		if isFetch(path) {
			whole = body
		}
		return body, nil
	}
	w.instead = func(path string) ([]byte, error) {
		if !cut || !isFetch(path) {
			return nil, nil
		}
		return whole[:len(whole)-100], io.ErrUnexpectedEOF
	}
	open := func() box {
		db, err := vdb.Open(ctx, filepath.Join(t.TempDir(), "there"), &vdb.Options{Remotes: &remote.Options{Client: &http.Client{Transport: w}, Attempts: 1}})
		succeeds(t, err)
		t.Cleanup(func() { db.Close() })
		succeeds(t, db.AddRemote(ctx, "origin", "http://here"))
		return box{db, t}
	}
	open().mustFetch(here.rows("main"))
	there := open()
	cut = true
	if _, err := there.Fetch(ctx, "origin", nil); !errors.Is(err, remote.ErrInterrupted) {
		t.Fatal(err)
	}
	succeeds(t, there.branch("main").Update(ctx, func(tx *vdb.Tx) error {
		if err := tx.CreateTable(vdb.Schema{Name: "customers", Columns: []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "name", Type: "TEXT"}}}); err != nil {
			return err
		}
		return tx.Insert("customers", vdb.Row{vdb.Int(7), vdb.Text("customer 7 of main, 7")})
	}))
	if copies := there.purge(7).Copies; len(copies) > 0 {
		t.Errorf("%v is still there", copies)
	}
	cut = false
	there.mustFetch(here.rows("main"))
}
