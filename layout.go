package vdb

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// layout is a schema made ready for work: how its rows become keys, records and
// index entries. It is immutable and shared.
type layout struct {
	schema *Schema
	kind   keyKind
	key    []keyColumn // columns of the primary key
	cols   []columnLayout
	stored []int // stored position → column
	config *prolly.Config
	index  []indexLayout
	lookup map[string]int // folded name → column
	// generated are the columns that SQL computes; nil is none.
	generated []bool
	// unrenamed returns the schema in terms of identities where nothing was ever
	// renamed. Merges share it and must not change it.
	unrenamed func() *identitySchema
}

type keyKind uint8

const (
	keyRowid     keyKind = iota // hidden rowid
	keyInteger                  // INTEGER PRIMARY KEY
	keyClustered                // any other primary key
)

type columnLayout struct {
	name     string
	affinity record.Affinity
	notNull  bool
	fallback Value // the default, which trailing columns of a record leave out
	position int   // in the record
	policy   Policy
}

type keyColumn struct {
	column   int
	affinity record.Affinity
	record.KeyColumn
}

type indexLayout struct {
	name    string
	unique  bool
	columns []keyColumn // declared columns, then those of the primary key
	own     int         // how many of columns are declared
	rowid   bool        // the entry ends in the 8-byte rowid instead of key columns
	key     []keyColumn // of the table
	turned  bool        // the primary key sorts a column downwards, and the entry does not
	// evaluated says that only SQL can make entries.
	evaluated bool
	unsorted  bool
	config    *prolly.Config
}

func newLayout(s *Schema) (*layout, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	l := &layout{schema: s, lookup: make(map[string]int, len(s.Columns))}
	for i, c := range s.Columns {
		fallback, err := parseLiteral(c.Default)
		if err != nil {
			return nil, err
		}
		affinity := s.affinityOf(c)
		l.cols = append(l.cols, columnLayout{
			name: c.Name, affinity: affinity, notNull: c.NotNull, policy: c.Merge,
			fallback: affinity.Apply(fallback),
		})
		l.lookup[fold(c.Name)] = i
	}
	if err := l.layGenerated(); err != nil {
		return nil, fmt.Errorf("table %s: %w", s.Name, err)
	}
	l.layKey()
	l.layRecord()
	for _, x := range s.Indexes {
		l.index = append(l.index, l.layIndex(x))
	}
	l.unrenamed = sync.OnceValue(func() *identitySchema { return new(identities).withIdentities(s) })
	return l, nil
}

// affinityOf returns the affinity of a column. ANY has none in a STRICT table, and is
// NUMERIC in others.
func (s *Schema) affinityOf(c Column) record.Affinity {
	if strings.EqualFold(c.Type, "ANY") && s.isStrict() {
		return record.AffinityBlob
	}
	return record.AffinityOf(c.Type)
}

// isStrict tells whether the table is STRICT: what follows the last parenthesis of its
// statement, which others need not have, says so.
func (s *Schema) isStrict() bool {
	options := s.SQL[strings.LastIndexByte(s.SQL, ')')+1:]
	return strings.Contains(strings.ToUpper(options), "STRICT")
}

func (l *layout) layKey() {
	s := l.schema
	for i, name := range s.PrimaryKey {
		column, order := l.lookup[fold(name)], IndexColumn{}
		if len(s.KeyColumns) > 0 {
			order = s.KeyColumns[i]
		}
		l.key = append(l.key, l.keyColumn(column, order.Collation, order.Desc))
		l.cols[column].notNull = true
	}
	switch {
	case len(l.key) == 0:
		l.kind, l.config = keyRowid, rowConfig
	case len(l.key) == 1 && !s.WithoutRowID && strings.EqualFold(strings.TrimSpace(s.Columns[l.key[0].column].Type), "INTEGER"):
		l.kind, l.config = keyInteger, rowConfig
	default:
		l.kind, l.config = keyClustered, clusteredConfig
	}
}

// layRecord fixes the record's column order: as declared, or in a clustered
// table the key's columns first, as SQLite stores WITHOUT ROWID tables.
func (l *layout) layRecord() {
	taken := make([]bool, len(l.cols))
	if l.kind == keyClustered {
		for _, k := range l.key {
			l.stored = append(l.stored, k.column)
			taken[k.column] = true
		}
	}
	for i := range l.cols {
		if !taken[i] {
			l.stored = append(l.stored, i)
		}
	}
	for position, column := range l.stored {
		l.cols[column].position = position
	}
}

func (l *layout) keyColumn(column int, collation string, desc bool) keyColumn {
	if collation == "" {
		collation = l.schema.Columns[column].Collation
	}
	c, _ := parseCollation(collation) // validated with the schema
	return keyColumn{column: column, affinity: l.cols[column].affinity, KeyColumn: record.KeyColumn{Collation: c, Desc: desc}}
}

func (l *layout) layIndex(x Index) indexLayout {
	ix := indexLayout{name: x.Name, unique: x.Unique, own: len(x.Columns), rowid: l.kind != keyClustered, config: indexConfig, key: l.key, evaluated: x.evaluated(), unsorted: x.Unsorted}
	for _, c := range x.Columns {
		ix.columns = append(ix.columns, l.indexColumn(c))
	}
	if !ix.rowid {
		for _, k := range l.key {
			if x.Automatic() {
				// SQLite sorts these upwards, whatever the primary key does.
				ix.turned = ix.turned || k.Desc
				k.Desc = false
			}
			ix.columns = append(ix.columns, k)
		}
	}
	return ix
}

// Automatic tells whether the index has a name that SQLite gives to the indexes of
// constraints: no CREATE INDEX made it.
func (x *Index) Automatic() bool { return strings.HasPrefix(fold(x.Name), "sqlite_autoindex_") }

// noColumn stands for an expression.
const noColumn = -1

func (l *layout) indexColumn(c IndexColumn) keyColumn {
	if c.Name != "" {
		return l.keyColumn(l.lookup[fold(c.Name)], c.Collation, c.Desc)
	}
	collation, _ := parseCollation(c.Collation) // validated with the schema
	return keyColumn{column: noColumn, KeyColumn: record.KeyColumn{Collation: collation, Desc: c.Desc}}
}

// column finds a column by name.
func (l *layout) column(name string) (int, error) {
	i, ok := l.lookup[fold(name)]
	if !ok {
		return 0, fmt.Errorf("table %s: column %s: %w", l.schema.Name, name, ErrNotFound)
	}
	return i, nil
}

// wholeKey appends the encoded primary key, given all of its values.
func (l *layout) wholeKey(dst []byte, vals []Value) ([]byte, error) {
	if want := max(len(l.key), 1); len(vals) != want {
		return nil, invalidf("table %s: %d values for a key of %d columns", l.schema.Name, len(vals), want)
	}
	return l.appendKey(dst, vals)
}

// appendKey appends the encoded primary key, or a prefix of it, given by vals.
func (l *layout) appendKey(dst []byte, vals []Value) ([]byte, error) {
	want := max(len(l.key), 1)
	if len(vals) == 0 || len(vals) > want {
		return nil, invalidf("table %s: %d values for a key of %d columns", l.schema.Name, len(vals), want)
	}
	if l.kind != keyClustered {
		return l.appendIntKey(dst, vals[0])
	}
	for i, v := range vals {
		k := l.key[i]
		v = l.cols[k.column].affinity.Apply(v)
		if v.IsNull() {
			return nil, fmt.Errorf("table %s: key column %s is NULL: %w", l.schema.Name, l.cols[k.column].name, ErrConstraint)
		}
		if err := checkKeyValue(v); err != nil {
			return nil, fmt.Errorf("table %s: key column %s: %w", l.schema.Name, l.cols[k.column].name, err)
		}
		dst = record.AppendKey(dst, v, k.KeyColumn)
	}
	return dst, nil
}

func (l *layout) appendIntKey(dst []byte, v Value) ([]byte, error) {
	v = record.AffinityOf("INTEGER").Apply(v)
	if v.Kind() != record.KindInteger {
		return nil, invalidf("table %s: key %s is not an integer", l.schema.Name, v)
	}
	return record.AppendIntKey(dst, v.Int()), nil
}

// checkValue refuses what SQL text cannot hold.
func checkValue(v Value) error {
	if _, out := v.Address(); out || v.Kind() != record.KindText || utf8.Valid(v.Bytes()) {
		return nil
	}
	return invalidf("text %s is not UTF-8", v)
}

// maxKeyBytes bounds a value in a key or index, because a key stands whole in
// its node and in the nodes above.
const maxKeyBytes = 32 << 10

func checkKeyValue(v Value) error {
	if v.Size() > maxKeyBytes {
		return invalidf("a key value of %d bytes, at most %d are allowed", v.Size(), maxKeyBytes)
	}
	return nil
}

// rowKey appends the key of a whole row. The table has a primary key.
func (l *layout) rowKey(dst []byte, row []Value) ([]byte, error) {
	var buf [4]Value
	vals := buf[:0]
	for _, k := range l.key {
		vals = append(vals, row[k.column])
	}
	return l.appendKey(dst, vals)
}

// keyValues returns the values of the primary key of the row at key, or its rowid.
func (l *layout) keyValues(key []byte, row []Value) ([]Value, error) {
	if l.kind != keyClustered {
		i, err := record.DecodeIntKey(key)
		return []Value{record.Int(i)}, err
	}
	vals := make([]Value, len(l.key))
	for i, k := range l.key {
		vals[i] = row[k.column]
	}
	return vals, nil
}

// prepare applies affinities to row in place and checks its values.
func (l *layout) prepare(row []Value) error {
	if err := l.checkWidth(row); err != nil {
		return err
	}
	for i := range row {
		if err := l.prepareColumn(row, i); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) checkWidth(row []Value) error {
	if len(row) != len(l.cols) {
		return invalidf("table %s: a row of %d values for %d columns", l.schema.Name, len(row), len(l.cols))
	}
	return nil
}

// prepareColumns is prepare for some columns of a row.
func (l *layout) prepareColumns(row []Value, columns []int) error {
	for _, i := range columns {
		if err := l.prepareColumn(row, i); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) prepareColumn(row []Value, i int) error {
	c := &l.cols[i]
	row[i] = c.affinity.Apply(row[i])
	if row[i].IsNull() && c.notNull && !l.computes(i) && !(l.kind == keyInteger && l.key[0].column == i) {
		return &ConstraintError{Op: "write", Violations: []Violation{{
			Kind: ViolatesNotNull, Table: l.schema.Name, Key: l.knownKey(row), Columns: []string{c.name}, Values: []Value{Null()},
		}}}
	}
	if err := checkValue(row[i]); err != nil {
		return fmt.Errorf("table %s: column %s: %w", l.schema.Name, c.name, err)
	}
	return nil
}

func (l *layout) knownKey(row []Value) []Value {
	vals := make([]Value, 0, len(l.key))
	for _, k := range l.key {
		vals = append(vals, row[k.column])
	}
	return vals
}

// appendRecord appends the canonical record of row: trailing columns that hold
// their default are left out, as SQLite leaves them out of rows that were
// written before ADD COLUMN, and an INTEGER PRIMARY KEY stands in the key only.
func (l *layout) appendRecord(dst []byte, row []Value) []byte {
	var buf [32]Value
	vals := buf[:0]
	for _, column := range l.stored {
		v := row[column]
		if l.kind == keyInteger && column == l.key[0].column {
			v = record.Null()
		}
		vals = append(vals, l.cols[column].affinity.Store(v))
	}
	n := len(vals)
	for n > l.whole() && l.omittable(n-1, row) {
		n--
	}
	return record.Append(dst, vals[:n])
}

// whole returns how many values each record has: SQLite compares rows by the key
// in them, and wants one value at least.
func (l *layout) whole() int {
	if l.kind == keyClustered {
		return len(l.key)
	}
	return 1
}

func (l *layout) omittable(position int, row []Value) bool {
	column := l.stored[position]
	if l.kind == keyInteger && column == l.key[0].column {
		return true
	}
	return row[column].Equal(l.cols[column].fallback)
}

// decode appends to dst[:0] the row stored as rec under key. The values alias rec.
func (l *layout) decode(dst []Value, key, rec []byte) ([]Value, error) {
	var buf [32]Value
	vals, err := record.Parse(rec, buf[:0])
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", l.schema.Name, err)
	}
	if cap(dst) < len(l.cols) {
		dst = make([]Value, len(l.cols))
	}
	dst = dst[:len(l.cols)]
	for i := range l.cols {
		c := &l.cols[i]
		if c.position < len(vals) {
			dst[i] = c.affinity.Load(vals[c.position])
		} else {
			dst[i] = c.fallback
		}
	}
	if l.kind == keyInteger {
		id, err := record.DecodeIntKey(key)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", l.schema.Name, err)
		}
		dst[l.key[0].column] = record.Int(id)
	}
	return dst, nil
}

// longEntry is the length from which an index entry carries its record, so that
// what it takes up in a page is known exactly.
const longEntry = 1000

// entry appends the index entry of the row at rowKey: a key that sorts as the
// index does, and, where the key is long or has lost something (folded text, a
// REAL that equals an integer), the entry's record as its value. Values out of
// line are taken from content.
func (x *indexLayout) entry(dst []byte, rowKey []byte, row []Value, content func(Value) (Value, error)) (key, value []byte, err error) {
	if x.evaluated {
		return nil, nil, fmt.Errorf("index %s: %w", x.name, ErrNeedsSQL)
	}
	exact := true
	for _, c := range x.columns {
		v, err := content(row[c.column])
		if err != nil {
			return nil, nil, err
		}
		if err := checkKeyValue(v); err != nil {
			return nil, nil, fmt.Errorf("index %s: %w", x.name, err)
		}
		dst = record.AppendKey(dst, v, c.KeyColumn)
		exact = exact && c.Exact(v)
	}
	if x.rowid {
		dst = append(dst, rowKey...)
	}
	if exact && len(dst) <= longEntry {
		return dst, []byte{}, nil
	}
	value, err = x.record(rowKey, row)
	return dst, value, err
}

// record is the entry's record as SQLite would store it: the declared columns,
// then the rowid, or those columns of the primary key that do not stand there yet.
func (x *indexLayout) record(rowKey []byte, row []Value) ([]byte, error) {
	vals := make([]Value, 0, len(x.columns)+1)
	for i, c := range x.columns {
		if i < x.own || !slices.ContainsFunc(x.columns[:x.own], func(o keyColumn) bool {
			return o.column == c.column && o.Collation == c.Collation
		}) {
			vals = append(vals, c.affinity.Store(row[c.column]))
		}
	}
	if x.rowid {
		id, err := record.DecodeIntKey(rowKey)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", x.name, err)
		}
		vals = append(vals, record.Int(id))
	}
	return record.Append(nil, vals), nil
}

// rowKeyOf returns the row's key from an index entry.
func (x *indexLayout) rowKeyOf(entry []byte) ([]byte, error) {
	if x.rowid {
		if len(entry) < 8 {
			return nil, fmt.Errorf("index %s: entry of %d bytes", x.name, len(entry))
		}
		return entry[len(entry)-8:], nil
	}
	rest := entry
	for _, c := range x.columns[:x.own] {
		var err error
		if rest, err = record.SkipKey(rest, c.KeyColumn); err != nil {
			return nil, fmt.Errorf("index %s: %w", x.name, err)
		}
	}
	if x.turned {
		return x.turn(rest)
	}
	return rest, nil
}

// turn makes the row's key of the end of an entry that sorts its columns upwards:
// descending is the complement. Decoding would not do, since a key does not hold
// what its collation ignores.
func (x *indexLayout) turn(rest []byte) ([]byte, error) {
	key := slices.Clone(rest)
	for i, c := range x.columns[x.own:] {
		after, err := record.SkipKey(rest, c.KeyColumn)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", x.name, err)
		}
		if c.Desc != x.key[i].Desc {
			from, to := len(key)-len(rest), len(key)-len(after)
			for j := from; j < to; j++ {
				key[j] = ^key[j]
			}
		}
		rest = after
	}
	return key, nil
}

// prefix appends the entry prefix for values of the index's first columns.
func (x *indexLayout) prefix(dst []byte, l *layout, vals []Value) ([]byte, error) {
	if len(vals) > x.own {
		return nil, invalidf("index %s: %d values for %d columns", x.name, len(vals), x.own)
	}
	for i, v := range vals {
		c := x.columns[i]
		if c.column != noColumn {
			v = c.affinity.Apply(v)
		}
		dst = record.AppendKey(dst, v, c.KeyColumn)
	}
	return dst, nil
}
