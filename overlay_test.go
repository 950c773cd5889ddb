package vdb

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// TestOverlayAgainstMap sets, reads, scans and flushes in random order, with
// stretches of ascending keys, and compares with a map.
func TestOverlayAgainstMap(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		m := overlayModel{t: t, want: map[string]string{}}
		m.o.tree = prolly.New(rowConfig, nbs.NewMemory().NewWriter())
		for range 40 {
			m.step(rng)
		}
		m.check(nil, nil, rng.IntN(2) == 0)
	}
}

type overlayModel struct {
	t    *testing.T
	o    overlay
	want map[string]string
}

func (m *overlayModel) step(rng *rand.Rand) {
	key := func() int { return rng.IntN(500) }
	switch rng.IntN(8) {
	case 0, 1: // ascending, the last key twice
		for i, end := key(), key(); i <= end; i += 1 + rng.IntN(20) {
			m.set(i, rng)
			if rng.IntN(10) == 0 {
				m.set(i, rng)
			}
		}
	case 2, 3:
		m.set(key(), rng)
	case 4:
		for range 20 {
			m.get(key())
		}
	case 5:
		from, to := key(), key()
		m.check(overlayKey(from), overlayKey(max(from, to)), rng.IntN(2) == 0)
	case 6:
		if err := m.o.flush(context.Background()); err != nil {
			m.t.Fatal(err)
		}
		if m.o.isEdited() || m.o.bytes != 0 {
			m.t.Fatalf("edits are left after a flush: %+v", m.o)
		}
	case 7:
		m.breakOff(rng)
	}
}

func overlayKey(i int) []byte { return fmt.Appendf(nil, "%08d", i) }

func (m *overlayModel) set(i int, rng *rand.Rand) {
	key := overlayKey(i)
	if rng.IntN(4) == 0 {
		m.o.set(key, nil)
		delete(m.want, string(key))
		return
	}
	value := fmt.Appendf(nil, "v%d", rng.IntN(1000))
	m.o.set(key, value)
	m.want[string(key)] = string(value)
}

func (m *overlayModel) get(i int) {
	value, ok, err := m.o.get(context.Background(), overlayKey(i))
	want, wantOK := m.want[string(overlayKey(i))]
	if err != nil || ok != wantOK || string(value) != want {
		m.t.Fatalf("get %d: %q, %v, %v, want %q, %v", i, value, ok, err, want, wantOK)
	}
}

// breakOff writes in the middle of a scan, which goes on without harm.
func (m *overlayModel) breakOff(rng *rand.Rand) {
	last, n := "", 0
	for item, err := range m.o.scan(context.Background(), allKeys, false) {
		if err != nil || string(item.Key) <= last {
			m.t.Fatalf("key %q after %q, %v", item.Key, last, err)
		}
		last = string(item.Key)
		if n++; n%5 == 0 {
			m.set(rng.IntN(500), rng)
		}
		if n == 50 {
			return
		}
	}
}

func (m *overlayModel) check(from, to []byte, backward bool) {
	keys := slices.Sorted(maps.Keys(m.want))
	keys = slices.DeleteFunc(keys, func(k string) bool { return from != nil && k < string(from) || to != nil && k >= string(to) })
	if backward {
		slices.Reverse(keys)
	}
	i := 0
	for item, err := range m.o.scan(context.Background(), prolly.Range{From: from, To: to}, backward) {
		if err != nil {
			m.t.Fatal(err)
		}
		if i == len(keys) || string(item.Key) != keys[i] || string(item.Value) != m.want[keys[i]] {
			m.t.Fatalf("scan from %s to %s, item %d: %s = %s", from, to, i, item.Key, item.Value)
		}
		i++
	}
	if i != len(keys) {
		m.t.Fatalf("scan from %s to %s: %d items, want %d", from, to, i, len(keys))
	}
}
