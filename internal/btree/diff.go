package btree

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Item is a row or an index entry of a tree.
type Item struct {
	Cell
	Page uint32 // the page that it is on
}

// Change is what became of an item: from without to was removed, to without from
// added.
type Change struct {
	From, To *Item
}

// Side is one of the states of a tree that Diff compares.
type Side struct {
	Source Source
	Root   uint32
}

// Dirty says which pages were written between two states.
type Dirty struct {
	// Pages are those whose bytes differ.
	Pages map[uint32]bool
	// Touched are Pages and all that are above them, in either state. Below others
	// nothing has changed: what both states have in common is skipped.
	Touched map[uint32]bool
	// Overflow tells that overflow pages are among Pages whose leaf is not.
	Overflow bool
}

// Diff yields the items that differ between two states of a tree, in the tree's
// order. An item that moved to another page is not a difference. compare orders
// items of an index tree; rows of a table are ordered by their rowids.
func Diff(from, to Side, dirty Dirty, compare func(from, to *Item) (int, error)) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		d := differ{dirty: dirty, compare: compare}
		if err := d.run(from, to, yield); err != nil && err != errStopped {
			yield(Change{}, err)
		}
	}
}

type differ struct {
	dirty   Dirty
	compare func(from, to *Item) (int, error)
	source  Source // of the newer state
}

func (d *differ) run(from, to Side, yield func(Change, error) bool) error {
	d.source = to.Source
	kept := [2]map[uint32]bool{}
	for i, side := range []Side{from, to} {
		kept[i] = map[uint32]bool{}
		if err := d.untouched(side.Source, side.Root, kept[i]); err != nil {
			return err
		}
	}
	next, stop := iter.Pull2(d.items(from, kept[1]))
	defer stop()
	next2, stop2 := iter.Pull2(d.items(to, kept[0]))
	defer stop2()
	return d.join(puller(next), puller(next2), yield)
}

// untouched collects the children outside of Touched of the touched pages.
func (d *differ) untouched(s Source, number uint32, kept map[uint32]bool) error {
	p, err := Open(s, number)
	if err != nil || p.Kind.IsLeaf() {
		return err
	}
	for i := range p.Len() + 1 {
		child, err := p.Child(i)
		if err != nil {
			return err
		}
		if !d.dirty.Touched[child] {
			kept[child] = true
		} else if err := d.untouched(s, child, kept); err != nil {
			return err
		}
	}
	return nil
}

// items yields the items of a tree but those below pages that both states have
// and that are untouched.
func (d *differ) items(side Side, other map[uint32]bool) iter.Seq2[Item, error] {
	return walk(side, func(child uint32) bool { return !d.dirty.Touched[child] && other[child] })
}

// Walk yields all items of a tree, in order.
func Walk(side Side) iter.Seq2[Item, error] {
	return walk(side, func(uint32) bool { return false })
}

func walk(side Side, skip func(child uint32) bool) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		w := walker{source: side.Source, skip: skip, yield: yield}
		if err := w.page(side.Root, 0); err != nil && err != errStopped {
			yield(Item{}, err)
		}
	}
}

type walker struct {
	source Source
	skip   func(child uint32) bool
	yield  func(Item, error) bool
}

// maxDepth is more than any tree has: deeper ones go in circles.
const maxDepth = 40

func (w *walker) page(number uint32, depth int) error {
	p, err := Open(w.source, number)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return p.corrupt("is %d levels deep", depth)
	}
	for i := range p.Len() {
		if err := w.child(&p, i, depth); err != nil {
			return err
		}
		if p.Kind == TableInterior {
			continue
		}
		c, err := p.Cell(i)
		if err != nil {
			return err
		}
		if !w.yield(Item{Cell: c, Page: number}, nil) {
			return errStopped
		}
	}
	return w.child(&p, p.Len(), depth)
}

func (w *walker) child(p *Page, i, depth int) error {
	if p.Kind.IsLeaf() {
		return nil
	}
	child, err := p.Child(i)
	if err != nil || w.skip(child) {
		return err
	}
	return w.page(child, depth+1)
}

// stopped ends a walk whose consumer has seen enough.
type stopped struct{}

func (stopped) Error() string { return "stopped" }

var errStopped error = stopped{}

// pulled is an item that is compared next; nil is none.
type pulled func() (*Item, error)

func puller(next func() (Item, error, bool)) pulled {
	var item Item
	return func() (*Item, error) {
		got, err, ok := next()
		if !ok || err != nil {
			return nil, err
		}
		item = got
		return &item, nil
	}
}

// join yields what differs between two runs in order.
func (d *differ) join(nextFrom, nextTo pulled, yield func(Change, error) bool) error {
	from, err := nextFrom()
	if err != nil {
		return err
	}
	to, err := nextTo()
	for err == nil && (from != nil || to != nil) {
		var change Change
		if change, err = d.pair(from, to); err != nil {
			return err
		}
		if (change.From != nil || change.To != nil) && !yield(change, nil) {
			return errStopped
		}
		same := change.From == nil && change.To == nil
		if same || change.From != nil {
			if from, err = nextFrom(); err != nil {
				return err
			}
		}
		if same || change.To != nil {
			to, err = nextTo()
		}
	}
	return err
}

// pair decides what to yield of two items; nothing if they are the same.
func (d *differ) pair(from, to *Item) (Change, error) {
	switch {
	case from == nil:
		return Change{To: to}, nil
	case to == nil:
		return Change{From: from}, nil
	}
	if same, err := d.same(from, to); err != nil || same {
		return Change{}, err
	}
	order, err := d.compare(from, to)
	switch {
	case err != nil:
		return Change{}, err
	case order < 0:
		return Change{From: from}, nil
	case order > 0:
		return Change{To: to}, nil
	}
	return Change{From: from, To: to}, nil
}

// same tells whether two items are one that nothing was written to.
func (d *differ) same(from, to *Item) (bool, error) {
	if from.Rowid != to.Rowid || from.Size != to.Size || from.Overflow != to.Overflow || !bytes.Equal(from.Local, to.Local) {
		return false, nil
	}
	if from.Overflow == 0 || !d.dirty.Overflow {
		return true, nil
	}
	left := to.Size - int64(len(to.Local))
	for number := to.Overflow; left > 0 && number != 0; left -= OverflowBytes {
		if d.dirty.Pages[number] {
			return false, nil
		}
		data, err := d.source.Page(number)
		if err != nil {
			return false, err
		}
		number = binary.BigEndian.Uint32(data)
	}
	return true, nil
}
