package nbs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/vdbgo/vdb/hash"
)

// TableReader reads a table file that stands somewhere else: in a bucket, say. It may
// be used by many goroutines at once if its file may be.
type TableReader struct{ t *table }

// TableInfo tells a table file from others.
type TableInfo struct {
	// ID is made from what is in the table (and a salt): tables of one ID are equal.
	ID     [16]byte
	Chunks int64
	Bytes  int64
}

// OpenTable opens the table that info describes. name is what errors call it.
func OpenTable(file io.ReaderAt, name string, info TableInfo) (*TableReader, error) {
	t := &table{
		tableEntry: tableEntry{id: info.ID, chunks: info.Chunks, bytes: info.Bytes},
		chunkFile:  chunkFile{File: elsewhere{file, info.Bytes}, path: name},
	}
	damage, err := t.readFooter()
	if err == nil && damage != nil {
		err = damage
	}
	if err != nil {
		return nil, fmt.Errorf("nbs: open table %s: %w", name, err)
	}
	return &TableReader{t}, nil
}

// Stored returns the chunk at h as it is stored, and whether the table has it. It is
// not compared with its address: who receives it does that.
func (r *TableReader) Stored(h hash.Hash) (Stored, bool, error) {
	e, found, err := r.t.find(h)
	if err != nil || !found {
		return Stored{}, false, err
	}
	c, err := r.read(entry{h, e})
	return c, err == nil, err
}

func (r *TableReader) read(e entry) (Stored, error) {
	rec, err := readRecord(&r.t.chunkFile, e.extent, make([]byte, e.length))
	if err == nil && (rec.kind != kindChunk || rec.address != e.address) {
		err = r.t.damageAt(e.offset, fmt.Errorf("another record than that of %s", e.address))
	}
	return Stored{Hash: e.address, Codec: byte(rec.codec), Payload: rec.payload}, err
}

// Chunks yields all chunks, in the order in which they were added.
func (r *TableReader) Chunks(ctx context.Context) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		entries, err := r.t.all()
		if err != nil {
			yield(Stored{}, err)
			return
		}
		all := make([]entry, entries.count())
		for i := range all {
			all[i] = entries.at(i)
		}
		slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.offset, b.offset) })
		for _, e := range all {
			c, err := r.read(e)
			if err == nil {
				err = ctx.Err()
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// TableBuilder makes a table file in memory. It is not safe for concurrent use.
type TableBuilder struct {
	chunks  []Stored
	in      map[hash.Hash]struct{}
	bytes   int64
	encoder *zstd.Encoder
}

// NewTableBuilder returns a builder of one table.
func NewTableBuilder() *TableBuilder { return &TableBuilder{in: map[hash.Hash]struct{}{}} }

// Len is the number of chunks that were added, Bytes their size as they are stored.
func (b *TableBuilder) Len() int { return len(b.chunks) }

// Bytes is about the size of the file.
func (b *TableBuilder) Bytes() int64 { return b.bytes }

// Has tells whether the chunk at h was added.
func (b *TableBuilder) Has(h hash.Hash) bool {
	_, ok := b.in[h]
	return ok
}

// Add adds a chunk that was compared with its address: data is what c.Data has
// returned. It takes ownership of both.
func (b *TableBuilder) Add(c Stored, data []byte) error {
	if b.Has(c.Hash) {
		return nil
	}
	if !codec(c.Codec).packed() {
		var err error
		if c, err = b.pack(c.Hash, data); err != nil {
			return fmt.Errorf("nbs: pack chunk %s: %w", c.Hash, err)
		}
	}
	b.in[c.Hash] = struct{}{}
	b.chunks = append(b.chunks, c)
	b.bytes += int64(recordHeaderBytes + len(c.Payload) + entryBytes)
	return nil
}

func (b *TableBuilder) pack(h hash.Hash, data []byte) (Stored, error) {
	if b.encoder == nil {
		var err error
		b.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		if err != nil {
			return Stored{Hash: h}, err
		}
	}
	if packed := b.encoder.EncodeAll(data, nil); len(packed) <= len(data)-len(data)/8 {
		return Stored{Hash: h, Codec: byte(codecZstd), Payload: packed}, nil
	}
	return Stored{Hash: h, Codec: byte(codecRaw), Payload: data}, nil
}

// Finish returns the table file. Its ID depends on the salt, too.
func (b *TableBuilder) Finish(salt string) (TableInfo, []byte, error) {
	id := b.id(salt)
	file := &growing{bytes: make([]byte, 0, b.bytes+b.bytes/8+1<<12)}
	w := &tableWriter{file: file, id: id, seed: crcSeed(id), buf: encodeHeader(tableMagic, id, tableHeaderBytes)}
	for _, c := range b.chunks {
		if err := w.add(c.Hash, codec(c.Codec), c.Payload); err != nil {
			return TableInfo{}, nil, err
		}
	}
	e, err := w.finish()
	return TableInfo{ID: e.id, Chunks: e.chunks, Bytes: e.bytes}, file.bytes, err
}

// id is made from all that is in the table.
func (b *TableBuilder) id(salt string) fileID {
	sum := sha256.New()
	sum.Write([]byte(salt))
	var header []byte
	for _, c := range b.chunks {
		header = append(append(header[:0], c.Hash[:]...), c.Codec)
		header = binary.LittleEndian.AppendUint32(header, uint32(len(c.Payload)))
		sum.Write(header)
		sum.Write(c.Payload)
	}
	return fileID(sum.Sum(nil))
}

// elsewhere is a File that is only read.
type elsewhere struct {
	io.ReaderAt
	bytes int64
}

// WriteAt implements File.
func (elsewhere) WriteAt([]byte, int64) (int, error) { return 0, ErrReadOnly }

// Sync implements File.
func (elsewhere) Sync() error { return nil }

// Close implements File.
func (elsewhere) Close() error { return nil }

// Size implements File.
func (f elsewhere) Size() (int64, error) { return f.bytes, nil }

// growing is a File that is written from its start to its end.
type growing struct {
	elsewhere
	bytes []byte
}

// WriteAt implements File.
func (f *growing) WriteAt(p []byte, offset int64) (int, error) {
	if offset != int64(len(f.bytes)) {
		return 0, fmt.Errorf("write at %d of a file of %d bytes", offset, len(f.bytes))
	}
	f.bytes = append(f.bytes, p...)
	return len(p), nil
}
