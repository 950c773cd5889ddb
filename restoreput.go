package vdb

import (
	"bytes"
	"slices"
	"sort"

	"github.com/vdbgo/vdb/internal/record"
)

// put makes the selected rows of a table what they were.
func (x *restoration) put(t *restoreTable) error {
	if t.now == nil && (len(t.keys) > 0 || x.Table != "" && t == x.order[0]) {
		if err := x.recreate(t); err != nil {
			return err
		}
	}
	sort.Slice(t.keys, func(i, j int) bool { return bytes.Compare(t.keys[i], t.keys[j]) < 0 })
	if t.now != nil && t.now.kind == keyRowid {
		return x.putUnkeyed(t)
	}
	for _, key := range t.keys {
		if err := x.putRow(t, key); err != nil {
			return err
		}
	}
	return nil
}

// recreate makes a table again that has been dropped.
func (x *restoration) recreate(t *restoreTable) error {
	name := t.was.schema.Name
	if v := x.virtualThen.keptIn(name); v != nil {
		return invalidf("virtual table %s has been dropped: create it again first", v.Name)
	}
	if err := x.tx.createTable(t.was.schema.Clone()); err != nil {
		return err
	}
	var err error
	if t.now, err = x.tx.table(name); err != nil {
		return err
	}
	t.conv = newConverter(t.was.layout, t.now.layout, &identities{}, &identities{})
	x.done.Tables = append(x.done.Tables, name)
	return nil
}

// present returns the key that a row of then has now, and the row that is there.
func (x *restoration) present(t *restoreTable, key []byte, row []Value) ([]byte, []Value, error) {
	if t.now == nil {
		return nil, nil, nil
	}
	if !t.sameKeys() && t.now.kind != keyRowid {
		var err error
		if key, err = t.now.rowKey(nil, t.conv.convert(row, nil)); err != nil {
			return nil, nil, err
		}
	}
	now, err := t.now.at(x.tx.ctx, key)
	return key, now, err
}

func (x *restoration) putRow(t *restoreTable, key []byte) error {
	row, err := x.before(t, key)
	if err != nil {
		return err
	}
	if row == nil {
		return x.remove(t, key)
	}
	key, now, err := x.present(t, key, row)
	if err != nil {
		return err
	}
	return x.write(t, key, now, t.conv.convert(row, now))
}

// before returns the row at key as it was; nil if it was not there.
func (x *restoration) before(t *restoreTable, key []byte) ([]Value, error) {
	if t.was == nil {
		return nil, nil
	}
	return t.was.at(x.tx.ctx, key)
}

// write stores a row in the place of now, which may be nil, if it differs.
func (x *restoration) write(t *restoreTable, key []byte, now, row []Value) error {
	change := RowChange{Kind: kindOf(now != nil, true), was: t.now.layout, is: t.now.layout}
	for i := range now {
		if !now[i].Equal(row[i]) {
			change.Columns = append(change.Columns, t.now.cols[i].name)
		}
	}
	if now != nil && len(change.Columns) == 0 {
		return nil
	}
	view, err := x.tx.writable(t.now.schema.Name)
	if err != nil {
		return err
	}
	if err := view.prepare(row); err != nil {
		return err
	}
	n, err := view.put(x.tx.ctx, writePut, key, row)
	if err != nil {
		return err
	}
	change.From, change.To = now, row
	if err := x.report(t, key, change); err != nil {
		return err
	}
	return x.tx.wrote(n)
}

// remove deletes the row at key, which was not there.
func (x *restoration) remove(t *restoreTable, key []byte) error {
	row, err := t.now.at(x.tx.ctx, key)
	if err != nil || row == nil {
		return err
	}
	view, err := x.tx.writable(t.now.schema.Name)
	if err != nil {
		return err
	}
	n, _, err := view.remove(x.tx.ctx, key)
	if err != nil {
		return err
	}
	change := RowChange{Kind: Deleted, From: row, was: t.now.layout, is: t.now.layout}
	if err := x.report(t, key, change); err != nil {
		return err
	}
	return x.tx.wrote(n)
}

// report notes what was done, with rows that the caller may keep.
func (x *restoration) report(t *restoreTable, key []byte, change RowChange) (err error) {
	name := t.now.schema.Name
	n := x.done.Counts[name]
	n.add(change.Kind)
	x.done.Counts[name] = n
	if x.CountOnly {
		return nil
	}
	row := change.To
	if row == nil {
		row = change.From
	}
	if change.Key, err = t.now.keyValues(key, row); err != nil {
		return err
	}
	change.Key = slices.Clone(change.Key)
	for i := range change.Key {
		change.Key[i] = owned(change.Key[i])
	}
	ctx := x.tx.ctx
	if change.From, err = t.now.loaded(ctx, slices.Clone(change.From)); err != nil {
		return err
	}
	if change.To, err = t.now.loaded(ctx, slices.Clone(change.To)); err != nil {
		return err
	}
	for _, vals := range [][]Value{change.From, change.To} {
		for i := range vals {
			vals[i] = owned(vals[i])
		}
	}
	x.done.Changes = append(x.done.Changes, RestoredRow{Table: name, RowChange: change})
	return nil
}

// owned returns a value that shares no bytes with any other.
func owned(v Value) Value {
	switch v.Kind() {
	case record.KindText:
		return Text(v.Text())
	case record.KindBlob:
		return Bytes(bytes.Clone(v.Bytes()))
	}
	return v
}

// putUnkeyed puts back rows of a table that has no primary key: those of whose
// equals there are fewer now than there were, under their rowids where these are
// free and else under new ones.
func (x *restoration) putUnkeyed(t *restoreTable) error {
	gone, err := x.goneUnkeyed(t)
	if err != nil {
		return err
	}
	kept, err := x.pairUnkeyed(t, gone)
	if err != nil {
		return err
	}
	for _, g := range gone {
		if g.found {
			continue
		}
		if err := x.addUnkeyed(t, g); err != nil {
			return err
		}
	}
	for _, key := range t.keys {
		row, err := x.before(t, key)
		if err != nil {
			return err
		}
		if row == nil && !kept[string(key)] {
			if err := x.remove(t, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// unkeyedRow is a row that is not under its rowid any more.
type unkeyedRow struct {
	key   []byte
	row   []Value // in the columns of now
	found bool    // its equal stands under another rowid
}

func (x *restoration) goneUnkeyed(t *restoreTable) ([]*unkeyedRow, error) {
	var gone []*unkeyedRow
	for _, key := range t.keys {
		row, err := x.before(t, key)
		if err != nil {
			return nil, err
		}
		if row == nil {
			continue
		}
		row = t.conv.convert(row, nil)
		now, err := t.now.at(x.tx.ctx, key)
		if err != nil {
			return nil, err
		}
		if !sameRow(now, row) {
			gone = append(gone, &unkeyedRow{key: key, row: row})
		}
	}
	return gone, nil
}

func sameRow(a, b []Value) bool { return slices.EqualFunc(a, b, Value.Equal) }

// pairUnkeyed looks for rows equal to those that are gone, among the rows of now
// that are not where they were. It returns the keys of those it found.
func (x *restoration) pairUnkeyed(t *restoreTable, gone []*unkeyedRow) (kept map[string]bool, err error) {
	kept = map[string]bool{}
	if len(gone) == 0 {
		return kept, nil
	}
	wanted := map[string][]*unkeyedRow{}
	for _, g := range gone {
		content := string(t.now.appendRecord(nil, g.row))
		wanted[content] = append(wanted[content], g)
	}
	for item, err := range t.now.rows.scan(x.tx.ctx, allKeys, false) {
		if err != nil {
			return nil, err
		}
		row, err := t.now.decode(nil, item.Key, item.Value)
		if err != nil {
			return nil, err
		}
		content := string(t.now.appendRecord(nil, row))
		if len(wanted[content]) == 0 {
			continue
		}
		was, err := x.before(t, item.Key)
		if err != nil {
			return nil, err
		}
		if was != nil && sameRow(t.conv.convert(was, nil), row) {
			continue
		}
		wanted[content][0].found = true
		wanted[content] = wanted[content][1:]
		kept[string(item.Key)] = true
	}
	return kept, nil
}

func (x *restoration) addUnkeyed(t *restoreTable, g *unkeyedRow) error {
	now, err := t.now.at(x.tx.ctx, g.key)
	if err != nil {
		return err
	}
	if now != nil {
		id, err := t.now.nextRowid(x.tx.ctx)
		if err != nil {
			return err
		}
		g.key = record.AppendIntKey(nil, id)
	}
	return x.write(t, g.key, nil, g.row)
}
