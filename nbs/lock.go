package nbs

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

const (
	lockName        = "lock"         // held while the journal or the manifest is written
	compactLockName = "lock.compact" // held while a compaction runs
	lockFirstWait   = 50 * time.Microsecond
	lockMaxWait     = 2 * time.Millisecond
)

// lock is one of the store's locks between processes, with a queue of this
// process's goroutines before it.
type lock struct {
	fs   FS
	path string
	turn chan struct{} // holds one token, which the holder has
	held io.Closer
}

func newLock(fsys FS, dir, name string) *lock {
	return &lock{fs: fsys, path: filepath.Join(dir, name), turn: make(chan struct{}, 1)}
}

// acquire waits for the lock. Operating systems have no wait that can be
// cancelled, so it asks again and again; the lock is held for short times.
func (l *lock) acquire(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := l.poll(ctx)
	if err != nil {
		<-l.turn
		return fmt.Errorf("take lock: %w", err)
	}
	return nil
}

func (l *lock) poll(ctx context.Context) error {
	for wait := lockFirstWait; ; wait = min(2*wait, lockMaxWait) {
		if err := ctx.Err(); err != nil {
			return err
		}
		held, err := l.fs.TryLock(l.path)
		if held != nil || err != nil {
			l.held = held
			return err
		}
		time.Sleep(wait)
	}
}

// tryAcquire takes the lock if it is free.
func (l *lock) tryAcquire() (bool, error) {
	select {
	case l.turn <- struct{}{}:
	default:
		return false, nil
	}
	held, err := l.fs.TryLock(l.path)
	if held == nil {
		<-l.turn
		return false, err
	}
	l.held = held
	return true, nil
}

func (l *lock) release() error {
	err := l.held.Close()
	l.held = nil
	<-l.turn
	if err != nil {
		return fmt.Errorf("release lock: %w", err)
	}
	return nil
}
