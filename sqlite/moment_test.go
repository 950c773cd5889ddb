package sqlite

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestMoments writes pages at random while readers come and go: each goes on seeing
// what was there when it came, and no more states are kept than they need.
func TestMoments(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	over, at := newOverlay()
	type reader struct {
		at    *moment
		pages map[uint32]byte
	}
	now := reader{at, map[uint32]byte{}}
	var readers []reader
	for step := range 2000 {
		switch n := r.IntN(4); {
		case n == 0 && len(readers) < 5:
			now.at.readers.Add(1)
			readers = append(readers, now)
		case n == 1 && len(readers) > 0:
			i := r.IntN(len(readers))
			readers[i].at.readers.Add(-1)
			readers = append(readers[:i], readers[i+1:]...)
		default:
			next := reader{pages: map[uint32]byte{}}
			for number, b := range now.pages {
				next.pages[number] = b
			}
			write := map[uint32][]byte{}
			for range 1 + r.IntN(3) {
				number := uint32(r.IntN(20))
				next.pages[number] = byte(step)
				write[number] = []byte{byte(step)}
			}
			next.at = over.add(write)
			over.prune(write, next.at)
			now = next
		}
		for _, reader := range append(readers, now) {
			for number := range uint32(20) {
				data := over.page(number, reader.at.seq)
				if b, ok := reader.pages[number]; ok != (data != nil) || ok && data[0] != b {
					t.Fatalf("step %d: page %d at %d is %v, want %d", step, number, reader.at.seq, data, b)
				}
			}
		}
	}
	for _, reader := range readers {
		reader.at.readers.Add(-1)
	}
	for number := range uint32(20) {
		write := map[uint32][]byte{number: {0}}
		over.prune(write, over.add(write))
	}
	if len(over.moments) > 1 || over.count != 20 {
		t.Errorf("%d moments and %d pages are kept, that nobody sees", len(over.moments), over.count)
	}
}
