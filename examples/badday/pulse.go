package main

import (
	"sync/atomic"
	"time"
)

// pulse tells whether a goroutine is alive: it is to beat after each operation.
type pulse struct {
	beats   atomic.Int64
	last    time.Time     // of the goroutine that beats
	longest time.Duration // between two beats
}

// beat tells that an operation is done.
func (p *pulse) beat() {
	now := time.Now()
	p.longest = max(p.longest, now.Sub(p.last))
	p.last = now
	p.beats.Add(1)
}

// pauses sums up the pulses of several goroutines that have ended: the number of
// operations, and the longest time for which one of them did none.
func pauses(all []*pulse) (operations int64, longest time.Duration) {
	for _, p := range all {
		operations += p.beats.Load()
		longest = max(longest, p.longest)
	}
	return operations, longest
}
