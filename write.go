package vdb

import (
	"bytes"
	"context"
	"fmt"

	"github.com/vdbgo/vdb/internal/record"
)

// writeMode says what a write expects to find under its key.
type writeMode uint8

const (
	writePut    writeMode = iota // anything
	writeInsert                  // no row
	writeUpdate                  // a row
)

// Put stores row, in the column order of the table's schema, over whatever row
// has its primary key. In a table without a primary key it adds a row. The
// values are copied. A NULL in an INTEGER PRIMARY KEY picks the next free one.
func (tx *Tx) Put(table string, row Row) error {
	return opError("put", tx.write(table, writePut, row))
}

// Insert stores a new row; ErrExists if its primary key is taken.
func (tx *Tx) Insert(table string, row Row) error {
	return opError("insert", tx.write(table, writeInsert, row))
}

// Update stores row over the one that has its primary key; ErrNotFound if there
// is none.
func (tx *Tx) Update(table string, row Row) error {
	return opError("update", tx.write(table, writeUpdate, row))
}

// Delete removes the row of the primary key key (or of the rowid, in a table
// without one); ErrNotFound if there is none.
func (tx *Tx) Delete(table string, key ...any) error {
	return opError("delete", tx.delete(table, key))
}

func (tx *Tx) write(table string, mode writeMode, row Row) error {
	t, triggered, err := tx.direct(table)
	if err != nil {
		return err
	}
	vals := make([]Value, len(row))
	copy(vals, row)
	for i, v := range vals {
		if err := checkForeign(v); err != nil {
			return fmt.Errorf("table %s, column %d: %w", table, i, err)
		}
	}
	if triggered {
		if err := t.checkWidth(vals); err != nil {
			return err
		}
		_, err := tx.writeInSQL(t, mode, t.allColumns(), vals)
		return err
	}
	n, err := t.write(tx.ctx, mode, vals)
	if err != nil {
		return err
	}
	return tx.wrote(n)
}

func (tx *Tx) delete(table string, key []any) error {
	t, triggered, err := tx.direct(table)
	if err != nil {
		return err
	}
	vals, err := valuesOf(key)
	if err != nil {
		return err
	}
	if triggered {
		return tx.deleteInSQL(t, vals)
	}
	return tx.deleteRow(t, vals)
}

// deleteRow removes the row of a primary key.
func (tx *Tx) deleteRow(t *tableView, key []Value) error {
	k, err := t.wholeKey(nil, key)
	if err != nil {
		return err
	}
	n, found, err := t.remove(tx.ctx, k)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("table %s, row %s: %w", t.schema.Name, formatValues(key), ErrNotFound)
	}
	return tx.wrote(n)
}

// write stores row, which it may change, and returns the memory that it takes.
func (t *tableView) write(ctx context.Context, mode writeMode, row []Value) (int, error) {
	if err := t.prepare(row); err != nil {
		return 0, err
	}
	key, err := t.writeKey(ctx, t.keyBuffer[:0], mode, row)
	if err != nil {
		return 0, err
	}
	t.keyBuffer = key
	for i, v := range row {
		if row[i], err = outline(ctx, t.store, v); err != nil {
			return 0, err
		}
	}
	return t.put(ctx, mode, key, row)
}

// writeKey encodes row's key, and picks one where it has none.
func (t *tableView) writeKey(ctx context.Context, dst []byte, mode writeMode, row []Value) ([]byte, error) {
	if t.kind == keyRowid {
		if mode == writeUpdate {
			return nil, invalidf("table %s has no primary key to update by", t.schema.Name)
		}
		id, err := t.nextRowid(ctx)
		return record.AppendIntKey(dst, id), err
	}
	if t.kind == keyInteger && row[t.key[0].column].IsNull() && mode != writeUpdate {
		id, err := t.nextRowid(ctx)
		if err != nil {
			return nil, err
		}
		row[t.key[0].column] = record.Int(id)
	}
	return t.rowKey(dst, row)
}

// nextRowid returns one more than the highest rowid.
func (t *tableView) nextRowid(ctx context.Context) (int64, error) {
	if !t.known {
		for item, err := range t.rows.scan(ctx, allKeys, true) {
			if err != nil {
				return 0, err
			}
			if t.rowid, err = record.DecodeIntKey(item.Key); err != nil {
				return 0, err
			}
			break
		}
		t.known = true
	}
	if t.rowid == maxRowid {
		return 0, fmt.Errorf("table %s: no rowid is left above %d", t.schema.Name, t.rowid)
	}
	t.rowid++
	return t.rowid, nil
}

const maxRowid = 1<<63 - 1

// put stores a prepared row under its encoded key, and keeps the indexes.
func (t *tableView) put(ctx context.Context, mode writeMode, key []byte, row []Value) (int, error) {
	row, err := t.compute(ctx, key, row)
	if err != nil {
		return 0, err
	}
	old, found, err := t.before(ctx, mode, key, row)
	if err != nil {
		return 0, err
	}
	data := make([]byte, len(key), len(key)+t.recordHint(row))
	copy(data, key)
	data = t.appendRecord(data, row)
	key, rec := data[:len(key):len(key)], data[len(key):]
	if found && bytes.Equal(old, rec) {
		return 0, nil
	}
	held := t.held()
	if len(t.index) > 0 {
		if err := t.reindex(ctx, key, old, found, row); err != nil {
			return 0, err
		}
	}
	t.rows.set(key, rec)
	t.noteRowid(key)
	return t.held() - held, nil
}

// recordHint is about the length of row's record.
func (t *tableView) recordHint(row []Value) int {
	n := 2 + len(row)
	for _, v := range row {
		switch v.Kind() {
		case record.KindText, record.KindBlob:
			n += int(min(v.Size(), record.InlineMax)) + 1
		case record.KindInteger, record.KindReal:
			n += 8
		}
	}
	return n
}

// held is the memory that the table's edits take.
func (t *tableView) held() int {
	n := t.rows.bytes
	for i := range t.indexes {
		n += t.indexes[i].bytes
	}
	return n
}

// before reads the row that a write will replace, where that matters, and
// checks it against the mode.
func (t *tableView) before(ctx context.Context, mode writeMode, key []byte, row []Value) ([]byte, bool, error) {
	if mode == writePut && len(t.index) == 0 {
		return nil, false, nil
	}
	old, found, err := t.rows.get(ctx, key)
	switch {
	case err != nil:
		return nil, false, err
	case found && mode == writeInsert:
		return nil, false, fmt.Errorf("table %s, row %s: %w", t.schema.Name, formatValues(t.knownKey(row)), ErrExists)
	case !found && mode == writeUpdate:
		return nil, false, fmt.Errorf("table %s, row %s: %w", t.schema.Name, formatValues(t.knownKey(row)), ErrNotFound)
	}
	return old, found, nil
}

// noteRowid keeps the highest rowid.
func (t *tableView) noteRowid(key []byte) {
	if t.known && t.kind == keyInteger {
		if id, err := record.DecodeIntKey(key); err == nil {
			t.rowid = max(t.rowid, id)
		}
	}
}

// remove deletes the row at key.
func (t *tableView) remove(ctx context.Context, key []byte) (bytes int, found bool, err error) {
	old, found, err := t.rows.get(ctx, key)
	if err != nil || !found {
		return 0, false, err
	}
	held := t.held()
	if err := t.reindex(ctx, key, old, true, nil); err != nil {
		return 0, false, err
	}
	t.rows.set(append([]byte(nil), key...), nil)
	return t.held() - held, true, nil
}

// reindex moves the index entries of the row at key from its old record to row;
// a nil row has been deleted.
func (t *tableView) reindex(ctx context.Context, key, old []byte, found bool, row []Value) error {
	var before []Value
	if found && len(t.index) > 0 {
		var err error
		if before, err = t.decode(nil, key, old); err != nil {
			return err
		}
	}
	return t.moveEntries(ctx, key, before, row, func(i int, key, value []byte) { t.indexes[i].set(key, value) })
}

// moveEntriesOf calls set with the index entries that differ between two versions
// of a row; nil is absent. It is the one place that says which entries a row has.
func (l *layout) moveEntriesOf(key []byte, before, after []Value, content func(Value) (Value, error), set func(i int, key, value []byte)) error {
	for i := range l.index {
		x := &l.index[i]
		if x.evaluated {
			continue // moveEvaluated has these, many rows at once
		}
		var oldKey, oldValue, newKey, newValue []byte
		var err error
		if before != nil {
			if oldKey, oldValue, err = x.entry(nil, key, before, content); err != nil {
				return err
			}
		}
		if after != nil {
			if newKey, newValue, err = x.entry(nil, key, after, content); err != nil {
				return err
			}
		}
		same := bytes.Equal(oldKey, newKey)
		if before != nil && !(after != nil && same) {
			set(i, oldKey, nil)
		}
		if after != nil && !(before != nil && same && bytes.Equal(oldValue, newValue)) {
			set(i, newKey, newValue)
		}
	}
	return nil
}

func (t *tableView) moveEntries(ctx context.Context, key []byte, before, after []Value, set func(i int, key, value []byte)) error {
	content := func(v Value) (Value, error) { return t.content(ctx, v) }
	return t.moveEntriesOf(key, before, after, content, set)
}

// checkForeign refuses a value that came from nowhere this database knows: one
// that only says where its bytes stand.
func checkForeign(v Value) error {
	if _, out := v.Address(); out {
		return invalidf("a value whose bytes were not read")
	}
	return nil
}
