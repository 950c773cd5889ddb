package nbs

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/hash"
)

// Check reads every chunk of the store, and yields the damage that it finds:
// that because of which the store is read-only, then damaged indexes and chunks.
// An error comes last, with nil damage, and means that the check is not complete.
// Chunks that are added while it runs may be left out.
func (s *Store) Check(ctx context.Context) iter.Seq2[*DamageError, error] {
	return func(yield func(*DamageError, error) bool) {
		if d := s.damage.Load(); d != nil && !yield(d, nil) {
			return
		}
		err := s.refresh()
		if err == nil {
			err = s.checkFiles(ctx, func(d *DamageError) bool { return yield(d, nil) })
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("nbs: check %s: %w", s.dir, err))
		}
	}
}

// errStopped: the one who ranges over a check has seen enough.
var errStopped = errors.New("check was stopped")

func (s *Store) checkFiles(ctx context.Context, found func(*DamageError) bool) error {
	indexes, err := s.indexes()
	if err != nil {
		return err
	}
	for _, read := range indexes {
		entries, err := read()
		if err = report(err, found); err != nil {
			return err
		}
		for _, e := range (source{entries: entries}).inFileOrder() {
			if err := s.usable(ctx); err != nil {
				return err
			}
			_, err := s.read(e.address)
			if err = report(err, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// report hands damage on, and returns what else err is.
func report(err error, found func(*DamageError) bool) error {
	var d *DamageError
	if !errors.As(err, &d) {
		return err
	}
	if !found(d) {
		return errStopped
	}
	return nil
}

// indexes returns a function for each file that reads its index.
func (s *Store) indexes() ([]func() (run, error), error) {
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return nil, ErrClosed
	}
	var all []func() (run, error)
	for _, j := range s.view.journals() {
		all = append(all, func() (run, error) { return j.index.fold(), nil })
	}
	for _, t := range s.view.tables {
		all = append(all, func() (run, error) {
			s.files.RLock() // a compaction may be about to close it
			defer s.files.RUnlock()
			return t.all()
		})
	}
	return all, nil
}

// Check yields nothing: memory is taken to be sound.
func (m *Memory) Check(ctx context.Context) iter.Seq2[*DamageError, error] {
	return func(yield func(*DamageError, error) bool) {
		_, err := m.Has(ctx, hash.Hash{})
		if err != nil {
			yield(nil, fmt.Errorf("nbs: check: %w", err))
		}
	}
}
