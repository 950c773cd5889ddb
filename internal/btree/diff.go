package btree

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
)

// Change is what became of an item: from without to was removed, to without from
// added. Both are valid until the next one is yielded.
type Change struct {
	From, To *Item
}

// Dirty says which pages were written between two states of a file.
type Dirty struct {
	// Pages are those whose bytes differ, and those that were free in the older state.
	Pages map[uint32]bool
	// Below has, for pages of the older state that stand above some of Pages, the
	// children that are among Pages or stand above some.
	Below map[uint32][]uint32
	// Overflow tells that overflow pages may be among Pages.
	Overflow bool
}

// Touched tells whether a page was written, or stands above one that was.
func (d *Dirty) Touched(number uint32) bool {
	return d.Pages[number] || len(d.Below[number]) > 0
}

// Diff yields the items that differ between two states of a tree, in the tree's
// order. An item that moved to another page is not a difference. compare orders
// items of an index tree; rows of a table are ordered by their rowids. What both
// states have in common is not read, where it is not beside something that
// differs.
func Diff(from, to Side, dirty *Dirty, compare func(from, to *Item) (int, error)) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		d := differ{dirty: dirty, compare: compare, source: to.Source, children: map[uint32][]int{}}
		if err := d.run(from, to, yield); err != nil {
			yield(Change{}, err)
		}
	}
}

// EachBeside calls each for the items of both states that are on written pages or
// below them, first those of the older. What differs is among them.
func EachBeside(from, to Side, dirty *Dirty, each func(old bool, item *Item) error) error {
	d := differ{dirty: dirty, source: to.Source, children: map[uint32][]int{}}
	a, b, err := d.walkers(from, to)
	if err != nil {
		return err
	}
	for i, w := range []*walker{a, b} {
		for {
			more, err := w.next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			if err := each(i == 0, &w.item); err != nil {
				return err
			}
		}
	}
	return nil
}

type differ struct {
	dirty   *Dirty
	compare func(from, to *Item) (int, error)
	source  Source // of the newer state
	// children are what below has returned.
	children map[uint32][]int
	from     reach
	to       reach
	change   span // of the leaf that is looked at
}

// reach is what a state of the tree has above the pages that were written.
type reach struct {
	same map[uint32]bool // interior pages on the way that were not written, nor their cells
	kept map[uint32]bool // children of the others that are untouched themselves
}

func (d *differ) run(from, to Side, yield func(Change, error) bool) error {
	a, b, err := d.walkers(from, to)
	if err != nil {
		return err
	}
	return d.join(a, b, yield)
}

// walkers returns walkers over what both states do not share.
func (d *differ) walkers(from, to Side) (a, b *walker, err error) {
	for _, side := range []struct {
		Side
		*reach
	}{{from, &d.from}, {to, &d.to}} {
		side.same, side.kept = map[uint32]bool{}, map[uint32]bool{}
		if err := d.explore(side.Source, side.Root, side.reach, 0); err != nil {
			return nil, nil, err
		}
	}
	a = &walker{source: from.Source, shared: d.shared(&d.to), skip: d.skips}
	b = &walker{source: to.Source, shared: d.shared(&d.from), skip: d.skips}
	if err := a.enter(from.Root); err != nil {
		return nil, nil, err
	}
	return a, b, b.enter(to.Root)
}

// explore finds what a state has above the pages that were written.
func (d *differ) explore(s Source, number uint32, r *reach, depth int) error {
	p, err := Open(s, number)
	if err != nil || p.Kind.IsLeaf() {
		return err
	}
	if depth > maxDepth {
		return p.corrupt("is %d levels deep", depth)
	}
	written := d.dirty.Pages[number]
	if !written {
		if written, err = d.wroteLong(&p); err != nil {
			return err
		}
	}
	if !written {
		r.same[number] = true
		for _, i := range d.below(&p) {
			child, err := p.Child(i)
			if err == nil {
				err = d.explore(s, child, r, depth+1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	for i := range p.Len() + 1 {
		child, err := p.Child(i)
		if err != nil {
			return err
		}
		if !d.dirty.Touched(child) {
			r.kept[child] = true
		} else if err := d.explore(s, child, r, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// wroteLong tells whether overflow pages of a page's own cells were written: SQLite
// writes them in place where a payload keeps its length, and the page stays as it is.
func (d *differ) wroteLong(p *Page) (bool, error) {
	if !d.dirty.Overflow || p.Kind != IndexInterior {
		return false, nil
	}
	for i := range p.Len() {
		if p.IsShort(i) {
			continue
		}
		cell, err := p.Cell(i)
		if err != nil {
			return false, err
		}
		if wrote, err := d.wroteOverflow(&cell); wrote || err != nil {
			return wrote, err
		}
	}
	return false, nil
}

// below returns the children of an interior page that was not written, itself the
// same in both states, which were written or stand above some that were.
func (d *differ) below(p *Page) []int {
	children, ok := d.children[p.Number]
	if !ok {
		children = d.dirty.Children(p)
		d.children[p.Number] = children
	}
	return children
}

// Children returns the places of those children of an interior page that were
// written, or stand above some that were. The page itself was not written.
func (d *Dirty) Children(p *Page) []int {
	below := d.Below[p.Number]
	if len(below) == 0 || p.Kind.IsLeaf() {
		return nil
	}
	if len(below) > 1 {
		below = slices.Clone(below)
		slices.Sort(below)
	}
	first, last := below[0], below[len(below)-1]
	places := make([]int, 0, len(below))
	for i := range p.count + 1 {
		child := p.child(i)
		if child < first || child > last {
			continue
		}
		if _, ok := slices.BinarySearch(below, child); ok {
			places = append(places, i)
		}
	}
	return places
}

// shared leaves out all of a page that both states have, but for what was written
// below it: its cells are the same.
func (d *differ) shared(other *reach) func(p *Page) ([]int, bool) {
	return func(p *Page) ([]int, bool) {
		if d.dirty.Pages[p.Number] || !other.same[p.Number] {
			return nil, false
		}
		return d.below(p), true
	}
}

// skips leaves out an untouched child of a page if both states have it below pages that
// they look at: what one of them leaves out so must the other.
func (d *differ) skips(_ *Page, child uint32) bool { return d.from.kept[child] && d.to.kept[child] }

// join yields what differs between two runs in order.
func (d *differ) join(a, b *walker, yield func(Change, error) bool) error {
	moreA, err := a.next()
	if err != nil {
		return err
	}
	moreB, err := b.next()
	for err == nil && (moreA || moreB) {
		change, same, e := d.pair(a, b, moreA, moreB)
		if e != nil {
			return e
		}
		if same && !d.dirty.Overflow {
			d.passCommon(a, b)
		} else if !same && !yield(change, nil) {
			return nil
		}
		if same || change.From != nil {
			if moreA, err = a.next(); err != nil {
				return err
			}
		}
		if same || change.To != nil {
			moreB, err = b.next()
		}
	}
	return err
}

// passCommon moves two walkers over the cells that two states of a leaf page have
// at the same places, and that nothing was written to.
func (d *differ) passCommon(a, b *walker) {
	if len(a.stack) == 0 || len(b.stack) == 0 {
		return
	}
	x, y := &a.stack[len(a.stack)-1], &b.stack[len(b.stack)-1]
	if x.page.Number != y.page.Number || !x.page.Kind.IsLeaf() || x.page.Kind != y.page.Kind {
		return
	}
	if x.page.Number != d.change.page {
		d.change = changeOf(&x.page, &y.page)
	}
	n := d.change.common(x.cells(), y.cells())
	x.next, y.next = x.next+2*n, y.next+2*n
}

// cells returns the places of a leaf's cells from the next one on.
func (s *step) cells() []byte {
	at := s.page.start + s.page.Kind.headerBytes()
	s.next = (s.next + 1) &^ 1
	return s.page.data[at+s.next : at+2*s.page.count]
}

// span is where two states of a page differ: cells before from and from to on are
// the same, if both have one at that place.
type span struct {
	page     uint32
	from, to int
}

// changeOf compares two states of a page, but for what is before the older's cells.
func changeOf(x, y *Page) span {
	places := x.data[x.start+x.Kind.headerBytes():][:2*x.count]
	first := len(x.data)
	for i := 0; i < len(places); i += 2 {
		first = min(first, int(binary.BigEndian.Uint16(places[i:])))
	}
	to := len(x.data)
	for to >= 8 && binary.LittleEndian.Uint64(x.data[to-8:]) == binary.LittleEndian.Uint64(y.data[to-8:]) {
		to -= 8
	}
	if to <= first {
		return span{page: x.Number}
	}
	same := first
	for same+8 <= to && binary.LittleEndian.Uint64(x.data[same:]) == binary.LittleEndian.Uint64(y.data[same:]) {
		same += 8
	}
	// The last cell that begins in what is the same may end behind it.
	from := first
	for i := 0; i < len(places); i += 2 {
		if at := int(binary.BigEndian.Uint16(places[i:])); at <= same {
			from = max(from, at)
		}
	}
	return span{page: x.Number, from: from, to: to}
}

// common returns how many cells are the same, of two lists of places.
func (s *span) common(x, y []byte) int {
	n := min(len(x), len(y)) / 2
	for i := range n {
		at := binary.BigEndian.Uint16(x[2*i:])
		if at != binary.BigEndian.Uint16(y[2*i:]) || int(at) >= s.from && int(at) < s.to {
			return i
		}
	}
	return n
}

// pair decides what to yield of the two walkers' items; same if they are.
func (d *differ) pair(a, b *walker, moreA, moreB bool) (c Change, same bool, err error) {
	switch {
	case !moreA:
		return Change{To: &b.item}, false, nil
	case !moreB:
		return Change{From: &a.item}, false, nil
	}
	if same, err = d.same(&a.item, &b.item); err != nil || same {
		return c, same, err
	}
	order, err := d.compare(&a.item, &b.item)
	if order <= 0 {
		c.From = &a.item
	}
	if order >= 0 {
		c.To = &b.item
	}
	return c, false, err
}

// same tells whether two items are one that nothing was written to.
func (d *differ) same(from, to *Item) (bool, error) {
	if from.Rowid != to.Rowid || from.Size != to.Size || from.Overflow != to.Overflow || !bytes.Equal(from.Local, to.Local) {
		return false, nil
	}
	if from.Overflow == 0 || !d.dirty.Overflow {
		return true, nil
	}
	wrote, err := d.wroteOverflow(&to.Cell)
	return !wrote, err
}

// wroteOverflow tells whether any of a cell's overflow pages was written.
func (d *differ) wroteOverflow(c *Cell) (bool, error) {
	left := c.Size - int64(len(c.Local))
	for number := c.Overflow; left > 0 && number != 0; left -= OverflowBytes {
		if d.dirty.Pages[number] {
			return true, nil
		}
		data, err := d.source.Page(number)
		if err != nil {
			return false, err
		}
		number = binary.BigEndian.Uint32(data)
	}
	return false, nil
}
