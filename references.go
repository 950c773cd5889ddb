package vdb

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// reference is the primary key or unique index of a parent table that a foreign
// key refers to. The values of both tables are compared by its affinities and
// collations, as SQLite compares them.
type reference struct {
	index   string      // empty is the primary key
	order   []int       // position in the key → position in the foreign key
	columns []keyColumn // of the key, in the order of the foreign key
	integer bool        // the key is a 64-bit integer
}

// reference finds what fk refers to in the parent table l.
func (l *layout) reference(fk ForeignKey) (*reference, error) {
	columns := fk.parentColumns(l.schema)
	if order, ok := matchColumns(l.schema.PrimaryKey, columns); ok {
		return newReference("", order, l.key, l.kind == keyInteger), nil
	}
	for i, x := range l.schema.Indexes {
		if order, ok := matchColumns(indexNames(x), columns); ok && x.Unique && !x.Partial {
			return newReference(x.Name, order, l.index[i].columns, false), nil
		}
	}
	return nil, invalidf("foreign key to %s: %v is neither its primary key nor a unique index", l.schema.Name, columns)
}

func newReference(index string, order []int, key []keyColumn, integer bool) *reference {
	r := &reference{index: index, order: order, columns: make([]keyColumn, len(order)), integer: integer}
	for i, o := range order {
		r.columns[o] = key[i]
	}
	return r
}

func indexNames(x Index) []string {
	names := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		names[i] = c.Name
	}
	return names
}

// rows selects the parent's row that vals, of the foreign key, refer to; false if
// there can be none.
func (r *reference) rows(vals []Value) (Range, bool) {
	if r.integer && record.AffinityOf("INTEGER").Apply(vals[0]).Kind() != record.KindInteger {
		return Range{}, false
	}
	return Range{Index: r.index, Prefix: pick(vals, r.order)}, true
}

// key is the form in which the values of a foreign key are compared.
func (r *reference) key(vals []Value) string {
	var key []byte
	for i, v := range vals {
		c := r.columns[i]
		key = record.AppendKey(key, c.affinity.Apply(v), record.KeyColumn{Collation: c.Collation})
	}
	return string(key)
}

// sameAs tells whether two references compare values alike.
func (r *reference) sameAs(o *reference) bool {
	return slices.EqualFunc(r.columns, o.columns, func(a, b keyColumn) bool {
		return a.affinity == b.affinity && a.Collation == b.Collation
	})
}

// fits tells whether a child's key column finds what the reference's i-th column
// equals.
func (r *reference) fits(i int, c keyColumn) bool {
	own := r.columns[i]
	return own.Collation == c.Collation && numeric(own.affinity) == numeric(c.affinity)
}

// numeric makes one affinity of the two that convert alike.
func numeric(a record.Affinity) record.Affinity {
	if a == record.AffinityInteger {
		return record.AffinityNumeric
	}
	return a
}

// referring yields the rows of t whose foreign key, on columns, holds one of keys
// (values of the parent, by their key in ref): through an index or the primary
// key where one begins with the columns, else in one pass over all rows.
func (t *tableView) referring(ctx context.Context, columns []string, ref *reference, keys map[string][]Value) iter.Seq2[prolly.Item, error] {
	if r, order, ok := t.accessPath(columns, ref.fits); ok {
		return t.referringThrough(ctx, r, order, keys)
	}
	return func(yield func(prolly.Item, error) bool) {
		positions, err := columnPositions(t.layout, columns)
		if err != nil {
			yield(prolly.Item{}, err)
			return
		}
		var row []Value
		for item, err := range t.rows.scan(ctx, allKeys, false) {
			var vals []Value
			if err == nil {
				row, err = t.decode(row, item.Key, item.Value)
			}
			if err == nil {
				vals, err = t.notNull(ctx, row, positions)
			}
			if err != nil {
				yield(prolly.Item{}, err)
				return
			}
			if vals == nil {
				continue
			}
			if _, ok := keys[ref.key(vals)]; ok && !yield(item, nil) {
				return
			}
		}
	}
}

// notNull picks columns of a row, with their contents; nil if there is no row, or
// one of them is NULL.
func (t *tableView) notNull(ctx context.Context, row []Value, positions []int) ([]Value, error) {
	if row == nil {
		return nil, nil
	}
	vals := make([]Value, len(positions))
	for i, p := range positions {
		var err error
		if vals[i], err = t.content(ctx, row[p]); err != nil || vals[i].IsNull() {
			return nil, err
		}
	}
	return vals, nil
}

// accessPath finds the primary key or an index that begins with the columns, in
// any order, if each key column there fits the column at its position.
func (t *tableView) accessPath(columns []string, fits func(position int, c keyColumn) bool) (r Range, order []int, ok bool) {
	n := len(columns)
	begins := func(names []string, key []keyColumn) bool {
		if len(names) < n {
			return false
		}
		if order, ok = matchColumns(names[:n], columns); !ok {
			return false
		}
		for i, o := range order {
			ok = ok && fits(o, key[i])
		}
		return ok
	}
	if begins(t.schema.PrimaryKey, t.key) {
		return Range{}, order, true
	}
	for i, x := range t.schema.Indexes {
		if !x.Partial && begins(indexNames(x), t.index[i].columns) {
			return Range{Index: x.Name}, order, true
		}
	}
	return Range{}, nil, false
}

// ownCollation tells whether a key sorts a column as the table's own rule does.
func (t *tableView) ownCollation(_ int, c keyColumn) bool {
	return c.Collation == t.keyColumn(c.column, "", false).Collation
}

func (t *tableView) referringThrough(ctx context.Context, r Range, order []int, keys map[string][]Value) iter.Seq2[prolly.Item, error] {
	return func(yield func(prolly.Item, error) bool) {
		for _, vals := range keys {
			if r.Index == "" && t.kind == keyInteger && vals[0].Kind() != record.KindInteger {
				continue
			}
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
