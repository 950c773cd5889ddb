package prolly

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/vdbgo/vdb/hash"
)

func randomBytes(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

func TestBlobRoundTrip(t *testing.T) {
	ctx := context.Background()
	r := randomOf(t, 1)
	for _, size := range []int{0, 1, 100, blobLeafBytes - 1, blobLeafBytes, blobLeafBytes + 1,
		3*blobLeafBytes + 7, blobFanout * blobLeafBytes, blobFanout*blobLeafBytes + 1} {
		s := newStore()
		content := randomBytes(r, size)
		h, n, err := WriteBlob(ctx, s, iotest.HalfReader(bytes.NewReader(content)))
		if err != nil || n != int64(size) {
			t.Fatalf("WriteBlob of %d bytes: %d, %v", size, n, err)
		}
		b, err := OpenBlob(ctx, s, h)
		if err != nil || b.Size() != int64(size) {
			t.Fatalf("OpenBlob of %d bytes: %v", size, err)
		}
		var copied bytes.Buffer
		if _, err := io.Copy(&copied, b); err != nil || !bytes.Equal(copied.Bytes(), content) {
			t.Fatalf("copy of %d bytes: %d, %v", size, copied.Len(), err)
		}
		if size < 1<<20 {
			b.offset = 0
			if err := iotest.TestReader(b, content); err != nil {
				t.Fatal(err)
			}
		}
		if reached := reachable(t, s, h); reached != len(s.chunks) {
			t.Fatalf("%d of %d chunks are reachable", reached, len(s.chunks))
		}
	}
}

// reachable counts the chunks that Addresses leads to.
func reachable(t *testing.T, s *memStore, h hash.Hash) int {
	t.Helper()
	seen := map[hash.Hash]bool{}
	var visit func(h hash.Hash)
	visit = func(h hash.Hash) {
		if seen[h] {
			return
		}
		seen[h] = true
		for child, err := range Addresses(s.chunks[h]) {
			if err != nil {
				t.Fatal(err)
			}
			visit(child)
		}
	}
	visit(h)
	return len(seen)
}

func TestBlobEqualContentsShare(t *testing.T) {
	ctx, s := context.Background(), newStore()
	content := randomBytes(randomOf(t, 2), 10*blobLeafBytes)
	first, _, err := WriteBlob(ctx, s, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.chunks)
	content[5*blobLeafBytes]++
	second, _, err := WriteBlob(ctx, s, iotest.DataErrReader(bytes.NewReader(content)))
	if err != nil || first == second {
		t.Fatal(first, second, err)
	}
	if added := len(s.chunks) - before; added != 2 {
		t.Fatalf("a changed byte adds %d chunks, want its leaf and the index", added)
	}
}

func TestBlobFailures(t *testing.T) {
	ctx, s := context.Background(), newStore()
	broken := errors.New("broken pipe")
	if _, _, err := WriteBlob(ctx, s, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("WriteBlob from a broken reader: %v", err)
	}
	h, _, err := WriteBlob(ctx, s, bytes.NewReader(make([]byte, 3*blobLeafBytes)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenBlob(ctx, s, h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("ReadAt accepts a negative offset")
	}
	if _, err := b.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek accepts a negative offset")
	}
	if _, err := b.Seek(0, 9); err == nil {
		t.Error("Seek accepts an unknown whence")
	}
	leaf := hash.Hash(s.chunks[h][blobHeaderSize:][:hash.Size])
	s.chunks[leaf] = s.chunks[leaf][:100]
	if _, err := b.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("ReadAt of a short leaf: %v", err)
	}
	delete(s.chunks, leaf)
	if _, err := b.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("ReadAt of a missing leaf succeeds")
	}
	if _, err := OpenBlob(ctx, s, leaf); err == nil {
		t.Error("OpenBlob of a missing chunk succeeds")
	}
}
