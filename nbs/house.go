package nbs

import (
	"context"
	"sync"
)

// housekeeping is the work that runs beside reads and commits.
type housekeeping struct {
	mu      sync.Mutex
	running bool
	stopped bool
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// start runs work unless there is some already.
func (h *housekeeping) start(work func(ctx context.Context)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running || h.stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.running, h.cancel = true, cancel
	h.done.Go(func() {
		defer h.finish()
		work(ctx)
	})
}

func (h *housekeeping) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cancel()
	h.running = false
}

// stop ends the work that runs and lets no more begin.
func (h *housekeeping) stop() {
	h.mu.Lock()
	h.stopped = true
	if h.running {
		h.cancel()
	}
	h.mu.Unlock()
	h.done.Wait()
}

// tidy starts what is due. mu is held.
func (s *Store) tidy() {
	j := s.view.active
	switch {
	case s.journalBytes > 0 && j.end >= max(s.journalBytes, s.compactAt):
		s.house.start(s.compactLater)
	case j.folded.end > j.saved && j.folded.end <= j.synced:
		s.house.start(func(context.Context) { s.saveIndex(j) })
	}
}

// saveIndex writes the index file of a journal, as far as it was durable when
// it was folded. What goes wrong does no harm: the file is a hint.
func (s *Store) saveIndex(j *journal) {
	s.mu.Lock()
	f := j.folded
	due := f.end > j.saved && f.end <= j.synced && s.failed == nil
	s.mu.Unlock()
	if !due || !s.writeIndex(f) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j.saved = f.end
}

func (s *Store) writeIndex(f indexFile) bool {
	path := s.path(journalEntry{id: f.journal}.indexName())
	return replaceFile(s.fs, path, f.encode(), false) == nil
}

// saveLastIndex saves the index of the active journal when the store is closed,
// so that the next one to open it has nothing to scan.
func (s *Store) saveLastIndex() {
	s.mu.Lock()
	j := s.view.active
	due := !s.readOnly && s.damage.Load() == nil && j.end == j.synced
	if due {
		j.fold()
	}
	s.mu.Unlock()
	if due {
		s.saveIndex(j)
	}
}
