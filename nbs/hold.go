package nbs

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// Hold keeps readable what its store could read when it was taken: files that
// are collected or compacted meanwhile stay open, although their names are gone,
// and Get reads from them what is nowhere else. So no reader, in no process, is
// asked for anything before chunks are dropped, and none can be in the way.
//
// A Hold lasts as long as something refers to it; it needs no closing. It
// may be shared by any number of goroutines. A nil one holds nothing.
type Hold struct {
	view  *view
	taken atomic.Bool
}

// graceTime is for how long the files of a view stay open at least after it has
// been replaced, if somebody has held it: for those who have read an address
// and are about to take a Hold.
const graceTime = 5 * time.Second

// Hold returns a Hold of all that can be read now. It costs next to nothing.
func (s *Store) Hold() *Hold {
	for {
		h := s.hold.Load()
		if h == nil {
			return nil
		}
		h.taken.Store(true)
		if s.hold.Load() == h { // else replaceView may not have seen that it is taken
			return h
		}
	}
}

// replaceView makes v the view. mu and files are held.
func (s *Store) replaceView(v *view) {
	for _, u := range v.uses() {
		*u++
	}
	old, held := s.view, s.hold.Swap(&Hold{view: v})
	s.view = v
	if old == nil {
		return
	}
	s.past = append(s.past, old)
	if !held.taken.Load() {
		s.forgetLocked(old)
		return
	}
	runtime.AddCleanup(held, func(v *view) { go s.forget(v) }, old)
	time.AfterFunc(graceTime, func() { runtime.KeepAlive(held) })
}

// forget closes the files of a view that nobody holds any more, but those that
// another view has.
func (s *Store) forget(v *view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files.Lock()
	defer s.files.Unlock()
	if s.view != nil {
		s.forgetLocked(v)
	}
}

func (s *Store) forgetLocked(v *view) {
	s.past = slices.DeleteFunc(s.past, func(p *view) bool { return p == v })
	s.retire(v)
	if s.syncing { // a commit may be syncing one of them
		return
	}
	if err := s.closeRetired(); err != nil && s.failed == nil {
		s.failed = err
	}
}

// retire takes leave of the files that no view has but v.
func (s *Store) retire(v *view) {
	files := v.openFiles()
	for i, u := range v.uses() {
		if *u--; *u == 0 {
			s.retired = append(s.retired, files[i])
		}
	}
}

func (s *Store) closeRetired() error {
	var err error
	for _, f := range s.retired {
		err = errors.Join(err, f.Close())
	}
	s.retired = nil
	return err
}

// readPast reads a chunk that is no longer in the view, but in files that are
// held.
func (s *Store) readPast(h hash.Hash) ([]byte, error) {
	s.files.RLock()
	defer s.files.RUnlock()
	for _, v := range slices.Backward(s.past) {
		file, e, err := v.find(h)
		if err != nil || file == nil {
			continue
		}
		buf := s.buffer(int(e.length))
		defer s.buffers.Put(buf)
		return readChunk(file, e, h, *buf)
	}
	return nil, s.notFound()
}

// Hold returns nil: memory is not collected.
func (m *Memory) Hold() *Hold { return nil }
