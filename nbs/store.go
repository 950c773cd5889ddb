package nbs

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// Options are what Open can be told. The zero value is good.
type Options struct {
	// CacheBytes is the budget of the cache of decompressed chunks. 0 stands
	// for 64 MiB, a negative number for no cache.
	CacheBytes int64
	// JournalBytes is the size at which a journal is turned into a table file.
	// 0 stands for 64 MiB.
	JournalBytes int64
	// ReadOnly opens the store without ever writing to it.
	ReadOnly bool
	// FS is the file system; nil stands for the operating system's.
	FS FS
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Rand is the source of file ids; nil stands for crypto/rand.Reader.
	Rand io.Reader
}

// UpdateFunc is given the newest root, and returns the one to follow it.
type UpdateFunc = func(ctx context.Context, root hash.Hash) (hash.Hash, error)

// Store is an open directory of chunks. All methods may be called concurrently.
type Store struct{}

// Open opens the store in dir, and creates one where dir is missing or empty.
// opts may be nil.
func Open(ctx context.Context, dir string, opts *Options) (*Store, error) {
	return nil, errors.ErrUnsupported
}

// Close ends the store.
func (s *Store) Close() error { return errors.ErrUnsupported }

// Root returns the newest root; the zero Hash when nothing was committed yet.
func (s *Store) Root(ctx context.Context) (hash.Hash, error) {
	return hash.Hash{}, errors.ErrUnsupported
}

// Get returns the bytes of the chunk at h.
func (s *Store) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// Has tells whether the store holds the chunk at h.
func (s *Store) Has(ctx context.Context, h hash.Hash) (bool, error) {
	return false, errors.ErrUnsupported
}

// NewWriter returns a Writer of chunks for one commit after another.
func (s *Store) NewWriter() *Writer { return nil }

// Commit stores the chunks of w and the root that update returns.
func (s *Store) Commit(ctx context.Context, w *Writer, update UpdateFunc) error {
	return errors.ErrUnsupported
}

// Damage returns the *DamageError because of which the store is read-only, or nil.
func (s *Store) Damage() error { return nil }

// Compact turns journals into table files.
func (s *Store) Compact(ctx context.Context) error { return errors.ErrUnsupported }

// Stats returns figures about the store.
func (s *Store) Stats() Stats { return Stats{} }

// Resolve returns the addresses that start with the given hexadecimal digits.
func (s *Store) Resolve(ctx context.Context, prefix []byte, limit int) ([]hash.Hash, error) {
	return nil, errors.ErrUnsupported
}
