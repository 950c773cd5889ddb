package nbs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/vdbgo/vdb/hash"
)

// group is the queue of commits. One of them leads: it takes the lock, and
// commits all that have queued up until then. Then the next one leads.
type group struct {
	mu      sync.Mutex
	waiting []*request
	led     bool
}

// request is a commit in the queue.
type request struct {
	ctx    context.Context // of this one call of Commit
	w      *Writer
	update UpdateFunc
	// unsynced says that nobody waits for it to be durable.
	unsynced bool

	turn     chan struct{} // receives when the request is to lead
	done     chan struct{} // closed when what follows is set
	err      error
	panicked any
}

// join queues r, and tells whether it leads.
func (g *group) join(r *request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, r)
	if g.led {
		return false
	}
	g.led = true
	return true
}

// await waits until r is finished or, then it returns true, until it leads.
func (g *group) await(r *request) bool {
	select {
	case <-r.done:
		return false
	case <-r.turn:
		return true
	case <-r.ctx.Done():
	}
	if g.leave(r) {
		r.finish(fmt.Errorf("nbs: commit: %w", r.ctx.Err()))
		return false
	}
	<-r.done // a leader has taken it
	return false
}

// leave takes r out of the queue; false if it is no longer there. If it was
// about to lead, the next one does.
func (g *group) leave(r *request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, r)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	select {
	case <-r.turn:
		g.passLocked()
	default:
	}
	return true
}

// take empties the queue.
func (g *group) take() []*request {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.waiting
	g.waiting = nil
	return all
}

// pass ends the lead: the first that waits, if any, leads next.
func (g *group) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passLocked()
}

func (g *group) passLocked() {
	g.led = len(g.waiting) > 0
	if g.led {
		g.waiting[0].turn <- struct{}{}
	}
}

// run calls the update. A panic in it is kept for the one who called Commit.
func (r *request) run(root hash.Hash) (next hash.Hash, err error) {
	if err := r.ctx.Err(); err != nil {
		return root, fmt.Errorf("nbs: commit: %w", err)
	}
	defer func() {
		r.w.leading = false
		r.panicked = recover()
	}()
	r.w.leading = true
	return r.update(r.ctx, root)
}

func (r *request) finish(err error) {
	r.err = err
	close(r.done)
}
