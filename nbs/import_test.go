package nbs

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/vdbgo/vdb/hash"
)

// importAll brings chunks of one store into another, under a root.
func importAll(t *testing.T, to *Store, from interface {
	Stored(context.Context, hash.Hash) (Stored, error)
}, chunks []hash.Hash, root hash.Hash) {
	t.Helper()
	ctx := t.Context()
	im := to.NewImport()
	for _, h := range chunks {
		c, err := from.Stored(ctx, h)
		if err != nil {
			t.Fatal(err)
		}
		data, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		if err := im.Add(ctx, c, data); err != nil {
			t.Fatal(err)
		}
	}
	release, err := im.Settle(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = to.Commit(ctx, im.Writer(), func(context.Context, hash.Hash) (hash.Hash, error) { return root, nil })
	if err := errors.Join(err, release()); err != nil {
		t.Fatal(err)
	}
}

// What is imported, little or much, from journals and tables, is as it was, after
// compactions and a new opening too.
func TestImport(t *testing.T) {
	ctx := t.Context()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	from, err := Open(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	var chunks []hash.Hash
	put := func(n int) {
		w := from.NewWriter()
		for range n {
			data := make([]byte, r.IntN(20_000))
			switch r.IntN(3) {
			case 0:
				data = bytes.Repeat([]byte{byte(r.IntN(256))}, len(data)) // packs well, or is zeros
			case 1:
				for i := range data {
					data[i] = byte(r.Uint32())
				}
			default:
				copy(data, strings.Repeat("a row of a table, ", r.IntN(500)))
			}
			h, err := w.Put(ctx, data)
			if err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, h)
		}
		if err := from.Commit(ctx, w, func(context.Context, hash.Hash) (hash.Hash, error) { return chunks[0], nil }); err != nil {
			t.Fatal(err)
		}
	}
	put(3000)
	if err := from.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	put(300)
	dir := t.TempDir()
	for _, part := range [][]hash.Hash{chunks[:20], chunks[3290:], chunks} {
		to, err := Open(ctx, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		importAll(t, to, from, part, chunks[0])
		if r.IntN(2) == 0 {
			if err := to.Compact(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
	}
	to, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	for _, h := range chunks {
		want, err := from.Get(ctx, h)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := to.Get(ctx, h); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("chunk %s: %v", h, err)
		}
	}
	mustHaveNoImports(t, dir)
}

func mustHaveNoImports(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), importPrefix) {
			t.Errorf("%s was left", f.Name())
		}
	}
}

// An import that is given up leaves nothing, nor does one that was killed for long.
func TestImportGivenUp(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"import-00", "import-00.lock"} {
		if err := os.WriteFile(s.path(name), []byte("killed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	im, other := s.NewImport(), s.NewImport()
	for i := range 1200 {
		data := bytes.Repeat([]byte{byte(i), byte(i >> 8), 7}, 5000)
		c := Stored{Hash: hash.Of(data), Payload: data}
		if err := errors.Join(im.Add(ctx, c, data), other.Add(ctx, c, data)); err != nil {
			t.Fatal(err)
		}
	}
	if has, err := im.Has(ctx, hash.Of(nil)); has || err != nil {
		t.Errorf("a chunk that nobody added is there, error %v", err)
	}
	if im.table == nil {
		t.Fatal("no table was begun")
	}
	if err := errors.Join(im.Discard(), other.Discard()); err != nil {
		t.Fatal(err)
	}
	mustHaveNoImports(t, dir)
}

// What is not what its address says, or has no codec that is known, is refused.
func TestStoredData(t *testing.T) {
	data := []byte("a chunk")
	for _, c := range []Stored{
		{Hash: hash.Of(nil), Payload: data},
		{Hash: hash.Of(data), Codec: 9, Payload: data},
		{Hash: hash.Of(data), Codec: 1, Payload: data},
		{Hash: hash.Of(data), Codec: 2, Payload: data},
		{Hash: hash.Of(data), Codec: 3, Payload: data},
		{Hash: hash.Of(data), Payload: make([]byte, 32<<20)},
	} {
		if got, err := c.Data(); err == nil {
			t.Errorf("codec %d of %d bytes gave %d bytes", c.Codec, len(c.Payload), len(got))
		}
	}
}

// What an import leaves out, because it is there, comes back if it is dropped
// before the import is settled.
func TestImportBesideCollection(t *testing.T) {
	ctx := t.Context()
	leads := func(dst []hash.Hash, _ hash.Hash, data []byte) ([]hash.Hash, error) {
		if data[0] == 1 {
			dst = append(dst, hash.Hash(data[1:]))
		}
		return dst, nil
	}
	s, err := Open(ctx, t.TempDir(), &Options{CacheBytes: -1, LeadsTo: func(context.Context, Chunks, hash.Hash, bool) (LeadsToFunc, error) { return leads, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := s.NewWriter()
	below, err := w.Put(ctx, []byte{0, 7})
	if err == nil {
		err = s.Commit(ctx, w, func(context.Context, hash.Hash) (hash.Hash, error) { return below, nil })
	}
	if err == nil {
		err = s.Commit(ctx, nil, func(context.Context, hash.Hash) (hash.Hash, error) { return hash.Hash{}, nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	im := s.NewImport()
	defer im.Discard()
	add := func(data []byte) hash.Hash {
		h := hash.Of(data)
		if err := im.Add(ctx, Stored{Hash: h, Payload: data}, data); err != nil {
			t.Fatal(err)
		}
		return h
	}
	add([]byte{0, 7})
	random := make([]byte, importTableBytes)
	rand.NewChaCha8([32]byte{}).Read(random)
	root := add(append(append([]byte{1}, below[:]...), random...))
	if report, err := s.Collect(ctx, nil); err != nil || report.DroppedChunks != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	release, err := im.Settle(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Commit(ctx, im.Writer(), func(context.Context, hash.Hash) (hash.Hash, error) { return root, nil })
	if err := errors.Join(err, release()); err != nil {
		t.Fatal(err)
	}
	if has, err := s.Has(ctx, below); err != nil || !has {
		t.Errorf("Has = %v, %v", has, err)
	}
}

// What one process has imported, another one finds that has had the store open all the
// time.
func TestImportSeenByOthers(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	var stores [2]*Store
	for i := range stores {
		var err error
		if stores[i], err = Open(ctx, dir, nil); err != nil {
			t.Fatal(err)
		}
		defer stores[i].Close()
	}
	from := NewMemory()
	w := from.NewWriter()
	var chunks []hash.Hash
	for i := range byte(3) {
		h, err := w.Put(ctx, bytes.Repeat([]byte{1, i, 2, 3, 5, 7, 11}, 1+importTableBytes/8))
		if err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, h)
	}
	if err := from.Commit(ctx, w, func(context.Context, hash.Hash) (hash.Hash, error) { return chunks[0], nil }); err != nil {
		t.Fatal(err)
	}
	for _, root := range chunks { // first a commit that the other one follows, too
		w := stores[1].NewWriter()
		if err := stores[1].Commit(ctx, w, func(_ context.Context, root hash.Hash) (hash.Hash, error) { return w.Put(ctx, root[:]) }); err != nil {
			t.Fatal(err)
		}
		importAll(t, stores[0], from, chunks, root)
		got, err := stores[1].Root(ctx)
		if err == nil {
			_, err = stores[1].Get(ctx, got)
		}
		if err != nil || got != root {
			t.Fatalf("the root is %s, not %s: %v", got, root, err)
		}
	}
}
