package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// An index with a collation of the application's is sorted as only SQLite can. Its
// tree has the entries in BINARY order; a rendering has SQLite sort them, and packs
// pages of its own. That takes time with every rendering, more with more entries.

// packedTree has the pages of such an index.
type packedTree struct {
	pages   [][]byte // by their offsets in the tree
	parents []uint32 // offsets; the root's is its own
}

// loadPacked sorts and packs an index.
func (t *tree) loadPacked(ctx context.Context, in *introspector, s *vdb.Schema, index int) error {
	var payloads [][]byte
	for item, err := range t.Items(ctx, prolly.Range{}) {
		if err != nil {
			return err
		}
		p, err := t.Payload(ctx, item.Key, item.Value)
		if err != nil {
			return err
		}
		payload := make([]byte, p.Size())
		if err := p.ReadAt(payload, 0); err != nil {
			return err
		}
		payloads = append(payloads, payload)
	}
	order, err := in.sort(ctx, s, index, payloads)
	if err != nil {
		return fmt.Errorf("sort index %s: %w", s.Indexes[index].Name, err)
	}
	w := &packer{tree: t, packedTree: &packedTree{pages: [][]byte{nil}, parents: []uint32{0}}}
	for _, i := range order {
		w.cell(payloads[i])
	}
	if err := w.finish(); err != nil {
		return err
	}
	t.packed, t.pages = w.packedTree, uint32(len(w.packedTree.pages))
	return nil
}

// above lists the pages from the root to the one at offset.
func (p *packedTree) above(t *tree, offset uint32) []uint32 {
	path := []uint32{t.number(offset)}
	for offset != 0 {
		offset = p.parents[offset]
		path = append(path, t.number(offset))
	}
	slices.Reverse(path)
	return path
}

// packer packs the entries of an index b-tree, level upon level.
type packer struct {
	tree *tree
	*packedTree
	cells []packedCell
}

// packedCell is an entry, with the child before it if it is on an interior page.
type packedCell struct {
	data     []byte
	child    uint32 // offset; 0 on a leaf
	overflow []uint32
}

func (w *packer) take() uint32 {
	w.pages, w.parents = append(w.pages, nil), append(w.parents, 0)
	return uint32(len(w.pages) - 1)
}

// cell adds an entry, and makes its overflow pages.
func (w *packer) cell(payload []byte) {
	local, spills := btree.Local(btree.IndexLeaf, int64(len(payload)))
	c := packedCell{data: append(btree.AppendVarint(nil, uint64(len(payload))), payload[:local]...)}
	if spills {
		rest := payload[local:]
		offset := w.take()
		c.data = binary.BigEndian.AppendUint32(c.data, w.tree.number(offset))
		for {
			page := make([]byte, btree.PageBytes)
			w.pages[offset], c.overflow = page, append(c.overflow, offset)
			if rest = rest[copy(page[4:], rest):]; len(rest) == 0 {
				break
			}
			offset = w.take()
			binary.BigEndian.PutUint32(page, w.tree.number(offset))
		}
	}
	w.cells = append(w.cells, c)
}

// finish packs the levels. The entry between two pages stands on the level above.
func (w *packer) finish() error {
	kind, cells, right := btree.IndexLeaf, w.cells, uint32(0)
	for {
		n := fitting(kind, cells)
		if n == len(cells) {
			return w.page(0, kind, cells, right)
		}
		var above []packedCell
		for n < len(cells) {
			if len(cells)-n == 1 {
				n-- // lest the last page be empty
			}
			offset := w.take()
			if err := w.page(offset, kind, cells[:n], cells[n].child); err != nil {
				return err
			}
			above = append(above, packedCell{cells[n].data, offset, cells[n].overflow})
			cells = cells[n+1:]
			n = fitting(kind, cells)
		}
		offset := w.take()
		if err := w.page(offset, kind, cells, right); err != nil {
			return err
		}
		kind, cells, right = btree.IndexInterior, above, offset
	}
}

// fitting returns how many of the cells fit one page.
func fitting(kind btree.Kind, cells []packedCell) int {
	room := btree.PageBytes - 12
	for i, c := range cells {
		size := len(c.data)
		if kind == btree.IndexInterior {
			size += 4
		}
		if room -= max(size, 4) + 2; room < 0 {
			return i
		}
	}
	return len(cells)
}

func (w *packer) page(offset uint32, kind btree.Kind, cells []packedCell, right uint32) error {
	b := btree.NewBuilder(w.tree.number(offset), kind, make([]byte, btree.PageBytes))
	var child [4]byte
	for _, c := range cells {
		w.adopt(offset, c.overflow...)
		parts := [][]byte{c.data}
		if !kind.IsLeaf() {
			w.adopt(offset, c.child)
			binary.BigEndian.PutUint32(child[:], w.tree.number(c.child))
			parts = [][]byte{child[:], c.data}
		}
		if err := b.Add(parts...); err != nil {
			return err
		}
	}
	number := uint32(0)
	if !kind.IsLeaf() {
		w.adopt(offset, right)
		number = w.tree.number(right)
	}
	w.pages[offset] = b.Finish(number)
	return nil
}

func (w *packer) adopt(parent uint32, offsets ...uint32) {
	for _, o := range offsets {
		w.parents[o] = parent
	}
}

// sort returns the order in which SQLite has the entries of an index.
func (in *introspector) sort(ctx context.Context, s *vdb.Schema, index int, payloads [][]byte) (order []int, err error) {
	err = in.try(ctx, func(tx *sql.Tx) (err error) {
		r := &reading{ctx: ctx, tx: tx}
		columns, terms, err := r.orderOf(s, index)
		if err == nil {
			order, err = r.sortEntries(columns, terms, payloads)
		}
		return err
	})
	return order, err
}

// orderOf returns columns for the values of an index's entries, and the terms by
// which they are sorted.
func (r *reading) orderOf(s *vdb.Schema, index int) (columns, terms []string, err error) {
	statements := []string{tableSQL(s)}
	if sql := indexSQL(s, index); sql != "" {
		statements = append(statements, sql)
	}
	for _, statement := range statements {
		if _, err := r.tx.ExecContext(r.ctx, statement); err != nil {
			return nil, nil, err
		}
	}
	err = r.each(func(rows *sql.Rows) error {
		var collation string
		var desc bool
		if err := rows.Scan(&collation, &desc); err != nil {
			return err
		}
		column := fmt.Sprintf("c%d", len(columns))
		columns = append(columns, column)
		term := column + " COLLATE " + quote(collation)
		if desc {
			term += " DESC"
		}
		terms = append(terms, term)
		return nil
	}, `SELECT coll, "desc" FROM pragma_index_xinfo(?) ORDER BY seqno`, s.Indexes[index].Name)
	return columns, terms, err
}

func (r *reading) sortEntries(columns, terms []string, payloads [][]byte) ([]int, error) {
	if _, err := r.tx.ExecContext(r.ctx, `CREATE TEMP TABLE "vdb entries"(n INTEGER PRIMARY KEY, `+strings.Join(columns, ", ")+")"); err != nil {
		return nil, err
	}
	insert, err := r.tx.PrepareContext(r.ctx, `INSERT INTO "vdb entries" VALUES(?`+strings.Repeat(", ?", len(columns))+")")
	if err != nil {
		return nil, err
	}
	defer insert.Close()
	for i, payload := range payloads {
		vals, err := record.Parse(payload, nil)
		if err != nil {
			return nil, err
		}
		args := []any{i}
		for _, v := range vals {
			args = append(args, v.Any())
		}
		if _, err := insert.ExecContext(r.ctx, args...); err != nil {
			return nil, err
		}
	}
	var order []int
	err = r.each(func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		order = append(order, n)
		return err
	}, `SELECT n FROM "vdb entries" ORDER BY `+strings.Join(terms, ", "))
	return order, err
}

// unsortedEdits yields the edits of an index whose entries SQLite has in another
// order: it gathers those that one state has and the other has not.
func (d *treeDiff) unsortedEdits(from, to btree.Side) iter.Seq2[prolly.Edit, error] {
	return func(yield func(prolly.Edit, error) bool) {
		edits, err := d.gather(from, to)
		if err != nil {
			yield(prolly.Edit{}, err)
			return
		}
		for _, e := range edits {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (d *treeDiff) gather(from, to btree.Side) ([]prolly.Edit, error) {
	was, is := map[string][]byte{}, map[string][]byte{}
	err := btree.EachBeside(from, to, &d.dirty, func(old bool, item *btree.Item) error {
		if old {
			key, err := d.key(from.Source, item)
			was[string(key)] = nil
			return err
		}
		key, value, err := d.item(to.Source, item)
		is[string(key)] = value
		return err
	})
	if err != nil {
		return nil, err
	}
	var edits []prolly.Edit
	for key := range was {
		if _, stays := is[key]; !stays {
			edits = append(edits, prolly.Edit{Key: []byte(key)})
		}
	}
	for key, value := range is {
		edits = append(edits, prolly.Edit{Key: []byte(key), Value: value})
	}
	slices.SortFunc(edits, func(a, b prolly.Edit) int { return bytes.Compare(a.Key, b.Key) })
	return edits, nil
}

// sortedItems yields the items of a new tree in the order of their keys.
func (d *treeDiff) sortedItems(root uint32) iter.Seq2[prolly.Edit, error] {
	return func(yield func(prolly.Edit, error) bool) {
		var edits []prolly.Edit
		for item, err := range btree.Walk(btree.Side{Source: d.commit, Root: root}) {
			var e prolly.Edit
			if err == nil {
				e.Key, e.Value, err = d.item(d.commit, &item)
			}
			if err != nil {
				yield(e, err)
				return
			}
			edits = append(edits, e)
		}
		slices.SortFunc(edits, func(a, b prolly.Edit) int { return bytes.Compare(a.Key, b.Key) })
		for _, e := range edits {
			if !yield(e, nil) {
				return
			}
		}
	}
}
