package vdb

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// Blob is a TEXT or BLOB value that is read and written as a stream. As a field
// of a typed table's struct it is read when it is asked for, not with its row.
// The zero Blob is NULL. A Blob that was read stays readable while the snapshot
// or transaction it came from may be used.
type Blob struct {
	size    int64
	content io.ReaderAt // nil is NULL
	value   Value       // as stored; NULL while it has not been
	source  io.Reader   // what is to be stored
}

// NewBlob returns a Blob to be written, with the bytes that r yields until EOF.
// They are read once, when the row is written.
func NewBlob(r io.Reader) *Blob { return &Blob{source: r} }

// newBlob opens a stored value.
func newBlob(ctx context.Context, s prolly.Store, v Value) (*Blob, error) {
	b := &Blob{size: v.Size(), value: v}
	if v.IsNull() {
		return b, nil
	}
	address, out := v.Address()
	if !out {
		b.content = bytes.NewReader(v.Bytes())
		return b, nil
	}
	content, err := prolly.OpenBlob(ctx, s, address)
	if err != nil {
		return nil, err
	}
	b.content = content
	return b, nil
}

// IsNull tells whether the value is NULL.
func (b *Blob) IsNull() bool { return b == nil || b.content == nil && b.source == nil }

// Size returns the length in bytes of a Blob that was read.
func (b *Blob) Size() int64 { return b.size }

// ReadAt reads from a Blob that was read, as io.ReaderAt describes.
func (b *Blob) ReadAt(p []byte, off int64) (int, error) {
	if b.content == nil {
		return 0, io.EOF
	}
	return b.content.ReadAt(p, off)
}

// Reader returns a new reader of the whole value.
func (b *Blob) Reader() io.ReadSeeker { return io.NewSectionReader(b, 0, b.size) }

// readBlob loads a value that stands out of line.
func readBlob(ctx context.Context, s prolly.Store, v Value) (Value, error) {
	address, _ := v.Address()
	blob, err := prolly.OpenBlob(ctx, s, address)
	if err != nil {
		return Value{}, err
	}
	if blob.Size() != v.Size() {
		return Value{}, fmt.Errorf("blob %s has %d bytes, its row says %d", address, blob.Size(), v.Size())
	}
	data := make([]byte, v.Size())
	if _, err := blob.ReadAt(data, 0); err != nil && err != io.EOF {
		return Value{}, err
	}
	if v.Kind() == record.KindText {
		return record.TextBytes(data), nil
	}
	return record.Blob(data), nil
}

// outline writes v out of line if it is too long to stand in its row.
func outline(ctx context.Context, s prolly.Store, v Value) (Value, error) {
	if _, out := v.Address(); out || v.Size() <= record.InlineMax {
		return v, nil
	}
	address, size, err := prolly.WriteBlob(ctx, s, bytes.NewReader(v.Bytes()))
	if err != nil {
		return Value{}, err
	}
	return record.OutOfLine(v.Kind(), size, address), nil
}

// outlineStream writes what r yields, in line if it is short.
func outlineStream(ctx context.Context, s prolly.Store, kind record.Kind, r io.Reader) (Value, error) {
	head := make([]byte, record.InlineMax+1)
	n, err := io.ReadFull(r, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		if kind == record.KindText {
			return record.TextBytes(head[:n]), nil
		}
		return record.Blob(head[:n]), nil
	}
	if err != nil {
		return Value{}, err
	}
	address, size, err := prolly.WriteBlob(ctx, s, io.MultiReader(bytes.NewReader(head), r))
	if err != nil {
		return Value{}, err
	}
	return record.OutOfLine(kind, size, address), nil
}
