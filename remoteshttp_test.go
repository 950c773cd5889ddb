package vdb_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

// serve serves a box to everybody, and counts requests and bytes of answers.
func (b box) serve(o *remote.HandlerOptions) *server {
	if o == nil {
		o = &remote.HandlerOptions{Allow: func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }}
	}
	s := &server{}
	handler := remote.Handler(b.DB, o)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler.ServeHTTP(&countingWriter{w, &s.bytes}, r)
	}))
	b.t.Cleanup(s.Close)
	return s
}

type server struct {
	*httptest.Server
	requests, bytes atomic.Int64
}

type countingWriter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

func (b box) cloneURL(url string, o *vdb.CloneOptions) box {
	b.t.Helper()
	db, err := vdb.Clone(b.t.Context(), url, filepath.Join(b.t.TempDir(), "clone"), o)
	succeeds(b.t, err)
	b.t.Cleanup(func() { db.Close() })
	return box{db, b.t}
}

func TestHTTP(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 3000)
	s := here.serve(nil)
	var received, total int64
	there := here.cloneURL(s.URL+"/prod", &vdb.CloneOptions{Progress: func(r, n int64) { received, total = r, n }})
	there.mustEqual(here, "main")
	if received == 0 || received != total {
		t.Errorf("%d of %d chunks at the end", received, total)
	}
	here.put("main", 20, func(i int) int { return 100 * i })
	there.put("main", 20, func(i int) int { return 100*i + 50 })
	if err := there.branch("main").Push(ctx, "origin", nil); !isRejected(err, remote.ErrNotFastForward) {
		t.Errorf("push gave %v", err)
	}
	_, err := there.branch("main").Pull(ctx, "origin", nil)
	succeeds(t, err)
	succeeds(t, there.branch("main").Push(ctx, "origin", nil))
	there.mustEqual(here, "main")
	succeeds(t, here.branch("main").Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("customers", 1) }))
	there.put("main", 1, func(int) int { return 9 })
	if err := there.branch("main").Push(ctx, "origin", nil); !isRejected(err, remote.ErrDirty) {
		t.Errorf("a push under uncommitted changes gave %v", err)
	}
}

// Who may not read a branch neither sees it nor gets what only it leads to.
func TestHiddenBranch(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 10)
	_, err := here.CreateBranch(ctx, "secret", "main")
	succeeds(t, err)
	secret := here.put("secret", 3, func(i int) int { return i })
	open := func(ref string) bool { return ref != "heads/secret" }
	allow := func(r *http.Request) (remote.Access, error) {
		user, password, _ := r.BasicAuth()
		if user != "audit" || password != "s3cret" {
			return remote.Access{}, remote.ErrRefused
		}
		return remote.Access{Read: open, Write: func(string) bool { return false }}, nil
	}
	s := here.serve(&remote.HandlerOptions{Allow: allow})
	withUser := strings.Replace(s.URL, "http://", "http://audit:s3cret@", 1)
	there := here.cloneURL(withUser, nil)
	if _, err := there.Resolve(ctx, secret.Hash.String()); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("the hidden commit gave %v", err)
	}
	far, err := remote.Open(ctx, withUser, nil)
	succeeds(t, err)
	defer far.Close()
	for _, err := range far.Fetch(ctx, remote.FetchRequest{Wants: []vdb.Hash{secret.Hash}}) {
		if !errors.Is(err, remote.ErrNotFound) {
			t.Errorf("a fetch of the hidden commit gave %v", err)
		}
	}
	there.put("main", 1, func(int) int { return 3 })
	_, err = vdb.Clone(ctx, s.URL, filepath.Join(t.TempDir(), "x"), nil)
	if !errors.Is(err, remote.ErrRefused) {
		t.Errorf("no credentials gave %v", err)
	}
	wrong := strings.Replace(s.URL, "http://", "http://audit:hunter2@", 1)
	_, err = vdb.Clone(ctx, wrong, filepath.Join(t.TempDir(), "x"), nil)
	if !errors.Is(err, remote.ErrRefused) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("wrong credentials gave %v", err)
	}
	rm, err := there.Remote(ctx, "origin")
	succeeds(t, err)
	if u, _ := url.Parse(rm.URL); u.User != nil {
		t.Errorf("credentials are kept in %s", rm.URL)
	}
	pushed, err := vdb.Open(ctx, there.Path(), &vdb.Options{Remotes: &remote.Options{
		Header: func(ctx context.Context, u *url.URL) (http.Header, error) {
			r := http.Request{Header: http.Header{}}
			r.SetBasicAuth("audit", "s3cret")
			return r.Header, nil
		},
	}})
	succeeds(t, err)
	defer pushed.Close()
	if err := pushed.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{"main"}}); !isRejected(err, remote.ErrRefused) {
		t.Errorf("a push without the right gave %v", err)
	}
}

func TestHTTPErrors(t *testing.T) {
	ctx := t.Context()
	here := newBox(t, 1)
	none := here.serve(&remote.HandlerOptions{})
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	newer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Vdb-Protocol", "2") }))
	defer newer.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for url, want := range map[string]error{
		none.URL: remote.ErrRefused, other.URL: remote.ErrNoDatabase, newer.URL: vdb.ErrNewerFormat, gone.URL: remote.ErrNoDatabase,
		"http://": remote.ErrURL, "gopher://example.org": remote.ErrURL,
	} {
		if _, err := vdb.Clone(ctx, url, filepath.Join(t.TempDir(), "x"), nil); !errors.Is(err, want) {
			t.Errorf("%s gave %v, not %v", url, err, want)
		}
	}
}
