package nbs

import (
	"context"
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
	_     [1]byte // so that each has an address of its own
	taken atomic.Bool
}

// viewHolds are the holds of a view that can be taken as long as it is the newest.
type viewHolds struct {
	of    *Hold // of the view alone
	since *Hold // of the views that follow it, too
}

// pastView is a view that was replaced.
type pastView struct {
	*view
	held, heldSince bool
}

// graceTime is for how long the files of a view stay open at least after it has
// been replaced, if somebody has held it: for those who have read an address
// and are about to take a Hold.
const graceTime = 5 * time.Second

// Hold returns a Hold of what the store can read, as far as it has followed what
// other processes do. It costs next to nothing.
func (s *Store) Hold() *Hold { return s.take(func(h *viewHolds) *Hold { return h.of }) }

// HoldSince returns a Hold of what the store can read now or some time later, until
// it is given up. It is for what does not last: no room is freed meanwhile.
func (s *Store) HoldSince() *Hold { return s.take(func(h *viewHolds) *Hold { return h.since }) }

// HoldRoot returns the newest root, and a Hold of what it leads to. See Root.
func (s *Store) HoldRoot(ctx context.Context) (hash.Hash, *Hold, error) {
	for {
		held := s.Hold()
		root, err := s.Root(ctx)
		if err != nil || held == s.Hold() { // else the root may be in files that have come since
			return root, held, err
		}
	}
}

func (s *Store) take(which func(*viewHolds) *Hold) *Hold {
	for {
		all := s.holds.Load()
		if all == nil {
			return nil
		}
		h := which(all)
		h.taken.Store(true)
		if s.holds.Load() == all { // else replaceView may not have seen that it is taken
			return h
		}
	}
}

// replaceView makes v the view. mu and files are held.
func (s *Store) replaceView(v *view) {
	for _, u := range v.uses() {
		*u++
	}
	holds := s.holds.Swap(&viewHolds{&Hold{}, &Hold{}})
	if s.view != nil {
		p := &pastView{view: s.view}
		s.past = append(s.past, p)
		s.keepWhile(holds.of, &p.held)
		s.keepWhile(holds.since, &p.heldSince)
	}
	s.view = v
	s.forgetPast()
}

// keepWhile sets held until nothing refers to h any more.
func (s *Store) keepWhile(h *Hold, held *bool) {
	if !h.taken.Load() {
		return
	}
	*held = true
	runtime.AddCleanup(h, func(held *bool) { go s.forget(held) }, held)
	if s.grace == nil {
		s.grace = map[*Hold]*time.Timer{}
	}
	s.grace[h] = time.AfterFunc(graceTime, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.grace, h)
	})
}

// endGrace forgets the holds that only time has kept: the store is closed. mu is held.
func (s *Store) endGrace() {
	for _, t := range s.grace {
		t.Stop()
	}
	clear(s.grace)
}

// forget takes note that a hold is gone.
func (s *Store) forget(held *bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files.Lock()
	defer s.files.Unlock()
	*held = false
	s.forgetPast()
}

// forgetPast closes the files of views that nobody holds any more, but those that
// another view has.
func (s *Store) forgetPast() {
	since := false
	kept := s.past[:0]
	for _, p := range s.past {
		if since = since || p.heldSince; since || p.held {
			kept = append(kept, p)
			continue
		}
		s.retire(p.view)
	}
	clear(s.past[len(kept):])
	s.past = kept
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

// HoldSince returns nil: memory is not collected.
func (m *Memory) HoldSince() *Hold { return nil }

// HoldRoot returns the newest root, and nil. See Root.
func (m *Memory) HoldRoot(ctx context.Context) (hash.Hash, *Hold, error) {
	root, err := m.Root(ctx)
	return root, nil, err
}
