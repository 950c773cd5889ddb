package remote

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
)

// commit is what a walk through history needs of a commit.
type commit struct {
	hash     hash.Hash
	root     hash.Hash
	ids      hash.Hash
	parents  []hash.Hash
	far      []hash.Hash // ancestors that shorten ways
	height   uint64
	distance int // from what is wanted; 1 is that itself
}

func decodeCommit(h hash.Hash, data []byte) (*commit, error) {
	addresses, payload, err := chunk.Decode(chunk.Commit, data)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	height, n := binary.Uvarint(payload)
	if len(addresses) < chunk.CommitParents || n <= 0 {
		return nil, fmt.Errorf("commit %s is cut short", h)
	}
	return &commit{
		hash: h, root: addresses[chunk.CommitRoot], ids: addresses[chunk.CommitIdentities],
		parents: addresses[chunk.CommitParents:], height: height,
		far: slices.DeleteFunc([]hash.Hash{addresses[chunk.CommitJump], addresses[chunk.CommitRun]}, hash.Hash.IsZero),
	}, nil
}

// trees returns what the commit has beside history.
func (c *commit) trees() []hash.Hash {
	return slices.DeleteFunc([]hash.Hash{c.root, c.ids}, hash.Hash.IsZero)
}

// commitHeap has the commit of the greatest height on top: all that lead to it
// have been taken before it.
type commitHeap []*commit

func (h commitHeap) Len() int      { return len(h) }
func (h commitHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *commitHeap) Push(x any)   { *h = append(*h, x.(*commit)) }
func (h commitHeap) Less(i, j int) bool {
	if h[i].height == h[j].height {
		return h[i].hash.Compare(h[j].hash) > 0
	}
	return h[i].height > h[j].height
}

func (h *commitHeap) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	*h = (*h)[:last]
	return c
}

// history is what the receiver has of it, as far down as was asked for.
type history struct {
	had      map[hash.Hash]struct{}
	frontier commitHeap // commits had whose parents have not been noted
	grafts   map[hash.Hash]Graft
}

func newHistory(grafts []Graft) history {
	h := history{had: map[hash.Hash]struct{}{}, grafts: map[hash.Hash]Graft{}}
	for _, g := range grafts {
		h.grafts[g.Commit] = g
	}
	return h
}

func (h *history) have(c *commit) {
	if _, known := h.had[c.hash]; known {
		return
	}
	h.had[c.hash] = struct{}{}
	heap.Push(&h.frontier, c)
}

// had tells whether the receiver has c. What it has above c is gone through first.
func (w *walker) had(c *commit) (bool, error) {
	f := &w.history.frontier
	for len(*f) > 0 && (*f)[0].height > c.height {
		next := heap.Pop(f).(*commit)
		parents, err := w.theirs(next)
		if err != nil {
			return false, err
		}
		for _, h := range parents {
			p, err := w.load(h)
			if err != nil {
				return false, err
			}
			w.history.have(p)
		}
	}
	_, had := w.history.had[c.hash]
	return had, nil
}

// theirs returns the parents of c that the receiver has, as far as they are known here.
func (w *walker) theirs(c *commit) ([]hash.Hash, error) {
	g, cut := w.history.grafts[c.hash]
	if !cut {
		return w.parents(c)
	}
	var known []hash.Hash
	for _, h := range g.Parents {
		there, err := w.source.Has(w.ctx, h)
		if err != nil {
			return nil, err
		}
		if there {
			known = append(known, h)
		}
	}
	return known, nil
}

// load reads a commit.
func (w *walker) load(h hash.Hash) (*commit, error) {
	data, err := w.source.Get(w.ctx, h)
	if err != nil {
		return nil, err
	}
	return decodeCommit(h, data)
}

// parents returns the parents of c that the source has.
func (w *walker) parents(c *commit) ([]hash.Hash, error) {
	g, cut, err := w.graftAt(w.ctx, c.hash)
	if cut {
		return g.Parents, err
	}
	return c.parents, err
}

// commits sends the wanted commits and their ancestors, as far as the receiver
// does not have them.
func (w *walker) commits(wants []hash.Hash) error {
	found, err := w.missing(wants)
	if err != nil {
		return err
	}
	for _, c := range slices.Backward(found) { // parents first
		if err := w.commit(c); err != nil {
			return err
		}
	}
	return nil
}

// missing returns the commits that have to be sent, by falling height, and notes
// their grafts.
func (w *walker) missing(wants []hash.Hash) ([]*commit, error) {
	m := missing{walker: w, seen: map[hash.Hash]*commit{}}
	for _, h := range wants {
		if err := m.reach(h, 1); err != nil {
			return nil, err
		}
	}
	for len(m.queue) > 0 {
		if err := m.take(heap.Pop(&m.queue).(*commit)); err != nil {
			return nil, err
		}
	}
	return m.found, m.cut()
}

// missing is the walk from what is wanted to what the receiver has.
type missing struct {
	*walker
	queue  commitHeap
	seen   map[hash.Hash]*commit
	found  []*commit
	passed []*commit // which the receiver has, maybe not all that they lead to
}

// reach notes that a commit is wanted at a distance.
func (m *missing) reach(h hash.Hash, distance int) error {
	if c := m.seen[h]; c != nil {
		c.distance = min(c.distance, distance) // nothing below it was taken yet
		return nil
	}
	c, err := m.load(h)
	if err != nil {
		return err
	}
	c.distance = distance
	m.seen[h] = c
	heap.Push(&m.queue, c)
	return m.ctx.Err()
}

func (m *missing) take(c *commit) error {
	depth := m.req.Depth
	if depth > 0 && c.distance > depth {
		delete(m.seen, c.hash)
		return nil
	}
	if _, sent := m.sent[c.hash]; sent {
		return nil
	}
	had, err := m.had(c)
	if err != nil {
		return err
	}
	if had && (depth == 0 || len(m.history.grafts) == 0) {
		return nil // else the receiver's history may end nearer than it wants it
	}
	parents, err := m.parents(c)
	switch {
	case !had:
		m.found = append(m.found, c)
	case len(m.history.grafts[c.hash].Detail) > 0: // that is as the receiver wants it
		parents, err = m.theirs(c)
	default:
		m.passed = append(m.passed, c)
	}
	if err != nil {
		return err
	}
	for _, h := range parents {
		if err := m.reach(h, c.distance+1); err != nil {
			return err
		}
	}
	return nil
}

// cut notes the commits of which not all parents are sent or had.
func (m *missing) cut() error {
	for _, c := range slices.Concat(m.found, m.passed) {
		g, _, err := m.graftAt(m.ctx, c.hash)
		if err != nil {
			return err
		}
		parents, err := m.parents(c)
		if err != nil {
			return err
		}
		g.Commit, g.Parents = c.hash, nil
		for _, h := range parents {
			there, err := m.reached(h)
			if err != nil {
				return err
			}
			if there {
				g.Parents = append(g.Parents, h)
			}
		}
		if !slices.Equal(g.Parents, c.parents) {
			m.grafts = append(m.grafts, g)
		}
	}
	return nil
}

// reached tells whether the receiver will have a commit.
func (m *missing) reached(h hash.Hash) (bool, error) {
	if m.seen[h] != nil {
		return true, nil
	}
	if _, sent := m.sent[h]; sent {
		return true, nil
	}
	c, err := m.load(h)
	if err != nil {
		return false, err
	}
	return m.had(c)
}

// commit sends a commit, after what it has that its parents have not.
func (w *walker) commit(c *commit) error {
	parents, err := w.parents(c)
	if err != nil {
		return err
	}
	var olds []hash.Hash
	for _, h := range parents[:min(len(parents), maxOlds)] {
		if !w.isThere(h) {
			continue
		}
		p, err := w.load(h)
		if err != nil {
			return err
		}
		olds = append(olds, p.trees()...)
	}
	if err := w.forest(c.trees(), append(olds, w.olds...), belowCommit); err != nil {
		return err
	}
	return w.out(c.hash, belowCommit)
}

// isThere tells whether the receiver has a commit or has been sent it.
func (w *walker) isThere(h hash.Hash) bool {
	_, sent := w.sent[h]
	_, had := w.history.had[h]
	return sent || had
}
