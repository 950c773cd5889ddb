package btree

import (
	"encoding/binary"
	"fmt"
)

// Builder fills a page with cells, in order.
type Builder struct {
	data  []byte
	kind  Kind
	start int // of the page's header
	count int
	free  int // where the cells begin: they grow down
}

// NewBuilder begins page number. data has PageBytes zeros, or the file's header
// and then zeros on page 1; the builder takes it.
func NewBuilder(number uint32, kind Kind, data []byte) *Builder {
	b := &Builder{data: data, kind: kind, free: PageBytes}
	if number == 1 {
		b.start = FileHeader
	}
	return b
}

// Fits tells whether a cell of so many bytes fits.
func (b *Builder) Fits(cellBytes int) bool {
	return b.start+b.kind.headerBytes()+2*(b.count+1)+max(cellBytes, 4) <= b.free
}

// Add adds a cell whose bytes are given in parts.
func (b *Builder) Add(parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if !b.Fits(n) {
		return fmt.Errorf("a cell of %d bytes does not fit a page with %d cells: %w", n, b.count, ErrCorrupt)
	}
	b.free -= max(n, 4)
	at := b.free
	for _, p := range parts {
		at += copy(b.data[at:], p)
	}
	binary.BigEndian.PutUint16(b.data[b.start+b.kind.headerBytes()+2*b.count:], uint16(b.free))
	b.count++
	return nil
}

// Finish returns the page. right is an interior page's rightmost child.
func (b *Builder) Finish(right uint32) []byte {
	h := b.data[b.start:]
	h[0] = byte(b.kind)
	binary.BigEndian.PutUint16(h[3:], uint16(b.count))
	binary.BigEndian.PutUint16(h[5:], uint16(b.free))
	if !b.kind.IsLeaf() {
		binary.BigEndian.PutUint32(h[8:], right)
	}
	return b.data
}
