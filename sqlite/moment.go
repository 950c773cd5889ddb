package sqlite

import "sync/atomic"

// moment is a state of an overlay, and how many see it.
type moment struct {
	seq     uint64
	readers atomic.Int32
}

// hold keeps what the snapshot sees from being given up until it is released.
func (s *snapshot) hold() { s.at.readers.Add(1) }

func (s *snapshot) release() { s.at.readers.Add(-1) }

// oldest returns the earliest state that is seen, latest if none before it is, and
// forgets the moments before latest that nobody sees.
func (o *overlay) oldest(latest uint64) uint64 {
	oldest, kept := latest, o.moments[:0]
	for _, m := range o.moments {
		if m.seq >= latest || m.readers.Load() > 0 {
			oldest = min(oldest, m.seq)
			kept = append(kept, m)
		}
	}
	clear(o.moments[len(kept):])
	o.moments = kept
	return oldest
}

// unseen tells how many of a page's first states nobody sees any more.
func unseen(states []writtenPage, oldest uint64) int {
	n := 0
	for n+1 < len(states) && states[n+1].seq <= oldest {
		n++
	}
	return n
}
