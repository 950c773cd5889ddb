package prolly

import (
	"bytes"
	"context"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// shortEdits is how many edits may take the short path.
const shortEdits = 8

// applyInPlace makes a few edits of the current leaf that move no boundary. The
// nodes from the leaf up to the root are copied, with other bytes in the same
// places. It tells whether it could.
func (e *editor) applyInPlace(ctx context.Context, edits []Edit) (Tree, bool, error) {
	leaf := e.old.top()
	if len(edits) > shortEdits || leaf.node.reach(edits) < len(edits) || !ascending(edits) {
		return Tree{}, false, nil
	}
	data, ok := e.overwritten(&leaf.node, edits)
	if data == nil || !ok {
		return e.old.tree, ok, nil
	}
	root, err := e.old.replace(ctx, data)
	return Load(e.cfg, e.store, root), err == nil, err
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

// overwritten makes the edits in a copy of a leaf's chunk, if all they do is to
// replace values by others of equal size. It returns nil if nothing changes.
func (e *editor) overwritten(n *Node, edits []Edit) (data []byte, ok bool) {
	if !e.place(n, edits) {
		return nil, false
	}
	for i, at := range e.places {
		if at < 0 {
			continue
		}
		if data == nil {
			data = bytes.Clone(n.data)
		}
		copy(data[at:], edits[i].Value)
	}
	return data, true
}

// place notes for each edit where in the leaf's chunk it replaces a value by
// another of equal size, or -1 if it changes nothing. It tells whether that is
// all that the edits do.
func (e *editor) place(n *Node, edits []Edit) bool {
	e.places = e.places[:0]
	i := 0
	for j := range edits {
		edit, at := &edits[j], -1
		if !n.matches(i, edit.Key) {
			i = n.searchFrom(i, edit.Key)
		}
		var old []byte
		if n.matches(i, edit.Key) {
			old = n.value(i)
		}
		if !sameValue(old, edit.Value) {
			if old == nil || !e.interchangeable(edit.Key, old, edit.Value) {
				return false
			}
			at = int(n.bound(&n.values, i))
		}
		e.places = append(e.places, at)
	}
	return true
}

// interchangeable tells whether a value can take another's place, bytes aside:
// it has the same sizes, and holds addresses in the same places.
func (e *editor) interchangeable(key, old, value []byte) bool {
	if value == nil || len(old) != len(value) {
		return false
	}
	oldSize, oldSpills := e.cfg.measure(key, old)
	size, spills := e.cfg.measure(key, value)
	if size != oldSize || spills || oldSpills {
		return false
	}
	if e.cfg.Addresses == nil {
		return true
	}
	e.offsets = e.cfg.Addresses(old, e.offsets[:0])
	known := len(e.offsets)
	e.offsets = e.cfg.Addresses(value, e.offsets)
	return slices.Equal(e.offsets[:known], e.offsets[known:])
}

// overwrite makes the edits of the current leaf in a copy of it, if it can, and
// takes that whole.
func (e *editor) overwrite(ctx context.Context, edits []Edit) (bool, error) {
	if len(e.old.frames) < 2 {
		return false, nil
	}
	leaf, parent := e.old.top(), &e.old.frames[len(e.old.frames)-2]
	data, ok := e.overwritten(&leaf.node, edits)
	if !ok {
		return false, nil
	}
	t := subtree{entry: parent.node.entry(&e.old.scratch, parent.i), edge: leaf.edge}
	e.old.jump(leaf.node.count)
	if data == nil {
		return true, e.subtree(ctx, &t)
	}
	return true, e.overwriteLeaf(ctx, &t, data)
}

// overwriteLeaf takes a leaf whose chunk is new, between two nodes. One at the edge
// may be opened again, and needs its address now.
func (e *editor) overwriteLeaf(ctx context.Context, t *subtree, data []byte) (err error) {
	if e.leaves.store == nil || t.edge || e.holds {
		if t.hash, err = e.store.Put(ctx, data); err != nil {
			return err
		}
		return e.subtree(ctx, t)
	}
	e.spliced = true
	e.later(data)
	return e.child(ctx, 1, &t.entry)
}
