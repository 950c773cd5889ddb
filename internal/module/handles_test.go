package module

import "testing"

func TestHandles(t *testing.T) {
	var h handles[int]
	ids := map[uintptr]bool{}
	values := make([]int, 100)
	for i := range values {
		values[i] = i
		id := h.add(&values[i])
		if id == 0 || ids[id] || h.at(id) != &values[i] {
			t.Fatalf("value %d has number %d", i, id)
		}
		ids[id] = true
	}
	for id := range ids {
		h.drop(id)
	}
	if h.len() != 0 {
		t.Fatalf("%d values left", h.len())
	}
	if id := h.add(&values[0]); !ids[id] {
		t.Fatalf("number %d is new, though 100 are free", id)
	}
}
