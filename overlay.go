package vdb

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/google/btree"

	"github.com/vdbgo/vdb/prolly"
)

// overlay is a tree with edits that have not been applied to it yet.
type overlay struct {
	tree prolly.Tree
	// run holds the edits as they came, for as long as edits is nil: a scan, or a
	// look-up in a run that is not in ascending order, moves all there. So a bulk
	// load that reads nothing sorts its rows once.
	run   []prolly.Edit
	mixed bool // run is not in ascending order
	edits *btree.BTreeG[edit]
	bytes int // what the edits hold
}

// edit is an edit with the first bytes of its key, as two big-endian numbers:
// most comparisons need not look further, which saves a cache miss each.
type edit struct {
	head [2]uint64
	prolly.Edit
}

const headBytes = 16

func newEdit(e prolly.Edit) edit {
	var head [headBytes]byte
	copy(head[:], e.Key)
	return edit{head: [2]uint64{binary.BigEndian.Uint64(head[:]), binary.BigEndian.Uint64(head[8:])}, Edit: e}
}

// editOf is what the edit of a key is searched by.
func editOf(key []byte) edit { return newEdit(prolly.Edit{Key: key}) }

func editLess(a, b edit) bool {
	if a.head[0] != b.head[0] {
		return a.head[0] < b.head[0]
	}
	if a.head[1] != b.head[1] {
		return a.head[1] < b.head[1]
	}
	return bytes.Compare(a.Key, b.Key) < 0
}

// editOverhead is about what a btree holds per edit beside its bytes.
const editOverhead = 80

// set adds an edit and takes ownership of its bytes; a nil value deletes.
func (o *overlay) set(key, value []byte) {
	o.bytes += len(key) + len(value) + editOverhead
	e := prolly.Edit{Key: key, Value: value}
	if o.edits != nil {
		o.edits.ReplaceOrInsert(newEdit(e))
		return
	}
	if n := len(o.run); n > 0 && bytes.Compare(o.run[n-1].Key, key) >= 0 {
		o.mixed = true
	}
	o.run = append(o.run, e)
}

// sorted returns the edits in a btree.
func (o *overlay) sorted() *btree.BTreeG[edit] {
	if o.edits == nil {
		o.edits = btree.NewG(32, editLess)
		for _, e := range o.run {
			o.edits.ReplaceOrInsert(newEdit(e))
		}
		o.run, o.mixed = nil, false
	}
	return o.edits
}

// place is where an edit stands in a run, with the first bytes of its key.
type place struct {
	head [2]uint64
	at   int
}

// inOrder returns the edits of a run in ascending order, of each key the last.
func inOrder(run []prolly.Edit) []prolly.Edit {
	places := make([]place, len(run))
	for i, e := range run {
		places[i] = place{newEdit(e).head, i}
	}
	slices.SortFunc(places, func(a, b place) int {
		switch {
		case a.head[0] != b.head[0]:
			return cmp.Compare(a.head[0], b.head[0])
		case a.head[1] != b.head[1]:
			return cmp.Compare(a.head[1], b.head[1])
		}
		return cmp.Or(bytes.Compare(run[a.at].Key, run[b.at].Key), a.at-b.at)
	})
	sorted := make([]prolly.Edit, 0, len(run))
	for _, p := range places {
		if n := len(sorted); n > 0 && bytes.Equal(sorted[n-1].Key, run[p.at].Key) {
			sorted = sorted[:n-1]
		}
		sorted = append(sorted, run[p.at])
	}
	return sorted
}

// isEdited tells whether there are edits.
func (o *overlay) isEdited() bool { return o.edits != nil || len(o.run) > 0 }

func (o *overlay) get(ctx context.Context, key []byte) ([]byte, bool, error) {
	if e, ok := o.edit(key); ok {
		return e.Value, e.Value != nil, nil
	}
	return o.tree.Get(ctx, key)
}

// edit returns the edit of a key.
func (o *overlay) edit(key []byte) (prolly.Edit, bool) {
	if o.edits != nil || o.mixed {
		e, ok := o.sorted().Get(editOf(key))
		return e.Edit, ok
	}
	n := len(o.run)
	if n == 0 || bytes.Compare(key, o.run[n-1].Key) > 0 {
		return prolly.Edit{}, false
	}
	i, ok := slices.BinarySearchFunc(o.run, key, func(e prolly.Edit, key []byte) int { return bytes.Compare(e.Key, key) })
	if !ok {
		return prolly.Edit{}, false
	}
	return o.run[i], true
}

// flush applies the edits to the tree.
func (o *overlay) flush(ctx context.Context) error {
	if !o.isEdited() {
		return nil
	}
	edits := o.run
	switch {
	case o.mixed:
		edits = inOrder(o.run)
	case o.edits != nil:
		edits = make([]prolly.Edit, 0, o.edits.Len())
		o.edits.Ascend(func(e edit) bool {
			edits = append(edits, e.Edit)
			return true
		})
	}
	tree, err := o.tree.Apply(ctx, edits)
	if err != nil {
		return err
	}
	// A scan under way keeps the old tree and the old edits.
	o.tree, o.run, o.mixed, o.edits, o.bytes = tree, nil, false, nil, 0
	return nil
}

// scan yields the items in r in ascending or descending order. Items that are
// set while it runs may or may not be seen. The bytes must not be modified.
func (o *overlay) scan(ctx context.Context, r prolly.Range, backward bool) iter.Seq2[prolly.Item, error] {
	items := o.tree.Items(ctx, r)
	if backward {
		items = o.tree.Backward(ctx, r)
	}
	if !o.isEdited() {
		return items
	}
	m := overlayScan{edits: o.sorted(), r: r, backward: backward}
	return func(yield func(prolly.Item, error) bool) { m.run(items, yield) }
}

// overlayScan merges a tree's items with the edits over them.
type overlayScan struct {
	edits    *btree.BTreeG[edit]
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
		return m.within(e.Edit, ok)
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
	visit := func(e edit) bool {
		if !inclusive && bytes.Equal(e.Key, key) {
			return true
		}
		found, ok = e.Edit, true
		return false
	}
	if m.backward {
		m.edits.DescendLessOrEqual(editOf(key), visit)
	} else {
		m.edits.AscendGreaterOrEqual(editOf(key), visit)
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
