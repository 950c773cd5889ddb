package vdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// SQL is what a transaction has SQL do on its own state: writes of rows that fire
// triggers, and changes of definitions that are texts. An Evaluator opens it. What is
// written stays in SQL until Take. A statement that fails changes nothing; an error
// that is ErrTxDone has rolled back all since the last Take.
type SQL interface {
	// Find tells whether there is a row of a primary key, or of a rowid in a table that
	// shows none, and whether its key is exactly that.
	Find(ctx context.Context, s *Schema, key Row) (found, exact bool, err error)
	// Insert adds a row of which the columns given are set, and returns its rowid.
	Insert(ctx context.Context, s *Schema, columns []int, row Row) (rowid int64, err error)
	// Update sets the columns given of the row of a key.
	Update(ctx context.Context, s *Schema, columns []int, row, key Row) error
	// Delete removes the row of a key.
	Delete(ctx context.Context, s *Schema, key Row) error
	// Alter changes the definition of a table, and all texts that mention it.
	Alter(ctx context.Context, s *Schema, a Alteration) error
	// Rebuild makes what a virtual table derives of its source anew; ErrInvalid if the
	// source does not allow of that.
	Rebuild(ctx context.Context, table string) error
	// MergeRows merges the rows of a virtual table.
	MergeRows(ctx context.Context, v *VirtualRows) error
	// Take commits what was written to the Engine that the SQL was opened on.
	Take(ctx context.Context) error
	// Close gives up what was not taken.
	Close() error
}

// Alteration is a change of a table's definition. One of these is set: a column to
// Add, the name of one to Drop, an Index to make, or the name To that the column From
// gets, or the table if From is empty.
type Alteration struct {
	Add      *Column
	Drop     string
	Index    *Index
	From, To string
}

// VirtualRows are rows of a virtual table that both sides of a merge have changed: SQL
// that has ours is to get what changed between Base and From. A row that both changed
// differently becomes as Theirs says, and is among Collided, which MergeRows sets.
type VirtualRows struct {
	Table      string
	Base, From SQL // Base is nil where the table was not there
	Theirs     bool
	Collided   []int64 // rowids
}

// inSQL is the part of a transaction that SQL runs.
type inSQL struct {
	sql SQL
	at  version // that SQL began with, or has left
	// triggered are the layouts of tables with triggers, by the folded name.
	triggered map[string]*tableView
	writes    int // that were not taken
	// counted are the sequences as SQL sees them, and counts what it has done to them.
	counted *Sequences
	counts  map[string]SequenceEdit
}

// writesInSQL is how many writes SQL may hold before they are taken.
const writesInSQL = 2000

// session returns SQL that sees all that the transaction has written.
func (tx *Tx) session(table string) (SQL, error) {
	if tx.inSQL.writes > 0 {
		return tx.inSQL.sql, nil
	}
	var err error
	if tx.inSQL.at, err = tx.save(); err != nil || tx.inSQL.sql != nil {
		return tx.inSQL.sql, err
	}
	e, err := evaluator(table)
	if err != nil {
		return nil, err
	}
	if tx.inSQL.sql, err = e.Open(tx.ctx, Engine{db: tx.db, tx: tx}, tx.branch); err != nil {
		return nil, err
	}
	tx.settle = tx.take
	return tx.inSQL.sql, nil
}

// writeInSQL stores the columns given of a row, as SQL does, and returns its rowid.
func (tx *Tx) writeInSQL(t *tableView, mode writeMode, columns []int, row Row) (rowid int64, err error) {
	columns = t.uncomputed(columns)
	if err := t.prepareColumns(row, columns); err != nil {
		return 0, err
	}
	for _, i := range columns {
		if row[i], err = t.content(tx.ctx, row[i]); err != nil {
			return 0, err
		}
	}
	sql, err := tx.session(t.schema.Name)
	if err != nil {
		return 0, err
	}
	w := &sqlWrite{tx: tx, sql: sql, table: t, columns: columns, row: row, key: t.knownKey(row)}
	return w.rowid, tx.wroteInSQL(w.run(mode))
}

// wroteInSQL counts a write that has come to err.
func (tx *Tx) wroteInSQL(err error) error {
	tx.inSQL.writes++
	switch {
	case errors.Is(err, ErrTxDone):
		tx.Rollback()
	case err == nil && tx.inSQL.writes >= writesInSQL:
		return tx.take()
	}
	return err
}

// uncomputed leaves out the columns that SQL computes.
func (l *layout) uncomputed(columns []int) []int {
	left := make([]int, 0, len(columns))
	for _, i := range columns {
		if !l.computes(i) {
			left = append(left, i)
		}
	}
	return left
}

// allColumns are the places of all columns.
func (l *layout) allColumns() []int {
	all := make([]int, len(l.cols))
	for i := range all {
		all[i] = i
	}
	return all
}

// sqlWrite is the write of one row.
type sqlWrite struct {
	tx      *Tx
	sql     SQL
	table   *tableView
	columns []int
	row     Row
	key     Row
	rowid   int64
}

func (w *sqlWrite) run(mode writeMode) error {
	unkeyed := w.table.kind == keyRowid || w.table.kind == keyInteger && w.key[0].IsNull()
	if mode == writeInsert || unkeyed && mode == writePut {
		return w.insert(unkeyed)
	}
	if w.table.kind == keyRowid {
		return invalidf("table %s has no primary key to update by", w.table.schema.Name)
	}
	found, exact, err := w.sql.Find(w.tx.ctx, w.table.schema, w.key)
	switch {
	case err != nil:
		return err
	case found:
		return w.sql.Update(w.tx.ctx, w.table.schema, w.changed(exact), w.row, w.key)
	case mode == writeUpdate:
		return fmt.Errorf("table %s, row %s: %w", w.table.schema.Name, formatValues(w.key), ErrNotFound)
	}
	return w.insert(false)
}

// insert adds the row. A key that is taken is told from other rules that it breaks.
func (w *sqlWrite) insert(unkeyed bool) (err error) {
	s := w.table.schema
	if w.rowid, err = w.sql.Insert(w.tx.ctx, s, w.columns, w.row); err == nil || unkeyed || !errors.Is(err, ErrConstraint) || errors.Is(err, ErrTxDone) {
		return err
	}
	if found, _, e := w.sql.Find(w.tx.ctx, s, w.key); e == nil && found {
		return fmt.Errorf("table %s, row %s: %w: %w", s.Name, formatValues(w.key), ErrExists, err)
	}
	return err
}

// changed are the columns that an update sets: not those of the key, unless it is
// spelt in another way or there are no others.
func (w *sqlWrite) changed(exact bool) []int {
	if !exact {
		return w.columns
	}
	var others []int
	for _, i := range w.columns {
		if !w.table.inKey(i) {
			others = append(others, i)
		}
	}
	if len(others) == 0 {
		return w.columns
	}
	return others
}

// inKey tells whether column i is in the primary key.
func (l *layout) inKey(i int) bool {
	for _, k := range l.key {
		if k.column == i {
			return true
		}
	}
	return false
}

// deleteInSQL removes the row of a key.
func (tx *Tx) deleteInSQL(t *tableView, key Row) error {
	if _, err := t.wholeKey(nil, key); err != nil {
		return err
	}
	sql, err := tx.session(t.schema.Name)
	if err != nil {
		return err
	}
	found, _, err := sql.Find(tx.ctx, t.schema, key)
	if err == nil && !found {
		err = fmt.Errorf("table %s, row %s: %w", t.schema.Name, formatValues(key), ErrNotFound)
	}
	if err == nil {
		err = sql.Delete(tx.ctx, t.schema, key)
	}
	return tx.wroteInSQL(err)
}

// putBlobInSQL sets column i of the row at k. SQL takes the value from memory.
func (tx *Tx) putBlobInSQL(t *tableView, i int, row Row, k []byte) error {
	key, err := t.keyValues(k, row)
	if err != nil {
		return err
	}
	if row[i], err = t.content(tx.ctx, row[i]); err != nil {
		return err
	}
	if err := t.prepareColumn(row, i); err != nil {
		return err
	}
	sql, err := tx.session(t.schema.Name)
	if err != nil {
		return err
	}
	return tx.wroteInSQL(sql.Update(tx.ctx, t.schema, []int{i}, row, key))
}

// alterInSQL changes the definition of a table.
func (tx *Tx) alterInSQL(t *tableView, a Alteration) error {
	sql, err := tx.session(t.schema.Name)
	if err != nil {
		return err
	}
	if err := tx.wroteInSQL(sql.Alter(tx.ctx, t.schema, a)); err != nil {
		return err
	}
	return tx.take()
}

// take makes what SQL has written part of the transaction. One of which that fails
// has lost writes, and ends.
func (tx *Tx) take() error {
	if tx.inSQL.writes == 0 {
		return nil
	}
	tx.inSQL.writes = 0
	err := tx.inSQL.sql.Take(tx.ctx)
	if err != nil {
		tx.Rollback()
	}
	return err
}

// closeSQL gives up what SQL has written and was not taken.
func (tx *Tx) closeSQL() {
	if tx.inSQL.sql != nil {
		tx.inSQL.sql.Close() // there is nothing to be told of
		tx.inSQL.sql, tx.inSQL.writes = nil, 0
	}
}

// adopt takes an edit that SQL has made.
func (tx *Tx) adopt(ctx context.Context, edit *EngineEdit) (Version, error) {
	v, err := Engine{db: tx.db, tx: tx}.apply(ctx, tx.store, edit)
	if err != nil {
		return Version{}, err
	}
	if v.ids != tx.inSQL.at.ids {
		if tx.ids, err = loadIdentities(ctx, tx.store, v.ids); err != nil {
			return Version{}, err
		}
		tx.newIDs = true
	}
	if err := tx.count(ctx, edit); err != nil {
		return Version{}, err
	}
	tx.root, tx.inSQL.at = prolly.Load(tablesConfig, tx.store, v.root), v
	tx.forgetEdited(edit)
	return Version{version: v}, nil
}

// forgetEdited drops the views of tables that SQL has written; all, if it has changed
// a definition.
func (tx *Tx) forgetEdited(edit *EngineEdit) {
	defined := len(edit.Objects)+len(edit.Forget)+len(edit.Dropped) > 0
	for i := range edit.Tables {
		defined = defined || edit.Tables[i].Schema != nil
		tx.forget(edit.Tables[i].Table.view.schema.Name)
	}
	if defined {
		tx.mu.Lock()
		clear(tx.tables)
		tx.mu.Unlock()
		clear(tx.inSQL.triggered)
	}
}

// sequences are those that SQL sees: as they were when it first looked, and what the
// transaction has counted since.
func (tx *Tx) sequences(ctx context.Context) (*Sequences, error) {
	if tx.inSQL.counted != nil {
		return tx.inSQL.counted, nil
	}
	counted, err := Engine{db: tx.db}.Sequences(ctx, nil)
	if err == nil {
		tx.inSQL.counted = counted
	}
	return counted, err
}

// count notes what SQL has counted, for the transaction's commit to do it again.
func (tx *Tx) count(ctx context.Context, edit *EngineEdit) error {
	if len(edit.Sequences) == 0 {
		return nil
	}
	seen, err := tx.sequences(ctx)
	if err != nil {
		return err
	}
	root, held, err := tx.db.blocks.HoldRoot(ctx)
	if err != nil {
		return err
	}
	r, err := patchedRefs(ctx, readOnlyStore{tx.db.blocks, held}, root)
	if err != nil {
		return err
	}
	last := maps.Clone(seen.Last)
	for _, e := range edit.Sequences {
		if err := r.countOne(ctx, last, e); err != nil {
			return err
		}
		tx.noteCount(e)
	}
	payload, err := json.Marshal(last)
	edit.Counted = &Sequences{address: hash.Of(payload), Last: last}
	tx.inSQL.counted = edit.Counted
	return err
}

// noteCount joins what was done to one sequence.
func (tx *Tx) noteCount(e SequenceEdit) {
	if first, ok := tx.inSQL.counts[fold(e.Table)]; ok {
		e.Seen, e.From = first.Seen, first.From
	}
	if tx.inSQL.counts == nil {
		tx.inSQL.counts = map[string]SequenceEdit{}
	}
	tx.inSQL.counts[fold(e.Table)] = e
}

// countAll does in the refs what SQL has counted.
func (tx *Tx) countAll(ctx context.Context, r *refs) error {
	var edits []SequenceEdit
	for _, e := range tx.inSQL.counts {
		edits = append(edits, e)
	}
	if len(edits) == 0 {
		return nil
	}
	_, err := r.count(ctx, edits)
	return err
}
