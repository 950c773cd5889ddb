package nbs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"github.com/vdbgo/vdb/hash"
)

// Check reads every chunk of the store, and yields the damage that it finds:
// that because of which the store is read-only, then damaged indexes and chunks.
// An error comes last, with nil damage, and means that the check is not complete.
// Chunks that are added while it runs may be left out. progress, if not nil, is called
// with how many chunks have been read, and how many there are.
func (s *Store) Check(ctx context.Context, progress func(done, total int64)) iter.Seq2[*DamageError, error] {
	return func(yield func(*DamageError, error) bool) {
		if d := s.damage.Load(); d != nil && !yield(d, nil) {
			return
		}
		err := s.refresh()
		if err == nil {
			c := &checker{store: s, found: func(d *DamageError) bool { return yield(d, nil) }, progress: progress}
			err = c.files(ctx)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("nbs: check %s: %w", s.dir, err))
		}
	}
}

// checker is a Check at work.
type checker struct {
	store       *Store
	found       func(*DamageError) bool
	progress    func(done, total int64)
	done, total int64
}

// errStopped: the one who ranges over a check has seen enough.
var errStopped = errors.New("check was stopped")

func (c *checker) files(ctx context.Context) error {
	hold := c.store.Hold() // the files stay open
	defer runtime.KeepAlive(hold)
	all, err := c.store.checkedFiles()
	if err != nil {
		return err
	}
	c.total = c.store.Stats().Chunks
	for _, f := range all {
		entries, err := f.read()
		if err = c.report(err); err != nil {
			return err
		}
		for _, e := range (source{entries: entries}).inFileOrder() {
			if err := c.store.usable(ctx); err != nil {
				return err
			}
			if err := c.chunk(f.file, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunk reads a chunk where this file has it; another may have it as well.
func (c *checker) chunk(file *chunkFile, e entry) error {
	buf := c.store.buffer(int(e.length))
	defer c.store.buffers.Put(buf)
	_, err := readChunk(file, e.extent, e.address, *buf)
	if c.done++; c.progress != nil && (c.done%progressEvery == 0 || c.done >= c.total) {
		c.progress(c.done, max(c.done, c.total))
	}
	return c.report(err)
}

// report hands damage on, and returns what else err is.
func (c *checker) report(err error) error {
	var d *DamageError
	if !errors.As(err, &d) {
		return err
	}
	if !c.found(d) {
		return errStopped
	}
	return nil
}

// checkedFile is a file to be checked, and what reads its index.
type checkedFile struct {
	file *chunkFile
	read func() (run, error)
}

func (s *Store) checkedFiles() ([]checkedFile, error) {
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return nil, ErrClosed
	}
	var all []checkedFile
	for _, j := range s.view.journals() {
		all = append(all, checkedFile{&j.chunks, func() (run, error) { return j.index.fold(), nil }})
	}
	for _, t := range s.view.tables {
		all = append(all, checkedFile{&t.chunkFile, t.all})
	}
	return all, nil
}

// Check yields nothing: memory is taken to be sound.
func (m *Memory) Check(ctx context.Context, _ func(done, total int64)) iter.Seq2[*DamageError, error] {
	return func(yield func(*DamageError, error) bool) {
		_, err := m.Has(ctx, hash.Hash{})
		if err != nil {
			yield(nil, fmt.Errorf("nbs: check: %w", err))
		}
	}
}
