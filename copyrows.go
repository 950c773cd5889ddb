package vdb

import "fmt"

// CopyRows makes rows of a table what they are in another snapshot of the same
// database: those of the keys given, or rowids. A row that from does not have is
// removed. Unlike Put it keeps rowids, and may write rows that only SQL can
// evaluate, for they were checked when they came to be. The table must have the
// same schema in both. Triggers do not fire; a full-text index of the table's rows is
// made anew.
func (tx *Tx) CopyRows(from *Snapshot, table string, keys ...[]any) error {
	return opError("copy rows", tx.copyRows(from, table, keys))
}

func (tx *Tx) copyRows(from *Snapshot, table string, keys [][]any) error {
	if tx.db != from.db {
		return invalidf("the snapshot is of another database")
	}
	source, err := from.table(table)
	if err != nil {
		return err
	}
	for _, key := range keys {
		// A look-up for each row: writing may have applied the edits, and made a new view.
		t, err := tx.written(table)
		if err != nil {
			return err
		}
		if t.entry.schema != source.entry.schema {
			return invalidf("table %s has another schema there", table)
		}
		n, err := t.copyRow(from, source, key)
		if err != nil {
			return fmt.Errorf("table %s, row %s: %w", table, formatKey(key), err)
		}
		if err := tx.wrote(n); err != nil {
			return err
		}
	}
	return tx.rederive(table)
}

func (t *tableView) copyRow(from *Snapshot, source *tableView, key []any) (int, error) {
	k, err := t.keyOf(key)
	if err != nil {
		return 0, err
	}
	rec, ok, err := source.rows.get(from.ctx, k)
	if err != nil {
		return 0, err
	}
	if !ok {
		n, _, err := t.remove(from.ctx, k)
		return n, err
	}
	row, err := source.decode(nil, k, rec)
	if err != nil {
		return 0, err
	}
	return t.put(from.ctx, writePut, k, row)
}
