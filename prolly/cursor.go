package prolly

import (
	"context"
	"iter"
)

// Cursor is a position in a tree, from which it moves both ways. It starts, and
// after an error or beyond either end stands, nowhere: not Valid. A Cursor is
// for one goroutine.
type Cursor struct{ path path }

// Cursor returns a cursor that is nowhere yet.
func (t Tree) Cursor() *Cursor { return &Cursor{path: path{tree: t}} }

// Seek goes to the first item whose key is not below key.
func (c *Cursor) Seek(ctx context.Context, key []byte) error {
	return c.moved("seek", c.path.seek(ctx, key))
}

// SeekBefore goes to the last item whose key is below key.
func (c *Cursor) SeekBefore(ctx context.Context, key []byte) error {
	return c.moved("seek before", c.path.seekBefore(ctx, key))
}

// First goes to the first item.
func (c *Cursor) First(ctx context.Context) error {
	return c.moved("seek first", c.path.seek(ctx, nil))
}

// Last goes to the last item.
func (c *Cursor) Last(ctx context.Context) error {
	return c.moved("seek last", c.path.seekLast(ctx))
}

// Next goes to the item after this one. From nowhere it goes nowhere.
func (c *Cursor) Next(ctx context.Context) error {
	if !c.Valid() {
		return nil
	}
	c.path.skip()
	return c.moved("next", c.path.leaf(ctx))
}

// Prev goes to the item before this one. From nowhere it goes nowhere.
func (c *Cursor) Prev(ctx context.Context) error {
	return c.moved("previous", c.path.back(ctx))
}

// moved leaves the cursor nowhere after an error.
func (c *Cursor) moved(verb string, err error) error {
	if err != nil {
		c.path.frames = c.path.frames[:0]
	}
	return fail(verb, err)
}

// Valid tells whether the cursor is at an item.
func (c *Cursor) Valid() bool { return !c.path.done() }

// Key returns the item's key, good until the cursor moves. The cursor must be
// Valid.
func (c *Cursor) Key() []byte { return c.path.key() }

// Value returns the item's value, which may be kept. The cursor must be Valid.
func (c *Cursor) Value() []byte { return c.path.value() }

// Items returns the items in a range, ascending. They may be kept.
func (t Tree) Items(ctx context.Context, r Range) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) { t.items(ctx, r, yield) }
}

// items is a method of its own, as are the bodies of other iterators that are used
// often: what an iterator returns is copied into each loop over it.
func (t Tree) items(ctx context.Context, r Range, yield func(Item, error) bool) {
	p := path{tree: t}
	err := p.seek(ctx, r.From)
	for err == nil && !p.done() {
		f := p.top()
		end := f.node.count
		if r.To != nil {
			end = f.node.search(r.To)
		}
		if !f.node.yield(f.i, end, yield) || end < f.node.count {
			return
		}
		p.jump(end)
		err = p.leaf(ctx)
	}
	if err != nil {
		yield(Item{}, fail("read items", err))
	}
}

// yield yields the items from i on and before end. It reads each offset once.
func (n *Node) yield(i, end int, yield func(Item, error) bool) bool {
	data, keys, values, buffer := n.data, n.keys, n.values, n.keyBuffer(i, end)
	key, value := n.bound(&keys, i), n.bound(&values, i)
	for i < end {
		i++
		keyEnd, valueEnd := n.bound(&keys, i), n.bound(&values, i)
		if key > keyEnd || keyEnd > uint(len(data)) || value > valueEnd || valueEnd > uint(len(data)) {
			yield(Item{}, fail("read items", corruptf("offsets of item %d", i-1)))
			return false
		}
		item := Item{data[key:keyEnd:keyEnd], data[value:valueEnd:valueEnd]}
		if buffer != nil {
			start := len(buffer)
			buffer = append(append(buffer, n.prefixBytes()...), item.Key...)
			item.Key = buffer[start:len(buffer):len(buffer)]
		}
		if !yield(item, nil) {
			return false
		}
		key, value = keyEnd, valueEnd
	}
	return true
}

// keyBuffer returns room for the keys from i on and before end, or nil if they
// need not be put together.
func (n *Node) keyBuffer(i, end int) []byte {
	if n.prefix == 0 || i >= end {
		return nil
	}
	suffixes := min(n.bound(&n.keys, end)-n.bound(&n.keys, i), uint(len(n.data)))
	return make([]byte, 0, int(suffixes)+n.prefix*(end-i))
}

// item returns item i, its key put together at the end of keys if it must be.
func (n *Node) item(keys *[]byte, i int) Item {
	if n.prefix == 0 {
		return Item{Key: n.span(&n.keys, i), Value: n.value(i)}
	}
	start := len(*keys)
	*keys = n.AppendKey(*keys, i)
	return Item{Key: (*keys)[start:len(*keys):len(*keys)], Value: n.value(i)}
}

// Backward returns the items in a range, descending. They may be kept.
func (t Tree) Backward(ctx context.Context, r Range) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) { t.backward(ctx, r, yield) }
}

// backward yields the items that Backward returns.
func (t Tree) backward(ctx context.Context, r Range, yield func(Item, error) bool) {
	p := path{tree: t}
	err := p.seekEnd(ctx, r.To)
	for err == nil && !p.done() {
		f := p.top()
		start := 0
		if r.From != nil {
			start = f.node.search(r.From)
		}
		if !f.node.yieldBackward(start, f.i, yield) || start > 0 {
			return
		}
		f.i = 0
		err = p.back(ctx)
	}
	if err != nil {
		yield(Item{}, fail("read items backward", err))
	}
}

// seekEnd goes to the last row below key; nil is above all.
func (p *path) seekEnd(ctx context.Context, key []byte) error {
	if key == nil {
		return p.seekLast(ctx)
	}
	return p.seekBefore(ctx, key)
}

// yieldBackward yields the items from last down to start.
func (n *Node) yieldBackward(start, last int, yield func(Item, error) bool) bool {
	keys := n.keyBuffer(start, last+1)
	for i := last; i >= start; i-- {
		if !yield(n.item(&keys, i), nil) {
			return false
		}
	}
	return true
}
