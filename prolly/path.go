package prolly

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// path is a position in a tree: the nodes from the root down, each with the
// index of an item or child. The current element is the last frame's: a row if
// that is a leaf, else a whole subtree. A path without frames is at an end.
type path struct {
	tree    Tree
	frames  []frame
	scratch []byte // for keys that have to be put together
}

type frame struct {
	node Node
	i    int
	edge bool // last node of its level
}

// start enters the root, at its first element.
func (p *path) start(ctx context.Context) error {
	p.frames = p.frames[:0]
	if p.tree.IsEmpty() {
		return nil
	}
	if p.frames == nil {
		p.frames = make([]frame, 0, usualHeight)
	}
	return p.push(ctx, p.tree.root, anyLevel, true)
}

// end leaves nothing but buffers for the next use.
func (p *path) end() {
	clear(p.frames[:cap(p.frames)])
	*p = path{frames: p.frames[:0], scratch: p.scratch}
	if cap(p.scratch) > keptBytes {
		p.scratch = nil
	}
}

// usualHeight is room for the levels of some ten million rows.
const usualHeight = 5

// push reads a node and appends its frame, at the first element.
func (p *path) push(ctx context.Context, h hash.Hash, level int, edge bool) error {
	depth := len(p.frames)
	p.frames = append(p.frames, frame{edge: edge})
	err := p.tree.load(ctx, h, level, &p.frames[depth].node)
	if err != nil {
		p.frames = p.frames[:depth]
	}
	return err
}

func (p *path) done() bool { return len(p.frames) == 0 }

func (p *path) top() *frame { return &p.frames[len(p.frames)-1] }

// level is the level of the current element: that of a subtree's node, -1 for a
// row and at the end.
func (p *path) level() int {
	if p.done() {
		return -1
	}
	return p.top().node.level - 1
}

// key is the current row's key or the last key in the current subtree. It is
// good until the next call.
func (p *path) key() []byte {
	f := p.top()
	return f.node.key(&p.scratch, f.i)
}

func (p *path) value() []byte {
	f := p.top()
	return f.node.value(f.i)
}

// subtree describes the current element; its key is good until the next call.
func (p *path) subtree() subtree {
	f := p.top()
	return f.node.subtree(&p.scratch, f.i, f.edge)
}

// subtree describes child i of a node, which is at the edge or not.
func (n *Node) subtree(scratch *[]byte, i int, edge bool) subtree {
	return subtree{entry: n.entry(scratch, i), level: n.level - 1, edge: edge && i == n.count-1}
}

// sharesWith tells whether the elements of two paths are known to be equal: two
// subtrees with one address, or two ends.
func (p *path) sharesWith(q *path) bool {
	if p.done() || q.done() {
		return p.done() && q.done()
	}
	f, g := p.top(), q.top()
	return f.node.level > 0 && f.node.level == g.node.level && f.node.child(f.i) == g.node.child(g.i)
}

// enter goes from a subtree to its first element.
func (p *path) enter(ctx context.Context) error {
	f := p.top()
	return p.push(ctx, f.node.child(f.i), f.node.level-1, f.edge && f.i == f.node.count-1)
}

// skip passes the current element, and goes up where a node ends: so the next
// element is as large as the position allows.
func (p *path) skip() {
	for len(p.frames) > 0 {
		f := p.top()
		if f.i++; f.i < f.node.count {
			return
		}
		p.frames = p.frames[:len(p.frames)-1]
	}
}

// jump goes to element i of the last frame's node, or past the node.
func (p *path) jump(i int) {
	p.top().i = i - 1
	p.skip()
}

// seek goes to the first row whose key is not below key; nil is below all.
func (p *path) seek(ctx context.Context, key []byte) error {
	if err := p.start(ctx); err != nil || p.done() {
		return err
	}
	for {
		f := p.top()
		if f.i = f.node.search(key); f.i == f.node.count {
			p.jump(f.i)
			return p.leaf(ctx)
		}
		if f.node.level == 0 {
			return nil
		}
		if err := p.enter(ctx); err != nil {
			return err
		}
	}
}

// leaf goes down to the first row of the current element.
func (p *path) leaf(ctx context.Context) error {
	for p.level() >= 0 {
		if err := p.enter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// seekLast goes to the last row.
func (p *path) seekLast(ctx context.Context) error {
	if err := p.start(ctx); err != nil || p.done() {
		return err
	}
	return p.lastLeaf(ctx)
}

// lastLeaf goes down to the last row in the last frame's node.
func (p *path) lastLeaf(ctx context.Context) error {
	for {
		f := p.top()
		f.i = f.node.count - 1
		if f.node.level == 0 {
			return nil
		}
		if err := p.enter(ctx); err != nil {
			return err
		}
	}
}

// back goes to the row before the current one.
func (p *path) back(ctx context.Context) error {
	for !p.done() {
		f := p.top()
		if f.i > 0 {
			f.i--
			if f.node.level == 0 {
				return nil
			}
			if err := p.enter(ctx); err != nil {
				return err
			}
			return p.lastLeaf(ctx)
		}
		p.frames = p.frames[:len(p.frames)-1]
	}
	return nil
}

// seekBefore goes to the last row whose key is below key.
func (p *path) seekBefore(ctx context.Context, key []byte) error {
	if err := p.start(ctx); err != nil || p.done() {
		return err
	}
	for {
		f := p.top()
		f.i = f.node.search(key)
		if f.node.level == 0 {
			return p.back(ctx)
		}
		if f.i == f.node.count {
			return p.lastLeaf(ctx)
		}
		if err := p.enter(ctx); err != nil {
			return err
		}
	}
}

// fail gives a verb's error its name.
func fail(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("prolly: %s: %w", verb, err)
}
