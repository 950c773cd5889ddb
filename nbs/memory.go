package nbs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/vdbgo/vdb/hash"
)

// Memory is a store that lives in memory and ends with the process. It has the
// methods of Store and keeps the same contract, durability aside. All methods
// may be called concurrently.
type Memory struct {
	owner   any
	commits sync.Mutex // held while one commit runs

	mu     sync.RWMutex // guards what follows
	chunks map[hash.Hash][]byte
	root   hash.Hash
	stats  Stats
	closed bool
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{chunks: map[hash.Hash][]byte{}}
}

// Close ends the store. Later calls return ErrClosed.
func (m *Memory) Close() error {
	m.commits.Lock()
	defer m.commits.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("nbs: close: %w", ErrClosed)
	}
	m.closed, m.chunks = true, nil
	return nil
}

// Root returns the newest root; the zero Hash when nothing was committed yet.
func (m *Memory) Root(ctx context.Context) (hash.Hash, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return hash.Hash{}, fmt.Errorf("nbs: read root: %w", err)
	}
	return m.root, nil
}

// Get returns the bytes of the chunk at h. They are shared: the caller may keep
// them, and must not modify them.
func (m *Memory) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return nil, fmt.Errorf("nbs: read chunk %s: %w", h, err)
	}
	data, ok := m.chunks[h]
	if !ok {
		return nil, fmt.Errorf("nbs: read chunk %s: %w", h, ErrNotFound)
	}
	return data, nil
}

// Has tells whether the store holds the chunk at h.
func (m *Memory) Has(ctx context.Context, h hash.Hash) (bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return false, fmt.Errorf("nbs: look up chunk %s: %w", h, err)
	}
	_, ok := m.chunks[h]
	return ok, nil
}

// NewWriter returns a Writer of chunks for one commit after another.
func (m *Memory) NewWriter() *Writer { return newWriter(m, false) }

// Commit stores the chunks of w and the root that update returns. See
// Store.Commit.
func (m *Memory) Commit(ctx context.Context, w *Writer, update UpdateFunc) error {
	m.commits.Lock()
	defer m.commits.Unlock()
	root, err := m.Root(ctx)
	if err == nil {
		w, err = w.checked(m)
	}
	if err != nil {
		return fmt.Errorf("nbs: commit: %w", err)
	}
	next, err := update(ctx, root)
	if err != nil {
		return err
	}
	m.add(w.pending)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.root = next
	m.stats.Commits++
	w.Discard()
	return nil
}

// CommitUnsynced is Commit.
func (m *Memory) CommitUnsynced(ctx context.Context, w *Writer, update UpdateFunc) error {
	return m.Commit(ctx, w, update)
}

// Lend keeps chunks.
func (m *Memory) Lend(chunks map[hash.Hash][]byte) {
	for h, data := range chunks {
		m.add([]chunk{{address: h, data: data}})
	}
}

// Damage returns nil: memory is taken to be sound.
func (m *Memory) Damage() error { return nil }

// Compact does nothing, as there is nothing to compact.
func (m *Memory) Compact(ctx context.Context) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return fmt.Errorf("nbs: compact: %w", err)
	}
	return nil
}

// Stats returns figures about the store.
func (m *Memory) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.stats
}

// Resolve returns the addresses, at most limit, that start with the given
// hexadecimal digits, in ascending order.
func (m *Memory) Resolve(ctx context.Context, prefix []byte, limit int) ([]hash.Hash, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return nil, fmt.Errorf("nbs: resolve %q: %w", prefix, err)
	}
	within, err := newPrefixRange(prefix)
	if err != nil {
		return nil, err
	}
	found := []hash.Hash{}
	for h := range m.chunks {
		if within.contains(h) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, hash.Hash.Compare)
	return found[:min(limit, len(found))], nil
}

// usable is called with mu held.
func (m *Memory) usable(ctx context.Context) error {
	if m.closed {
		return ErrClosed
	}
	return ctx.Err()
}

// present implements backend.
func (m *Memory) present(h hash.Hash) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.chunks[h]
	return ok
}

// revive implements backend: what is not there never was.
func (m *Memory) revive(context.Context, *Writer, hash.Hash) error { return ErrNotFound }

// spill implements backend.
func (m *Memory) spill(ctx context.Context, w *Writer) error {
	m.add(w.pending)
	return ctx.Err()
}

func (m *Memory) add(chunks []chunk) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	for _, c := range chunks {
		if _, ok := m.chunks[c.address]; ok {
			continue
		}
		m.chunks[c.address] = c.data
		m.stats.Chunks++
		m.stats.AppendedBytes += int64(len(c.data))
		m.stats.ChunkBytes += int64(len(c.data))
	}
}
