package prolly

import (
	"bytes"
	"context"
	"iter"
)

// Change is a key whose value differs between two trees: From in the one, To in
// the other. From is nil if the key was added, To if it was deleted.
type Change struct{ Key, From, To []byte }

// Diff returns the changes that lead from one tree to another, of the same
// Config, in a range of keys, ascending. They may be kept. Subtrees that both
// trees have are not read, so the cost follows the number of changes.
func Diff(ctx context.Context, from, to Tree, r Range) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if from.root == to.root {
			return
		}
		d := differ{from: path{tree: from}, to: path{tree: to}, end: r.To}
		if err := d.run(ctx, r.From, yield); err != nil {
			yield(Change{}, fail("diff", err))
		}
	}
}

// differ walks over two trees at once. All keys that one path has passed, the
// other has passed too; so when both stand before the same subtree, the rows
// of both that come next are the same.
type differ struct {
	from, to path
	end      []byte // stop before this key; nil: nowhere
}

func (d *differ) run(ctx context.Context, start []byte, yield func(Change, error) bool) error {
	if err := d.start(ctx, start); err != nil {
		return err
	}
	for !d.from.done() || !d.to.done() {
		if d.from.sharesWith(&d.to) {
			d.from.skip()
			d.to.skip()
			continue
		}
		if a, b := d.from.level(), d.to.level(); a >= 0 || b >= 0 {
			if err := enterHighest(ctx, max(a, b), &d.from, &d.to); err != nil {
				return err
			}
			continue
		}
		if change, ok := d.row(); ok && !yield(change, nil) {
			return nil
		}
	}
	return nil
}

func (d *differ) start(ctx context.Context, key []byte) error {
	for _, p := range []*path{&d.from, &d.to} {
		var err error
		if key == nil {
			err = p.start(ctx)
		} else {
			err = p.seek(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enterHighest enters those of the paths whose current element is on level.
func enterHighest(ctx context.Context, level int, paths ...*path) error {
	for _, p := range paths {
		if p.level() != level {
			continue
		}
		if err := p.enter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// row passes the next row, and returns the change if there is one.
func (d *differ) row() (Change, bool) {
	if d.end != nil {
		d.from.stopAt(d.end)
		d.to.stopAt(d.end)
		if d.from.done() && d.to.done() {
			return Change{}, false
		}
	}
	switch c := d.from.compareKeys(&d.to); {
	case c < 0:
		return d.passFrom(), true
	case c > 0:
		return d.passTo(), true
	}
	from, to := d.from.value(), d.to.value()
	if bytes.Equal(from, to) {
		d.from.skip()
		d.to.skip()
		return Change{}, false
	}
	change := d.passTo()
	change.From = from
	d.from.skip()
	return change, true
}

func (d *differ) passFrom() Change {
	f := d.from.top()
	change := Change{Key: f.node.Key(f.i), From: f.node.value(f.i)}
	d.from.skip()
	return change
}

func (d *differ) passTo() Change {
	f := d.to.top()
	change := Change{Key: f.node.Key(f.i), To: f.node.value(f.i)}
	d.to.skip()
	return change
}

// stopAt ends a path at a row that is not below key.
func (p *path) stopAt(key []byte) {
	if !p.done() && p.top().node.compare(p.top().i, key) >= 0 {
		p.frames = p.frames[:0]
	}
}

// compareKeys orders the elements of two paths by key, an end above all. It
// must not be called at two ends.
func (p *path) compareKeys(q *path) int {
	switch {
	case p.done():
		return 1
	case q.done():
		return -1
	}
	return p.top().node.compare(p.top().i, q.key())
}

// Counts is how many changes there are of each kind.
type Counts struct{ Added, Deleted, Modified uint64 }

// CountDiff counts the changes that Diff returns.
func CountDiff(ctx context.Context, from, to Tree, r Range) (Counts, error) {
	var c Counts
	for change, err := range Diff(ctx, from, to, r) {
		switch {
		case err != nil:
			return Counts{}, err
		case change.From == nil:
			c.Added++
		case change.To == nil:
			c.Deleted++
		default:
			c.Modified++
		}
	}
	return c, nil
}
