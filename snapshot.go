package vdb

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// Snapshot is the database as it is, or was, at one moment: at a commit, or in
// a branch's working set. It never changes, holds no lock, and needs no closing.
// It may be used by many goroutines at once. The context that it was made with
// governs its reads.
type Snapshot struct {
	ctx     context.Context
	db      *DB
	store   prolly.Store
	version version
	mu      sync.Mutex
	root    prolly.Tree
	tables  map[string]*tableView // by folded name
	done    bool                  // it is a transaction's, which has ended
	// settle brings a transaction's own state up to what it has written in SQL; nil if
	// there is nothing in SQL.
	settle func() error
}

// Reader is what is read from: a *Snapshot or a *Tx. No other type can be one.
// Functions that take a Reader read what is committed, what was, and what a
// transaction has written so far; the methods are those of Snapshot.
type Reader interface {
	Tables() ([]string, error)
	Schema(table string) (*Schema, error)
	Get(table string, key ...any) (Row, error)
	Rows(table string, r Range) iter.Seq2[Row, error]
	Count(table string, r Range) (uint64, error)
	OpenBlob(table, column string, key ...any) (*Blob, error)

	snapshot() *Snapshot
}

var (
	_ Reader = (*Snapshot)(nil)
	_ Reader = (*Tx)(nil)
)

func (s *Snapshot) snapshot() *Snapshot { return s }

//go:noinline // a program is smaller by its copies
func (db *DB) newSnapshot(ctx context.Context, store prolly.Store, v version) *Snapshot {
	return &Snapshot{ctx: ctx, db: db, store: store, version: v, root: prolly.Load(tablesConfig, store, v.root)}
}

// at returns a snapshot of v that writes nothing.
func (db *DB) at(ctx context.Context, v version) *Snapshot {
	return db.newSnapshot(ctx, db.reader(), v)
}

// Root returns the address of the contents: equal contents have equal roots.
func (s *Snapshot) Root() hash.Hash { return s.version.root }

// Tables lists the tables' names in order.
func (s *Snapshot) Tables() ([]string, error) {
	if err := s.ready(); err != nil {
		return nil, opError("list tables", err)
	}
	var names []string
	for e, err := range tableEntries(s.ctx, s.root) {
		if err != nil {
			return nil, opError("list tables", err)
		}
		l, err := s.db.layout(s.ctx, s.store, e.schema)
		if err != nil {
			return nil, opError("list tables", err)
		}
		names = append(names, l.schema.Name)
	}
	return names, nil
}

// ready makes sure that there is something to read, and that it is all there.
func (s *Snapshot) ready() error {
	if s.done {
		return ErrTxDone
	}
	if s.settle != nil {
		return s.settle()
	}
	return nil
}

// Schema returns a copy of the table's schema.
func (s *Snapshot) Schema(table string) (*Schema, error) {
	t, err := s.table(table)
	if err != nil {
		return nil, opError("read schema", err)
	}
	return t.schema.Clone(), nil
}

// table returns the view of a table that all reads and writes go through.
func (s *Snapshot) table(name string) (*tableView, error) {
	if err := s.ready(); err != nil {
		return nil, fmt.Errorf("table %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tables[name]; ok {
		return t, nil
	}
	if t, ok := s.tables[fold(name)]; ok {
		return t, nil
	}
	t, err := s.loadTable(name)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", name, err)
	}
	if s.tables == nil {
		s.tables = map[string]*tableView{}
	}
	s.tables[fold(name)] = t
	return t, nil
}

func (s *Snapshot) loadTable(name string) (*tableView, error) {
	data, ok, err := s.root.Get(s.ctx, tableKey(name))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNotFound
	}
	e, err := decodeTableEntry(data)
	if err != nil {
		return nil, err
	}
	return s.openTable(e)
}

func (s *Snapshot) openTable(e tableEntry) (*tableView, error) {
	l, err := s.db.layout(s.ctx, s.store, e.schema)
	if err != nil {
		return nil, err
	}
	if len(e.indexes) != len(l.index) {
		return nil, fmt.Errorf("%d indexes stored, %d declared", len(e.indexes), len(l.index))
	}
	t := &tableView{layout: l, store: s.store, entry: e}
	t.rows.tree = prolly.Load(l.config, s.store, e.rows)
	t.indexes = make([]overlay, len(e.indexes))
	for i, h := range e.indexes {
		t.indexes[i].tree = prolly.Load(l.index[i].config, s.store, h)
	}
	return t, nil
}

// Get returns the row of the primary key key (or of the rowid, in a table
// without one); ErrNotFound if there is none.
func (s *Snapshot) Get(table string, key ...any) (Row, error) {
	row, err := s.get(table, key)
	return row, opError("get", err)
}

func (s *Snapshot) get(table string, key []any) (Row, error) {
	t, k, rec, err := s.record(table, key)
	if err != nil {
		return nil, err
	}
	return t.row(s.ctx, k, rec)
}

// record returns the key and the record of a row, and its table.
func (s *Snapshot) record(table string, key []any) (t *tableView, k, rec []byte, err error) {
	if t, err = s.table(table); err != nil {
		return nil, nil, nil, err
	}
	if k, err = t.keyOf(key); err != nil {
		return nil, nil, nil, err
	}
	rec, ok, err := t.rows.get(s.ctx, k)
	if err == nil && !ok {
		err = fmt.Errorf("table %s, row %s: %w", table, formatKey(key), ErrNotFound)
	}
	return t, k, rec, err
}

// Range selects rows of a table by its primary key, or by an index.
type Range struct {
	// Index names a secondary index; empty is the primary key.
	Index string
	// Prefix fixes the values of the first columns of the key.
	Prefix []any
	// From (inclusive) and To (exclusive) bound the columns that follow Prefix;
	// nil is an open end. Each may give fewer values than there are columns.
	From, To []any
	// Backward yields the rows in descending order.
	Backward bool
}

// Rows yields the rows of a table that r selects, in the order of the key or
// index. The rows are the caller's. Rows that the same transaction writes while
// it runs may or may not be seen.
func (s *Snapshot) Rows(table string, r Range) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		t, err := s.table(table)
		if err != nil {
			yield(nil, opError("read rows", err))
			return
		}
		for item, err := range t.scan(s.ctx, r) {
			var row Row
			if err == nil {
				row, err = t.row(s.ctx, item.Key, item.Value)
			}
			if err != nil {
				yield(nil, opError("read rows", err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Count returns the number of rows that r selects. Without writes of the same
// transaction to the table it costs O(log n).
func (s *Snapshot) Count(table string, r Range) (uint64, error) {
	t, err := s.table(table)
	if err != nil {
		return 0, opError("count", err)
	}
	n, err := t.count(s.ctx, r)
	return n, opError("count", err)
}

// OpenBlob opens the TEXT or BLOB in a column of one row for reading as a
// stream, without loading it.
func (s *Snapshot) OpenBlob(table, column string, key ...any) (*Blob, error) {
	b, err := s.openBlob(table, column, key)
	return b, opError("open blob", err)
}

func (s *Snapshot) openBlob(table, column string, key []any) (*Blob, error) {
	t, k, rec, err := s.record(table, key)
	if err != nil {
		return nil, err
	}
	i, err := t.column(column)
	if err != nil {
		return nil, err
	}
	row, err := t.decode(nil, k, rec)
	if err != nil {
		return nil, err
	}
	return newBlob(s.ctx, s.store, row[i])
}

// tableView is a table of a snapshot: its rows and indexes, with the edits of
// the transaction over them.
type tableView struct {
	*layout
	store   prolly.Store
	entry   tableEntry
	rows    overlay
	indexes []overlay
	rowid   int64 // the highest rowid given out, once known
	known   bool
	// untriggered says that the table is known to have no triggers.
	untriggered bool
	// keyBuffer is room for the key that is being written.
	keyBuffer []byte
}

// keyOf encodes a whole primary key.
func (t *tableView) keyOf(key []any) ([]byte, error) {
	vals, err := valuesOf(key)
	if err != nil {
		return nil, err
	}
	return t.wholeKey(nil, vals)
}

// row decodes a row that the caller may keep, with all values in line.
func (t *tableView) row(ctx context.Context, key, rec []byte) (Row, error) {
	row, err := t.decode(nil, key, append([]byte(nil), rec...))
	if err != nil {
		return nil, err
	}
	for i, v := range row {
		if row[i], err = t.content(ctx, v); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// content returns v with its bytes, which are read if they stand out of line.
func (t *tableView) content(ctx context.Context, v Value) (Value, error) {
	if _, out := v.Address(); !out {
		return v, nil
	}
	return readBlob(ctx, t.store, v)
}

// scan yields the keys and records of the rows that r selects.
func (t *tableView) scan(ctx context.Context, r Range) iter.Seq2[prolly.Item, error] {
	if r.Index != "" {
		return t.scanIndex(ctx, r)
	}
	keys, err := t.keyRange(r)
	if err != nil {
		return failed(err)
	}
	return t.rows.scan(ctx, keys, r.Backward)
}

// scanIndex yields rows in the order of an index.
func (t *tableView) scanIndex(ctx context.Context, r Range) iter.Seq2[prolly.Item, error] {
	i, keys, err := t.indexRange(r)
	if err != nil {
		return failed(err)
	}
	x := &t.index[i]
	return func(yield func(prolly.Item, error) bool) {
		for item, err := range t.indexes[i].scan(ctx, keys, r.Backward) {
			if err == nil {
				item, err = t.rowOfEntry(ctx, x, item.Key)
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// rowOfEntry finds the row of an index entry.
func (t *tableView) rowOfEntry(ctx context.Context, x *indexLayout, entry []byte) (prolly.Item, error) {
	key, err := x.rowKeyOf(entry)
	if err != nil {
		return prolly.Item{}, err
	}
	rec, ok, err := t.rows.get(ctx, key)
	if err == nil && !ok {
		err = fmt.Errorf("table %s: index %s has an entry without a row", t.schema.Name, x.name)
	}
	return prolly.Item{Key: key, Value: rec}, err
}

func (t *tableView) count(ctx context.Context, r Range) (uint64, error) {
	o := &t.rows
	keys, err := t.keyRange(r)
	if r.Index != "" {
		var i int
		if i, keys, err = t.indexRange(r); err == nil {
			o = &t.indexes[i]
		}
	}
	if err != nil {
		return 0, err
	}
	if !o.isEdited() {
		return o.tree.CountRange(ctx, keys)
	}
	var n uint64
	for _, err := range o.scan(ctx, keys, false) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// keyRange encodes the bounds of r on the primary key.
func (t *tableView) keyRange(r Range) (prolly.Range, error) {
	return encodeRange(r, t.appendKey)
}

// indexRange finds the index of r and encodes its bounds.
func (t *tableView) indexRange(r Range) (int, prolly.Range, error) {
	i := t.schema.Index(r.Index)
	if i < 0 {
		return 0, prolly.Range{}, fmt.Errorf("table %s: index %s: %w", t.schema.Name, r.Index, ErrNotFound)
	}
	keys, err := encodeRange(r, func(dst []byte, vals []Value) ([]byte, error) {
		return t.index[i].prefix(dst, t.layout, vals)
	})
	return i, keys, err
}

// encodeRange turns r's values into keys. In a column that is sorted DESC, From
// and To are still given in the order of the index: From comes first.
func encodeRange(r Range, encode func([]byte, []Value) ([]byte, error)) (prolly.Range, error) {
	bound := func(vals []any) ([]byte, error) {
		all, err := valuesOf(append(append([]any{}, r.Prefix...), vals...))
		if err != nil || len(all) == 0 {
			return nil, err
		}
		return encode(nil, all)
	}
	prefix, err := bound(nil)
	if err != nil {
		return prolly.Range{}, err
	}
	keys := prolly.Range{From: prefix, To: record.PrefixEnd(prefix)}
	if len(r.From) > 0 {
		if keys.From, err = bound(r.From); err != nil {
			return prolly.Range{}, err
		}
	}
	if len(r.To) > 0 {
		if keys.To, err = bound(r.To); err != nil {
			return prolly.Range{}, err
		}
	}
	return keys, nil
}

// failed is a sequence that only fails.
func failed(err error) iter.Seq2[prolly.Item, error] {
	return func(yield func(prolly.Item, error) bool) { yield(prolly.Item{}, err) }
}
