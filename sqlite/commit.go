package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/btree"
	"github.com/vdbgo/vdb/prolly"
)

// commit is one transaction's way into the branch: the pages that SQLite wrote are
// compared with those that they replace; the rows and index entries that differ
// become edits of the trees, in one durable append.
type commit struct {
	ctx    context.Context
	db     *database
	base   *snapshot
	write  *written
	dirty  btree.Dirty
	schema bool // the schema table was written
	// schemaSum is that of the schema table as written.
	schemaSum [32]byte
}

// commit makes a transaction durable and returns what the branch is then.
func (f *branchFile) commit(ctx context.Context, base *snapshot, w *written) (*snapshot, error) {
	c := &commit{ctx: ctx, db: f.db, base: base, write: w}
	if err := c.compare(); err != nil {
		return nil, err
	}
	edit, err := c.edit()
	if err != nil {
		return nil, err
	}
	own, ok, err := f.db.engine.Append(ctx, f.branch, edit)
	if err == nil && !ok && !c.base.version.Settled() {
		edit, err = c.editTrees()
	}
	if err == nil && !ok {
		own, _, err = f.db.engine.Commit(ctx, f.branch, edit)
	}
	if err != nil {
		return nil, err
	}
	return c.follow(own, edit)
}

// editTrees makes the edits of all trees as they are once they are settled.
func (c *commit) editTrees() (*vdb.EngineEdit, error) {
	contents, err := c.db.engine.Load(c.ctx, c.base.version)
	if err != nil {
		return nil, err
	}
	base := *c.base
	base.contents, base.version = contents, contents.Version
	c.base = &base
	return c.edit()
}

// Page returns a page as the transaction has left it.
func (c *commit) Page(number uint32) ([]byte, error) {
	if data, ok := c.write.pages[number]; ok {
		return data, nil
	}
	return c.base.Page(number)
}

// compare finds the pages that differ, and those above them. A page that was free differs
// even if SQLite has given it the very bytes that it had: it was not in a tree.
func (c *commit) compare() error {
	c.dirty = btree.Dirty{Pages: map[uint32]bool{}, Below: map[uint32][]uint32{}}
	var free map[uint32]bool
	for number, data := range c.write.pages {
		if number <= c.base.pages {
			was, err := c.base.Page(number)
			if err != nil {
				return err
			}
			same := bytes.Equal(was, data)
			if same && free == nil {
				if free, err = btree.Free(c.base); err != nil {
					return err
				}
			}
			if same && !free[number] {
				delete(c.write.pages, number)
				continue
			}
		}
		c.dirty.Pages[number] = true
	}
	for number := range c.dirty.Pages {
		if err := c.touch(number); err != nil {
			return err
		}
	}
	c.noteOverflow()
	return nil
}

// touch notes all that is above a written page.
func (c *commit) touch(number uint32) error {
	for {
		above, more, err := c.base.above(number)
		if err != nil || len(above) == 0 {
			return err
		}
		for _, parent := range above {
			if slices.Contains(c.dirty.Below[parent], number) {
				return nil // and so is all above it
			}
			c.dirty.Below[parent] = append(c.dirty.Below[parent], number)
			number = parent
			if _, moved := c.base.over.parents[number]; moved {
				more = true
				break
			}
		}
		if !more {
			return nil
		}
	}
}

// noteOverflow sees whether written pages may be overflow pages: where what is above
// them does not have them as children.
func (c *commit) noteOverflow() {
	for parent, below := range c.dirty.Below {
		p, err := btree.Open(c.base, parent)
		if err != nil || p.Kind.IsLeaf() || len(c.dirty.Children(&p)) < len(below) {
			c.dirty.Overflow = true
			return
		}
	}
}

// above returns pages that are above another, nearest first: all of them as
// rendered, or the next one where that has changed, and then there may be more. A
// root has none, nor does a page that was made since.
func (s *snapshot) above(number uint32) (pages []uint32, more bool, err error) {
	if parent, ok := s.over.parents[number]; ok {
		return []uint32{parent}, true, nil
	}
	if number == 1 || number > s.rendering.pages || number == s.lockPage {
		return nil, false, nil
	}
	if _, ok := s.schema[number]; ok {
		return []uint32{1}, false, nil
	}
	path, err := s.rendering.parents(number)
	if err != nil {
		return nil, false, err
	}
	path = path[:len(path)-1]
	slices.Reverse(path)
	return path, false, nil
}

// parent returns the page above another, or 0: a root's, or where there is none.
func (s *snapshot) parent(number uint32) (uint32, error) {
	above, _, err := s.above(number)
	if err != nil || len(above) == 0 {
		return 0, err
	}
	return above[0], nil
}

// edit makes the edits of all trees.
func (c *commit) edit() (*vdb.EngineEdit, error) {
	edit := &vdb.EngineEdit{Base: c.base.version}
	if err := c.settings(edit); err != nil {
		return nil, err
	}
	var err error
	if c.schema, err = c.schemaChanged(); err != nil {
		return nil, err
	}
	if c.schema {
		return edit, c.editSchema(edit)
	}
	root := 0
	if err := c.editSequences(edit, nil); err != nil {
		return nil, err
	}
	for i, t := range c.base.contents.Tables {
		n := 1 + len(t.Schema().Indexes)
		if isSequenceTable(t.Schema().Name) {
			root += n
			continue
		}
		if te, changed := c.editTable(t, c.base.trees[root:root+n]); changed {
			te.Position = i
			edit.Tables = append(edit.Tables, te)
		}
		root += n
	}
	return edit, nil
}

// settings sees whether the numbers in the file's header were changed.
func (c *commit) settings(edit *vdb.EngineEdit) error {
	page, err := c.Page(1)
	if err != nil {
		return err
	}
	set := vdb.Settings{
		ApplicationID: int32(binary.BigEndian.Uint32(page[appIDAt:])),
		UserVersion:   int32(binary.BigEndian.Uint32(page[userVersionAt:])),
	}
	if set != c.base.contents.Settings {
		edit.Settings = &set
	}
	return nil
}

// schemaChanged tells whether a page of the schema table was written.
func (c *commit) schemaChanged() (bool, error) {
	was, err := c.base.Page(1)
	if err != nil {
		return false, err
	}
	is, err := c.Page(1)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(was[btree.FileHeader:], is[btree.FileHeader:]) {
		return true, nil
	}
	for number := range c.base.schema {
		if number != 1 && c.dirty.Pages[number] {
			return true, nil
		}
	}
	return false, nil
}

// editTable makes the edits of a table and its indexes whose schema is as it was.
func (c *commit) editTable(t vdb.EngineTable, trees []*tree) (vdb.EngineTableEdit, bool) {
	te := vdb.EngineTableEdit{Table: t, Indexes: make([]vdb.EngineItems, len(trees)-1), Many: len(c.dirty.Pages) >= manyPages}
	changed := false
	for i, rendered := range trees {
		tree := t.Rows()
		if i > 0 {
			tree = t.Index(i - 1)
		}
		root := rendered.number(0)
		if !c.dirty.Touched(root) {
			continue
		}
		changed = true
		items := c.diff(tree, root)
		if i == 0 {
			te.Rows = items
		} else {
			te.Indexes[i-1] = items
		}
	}
	return te, changed
}

// manyPages are so many written pages that it pays to edit trees at once.
const manyPages = 64

// diff yields the edits of one tree.
func (c *commit) diff(t vdb.EngineTree, root uint32) vdb.EngineItems {
	return func(ctx context.Context, w prolly.Store) iter.Seq2[prolly.Edit, error] {
		d := &treeDiff{commit: c, ctx: ctx, tree: t, store: w}
		return d.edits(btree.Side{Source: c.base, Root: root}, btree.Side{Source: c, Root: root})
	}
}

// build yields the items of a new tree.
func (c *commit) build(t vdb.EngineTree, root uint32) vdb.EngineItems {
	return func(ctx context.Context, w prolly.Store) iter.Seq2[prolly.Edit, error] {
		d := &treeDiff{commit: c, ctx: ctx, tree: t, store: w}
		if !t.Sorted() {
			return d.sortedItems(root)
		}
		return func(yield func(prolly.Edit, error) bool) {
			for item, err := range btree.Walk(btree.Side{Source: c, Root: root}) {
				var e prolly.Edit
				if err == nil {
					e.Key, e.Value, err = d.item(c, &item)
				}
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

// treeDiff turns the difference of two states of a tree into edits.
type treeDiff struct {
	*commit
	ctx   context.Context
	tree  vdb.EngineTree
	store prolly.Store
	buf   []byte
	seen  int
}

func (d *treeDiff) edits(from, to btree.Side) iter.Seq2[prolly.Edit, error] {
	if !d.tree.Sorted() {
		return d.unsortedEdits(from, to)
	}
	return func(yield func(prolly.Edit, error) bool) {
		for change, err := range btree.Diff(from, to, &d.dirty, d.order) {
			var e prolly.Edit
			switch {
			case err != nil:
			case change.To == nil:
				e.Key, err = d.key(d.base, change.From)
			default:
				e.Key, e.Value, err = d.item(d.commit, change.To)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// order compares two items that are not the same.
func (d *treeDiff) order(from, to *btree.Item) (int, error) {
	if d.tree.Integer() {
		switch {
		case from.Rowid < to.Rowid:
			return -1, nil
		case from.Rowid > to.Rowid:
			return 1, nil
		}
		return 0, nil
	}
	a, err := d.key(d.base, from)
	if err != nil {
		return 0, err
	}
	b, err := d.key(d.commit, to)
	return bytes.Compare(a, b), err
}

// key returns an item's key in the tree.
func (d *treeDiff) key(s btree.Source, item *btree.Item) ([]byte, error) {
	if d.tree.Integer() {
		return d.tree.KeyOf(item.Rowid, nil)
	}
	payload, err := item.Payload(s, d.buf[:0], nil)
	if err != nil {
		return nil, err
	}
	d.buf = payload[:0]
	return d.tree.KeyOf(0, payload)
}

// item returns an item as the tree holds it.
func (d *treeDiff) item(s btree.Source, item *btree.Item) (key, value []byte, err error) {
	if d.seen++; d.seen%1024 == 0 {
		if err := d.ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
	payload, err := item.Payload(s, d.buf[:0], nil)
	if err != nil {
		return nil, nil, err
	}
	d.buf = payload[:0]
	return d.tree.Item(d.ctx, d.store, item.Rowid, payload)
}

// follow returns the snapshot after the transaction. One that changed the schema
// is for the connection alone, which may still read it: others see a rendering of
// its own.
func (c *commit) follow(own vdb.Version, edit *vdb.EngineEdit) (*snapshot, error) {
	s := *c.base
	s.version, s.pages = own, c.write.count
	if edit.Counted != nil {
		s.sequences = edit.Counted
	}
	if c.schema {
		s.schemaSum, s.over, s.alone = c.schemaSum, s.over.clone(), true
	} else {
		s.contents = c.edited(own, edit)
		if err := c.noteParents(); err != nil {
			return nil, fmt.Errorf("after commit: %w", err)
		}
	}
	s.at = s.over.add(c.write.pages)
	return &s, nil
}

// edited returns the contents as the transaction has left them.
func (c *commit) edited(own vdb.Version, edit *vdb.EngineEdit) *vdb.Contents {
	contents := *c.base.contents
	contents.Version = own
	if edit.Settings != nil {
		contents.Settings = *edit.Settings
	}
	if len(edit.Tables) > 0 {
		contents.Tables = slices.Clone(contents.Tables)
	}
	for _, t := range edit.Tables {
		contents.Tables[t.Position] = t.Table
	}
	return &contents
}

// noteParents records what is above the pages that written pages refer to.
func (c *commit) noteParents() error {
	for _, t := range c.base.trees {
		if root := t.number(0); c.dirty.Touched(root) {
			if err := c.noteBelow(root); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *commit) noteBelow(number uint32) error {
	p, err := btree.Open(c, number)
	if err != nil {
		return err
	}
	if !c.dirty.Pages[number] {
		return c.noteChildren(&p, c.dirty.Children(&p))
	}
	if p.Kind != btree.TableInterior {
		if err := c.noteLong(&p); err != nil {
			return err
		}
	}
	return c.noteNewChildren(&p)
}

// noteChildren goes on with some children of a page.
func (c *commit) noteChildren(p *btree.Page, places []int) error {
	for _, i := range places {
		child, err := p.Child(i)
		if err == nil {
			err = c.noteBelow(child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noteNewChildren records the children of a page that was written, and goes on with
// those that were touched.
func (c *commit) noteNewChildren(p *btree.Page) error {
	if p.Kind.IsLeaf() {
		return nil
	}
	for i := range p.Len() + 1 {
		child, err := p.Child(i)
		if err != nil {
			return err
		}
		c.base.over.parents[child] = p.Number
		if c.dirty.Touched(child) {
			if err := c.noteBelow(child); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteLong records the overflow pages of a page's cells.
func (c *commit) noteLong(p *btree.Page) error {
	for i := range p.Len() {
		if p.IsShort(i) {
			continue
		}
		cell, err := p.Cell(i)
		if err == nil {
			err = c.noteOverflowOf(&cell, p.Number, c.base.over.parents)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noteOverflowOf records the page that a cell's overflow pages belong to, unless
// that is known.
func (c *commit) noteOverflowOf(cell *btree.Cell, number uint32, parents map[uint32]uint32) error {
	if cell.Overflow == 0 {
		return nil
	}
	parent, err := c.base.parent(cell.Overflow)
	if err != nil || parent == number && !c.dirty.Pages[cell.Overflow] {
		return err
	}
	_, err = cell.Payload(c, nil, func(page uint32) { parents[page] = number })
	return err
}
