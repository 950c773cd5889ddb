package vdb

import (
	"context"
	"fmt"
	"slices"
	"unsafe"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// mapping is a struct type fitted to a stored table. It is immutable.
type mapping struct {
	layout  *layout
	fields  []mappedField // in the order of the struct
	missing []int         // columns that no field holds
	texts   bool          // rows have bytes that the struct will alias
}

type mappedField struct {
	field
	column int
}

// newMapping fits a struct to the layout of a stored table.
func newMapping(s *structShape, l *layout) (*mapping, error) {
	m := &mapping{layout: l}
	held := make([]bool, len(l.cols))
	for i, f := range s.fields {
		column, err := l.column(s.schema.Columns[i].Name)
		if err != nil {
			return nil, fmt.Errorf("%w (Go field %s)", err, f.path)
		}
		if err := f.inColumn(&l.schema.Columns[column]); err != nil {
			return nil, fmt.Errorf("table %s: %w", l.schema.Name, err)
		}
		held[column] = true
		m.fields = append(m.fields, mappedField{field: f, column: column})
		m.texts = m.texts || f.aliases()
	}
	for i := range held {
		if !held[i] {
			m.missing = append(m.missing, i)
		}
	}
	return m, nil
}

// aliases tells whether the field may keep bytes of the record.
func (f *field) aliases() bool {
	switch f.kind {
	case fieldString, fieldBytes, fieldValue, fieldBlob:
		return true
	}
	return false
}

// read decodes the row stored under key into the struct at base. The struct
// owns its bytes. vals is room for the row.
func (m *mapping) read(s *Snapshot, t *tableView, vals []Value, key, rec []byte, base unsafe.Pointer) ([]Value, error) {
	if m.texts {
		// One allocation for all strings and bytes of the row.
		rec = append(make([]byte, 0, len(rec)), rec...)
	}
	vals, err := t.decode(vals, key, rec)
	if err != nil {
		return vals, err
	}
	for i := range m.fields {
		f := &m.fields[i]
		if err := f.load(s, t, base, vals[f.column]); err != nil {
			return vals, fmt.Errorf("table %s, row %s, column %s: %w", t.schema.Name, t.rowName(key, vals), t.cols[f.column].name, err)
		}
	}
	return vals, nil
}

// load sets the field to a value that may stand out of line.
func (f *field) load(s *Snapshot, t *tableView, base unsafe.Pointer, v Value) error {
	if f.kind == fieldBlob {
		return f.loadBlob(s, t, base, v)
	}
	if _, out := v.Address(); out {
		var err error
		if v, err = t.content(s.ctx, v); err != nil {
			return err
		}
	}
	return f.set(base, v)
}

func (f *field) loadBlob(s *Snapshot, t *tableView, base unsafe.Pointer, v Value) error {
	if v.IsNull() {
		return f.set(base, v)
	}
	if v.Kind() < record.KindText {
		return f.mismatch(v)
	}
	b, err := newBlob(s.ctx, t.store, v)
	*(**Blob)(unsafe.Add(base, f.offset)) = b
	return err
}

// rowName is how messages name a row.
func (t *tableView) rowName(key []byte, row []Value) string {
	vals, err := t.keyValues(key, row)
	if err != nil {
		return fmt.Sprintf("%x", key)
	}
	return formatValues(vals)
}

// values takes the values of the struct at base into vals, one for each column
// of the table, and default values into the columns that no field holds.
func (m *mapping) values(ctx context.Context, s prolly.Store, vals []Value, base unsafe.Pointer) ([]Value, error) {
	l := m.layout
	if cap(vals) < len(l.cols) {
		vals = make([]Value, len(l.cols))
	}
	vals = vals[:len(l.cols)]
	for i := range m.fields {
		f := &m.fields[i]
		var err error
		if vals[f.column], err = f.value(ctx, s, base); err != nil {
			return vals, fmt.Errorf("table %s, column %s: %w", l.schema.Name, l.cols[f.column].name, err)
		}
	}
	for _, i := range m.missing {
		vals[i] = l.cols[i].fallback
	}
	return vals, m.checkKey()
}

// checkKey refuses to write rows whose key the struct does not know.
func (m *mapping) checkKey() error {
	for _, k := range m.layout.key {
		if slices.Contains(m.missing, k.column) {
			return invalidf("table %s: no Go field holds primary key column %s", m.layout.schema.Name, m.layout.cols[k.column].name)
		}
	}
	return nil
}

// keep puts into vals what the row to be replaced has in the columns that no
// field holds.
func (m *mapping) keep(ctx context.Context, t *tableView, vals []Value) error {
	if len(m.missing) == 0 || t.kind == keyRowid || t.kind == keyInteger && vals[t.key[0].column].IsNull() {
		return nil
	}
	key, err := t.rowKey(nil, vals)
	if err != nil {
		return err
	}
	rec, ok, err := t.rows.get(ctx, key)
	if err != nil || !ok {
		return err
	}
	old, err := t.decode(nil, key, rec)
	if err != nil {
		return err
	}
	for _, i := range m.missing {
		vals[i] = old[i]
	}
	return nil
}

// writeInSQL stores the columns that the struct holds, and leaves the key in keys.
func (m *mapping) writeInSQL(tx *Tx, t *tableView, mode writeMode, vals, keys *[]Value) error {
	var columns []int
	for i := range m.fields {
		columns = append(columns, m.fields[i].column)
	}
	rowid, err := tx.writeInSQL(t, mode, columns, *vals)
	if err != nil {
		return err
	}
	*keys = append((*keys)[:0], t.knownKey(*vals)...)
	if t.kind == keyInteger && (*keys)[0].IsNull() {
		(*keys)[0] = record.Int(rowid)
	}
	return nil
}

// keyField returns the field of the primary key's column i, or nil.
func (m *mapping) keyField(i int) *mappedField {
	if i >= len(m.layout.key) {
		return nil
	}
	for f := range m.fields {
		if m.fields[f].column == m.layout.key[i].column {
			return &m.fields[f]
		}
	}
	return nil
}

// key converts the values of a whole primary key.
func (m *mapping) key(dst []Value, key []any) ([]Value, error) {
	for i, x := range key {
		v, err := keyValue(x)
		if err != nil {
			return nil, fmt.Errorf("table %s: key value %d: %w", m.layout.schema.Name, i+1, err)
		}
		if f := m.keyField(i); f != nil && !f.accepts(v.Kind()) {
			return nil, invalidf("table %s: key column %s: %s %s for Go type %s",
				m.layout.schema.Name, m.layout.cols[f.column].name, v.Kind(), v, f.typ)
		}
		dst = append(dst, v)
	}
	return dst, nil
}
