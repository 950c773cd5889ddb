package main

import (
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
)

// ledger is what the application remembers to have written: the last state of
// each row, kept outside of the database. It is what the end is compared with.
type ledger struct {
	customers   written[Customer]
	projects    written[Project]
	issues      written[Issue]
	bills       written[Bill]
	escalations written[Escalation]
}

func newLedger() *ledger {
	return &ledger{
		customers:   written[Customer]{table: customers, key: func(r Customer) key { return key{r.ID} }},
		projects:    written[Project]{table: projects, key: func(r Project) key { return key{r.ID} }},
		issues:      written[Issue]{table: issues, key: func(r Issue) key { return key{r.Project, r.Number} }},
		bills:       written[Bill]{table: bills, key: func(r Bill) key { return key{r.Customer, r.Month} }},
		escalations: written[Escalation]{table: escalations, key: func(r Escalation) key { return key{r.Customer, r.Service} }},
	}
}

// tables are the parts of a ledger, each for one table.
func (l *ledger) tables() []comparer {
	return []comparer{&l.customers, &l.projects, &l.issues, &l.bills, &l.escalations}
}

// comparer is a written, whatever its rows are.
type comparer interface {
	name() string
	compare(before, after *vdb.Snapshot, tick func(rows int)) (uint64, error)
	size() int
}

// add adds what was written later.
func (l *ledger) add(later *ledger) {
	l.customers.add(&later.customers)
	l.projects.add(&later.projects)
	l.issues.add(&later.issues)
	l.bills.add(&later.bills)
	l.escalations.add(&later.escalations)
}

// size is the number of rows written.
func (l *ledger) size() int {
	n := 0
	for _, t := range l.tables() {
		n += t.size()
	}
	return n
}

// written is what was written to one table.
type written[T comparable] struct {
	table *vdb.Table[T]
	key   func(T) key
	rows  map[key]*T // nil: the row was deleted
}

// key holds the values of a primary key of one column or two.
type key [2]any

func (k key) values() []any {
	if k[1] == nil {
		return k[:1]
	}
	return k[:]
}

// put stores a row, and remembers it.
func (w *written[T]) put(tx *vdb.Tx, row T) error {
	if err := w.table.Put(tx, row); err != nil {
		return err
	}
	w.set(w.key(row), &row)
	return nil
}

// delete deletes a row, and remembers that it is gone.
func (w *written[T]) delete(tx *vdb.Tx, row T) error {
	k := w.key(row)
	if err := w.table.Delete(tx, k.values()...); err != nil {
		return err
	}
	w.set(k, nil)
	return nil
}

func (w *written[T]) set(k key, row *T) {
	if w.rows == nil {
		w.rows = map[key]*T{}
	}
	w.rows[k] = row
}

func (w *written[T]) add(later *written[T]) {
	for k, row := range later.rows {
		w.set(k, row)
	}
}

func (w *written[T]) name() string { return w.table.Name() }
func (w *written[T]) size() int    { return len(w.rows) }

// tickRows is how often compare tells of its progress.
const tickRows = 1000

// compare reads every row of after, and returns their number. Each must be what
// was written last or, where nothing was, what it is in before; and none may be
// missing. tick is told of rows as they are compared.
func (w *written[T]) compare(before, after *vdb.Snapshot, tick func(rows int)) (uint64, error) {
	var n uint64
	for row, err := range w.table.All(after) {
		if err != nil {
			return 0, err
		}
		want, err := w.expected(before, w.key(row))
		if err != nil {
			return 0, fmt.Errorf("%s has the row %+v, which should not be there: %w", w.name(), row, err)
		}
		if row != want {
			return 0, fmt.Errorf("%s has the row %+v, not %+v", w.name(), row, want)
		}
		if n++; n%tickRows == 0 {
			tick(tickRows)
		}
	}
	tick(int(n % tickRows))
	want, err := w.expectedRows(before)
	if err == nil && n != want {
		err = fmt.Errorf("%s has %d rows, not %d", w.name(), n, want)
	}
	return n, err
}

// expected returns the row that should be at k.
func (w *written[T]) expected(before *vdb.Snapshot, k key) (row T, err error) {
	last, changed := w.rows[k]
	switch {
	case !changed:
		return w.table.Get(before, k.values()...)
	case last == nil:
		return row, errors.New("it was deleted")
	}
	return *last, nil
}

// expectedRows returns the number of rows that should be there.
func (w *written[T]) expectedRows(before *vdb.Snapshot) (uint64, error) {
	n, err := w.table.Count(before, vdb.Range{})
	if err != nil {
		return 0, err
	}
	for k, row := range w.rows {
		_, err := w.table.Get(before, k.values()...)
		existed := err == nil
		if err != nil && !errors.Is(err, vdb.ErrNotFound) {
			return 0, err
		}
		if row != nil && !existed {
			n++
		}
		if row == nil && existed {
			n--
		}
	}
	return n, nil
}
