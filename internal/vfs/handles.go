package vfs

import (
	"sync"
	"sync/atomic"
)

// handles gives numbers to open files. Looking one up takes no lock: it is done
// for every page that SQLite reads. Adding one allocates only when there are more
// than ever before: each transaction that writes opens a journal.
type handles struct {
	slots atomic.Pointer[[]atomic.Pointer[opened]] // by number-1

	mu   sync.Mutex
	free []uintptr // numbers
}

// add returns the number of f, which is not 0.
func (h *handles) add(f *opened) uintptr {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.free) == 0 {
		h.grow()
	}
	id := h.free[len(h.free)-1]
	h.free = h.free[:len(h.free)-1]
	(*h.slots.Load())[id-1].Store(f)
	return id
}

// grow makes more slots, in a slice of its own: others may be looking at the old one.
func (h *handles) grow() {
	var old []atomic.Pointer[opened]
	if p := h.slots.Load(); p != nil {
		old = *p
	}
	slots := make([]atomic.Pointer[opened], max(2*len(old), 16))
	for i := range old {
		slots[i].Store(old[i].Load())
	}
	for id := len(slots); id > len(old); id-- {
		h.free = append(h.free, uintptr(id))
	}
	h.slots.Store(&slots)
}

// all returns the files that are open.
func (h *handles) all() []*opened {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*opened
	if p := h.slots.Load(); p != nil {
		for i := range *p {
			if o := (*p)[i].Load(); o != nil {
				all = append(all, o)
			}
		}
	}
	return all
}

// at returns the file of a number that was added and not dropped.
func (h *handles) at(id uintptr) *opened { return (*h.slots.Load())[id-1].Load() }

// drop forgets a number, which add may then use again.
func (h *handles) drop(id uintptr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	(*h.slots.Load())[id-1].Store(nil)
	h.free = append(h.free, id)
}
