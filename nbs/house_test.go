package nbs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// TestBacklog writes while a collection is stuck: commits are delayed, more and more, but
// never for long, and as ever when it has gone on.
func TestBacklog(t *testing.T) {
	const journalBytes = 256 << 10
	began, release := make(chan struct{}, 100), make(chan struct{})
	o := &nbs.Options{JournalBytes: journalBytes, LeadsTo: func(ctx context.Context, c nbs.Chunks, root hash.Hash, byItself bool) (nbs.LeadsToFunc, error) {
		began <- struct{}{}
		<-release
		return links, nil
	}}
	s, err := nbs.Open(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id := uint64(0)
	commit := func(ctx context.Context) error {
		id++
		w := s.NewWriter()
		h, err := w.Put(ctx, link(id, 8<<10))
		if err != nil {
			return err
		}
		return s.Commit(ctx, w, nbstest.Set(h))
	}
	fill := func(bytes int64) {
		for s.Stats().JournalBytes < bytes {
			if err := commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(journalBytes + 16<<10)
	<-began // and has begun another journal
	fill(11 * journalBytes / 4)
	if n := s.Stats().Delays; n != 0 {
		t.Fatalf("%d commits were delayed before there was a backlog", n)
	}
	fill(9 * journalBytes / 2)
	n := s.Stats().Delays
	if n < 20 {
		t.Fatalf("%d commits were delayed", n)
	}
	start := time.Now()
	fill(5 * journalBytes)
	delayed := s.Stats().Delays - n
	if took := time.Since(start); took < time.Duration(delayed)*4*time.Millisecond {
		t.Errorf("%d commits behind a journal of that size took %v", delayed, took)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := commit(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled commit that waits: %v", err)
	}
	close(release)
	for collections := s.Stats().Collections; s.Stats().Collections == collections; {
		time.Sleep(time.Millisecond)
	}
	for range 20 { // too few for another collection to become due
		n = s.Stats().Delays
		if err := commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Stats().Delays == n {
			return
		}
		time.Sleep(100 * time.Millisecond) // it has not quite ended
	}
	t.Error("commits are delayed after the collection")
}
