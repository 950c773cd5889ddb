package nbs

import (
	"context"
	"time"
)

// yielder has work in the background leave the processor and the disk to commits: as
// long as there are any, in whatever process, it does nothing for as long as it works. But
// it does not yield to commits that come faster than it can follow.
type yielder struct {
	store *Store
	seen  *tip
	since time.Time // it works
	last  time.Time // it saw that there was a commit
	holds bool      // the lock, which commits wait for
}

const (
	yieldEvery    = 250 * time.Microsecond // of work
	yieldMost     = 10 * time.Millisecond  // at once
	yieldFor      = time.Second            // after a commit more are expected
	yieldJournals = 2                      // times Options.JournalBytes: with a larger backlog it does not yield
)

func (s *Store) newYielder() *yielder {
	return &yielder{store: s, seen: s.tip.Load(), since: time.Now()}
}

// beside tells whether there are commits.
func (y *yielder) beside() bool { return y != nil && time.Since(y.last) < yieldFor }

// pause is called between small pieces of work.
func (y *yielder) pause(ctx context.Context) error {
	worked := time.Since(y.since)
	if y.holds || worked < yieldEvery {
		return ctx.Err()
	}
	if err := y.store.refresh(); err != nil {
		return err
	}
	if newest := y.store.tip.Load(); newest != y.seen {
		y.seen, y.last = newest, time.Now()
		if y.store.journals() < yieldJournals {
			time.Sleep(min(worked, yieldMost))
		}
	}
	y.since = time.Now()
	return ctx.Err()
}
