package chunk_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

func TestReferences(t *testing.T) {
	a, b := hash.Of([]byte("a")), hash.Of([]byte("b"))
	data := chunk.Encode(chunk.Commit, []hash.Hash{a, {}, {}, b}, []byte("payload"))
	got, err := chunk.References(nil, data)
	if err != nil || !slices.Equal(got, []hash.Hash{a, b}) {
		t.Fatalf("a commit refers to %v, %v; want %v", got, err, []hash.Hash{a, b})
	}
	listed, payload, err := chunk.Decode(chunk.Commit, data)
	if err != nil || len(listed) != 4 || !bytes.Equal(payload, []byte("payload")) {
		t.Fatalf("Decode: %v, %q, %v", listed, payload, err)
	}
}

// TestReferencesOfBlob: a tree's chunk is package prolly's to read.
func TestReferencesOfBlob(t *testing.T) {
	ctx := context.Background()
	s := nbs.NewMemory()
	defer s.Close()
	w := s.NewWriter()
	root, _, err := prolly.WriteBlob(ctx, w, bytes.NewReader(bytes.Repeat([]byte("0123456789"), 1e5)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := w.Get(ctx, root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := chunk.References(nil, data)
	if err != nil || len(got) == 0 {
		t.Fatalf("a blob of a megabyte refers to %d chunks, %v", len(got), err)
	}
	for _, h := range got {
		if _, err := w.Get(ctx, h); err != nil {
			t.Errorf("it refers to %s: %v", h, err)
		}
	}
}

func TestReferencesOfNoChunk(t *testing.T) {
	for _, data := range [][]byte{nil, {0}, {byte(chunk.Commit)}, {byte(chunk.Commit), 1, 1, 7}, {byte(chunk.Commit), 9, 0}, {0xff, 1, 0}} {
		if got, err := chunk.References(nil, data); err == nil {
			t.Errorf("%x refers to %v, without an error", data, got)
		}
	}
}
