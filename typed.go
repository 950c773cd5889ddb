package vdb

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/vdbgo/vdb/internal/record"
)

// Table maps the rows of a table to values of the struct type T, one field a
// column. It holds no rows and no connection: one Table serves any number of
// databases, branches and goroutines at once.
//
// A field's tag names its column and says what the schema has:
//
//	type Customer struct {
//		ID      int64     `vdb:"id,pk,auto"`
//		Email   string    `vdb:"email,unique,nocase"`
//		Plan    *string   // NULL if nil; the column is "plan"
//		Created time.Time `vdb:",index,desc"`
//		Account string    `vdb:"account_id,fk=accounts.id"`
//		Visits  int       `vdb:",default=0,merge=sum"`
//		scratch []byte    // unexported fields are no columns
//	}
//
// The options, all of them optional and after the name, are:
//
//	pk, pk=2           in the primary key, in the order of the fields or at a position
//	auto               an INTEGER primary key of 0 takes the next free number
//	unique, index      an index of its own, named table_column
//	unique=n, index=n  part of index n, with the other fields that name it
//	desc               descending in its indexes
//	nocase, rtrim      collation
//	notnull            NOT NULL
//	type=T             the declared SQL type
//	default=L          a SQL literal: what rows have that were there before the column,
//	                   and those written through a struct without the field
//	merge=P            a [Policy]: max, min, latest, ours, theirs, sum
//	fk=t, fk=t.c       refers to the primary key, or column c, of table t
//
// A tag of "-" skips the field. Embedded structs are flattened. A column is NOT
// NULL unless its field can hold NULL: a pointer, []byte, *Blob, Value, or a
// type with the methods of driver.Valuer and sql.Scanner, as sql.Null has.
//
// Integers, bool (0 and 1), floats, string, []byte, time.Time (as text in UTC,
// to the nanosecond) and named types of these are stored in columns INTEGER,
// BOOLEAN, REAL, TEXT, BLOB and DATETIME. What does not fit is an error that
// names the column: a number too large for the field or for 64 signed bits,
// NaN, text that is not UTF-8, NULL in a field that cannot hold it.
//
// A stored table may have columns that T lacks. Reads ignore them; a Put or
// Update over a row keeps what they hold; a new row gets their defaults. All
// fields need a column: see Check.
type Table[T any] struct {
	shape    *structShape
	mappings atomic.Pointer[[]*mapping] // the ones used last, newest first
	pool     sync.Pool                  // of *rowBuffer[T]
}

// rowBuffer is what one call or iteration works with.
type rowBuffer[T any] struct {
	row  T
	vals []Value
	key  []byte
	keys []Value
}

// NewTable returns the typed table of a name. adjust, if any, completes the
// schema with what tags cannot say, such as foreign keys of several columns; it
// must leave the columns alone. An error names the Go field that is to blame.
func NewTable[T any](name string, adjust ...func(*Schema)) (*Table[T], error) {
	shape, err := newStructShape(name, reflect.TypeFor[T]())
	if err == nil {
		columns := len(shape.schema.Columns)
		for _, f := range adjust {
			f(&shape.schema)
		}
		if len(shape.schema.Columns) != columns {
			err = invalidf("the columns have been adjusted")
		} else {
			err = shape.schema.Validate()
		}
	}
	if err != nil {
		return nil, opError("map table "+name, err)
	}
	t := &Table[T]{shape: shape}
	t.pool.New = func() any { return new(rowBuffer[T]) }
	return t, nil
}

// MustTable is NewTable for package variables: it panics where that fails.
func MustTable[T any](name string, adjust ...func(*Schema)) *Table[T] {
	t, err := NewTable[T](name, adjust...)
	if err != nil {
		panic(err)
	}
	return t
}

// Name returns the table's name.
func (t *Table[T]) Name() string { return t.shape.schema.Name }

// Schema returns a copy of the schema that T's tags describe.
func (t *Table[T]) Schema() Schema { return *t.shape.schema.Clone() }

// Create adds the table, empty; ErrExists if there is one.
func (t *Table[T]) Create(tx *Tx) error { return tx.CreateTable(t.shape.schema) }

// CreateIfMissing adds the table if there is none of its name, and checks it
// otherwise.
func (t *Table[T]) CreateIfMissing(tx *Tx) error {
	if err := t.Check(tx); !isNotFound(err) {
		return err
	}
	return t.Create(tx)
}

// Check compares the stored schema with T. An error lists what differs, column
// by column; ErrNotFound is a missing table. Columns and indexes that T does not
// have are no difference, and neither are types of one affinity.
func (t *Table[T]) Check(r Reader) error {
	view, err := t.view(r)
	if err != nil {
		return opError("check table", err)
	}
	if found := t.shape.differences(view.schema); len(found) > 0 {
		return opError("check table", invalidf("table %s: %s", t.Name(), strings.Join(found, "; ")))
	}
	return nil
}

// Get returns the row of the primary key key, one value for each of its columns
// (or the rowid, in a table without one); ErrNotFound if there is none.
func (t *Table[T]) Get(r Reader, key ...any) (T, error) {
	b := t.buffer()
	defer t.release(b)
	if err := t.get(r, key, b); err != nil {
		var none T
		return none, opError("get", err)
	}
	return b.row, nil
}

func (t *Table[T]) get(r Reader, key []any, b *rowBuffer[T]) error {
	view, m, err := t.open(r)
	if err != nil {
		return err
	}
	if err := t.encodeKey(m, key, b); err != nil {
		return err
	}
	s := r.snapshot()
	rec, ok, err := view.rows.get(s.ctx, b.key)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("table %s, row %s: %w", t.Name(), formatValues(b.keys), ErrNotFound)
	}
	b.vals, err = m.read(s, view, b.vals, b.key, rec, unsafe.Pointer(&b.row))
	return err
}

// encodeKey leaves key's values in b.keys and their encoding in b.key.
func (t *Table[T]) encodeKey(m *mapping, key []any, b *rowBuffer[T]) (err error) {
	if b.keys, err = m.key(b.keys[:0], key); err == nil {
		b.key, err = m.layout.wholeKey(b.key[:0], b.keys)
	}
	return err
}

// Put stores row over whatever row has its primary key. In a table without a
// primary key it adds a row. All bytes are copied.
func (t *Table[T]) Put(tx *Tx, row T) error {
	b := t.buffer()
	defer t.release(b)
	b.row = row
	return opError("put", t.write(tx, writePut, b))
}

// Insert stores a new row; ErrExists if its primary key is taken.
func (t *Table[T]) Insert(tx *Tx, row T) error {
	b := t.buffer()
	defer t.release(b)
	b.row = row
	return opError("insert", t.write(tx, writeInsert, b))
}

// Update stores row over the one that has its primary key; ErrNotFound if there
// is none.
func (t *Table[T]) Update(tx *Tx, row T) error {
	b := t.buffer()
	defer t.release(b)
	b.row = row
	return opError("update", t.write(tx, writeUpdate, b))
}

// Add is Insert that sets the field of an auto primary key, if it is zero, to
// the number that the row was given.
func (t *Table[T]) Add(tx *Tx, row *T) error {
	b := t.buffer()
	defer t.release(b)
	b.row = *row
	if err := t.write(tx, writeInsert, b); err != nil {
		return opError("insert", err)
	}
	for i := range t.shape.fields {
		if f := &t.shape.fields[i]; f.auto {
			if err := f.set(unsafe.Pointer(row), b.keys[0]); err != nil {
				return opError("insert", fmt.Errorf("table %s, column %s: %w", t.Name(), t.shape.schema.Columns[i].Name, err))
			}
		}
	}
	return nil
}

// write stores b.row, and leaves its primary key in b.keys.
func (t *Table[T]) write(tx *Tx, mode writeMode, b *rowBuffer[T]) error {
	view, triggered, err := tx.direct(t.Name())
	if err != nil {
		return err
	}
	m, err := t.mapping(view.layout)
	if err != nil {
		return err
	}
	if b.vals, err = m.values(tx.ctx, view.store, b.vals, unsafe.Pointer(&b.row)); err != nil {
		return err
	}
	if triggered {
		return m.writeInSQL(tx, view, mode, &b.vals, &b.keys)
	}
	if mode != writeInsert {
		if err := m.keep(tx.ctx, view, b.vals); err != nil {
			return err
		}
	}
	n, err := view.write(tx.ctx, mode, b.vals)
	if err != nil {
		return err
	}
	b.keys = append(b.keys[:0], view.knownKey(b.vals)...)
	return tx.wrote(n)
}

// Delete removes the row of the primary key key; ErrNotFound if there is none.
func (t *Table[T]) Delete(tx *Tx, key ...any) error {
	b := t.buffer()
	defer t.release(b)
	return opError("delete", t.delete(tx, key, b))
}

func (t *Table[T]) delete(tx *Tx, key []any, b *rowBuffer[T]) error {
	view, triggered, err := tx.direct(t.Name())
	if err != nil {
		return err
	}
	m, err := t.mapping(view.layout)
	if err != nil {
		return err
	}
	if b.keys, err = m.key(b.keys[:0], key); err != nil {
		return err
	}
	if triggered {
		return tx.deleteInSQL(view, b.keys)
	}
	return tx.deleteRow(view, b.keys)
}

// All yields all rows in the order of the primary key. The rows are the
// caller's. Rows that the same transaction writes while it runs may or may not
// be seen.
func (t *Table[T]) All(r Reader) iter.Seq2[T, error] { return t.Range(r, Range{}) }

// Backward is Range in descending order.
func (t *Table[T]) Backward(r Reader, in Range) iter.Seq2[T, error] {
	in.Backward = true
	return t.Range(r, in)
}

// By yields the rows that have vals in the first columns of an index, in its
// order. index may also be the name of a column that is the first of an index.
func (t *Table[T]) By(r Reader, index string, vals ...any) iter.Seq2[T, error] {
	return t.Range(r, Range{Index: index, Prefix: vals})
}

// Range yields the rows that in selects, in the order of the primary key or of
// the index. in.Index may also be the name of a column that is the first of an
// index. The rows are the caller's.
func (t *Table[T]) Range(r Reader, in Range) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := t.scan(r, in, yield); err != nil {
			var none T
			yield(none, opError("read rows", err))
		}
	}
}

// scan yields rows until yield returns false.
func (t *Table[T]) scan(r Reader, in Range, yield func(T, error) bool) error {
	view, m, err := t.open(r)
	if err != nil {
		return err
	}
	if in, err = m.bounds(in); err != nil {
		return err
	}
	b := t.buffer()
	defer t.release(b)
	s := r.snapshot()
	var none T
	for item, err := range view.scan(s.ctx, in) {
		if err != nil {
			return err
		}
		b.row = none
		if b.vals, err = m.read(s, view, b.vals, item.Key, item.Value, unsafe.Pointer(&b.row)); err != nil {
			return err
		}
		if !yield(b.row, nil) {
			return nil
		}
	}
	return nil
}

// Count returns the number of rows that in selects; Range{} is all.
func (t *Table[T]) Count(r Reader, in Range) (uint64, error) {
	n, err := t.count(r, in)
	return n, opError("count", err)
}

func (t *Table[T]) count(r Reader, in Range) (uint64, error) {
	view, m, err := t.open(r)
	if err != nil {
		return 0, err
	}
	if in, err = m.bounds(in); err != nil {
		return 0, err
	}
	return view.count(r.snapshot().ctx, in)
}

// view returns the table in r.
func (t *Table[T]) view(r Reader) (*tableView, error) {
	if tx, ok := r.(*Tx); ok {
		if err := tx.usable(); err != nil {
			return nil, err
		}
	}
	return r.snapshot().table(t.Name())
}

func (t *Table[T]) open(r Reader) (*tableView, *mapping, error) {
	view, err := t.view(r)
	if err != nil {
		return nil, nil, err
	}
	m, err := t.mapping(view.layout)
	return view, m, err
}

// maxMappings bounds the schemas whose mappings a Table keeps.
const maxMappings = 8

// mapping returns T fitted to a layout.
func (t *Table[T]) mapping(l *layout) (*mapping, error) {
	known := t.mappings.Load()
	if known != nil {
		for _, m := range *known {
			if m.layout == l {
				return m, nil
			}
		}
	}
	m, err := newMapping(t.shape, l)
	if err != nil {
		return nil, err
	}
	list := []*mapping{m}
	if known != nil {
		list = append(list, (*known)[:min(len(*known), maxMappings-1)]...)
	}
	t.mappings.CompareAndSwap(known, &list)
	return m, nil
}

// buffer returns an empty buffer, which release takes back.
func (t *Table[T]) buffer() *rowBuffer[T] { return t.pool.Get().(*rowBuffer[T]) }

func (t *Table[T]) release(b *rowBuffer[T]) {
	var none T
	b.row = none
	clear(b.vals)
	clear(b.keys)
	t.pool.Put(b)
}

// bounds makes a Range's values ready for the layout, and finds its index.
func (m *mapping) bounds(in Range) (Range, error) {
	if in.Index != "" {
		in.Index = m.layout.schema.indexNamed(in.Index)
	}
	for _, vals := range []*[]any{&in.Prefix, &in.From, &in.To} {
		converted := make([]any, len(*vals))
		for i, x := range *vals {
			v, err := keyValue(x)
			if err != nil {
				return in, fmt.Errorf("table %s: value %d of a range: %w", m.layout.schema.Name, i+1, err)
			}
			converted[i] = v
		}
		*vals = converted
	}
	return in, nil
}

// indexNamed returns the name of the index name, or of the first one that
// starts with the column name.
func (s *Schema) indexNamed(name string) string {
	if s.Index(name) < 0 {
		for _, x := range s.Indexes {
			if sameName(x.Columns[0].Name, name) {
				return x.Name
			}
		}
	}
	return name
}

func checkText(s string) error {
	if !utf8.ValidString(s) {
		return checkValue(Text(s))
	}
	return nil
}

// keyValue converts a value of a key: what ValueOf takes, named types of it,
// pointers to it, and driver.Valuer.
func keyValue(x any) (Value, error) {
	switch x := x.(type) {
	case string:
		return Text(x), checkText(x)
	case int:
		return record.Int(int64(x)), nil
	case int64:
		return record.Int(x), nil
	}
	return otherKeyValue(x)
}
