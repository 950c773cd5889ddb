package vdb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

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
	used    bool        // source has been read
	start   int64       // where source began, if it can Seek
}

// NewBlob returns a Blob to be written, with the bytes that r yields until EOF.
// They are read when the row is written. A reader that can Seek is read again
// when the same Blob is; without, that is an error, and Update, which may run its
// function again, must make a new reader each time.
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

// store writes the Blob to be held in a column, unless s has it already.
func (b *Blob) store(ctx context.Context, s prolly.Store, kind record.Kind) (Value, error) {
	switch {
	case b.IsNull():
		return Null(), nil
	case b.source == nil:
		return b.restore(ctx, s, kind)
	}
	if err := b.rewind(); err != nil {
		return Value{}, err
	}
	return outlineStream(ctx, s, kind, b.source)
}

// restore stores what has been read from this or another database.
func (b *Blob) restore(ctx context.Context, s prolly.Store, kind record.Kind) (Value, error) {
	if address, out := b.value.Address(); out && b.value.Kind() == kind {
		if _, err := prolly.OpenBlob(ctx, s, address); err == nil {
			return b.value, nil
		}
	}
	return outlineStream(ctx, s, kind, b.Reader())
}

// rewind goes back to where the source began, when a transaction runs again.
func (b *Blob) rewind() error {
	seeker, ok := b.source.(io.Seeker)
	var err error
	switch {
	case b.used && !ok:
		return invalidf("a Blob whose reader has been read before and cannot Seek")
	case b.used:
		_, err = seeker.Seek(b.start, io.SeekStart)
	case ok:
		b.start, err = seeker.Seek(0, io.SeekCurrent)
	}
	b.used = true
	return err
}

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

// PutBlob writes what r yields, until EOF, into a TEXT or BLOB column of the row
// of the primary key key (or of the rowid, in a table without one), without
// holding it in memory; ErrNotFound if there is no such row. OpenBlob reads it
// back. Update may run its function again, and then r must be a new reader.
func (tx *Tx) PutBlob(table, column string, r io.Reader, key ...any) error {
	return opError("put blob", tx.putBlob(table, column, r, key))
}

func (tx *Tx) putBlob(table, column string, r io.Reader, key []any) error {
	t, triggered, err := tx.direct(table)
	if err != nil {
		return err
	}
	i, err := t.column(column)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(t.key, func(k keyColumn) bool { return k.column == i }) {
		return invalidf("column %s is in the primary key of table %s", column, table)
	}
	_, k, rec, err := tx.record(table, key)
	if err != nil {
		return err
	}
	row, err := t.decode(nil, k, bytes.Clone(rec))
	if err != nil {
		return err
	}
	kind := record.KindBlob
	if t.cols[i].affinity == record.AffinityText {
		kind = record.KindText
	}
	if row[i], err = outlineStream(tx.ctx, t.store, kind, r); err != nil {
		return err
	}
	if triggered {
		return tx.putBlobInSQL(t, i, row, k)
	}
	if err := t.prepare(row); err != nil {
		return err
	}
	n, err := t.put(tx.ctx, writePut, k, row)
	if err != nil {
		return err
	}
	return tx.wrote(n)
}
