package vdb

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// condition asks that a column has a value.
type condition struct {
	column int
	key    record.KeyColumn // how the column compares
	value  Value
	want   []byte // the value as a key
}

// conditionsOf makes conditions for the rows of t, whose columns find tells; they
// are nil if there is no such column, since no row can fulfil them then.
func conditionsOf(t *tableView, where map[string]any, find func(string) (int, bool)) ([]condition, error) {
	conds := []condition{}
	for _, name := range slices.Sorted(maps.Keys(where)) {
		i, ok := find(name)
		if !ok {
			return nil, nil
		}
		v, err := ValueOf(where[name])
		if err != nil {
			return nil, err
		}
		c := condition{column: i, key: t.keyColumn(i, "", false).KeyColumn, value: t.cols[i].affinity.Apply(v)}
		c.want = record.AppendKey(nil, c.value, c.key)
		conds = append(conds, c)
	}
	return conds, nil
}

func (c *condition) holds(ctx context.Context, t *tableView, row []Value) (bool, error) {
	v, err := t.content(ctx, row[c.column])
	return err == nil && bytes.Equal(record.AppendKey(nil, v, c.key), c.want), err
}

// matches tells whether the row at key fulfils all conditions and, if there is
// one, the predicate.
func (x *restoration) matches(t *tableView, conds []condition, item prolly.Item) (bool, error) {
	row, err := t.decode(nil, item.Key, item.Value)
	if err != nil {
		return false, err
	}
	for i := range conds {
		if ok, err := conds[i].holds(x.tx.ctx, t, row); !ok || err != nil {
			return false, err
		}
	}
	if x.Match == nil {
		return true, nil
	}
	whole, err := t.row(x.tx.ctx, item.Key, item.Value)
	return err == nil && x.Match(whole), err
}

// selectRows selects the rows of a table that were, or with Exact are, as asked.
func (x *restoration) selectRows(t *restoreTable) error {
	if t.was != nil {
		conds, err := conditionsOf(t.was, x.Where, t.columnThen)
		if err != nil {
			return err
		}
		if conds != nil {
			err = x.selectFrom(t, t.was, conds, x.candidates(t, conds))
		}
		if err != nil {
			return err
		}
	}
	if !x.Exact || t.now == nil {
		return nil
	}
	if err := t.comparable(); err != nil {
		return err
	}
	conds, err := conditionsOf(t.now, x.Where, t.columnNow)
	if err != nil || conds == nil {
		return err
	}
	return x.selectFrom(t, t.now, conds, t.now.scan(x.tx.ctx, x.access(t.now, conds)))
}

func (x *restoration) selectFrom(t *restoreTable, view *tableView, conds []condition, items iter.Seq2[prolly.Item, error]) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		ok, err := x.matches(view, conds, item)
		if err != nil {
			return err
		}
		if ok {
			t.add(item.Key)
		}
	}
	return nil
}

// candidates yields the rows, as they were, among which the conditions select:
// those that an index finds; else, if nothing else is wanted of rows that are as
// they were, those that differ; else all.
func (x *restoration) candidates(t *restoreTable, conds []condition) iter.Seq2[prolly.Item, error] {
	r := x.access(t.was, conds)
	if r.Index != "" || len(r.Prefix) > 0 || x.Follow || !t.sameKeys() || t.was.kind == keyRowid {
		return t.was.scan(x.tx.ctx, r)
	}
	p := &tablePair{d: &Diff{from: x.tx.Snapshot, to: x.was}, from: t.now, to: t.was}
	return func(yield func(prolly.Item, error) bool) {
		for change, err := range p.changes(Range{From: r.From, To: r.To}) {
			if err == nil && change.To == nil {
				continue
			}
			if !yield(prolly.Item{Key: change.Key, Value: change.To}, err) || err != nil {
				return
			}
		}
	}
}

// access is the range of a table in which rows that fulfil the conditions are:
// the caller's own, or one of an index or of the primary key that begins with
// columns of conditions.
func (x *restoration) access(t *tableView, conds []condition) Range {
	if own := x.Range; own.Index != "" || len(own.Prefix)+len(own.From)+len(own.To) > 0 {
		own.Backward = false
		return own
	}
	if r, ok := accessBy(t, conds); ok {
		return r
	}
	for i := range conds {
		if r, ok := accessBy(t, conds[i:i+1]); ok {
			return r
		}
	}
	return Range{}
}

func accessBy(t *tableView, conds []condition) (Range, bool) {
	names, vals := make([]string, len(conds)), make([]Value, len(conds))
	for i, c := range conds {
		names[i], vals[i] = t.cols[c.column].name, c.value
		// A key has no NULL, nor does an integer key have any other value.
		if c.value.IsNull() || t.kind == keyInteger && t.key[0].column == c.column && c.value.Kind() != record.KindInteger {
			return Range{}, false
		}
	}
	r, order, ok := t.accessPath(names, t.ownCollation)
	if !ok || len(conds) == 0 {
		return Range{}, false
	}
	r.Prefix = pick(vals, order)
	return r, true
}

// follow selects the rows that refer to selected ones, until there are no more,
// and then the missing rows that selected ones refer to.
func (x *restoration) follow() error {
	if err := x.spread(func(t *restoreTable) *int { return &t.followed }, x.dependents); err != nil {
		return err
	}
	return x.spread(func(t *restoreTable) *int { return &t.rooted }, x.parents)
}

// spread visits the selected rows of each table, and those that are selected
// meanwhile; passed says how many of a table's were visited.
func (x *restoration) spread(passed func(*restoreTable) *int, visit func(t *restoreTable, keys [][]byte) error) error {
	for again := true; again; {
		again = false
		for i := 0; i < len(x.order); i++ {
			t := x.order[i]
			n := passed(t)
			keys := t.keys[*n:]
			if len(keys) == 0 {
				continue
			}
			*n, again = len(t.keys), true
			if err := visit(t, keys); err != nil {
				return err
			}
		}
	}
	return nil
}

// dependents selects the rows that referred to the rows at keys; with Exact also
// those that do now.
func (x *restoration) dependents(t *restoreTable, keys [][]byte) error {
	if t.was != nil {
		if err := x.dependentsIn(x.was, t.was, keys); err != nil {
			return err
		}
	}
	if x.Exact && t.now != nil {
		return x.dependentsIn(x.tx.Snapshot, t.now, keys)
	}
	return nil
}

// comparable refuses to tell which rows are new where their keys are not what
// they were.
func (t *restoreTable) comparable() error {
	if t.was != nil && t.now != nil && !t.sameKeys() {
		return invalidf("the primary key has changed since: Exact cannot match the rows")
	}
	return nil
}

func (x *restoration) dependentsIn(s *Snapshot, parent *tableView, keys [][]byte) error {
	names, err := s.Tables()
	if err != nil {
		return err
	}
	for _, name := range names {
		child, err := s.table(name)
		if err != nil {
			return err
		}
		for _, fk := range child.schema.ForeignKeys {
			if !sameName(fk.Parent, parent.schema.Name) {
				continue
			}
			if err := x.dependentsBy(s, child, fk, parent, keys); err != nil {
				return err
			}
		}
	}
	return nil
}

// dependentsBy selects the rows of child that refer by fk to the parent's rows at keys.
func (x *restoration) dependentsBy(s *Snapshot, child *tableView, fk ForeignKey, parent *tableView, keys [][]byte) error {
	ref, err := parent.reference(fk)
	if err != nil {
		return err
	}
	positions, err := columnPositions(parent.layout, fk.parentColumns(parent.schema))
	if err != nil {
		return err
	}
	wanted := map[string][]Value{}
	for _, key := range keys {
		row, err := parent.at(x.tx.ctx, key)
		if err != nil {
			return err
		}
		vals, err := parent.notNull(x.tx.ctx, row, positions)
		if err != nil {
			return err
		}
		if vals != nil {
			wanted[ref.key(vals)] = vals
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	t, err := x.table(s, child.schema.Name)
	if err != nil {
		return err
	}
	if s != x.was {
		if err := t.comparable(); err != nil {
			return fmt.Errorf("table %s: %w", t.name(), err)
		}
	}
	for item, err := range child.referring(x.tx.ctx, fk.Columns, ref, wanted) {
		if err != nil {
			return err
		}
		t.add(item.Key)
	}
	return nil
}

// at returns the row at key, nil if there is none.
func (t *tableView) at(ctx context.Context, key []byte) ([]Value, error) {
	rec, ok, err := t.rows.get(ctx, key)
	if err != nil || !ok {
		return nil, err
	}
	return t.decode(nil, key, rec)
}

// parents selects the rows that the rows at keys referred to and that are gone.
func (x *restoration) parents(t *restoreTable, keys [][]byte) error {
	if t.was == nil {
		return nil
	}
	for _, fk := range t.was.schema.ForeignKeys {
		positions, err := columnPositions(t.was.layout, fk.Columns)
		if err != nil {
			return err
		}
		parent, err := x.table(x.was, fk.Parent)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, key := range keys {
			row, err := t.was.at(x.tx.ctx, key)
			if err != nil {
				return err
			}
			vals, err := t.was.notNull(x.tx.ctx, row, positions)
			if err != nil {
				return err
			}
			if vals == nil {
				continue
			}
			if err := x.parent(parent, fk, vals); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *restoration) parent(t *restoreTable, fk ForeignKey, vals []Value) error {
	ref, err := t.was.reference(fk)
	if err != nil {
		return err
	}
	r, ok := ref.rows(vals)
	if !ok {
		return nil
	}
	for item, err := range t.was.scan(x.tx.ctx, r) {
		if err != nil {
			return err
		}
		row, err := t.was.decode(nil, item.Key, item.Value)
		if err != nil {
			return err
		}
		_, present, err := x.present(t, item.Key, row)
		if err != nil {
			return err
		}
		if present == nil {
			t.add(item.Key)
		}
	}
	return nil
}
