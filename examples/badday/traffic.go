package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vdbgo/vdb"
)

// traffic is the application at work: two goroutines that read and two that write
// all tables, and never stop by themselves.
type traffic struct {
	branch   *vdb.Branch
	readers  []*pulse
	writers  []*pulse
	staff    []*staff // one for each writer
	hot      Issue    // the issue that all writers vote for
	votes    atomic.Int64
	stopping atomic.Bool
	running  sync.WaitGroup
	failed   chan error
}

const (
	readersAtWork = 2
	writersAtWork = 2
	voteEvery     = 5                // writes of a writer
	commitEvery   = 20               // writes of a writer
	readPause     = time.Millisecond // lest readers take up all cores
)

// startTraffic starts the goroutines. Each writer serves customers of its own:
// what it has written to their rows last must be there in the end.
func startTraffic(ctx context.Context, b *vdb.Branch, c company) (*traffic, error) {
	t := &traffic{branch: b, failed: make(chan error, readersAtWork+writersAtWork)}
	err := b.View(ctx, func(s *vdb.Snapshot) (err error) {
		t.hot, err = hotIssue(s, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	everybody := append(c.others(), c.victims()...)
	for n := range readersAtWork {
		r := &reader{branch: b, random: random(uint64(100 + n)), whom: everybody}
		t.readers = append(t.readers, t.run(ctx, r.read))
	}
	for n := range writersAtWork {
		s := &staff{branch: b, random: random(uint64(200 + n)), wrote: newLedger(),
			here: share(c.others(), n), deleted: share(c.victims(), n)}
		t.staff = append(t.staff, s)
		t.writers = append(t.writers, t.run(ctx, func(ctx context.Context, i int) error { return t.write(ctx, s, i) }))
	}
	return t, nil
}

// hotIssue is an issue that no chore touches.
func hotIssue(r vdb.Reader, c company) (Issue, error) {
	p, err := first(projects.By(r, "cust_id", c.others()[0]))
	if err != nil {
		return Issue{}, err
	}
	return issues.Get(r, p.ID, 1)
}

// share is the part of the customers that the n-th writer serves.
func share(ids []string, n int) []string {
	var part []string
	for i := n; i < len(ids); i += writersAtWork {
		part = append(part, ids[i])
	}
	return part
}

// run repeats do in a goroutine until the traffic is stopped.
func (t *traffic) run(ctx context.Context, do func(ctx context.Context, i int) error) *pulse {
	p := &pulse{last: time.Now()}
	t.running.Go(func() {
		for i := 1; !t.stopping.Load(); i++ {
			if err := do(ctx, i); err != nil {
				t.failed <- err
				return
			}
			p.beat()
		}
	})
	return p
}

// write is the i-th thing that a writer does: a chore, a vote, or a commit.
func (t *traffic) write(ctx context.Context, s *staff, i int) error {
	switch {
	case i%commitEvery == 0:
		_, err := t.branch.Commit(ctx, vdb.Message{Author: "Application", Text: "What came in"})
		if errors.Is(err, vdb.ErrNothingToCommit) { // another writer was faster
			return nil
		}
		return err
	case i%voteEvery == 0:
		return t.vote(ctx)
	}
	return s.work(ctx, pick(s.random, chores), 1)
}

// vote adds one to a number that others add to at the same time.
func (t *traffic) vote(ctx context.Context) error {
	err := t.branch.Update(ctx, func(tx *vdb.Tx) error {
		i, err := issues.Get(tx, t.hot.Project, t.hot.Number)
		if err != nil {
			return err
		}
		i.Votes++
		return issues.Put(tx, i)
	})
	if err == nil {
		t.votes.Add(1)
	}
	return err
}

// beats waits until each goroutine has done n operations more.
func (t *traffic) beats(n int64) error {
	for _, p := range append(t.readers, t.writers...) {
		for goal := p.beats.Load() + n; p.beats.Load() < goal; {
			select {
			case err := <-t.failed:
				return fmt.Errorf("a reader or writer failed: %w", err)
			case <-time.After(time.Millisecond):
			}
		}
	}
	return nil
}

// wait ends the traffic.
func (t *traffic) wait() {
	t.stopping.Store(true)
	t.running.Wait()
}

// stop ends the traffic and returns what the writers wrote.
func (t *traffic) stop() (*ledger, error) {
	t.wait()
	select {
	case err := <-t.failed:
		return nil, fmt.Errorf("a reader or writer failed: %w", err)
	default:
	}
	l := newLedger()
	for _, s := range t.staff {
		l.add(s.wrote)
	}
	voted := t.hot
	voted.Votes += t.votes.Load()
	l.issues.set(l.issues.key(voted), &voted)
	return l, nil
}
