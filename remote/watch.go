package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// minRate is how many bytes a second the far end must send or take, on average, once
// it has been slow for the idle time.
const minRate = 1 << 10

var errIdle = errors.New("the far end was silent, or next to silent, for too long")

// credit is how long the far end may still be waited for: the idle time at first. Time
// that passes uses it up, bytes that flow earn some.
type credit struct{ left, idle time.Duration }

func newCredit(idle time.Duration) credit { return credit{idle, idle} }

func (c *credit) spend(d time.Duration) { c.left -= d }

func (c *credit) earn(n int) {
	c.left = min(c.left+time.Duration(n)*(time.Second/minRate), c.idle)
}

// watch ends a request that has no credit left. Time counts while it is armed: while
// this end waits for the other, not the other way round.
type watch struct {
	mu     sync.Mutex
	credit credit
	timer  *time.Timer
	armed  time.Time // zero while this end is at work
	cancel context.CancelCauseFunc
}

func newWatch(ctx context.Context, idle time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{credit: newCredit(idle), cancel: cancel, armed: time.Now()}
	w.timer = time.AfterFunc(idle, func() { cancel(fmt.Errorf("%w: %w", errIdle, ErrInterrupted)) })
	return ctx, w
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// wait begins to wait for the far end.
func (w *watch) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = time.Now()
	w.timer.Reset(w.credit.left)
}

// flowed ends the wait: n bytes have come or gone.
func (w *watch) flowed(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	if !w.armed.IsZero() {
		w.credit.spend(time.Since(w.armed))
	}
	w.armed = time.Time{}
	w.credit.earn(n)
}

// ponder gives the far end time to finish what it has been sent.
func (w *watch) ponder() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.credit.left = ponderTimes * w.credit.idle
}

// ponderTimes is how many idle times the far end may take to answer a push.
const ponderTimes = 10

// explain returns why something failed, if it was because of the watch.
func (w *watch) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, errIdle) {
		return cause
	}
	return err
}

// coming watches what comes from the far end.
func (w *watch) coming(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		w.wait()
		n, err := r.Read(p)
		w.flowed(n)
		return n, err
	})
}

// going watches what is read in order to be sent: between two reads the far end takes
// what the first one gave.
func (w *watch) going(r io.Reader) io.Reader {
	last := 0
	return readerFunc(func(p []byte) (int, error) {
		w.flowed(last)
		n, err := r.Read(p)
		if last = n; err != nil {
			w.ponder()
		}
		w.wait()
		return n, err
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
