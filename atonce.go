package vdb

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// atOnce calls each with 0 to n-1, on as many goroutines as there are processors. A
// panic is an error, as it is to SQL in the goroutine that called.
func atOnce(n int, each func(int) error) error {
	var next atomic.Int64
	work := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		for i := int(next.Add(1)) - 1; i < n && err == nil; i = int(next.Add(1)) - 1 {
			err = each(i)
		}
		return err
	}
	workers := min(n, runtime.GOMAXPROCS(0))
	failed := make(chan error, workers)
	for range workers {
		go func() { failed <- work() }()
	}
	var err error
	for range workers {
		err = errors.Join(err, <-failed)
	}
	return err
}

// sharedWriter is a transaction's writer for several goroutines at once.
type sharedWriter struct {
	mu     sync.Mutex
	writer *nbs.Writer
}

func (s *sharedWriter) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writer.Get(ctx, h)
}

func (s *sharedWriter) Put(ctx context.Context, data []byte) (hash.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writer.Put(ctx, data)
}

// PutLater is the writer's own, which begins without a change of the writer.
func (s *sharedWriter) PutLater(chunks [][]byte) func(context.Context) ([]hash.Hash, error) {
	put := s.writer.PutLater(chunks)
	return func(ctx context.Context) ([]hash.Hash, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return put(ctx)
	}
}
