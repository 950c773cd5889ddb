package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/remote"
)

// source is the chunks of a manifest's tables, for a plan: tables are looked through from
// the newest to the oldest, and read as far as they are needed.
type source struct {
	bucket *Bucket
	tables []*sourceTable // newest first
	local  remote.Source  // what the receiver has, or nil
}

// sourceTable is a table, opened when it is first looked at.
type sourceTable struct {
	name   string
	info   nbs.TableInfo
	object *object

	mu     sync.Mutex // guards what follows
	reader *nbs.TableReader
}

// fetchers is how many requests for pieces of tables run at once.
const fetchers = 4

var _ remote.Source = (*source)(nil)

// newSource returns the source of a manifest, for a call with that context.
func (b *Bucket) newSource(ctx context.Context, m *manifest, local remote.Source) (*source, error) {
	s := &source{bucket: b, local: local}
	for i := len(m.Tables) - 1; i >= 0; i-- {
		ref := m.Tables[i]
		info, err := ref.info()
		if err != nil {
			return nil, err
		}
		key := b.prefix + ref.key()
		s.tables = append(s.tables, &sourceTable{name: key, info: info, object: newObject(info.Bytes, func(offset, length int64) ([]byte, error) {
			return b.piece(ctx, key, offset, length)
		})})
	}
	return s, nil
}

// piece reads a part of a table.
func (b *Bucket) piece(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	c, err := b.objects.Get(ctx, key, offset, length)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: others have taken its place since, or it is lost: %w", err, remote.ErrInterrupted)
	case err != nil:
		return nil, err
	case int64(len(c.Data)) != length:
		return nil, fmt.Errorf("get %s: %d bytes came of %d: %w", key, len(c.Data), length, remote.ErrProtocol)
	}
	return c.Data, nil
}

// close removes temporary files.
func (s *source) close() error {
	var errs []error
	for _, t := range s.tables {
		errs = append(errs, t.object.close())
	}
	return errors.Join(errs...)
}

// Get implements remote.Source.
func (s *source) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if there, err := s.isLocal(ctx, h); err != nil || there {
		if err != nil {
			return nil, err
		}
		return s.local.Get(ctx, h)
	}
	_, data, err := s.read(ctx, h)
	return data, err
}

// Stored implements remote.Source.
func (s *source) Stored(ctx context.Context, h hash.Hash) (remote.Chunk, error) {
	if there, err := s.isLocal(ctx, h); err != nil || there {
		if err != nil {
			return remote.Chunk{}, err
		}
		return s.local.Stored(ctx, h)
	}
	c, _, err := s.read(ctx, h)
	return c, err
}

// StoredAll implements remote.Source.
func (s *source) StoredAll(ctx context.Context, hashes []hash.Hash) ([]remote.Chunk, error) {
	all := make([]remote.Chunk, len(hashes))
	for i, h := range hashes {
		var err error
		if all[i], err = s.Stored(ctx, h); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Has implements remote.Source.
func (s *source) Has(ctx context.Context, h hash.Hash) (bool, error) {
	if there, err := s.isLocal(ctx, h); err != nil || there {
		return there, err
	}
	_, _, err := s.read(ctx, h)
	if errors.Is(err, remote.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// isLocal tells whether the receiver has a chunk: then nobody needs to be asked.
func (s *source) isLocal(ctx context.Context, h hash.Hash) (bool, error) {
	if s.local == nil {
		return false, nil
	}
	return s.local.Has(ctx, h)
}

// read returns a chunk that was compared with its address.
func (s *source) read(ctx context.Context, h hash.Hash) (remote.Chunk, []byte, error) {
	for _, t := range s.tables {
		if err := ctx.Err(); err != nil {
			return remote.Chunk{}, nil, err
		}
		c, data, err := t.read(h)
		if errors.Is(err, remote.ErrNotFound) {
			continue
		}
		return c, data, err
	}
	return remote.Chunk{}, nil, fmt.Errorf("chunk %s: %w", h, remote.ErrNotFound)
}

// read reads a chunk, and again if what came is damaged: that may have happened on the
// way.
func (t *sourceTable) read(h hash.Hash) (c remote.Chunk, data []byte, err error) {
	for range 2 {
		if c, data, err = t.try(h); err == nil || errors.Is(err, remote.ErrNotFound) || errors.Is(err, remote.ErrInterrupted) || errors.Is(err, context.Canceled) {
			return c, data, err
		}
		t.forget()
	}
	var damage *nbs.DamageError
	if errors.As(err, &damage) {
		err = fmt.Errorf("%w: %w", err, remote.ErrProtocol)
	}
	return c, nil, err
}

func (t *sourceTable) try(h hash.Hash) (remote.Chunk, []byte, error) {
	r, err := t.open()
	if err != nil {
		return remote.Chunk{}, nil, err
	}
	c, found, err := r.Stored(h)
	switch {
	case err != nil:
		return c, nil, err
	case !found:
		return c, nil, remote.ErrNotFound
	}
	data, err := c.Data()
	if err != nil {
		err = fmt.Errorf("%s: %w: %w", t.name, err, remote.ErrProtocol)
	}
	return c, data, err
}

func (t *sourceTable) open() (*nbs.TableReader, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reader != nil {
		return t.reader, nil
	}
	var err error
	t.reader, err = nbs.OpenTable(t.object, t.name, t.info)
	return t.reader, err
}

// forget drops what was read.
func (t *sourceTable) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reader = nil
	t.object.forget()
}

// warm reads whole tables ahead, several pieces at once, until ctx ends. Errors are met
// again by who needs the pieces.
func (s *source) warm(ctx context.Context) (wait func()) {
	type piece struct {
		object      *object
		first, last int
	}
	pieces := make(chan piece)
	go func() {
		defer close(pieces)
		for i := len(s.tables) - 1; i >= 0; i-- {
			o := s.tables[i].object
			for b := 0; b < len(o.blocks); b += maxAhead {
				select {
				case pieces <- piece{o, b, min(b+maxAhead, len(o.blocks)) - 1}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	var workers sync.WaitGroup
	for range fetchers {
		workers.Go(func() {
			for p := range pieces {
				if p.object.need(p.first, p.last) != nil {
					return
				}
			}
		})
	}
	return workers.Wait
}
