package prolly

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
)

// Edit sets a key's value, or deletes the key if the value is nil. An empty
// value that is not nil is a value.
type Edit struct{ Key, Value []byte }

// Apply returns the tree with edits made, whose keys ascend strictly. To delete
// a key that is not there, or to write a value that is, changes nothing. The
// edits' bytes are borrowed until Apply returns. It writes new nodes only, and
// on error leaves some that nothing refers to.
func (t Tree) Apply(ctx context.Context, edits []Edit) (Tree, error) {
	e := t.editor()
	defer e.end()
	return e.applyAll(ctx, edits)
}

// applyAll is Apply.
func (e *editor) applyAll(ctx context.Context, edits []Edit) (Tree, error) {
	edited, ok, err := e.applyAt(ctx, edits)
	if ok || err != nil {
		return edited, fail("edit", err)
	}
	return e.finish(ctx, e.apply(ctx, edits, true))
}

// applyAt goes where the first edit is. It makes the edits in place if they are
// few and it can, and else takes what is before the leaf where they begin.
func (e *editor) applyAt(ctx context.Context, edits []Edit) (Tree, bool, error) {
	if len(edits) == 0 {
		return e.old.tree, true, nil
	}
	if err := e.old.seek(ctx, edits[0].Key); err != nil {
		return Tree{}, false, err
	}
	if e.old.done() {
		return Tree{}, false, e.old.start(ctx)
	}
	if edited, ok, err := e.applyInPlace(ctx, edits); ok || err != nil {
		return edited, ok, err
	}
	return Tree{}, false, e.takeBefore(ctx)
}

// takeBefore takes the subtrees before the current leaf.
func (e *editor) takeBefore(ctx context.Context) error {
	for i := range e.old.frames {
		f := &e.old.frames[i]
		if f.node.level == 0 {
			f.i = 0
		} else if err := e.subtrees(ctx, &f.node, 0, f.i, f.edge); err != nil {
			return err
		}
	}
	return nil
}

// editBatch is how many edits EditSeq gathers, to see which share a leaf.
const editBatch = 1024

// EditSeq is Apply for edits that come one by one. The bytes of an edit are
// borrowed until the next one is asked for.
func (t Tree) EditSeq(ctx context.Context, edits iter.Seq2[Edit, error]) (Tree, error) {
	e := t.editor()
	defer e.end()
	started := false
	for edit, err := range edits {
		if err != nil {
			return Tree{}, fail("edit", err)
		}
		if e.batch.add(edit); len(e.batch.edits) < editBatch {
			continue
		}
		if err := e.applyBatch(ctx, &started); err != nil {
			return Tree{}, fail("edit", err)
		}
	}
	if !started {
		return e.applyAll(ctx, e.batch.edits)
	}
	return e.finish(ctx, e.apply(ctx, e.batch.edits, true))
}

// applyBatch makes the edits of a batch that others follow.
func (e *editor) applyBatch(ctx context.Context, started *bool) error {
	if !*started {
		if err := e.old.start(ctx); err != nil {
			return err
		}
		*started = true
	}
	if err := e.apply(ctx, e.batch.edits, false); err != nil {
		return err
	}
	e.batch.reset()
	return nil
}

// keptEdits is how large a batch may be that waits for its next use.
const keptEdits = 64

// batch keeps copies of edits.
type batch struct {
	edits []Edit
	bytes []byte
}

func (b *batch) add(e Edit) {
	c := Edit{Key: b.keep(e.Key)}
	if e.Value != nil {
		c.Value = b.keep(e.Value)
	}
	b.edits = append(b.edits, c)
}

// keep copies p: not nil, lest an empty value be. A buffer that append outgrows
// stays as long as its edits do.
func (b *batch) keep(p []byte) []byte {
	if b.bytes == nil {
		b.bytes = make([]byte, 0, max(len(p), 256))
	}
	start := len(b.bytes)
	b.bytes = append(b.bytes, p...)
	return b.bytes[start:len(b.bytes):len(b.bytes)]
}

func (b *batch) reset() { b.edits, b.bytes = b.edits[:0], b.bytes[:0] }

// end leaves nothing but buffers for the next use.
func (b *batch) end() {
	if cap(b.edits) > keptEdits || cap(b.bytes) > keptBytes {
		*b = batch{}
		return
	}
	clear(b.edits[:cap(b.edits)])
	b.reset()
}

// editor walks over a tree and feeds a builder with what is between the edits,
// in pieces as large as they come, and with the rows that the edits make.
type editor struct {
	builder
	old     path
	last    []byte // key of the latest edit
	any     bool   // there was an edit
	batch   batch  // of edits that come one by one
	places  []int  // of an overwrite
	offsets []int  // of addresses in values that it compares
}

// editors keeps the buffers of editors that are done for others.
var editors = sync.Pool{New: func() any { return new(editor) }}

// editor returns an editor that is nowhere yet.
func (t Tree) editor() *editor {
	e := editors.Get().(*editor)
	e.begin(t.cfg, t.store)
	e.old.tree = t
	return e
}

// end gives the editor's buffers back, without what they refer to.
func (e *editor) end() {
	e.builder.end()
	e.old.end()
	e.batch.end()
	if e.last, e.any = e.last[:0], false; cap(e.last) > keptBytes {
		e.last = nil
	}
	editors.Put(e)
}

// apply makes a batch of edits; final says that it is the last.
func (e *editor) apply(ctx context.Context, edits []Edit, final bool) error {
	if err := e.checkOrder(edits); err != nil {
		return err
	}
	for len(edits) > 0 {
		n, err := e.step(ctx, edits, final)
		if err != nil {
			return err
		}
		edits = edits[n:]
	}
	return nil
}

func (e *editor) checkOrder(edits []Edit) error {
	last, any := e.last, e.any
	for i := range edits {
		key := edits[i].Key
		if any && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("%w: %x after %x", ErrOrder, key, last)
		}
		last, any = key, true
	}
	e.last, e.any = append(e.last[:0], last...), any
	return nil
}

// step goes on towards the first edit, and returns how many edits it has made.
func (e *editor) step(ctx context.Context, edits []Edit, final bool) (int, error) {
	switch {
	case e.old.done():
		return len(edits), e.insert(ctx, edits)
	case e.old.level() >= 0:
		return 0, e.approach(ctx, edits[0].Key)
	}
	return e.leaf(ctx, edits, final)
}

// insert adds rows after the old tree's last.
func (e *editor) insert(ctx context.Context, edits []Edit) error {
	for i := range edits {
		if edits[i].Value == nil {
			continue
		}
		if err := e.row(ctx, edits[i].Key, edits[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// approach takes the subtrees before key and enters the one where it belongs, if
// there is one.
func (e *editor) approach(ctx context.Context, key []byte) error {
	f := e.old.top()
	end := f.node.searchFrom(f.i, key)
	if err := e.subtrees(ctx, &f.node, f.i, end, f.edge); err != nil {
		return err
	}
	f.i = end
	if end == f.node.count {
		e.old.jump(end)
		return nil
	}
	return e.old.enter(ctx)
}

// leaf makes the edits that belong to the current leaf, and returns how many.
func (e *editor) leaf(ctx context.Context, edits []Edit, final bool) (int, error) {
	f := e.old.top()
	count := f.node.reach(edits)
	whole := final || count < len(edits)
	if whole && f.i == 0 && e.between(0) {
		if ok, err := e.overwrite(ctx, edits[:count]); ok || err != nil {
			return count, err
		}
	}
	for i := range edits[:count] {
		if err := e.edit(ctx, &f.node, &f.i, &edits[i]); err != nil {
			return i, err
		}
	}
	if !whole {
		if f.i == f.node.count {
			e.old.skip()
		}
		return count, nil
	}
	if err := e.rows(ctx, &f.node, f.i, f.node.count); err != nil {
		return count, err
	}
	e.old.jump(f.node.count)
	return count, nil
}

// reach returns how many edits have keys up to the node's last.
func (n *Node) reach(edits []Edit) int {
	count := 0
	for count < len(edits) && n.compare(n.count-1, edits[count].Key) >= 0 {
		count++
	}
	return count
}

// edit takes a leaf's rows from *i on that are before an edit, and makes it.
func (e *editor) edit(ctx context.Context, n *Node, i *int, edit *Edit) error {
	if *i < n.count && n.compare(*i, edit.Key) < 0 {
		j := n.searchFrom(*i+1, edit.Key)
		if err := e.rows(ctx, n, *i, j); err != nil {
			return err
		}
		*i = j
	}
	if n.matches(*i, edit.Key) {
		*i++
	}
	if edit.Value == nil {
		return nil
	}
	return e.row(ctx, edit.Key, edit.Value)
}

// finish takes what is left of the old tree. Nothing follows its right edge.
func (e *editor) finish(ctx context.Context, err error) (Tree, error) {
	if err != nil {
		return Tree{}, fail("edit", err)
	}
	if !e.any {
		return e.old.tree, nil
	}
	for !e.old.done() {
		if err := e.takeRest(ctx); err != nil {
			return Tree{}, fail("edit", err)
		}
	}
	return e.tree(ctx, "edit")
}

// takeRest takes the rest of the last frame's node.
func (e *editor) takeRest(ctx context.Context) error {
	f := e.old.top()
	if f.node.level == 0 {
		if err := e.rows(ctx, &f.node, f.i, f.node.count); err != nil {
			return err
		}
	} else if err := e.subtrees(ctx, &f.node, f.i, f.node.count, f.edge); err != nil {
		return err
	}
	e.old.jump(f.node.count)
	return nil
}
