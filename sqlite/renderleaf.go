package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/prolly"
)

// leaf is a leaf node and the pages it renders to: leaf pages, of which a node
// with a large row takes more than one, then overflow pages in the rows' order.
type leaf struct {
	tree   *tree
	kind   btree.Kind
	node   prolly.Node
	starts []int // the first item on each leaf page
	plain  bool  // there is one page
}

func (t *tree) openLeaf(ctx context.Context, n *treeNode) (*leaf, error) {
	node, err := t.Node(ctx, n.hash)
	if err != nil {
		return nil, err
	}
	l := &leaf{tree: t, node: node, kind: btree.IndexLeaf, starts: []int{0}, plain: n.pages == 1}
	if t.Integer() {
		l.kind = btree.TableLeaf
		if !l.plain {
			return l, l.pack()
		}
	}
	return l, nil
}

// pack fills one leaf page after the other.
func (l *leaf) pack() error {
	free := btree.PageBytes - 8
	for i := range l.node.Len() {
		size, err := l.size(i)
		if err != nil {
			return err
		}
		id, err := l.tree.Rowid(l.node.Key(i))
		if err != nil {
			return err
		}
		cell := max(cellBytes(l.kind, id, size), 4) + 2
		if cell > free {
			l.starts, free = append(l.starts, i), btree.PageBytes-8
		}
		free -= cell
	}
	return nil
}

// size is the length of an item's payload.
func (l *leaf) size(i int) (int64, error) {
	return l.tree.Size(l.node.Key(i), l.node.Value(i))
}

// overflow is how many overflow pages an item takes.
func (l *leaf) overflow(i int) (uint32, error) {
	if l.plain {
		return 0, nil
	}
	value := l.node.Value(i)
	if !l.node.HasAddresses() && !l.tree.Spills(value) {
		return 0, nil
	}
	size, err := l.tree.Size(l.node.Key(i), value)
	return overflowPages(l.kind, size), err
}

// end is the item after the last one of a leaf page.
func (l *leaf) end(page int) int {
	if page+1 < len(l.starts) {
		return l.starts[page+1]
	}
	return l.node.Len()
}

// overflowPages returns how many overflow pages a payload takes.
func overflowPages(k btree.Kind, size int64) uint32 {
	local, spills := btree.Local(k, size)
	if !spills {
		return 0
	}
	return uint32((size - int64(local) + btree.OverflowBytes - 1) / btree.OverflowBytes)
}

// cellBytes is the length of a cell of a leaf page.
func cellBytes(k btree.Kind, rowid int64, size int64) int {
	local, spills := btree.Local(k, size)
	if spills {
		local += 4
	}
	var room [18]byte
	head := btree.AppendVarint(room[:0], uint64(size))
	if k.IsTable() {
		head = btree.AppendVarint(head, uint64(rowid))
	}
	return len(head) + local
}

// cellOf makes a cell, without an interior cell's child. overflow is the first
// overflow page, if it takes any.
func cellOf(k btree.Kind, rowid int64, p *vdb.Payload, overflow uint32) ([]byte, error) {
	local, spills := btree.Local(k, p.Size())
	cell := make([]byte, 0, 24+local)
	cell = btree.AppendVarint(cell, uint64(p.Size()))
	if k.IsTable() {
		cell = btree.AppendVarint(cell, uint64(rowid))
	}
	n := len(cell)
	cell = cell[:n+local]
	if err := p.ReadAt(cell[n:], 0); err != nil {
		return nil, err
	}
	if spills {
		cell = binary.BigEndian.AppendUint32(cell, overflow)
	}
	return cell, nil
}

// render makes a leaf page. The last entry of an index leaf stands in a page
// above, unless nothing follows it.
func (l *leaf) render(ctx context.Context, at *spot) ([]byte, error) {
	page := int(at.within)
	number := l.tree.number(at.offset + at.within)
	w := leafWriter{leaf: l, b: btree.NewBuilder(number, l.kind, make([]byte, btree.PageBytes))}
	overflow := at.offset + uint32(len(l.starts))
	for i := range l.end(page) {
		pages, err := l.overflow(i)
		if err != nil {
			return nil, err
		}
		first := overflow
		overflow += pages
		if i < l.starts[page] || l.kind == btree.IndexLeaf && i == l.node.Len()-1 && !at.last {
			continue
		}
		if err := w.add(ctx, i, pages, l.tree.number(first)); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return w.b.Finish(0), nil
}

// leafWriter adds items to a leaf page.
type leafWriter struct {
	*leaf
	b    *btree.Builder
	key  []byte
	head []byte
	room []byte
}

func (w *leafWriter) add(ctx context.Context, i int, pages, overflow uint32) (err error) {
	w.key = w.node.AppendKey(w.key[:0], i)
	rowid := int64(0)
	if w.kind.IsTable() {
		if rowid, err = w.tree.Rowid(w.key); err != nil {
			return err
		}
	}
	payload, inline, err := w.tree.Inline(w.room, w.key, w.node.Value(i))
	if err != nil {
		return err
	}
	if !inline || pages > 0 {
		return w.addLong(ctx, i, rowid, overflow)
	}
	w.head = btree.AppendVarint(w.head[:0], uint64(len(payload)))
	if w.kind.IsTable() {
		w.head = btree.AppendVarint(w.head, uint64(rowid))
	} else if len(payload) > cap(w.room) {
		w.room = make([]byte, 0, 2*len(payload))
	}
	return w.b.Add(w.head, payload)
}

// addLong adds an item with values out of line, or overflow pages.
func (w *leafWriter) addLong(ctx context.Context, i int, rowid int64, overflow uint32) error {
	p, err := w.tree.Payload(ctx, w.key, w.node.Value(i))
	if err != nil {
		return err
	}
	cell, err := cellOf(w.kind, rowid, p, overflow)
	if err != nil {
		return err
	}
	return w.b.Add(cell)
}

// item finds the item of an overflow page, and which one of its pages that is.
func (l *leaf) item(within uint32) (i int, nth uint32, err error) {
	left := within - uint32(len(l.starts))
	for i := range l.node.Len() {
		n, err := l.overflow(i)
		if err != nil {
			return 0, 0, err
		}
		if left < n {
			return i, left, nil
		}
		left -= n
	}
	return 0, 0, fmt.Errorf("overflow page %d of a leaf: %w", within, btree.ErrCorrupt)
}

// pageOf returns the leaf page that an overflow page, or it itself, belongs to.
func (l *leaf) pageOf(within uint32) uint32 {
	if int(within) < len(l.starts) {
		return within
	}
	i, _, err := l.item(within)
	if err != nil {
		return 0
	}
	page := len(l.starts) - 1
	for l.starts[page] > i {
		page--
	}
	return uint32(page)
}

// renderOverflow makes an overflow page.
func (l *leaf) renderOverflow(ctx context.Context, at *spot) ([]byte, error) {
	i, nth, err := l.item(at.within)
	if err != nil {
		return nil, err
	}
	p, err := l.tree.Payload(ctx, l.node.Key(i), l.node.Value(i))
	if err != nil {
		return nil, err
	}
	local, _ := btree.Local(l.kind, p.Size())
	from := int64(local) + int64(nth)*btree.OverflowBytes
	n := min(p.Size()-from, btree.OverflowBytes)
	data := make([]byte, btree.PageBytes)
	if from+n < p.Size() {
		binary.BigEndian.PutUint32(data, l.tree.number(at.offset+at.within+1))
	}
	return data, p.ReadAt(data[4:4+n], from)
}
