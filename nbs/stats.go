package nbs

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// Stats holds figures about an open store. Sizes are in bytes. The counters
// tell what went through this Store since it was opened; sizes and numbers of
// chunks tell what the directory holds, the other processes' part included as
// far as this Store has read it.
type Stats struct {
	Chunks        int64 // chunks in all files; a chunk in two files counts twice
	ChunkBytes    int64 // of these, with what separates them
	JournalBytes  int64 // records in the journals, zero-filled room not counted
	JournalFiles  int64 // the active journal and the sealed ones
	TableBytes    int64 // all table files
	TableFiles    int64
	Commits       int64 // commits appended
	Appends       int64 // writes to the journal; a write can hold many commits
	Syncs         int64 // syncs of the journal
	AppendedBytes int64 // bytes appended to the journal
	CacheHits     int64
	CacheMisses   int64
	CacheBytes    int64 // decompressed chunks held
	CacheChunks   int64
	Compactions   int64 // journals turned into table files, table files merged
	Collections   int64 // collections of garbage
	Delays        int64 // commits that were delayed for compaction to keep up

	// CompactError is why the last compaction in the background has failed, or
	// nil. The store works on without it.
	CompactError error
}

// StoredBytes returns how many bytes the chunk at h takes up in its file.
func (s *Store) StoredBytes(ctx context.Context, h hash.Hash) (int64, error) {
	if err := s.usable(ctx); err != nil {
		return 0, fmt.Errorf("nbs: size of chunk %s: %w", h, err)
	}
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return 0, fmt.Errorf("nbs: size of chunk %s: %w", h, ErrClosed)
	}
	file, e, err := s.view.find(h)
	if err == nil && file == nil {
		err = ErrNotFound // it may have been collected just now
	}
	if err != nil {
		return 0, fmt.Errorf("nbs: size of chunk %s: %w", h, err)
	}
	buf := s.buffer(int(e.length))
	defer s.buffers.Put(buf)
	n, err := storedBytes(file, e, *buf)
	if err != nil {
		return 0, fmt.Errorf("nbs: size of chunk %s: %w", h, err)
	}
	return n, nil
}

// storedBytes returns the length of a record or, of a member of a pack, its part of it.
func storedBytes(file *chunkFile, e extent, buf []byte) (int64, error) {
	rec, err := readRecord(file, e, buf)
	if err != nil || rec.kind != kindPack {
		return int64(e.length), err
	}
	var p pack
	if err := p.decode(rec); err != nil {
		return 0, &DamageError{File: file.path, Offset: e.offset, Reason: err.Error()}
	}
	switch k := int(e.member); {
	case k >= p.count:
		return 0, &DamageError{File: file.path, Offset: e.offset, Reason: fmt.Sprintf("pack has no member %d", k)}
	case k > 0:
		return int64(len(p.delta(k))), nil
	}
	return int64(e.length) - int64(len(p.stored)-len(p.base())), nil // and what all members share
}

// StoredBytes returns how many bytes the chunk at h has.
func (m *Memory) StoredBytes(ctx context.Context, h hash.Hash) (int64, error) {
	data, err := m.Get(ctx, h)
	return int64(len(data)), err
}
