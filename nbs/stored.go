package nbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/vdbgo/vdb/hash"
)

// Stored is a chunk in the form in which a store keeps it, so that it can be
// handed from one store to another without being unpacked and packed again.
type Stored struct {
	Hash hash.Hash
	// Codec says how Payload is packed: 0 raw, 1 S2, 2 zstd, 3 masked, 4 zstd of a
	// chunk that leads to no other; see docs/FORMAT.md.
	Codec   byte
	Payload []byte
}

// Leaf tells that the chunk leads to no other one. Of most that do not, nothing is
// known: false.
func (c Stored) Leaf() bool { return codec(c.Codec) == codecLeaf }

// MarkLeaf notes for Leaf whether the chunk leads to no other one, if a store can keep
// that with it.
func (c *Stored) MarkLeaf(leaf bool) {
	switch k := codec(c.Codec); {
	case k == codecZstd && leaf:
		c.Codec = byte(codecLeaf)
	case k == codecLeaf && !leaf:
		c.Codec = byte(codecZstd)
	}
}

// packed tells whether tables keep the chunk as it is.
func (c codec) packed() bool { return c == codecZstd || c == codecLeaf }

// Data returns the chunk's bytes after a comparison with its address. They may
// alias the payload.
func (c Stored) Data() ([]byte, error) { return c.DataIn(nil) }

// DataIn is Data that uses the room behind the end of dst for the bytes if it is
// enough. dst itself is not part of what it returns.
func (c Stored) DataIn(dst []byte) ([]byte, error) {
	if len(c.Payload) > maxRecordBytes {
		return nil, fmt.Errorf("nbs: unpack chunk %s of %d bytes: %w", c.Hash, len(c.Payload), ErrTooLarge)
	}
	data, err := c.unpackIn(dst)
	if err == nil && len(data) > MaxChunkBytes {
		err = ErrTooLarge
	}
	if err == nil {
		err = checkHash(c.Hash, data)
	}
	if err != nil {
		return nil, fmt.Errorf("nbs: unpack chunk %s: %w", c.Hash, err)
	}
	return data, nil
}

func (c Stored) unpackIn(dst []byte) ([]byte, error) {
	if !codec(c.Codec).packed() {
		return unpack(codec(c.Codec), c.Hash, c.Payload)
	}
	data, err := c.Unchecked(dst)
	if err != nil {
		return nil, err
	}
	return data[len(dst):], nil
}

// Unchecked appends the chunk's bytes to dst without a comparison with its address:
// for a sender, who only looks for what the chunk leads to.
func (c Stored) Unchecked(dst []byte) ([]byte, error) {
	if codec(c.Codec).packed() {
		d := zstdDecoders.Get().(*zstd.Decoder)
		defer zstdDecoders.Put(d)
		return d.DecodeAll(c.Payload, dst)
	}
	data, err := unpack(codec(c.Codec), c.Hash, c.Payload)
	return append(dst, data...), err
}

// Stored returns the chunk at h as it is stored. It is not compared with its address:
// who receives it does that.
func (s *Store) Stored(ctx context.Context, h hash.Hash) (Stored, error) {
	all, err := s.StoredAll(ctx, []hash.Hash{h})
	if err != nil {
		return Stored{}, err
	}
	return all[0], nil
}

// StoredAll is Stored for several chunks, which it returns in their order. Those that
// stand one after the other in a file are read at once.
func (s *Store) StoredAll(ctx context.Context, hashes []hash.Hash) ([]Stored, error) {
	if err := s.usable(ctx); err != nil {
		return nil, fmt.Errorf("nbs: read %d chunks: %w", len(hashes), err)
	}
	all := make([]Stored, len(hashes))
	if err := s.readStored(all, hashes); err != nil {
		return nil, fmt.Errorf("nbs: read %d chunks from %s on: %w", len(hashes), hashes[0], err)
	}
	for i, h := range hashes {
		if all[i].Hash == h {
			continue
		}
		data, err := s.Get(ctx, h)
		if err != nil {
			return nil, err
		}
		all[i] = Stored{Hash: h, Payload: data}
	}
	return all, nil
}

const (
	maxStoredRead = 1 << 20 // bytes that are read at once
	maxStoredGap  = 4 << 10 // bytes between two records that are read in vain
)

// place is where a chunk is.
type place struct {
	file *chunkFile
	extent
}

// follows tells whether a place is a little behind another one.
func (p place) follows(before place) bool {
	gap := p.offset - before.offset - int64(before.length)
	return p.file == before.file && gap >= 0 && gap <= maxStoredGap
}

// readStored fills in those of the chunks that can be handed on as they are stored.
func (s *Store) readStored(all []Stored, hashes []hash.Hash) error {
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return ErrClosed
	}
	places := make([]place, len(hashes))
	for i, h := range hashes {
		var err error
		if places[i].file, places[i].extent, err = s.view.find(h); err != nil {
			return err
		}
	}
	for from := 0; from < len(places); {
		to := from + 1
		for to < len(places) && places[from].file != nil && places[to].follows(places[to-1]) &&
			places[to].offset+int64(places[to].length)-places[from].offset <= maxStoredRead {
			to++
		}
		if err := readPlaces(all[from:to], hashes[from:to], places[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// readPlaces reads chunks that stand one after the other in a file.
func readPlaces(all []Stored, hashes []hash.Hash, places []place) error {
	first, last := places[0], places[len(places)-1]
	if first.file == nil {
		return nil // Get looks whether others have added it
	}
	buf := make([]byte, last.offset+int64(last.length)-first.offset)
	if n, err := first.file.ReadAt(buf, first.offset); n < len(buf) {
		if !isEnd(err) {
			return err
		}
		buf = buf[:n]
	}
	for i, p := range places {
		start := min(p.offset-first.offset, int64(len(buf)))
		end := min(start+int64(p.length), int64(len(buf)))
		if c, err := storedIn(p, hashes[i], buf[start:end:end]); err == nil {
			all[i] = c
		}
	}
	return nil
}

var errNotAsStored = errors.New("the chunk is not stored in a form of its own")

// storedIn returns the chunk of a record that has one in a form of its own: the newest
// version in a pack, too. Others, and damage, are left to Get.
func storedIn(p place, h hash.Hash, buf []byte) (Stored, error) {
	if n, err := recordLength(buf); err != nil || n != len(buf) {
		return Stored{}, errNotAsStored
	}
	rec := splitRecord(buf)
	if rec.address != h || p.member != 0 {
		return Stored{}, errNotAsStored
	}
	c := Stored{Hash: h, Codec: byte(rec.codec), Payload: rec.payload}
	switch rec.kind {
	case kindChunk:
		return c, nil
	case kindPack:
		var versions pack
		err := versions.decode(rec)
		if err == nil {
			c.Payload = versions.base()
		}
		return c, err
	}
	return Stored{}, errNotAsStored
}

// Stored returns the chunk at h.
func (m *Memory) Stored(ctx context.Context, h hash.Hash) (Stored, error) {
	data, err := m.Get(ctx, h)
	return Stored{Hash: h, Payload: data}, err
}

// StoredAll returns chunks in their order.
func (m *Memory) StoredAll(ctx context.Context, hashes []hash.Hash) ([]Stored, error) {
	all := make([]Stored, len(hashes))
	for i, h := range hashes {
		var err error
		if all[i], err = m.Stored(ctx, h); err != nil {
			return nil, err
		}
	}
	return all, nil
}
