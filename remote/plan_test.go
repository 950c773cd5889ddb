package remote

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

func sorted(edits []prolly.Edit) []prolly.Edit {
	slices.SortFunc(edits, func(a, b prolly.Edit) int { return cmp.Compare(string(a.Key), string(b.Key)) })
	return edits
}

func newRand(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// receiver is the other side of a plan: what it has, by brute force.
type receiver struct {
	t    *testing.T
	w    *world
	has  map[hash.Hash]bool
	cut  map[hash.Hash][]hash.Hash
	sent map[hash.Hash]int
}

// take is given what the plan sends, at most limit chunks, and checks that each
// comes after all that it leads to.
func (rc *receiver) take(req FetchRequest, limit int) (grafts []Graft, whole bool) {
	plan := NewPlan(rc.w.store, rc.w.graftAt, req)
	header, err := plan.Header(context.Background())
	rc.w.must(err)
	maps.Copy(rc.cut, cutOf(header.Grafts))
	total, n := header.Chunks, 0
	for c, err := range plan.Chunks(context.Background(), func(more int64) { total += more }) {
		rc.w.must(err)
		if n == limit {
			return header.Grafts, false
		}
		data, err := c.Data()
		rc.w.must(err)
		for _, h := range leadsTo(rc.t, c.Hash, data, rc.cut) {
			if !rc.has[h] {
				rc.t.Fatalf("chunk %d, %s of kind %d, came before %s", n, c.Hash, data[0], h)
			}
		}
		rc.has[c.Hash] = true
		rc.sent[c.Hash]++
		n++
	}
	if int64(n) != total {
		rc.t.Fatalf("%d chunks came, %d were announced", n, total)
	}
	return header.Grafts, true
}

// tops is what has arrived and nothing that has arrived leads to.
func (rc *receiver) tops() []hash.Hash {
	below := map[hash.Hash]bool{}
	for h := range rc.sent {
		for _, r := range leadsTo(rc.t, h, rc.w.get(h), rc.cut) {
			below[r] = true
		}
	}
	var tops []hash.Hash
	for h := range rc.sent {
		if !below[h] {
			tops = append(tops, h)
		}
	}
	return tops
}

// mustHave checks that what is wanted is whole.
func (rc *receiver) mustHave(wants []hash.Hash) map[hash.Hash]bool {
	wanted := rc.w.closure(rc.cut, wants...)
	for h := range wanted {
		if !rc.has[h] {
			rc.t.Fatalf("chunk %s of kind %d did not come", h, rc.w.get(h)[0])
		}
	}
	return wanted
}

func (w *world) newReceiver(t *testing.T, grafts []Graft, haves []hash.Hash) *receiver {
	cut := cutOf(grafts)
	return &receiver{t: t, w: w, has: w.closure(cut, haves...), cut: cut, sent: map[hash.Hash]int{}}
}

func (w *world) some(n int) []hash.Hash {
	var some []hash.Hash
	for range w.r.IntN(n + 1) {
		some = append(some, w.commits[w.r.IntN(len(w.commits))].hash)
	}
	return some
}

// A plan sends all that the receiver lacks, little else, each chunk after all that
// it leads to; cut anywhere, it goes on from there.
func TestPlan(t *testing.T) {
	r := newRand(t)
	sent, needless := 0, 0
	for range 12 {
		w := newWorld(t, r)
		w.grow(25)
		for range 12 {
			haves := w.some(3)
			wants := append(w.some(2), w.commits[len(w.commits)-1-r.IntN(5)].hash)
			rc := w.newReceiver(t, nil, haves)
			before := maps.Clone(rc.has)
			req := FetchRequest{Wants: wants, Haves: append(haves, hash.Of(nil))}
			if r.IntN(2) == 0 {
				rc.take(req, r.IntN(200))
				req.Haves = append(req.Haves, rc.tops()...)
			}
			if _, whole := rc.take(req, -1); !whole {
				t.Fatal("the plan was cut")
			}
			wanted := rc.mustHave(wants)
			for h, times := range rc.sent {
				sent += times
				if !wanted[h] {
					t.Fatalf("chunk %s was not wanted", h)
				}
				if before[h] {
					needless += times
				} else {
					needless += times - 1
				}
			}
		}
	}
	t.Logf("%d of %d chunks need not have come", needless, sent)
	if needless*8 > sent {
		t.Errorf("%d of %d chunks need not have come", needless, sent)
	}
}

// A depth cuts every way through history there, and says so.
func TestPlanDepth(t *testing.T) {
	r := newRand(t)
	for range 20 {
		w := newWorld(t, r)
		w.grow(25)
		var have FetchRequest
		for range 4 {
			rc := w.newReceiver(t, have.Grafts, have.Haves)
			depth := 1 + r.IntN(6)
			wants := append(w.some(2), w.commits[len(w.commits)-1].hash)
			req := FetchRequest{Wants: wants, Haves: have.Haves, Grafts: have.Grafts, Depth: depth}
			rc.take(req, -1)
			rc.mustHave(wants)
			rc.checkDepth(wants, depth)
			have = FetchRequest{Haves: append(have.Haves, wants...), Grafts: rc.grafts()}
		}
		// All of history, at last.
		rc := w.newReceiver(t, have.Grafts, have.Haves)
		wants := []hash.Hash{w.commits[len(w.commits)-1].hash}
		rc.take(FetchRequest{Wants: wants, Haves: have.Haves, Grafts: have.Grafts, Depth: 1 << 30}, -1)
		rc.cut = map[hash.Hash][]hash.Hash{}
		rc.mustHave(wants)
	}
}

// checkDepth checks that all commits up to a distance are there.
func (rc *receiver) checkDepth(wants []hash.Hash, depth int) {
	level := wants
	for range depth {
		var next []hash.Hash
		for _, h := range level {
			if !rc.has[h] {
				rc.t.Fatalf("commit %s is nearer than %d and did not come", h, depth)
			}
			c, err := decodeCommit(h, rc.w.get(h))
			rc.w.must(err)
			next = append(next, c.parents...)
		}
		level = next
	}
}

// grafts is what a receiver records after a transfer: its commits that lack
// parents.
func (rc *receiver) grafts() []Graft {
	var grafts []Graft
	for _, c := range rc.w.commits {
		if !rc.has[c.hash] {
			continue
		}
		g := Graft{Commit: c.hash}
		for _, p := range c.parents {
			if rc.has[p] {
				g.Parents = append(g.Parents, p)
			}
		}
		if len(g.Parents) < len(c.parents) {
			grafts = append(grafts, g)
		}
	}
	return grafts
}

// A source that has a part of history only sends that, and says where it ends.
func TestPlanOfGraftedSource(t *testing.T) {
	r := newRand(t)
	for range 20 {
		w := newWorld(t, r)
		w.grow(25)
		for range 3 {
			c := w.commits[r.IntN(len(w.commits))]
			g := Graft{Commit: c.hash, Detail: []byte("cut")}
			if len(c.parents) > 0 && r.IntN(2) == 0 { // squashed: on to a grandparent
				p, err := decodeCommit(c.parents[0], w.get(c.parents[0]))
				w.must(err)
				g.Parents = p.parents
			}
			w.grafts[c.hash] = g
		}
		wants := []hash.Hash{w.commits[len(w.commits)-1].hash}
		all := slices.Collect(maps.Values(w.grafts))
		rc := w.newReceiver(t, nil, nil)
		rc.take(FetchRequest{Wants: wants}, -1)
		rc.mustHave(wants)
		if want := w.closure(cutOf(all), wants...); len(want) != len(rc.has) {
			t.Errorf("%d chunks came, the grafted history has %d", len(rc.has), len(want))
		}
	}
}
