package vfs

import (
	"sync"
	"sync/atomic"
)

// handles gives numbers to open files. Looking one up takes no lock: it is done
// for every page that SQLite reads.
type handles struct {
	slots atomic.Pointer[[]*opened] // by number-1; replaced, never changed

	mu sync.Mutex
}

// add returns the number of f, which is not 0.
func (h *handles) add(f *opened) uintptr {
	h.mu.Lock()
	defer h.mu.Unlock()
	slots := h.clone()
	for i := range slots {
		if slots[i] == nil {
			slots[i] = f
			h.slots.Store(&slots)
			return uintptr(i + 1)
		}
	}
	slots = append(slots, f)
	h.slots.Store(&slots)
	return uintptr(len(slots))
}

func (h *handles) clone() []*opened {
	if p := h.slots.Load(); p != nil {
		return append([]*opened(nil), *p...)
	}
	return nil
}

// at returns the file of a number that was added and not dropped.
func (h *handles) at(id uintptr) *opened { return (*h.slots.Load())[id-1] }

// drop forgets a number, which add may then use again.
func (h *handles) drop(id uintptr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	slots := h.clone()
	slots[id-1] = nil
	h.slots.Store(&slots)
}
