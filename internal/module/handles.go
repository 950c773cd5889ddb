package module

import (
	"sync"
	"sync/atomic"
)

// process is what SQLite's callbacks find their Go values in.
var process struct {
	hooks     hooks
	modules   modules
	functions handles[function]
	tables    handles[registered]
	connected handles[connected]
	cursors   handles[cursor]
	closers   handles[closer]
}

// handles gives numbers to Go values, so that SQLite can hold them. Looking one up
// takes no lock: it is done for every column of every row. The zero value is
// ready; it is safe for concurrent use.
type handles[T any] struct {
	slots atomic.Pointer[[]*atomic.Pointer[T]] // by number-1; replaced when it grows

	mu   sync.Mutex
	free []uintptr // numbers without a value
	live int
}

// add returns the number of v, which is not 0.
func (h *handles[T]) add(v *T) uintptr {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.free) == 0 {
		h.grow()
	}
	id := h.free[len(h.free)-1]
	h.free = h.free[:len(h.free)-1]
	(*h.slots.Load())[id-1].Store(v)
	h.live++
	return id
}

// grow doubles the slots. The old ones stay where they are: others read them.
func (h *handles[T]) grow() {
	var old []*atomic.Pointer[T]
	if p := h.slots.Load(); p != nil {
		old = *p
	}
	slots := make([]*atomic.Pointer[T], max(16, 2*len(old)))
	fresh := make([]atomic.Pointer[T], len(slots)-copy(slots, old))
	for i := range fresh {
		slots[len(old)+i] = &fresh[i]
		h.free = append(h.free, uintptr(len(slots)-i))
	}
	h.slots.Store(&slots)
}

// at returns the value of a number that was added and not dropped.
func (h *handles[T]) at(id uintptr) *T {
	return (*h.slots.Load())[id-1].Load()
}

// drop forgets a number, which add may then use again.
func (h *handles[T]) drop(id uintptr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	(*h.slots.Load())[id-1].Store(nil)
	h.free = append(h.free, id)
	h.live--
}

// len returns how many values there are.
func (h *handles[T]) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live
}
