package vdb

import (
	"bytes"
	"context"
	"iter"

	"github.com/google/btree"

	"github.com/vdbgo/vdb/prolly"
)

// overlay is a tree with edits that have not been applied to it yet.
type overlay struct {
	tree  prolly.Tree
	edits *btree.BTreeG[prolly.Edit] // nil until the first edit
	bytes int                        // what the edits hold
}

func editLess(a, b prolly.Edit) bool { return bytes.Compare(a.Key, b.Key) < 0 }

// editOverhead is about what a btree holds per edit beside its bytes.
const editOverhead = 64

// set adds an edit and takes ownership of its bytes; a nil value deletes.
func (o *overlay) set(key, value []byte) {
	if o.edits == nil {
		o.edits = btree.NewG(32, editLess)
	}
	o.edits.ReplaceOrInsert(prolly.Edit{Key: key, Value: value})
	o.bytes += len(key) + len(value) + editOverhead
}

func (o *overlay) get(ctx context.Context, key []byte) ([]byte, bool, error) {
	if o.edits != nil {
		if e, ok := o.edits.Get(prolly.Edit{Key: key}); ok {
			return e.Value, e.Value != nil, nil
		}
	}
	return o.tree.Get(ctx, key)
}

// flush applies the edits to the tree.
func (o *overlay) flush(ctx context.Context) error {
	if o.edits == nil {
		return nil
	}
	edits := make([]prolly.Edit, 0, o.edits.Len())
	o.edits.Ascend(func(e prolly.Edit) bool {
		edits = append(edits, e)
		return true
	})
	tree, err := o.tree.Apply(ctx, edits)
	if err != nil {
		return err
	}
	// A scan under way keeps the old tree and the old edits.
	o.tree, o.edits, o.bytes = tree, nil, 0
	return nil
}

// scan yields the items in r in ascending or descending order. Items that are
// set while it runs may or may not be seen. The bytes must not be modified.
func (o *overlay) scan(ctx context.Context, r prolly.Range, backward bool) iter.Seq2[prolly.Item, error] {
	items := o.tree.Items(ctx, r)
	if backward {
		items = o.tree.Backward(ctx, r)
	}
	if o.edits == nil {
		return items
	}
	m := overlayScan{edits: o.edits, r: r, backward: backward}
	return func(yield func(prolly.Item, error) bool) { m.run(items, yield) }
}

// overlayScan merges a tree's items with the edits over them.
type overlayScan struct {
	edits    *btree.BTreeG[prolly.Edit]
	r        prolly.Range
	backward bool
}

func (m *overlayScan) run(items iter.Seq2[prolly.Item, error], yield func(prolly.Item, error) bool) {
	edit, ok := m.first()
	for item, err := range items {
		if err != nil {
			yield(prolly.Item{}, err)
			return
		}
		for ok && m.before(edit.Key, item.Key) {
			if edit.Value != nil && !yield(prolly.Item(edit), nil) {
				return
			}
			edit, ok = m.after(edit.Key)
		}
		if ok && bytes.Equal(edit.Key, item.Key) {
			item.Value = edit.Value
			edit, ok = m.after(edit.Key)
		}
		if item.Value != nil && !yield(item, nil) {
			return
		}
	}
	for ; ok; edit, ok = m.after(edit.Key) {
		if edit.Value != nil && !yield(prolly.Item(edit), nil) {
			return
		}
	}
}

func (m *overlayScan) before(a, b []byte) bool {
	if m.backward {
		a, b = b, a
	}
	return bytes.Compare(a, b) < 0
}

func (m *overlayScan) first() (prolly.Edit, bool) {
	switch {
	case m.backward && m.r.To == nil:
		e, ok := m.edits.Max()
		return m.within(e, ok)
	case m.backward:
		return m.after(m.r.To)
	}
	return m.seek(m.r.From, true)
}

// after returns the edit that follows key in scan order.
func (m *overlayScan) after(key []byte) (prolly.Edit, bool) { return m.seek(key, false) }

func (m *overlayScan) seek(key []byte, inclusive bool) (prolly.Edit, bool) {
	var found prolly.Edit
	var ok bool
	visit := func(e prolly.Edit) bool {
		if !inclusive && bytes.Equal(e.Key, key) {
			return true
		}
		found, ok = e, true
		return false
	}
	if m.backward {
		m.edits.DescendLessOrEqual(prolly.Edit{Key: key}, visit)
	} else {
		m.edits.AscendGreaterOrEqual(prolly.Edit{Key: key}, visit)
	}
	return m.within(found, ok)
}

func (m *overlayScan) within(e prolly.Edit, ok bool) (prolly.Edit, bool) {
	if !ok || m.backward && m.r.From != nil && bytes.Compare(e.Key, m.r.From) < 0 ||
		!m.backward && m.r.To != nil && bytes.Compare(e.Key, m.r.To) >= 0 {
		return prolly.Edit{}, false
	}
	return e, true
}
