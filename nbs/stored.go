package nbs

import (
	"context"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/vdbgo/vdb/hash"
)

// Stored is a chunk in the form in which a store keeps it, so that it can be
// handed from one store to another without being unpacked and packed again.
type Stored struct {
	Hash hash.Hash
	// Codec says how Payload is packed: 0 raw, 1 S2, 2 zstd, 3 masked; see
	// docs/FORMAT.md.
	Codec   byte
	Payload []byte
}

// Data returns the chunk's bytes after a comparison with its address. They may
// alias the payload.
func (c Stored) Data() ([]byte, error) {
	if len(c.Payload) > maxRecordBytes {
		return nil, fmt.Errorf("nbs: unpack chunk %s of %d bytes: %w", c.Hash, len(c.Payload), ErrTooLarge)
	}
	data, err := decodePayload(codec(c.Codec), c.Hash, c.Payload)
	if err == nil && len(data) > MaxChunkBytes {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("nbs: unpack chunk %s: %w", c.Hash, err)
	}
	return data, nil
}

// Unchecked appends the chunk's bytes to dst without a comparison with its address:
// for a sender, who only looks for what the chunk leads to.
func (c Stored) Unchecked(dst []byte) ([]byte, error) {
	if codec(c.Codec) == codecZstd {
		d := zstdDecoders.Get().(*zstd.Decoder)
		defer zstdDecoders.Put(d)
		return d.DecodeAll(c.Payload, dst)
	}
	data, err := unpack(codec(c.Codec), c.Hash, c.Payload)
	return append(dst, data...), err
}

// Stored returns the chunk at h as it is stored. It is not compared with its
// address: who receives it does that.
func (s *Store) Stored(ctx context.Context, h hash.Hash) (Stored, error) {
	if err := s.usable(ctx); err != nil {
		return Stored{}, fmt.Errorf("nbs: read chunk %s: %w", h, err)
	}
	c, found, err := s.readStored(h)
	if err != nil {
		return Stored{}, fmt.Errorf("nbs: read chunk %s: %w", h, err)
	}
	if found {
		return c, nil
	}
	data, err := s.Get(ctx, h)
	return Stored{Hash: h, Payload: data}, err
}

// readStored is Stored for a chunk that has a record of its own; others are
// unpacked by Get.
func (s *Store) readStored(h hash.Hash) (Stored, bool, error) {
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return Stored{}, false, ErrClosed
	}
	file, e, err := s.view.find(h)
	if err != nil || file == nil {
		return Stored{}, false, err
	}
	rec, err := readRecord(file, e, make([]byte, e.length))
	if err != nil || rec.kind != kindChunk || rec.address != h {
		return Stored{}, false, err
	}
	return Stored{Hash: h, Codec: byte(rec.codec), Payload: rec.payload}, true, nil
}

// Stored returns the chunk at h.
func (m *Memory) Stored(ctx context.Context, h hash.Hash) (Stored, error) {
	data, err := m.Get(ctx, h)
	return Stored{Hash: h, Payload: data}, err
}
