package prolly

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// leaves are chunks of leaves that a builder has made and whose addresses the level
// above, which has them as children, does not need before its own node ends. So they
// can be hashed on another goroutine, a few at a time.
type leaves struct {
	store  laterStore // nil if the store puts at once only
	chunks [][]byte   // not begun
	begun  []func(context.Context) ([]hash.Hash, error)
	places []int // in the chunker above, of all that have no address yet
}

// fewLeaves are put at once: to begin more pays.
const fewLeaves = 8

// later takes a leaf that is about to become the next child of the level above.
func (b *builder) later(data []byte) {
	l, place := &b.leaves, 0
	if len(b.levels) > 1 {
		place = b.levels[1].count()
	}
	l.places = append(l.places, place)
	if l.chunks = append(l.chunks, data); len(l.chunks) == fewLeaves {
		l.begun = append(l.begun, l.store.PutLater(l.chunks))
		l.chunks = nil
	}
}

// settle puts the leaves, and gives the level above their addresses.
func (b *builder) settle(ctx context.Context) error {
	l := &b.leaves
	defer l.end()
	places := l.places
	for _, put := range l.begun {
		addresses, err := put(ctx)
		if err != nil {
			return fmt.Errorf("write leaf: %w", err)
		}
		for i, h := range addresses {
			b.levels[1].children.set(places[i], h)
		}
		places = places[len(addresses):]
	}
	for i, data := range l.chunks {
		h, err := b.store.Put(ctx, data)
		if err != nil {
			return fmt.Errorf("write leaf: %w", err)
		}
		b.levels[1].children.set(places[i], h)
	}
	return nil
}

// end leaves nothing but buffers for the next use.
func (l *leaves) end() {
	clear(l.chunks)
	clear(l.begun)
	*l = leaves{store: l.store, chunks: l.chunks[:0], begun: l.begun[:0], places: l.places[:0]}
}
