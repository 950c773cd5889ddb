package prolly

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/vdbgo/vdb/hash"
)

const (
	// blobHeaderSize is the header of either kind: kind, version, level, zero,
	// number of addresses, number of content bytes.
	blobHeaderSize = 16
	blobVersion    = 1

	// blobLeafBytes is the content of each leaf of a blob but the last, so that
	// an offset leads to its leaf without a search.
	blobLeafBytes = 16 << 10
	// blobFanout is the number of children of each index node but the last of
	// its level: 10 KB of addresses, for 8 MB of content.
	blobFanout = 512
)

// WriteBlob stores what r has to say, to its end, in chunks of at most 16 KB
// under an index, and returns the blob's address and size in bytes. Equal
// contents have equal addresses. It keeps one leaf, and one index node for each
// level, in memory.
func WriteBlob(ctx context.Context, s Store, r io.Reader) (hash.Hash, int64, error) {
	w := blobWriter{store: s}
	for {
		leaf := make([]byte, blobHeaderSize+blobLeafBytes)
		n, err := io.ReadFull(r, leaf[blobHeaderSize:])
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return hash.Hash{}, 0, fail("write blob", err)
		}
		if n > 0 || w.size == 0 {
			if err := w.leaf(ctx, fitted(leaf[:blobHeaderSize+n])); err != nil {
				return hash.Hash{}, 0, fail("write blob", err)
			}
		}
		if end {
			h, err := w.finish(ctx)
			return h, w.size, fail("write blob", err)
		}
	}
}

// fitted returns data without the unused memory behind it, lest a store keep
// that too.
func fitted(data []byte) []byte {
	if len(data) < cap(data) {
		return bytes.Clone(data)
	}
	return data
}

// blobWriter collects the index nodes of a blob, level by level.
type blobWriter struct {
	store  Store
	size   int64
	levels []blobIndex
}

type blobIndex struct {
	addresses []byte
	size      uint64
}

func (w *blobWriter) leaf(ctx context.Context, data []byte) error {
	size := uint64(len(data) - blobHeaderSize)
	putBlobHeader(data, kindBlobLeaf, 0, 0, size)
	w.size += int64(size)
	return w.put(ctx, 0, data, size)
}

func putBlobHeader(data []byte, kind byte, level, count int, size uint64) {
	data[0], data[1], data[2], data[3] = kind, blobVersion<<4, byte(level), 0
	binary.LittleEndian.PutUint32(data[4:], uint32(count))
	binary.LittleEndian.PutUint64(data[8:], size)
}

// put stores a node and notes its address in the index above, which it writes
// first if that is full.
func (w *blobWriter) put(ctx context.Context, level int, data []byte, size uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h, err := w.store.Put(ctx, data)
	if err != nil {
		return err
	}
	if level == len(w.levels) {
		w.levels = append(w.levels, blobIndex{})
	}
	if len(w.levels[level].addresses) == blobFanout*hash.Size {
		if err := w.flush(ctx, level); err != nil {
			return err
		}
	}
	index := &w.levels[level]
	index.addresses = append(index.addresses, h[:]...)
	index.size += size
	return nil
}

// flush writes the index node above level, and starts the next.
func (w *blobWriter) flush(ctx context.Context, level int) error {
	index := w.levels[level]
	w.levels[level] = blobIndex{}
	data := make([]byte, blobHeaderSize, blobHeaderSize+len(index.addresses))
	putBlobHeader(data, kindBlobIndex, level+1, len(index.addresses)/hash.Size, index.size)
	return w.put(ctx, level+1, append(data, index.addresses...), index.size)
}

// finish writes what is left: the root is the first level with one node.
func (w *blobWriter) finish(ctx context.Context) (hash.Hash, error) {
	for level := 0; ; level++ {
		if level == len(w.levels)-1 && len(w.levels[level].addresses) == hash.Size {
			return hash.Hash(w.levels[level].addresses), nil
		}
		if err := w.flush(ctx, level); err != nil {
			return hash.Hash{}, err
		}
	}
}

// Blob is a value that is stored out of line: an io.Reader, io.Seeker,
// io.ReaderAt and io.WriterTo. Any number of goroutines may call ReadAt at once;
// the rest is for one.
type Blob struct {
	ctx    context.Context // of OpenBlob; the io interfaces have no place for one
	store  Store
	root   blobNode
	offset int64
}

// blobNode is a validated chunk of a blob.
type blobNode struct {
	data  []byte
	level int
	count int // of addresses, 0 in a leaf
	size  int64
}

// OpenBlob opens a blob for reading. ctx applies until the last read.
func OpenBlob(ctx context.Context, s Store, h hash.Hash) (*Blob, error) {
	data, err := s.Get(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("prolly: open blob %s: %w", h, err)
	}
	root, err := openBlob(data)
	if err != nil {
		return nil, fmt.Errorf("prolly: open blob %s: %w", h, err)
	}
	return &Blob{ctx: ctx, store: s, root: root}, nil
}

// openBlob checks a chunk against the sizes that its place in a blob implies.
func openBlob(data []byte) (blobNode, error) {
	if len(data) < blobHeaderSize || data[1] != blobVersion<<4 || data[3] != 0 {
		return blobNode{}, corruptf("%d bytes are not a blob", len(data))
	}
	size := binary.LittleEndian.Uint64(data[8:])
	n := blobNode{data: data, level: int(data[2]), count: int(binary.LittleEndian.Uint32(data[4:])), size: int64(size)}
	content := len(data) - blobHeaderSize
	switch data[0] {
	case kindBlobLeaf:
		if n.level == 0 && n.count == 0 && size == uint64(content) && content <= blobLeafBytes {
			return n, nil
		}
	case kindBlobIndex:
		if n.fits() && content == n.count*hash.Size {
			return n, nil
		}
	}
	return blobNode{}, corruptf("blob node of kind %d on level %d, %d bytes", data[0], n.level, len(data))
}

// fits tells whether an index node has as many children as its size takes. Six
// levels hold more than an int64 counts.
func (n *blobNode) fits() bool {
	if n.level < 1 || n.level > 6 || n.count < 1 || n.count > blobFanout || n.size < 1 {
		return false
	}
	extent := blobExtent(n.level - 1)
	return (n.size-1)/extent == int64(n.count-1)
}

// blobExtent is the content of a full node.
func blobExtent(level int) int64 {
	extent := int64(blobLeafBytes)
	for range level {
		extent *= blobFanout
	}
	return extent
}

// Size returns the blob's size in bytes.
func (b *Blob) Size() int64 { return b.root.size }

// ReadAt reads len(p) bytes from offset off on, or to the end and io.EOF.
func (b *Blob) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("prolly: read blob: negative offset %d", off)
	}
	n := 0
	for n < len(p) {
		if off+int64(n) >= b.root.size {
			return n, io.EOF
		}
		content, err := b.contentAt(off + int64(n))
		if err != nil {
			return n, fail("read blob", err)
		}
		n += copy(p[n:], content)
	}
	return n, nil
}

// contentAt returns what the leaf at an offset has from there on.
func (b *Blob) contentAt(off int64) ([]byte, error) {
	n := b.root
	for n.level > 0 {
		extent := blobExtent(n.level - 1)
		child, err := b.child(&n, int(off/extent))
		if err != nil {
			return nil, err
		}
		n, off = child, off%extent
	}
	return n.data[blobHeaderSize+off:], nil
}

// child reads child i of an index node, whose size follows from its place.
func (b *Blob) child(n *blobNode, i int) (blobNode, error) {
	if err := b.ctx.Err(); err != nil {
		return blobNode{}, err
	}
	h := hash.Hash(n.data[blobHeaderSize+i*hash.Size:][:hash.Size])
	data, err := b.store.Get(b.ctx, h)
	if err != nil {
		return blobNode{}, fmt.Errorf("read chunk %s: %w", h, err)
	}
	c, err := openBlob(data)
	if err != nil {
		return blobNode{}, fmt.Errorf("read chunk %s: %w", h, err)
	}
	extent := blobExtent(n.level - 1)
	if want := min(extent, n.size-int64(i)*extent); c.level != n.level-1 || c.size != want {
		return blobNode{}, fmt.Errorf("read chunk %s: %w", h, corruptf("%d bytes in place of %d", c.size, want))
	}
	return c, nil
}

// Read reads from where the last Read or Seek ended.
func (b *Blob) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.ReadAt(p, b.offset)
	b.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// WriteTo writes all that is left to read, a leaf at a time.
func (b *Blob) WriteTo(w io.Writer) (int64, error) {
	start := b.offset
	for b.offset < b.root.size {
		content, err := b.contentAt(b.offset)
		if err != nil {
			return b.offset - start, fail("read blob", err)
		}
		n, err := w.Write(content)
		b.offset += int64(n)
		if err != nil {
			return b.offset - start, err
		}
	}
	return b.offset - start, nil
}

// Seek sets where the next Read begins.
func (b *Blob) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += b.offset
	case io.SeekEnd:
		offset += b.root.size
	default:
		return b.offset, fmt.Errorf("prolly: seek in blob: unknown whence %d", whence)
	}
	if offset < 0 {
		return b.offset, fmt.Errorf("prolly: seek in blob: negative offset %d", offset)
	}
	b.offset = offset
	return offset, nil
}
