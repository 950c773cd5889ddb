package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
	"github.com/vdbgo/vdb/remote/bucket"
)

// badLine is a proxy before the server that does something to some requests.
type badLine struct {
	proxy *httputil.ReverseProxy

	mu    sync.Mutex
	fault func() fault // of the next request
}

type fault byte

const (
	none        fault = iota
	unavailable       // answers 503
	lostRequest       // the connection ends before anything is done
	lostAnswer        // it is done, and the connection ends
	cutAnswer         // the answer ends in the middle
	flipAnswer        // a bit of the answer is another
	flipRequest       // a bit of what is sent is another
	faults
)

func newBadLine(t *testing.T, next func() fault) (*badLine, *httptest.Server) {
	target := &url.URL{Scheme: "http", Host: server.address}
	l := &badLine{fault: next, proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}}
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	return l, s
}

// ServeHTTP implements http.Handler.
func (l *badLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	f := l.fault()
	l.mu.Unlock()
	switch f {
	case none:
		l.proxy.ServeHTTP(w, r)
		return
	case unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case lostRequest:
		panic(http.ErrAbortHandler)
	case flipRequest:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		flip(body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	answer := httptest.NewRecorder()
	l.proxy.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	switch f {
	case lostAnswer:
		panic(http.ErrAbortHandler)
	case flipAnswer:
		flip(body)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	if f == cutAnswer {
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}

func flip(b []byte) {
	if len(b) > 0 {
		b[len(b)/2] ^= 4
	}
}

// through is the place's URL by way of a proxy.
func (p place) through(s *httptest.Server) string {
	p.address = s.Listener.Addr().String()
	return p.url()
}

// On a line on which every fifth request meets a fault, all arrives, or an error says
// that it has not; and what has arrived is right.
func TestFaults(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	p := newPlace(t)
	_, line := newBadLine(t, func() fault {
		if r.IntN(5) > 0 {
			return none
		}
		return fault(r.IntN(int(faults)))
	})
	a := newBox(t)
	a.connect(p.through(line))
	for i := range 12 {
		a.commit("main", 100*i, 30)
		for tries := 1; ; tries++ {
			err := a.push(nil)
			if err == nil {
				break
			}
			if tries == 20 {
				t.Fatal(err)
			}
		}
	}
	if b := mustClone(t, p.url(), nil); b.head("main") != a.head("main") || b.count("main") != 360 {
		t.Fatal("the clone is not what was pushed")
	}
	for tries := 1; ; tries++ {
		b, err := clone(t, p.through(line), nil)
		if err == nil {
			if b.head("main") != a.head("main") || b.count("main") != 360 {
				t.Error("a clone over a bad line is not what was pushed")
			}
			break
		}
		if tries == 20 {
			t.Fatal(err)
		}
	}
}

// Whatever request of a push the line breaks at, others see all of the push or nothing,
// and the next push succeeds.
func TestPushCutAnywhere(t *testing.T) {
	for f := unavailable + 1; f < faults; f++ {
		for cut := range 5 {
			t.Run(fmt.Sprintf("fault %d of request %d", f, cut), func(t *testing.T) {
				t.Parallel()
				pushCut(t, f, cut)
			})
		}
	}
}

func pushCut(t *testing.T, f fault, cut int) {
	p := newPlace(t)
	l, line := newBadLine(t, func() fault { return none })
	a := newBox(t)
	a.connect(p.through(line))
	succeeds(t, a.push(nil))
	before := a.head("main")
	after := a.commit("main", 0, 50)
	requests := 0
	l.set(func() fault { // after that one nothing goes through
		switch requests++; {
		case requests == cut+1:
			return f
		case requests > cut+1:
			return lostRequest
		}
		return none
	})
	err := a.push(nil)
	b := mustClone(t, p.url(), nil)
	switch head := b.head("main"); {
	case head == before && err != nil, head == after.Hash && b.count("main") == 50:
	default:
		t.Errorf("main is %s (%s before, %s after), the push said %v", head, before, after.Hash, err)
	}
	l.set(func() fault { return none })
	succeeds(t, a.push(nil))
	if b := mustClone(t, p.url(), nil); b.head("main") != after.Hash {
		t.Error("the push after the fault did not arrive")
	}
}

func (l *badLine) set(next func() fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = next
}

// Errors say what is wrong.
func TestErrors(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.connect(p.url())
	succeeds(t, a.push(nil))
	wrong := func(o *bucket.Options, url string) error {
		db, err := vdb.Clone(t.Context(), url, filepath.Join(t.TempDir(), "wrong"), &vdb.CloneOptions{Open: options(o)})
		if err == nil {
			db.Close()
		}
		return err
	}
	fails(t, wrong(&bucket.Options{Credentials: bucket.StaticCredentials("tester", "a wrong secret")}, p.url()), remote.ErrRefused)
	fails(t, wrong(nil, "s3://nowhere/db?endpoint=http://"+p.address), remote.ErrNoDatabase)
	fails(t, wrong(nil, "s3://databases/nothing?endpoint=http://"+p.address), vdb.ErrNotFound)
	fails(t, wrong(nil, "s3://databases/db?endpoint=ftp://"+p.address), remote.ErrURL)
	fails(t, wrong(nil, "s3://databases/../db?endpoint=http://"+p.address), remote.ErrURL)
	fails(t, wrong(nil, "s3://databases/db?part=3"), remote.ErrURL)
	if err := wrong(nil, "s3://user:hidden@databases/db"); !errors.Is(err, remote.ErrURL) || bytes.Contains([]byte(err.Error()), []byte("hidden")) {
		t.Errorf("error is %v", err)
	}
}

// A backup in a bucket has working sets, grows by what is new, and is restored.
func TestBackup(t *testing.T) {
	p := newPlace(t)
	a := newBox(t)
	a.commit("main", 0, 2000)
	first, err := a.Backup(t.Context(), p.url(), nil)
	succeeds(t, err)
	succeeds(t, a.branch("main").Update(t.Context(), func(tx *vdb.Tx) error { return tx.Delete("orders", 5) }))
	second, err := a.Backup(t.Context(), p.url(), nil)
	succeeds(t, err)
	if second.Chunks == 0 || second.Chunks > 20 || second.Chunks >= first.Chunks {
		t.Errorf("%d chunks were copied for one row, %d before", second.Chunks, first.Chunks)
	}
	db, err := vdb.RestoreBackup(t.Context(), p.url(), filepath.Join(t.TempDir(), "restored"), &vdb.BackupOptions{Open: options(nil)})
	succeeds(t, err)
	defer db.Close()
	if b := (box{db, t}); b.count("WORKING") != 1999 || b.count("main") != 2000 {
		t.Error("the restored database is another")
	}
	again, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "again"), nil)
	succeeds(t, err)
	if again.Root != second.Root {
		t.Errorf("the root is %s, want %s", again.Root, second.Root)
	}
	other := newBox(t)
	if _, err := other.Backup(t.Context(), p.url(), nil); !errors.Is(err, remote.ErrOtherDatabase) {
		t.Errorf("the backup of another database gave %v", err)
	}
	_, err = db.Backup(t.Context(), p.url(), nil) // of what was restored
	succeeds(t, err)
	a.connect(p.url())
	if err := a.push(nil); err == nil {
		a.commit("main", 9000, 1)
		if a.push(nil) == nil {
			t.Error("a backup took a push")
		}
	}
}

// What is lost of a damaged database comes from its backup in a bucket: that alone.
func TestRecoverFromBackup(t *testing.T) {
	ctx := t.Context()
	p := newPlace(t)
	a := newBox(t)
	a.commit("main", 0, 2000)
	succeeds(t, a.branch("main").Update(ctx, func(tx *vdb.Tx) error { return tx.Delete("orders", 5) }))
	saved, err := a.Backup(ctx, p.url(), nil)
	succeeds(t, err)
	damaged, to := filepath.Join(t.TempDir(), "damaged"), filepath.Join(t.TempDir(), "new")
	succeeds(t, os.CopyFS(damaged, os.DirFS(a.Path())))
	journals, err := filepath.Glob(filepath.Join(damaged, "journal-*"))
	succeeds(t, err)
	for _, journal := range journals {
		data, err := os.ReadFile(journal)
		succeeds(t, err)
		for at := 4000; at < 9000 && at < len(data); at++ {
			data[at] ^= 0x55
		}
		succeeds(t, os.WriteFile(journal, data, 0o666))
	}
	if report, err := vdb.Recover(ctx, damaged, filepath.Join(t.TempDir(), "alone"), nil); err == nil && report.Whole() {
		t.Error("the damage is none")
	}
	report, err := vdb.Recover(ctx, damaged, to, &vdb.RecoverOptions{From: []string{p.url()}, Open: options(nil)})
	succeeds(t, err)
	if !report.Whole() || report.Root != saved.Root || report.Sources[0].Chunks == 0 || report.Sources[0].Chunks > 10 || report.Sources[0].Err != nil {
		t.Errorf("recovered: %+v", report)
	}
	db, err := vdb.Open(ctx, to, nil)
	succeeds(t, err)
	defer db.Close()
	if b := (box{db, t}); b.count("WORKING") != 1999 || b.count("main") != 2000 {
		t.Error("the recovered database is another")
	}
}
