package prolly

import (
	"bytes"
	"context"
	"fmt"
	"sync"
)

// Resolve decides about a key that two trees changed differently since base. A
// nil value stands for an absent key, in arguments and result alike. The
// arguments are good during the call only.
type Resolve func(ctx context.Context, key, base, ours, theirs []byte) ([]byte, error)

// Merge returns the tree with the changes that lead from base to ours and those
// that lead from base to theirs, all three of one Config. Subtrees that only one
// side changed are taken whole; rows are read where both did. resolve is called
// in the order of keys; its error ends the merge.
//
// The result is written to ours' store, which must have the chunks of all
// three trees.
func Merge(ctx context.Context, base, ours, theirs Tree, resolve func(
	ctx context.Context, key, base, ours, theirs []byte) ([]byte, error)) (Tree, error) {
	switch {
	case base.root == theirs.root || ours.root == theirs.root:
		return ours, nil
	case base.root == ours.root:
		return Load(ours.cfg, ours.store, theirs.root), nil
	}
	m := mergers.Get().(*merger)
	defer m.end()
	m.begin(ours.cfg, ours.store)
	m.base.tree, m.ours.tree, m.theirs.tree, m.resolve = base, ours, theirs, resolve
	if err := m.run(ctx); err != nil {
		return Tree{}, fail("merge", err)
	}
	return m.tree(ctx, "merge")
}

// merger walks over three trees at once. A key that one path has passed, all
// have: what their elements hold begins at the same place, though it need not
// end there.
type merger struct {
	builder
	base, ours, theirs path
	resolve            Resolve
}

// mergers keeps the buffers of mergers that are done for others.
var mergers = sync.Pool{New: func() any { return new(merger) }}

// end gives the merger's buffers back, without what they refer to.
func (m *merger) end() {
	m.builder.end()
	m.base.end()
	m.ours.end()
	m.theirs.end()
	m.resolve = nil
	mergers.Put(m)
}

func (m *merger) run(ctx context.Context) error {
	for _, p := range []*path{&m.base, &m.ours, &m.theirs} {
		if err := p.start(ctx); err != nil {
			return err
		}
	}
	for !m.ours.done() || !m.theirs.done() {
		if err := m.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step passes as much as can be decided at once, or else looks closer.
func (m *merger) step(ctx context.Context) error {
	switch {
	case m.base.sharesWith(&m.ours):
		return m.unchanged(ctx, &m.ours, &m.theirs)
	case m.base.sharesWith(&m.theirs):
		return m.unchanged(ctx, &m.theirs, &m.ours)
	case m.ours.sharesWith(&m.theirs):
		return m.agreed(ctx)
	}
	level := max(m.base.level(), m.ours.level(), m.theirs.level())
	if level < 0 {
		return m.row(ctx)
	}
	if ok, err := m.alone(ctx); ok || err != nil {
		return err
	}
	return enterHighest(ctx, level, &m.base, &m.ours, &m.theirs)
}

// unchanged takes what one side has where the other has what base does.
func (m *merger) unchanged(ctx context.Context, same, other *path) error {
	if same.done() {
		return m.take(ctx, other, nil)
	}
	key := same.top().node.Key(same.top().i)
	m.base.skip()
	same.skip()
	return m.take(ctx, other, key)
}

// agreed takes a subtree that both sides have, whatever base has.
func (m *merger) agreed(ctx context.Context) error {
	key := m.ours.top().node.Key(m.ours.top().i)
	if err := m.takeOne(ctx, &m.ours); err != nil {
		return err
	}
	m.theirs.skip()
	return m.take(ctx, &m.base, key)
}

// alone takes a subtree that ends before the next row of the two other paths,
// or meets them at their end: only one tree has its rows.
func (m *merger) alone(ctx context.Context) (bool, error) {
	for _, turn := range [...][3]*path{
		{&m.base, &m.ours, &m.theirs},
		{&m.ours, &m.base, &m.theirs},
		{&m.theirs, &m.base, &m.ours},
	} {
		p := turn[0]
		if p.level() >= 0 && p.endsBefore(turn[1]) && p.endsBefore(turn[2]) {
			return true, m.takeOne(ctx, p)
		}
	}
	return false, nil
}

// endsBefore tells whether the current element ends before the row that q is at.
func (p *path) endsBefore(q *path) bool {
	return q.level() < 0 && p.compareKeys(q) < 0
}

// take takes what one path has up to key; nil is above all.
func (m *merger) take(ctx context.Context, p *path, key []byte) error {
	for !p.done() {
		order := -1
		if key != nil {
			order = p.top().node.compare(p.top().i, key)
		}
		if order > 0 {
			if p.level() < 0 {
				return nil
			}
			if err := p.enter(ctx); err != nil {
				return err
			}
			continue
		}
		if err := m.takeOne(ctx, p); err != nil || order == 0 {
			return err
		}
	}
	return nil
}

// takeOne takes the current element of one side, or drops it if it is base's:
// what only base has was deleted.
func (m *merger) takeOne(ctx context.Context, p *path) error {
	var err error
	switch {
	case p == &m.base:
	case p.level() < 0:
		err = m.builder.row(ctx, p.key(), p.value())
	default:
		t := p.subtree()
		err = m.builder.subtree(ctx, &t)
	}
	p.skip()
	return err
}

// row merges the lowest of the keys that the three paths are at.
func (m *merger) row(ctx context.Context) error {
	lowest := &m.ours
	for _, p := range [...]*path{&m.base, &m.theirs} {
		if lowest.done() || !p.done() && p.compareKeys(lowest) < 0 {
			lowest = p
		}
	}
	key := lowest.key()
	var values [3][]byte
	for i, p := range [...]*path{&m.base, &m.ours, &m.theirs} {
		if p.done() || !p.top().node.matches(p.top().i, key) {
			continue
		}
		if values[i] = p.value(); values[i] == nil {
			return corruptf("value of %x", key)
		}
		p.skip()
	}
	value, err := m.decide(ctx, key, values[0], values[1], values[2])
	if err != nil || value == nil {
		return err
	}
	return m.builder.row(ctx, key, value)
}

// decide returns a key's merged value.
func (m *merger) decide(ctx context.Context, key, base, ours, theirs []byte) ([]byte, error) {
	switch {
	case sameValue(ours, theirs) || sameValue(base, theirs):
		return ours, nil
	case sameValue(base, ours):
		return theirs, nil
	}
	value, err := m.resolve(ctx, key, base, ours, theirs)
	if err != nil {
		return nil, fmt.Errorf("resolve %x: %w", key, err)
	}
	return value, nil
}

// sameValue tells an absent value from an empty one.
func sameValue(a, b []byte) bool {
	return (a == nil) == (b == nil) && bytes.Equal(a, b)
}
