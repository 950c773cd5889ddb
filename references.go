package vdb

import (
	"context"
	"errors"
	"iter"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// referring yields the rows of t whose foreign key fk holds one of keys (values
// in the order of fk's columns, by their referenceKey): through an index or the
// primary key where one begins with fk's columns, else in one pass over all rows.
func (t *tableView) referring(ctx context.Context, fk ForeignKey, keys map[string][]Value) iter.Seq2[prolly.Item, error] {
	if r, order, ok := t.accessPath(fk.Columns); ok {
		return t.referringThrough(ctx, r, order, keys)
	}
	return func(yield func(prolly.Item, error) bool) {
		positions, err := columnPositions(t.layout, fk.Columns)
		if err != nil {
			yield(prolly.Item{}, err)
			return
		}
		vals := make([]Value, len(positions))
		var row []Value
		for item, err := range t.rows.scan(ctx, allKeys, false) {
			if err == nil {
				row, err = t.decode(row, item.Key, item.Value)
			}
			if err != nil {
				yield(prolly.Item{}, err)
				return
			}
			for i, p := range positions {
				vals[i] = row[p]
			}
			if _, ok := keys[referenceKey(vals)]; ok && !yield(item, nil) {
				return
			}
		}
	}
}

// referenceKey is the form in which the values of a foreign key are compared.
func referenceKey(vals []Value) string {
	var key []byte
	for _, v := range vals {
		key = record.AppendKey(key, v, record.KeyColumn{})
	}
	return string(key)
}

// accessPath finds the primary key or an index that begins with the columns, in
// any order, and compares them as their own collation does.
func (t *tableView) accessPath(columns []string) (r Range, order []int, ok bool) {
	n := len(columns)
	if len(t.schema.PrimaryKey) >= n {
		if order, ok := matchColumns(t.schema.PrimaryKey[:n], columns); ok {
			return Range{}, order, true
		}
	}
	for i, x := range t.schema.Indexes {
		if len(x.Columns) < n {
			continue
		}
		names := make([]string, n)
		for c := range names {
			names[c] = x.Columns[c].Name
		}
		if order, ok := matchColumns(names, columns); ok && t.index[i].ownCollations(t.layout, n) {
			return Range{Index: x.Name}, order, true
		}
	}
	return Range{}, nil, false
}

// ownCollations tells whether the first n columns of x sort by the collation
// that the table's columns have.
func (x *indexLayout) ownCollations(l *layout, n int) bool {
	for _, c := range x.columns[:n] {
		if own := l.keyColumn(c.column, "", false); own.Collation != c.Collation {
			return false
		}
	}
	return true
}

func (t *tableView) referringThrough(ctx context.Context, r Range, order []int, keys map[string][]Value) iter.Seq2[prolly.Item, error] {
	return func(yield func(prolly.Item, error) bool) {
		for _, vals := range keys {
			r.Prefix = pick(vals, order)
			for item, err := range t.scan(ctx, r) {
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// changedRows yields the rows that differ between two states of a table; all
// rows of is are new where was is nil.
func (v *verifier) changedRows(was, is *tableView) iter.Seq2[prolly.Change, error] {
	if was == nil {
		return prolly.Diff(v.ctx, prolly.New(is.config, v.to.store), is.rows.tree, allKeys)
	}
	return prolly.Diff(v.ctx, was.rows.tree, is.rows.tree, allKeys)
}

// goneRows yields the rows that were deleted or changed; all rows of was where
// is is nil or keyed otherwise.
func (v *verifier) goneRows(was, is *tableView) iter.Seq2[prolly.Change, error] {
	to := prolly.New(was.config, v.to.store)
	if is != nil && is.config == was.config {
		to = is.rows.tree
	}
	return func(yield func(prolly.Change, error) bool) {
		for change, err := range prolly.Diff(v.ctx, was.rows.tree, to, allKeys) {
			if err == nil && change.From == nil {
				continue
			}
			if !yield(change, err) {
				return
			}
		}
	}
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
