package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
)

// rendering shows a version as a SQLite database file that does not exist. Each
// page is made when it is asked for: page 1 is the header and the schema table;
// the roots of the trees follow in the schema's order, then each tree's other
// pages in pre-order, then the rest of the schema table. A page's number leads to
// its node by the cumulative page counts in the nodes above.
//
// A rendering is immutable. Any number of goroutines may use it.
type rendering struct {
	numbering
	contents *vdb.Contents
	trees    []*tree // those with a root page, in the order of these
	schema   map[uint32][]byte
	// schemaSum tells schema tables apart: their rows, root pages included.
	schemaSum [32]byte
	pages     uint32 // in the file
	cache     *pageCache
	slots     slots // of the trees' pages
}

// tree is a tree with its place in the file. Places are counted without the page
// that SQLite locks: see numbering.
type tree struct {
	vdb.EngineTree
	numbering
	root  uint32 // place of the root page
	first uint32 // place of the page that follows it in pre-order
	pages uint32 // root included
	top   treeNode
	// packed has the pages of an index that is not in the order of its tree.
	packed *packedTree
	sort   func(ctx context.Context) error // makes packed
}

// numbering turns places into page numbers: all after the page that SQLite locks, which
// is never used, are one on.
type numbering struct{ lockPage uint32 }

// lockPage is the page that SQLite locks: it has the byte at 1 GiB.
const lockPage = 1<<30/btree.PageBytes + 1

// fileNumber turns a place into a page number.
func (n numbering) fileNumber(place uint32) uint32 {
	if place >= n.lockPage {
		return place + 1
	}
	return place
}

// place undoes fileNumber.
func (n numbering) place(number uint32) uint32 {
	if number > n.lockPage {
		return number - 1
	}
	return number
}

// maxPages is SQLite's own limit.
const maxPages = 1<<32 - 2

// render lays a version out.
func render(ctx context.Context, c *vdb.Contents, n numbering, cache *pageCache, in *introspector) (*rendering, error) {
	r := &rendering{contents: c, numbering: n, cache: cache}
	for _, t := range c.Tables {
		r.add(t.Rows())
		for i := range t.Schema().Indexes {
			r.add(t.Index(i))
			if x := r.trees[len(r.trees)-1]; !x.Sorted() {
				x.sort = func(ctx context.Context) error { return x.loadPacked(ctx, in, t.Schema(), i) }
			}
		}
	}
	next := uint64(2 + len(r.trees))
	for i, t := range r.trees {
		t.root = uint32(2 + i)
		t.first = uint32(next)
		if err := t.load(ctx); err != nil {
			return nil, err
		}
		if next += uint64(t.pages) - 1; next > maxPages {
			return nil, fmt.Errorf("version %s takes more than %d pages", c.Version.Root(), uint32(maxPages))
		}
	}
	if err := r.renderSchema(uint32(next)); err != nil {
		return nil, err
	}
	r.slots = newSlots(r.pages)
	return r, nil
}

func (r *rendering) add(t vdb.EngineTree) {
	r.trees = append(r.trees, &tree{EngineTree: t, numbering: r.numbering})
}

// Page returns a page of the file. Its bytes never change.
func (r *rendering) Page(number uint32) ([]byte, error) {
	if data := r.slots.page(number); data != nil {
		return data, nil
	}
	if data, ok := r.schema[number]; ok {
		return data, nil
	}
	data, err := r.render(context.Background(), number)
	if err != nil {
		return nil, fmt.Errorf("render page %d: %w", number, err)
	}
	return data, nil
}

// render makes a page, unless another rendering has made the same.
func (r *rendering) render(ctx context.Context, number uint32) ([]byte, error) {
	t, offset, err := r.locate(number)
	if err != nil {
		return nil, err
	}
	key, err := t.leafKey(ctx, offset)
	if err != nil {
		return nil, err
	}
	if p, data := r.cache.leaf(key); data != nil {
		r.slots.set(number, p)
		return data, nil
	}
	data, err := t.render(ctx, offset)
	if err == nil {
		r.slots.set(number, r.cache.put(key, data))
	}
	return data, err
}

// locate finds the tree of a page, and the page's place in its pre-order.
func (r *rendering) locate(number uint32) (*tree, uint32, error) {
	at := r.place(number)
	if number < 2 || number == r.lockPage || number > r.pages {
		return nil, 0, fmt.Errorf("page %d of %d: %w", number, r.pages, btree.ErrCorrupt)
	}
	if i := int(at) - 2; i < len(r.trees) {
		return r.trees[i], 0, nil
	}
	i := sort.Search(len(r.trees), func(i int) bool { return r.trees[i].first > at }) - 1
	if i < 0 || at-r.trees[i].first >= r.trees[i].pages-1 {
		return nil, 0, fmt.Errorf("page %d is in no tree: %w", number, btree.ErrCorrupt)
	}
	return r.trees[i], at - r.trees[i].first + 1, nil
}

// number returns the page number of a place in the tree's pre-order.
func (t *tree) number(offset uint32) uint32 {
	if offset == 0 {
		return t.fileNumber(t.root)
	}
	return t.fileNumber(t.first + offset - 1)
}

// parents returns the pages that lead from a tree's root to a page, the page
// itself last; those of an overflow page end with its leaf.
func (r *rendering) parents(number uint32) ([]uint32, error) {
	t, offset, err := r.locate(number)
	if err != nil {
		return nil, err
	}
	return t.parents(context.Background(), offset)
}

// The header of the file. https://www.sqlite.org/fileformat2.html#the_database_header
const (
	counterAt     = 24 // the change counter, and bytes 28 on the page count
	pageCountAt   = 28
	cookieAt      = 40
	userVersionAt = 60
	appIDAt       = 68
	validForAt    = 92
	sqliteVersion = 3054001
)

// header returns the first bytes of page 1, without counter and cookie: each
// connection sees its own.
func (r *rendering) header() []byte {
	h := make([]byte, btree.PageBytes)
	copy(h, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(h[16:], btree.PageBytes)
	copy(h[18:], []byte{1, 1, 0, 64, 32, 32})
	binary.BigEndian.PutUint32(h[pageCountAt:], r.pages)
	binary.BigEndian.PutUint32(h[44:], 4) // schema format
	binary.BigEndian.PutUint32(h[56:], 1) // UTF-8
	binary.BigEndian.PutUint32(h[userVersionAt:], uint32(r.contents.Settings.UserVersion))
	binary.BigEndian.PutUint32(h[appIDAt:], uint32(r.contents.Settings.ApplicationID))
	binary.BigEndian.PutUint32(h[96:], sqliteVersion)
	return h
}
