package vdb

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/remote"
)

var recoverRuns = flag.Int("recover", 3, "how many databases tests of Recover damage")

// damagedDB makes a database with branches, a tag, a tracked remote, a merge in progress and
// working sets of their own, closes it, and returns what it was.
func damagedDB(t *testing.T, dir string, rng *rand.Rand, halfway func(db *DB)) *original {
	t.Helper()
	ctx := t.Context()
	db := checkedDB(t, dir, rng)
	main := must(db.Branch(ctx, MainBranch))(t)
	must(db.CreateTag(ctx, "v1", "main~1", Message{Author: "Audit", Text: "first"}))(t)
	feature := must(db.CreateBranch(ctx, "feature", "side~1"))(t)
	putRows(t, feature, rng, 30)
	must(feature.Commit(ctx, Message{Author: "Audit", Text: "feature"}))(t)
	if rng.IntN(3) > 0 {
		must(db.Collect(ctx, &CollectOptions{Full: rng.IntN(2) == 0}))(t)
	}
	if halfway != nil {
		halfway(db)
	}
	for range rng.IntN(4) {
		putRows(t, main, rng, 10)
		must(main.Commit(ctx, Message{Author: "Audit", Text: "more", AllowEmpty: true}))(t)
	}
	putRows(t, feature, rng, 5) // not committed
	if rng.IntN(2) == 0 {
		succeed(t, db.AddRemote(ctx, "origin", "https://example.org/prod"))
		if _, err := main.Merge(ctx, "feature", nil); err != nil {
			t.Logf("merge: %v", err)
		}
	}
	o := originalOf(t, db)
	succeed(t, db.Close())
	whole := must(nbs.OpenSalvage(ctx, dir, nil))(t)
	o.ever = map[hash.Hash]bool{}
	for h := range whole.Chunks() {
		o.ever[h] = true
	}
	if whole.Doubt() != nil || len(whole.Damage()) > 0 || whole.Roots()[0].Root != o.root {
		t.Errorf("a whole database: %v, %v", whole.Doubt(), whole.Damage())
	}
	succeed(t, whole.Close())
	return o
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		succeed(t, err)
		return v
	}
}

func succeed(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func putRows(t *testing.T, b *Branch, rng *rand.Rand, n int) {
	t.Helper()
	succeed(t, b.Update(t.Context(), func(tx *Tx) error {
		for range n {
			if err := tx.Put("parents", Row{Text(fmt.Sprint("p", rng.IntN(60))), Text(strings.Repeat("w", rng.IntN(40)))}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// original is what a database was before it was damaged.
type original struct {
	root   hash.Hash
	values map[string]string  // of all refs
	chunks map[hash.Hash]bool // what branches and tags lead to
	ever   map[hash.Hash]bool // what was stored
}

func originalOf(t *testing.T, db *DB) *original {
	t.Helper()
	ctx := t.Context()
	r := must(db.refs(ctx))(t)
	o := &original{root: r.root, values: map[string]string{}, chunks: map[hash.Hash]bool{}}
	x := &check{db: db, ctx: ctx, refs: r, grafts: must(r.loadGrafts(ctx))(t), report: &CheckReport{}, masks: map[hash.Hash]uint64{}}
	for _, item := range must(r.items(ctx))(t) {
		if strings.HasPrefix(string(item.Key), headsPrefix+mendedName) {
			continue // see TestRecoverMends
		}
		o.values[string(item.Key)] = string(item.Value)
		if string(item.Key) == graftsKey {
			continue
		}
		for _, h := range listed(item.Value) {
			must(x.reach(h))(t)
		}
	}
	for h := range x.masks {
		o.chunks[h] = true
	}
	return o
}

// contents is a digest of a directory.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	for _, e := range must(os.ReadDir(dir))(t) {
		all[e.Name()] = sha256.Sum256(must(os.ReadFile(filepath.Join(dir, e.Name())))(t))
	}
	return all
}

// harm damages a database somewhere, and says how.
func harm(t *testing.T, dir string, rng *rand.Rand) string {
	t.Helper()
	files := must(os.ReadDir(dir))(t)
	for {
		path := filepath.Join(dir, files[rng.IntN(len(files))].Name())
		data := must(os.ReadFile(path))(t)
		if len(data) == 0 || strings.HasSuffix(path, ".index") && rng.IntN(4) > 0 {
			continue
		}
		used := len(data) // of a journal: without the zeros
		for used > 1 && data[used-1] == 0 {
			used--
		}
		at := rng.IntN(used)
		how := fmt.Sprintf("%s of %d bytes, at %d: ", filepath.Base(path), used, at)
		switch rng.IntN(8) {
		case 0:
			succeed(t, os.Remove(path))
			return how + "deleted"
		case 1:
			succeed(t, os.Truncate(path, int64(at)))
			return how + "cut"
		case 2:
			// Not the mark that an append ends with: without it the last one is a torn one,
			// see nbs/recovery.go.
			n := min(1+rng.IntN(2000), max(1, used-8-at))
			for i := range n {
				data[at+i] = byte(rng.Uint32())
			}
			how += fmt.Sprintf("%d bytes overwritten", n)
		default:
			data[at] ^= 1 << rng.IntN(8)
			how += "a bit flipped"
		}
		succeed(t, os.WriteFile(path, data, 0o666))
		return how
	}
}

// TestRecover damages databases at random. Recover gives all back, or says what it has not.
func TestRecover(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	wholes, n := 0, *recoverRuns
	for i := range n {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		dir := filepath.Join(t.TempDir(), "db")
		was := damagedDB(t, dir, rng, nil)
		for range 3 {
			copied := filepath.Join(t.TempDir(), "damaged")
			succeed(t, os.CopyFS(copied, os.DirFS(dir)))
			var how []string
			for range 1 + rng.IntN(3) {
				how = append(how, harm(t, copied, rng))
			}
			if recoverDamaged(t, copied, was, nil, fmt.Sprint(i, how)).Whole() {
				wholes++
			}
		}
	}
	if n >= 10 && (wholes == 0 || wholes == 3*n) {
		t.Errorf("%d of %d databases came back whole", wholes, 3*n)
	}
}

// recoverDamaged recovers a database, and compares the new one with what it was.
func recoverDamaged(t *testing.T, dir string, was *original, o *RecoverOptions, how string) recoveredDB {
	t.Helper()
	ctx := t.Context()
	before := contents(t, dir)
	to := filepath.Join(t.TempDir(), "recovered")
	report, err := Recover(ctx, dir, to, o)
	if after := contents(t, dir); !maps.Equal(after, before) {
		t.Errorf("%s: the damaged directory has changed", how)
	}
	if err != nil {
		if names, _ := os.ReadDir(to); len(names) > 0 {
			t.Errorf("%s: after an error there are %v", how, names)
		}
		if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNotDatabase) {
			t.Errorf("%s: %v", how, err)
		}
		return recoveredDB{Recovered: &Recovered{Doubt: err}}
	}
	db, err := Open(ctx, to, nil)
	if err != nil {
		t.Fatalf("%s: %v", how, err)
	}
	defer db.Close()
	if found := mustCheck(t, db); !found.OK() {
		t.Errorf("%s: what was recovered is damaged: %+v", how, found)
	}
	is := originalOf(t, db)
	if report.Root != is.root || report.Whole() && is.root != was.root {
		t.Errorf("%s: the root is %s, was %s, the report says %s and whole is %t", how, is.root, was.root, report.Root, report.Whole())
	}
	compareRecovered(t, report, is, was, how)
	return recoveredDB{report, to}
}

type recoveredDB struct {
	*Recovered
	to string // empty if there is none
}

func compareRecovered(t *testing.T, report *Recovered, is, was *original, how string) {
	t.Helper()
	for h := range is.chunks {
		if !was.ever[h] {
			t.Fatalf("%s: chunk %s was never stored", how, h)
		}
	}
	told := func(name string) bool {
		return slices.ContainsFunc(report.Refs, func(l LostRef) bool { return l.Ref == name })
	}
	for name, value := range was.values {
		if report.Doubt == nil && name != graftsKey && !told(name) && is.values[name] != value {
			t.Errorf("%s: %s is not as it was, and the report does not say so: %+v", how, name, report)
		}
	}
	for name := range is.values {
		if _, was := was.values[name]; !was && name != graftsKey && !(told(name) && (strings.HasPrefix(name, headsPrefix+looseName) || report.Doubt != nil)) {
			t.Errorf("%s: there was no %s", how, name)
		}
	}
	if report.Doubt != nil || report.Whole() {
		return
	}
	for h := range was.chunks {
		if !is.chunks[h] {
			return
		}
	}
	if !told(theReflog) && !slices.ContainsFunc(report.Refs, func(l LostRef) bool { return l.New.IsZero() }) {
		t.Errorf("%s: not whole, and nothing is missing: %+v", how, report)
	}
}

// TestRecoverFrom recovers with the help of a backup, of a copy that is damaged elsewhere, or
// of a database over HTTP: all that is there comes back.
func TestRecoverFrom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range *recoverRuns {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		dir, backup := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "backup")
		var kept *original
		was := damagedDB(t, dir, rng, func(db *DB) {
			must(db.Backup(t.Context(), backup, nil))(t)
			kept = originalOf(t, db)
		})
		url, _ := serveCopy(t, backup, nil)
		for range 3 {
			copied := filepath.Join(t.TempDir(), "damaged")
			succeed(t, os.CopyFS(copied, os.DirFS(dir)))
			how := []string{harm(t, copied, rng), harm(t, copied, rng), harm(t, copied, rng)}
			if len(must(filepath.Glob(filepath.Join(copied, "[jmt]*")))(t)) == 0 {
				continue // nothing is left to be recovered
			}
			mustHold(t, kept, recoverDamaged(t, copied, was, &RecoverOptions{From: []string{backup}}, fmt.Sprint(i, how)), fmt.Sprint(i, how))
			if report := recoverDamaged(t, copied, was, &RecoverOptions{From: []string{url}}, fmt.Sprint(i, how)); report.to != "" {
				mustHold(t, kept, report, fmt.Sprint("over HTTP: ", i, how))
			}
			if report := recoverDamaged(t, copied, was, &RecoverOptions{From: []string{backup, dir}}, fmt.Sprint(i, how)); report.Doubt == nil && !report.Whole() {
				t.Errorf("%d %s: with a whole copy: %+v", i, how, report)
			}
		}
	}
}

// serveCopy serves a copy of a database over HTTP, and tells where. lie, if not nil, changes
// what it sends.
func serveCopy(t *testing.T, dir string, lie func(remote.Chunk) remote.Chunk) (url string, o *remote.Options) {
	t.Helper()
	db := must(RestoreBackup(t.Context(), dir, filepath.Join(t.TempDir(), "served"), nil))(t)
	t.Cleanup(func() { db.Close() })
	allow := func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }
	s := httptest.NewServer(remote.Handler(db, &remote.HandlerOptions{Allow: allow}))
	t.Cleanup(s.Close)
	if lie == nil {
		return s.URL, nil
	}
	return "liar://there", &remote.Options{Transports: map[string]remote.Transport{
		"liar": func(ctx context.Context, _ string) (remote.Remote, error) {
			far, err := remote.Open(ctx, s.URL, nil)
			return lying{far, lie}, err
		},
	}}
}

// lying is a remote that does not send what it should.
type lying struct {
	remote.Remote
	lie func(remote.Chunk) remote.Chunk
}

// Fetch changes what comes.
func (l lying) Fetch(ctx context.Context, req remote.FetchRequest) iter.Seq2[remote.Chunk, error] {
	return func(yield func(remote.Chunk, error) bool) {
		for c, err := range l.Remote.Fetch(ctx, req) {
			if err == nil {
				c = l.lie(c)
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// TestRecoverLiars recovers with the help of a database that sends what it should not.
func TestRecoverLiars(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir, backup := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "backup")
	was := damagedDB(t, dir, rng, func(db *DB) { must(db.Backup(t.Context(), backup, nil))(t) })
	for name, lie := range map[string]func(c remote.Chunk) remote.Chunk{
		"other bytes": func(c remote.Chunk) remote.Chunk {
			c.Payload = slices.Clone(c.Payload)
			c.Payload[rng.IntN(len(c.Payload))] ^= 1 << rng.IntN(8)
			return c
		},
		"other chunks": func(remote.Chunk) remote.Chunk {
			return remote.Chunk{Hash: hash.Of([]byte("other")), Payload: []byte("other")}
		},
		"some other bytes": func(c remote.Chunk) remote.Chunk {
			if rng.IntN(4) == 0 {
				c.Payload = nil
			}
			return c
		},
	} {
		url, o := serveCopy(t, backup, lie)
		for range 3 {
			copied := filepath.Join(t.TempDir(), "damaged")
			succeed(t, os.CopyFS(copied, os.DirFS(dir)))
			how := name + ": " + harm(t, copied, rng)
			report := recoverDamaged(t, copied, was, &RecoverOptions{From: []string{url}, Open: &Options{Remotes: o}}, how)
			if report.to == "" {
				t.Logf("%s: %v", how, report.Doubt)
			}
		}
	}
}

// keeper is a remote that gives other chunks than those it is asked for.
type keeper struct{ remote.Remote }

// Keeps implements remote.Keeper.
func (k keeper) Keeps(context.Context) (remote.Source, func() error, error) {
	return k, func() error { return nil }, nil
}

// Get gives another chunk.
func (keeper) Get(context.Context, hash.Hash) ([]byte, error) { return []byte("other"), nil }

// Has says that all is there.
func (keeper) Has(context.Context, hash.Hash) (bool, error) { return true, nil }

// Stored gives another chunk.
func (keeper) Stored(_ context.Context, h hash.Hash) (remote.Chunk, error) {
	return remote.Chunk{Hash: h, Payload: []byte("other")}, nil
}

// StoredAll gives other chunks.
func (k keeper) StoredAll(ctx context.Context, all []hash.Hash) (chunks []remote.Chunk, err error) {
	for _, h := range all {
		c, _ := k.Stored(ctx, h)
		chunks = append(chunks, c)
	}
	return chunks, nil
}

// TestRecoverLyingKeeper recovers with the help of a bucket that gives other chunks.
func TestRecoverLyingKeeper(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	dir, backup := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "backup")
	was := damagedDB(t, dir, rng, func(db *DB) { must(db.Backup(t.Context(), backup, nil))(t) })
	url, _ := serveCopy(t, backup, nil)
	o := &RecoverOptions{From: []string{"keeper://there"}, Open: &Options{Remotes: &remote.Options{Transports: map[string]remote.Transport{
		"keeper": func(ctx context.Context, _ string) (remote.Remote, error) {
			far, err := remote.Open(ctx, url, nil)
			return keeper{far}, err
		},
	}}}}
	told := false
	for range 8 {
		copied := filepath.Join(t.TempDir(), "damaged")
		succeed(t, os.CopyFS(copied, os.DirFS(dir)))
		how := harm(t, copied, rng)
		report := recoverDamaged(t, copied, was, o, how)
		for _, source := range report.Sources {
			if told = told || source.Err != nil; source.Chunks > 0 {
				t.Errorf("%s: %d chunks were taken", how, source.Chunks)
			}
		}
	}
	if !told {
		t.Error("no lie was found out")
	}
}

// TestRecoverWhileWriting recovers a database that others write to: what there is at some
// moment, and nothing of it is taken for damage.
func TestRecoverWhileWriting(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	dir := filepath.Join(t.TempDir(), "db")
	db := checkedDB(t, dir, rand.New(rand.NewPCG(1, 1)))
	var writing sync.WaitGroup
	for n := range 2 {
		writing.Go(func() {
			side, err := db.Branch(t.Context(), []string{MainBranch, "side"}[n])
			for i := 0; err == nil && ctx.Err() == nil; i++ {
				err = side.Update(t.Context(), func(tx *Tx) error {
					return tx.Put("parents", Row{Text(fmt.Sprint("w", n, i%50)), Text(strings.Repeat("w", i%3000))})
				})
				if err == nil && i%7 == 0 {
					_, err = side.Commit(t.Context(), Message{Author: "Audit", Text: "more", AllowEmpty: true})
				}
				if err == nil && i%100 == 50*n {
					_, err = db.Collect(t.Context(), nil)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	var last uint64
	for i := range 6 {
		to := filepath.Join(t.TempDir(), "recovered")
		report, err := Recover(t.Context(), dir, to, nil)
		if err != nil || !report.Whole() || len(report.Files) > 0 {
			t.Errorf("recovery %d: %+v, %v", i, report, err)
			continue
		}
		is := must(Open(t.Context(), to, nil))(t)
		main := must(is.Branch(t.Context(), MainBranch))(t)
		head := must(main.Head(t.Context()))(t)
		if head.Height < last {
			t.Errorf("recovery %d has fewer commits than the one before", i)
		}
		last = head.Height
		succeed(t, is.Close())
	}
	stop()
	writing.Wait()
	succeed(t, db.Close())
}

// mustHold checks that what a backup has is in the recovered database.
func mustHold(t *testing.T, kept *original, report recoveredDB, how string) {
	t.Helper()
	if report.to == "" {
		t.Errorf("%s: nothing came back: %v", how, report.Doubt)
		return
	}
	db := must(Open(t.Context(), report.to, nil))(t)
	defer db.Close()
	is := originalOf(t, db)
	for name, value := range kept.values {
		switch {
		case strings.HasPrefix(name, tagsPrefix):
			if is.values[name] != value {
				t.Errorf("%s: %s is not what the backup has", how, name)
			}
		case strings.HasPrefix(name, headsPrefix):
			if head := must(decodeBranchState([]byte(value)))(t).head; !is.chunks[head] {
				t.Errorf("%s: %s: the backup's head %s has not come back: %+v", how, name, head, report)
			}
		}
	}
}

func ExampleRecover() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "recover-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := Open(ctx, filepath.Join(dir, "shop"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := db.Close(); err != nil {
		fmt.Println(err)
		return
	}
	if err := os.Remove(filepath.Join(dir, "shop", "manifest")); err != nil {
		fmt.Println(err)
		return
	}
	report, err := Recover(ctx, filepath.Join(dir, "shop"), filepath.Join(dir, "recovered"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Whole(), len(report.Files), len(report.Refs))
	// Output: true 1 0
}
