package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/prolly"
)

// treeNode is a node of a rendered tree: one as it is stored, or one on the
// tree's right edge, where a page may need other children than its node has.
type treeNode struct {
	hash  hash.Hash
	key   []byte // the last one below
	pages uint32 // of the subtree
	kids  []treeNode
	level int
}

// edge tells whether the node has its children listed.
func (n *treeNode) edge() bool { return n.kids != nil }

// load finds the tree's shape. An interior page needs two children: where the
// canonical tree ends in a node with one, the page borrows from its neighbour.
func (t *tree) load(ctx context.Context) error {
	if t.sort != nil {
		return t.sort(ctx)
	}
	if t.IsEmpty() {
		t.pages = 1
		return nil
	}
	root, err := t.Node(ctx, t.Hash())
	if err != nil {
		return err
	}
	t.top = treeNode{hash: t.Hash(), level: root.Level(), key: root.Key(root.Len() - 1)}
	if root.Level() == 0 {
		pages, err := t.Tree.Pages(ctx)
		if err != nil {
			return err
		}
		t.top.pages = uint32(pages)
		if leaf, err := t.openLeaf(ctx, &t.top); err != nil {
			return err
		} else if len(leaf.starts) > 1 {
			t.top = treeNode{level: 1, key: t.top.key, kids: []treeNode{t.top}}
		}
	} else if err := t.expandEdge(ctx, &t.top); err != nil {
		return err
	}
	t.top.count()
	t.pages = t.top.pages
	return nil
}

// expandEdge lists the children of a node and of those on its right edge, and
// gives each of these two children at least.
func (t *tree) expandEdge(ctx context.Context, top *treeNode) error {
	for level := top.level; level > 0; level-- {
		if err := t.expand(ctx, top.edgeAt(level)); err != nil {
			return err
		}
	}
	for level := top.level - 1; level > 0; level-- {
		if err := t.borrow(ctx, top, level); err != nil {
			return err
		}
	}
	for len(top.kids) == 1 && top.level > 1 {
		*top = top.kids[0]
	}
	return nil
}

// edgeAt returns the node of a level on the right edge.
func (n *treeNode) edgeAt(level int) *treeNode {
	for n.level > level {
		n = &n.kids[len(n.kids)-1]
	}
	return n
}

// expand lists a node's children.
func (t *tree) expand(ctx context.Context, n *treeNode) error {
	if n.edge() {
		return nil
	}
	node, err := t.Node(ctx, n.hash)
	if err != nil {
		return err
	}
	n.kids = children(node)
	return nil
}

// children lists the children of an internal node.
func children(node prolly.Node) []treeNode {
	kids := make([]treeNode, node.Len())
	before := uint64(0)
	for i := range kids {
		through := node.PagesThrough(i)
		kids[i] = treeNode{hash: node.Child(i), key: node.Key(i), pages: uint32(through - before), level: node.Level() - 1}
		before = through
	}
	return kids
}

// borrow gives the edge's node of a level a second child, from its neighbour or
// together with it. Then a level above may need one, or the root be left with one.
func (t *tree) borrow(ctx context.Context, top *treeNode, level int) error {
	parent := top.edgeAt(level + 1)
	if len(parent.edgeAt(level).kids) > 1 || len(parent.kids) < 2 {
		return nil
	}
	at := len(parent.kids) - 1
	left, n := &parent.kids[at-1], &parent.kids[at]
	if err := t.expand(ctx, left); err != nil {
		return err
	}
	if last := len(left.kids) - 1; last >= 2 {
		n.kids = append([]treeNode{left.kids[last]}, n.kids...)
		left.kids, left.key = left.kids[:last], left.kids[last-1].key
		return nil
	}
	left.kids, left.key = append(left.kids, n.kids...), n.key
	parent.kids = parent.kids[:at]
	if level+1 < top.level {
		return t.borrow(ctx, top, level+1)
	}
	return nil
}

// count sums up the pages of nodes whose children are listed.
func (n *treeNode) count() {
	if !n.edge() {
		return
	}
	n.pages = 1
	for i := range n.kids {
		n.kids[i].count()
		n.pages += n.kids[i].pages
	}
}

// spot is where a page is in a tree.
type spot struct {
	node   treeNode
	offset uint32 // of the node's first page
	within uint32 // of the page, from there
	last   bool   // no node of its level follows
}

// find leads to a page, and calls visit with the offset of each interior page on
// the way.
func (t *tree) find(ctx context.Context, offset uint32, visit func(offset uint32)) (spot, error) {
	at := spot{node: t.top, within: offset, last: true}
	for at.node.level > 0 && at.within > 0 {
		if visit != nil {
			visit(at.offset)
		}
		if err := t.descend(ctx, &at); err != nil {
			return at, err
		}
	}
	return at, nil
}

// descend moves on to the child that has the page.
func (t *tree) descend(ctx context.Context, at *spot) error {
	at.within--
	at.offset++
	if at.node.edge() {
		kids := at.node.kids
		for i := range kids {
			if at.within < kids[i].pages {
				at.last = at.last && i == len(kids)-1
				at.node = kids[i]
				return nil
			}
			at.within -= kids[i].pages
			at.offset += kids[i].pages
		}
		return fmt.Errorf("page %d is beyond its tree: %w", at.offset, btree.ErrCorrupt)
	}
	node, err := t.Node(ctx, at.node.hash)
	if err != nil {
		return err
	}
	i := sort.Search(node.Len(), func(i int) bool { return node.PagesThrough(i) > uint64(at.within) })
	if i == node.Len() {
		return fmt.Errorf("page %d is beyond its tree: %w", at.offset, btree.ErrCorrupt)
	}
	before := uint64(0)
	if i > 0 {
		before = node.PagesThrough(i - 1)
	}
	at.last = at.last && i == node.Len()-1
	at.within -= uint32(before)
	at.offset += uint32(before)
	at.node = treeNode{hash: node.Child(i), pages: uint32(node.PagesThrough(i) - before), level: node.Level() - 1}
	return nil
}

// parents lists the pages from the root to the one at offset.
func (t *tree) parents(ctx context.Context, offset uint32) ([]uint32, error) {
	if t.packed != nil {
		return t.packed.above(t, offset), nil
	}
	var path []uint32
	at, err := t.find(ctx, offset, func(o uint32) { path = append(path, t.number(o)) })
	if err != nil {
		return nil, err
	}
	if at.node.level > 0 || t.IsEmpty() || at.within == 0 {
		return append(path, t.number(offset)), nil
	}
	leaf, err := t.openLeaf(ctx, &at.node)
	if err != nil {
		return nil, err
	}
	page := leaf.pageOf(at.within)
	path = append(path, t.number(at.offset+page))
	if page != at.within {
		path = append(path, t.number(offset))
	}
	return path, nil
}

// render makes the page at offset in the tree's pre-order.
func (t *tree) render(ctx context.Context, offset uint32) ([]byte, error) {
	if t.packed != nil {
		return t.packed.pages[offset], nil
	}
	if t.IsEmpty() {
		kind := btree.IndexLeaf
		if t.Integer() {
			kind = btree.TableLeaf
		}
		return btree.NewBuilder(t.number(0), kind, make([]byte, btree.PageBytes)).Finish(0), nil
	}
	at, err := t.find(ctx, offset, nil)
	if err != nil {
		return nil, err
	}
	if at.node.level > 0 {
		return t.renderInterior(ctx, &at)
	}
	leaf, err := t.openLeaf(ctx, &at.node)
	if err != nil {
		return nil, err
	}
	if int(at.within) < len(leaf.starts) {
		return leaf.render(ctx, &at)
	}
	return leaf.renderOverflow(ctx, &at)
}

// leafKey returns what a page depends on, if that is a leaf alone.
func (t *tree) leafKey(ctx context.Context, offset uint32) (leafKey, error) {
	at, err := t.find(ctx, offset, nil)
	if err != nil || at.node.level > 0 || at.node.pages != 1 || at.node.hash.IsZero() {
		return leafKey{}, err
	}
	return leafKey{node: at.node.hash, form: t.Form(), last: at.last && !t.Integer()}, nil
}

// renderInterior makes an interior page.
func (t *tree) renderInterior(ctx context.Context, at *spot) ([]byte, error) {
	if err := t.expand(ctx, &at.node); err != nil {
		return nil, err
	}
	kind := btree.IndexInterior
	if t.Integer() {
		kind = btree.TableInterior
	}
	b := btree.NewBuilder(t.number(at.offset), kind, make([]byte, btree.PageBytes))
	w := interiorWriter{tree: t, b: b}
	offset := at.offset + 1
	for i := range at.node.kids {
		if err := w.child(ctx, &at.node.kids[i], offset); err != nil {
			return nil, err
		}
		offset += at.node.kids[i].pages
	}
	return b.Finish(w.right), nil
}

// interiorWriter adds children to an interior page. The latest is held back: the
// last one stands in the page's header.
type interiorWriter struct {
	tree  *tree
	b     *btree.Builder
	right uint32
	cell  []byte // of right, should another child follow
	room  [24]byte
}

// add adds a child with what its cell holds after the page number.
func (w *interiorWriter) add(number uint32, cell []byte) error {
	if w.right != 0 {
		binary.BigEndian.PutUint32(w.room[:], w.right)
		if err := w.b.Add(w.room[:4], w.cell); err != nil {
			return err
		}
	}
	w.right, w.cell = number, append(w.cell[:0], cell...)
	return nil
}

func (w *interiorWriter) child(ctx context.Context, kid *treeNode, offset uint32) error {
	t := w.tree
	if !t.Integer() {
		cell, err := t.separator(ctx, kid, offset)
		if err != nil {
			return err
		}
		return w.add(t.number(offset), cell)
	}
	if kid.level > 0 || kid.pages == 1 {
		return w.rowid(t.number(offset), kid.key)
	}
	leaf, err := t.openLeaf(ctx, kid)
	if err != nil {
		return err
	}
	for page := range leaf.starts {
		if err := w.rowid(t.number(offset+uint32(page)), leaf.node.Key(leaf.end(page)-1)); err != nil {
			return err
		}
	}
	return nil
}

func (w *interiorWriter) rowid(number uint32, key []byte) error {
	id, err := w.tree.Rowid(key)
	if err != nil {
		return err
	}
	return w.add(number, btree.AppendVarint(w.room[8:8], uint64(id)))
}

// separator returns the cell of a child of an index page: its last entry.
func (t *tree) separator(ctx context.Context, kid *treeNode, offset uint32) ([]byte, error) {
	p, err := t.payloadOf(ctx, kid)
	if err != nil {
		return nil, err
	}
	overflow := overflowPages(btree.IndexInterior, p.Size())
	return cellOf(btree.IndexInterior, 0, p, t.number(offset+kid.pages-overflow))
}

// payloadOf returns the payload of the last item below a node. The keys of most
// index entries tell it all.
func (t *tree) payloadOf(ctx context.Context, kid *treeNode) (*vdb.Payload, error) {
	if p, ok := t.EntryOfKey(kid.key); ok {
		return p, nil
	}
	value, err := t.lastValue(ctx, *kid)
	if err != nil {
		return nil, err
	}
	return t.Payload(ctx, kid.key, value)
}

// lastValue returns the value of the last item below a node.
func (t *tree) lastValue(ctx context.Context, n treeNode) ([]byte, error) {
	for n.edge() {
		n = n.kids[len(n.kids)-1]
	}
	node, err := t.Node(ctx, n.hash)
	for err == nil && node.Level() > 0 {
		node, err = t.Node(ctx, node.Child(node.Len()-1))
	}
	if err != nil {
		return nil, err
	}
	return node.Value(node.Len() - 1), nil
}
