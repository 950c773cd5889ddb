package vdb

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/prolly"
)

// RowChange is a row that differs between two versions. It is the caller's.
type RowChange struct {
	Kind ChangeKind
	// Key holds the values of the primary key, or the rowid.
	Key []Value
	// From and To are the row in each version, nil where it is absent, each in
	// the column order of its own version's schema.
	From, To Row
	// Columns names the columns, as they are called now, in which a modified row
	// differs. Columns that were dropped do not count.
	Columns []string

	was, is *layout
}

// Before returns what a column held, by its name then; NULL if the row or the
// column was absent.
func (c *RowChange) Before(column string) Value { return c.was.named(c.From, column) }

// After returns what a column holds, by its name now; NULL if the row or the
// column is absent.
func (c *RowChange) After(column string) Value { return c.is.named(c.To, column) }

func (l *layout) named(row Row, column string) Value {
	if row == nil {
		return Null()
	}
	i, err := l.column(column)
	if err != nil {
		return Null()
	}
	return row[i]
}

// RowsOptions selects changed rows.
type RowsOptions struct {
	// Range bounds the primary key. It has no Index and goes forward.
	Range Range
	// Where keeps the changes for which it returns true.
	Where func(RowChange) bool
	// Limit ends after so many changes; 0 is no limit.
	Limit int
}

// Rows yields the rows of a table that differ, in the order of the primary key.
// The table goes by its name in either version. A row whose only difference is
// a dropped column, or an added one at its default, does not count as changed.
func (d *Diff) Rows(table string, opts ...*RowsOptions) iter.Seq2[RowChange, error] {
	o := &RowsOptions{}
	for _, given := range opts {
		if given != nil {
			o = given
		}
	}
	return func(yield func(RowChange, error) bool) { d.yieldRows(table, o, yield) }
}

// yieldRows yields the rows that Rows returns.
func (d *Diff) yieldRows(table string, o *RowsOptions, yield func(RowChange, error) bool) {
	p, err := d.pair(table)
	if err != nil {
		yield(RowChange{}, err)
		return
	}
	n := 0
	for change, err := range p.changes(o.Range) {
		var row RowChange
		if err == nil {
			row, err = p.rowChange(change)
		}
		if err != nil {
			yield(RowChange{}, opError(d.op+", table "+table, err))
			return
		}
		if o.Where != nil && !o.Where(row) {
			continue
		}
		n++
		if !yield(row, nil) || n == o.Limit {
			return
		}
	}
}

// rowChange decodes a change for the caller.
func (p *tablePair) rowChange(change prolly.Change) (RowChange, error) {
	c := RowChange{Kind: kindOf(change.From != nil, change.To != nil)}
	ctx, key := p.d.from.ctx, bytes.Clone(change.Key)
	var err error
	if p.from != nil {
		c.was = p.from.layout
		if c.From, err = p.from.decoded(key, bytes.Clone(change.From)); err != nil {
			return RowChange{}, err
		}
	}
	if p.to != nil {
		c.is = p.to.layout
		if c.To, err = p.to.decoded(key, bytes.Clone(change.To)); err != nil {
			return RowChange{}, err
		}
	}
	if c.Kind == Modified {
		for _, i := range p.conv.changed(c.From, c.To) {
			c.Columns = append(c.Columns, p.to.cols[i].name)
		}
	}
	if c.From, err = p.from.loaded(ctx, c.From); err != nil {
		return RowChange{}, err
	}
	if c.To, err = p.to.loaded(ctx, c.To); err != nil {
		return RowChange{}, err
	}
	if c.To != nil {
		c.Key, err = p.to.keyValues(key, c.To)
	} else {
		c.Key, err = p.from.keyValues(key, c.From)
	}
	return c, err
}

// changes yields the rows that differ, as they are stored, in the order of
// their keys.
func (p *tablePair) changes(r Range) iter.Seq2[prolly.Change, error] {
	changes, err := p.changesIn(r)
	if err != nil {
		return func(yield func(prolly.Change, error) bool) { yield(prolly.Change{}, err) }
	}
	return changes
}

func (p *tablePair) changesIn(r Range) (iter.Seq2[prolly.Change, error], error) {
	if r.Index != "" || r.Backward {
		return nil, invalidf("a diff goes forward by the primary key")
	}
	ctx, t := p.d.from.ctx, p.to
	if t == nil {
		t = p.from
	}
	keys, err := t.keyRange(r)
	switch {
	case err != nil:
		return nil, err
	case p.from == nil:
		return prolly.Diff(ctx, p.to.emptyLike(), p.to.rows.tree, keys), nil
	case p.to == nil:
		return prolly.Diff(ctx, p.from.rows.tree, p.from.emptyLike(), keys), nil
	}
	conv, err := p.converter()
	switch {
	case err != nil:
		return nil, err
	case p.from.layout == p.to.layout:
		return prolly.Diff(ctx, p.from.rows.tree, p.to.rows.tree, keys), nil
	case conv.sameRecords:
		return p.logical(prolly.Diff(ctx, p.from.rows.tree, p.to.rows.tree, keys)), nil
	case conv.sameKeys:
		return p.logical(allRows(ctx, p.from.rows.tree, p.to.rows.tree, keys)), nil
	}
	was, err := p.from.keyRange(r)
	return p.replaced(ctx, was, keys), err
}

// replaced yields all rows: those of the one version, deleted, and those of the
// other, added.
func (p *tablePair) replaced(ctx context.Context, was, is prolly.Range) iter.Seq2[prolly.Change, error] {
	return func(yield func(prolly.Change, error) bool) {
		for change, err := range prolly.Diff(ctx, p.from.rows.tree, p.from.emptyLike(), was) {
			if !yield(change, err) || err != nil {
				return
			}
		}
		for change, err := range prolly.Diff(ctx, p.to.emptyLike(), p.to.rows.tree, is) {
			if !yield(change, err) || err != nil {
				return
			}
		}
	}
}

// logical leaves out the rows whose records differ only because their layouts do.
func (p *tablePair) logical(changes iter.Seq2[prolly.Change, error]) iter.Seq2[prolly.Change, error] {
	return func(yield func(prolly.Change, error) bool) {
		var was, is []Value
		for change, err := range changes {
			differs := true
			if err == nil && change.From != nil && change.To != nil {
				if was, err = p.from.decode(was, change.Key, change.From); err == nil {
					is, err = p.to.decode(is, change.Key, change.To)
				}
				differs = err != nil || len(p.conv.changed(was, is)) > 0
			}
			if err != nil {
				yield(prolly.Change{}, err)
				return
			}
			if differs && !yield(change, nil) {
				return
			}
		}
	}
}

// allRows yields all rows of two trees, matched by key, those that are equal included.
func allRows(ctx context.Context, from, to prolly.Tree, keys prolly.Range) iter.Seq2[prolly.Change, error] {
	return func(yield func(prolly.Change, error) bool) {
		a, b := from.Cursor(), to.Cursor()
		err := seekFirst(ctx, keys.From, a, b)
		for err == nil && (a.Valid() || b.Valid()) {
			order := compareCursors(a, b)
			var change prolly.Change
			if order <= 0 {
				change = prolly.Change{Key: bytes.Clone(a.Key()), From: a.Value()}
				err = a.Next(ctx)
			}
			if order >= 0 && err == nil {
				change.Key, change.To = bytes.Clone(b.Key()), b.Value()
				err = b.Next(ctx)
			}
			if err != nil || keys.To != nil && bytes.Compare(change.Key, keys.To) >= 0 {
				break
			}
			if !yield(change, nil) {
				return
			}
		}
		if err != nil {
			yield(prolly.Change{}, err)
		}
	}
}

func seekFirst(ctx context.Context, key []byte, cursors ...*prolly.Cursor) error {
	for _, c := range cursors {
		err := c.First(ctx)
		if key != nil {
			err = c.Seek(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compareCursors orders two cursors by key, the end last.
func compareCursors(a, b *prolly.Cursor) int {
	switch {
	case !b.Valid():
		return -1
	case !a.Valid():
		return 1
	}
	return bytes.Compare(a.Key(), b.Key())
}

// Counts is how many rows were added, deleted and modified.
type Counts struct{ Added, Deleted, Modified uint64 }

// Total returns the number of rows that changed.
func (c Counts) Total() uint64 { return c.Added + c.Deleted + c.Modified }

func (c *Counts) add(kind ChangeKind) {
	switch kind {
	case Added:
		c.Added++
	case Deleted:
		c.Deleted++
	case Modified:
		c.Modified++
	}
}

// String prints the counts as in "3 added, 1 deleted, 2 modified".
func (c Counts) String() string {
	return fmt.Sprintf("%d added, %d deleted, %d modified", c.Added, c.Deleted, c.Modified)
}

// Count counts the rows of a table that differ, as Rows yields them. A table
// that only one version has is not read.
func (d *Diff) Count(table string) (Counts, error) {
	p, err := d.pair(table)
	if err != nil {
		return Counts{}, err
	}
	n, err := p.count()
	return n, opError(d.op+", table "+table, err)
}

func (p *tablePair) count() (n Counts, err error) {
	ctx := p.d.from.ctx
	switch {
	case p.from == nil:
		n.Added, err = p.to.rows.tree.Count(ctx)
		return n, err
	case p.to == nil:
		n.Deleted, err = p.from.rows.tree.Count(ctx)
		return n, err
	}
	for change, err := range p.changes(Range{}) {
		if err != nil {
			return Counts{}, err
		}
		n.add(kindOf(change.From != nil, change.To != nil))
	}
	return n, nil
}
