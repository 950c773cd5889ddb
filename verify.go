package vdb

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// verify checks the rows that changed between two versions against the rules
// of the later one: NOT NULL, UNIQUE and foreign keys, in both directions. It
// returns a *ConstraintError that lists the violations. Transactions, merges,
// reverts and restores are all checked here.
func (db *DB) verify(ctx context.Context, s prolly.Store, from, to version) error {
	violations, err := db.violations(ctx, s, from, to, true)
	return orViolations(violations, err)
}

// verifyWritten is verify for rows that a transaction wrote, each of which was
// checked for NULLs then.
func (db *DB) verifyWritten(ctx context.Context, s prolly.Store, from, to version) error {
	violations, err := db.violations(ctx, s, from, to, false)
	return orViolations(violations, err)
}

func orViolations(violations []Violation, err error) error {
	if err == nil && len(violations) > 0 {
		err = &ConstraintError{Op: "check constraints", Violations: violations}
	}
	return err
}

// maxViolations bounds the violations that are reported at once.
const maxViolations = 10_000

func (db *DB) violations(ctx context.Context, s prolly.Store, from, to version, nulls bool) ([]Violation, error) {
	v := &verifier{ctx: ctx, nulls: nulls, from: db.newSnapshot(ctx, s, from), to: db.newSnapshot(ctx, s, to)}
	for change, err := range prolly.Diff(ctx, v.from.root, v.to.root, tableKeys) {
		if err != nil {
			return nil, err
		}
		if err := v.table(change); err != nil {
			return nil, err
		}
		if len(v.found) >= maxViolations {
			break
		}
	}
	return v.found, nil
}

type verifier struct {
	ctx      context.Context
	from, to *Snapshot
	nulls    bool // check NOT NULL too
	found    []Violation
	children map[string][]childKey // by folded parent name, once needed
	seen     map[string]bool       // violations reported, so that none is twice
	// parents are, for each foreign key of the table that is checked, the values
	// that were found last: children of one parent mostly stand together.
	parents [][]Value
}

// childKey is a foreign key that refers to a table.
type childKey struct {
	table *tableView
	fk    ForeignKey
}

// table checks one table that was created, changed or dropped.
func (v *verifier) table(change prolly.Change) error {
	was, err := v.open(v.from, change.From)
	if err != nil {
		return err
	}
	is, err := v.open(v.to, change.To)
	if err != nil {
		return err
	}
	if is != nil {
		if err := v.rules(was, is); err != nil {
			return fmt.Errorf("table %s: %w", is.schema.Name, err)
		}
	}
	if was != nil {
		return v.orphans(was, is)
	}
	return nil
}

func (v *verifier) open(s *Snapshot, entry []byte) (*tableView, error) {
	if entry == nil {
		return nil, nil
	}
	e, err := decodeTableEntry(entry)
	if err != nil {
		return nil, err
	}
	return s.openTable(e)
}

// rules checks a table's own rules. Where its schema did not change only the
// changed rows are looked at.
func (v *verifier) rules(was, is *tableView) error {
	if was != nil && was.entry.schema != is.entry.schema && !sameRules(was.schema, is.schema) {
		was = nil
	}
	for i := range is.index {
		if is.index[i].unique {
			if err := v.unique(was, is, i); err != nil {
				return err
			}
		}
	}
	if was != nil && was.entry.rows == is.entry.rows || !is.hasRowRules(v.nulls) {
		return nil
	}
	checks := v.newChecks(is)
	v.parents = make([][]Value, len(is.schema.ForeignKeys))
	for change, err := range v.changedRows(was, is) {
		if err != nil {
			return err
		}
		if change.To == nil {
			continue
		}
		if err := v.row(is, change, checks); err != nil {
			return err
		}
	}
	if checks != nil {
		return checks.flush()
	}
	return nil
}

// hasRowRules tells whether rows have to be looked at one by one.
func (l *layout) hasRowRules(nulls bool) bool {
	return l.schema.Evaluated || len(l.schema.ForeignKeys) > 0 || nulls && slices.ContainsFunc(l.cols, func(c columnLayout) bool { return c.notNull })
}

// sameRules tells whether two schemas lay rows out alike and ask the same of them.
func sameRules(a, b *Schema) bool {
	x, y := storedRules(a), storedRules(b)
	return bytes.Equal(x, y)
}

// storedRules encodes a schema without the names that do not matter to rows.
func storedRules(s *Schema) []byte {
	c := s.Clone()
	c.Name = ""
	data, err := encodeSchema(c)
	if err != nil {
		panic(err) // a schema always encodes
	}
	return data
}

func (v *verifier) row(t *tableView, change prolly.Change, checks *checks) error {
	row, err := t.decode(nil, change.Key, change.To)
	if err != nil {
		return err
	}
	if checks != nil {
		if err := checks.row(change.Key, row); err != nil {
			return err
		}
	}
	for i := range t.cols {
		if v.nulls && t.cols[i].notNull && row[i].IsNull() {
			if err := v.report(ViolatesNotNull, t, change.Key, row, []string{t.cols[i].name}, ""); err != nil {
				return err
			}
		}
	}
	for i := range t.schema.ForeignKeys {
		if err := v.parent(t, change.Key, row, i); err != nil {
			return err
		}
	}
	return nil
}

// report adds a violation, once, with what the row holds.
func (v *verifier) report(kind ViolationKind, t *tableView, key []byte, row []Value, columns []string, other string) error {
	for i := range row {
		var err error
		if row[i], err = t.content(v.ctx, row[i]); err != nil {
			return err
		}
	}
	vals, err := t.keyValues(key, row)
	if err != nil {
		return err
	}
	found := Violation{Kind: kind, Table: t.schema.Name, Key: slices.Clone(vals), Columns: columns, Other: other}
	for _, name := range columns {
		i, err := t.column(name)
		if err != nil {
			return err
		}
		found.Values = append(found.Values, row[i])
	}
	if v.seen == nil {
		v.seen = map[string]bool{}
	}
	if id := fmt.Sprintf("%s %q %q %x", kind, t.schema.Name, columns, key); !v.seen[id] {
		v.seen[id] = true
		v.found = append(v.found, found)
	}
	return nil
}

// parent checks that the row which the i-th foreign key refers to is there.
func (v *verifier) parent(t *tableView, key []byte, row []Value, i int) error {
	fk := t.schema.ForeignKeys[i]
	positions, err := columnPositions(t.layout, fk.Columns)
	if err != nil {
		return err
	}
	vals, err := t.notNull(v.ctx, row, positions)
	if vals == nil {
		return err
	}
	if slices.EqualFunc(vals, v.parents[i], Value.Equal) {
		return nil
	}
	ok, err := v.to.hasRow(fk, vals)
	if err != nil {
		return err
	}
	if !ok {
		return v.report(ViolatesForeignKey, t, key, row, fk.Columns, fk.Parent)
	}
	v.parents[i] = vals
	return nil
}

// hasRow tells whether the parent table of fk has a row with the values vals.
func (s *Snapshot) hasRow(fk ForeignKey, vals []Value) (bool, error) {
	p, err := s.table(fk.Parent)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	ref, err := p.reference(fk)
	if err != nil {
		return false, err
	}
	r, ok := ref.rows(vals)
	if !ok {
		return false, nil
	}
	for _, err := range p.scan(s.ctx, r) {
		return err == nil, err
	}
	return false, nil
}

func (fk *ForeignKey) parentColumns(parent *Schema) []string {
	if len(fk.ParentColumns) > 0 {
		return fk.ParentColumns
	}
	return parent.PrimaryKey
}

// matchColumns tells whether key and columns name the same columns, and at which
// position of columns each one of key stands.
func matchColumns(key, columns []string) (order []int, ok bool) {
	if len(key) != len(columns) || len(key) == 0 {
		return nil, false
	}
	for _, name := range key {
		i := slices.IndexFunc(columns, func(c string) bool { return sameName(c, name) })
		if i < 0 {
			return nil, false
		}
		order = append(order, i)
	}
	return order, true
}

func pick(vals []Value, order []int) []any {
	picked := make([]any, len(order))
	for i, o := range order {
		picked[i] = vals[o]
	}
	return picked
}

// unique looks for new entries of a unique index that another row has too.
// NULLs are never equal.
func (v *verifier) unique(was, is *tableView, i int) error {
	x := &is.index[i]
	old := prolly.New(x.config, v.to.store)
	if was != nil {
		old = was.indexes[i].tree
	}
	for change, err := range prolly.Diff(v.ctx, old, is.indexes[i].tree, allKeys) {
		if err != nil {
			return err
		}
		if change.From != nil || change.To == nil {
			continue
		}
		if err := v.uniqueEntry(is, i, change.Key); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) uniqueEntry(t *tableView, i int, entry []byte) error {
	x := &t.index[i]
	prefix, null, err := x.ownPrefix(entry)
	if err != nil || null {
		return err
	}
	r := prolly.Range{From: prefix, To: record.PrefixEnd(prefix)}
	n, err := t.indexes[i].tree.CountRange(v.ctx, r)
	if err != nil || n < 2 {
		return err
	}
	item, err := t.rowOfEntry(v.ctx, x, entry)
	if err != nil {
		return err
	}
	row, err := t.decode(nil, item.Key, item.Value)
	if err != nil {
		return err
	}
	var names []string
	for _, c := range x.columns[:x.own] {
		if c.column != noColumn {
			names = append(names, t.cols[c.column].name)
		}
	}
	index := ""
	if x.evaluated {
		index = x.name
	}
	return v.report(ViolatesUnique, t, item.Key, row, names, index)
}

// ownPrefix returns the part of an entry that holds the declared columns, and
// whether one of them is NULL.
func (x *indexLayout) ownPrefix(entry []byte) (prefix []byte, null bool, err error) {
	rest := entry
	for _, c := range x.columns[:x.own] {
		var val Value
		if val, rest, _, err = record.DecodeKey(rest, c.KeyColumn); err != nil {
			return nil, false, fmt.Errorf("index %s: %w", x.name, err)
		}
		null = null || val.IsNull()
	}
	return entry[:len(entry)-len(rest)], null, nil
}

// orphans looks for rows that refer to rows of a table that are gone. is is nil
// if the table was dropped.
func (v *verifier) orphans(was, is *tableView) error {
	children, err := v.childrenOf(was.schema.Name)
	if err != nil || len(children) == 0 {
		return err
	}
	for _, child := range children {
		if err := v.orphansOf(was, is, child); err != nil {
			return fmt.Errorf("table %s: %w", child.table.schema.Name, err)
		}
	}
	return nil
}

// childrenOf returns the foreign keys that refer to a table, those of tables
// that did not change included.
func (v *verifier) childrenOf(parent string) ([]childKey, error) {
	if v.children == nil {
		v.children = map[string][]childKey{}
		for e, err := range tableEntries(v.ctx, v.to.root) {
			if err == nil {
				err = v.addChildren(e)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return v.children[fold(parent)], nil
}

func (v *verifier) addChildren(e tableEntry) error {
	l, err := v.to.db.layout(v.ctx, v.to.store, e.schema)
	if err != nil {
		return err
	}
	for _, fk := range l.schema.ForeignKeys {
		t, err := v.to.table(l.schema.Name)
		if err != nil {
			return err
		}
		v.children[fold(fk.Parent)] = append(v.children[fold(fk.Parent)], childKey{table: t, fk: fk})
	}
	return nil
}

// orphansOf collects the parent keys that are gone and looks for rows that
// still refer to them: through an index, or else in one pass over the rows.
func (v *verifier) orphansOf(was, is *tableView, child childKey) error {
	ref, err := was.reference(child.fk)
	if err != nil {
		return nil // nothing could refer to it
	}
	if is != nil && was.entry.schema != is.entry.schema {
		if now, err := is.reference(child.fk); err == nil && !now.sameAs(ref) {
			return v.allReferrers(child)
		}
	}
	gone, err := v.gone(was, is, child.fk, ref)
	if err != nil || len(gone) == 0 {
		return err
	}
	return v.referrers(child, ref, gone)
}

// gone returns the keys of parents that are not there any more.
func (v *verifier) gone(was, is *tableView, fk ForeignKey, ref *reference) (map[string][]Value, error) {
	positions, err := columnPositions(was.layout, fk.parentColumns(was.schema))
	if err != nil {
		return nil, err
	}
	gone := map[string][]Value{}
	for change, err := range v.goneRows(was, is) {
		if err != nil {
			return nil, err
		}
		row, err := was.decode(nil, change.Key, change.From)
		if err != nil {
			return nil, err
		}
		vals, err := was.notNull(v.ctx, row, positions)
		if err != nil {
			return nil, err
		}
		if vals == nil {
			continue
		}
		there, err := v.to.hasRow(fk, vals)
		if err != nil {
			return nil, err
		}
		if !there {
			gone[ref.key(vals)] = vals
		}
	}
	return gone, nil
}

// allReferrers checks all rows that refer to a parent whose keys compare in
// another way than they did.
func (v *verifier) allReferrers(child childKey) error {
	t := child.table
	i := slices.IndexFunc(t.schema.ForeignKeys, func(fk ForeignKey) bool { return slices.Equal(fk.Columns, child.fk.Columns) })
	v.parents = make([][]Value, len(t.schema.ForeignKeys))
	for item, err := range t.rows.scan(v.ctx, allKeys, false) {
		if err != nil {
			return err
		}
		row, err := t.decode(nil, item.Key, bytes.Clone(item.Value))
		if err != nil {
			return err
		}
		if err := v.parent(t, item.Key, row, i); err != nil {
			return err
		}
	}
	return nil
}

func columnPositions(l *layout, names []string) ([]int, error) {
	positions := make([]int, len(names))
	for i, name := range names {
		var err error
		if positions[i], err = l.column(name); err != nil {
			return nil, err
		}
	}
	return positions, nil
}

// referrers reports the child's rows whose foreign key is one of keys.
func (v *verifier) referrers(child childKey, ref *reference, keys map[string][]Value) error {
	for item, err := range child.table.referring(v.ctx, child.fk.Columns, ref, keys) {
		if err != nil {
			return err
		}
		row, err := child.table.decode(nil, item.Key, item.Value)
		if err != nil {
			return err
		}
		if err := v.report(ViolatesForeignKey, child.table, item.Key, row, child.fk.Columns, child.fk.Parent); err != nil {
			return err
		}
		if len(v.found) >= maxViolations {
			return nil
		}
	}
	return nil
}

func ignoreNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}
