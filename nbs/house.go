package nbs

import (
	"context"
	"sync"
	"time"
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

// works tells whether there is some.
func (h *housekeeping) works() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running
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

// tidy starts what is due: compaction, and beside it, since that can take long,
// the saving of the index. mu is held.
func (s *Store) tidy() {
	if s.compactionDue() {
		s.compaction.start(func(ctx context.Context) { s.repeat(ctx, s.compactionDue, s.compactLater) })
	}
	if s.indexDue() {
		s.indexing.start(func(ctx context.Context) { s.repeat(ctx, s.indexDue, s.saveIndex) })
	}
}

// repeat works as long as there is something due.
func (s *Store) repeat(ctx context.Context, due func() bool, work func(context.Context)) {
	for ctx.Err() == nil {
		s.mu.Lock()
		more := due()
		s.mu.Unlock()
		if !more {
			return
		}
		work(ctx)
	}
}

func (s *Store) compactionDue() bool {
	return s.view != nil && s.failed == nil && s.journalBytes > 0 &&
		s.view.active.weight() >= max(s.journalBytes, s.compactAt)
}

const (
	// backlogJournals is how many times Options.JournalBytes the journals may weigh
	// before commits are delayed: one is compacted, and another one written.
	backlogJournals = 3
	// backlogDelay is by how much, for each JournalBytes more.
	backlogDelay = 4 * time.Millisecond
	// maxBacklogDelay bounds it: a compaction that is stuck stops nobody.
	maxBacklogDelay = 5 * time.Millisecond
)

// awaitCompaction delays a commit a little while the journals grow faster than they are
// compacted. Where compaction fails there is nothing to wait for.
func (s *Store) awaitCompaction(ctx context.Context) error {
	delay := s.backlog()
	if delay == 0 {
		return nil
	}
	s.count.delays.Add(1)
	select {
	case <-time.After(delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) backlog() time.Duration {
	excess := s.journals() - backlogJournals
	return min(time.Duration(max(excess, 0)*float64(backlogDelay)), maxBacklogDelay)
}

// journals returns how many times Options.JournalBytes is in journals; 0 if nobody is to
// turn them into tables.
func (s *Store) journals() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil || s.journalBytes <= 0 || s.compactError != nil {
		return 0
	}
	weight := s.view.active.weight()
	if s.compaction.works() {
		for _, j := range s.view.sealed {
			weight += j.weight()
		}
	}
	return float64(weight) / float64(s.journalBytes)
}

func (s *Store) indexDue() bool {
	if s.view == nil || s.failed != nil {
		return false
	}
	j := s.view.active
	return j.folded.end > j.saved && j.folded.end <= j.synced
}

// saveIndex writes the index file of the active journal, as far as it was durable
// when it was folded. What goes wrong does no harm: the file is a hint, and the
// next fold brings another.
func (s *Store) saveIndex(context.Context) {
	s.mu.Lock()
	var f indexFile
	due := s.indexDue()
	if due {
		j := s.view.active
		f = j.folded
		j.saved = f.end
	}
	s.mu.Unlock()
	if due {
		s.writeIndex(f)
	}
}

func (s *Store) writeIndex(f indexFile) {
	path := s.path(journalEntry{id: f.journal}.indexName())
	_ = replaceFile(s.fs, path, f.encode(), false) // a hint that is missing is made anew
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
		s.saveIndex(context.Background())
	}
}
