package prolly

import (
	"bytes"
	"context"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// shortEdits is how many edits may take the short path.
const shortEdits = 8

// applyInPlace is Apply for a few edits of one leaf that move no boundary. The
// nodes from the leaf up to the root are copied, with other bytes in the same
// places. It tells whether it could.
func (t Tree) applyInPlace(ctx context.Context, edits []Edit) (Tree, bool, error) {
	if len(edits) == 0 || len(edits) > shortEdits || t.IsEmpty() || !ascending(edits) {
		return Tree{}, false, nil
	}
	p := path{tree: t}
	if err := p.seek(ctx, edits[0].Key); err != nil || p.done() {
		return Tree{}, false, err
	}
	leaf := p.top()
	if leaf.node.compare(leaf.node.count-1, edits[len(edits)-1].Key) < 0 {
		return Tree{}, false, nil
	}
	data, ok := leaf.node.overwrite(t.cfg, edits)
	if data == nil || !ok {
		return t, ok, nil
	}
	root, err := p.replace(ctx, data)
	return Load(t.cfg, t.store, root), err == nil, err
}

func ascending(edits []Edit) bool {
	for i := 1; i < len(edits); i++ {
		if bytes.Compare(edits[i-1].Key, edits[i].Key) >= 0 {
			return false
		}
	}
	return true
}

// replace writes a new chunk for the last frame's node, and a copy of each node
// above with the new address, and returns the root's.
func (p *path) replace(ctx context.Context, data []byte) (hash.Hash, error) {
	for depth := len(p.frames) - 2; ; depth-- {
		h, err := p.tree.store.Put(ctx, data)
		if err != nil || depth < 0 {
			return h, err
		}
		parent := &p.frames[depth]
		data = bytes.Clone(parent.node.data)
		copy(data[parent.node.tail+parent.i*hash.Size:], h[:])
	}
}

// overwrite makes the edits in a copy of a leaf's chunk, if all they do is to
// replace values by others of equal size. It returns nil if nothing changes.
func (n *Node) overwrite(cfg *Config, edits []Edit) (data []byte, ok bool) {
	i := 0
	for _, e := range edits {
		if !n.matches(i, e.Key) {
			i = n.searchFrom(i, e.Key)
		}
		if !n.matches(i, e.Key) {
			if e.Value != nil {
				return nil, false
			}
			continue
		}
		old := n.value(i)
		if bytes.Equal(old, e.Value) && e.Value != nil {
			continue
		}
		if !cfg.interchangeable(e.Key, old, e.Value) {
			return nil, false
		}
		if data == nil {
			data = bytes.Clone(n.data)
		}
		copy(data[n.bound(&n.values, i):], e.Value)
	}
	return data, true
}

// interchangeable tells whether a value can take another's place, bytes aside:
// it has the same sizes, and holds addresses in the same places.
func (c *Config) interchangeable(key, old, value []byte) bool {
	if value == nil || len(old) != len(value) {
		return false
	}
	oldSize, oldSpills := c.measure(key, old)
	size, spills := c.measure(key, value)
	if size != oldSize || spills || oldSpills {
		return false
	}
	return c.Addresses == nil || slices.Equal(c.Addresses(old, nil), c.Addresses(value, nil))
}

// overwrite makes the edits of the current leaf in a copy of it, if it can, and
// takes that whole.
func (e *editor) overwrite(ctx context.Context, edits []Edit) (bool, error) {
	if len(e.old.frames) < 2 {
		return false, nil
	}
	leaf, parent := e.old.top(), &e.old.frames[len(e.old.frames)-2]
	data, ok := leaf.node.overwrite(e.cfg, edits)
	if !ok {
		return false, nil
	}
	t := subtree{entry: parent.node.entry(&e.old.scratch, parent.i), edge: leaf.edge}
	if data != nil {
		h, err := e.store.Put(ctx, data)
		if err != nil {
			return false, err
		}
		t.hash = h
	}
	e.old.jump(leaf.node.count)
	return true, e.subtree(ctx, &t)
}
