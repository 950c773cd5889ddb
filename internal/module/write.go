package module

import (
	"fmt"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

func xBegin(_ *libc.TLS, p uintptr) int32 {
	t := tableAt(p)
	t.writing, t.ordinals, t.scanned = true, map[int64]int64{}, map[int64][]any{}
	return lib.SQLITE_OK
}

// xEnd is the end of a transaction, good or bad.
func xEnd(_ *libc.TLS, p uintptr) int32 {
	t := tableAt(p)
	t.writing, t.ordinals, t.scanned = false, nil, nil
	return lib.SQLITE_OK
}

// remember keeps the row whose rowid SQLite asks for: it is about to write it,
// which it does when the scan is over.
func (t *connected) remember(c *cursor) {
	if !t.writing {
		return
	}
	row := make([]any, len(t.columns))
	for i := range row {
		row[i] = c.value(i)
	}
	t.scanned[c.rowid()] = row
}

// xUpdate gets the row's rowid for a DELETE; for an UPDATE the rowid, the new one
// and the new values; for an INSERT the same with NULL for the rowid.
func xUpdate(tls *libc.TLS, p uintptr, argc int32, argv, _ uintptr) int32 {
	if err := tableAt(p).write(valuesAt(tls, argc, argv)); err != nil {
		return fail(tls, p, err)
	}
	return lib.SQLITE_OK
}

func (t *connected) write(values []any) (err error) {
	defer guard(&err, "write", t.name)
	w := t.table.(Writer)
	if len(values) > 1 && values[0] == nil {
		if values[1] != nil {
			return fmt.Errorf("module: insert into %s: the rowid cannot be chosen: leave it out", t.name)
		}
		return w.Insert(values[2:])
	}
	old, err := t.old(values[0])
	if err != nil {
		return err
	}
	if len(values) == 1 {
		err = w.Delete(old)
	} else if values[1] != values[0] {
		err = fmt.Errorf("module: update %s: the rowid cannot be changed: leave it out", t.name)
	} else {
		err = w.Update(old, values[2:])
	}
	if err == nil {
		delete(t.scanned, values[0].(int64))
	}
	return err
}

// old returns a row that is to be changed, as it was scanned.
func (t *connected) old(rowid any) ([]any, error) {
	n, _ := rowid.(int64)
	row, ok := t.scanned[n]
	if !ok {
		return nil, fmt.Errorf("module: write %s: row %v was not scanned in this transaction", t.name, rowid)
	}
	return row, nil
}
