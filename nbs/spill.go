package nbs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// spillGuard keeps chunks from being collected that a Writer has appended ahead of
// its commit. It is an empty, locked file, which collectors of all processes
// see: spill-<sequence>-<id>, the sequence being that of the newest root when it
// was made. One that is not locked is of a process that was killed.
type spillGuard struct {
	store *Store
	path  string
	lock  io.Closer
}

const spillPrefix = "spill-"

// guardSpill makes a guard. The store's lock is held, as by collectors when
// they look for them.
func (s *Store) guardSpill(w *Writer) error {
	id, err := newFileID(s.random)
	if err != nil {
		return err
	}
	s.mu.Lock()
	sequence := s.view.active.state.sequence
	s.mu.Unlock()
	g := &spillGuard{store: s, path: s.path(fmt.Sprintf("%s%016x-%x", spillPrefix, sequence, id[:8]))}
	f, err := s.fs.OpenFile(g.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("guard a writer's chunks: %w", err)
	}
	err = f.Close()
	if err == nil {
		g.lock, err = s.fs.TryLock(g.path)
	}
	if err != nil || g.lock == nil {
		return fmt.Errorf("guard a writer's chunks: lock %s: %w", g.path, err)
	}
	w.guard = g
	s.guards.add(g)
	runtime.AddCleanup(w, func(g *spillGuard) { g.release() }, g)
	return nil
}

// release ends the guard, once. A file that cannot be removed is no longer locked.
func (g *spillGuard) release() {
	if g == nil {
		return
	}
	if g.store.guards.remove(g) {
		_ = g.lock.Close()
		_ = g.store.fs.Remove(g.path)
	}
}

// spillGuards are those of a store that are held.
type spillGuards struct {
	mu  sync.Mutex
	all map[*spillGuard]bool
}

func (s *spillGuards) add(g *spillGuard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[*spillGuard]bool{}
	}
	s.all[g] = true
}

func (s *spillGuards) remove(g *spillGuard) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.all[g]
	delete(s.all, g)
	return held
}

// release ends all guards.
func (s *spillGuards) release() {
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.all))
	s.mu.Unlock()
	for _, g := range all {
		g.release()
	}
}

// oldestSpill returns the least sequence of the guards, noSpill if there are none,
// and removes those of processes that were killed. The lock is held.
func (s *Store) oldestSpill() (uint64, error) {
	found, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return 0, err
	}
	oldest := uint64(noSpill)
	for _, f := range found {
		sequence, ok := spillSequence(f.Name())
		if !ok {
			continue
		}
		live, err := s.isLocked(s.path(f.Name()))
		if err != nil {
			return 0, err
		}
		if live {
			oldest = min(oldest, sequence)
		}
	}
	return oldest, nil
}

// isLocked tells whether a guard is held, and removes it if it is not.
func (s *Store) isLocked(path string) (bool, error) {
	held, err := s.fs.TryLock(path)
	if err != nil || held == nil {
		return err == nil, err
	}
	err = held.Close()
	if removed := s.fs.Remove(path); !errors.Is(removed, fs.ErrNotExist) && !errors.Is(removed, fs.ErrPermission) {
		err = errors.Join(err, removed)
	}
	return false, err
}

// spillSequence reads the name of a guard.
func spillSequence(name string) (uint64, bool) {
	digits, id, ok := strings.Cut(strings.TrimPrefix(name, spillPrefix), "-")
	if !ok || !strings.HasPrefix(name, spillPrefix) {
		return 0, false
	}
	if _, err := hex.DecodeString(id); err != nil {
		return 0, false
	}
	sequence, err := strconv.ParseUint(digits, 16, 64)
	return sequence, err == nil
}
