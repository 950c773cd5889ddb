package btree

import "iter"

// Item is a row or an index entry of a tree.
type Item struct {
	Cell
	Page uint32 // the page that it is on
}

// Side is one of the states of a tree.
type Side struct {
	Source Source
	Root   uint32
}

// Walk yields all items of a tree, in order.
func Walk(side Side) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		w := walker{source: side.Source}
		if err := w.enter(side.Root); err != nil {
			yield(Item{}, err)
			return
		}
		for {
			ok, err := w.next()
			if err != nil {
				yield(Item{}, err)
			}
			if err != nil || !ok || !yield(w.item, nil) {
				return
			}
		}
	}
}

// walker moves over the items of a tree in order.
type walker struct {
	source Source
	// shared tells whether all of an interior page is to be left out but some of its
	// children, and which: by their positions. nil leaves out nothing.
	shared func(p *Page) (children []int, ok bool)
	// skip tells whether to leave out what is below a child; nil leaves out nothing.
	skip  func(p *Page, child uint32) bool
	stack []step
	item  Item // the current one
}

// step is a page on the way to the item. On an interior page there are Len()+1
// children, and between them, unless it is a table's, the cells.
type step struct {
	page Page
	next int // position: 2i is child i, 2i+1 is cell i
	// only are the children that are left, if all else of the page is left out.
	only   []int
	shared bool
}

// usualDepth is room for the levels of some ten million rows.
const usualDepth = 4

// maxDepth is more than any tree has: deeper ones go in circles.
const maxDepth = 40

// enter goes down to a page.
func (w *walker) enter(number uint32) error {
	p, err := Open(w.source, number)
	if err != nil {
		return err
	}
	if len(w.stack) >= maxDepth {
		return p.corrupt("is %d levels deep", len(w.stack))
	}
	if w.stack == nil {
		w.stack = make([]step, 0, usualDepth)
	}
	w.stack = append(w.stack, step{page: p})
	if w.shared != nil && !p.Kind.IsLeaf() {
		s := &w.stack[len(w.stack)-1]
		s.only, s.shared = w.shared(&s.page)
	}
	return nil
}

// descend goes down to the next of a page's children that are not left out.
func (w *walker) descend(s *step) error {
	if len(s.only) == 0 {
		w.stack = w.stack[:len(w.stack)-1]
		return nil
	}
	child, err := s.page.Child(s.only[0])
	if err != nil {
		return err
	}
	s.only = s.only[1:]
	return w.enter(child)
}

// next moves to the next item; false if there is none.
func (w *walker) next() (bool, error) {
	for len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if top.shared {
			if err := w.descend(top); err != nil {
				return false, err
			}
			continue
		}
		position := top.next
		top.next++
		switch {
		case position > 2*top.page.count || position == 2*top.page.count && top.page.Kind.IsLeaf():
			w.stack = w.stack[:len(w.stack)-1]
		case position%2 == 1:
			if top.page.Kind == TableInterior {
				continue
			}
			c, err := top.page.Cell(position / 2)
			w.item = Item{Cell: c, Page: top.page.Number}
			return err == nil, err
		case !top.page.Kind.IsLeaf():
			child, err := top.page.Child(position / 2)
			if err != nil {
				return false, err
			}
			if w.skip != nil && w.skip(&top.page, child) {
				continue
			}
			if err := w.enter(child); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}
