package vdb_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/faultfs"
	"github.com/vdbgo/vdb/remote"
)

// wire carries requests straight to a handler, and spoils bodies on their way.
type wire struct {
	handler  http.Handler
	request  func(path string, body io.Reader) io.Reader
	response func(path string, body []byte) ([]byte, error) // the error comes after the bytes
	instead  func(path string) ([]byte, error)              // of the handler's response, likewise, if the error is not nil
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	if w.request != nil && r.Body != nil {
		sent.Body = io.NopCloser(w.request(r.URL.Path, r.Body))
	}
	rec := httptest.NewRecorder()
	if w.instead != nil {
		if body, err := w.instead(r.URL.Path); err != nil {
			rec.Header().Set("Vdb-Protocol", "1")
			resp := rec.Result()
			resp.Body = io.NopCloser(&brokenReader{body, err})
			return resp, nil
		}
	}
	func() {
		defer func() { _ = recover() }() // http.ErrAbortHandler
		w.handler.ServeHTTP(rec, sent)
	}()
	resp := rec.Result()
	if w.response != nil {
		body, err := w.response(r.URL.Path, rec.Body.Bytes())
		if err == nil {
			err = io.EOF
		}
		resp.Body = io.NopCloser(&brokenReader{body, err})
	}
	return resp, nil
}

type brokenReader struct {
	data []byte
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, r.err
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

func isFetch(path string) bool { return filepath.Base(path) == "fetch" }
func isPush(path string) bool  { return filepath.Base(path) == "push" }

// openWired opens an empty database that reaches here through w.
func (b box) openWired(w *wire) box {
	b.t.Helper()
	w.handler = remote.Handler(b.DB, &remote.HandlerOptions{Allow: func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }})
	db, err := vdb.Open(b.t.Context(), vdb.Memory, &vdb.Options{Remotes: &remote.Options{Client: &http.Client{Transport: w}, Attempts: 1}})
	succeeds(b.t, err)
	succeeds(b.t, db.AddRemote(b.t.Context(), "origin", "http://here"))
	return box{db, b.t}
}

func smallBox(t *testing.T) box {
	b := newBox(t, 101)
	succeeds(t, b.branch("main").Update(t.Context(), func(tx *vdb.Tx) error { // a blob of several chunks
		return tx.Put("customers", vdb.Row{vdb.Int(7), vdb.Null(), vdb.Bytes([]byte(strings.Repeat("a large photo ", 3000)))})
	}))
	b.put("main", 3, func(i int) int { return 10 * i })
	return b
}

// eachForm runs a test with a box whose chunks travel together, from a journal, and one
// from whose tables they travel one by one, and with what answers the first fetch.
func eachForm(t *testing.T, test func(t *testing.T, r *rand.Rand, here box, answer []byte, oneByOne bool)) {
	for _, form := range []string{"journal", "table"} {
		t.Run(form, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			here := smallBox(t)
			if form == "table" {
				succeeds(t, here.Compact(t.Context()))
			}
			var answer []byte
			there := here.openWired(&wire{response: func(path string, body []byte) ([]byte, error) {
				if isFetch(path) {
					answer = slices.Clone(body)
				}
				return body, nil
			}})
			there.mustFetch(here.rows("main"))
			succeeds(t, there.Close())
			t.Logf("%d bytes", len(answer))
			test(t, rand.New(rand.NewPCG(seed, 0)), here, answer, form == "table")
		})
	}
}

// places returns where to spoil an answer: every byte around the beginning of each
// frame, and some in between; with -soak all.
func places(r *rand.Rand, answer []byte) (at []int) {
	frames := make([]bool, len(answer)+1) // what is near the beginning of one
	for i := 0; i < len(answer); i += 5 + int(binary.LittleEndian.Uint32(answer[i+1:])) {
		for j := max(0, i-2); j < min(i+7, len(frames)); j++ {
			frames[j] = true
		}
	}
	stride := 61
	if *soak {
		stride = 1
	}
	first := r.IntN(stride)
	for i := range answer {
		if frames[i] || i%stride == first {
			at = append(at, i)
		}
	}
	return at
}

// A fetch that is cut after any number of bytes leaves a database that is whole, and
// goes on from there.
func TestFetchCutAtEveryByte(t *testing.T) {
	eachForm(t, func(t *testing.T, r *rand.Rand, here box, answer []byte, oneByOne bool) {
		ctx := t.Context()
		want := here.rows("main")
		resumed := 0
		for _, n := range places(r, answer) {
			cut := true
			w := &wire{}
			w.instead = func(path string) ([]byte, error) {
				if !cut || !isFetch(path) {
					return nil, nil
				}
				return answer[:n], io.ErrUnexpectedEOF
			}
			w.response = func(path string, body []byte) ([]byte, error) {
				if !cut && isFetch(path) && len(body) < len(answer)*3/4 {
					resumed++
				}
				return body, nil
			}
			there := here.openWired(w)
			_, err := there.Fetch(ctx, "origin", nil)
			if !errors.Is(err, remote.ErrInterrupted) {
				t.Fatalf("cut after %d bytes: %v", n, err)
			}
			if _, err := there.Resolve(ctx, "origin/main"); !errors.Is(err, vdb.ErrNotFound) {
				t.Fatalf("cut after %d bytes, there is a branch: %v", n, err)
			}
			cut = false
			there.mustFetch(want)
			succeeds(t, there.Close())
		}
		if oneByOne && resumed == 0 {
			t.Error("no transfer went on where it was cut")
		}
	})
}

func (b box) mustFetch(want []string) {
	b.t.Helper()
	_, err := b.Fetch(b.t.Context(), "origin", nil)
	succeeds(b.t, err)
	if got := b.rows("origin/main"); !slices.Equal(got, want) {
		b.t.Fatalf("%d rows, not %d", len(got), len(want))
	}
}

// A server whose bytes are not what they should be is found out.
func TestFetchFlippedBytes(t *testing.T) {
	eachForm(t, func(t *testing.T, r *rand.Rand, here box, answer []byte, _ bool) {
		want := here.rows("main")
		for _, n := range places(r, answer) {
			flipped := slices.Clone(answer)
			flipped[n] ^= 0x55
			there := here.openWired(&wire{instead: func(path string) ([]byte, error) {
				if !isFetch(path) {
					return nil, nil
				}
				return flipped, io.EOF
			}})
			if _, err := there.Fetch(t.Context(), "origin", nil); err == nil {
				if got := there.rows("origin/main"); !slices.Equal(got, want) {
					t.Fatalf("byte %d: %d rows came, not %d", n, len(got), len(want))
				}
			}
			succeeds(t, there.Close())
		}
	})
}

// A push that is cut after any number of bytes moves nothing, and can be repeated.
func TestPushCutAtEveryByte(t *testing.T) {
	ctx := t.Context()
	here := smallBox(t)
	w := &wire{}
	there := here.openWired(w)
	_, err := there.Fetch(ctx, "origin", nil)
	succeeds(t, err)
	_, err = there.CreateBranch(ctx, "work", "origin/main")
	succeeds(t, err)
	before := here.head("main")
	there.put("work", 5, func(i int) int { return 20 * i })
	push := &vdb.PushOptions{Branches: []string{"work:main"}}
	seed, stride := rand.Uint64(), int64(8)
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	if *soak {
		stride = 1
	}
	for n := int64(0); ; n += 1 + r.Int64N(stride) {
		cut := false
		w.request = func(path string, body io.Reader) io.Reader {
			if !isPush(path) {
				return body
			}
			data, err := io.ReadAll(body)
			succeeds(t, err)
			cut = n < int64(len(data))
			return &brokenReader{data[:min(n, int64(len(data)))], io.ErrUnexpectedEOF}
		}
		err := there.Push(ctx, "origin", push)
		if !cut {
			succeeds(t, err)
			break
		}
		if !errors.Is(err, remote.ErrInterrupted) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
		if here.head("main") != before {
			t.Fatalf("cut after %d bytes, the branch moved", n)
		}
	}
	if !slices.Equal(here.rows("main"), there.rows("work")) {
		t.Error("other rows came")
	}
}

// liar is a remote that does not keep to the rules.
type liar struct {
	remote.Remote
	chunks func(iter.Seq2[remote.Chunk, error]) iter.Seq2[remote.Chunk, error]
}

func (l liar) Close() error { return nil }

func (l liar) Fetch(ctx context.Context, req remote.FetchRequest) iter.Seq2[remote.Chunk, error] {
	return l.chunks(l.Remote.Fetch(ctx, req))
}

func (b box) lyingTo(chunks func(iter.Seq2[remote.Chunk, error]) iter.Seq2[remote.Chunk, error]) box {
	b.t.Helper()
	far := liar{b.Served(remote.FullAccess()), chunks}
	db, err := vdb.Open(b.t.Context(), vdb.Memory, &vdb.Options{Remotes: transports(far)})
	succeeds(b.t, err)
	b.t.Cleanup(func() { db.Close() })
	succeeds(b.t, db.AddRemote(b.t.Context(), "origin", "box://here"))
	return box{db, b.t}
}

func transports(far remote.Remote) *remote.Options {
	return &remote.Options{Transports: map[string]remote.Transport{
		"box": func(context.Context, string) (remote.Remote, error) { return far, nil },
	}}
}

// Missing chunks, other bytes, too many chunks: each is found out, and nothing moves.
func TestLyingRemote(t *testing.T) {
	here := smallBox(t)
	var all []remote.Chunk
	for c, err := range here.Served(remote.FullAccess()).Fetch(t.Context(), remote.FetchRequest{Wants: []vdb.Hash{here.head("main")}}) {
		succeeds(t, err)
		all = append(all, c)
	}
	seq := func(chunks []remote.Chunk, endless bool) func(iter.Seq2[remote.Chunk, error]) iter.Seq2[remote.Chunk, error] {
		return func(honest iter.Seq2[remote.Chunk, error]) iter.Seq2[remote.Chunk, error] {
			return func(yield func(remote.Chunk, error) bool) {
				for range honest { // whose header was heard
					break
				}
				for first := true; first || endless; first = false {
					for _, c := range chunks {
						if !yield(c, nil) {
							return
						}
					}
				}
			}
		}
	}
	for i, c := range all {
		other := c
		other.Payload = append(slices.Clone(c.Payload), 'x')
		swapped := c
		swapped.Hash = all[(i+1)%len(all)].Hash
		for what, chunks := range map[string][]remote.Chunk{
			"without":       slices.Delete(slices.Clone(all), i, i+1),
			"other bytes":   slices.Replace(slices.Clone(all), i, i+1, other),
			"other address": slices.Replace(slices.Clone(all), i, i+1, swapped),
			"twice":         slices.Insert(slices.Clone(all), i, c, c),
		} {
			there := here.lyingTo(seq(chunks, false))
			_, err := there.Fetch(t.Context(), "origin", nil)
			if !errors.Is(err, remote.ErrProtocol) && !(what == "twice" && err == nil) {
				t.Errorf("%s chunk %d: %v", what, i, err)
			}
		}
	}
	there := here.lyingTo(seq(all, true))
	if _, err := there.Fetch(t.Context(), "origin", nil); !errors.Is(err, remote.ErrProtocol) {
		t.Errorf("an endless body gave %v", err)
	}
}

// What a sender says of chunks that lead to no other is not believed: a clone of a
// clone has all there is.
func TestLeavesAreNotBelieved(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	here := faultyBox(t, rand.New(rand.NewPCG(seed, 0))) // a clone becomes a table file
	succeeds(t, here.Compact(t.Context()))
	told, both := 0, byte(2|4)
	far := liar{here.Served(remote.FullAccess()), func(chunks iter.Seq2[remote.Chunk, error]) iter.Seq2[remote.Chunk, error] {
		return func(yield func(remote.Chunk, error) bool) {
			for c, err := range chunks {
				if c.Leaf() {
					told++
				}
				if c.Codec == 2 || c.Codec == 4 {
					c.Codec ^= both // the other of the two
				}
				if !yield(c, err) {
					return
				}
			}
		}
	}}
	db, err := vdb.Clone(t.Context(), "box://here", filepath.Join(t.TempDir(), "clone"), &vdb.CloneOptions{Open: &vdb.Options{Remotes: transports(far)}})
	succeeds(t, err)
	t.Cleanup(func() { db.Close() })
	there := box{db, t}
	if told == 0 {
		t.Error("no leaf was told of")
	}
	there.mustEqual(here, "main")
	there.clone(nil).mustEqual(here, "main")
}

// A far end that drips is given up.
func TestSlowDrip(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vdb-Protocol", "1")
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	defer s.Close()
	_, err := vdb.Clone(t.Context(), s.URL, filepath.Join(t.TempDir(), "x"), &vdb.CloneOptions{
		Open: &vdb.Options{Remotes: &remote.Options{IdleTimeout: 200 * time.Millisecond}},
	})
	if !errors.Is(err, remote.ErrInterrupted) {
		t.Errorf("a drip gave %v", err)
	}
}

// faultyBox is a source for clones into file systems that fail: large enough that a
// clone writes a table file.
func faultyBox(t *testing.T, r *rand.Rand) box {
	b := newBox(t, 300)
	succeeds(t, b.branch("main").Update(t.Context(), func(tx *vdb.Tx) error {
		for i := range int64(10) {
			photo := make([]byte, 1<<20)
			for j := range photo {
				photo[j] = byte(r.Uint32())
			}
			if err := tx.Put("customers", vdb.Row{vdb.Int(1000 + i), vdb.Null(), vdb.Bytes(photo)}); err != nil {
				return err
			}
		}
		return nil
	}))
	_, err := b.branch("main").Commit(t.Context(), vdb.Message{Author: "Billing", Text: "photos"})
	succeeds(t, err)
	return b
}

// A clone that is stopped at any operation, or for which there is no room, leaves
// what the next one can go on from.
func TestCloneFaults(t *testing.T) {
	ctx := t.Context()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	here := faultyBox(t, r)
	clone := func(fs *faultfs.FS) error {
		db, err := vdb.Clone(ctx, "box://here", "/db", &vdb.CloneOptions{
			Open: &vdb.Options{FS: fs, Now: standing, Remotes: transports(liar{here.Served(remote.FullAccess()), func(c iter.Seq2[remote.Chunk, error]) iter.Seq2[remote.Chunk, error] { return c }})},
		})
		if err != nil {
			return err
		}
		defer db.Close()
		mustBeSame(box{db, t}, here)
		return nil
	}
	whole := faultfs.New()
	succeeds(t, clone(whole))
	ops := whole.Ops()
	for _, what := range []func(fs *faultfs.FS, i int){(*faultfs.FS).Fail, (*faultfs.FS).Stop, func(fs *faultfs.FS, i int) { fs.Limit(int64(i) * 12 << 20 / int64(ops)) }} {
		for range 10 {
			i := r.IntN(ops)
			fs := faultfs.New()
			what(fs, i)
			err := clone(fs)
			fs = fs.Crash(r, faultfs.Sectors)
			again := clone(fs)
			if errors.Is(again, vdb.ErrExists) { // the last operation failed, and was done
				db, openErr := vdb.Open(ctx, "/db", &vdb.Options{FS: fs, Now: standing})
				if again = openErr; openErr == nil {
					mustBeSame(box{db, t}, here)
					again = db.Close()
				}
			}
			if again != nil {
				t.Errorf("operation %d of %d gave %v; then %v", i, ops, err, again)
			}
		}
	}
}

// mustBeSame compares a clone with what was cloned.
func mustBeSame(there, here box) {
	there.t.Helper()
	if there.head("main") != here.head("main") || len(there.rows("main")) != 310 {
		there.t.Error("the clone is not the same")
	}
}
