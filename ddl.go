package vdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// CreateTable adds an empty table; ErrExists if there is one of that name.
func (tx *Tx) CreateTable(s Schema) error {
	return opError("create table "+s.Name, tx.createTable(s.Clone()))
}

func (tx *Tx) createTable(s *Schema) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if err := tx.mustNotExist(s.Name); err != nil {
		return err
	}
	if err := tx.takeIdentity(s.Name); err != nil {
		return err
	}
	return tx.putTable(s, tableEntry{indexes: make([]hash.Hash, len(s.Indexes))})
}

func (tx *Tx) mustNotExist(table string) error {
	if err := tx.usable(); err != nil {
		return err
	}
	_, ok, err := tx.root.Get(tx.ctx, tableKey(table))
	if err == nil && ok {
		return ErrExists
	}
	return err
}

// usable is ready with a look at the context.
func (tx *Tx) usable() error {
	if err := tx.ready(); err != nil {
		return err
	}
	return tx.ctx.Err()
}

// takeIdentity gives a new table an identity that no other table has: its name,
// unless a table that once had the name was renamed.
func (tx *Tx) takeIdentity(table string) error {
	ids, err := tx.identities()
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, t := range ids.Tables {
		used[t.ID] = true
	}
	if id := freeIdentity(fold(table), used); id != fold(table) {
		tx.changeIDs().setTable(table, id)
	}
	return nil
}

// freeIdentity returns name, or name with the first number that is not in use.
func freeIdentity(name string, used map[string]bool) string {
	id := name
	for n := 2; used[id]; n++ {
		id = name + "#" + strconv.Itoa(n)
	}
	return id
}

// identities returns the transaction's identities, to be read.
func (tx *Tx) identities() (*identities, error) {
	if tx.ids == nil {
		ids, err := loadIdentities(tx.ctx, tx.store, tx.version.ids)
		if err != nil {
			return nil, err
		}
		tx.ids = ids
	}
	return tx.ids, nil
}

// changeIDs returns the identities, loaded before, to be changed.
func (tx *Tx) changeIDs() *identities {
	if !tx.newIDs {
		tx.ids, tx.newIDs = tx.ids.clone(), true
	}
	return tx.ids
}

// putTable writes a table's schema and entry into the root.
func (tx *Tx) putTable(s *Schema, e tableEntry) error {
	if len(s.Indexes) > maxIndexes {
		return invalidf("%d indexes, at most %d are allowed", len(s.Indexes), maxIndexes)
	}
	data, err := encodeSchema(s)
	if err != nil {
		return err
	}
	if e.schema, err = tx.store.Put(tx.ctx, data); err != nil {
		return err
	}
	tx.forget(s.Name)
	return tx.editRoot(prolly.Edit{Key: tableKey(s.Name), Value: e.encode()})
}

// forget drops the view of a table whose entry was changed beneath it.
func (tx *Tx) forget(table string) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	delete(tx.touched, tx.tables[fold(table)])
	delete(tx.tables, fold(table))
	delete(tx.inSQL.triggered, fold(table))
	tx.oneTable = nil
}

// settled returns a table with all edits applied, to be changed as a whole.
func (tx *Tx) settled(table string) (*tableView, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	if err := tx.flush(); err != nil {
		return nil, err
	}
	return tx.table(table)
}

// alterable is settled for a table whose definition is to be changed. It tells whether
// SQL must do that: if the table has a text, which SQL has made, or, where names
// change or go, anything has that mentions the table.
func (tx *Tx) alterable(table string, names bool) (t *tableView, text bool, err error) {
	if t, err = tx.settled(table); err != nil {
		return nil, false, err
	}
	what := ""
	switch {
	case t.schema.SQL != "":
		what = "table " + t.schema.Name
	case names:
		what, err = tx.textWith(t.schema)
	}
	if err == nil && what != "" && registered.Load() == nil {
		err = fmt.Errorf("%s is defined by SQL: %w", what, ErrNeedsSQL)
	}
	return t, what != "", err
}

// textWith names an index of a table that is defined by a text, or what else has the
// table's name in its text.
func (tx *Tx) textWith(s *Schema) (string, error) {
	for _, x := range s.Indexes {
		if x.SQL != "" {
			return "index " + x.Name, nil
		}
	}
	objects, err := tx.objects()
	for _, o := range objects {
		if strings.Contains(fold(o.SQL), fold(s.Name)) {
			return o.Type + " " + o.Name, nil
		}
	}
	if err != nil {
		return "", err
	}
	for e, err := range tableEntries(tx.ctx, tx.root) {
		if err != nil {
			return "", err
		}
		l, err := tx.db.layout(tx.ctx, tx.store, e.schema)
		if err != nil {
			return "", err
		}
		if strings.Contains(fold(l.schema.SQL), fold(s.Name)) {
			return "table " + l.schema.Name, nil
		}
	}
	return "", nil
}

// unalterable is the error of a change that SQL has no statement for.
func unalterable(table, what string) error {
	return invalidf("table %s was made in SQL, which cannot alter %s: make a new table, copy the rows and rename it", table, what)
}

// DropTable removes a table, its rows and its triggers; ErrNotFound if there is none.
// Foreign keys of other tables that refer to rows of it fail the commit.
func (tx *Tx) DropTable(table string) error {
	return opError("drop table "+table, tx.dropTable(table))
}

func (tx *Tx) dropTable(table string) error {
	if _, err := tx.settled(table); err != nil {
		return err
	}
	if _, err := tx.identities(); err != nil {
		return err
	}
	triggers, err := tx.triggersOf(table)
	if err != nil {
		return err
	}
	tx.changeIDs().dropTable(table)
	tx.forget(table)
	return tx.editRoot(append(triggers, prolly.Edit{Key: tableKey(table)})...)
}

// RenameTable renames a table, and the foreign keys that refer to it. A merge
// with a branch that edits the table under its old name finds the new one.
func (tx *Tx) RenameTable(from, to string) error {
	return opError("rename table "+from, tx.renameTable(from, to))
}

func (tx *Tx) renameTable(from, to string) error {
	t, text, err := tx.alterable(from, true)
	if err != nil {
		return err
	}
	if err := checkName("table", to); err != nil {
		return err
	}
	if !sameName(from, to) {
		if err := tx.mustNotExist(to); err != nil {
			return err
		}
	}
	if text {
		return tx.alterInSQL(t, Alteration{To: to})
	}
	if !sameName(from, to) {
		if err := tx.moveIdentity(from, to); err != nil {
			return err
		}
	}
	tx.forget(from)
	if err := tx.editRoot(prolly.Edit{Key: tableKey(from)}); err != nil {
		return err
	}
	s := t.schema.Clone()
	s.Name = to
	if err := tx.putTable(s, t.entry); err != nil {
		return err
	}
	return tx.eachForeignKey(from, func(fk *ForeignKey) bool {
		fk.Parent = to
		return true
	})
}

func (tx *Tx) moveIdentity(from, to string) error {
	ids, err := tx.identities()
	if err != nil {
		return err
	}
	id, columns := ids.table(from), ids.clone().Tables[fold(from)].Columns
	ids = tx.changeIDs()
	ids.dropTable(from)
	ids.put(to, tableIdentity{Columns: columns})
	ids.setTable(to, id)
	return nil
}

// eachForeignKey lets change edit the foreign keys, of all tables, that refer to
// the table parent; it returns whether it did.
func (tx *Tx) eachForeignKey(parent string, change func(*ForeignKey) bool) error {
	names, err := tx.Tables()
	if err != nil {
		return err
	}
	for _, name := range names {
		t, err := tx.table(name)
		if err != nil {
			return err
		}
		s, changed := t.schema.Clone(), false
		for i := range s.ForeignKeys {
			if sameName(s.ForeignKeys[i].Parent, parent) && change(&s.ForeignKeys[i]) {
				changed = true
			}
		}
		if changed {
			if err := tx.putTable(s, t.entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// AddColumn appends a column. Existing rows have its default; none is rewritten.
func (tx *Tx) AddColumn(table string, c Column) error {
	return opError("add column "+table+"."+c.Name, tx.addColumn(table, c))
}

func (tx *Tx) addColumn(table string, c Column) error {
	t, text, err := tx.alterable(table, false)
	if err != nil {
		return err
	}
	s := t.schema.Clone()
	s.Columns = append(s.Columns, c)
	if err := s.Validate(); err != nil {
		return err
	}
	if fallback, _ := parseLiteral(c.Default); c.NotNull && fallback.IsNull() && !t.rows.tree.IsEmpty() {
		return invalidf("a NOT NULL column needs a default, for the rows there are")
	}
	if text {
		if err := tx.alterInSQL(t, Alteration{Add: &c}); err != nil {
			return err
		}
		return tx.setPolicy(table, c)
	}
	if err := tx.takeColumnIdentity(s, c.Name); err != nil {
		return err
	}
	return tx.putTable(s, t.entry)
}

func (tx *Tx) takeColumnIdentity(s *Schema, column string) error {
	ids, err := tx.identities()
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, c := range s.Columns {
		if !sameName(c.Name, column) {
			used[ids.column(s.Name, c.Name)] = true
		}
	}
	if id := freeIdentity(fold(column), used); id != fold(column) {
		tx.changeIDs().setColumn(s.Name, column, id)
	}
	return nil
}

// DropColumn removes a column that no key, index or foreign key uses, and
// rewrites the rows. A column that a view, a trigger or a CHECK names stays.
func (tx *Tx) DropColumn(table, column string) error {
	return opError("drop column "+table+"."+column, tx.dropColumn(table, column))
}

func (tx *Tx) dropColumn(table, column string) error {
	t, text, err := tx.alterable(table, true)
	if err != nil {
		return err
	}
	i, err := t.column(column)
	if err != nil {
		return err
	}
	if use := t.schema.usedBy(column); use != "" {
		return invalidf("it is used by %s", use)
	}
	if text {
		return tx.alterInSQL(t, Alteration{Drop: column})
	}
	s := t.schema.Clone()
	s.Columns = slices.Delete(s.Columns, i, i+1)
	if _, err := tx.identities(); err != nil {
		return err
	}
	tx.changeIDs().setColumn(table, column, fold(column))
	return tx.rebuild(t, s, func(row []Value) []Value { return slices.Delete(row, i, i+1) })
}

// usedBy names a part of s that needs the column, or is empty.
func (s *Schema) usedBy(column string) string {
	is := func(name string) bool { return sameName(name, column) }
	if slices.ContainsFunc(s.PrimaryKey, is) {
		return "the primary key"
	}
	for _, x := range s.Indexes {
		if slices.ContainsFunc(x.Columns, func(c IndexColumn) bool { return is(c.Name) }) {
			return "index " + x.Name
		}
	}
	for _, fk := range s.ForeignKeys {
		if slices.ContainsFunc(fk.Columns, is) {
			return "the foreign key to " + fk.Parent
		}
	}
	return ""
}

// RenameColumn renames a column everywhere in the schema, and in the foreign
// keys that refer to it. A merge with a branch that edits it finds the new name.
func (tx *Tx) RenameColumn(table, from, to string) error {
	return opError("rename column "+table+"."+from, tx.renameColumn(table, from, to))
}

func (tx *Tx) renameColumn(table, from, to string) error {
	t, text, err := tx.alterable(table, true)
	if err != nil {
		return err
	}
	if _, err := t.column(from); err != nil {
		return err
	}
	if text {
		return tx.alterInSQL(t, Alteration{From: from, To: to})
	}
	ids, err := tx.identities()
	if err != nil {
		return err
	}
	id := ids.column(table, from)
	s := t.schema.Clone()
	s.renameColumn(from, to)
	if err := s.Validate(); err != nil {
		return err
	}
	ids = tx.changeIDs()
	ids.setColumn(table, from, fold(from))
	ids.setColumn(table, to, id)
	if err := tx.putTable(s, t.entry); err != nil {
		return err
	}
	return tx.eachForeignKey(table, func(fk *ForeignKey) bool { return replaceName(fk.ParentColumns, from, to) })
}

// renameColumn renames the column wherever s names it.
func (s *Schema) renameColumn(from, to string) {
	s.Columns[s.Column(from)].Name = to
	replaceName(s.PrimaryKey, from, to)
	for _, x := range s.Indexes {
		for i := range x.Columns {
			if sameName(x.Columns[i].Name, from) {
				x.Columns[i].Name = to
			}
		}
	}
	for _, fk := range s.ForeignKeys {
		replaceName(fk.Columns, from, to)
		if sameName(fk.Parent, s.Name) {
			replaceName(fk.ParentColumns, from, to)
		}
	}
}

func replaceName(names []string, from, to string) bool {
	found := false
	for i := range names {
		if sameName(names[i], from) {
			names[i], found = to, true
		}
	}
	return found
}

// AlterColumn gives a column another type, default, collation, NOT NULL or merge
// policy; its name and identity stay. The rows are rewritten under the new type's
// affinity. A NULL under a new NOT NULL, and keys that become equal, are refused. Of a
// table that was made in SQL the merge policy alone can be changed.
func (tx *Tx) AlterColumn(table string, c Column) error {
	return opError("alter column "+table+"."+c.Name, tx.alterColumn(table, c))
}

func (tx *Tx) alterColumn(table string, c Column) error {
	t, text, err := tx.alterable(table, false)
	if err != nil {
		return err
	}
	i, err := t.layout.column(c.Name)
	if err != nil {
		return err
	}
	s := t.schema.Clone()
	c.Name = s.Columns[i].Name
	if s.Columns[i].Merge = c.Merge; s.Columns[i] == c {
		return tx.setPolicy(table, c)
	}
	if text {
		return unalterable(table, "a column but for its name and merge policy")
	}
	s.Columns[i] = c
	return tx.rebuild(t, s, func(row []Value) []Value { return row })
}

// setPolicy gives a column its merge policy, of which SQL knows nothing.
func (tx *Tx) setPolicy(table string, c Column) error {
	t, err := tx.settled(table)
	if err != nil {
		return err
	}
	i, err := t.layout.column(c.Name)
	if err != nil || t.schema.Columns[i].Merge == c.Merge {
		return err
	}
	s := t.schema.Clone()
	s.Columns[i].Merge = c.Merge
	if err := s.Validate(); err != nil {
		return err
	}
	return tx.putTable(s, t.entry)
}

// rebuild writes all rows of a table anew under another schema, or leaves the
// table as it is.
func (tx *Tx) rebuild(t *tableView, s *Schema, convert func([]Value) []Value) error {
	if err := tx.rewriteRows(t, s, convert); err != nil {
		return errors.Join(err, tx.putTable(t.schema, t.entry))
	}
	return nil
}

func (tx *Tx) rewriteRows(t *tableView, s *Schema, convert func([]Value) []Value) error {
	if err := tx.putTable(s, tableEntry{indexes: make([]hash.Hash, len(s.Indexes))}); err != nil {
		return err
	}
	for item, err := range t.rows.tree.Items(tx.ctx, allKeys) {
		if err != nil {
			return err
		}
		row, err := t.decode(nil, item.Key, bytes.Clone(item.Value))
		if err != nil {
			return err
		}
		to, err := tx.writable(s.Name)
		if err != nil {
			return err
		}
		n, err := to.rewriteRow(tx.ctx, item.Key, convert(row))
		if err != nil {
			return err
		}
		if err := tx.wrote(n); err != nil {
			return err
		}
	}
	return nil
}

// rewriteRow stores a row of an earlier form of the table; a hidden rowid stays.
func (t *tableView) rewriteRow(ctx context.Context, key []byte, row []Value) (int, error) {
	if t.kind != keyRowid {
		return t.write(ctx, writeInsert, row)
	}
	if err := t.prepare(row); err != nil {
		return 0, err
	}
	return t.put(ctx, writeInsert, key, row)
}

// CreateIndex adds a secondary index and fills it. A unique one over rows that
// are not fails the commit.
func (tx *Tx) CreateIndex(table string, x Index) error {
	return opError("create index "+x.Name+" on "+table, tx.createIndex(table, x))
}

func (tx *Tx) createIndex(table string, x Index) error {
	t, err := tx.settled(table)
	if err != nil {
		return err
	}
	s := t.schema.Clone()
	s.Indexes = append(s.Indexes, x)
	to, err := newLayout(s)
	if err != nil {
		return err
	}
	if t.schema.SQL != "" && registered.Load() != nil {
		return tx.alterInSQL(t, Alteration{Index: &x}) // which knows indexes of all tables
	}
	view := &tableView{layout: to, store: tx.store, rows: t.rows}
	h, err := tx.db.buildIndex(tx.ctx, tx.store, view, &to.index[len(s.Indexes)-1])
	if err != nil {
		return err
	}
	e := t.entry
	e.indexes = append(slices.Clone(e.indexes), h)
	return tx.putTable(s, e)
}

// DropIndex removes a secondary index; ErrNotFound if there is none.
func (tx *Tx) DropIndex(table, index string) error {
	return opError("drop index "+index+" on "+table, tx.dropIndex(table, index))
}

func (tx *Tx) dropIndex(table, index string) error {
	t, err := tx.settled(table)
	if err != nil {
		return err
	}
	s := t.schema.Clone()
	i := s.Index(index)
	if i < 0 {
		return ErrNotFound
	}
	if s.SQL != "" && s.Indexes[i].Automatic() {
		return unalterable(table, "the constraint that the index is of")
	}
	s.Indexes = slices.Delete(s.Indexes, i, i+1)
	e := t.entry
	e.indexes = slices.Delete(slices.Clone(e.indexes), i, i+1)
	return tx.putTable(s, e)
}

// AddForeignKey adds a foreign key; rows that break it fail the commit. Foreign keys
// of a table that was made in SQL cannot be changed.
func (tx *Tx) AddForeignKey(table string, fk ForeignKey) error {
	return opError("add foreign key to "+table, tx.changeForeignKeys(table, func(s *Schema) error {
		s.ForeignKeys = append(s.ForeignKeys, fk)
		return s.Validate()
	}))
}

// DropForeignKey removes the foreign key that the columns of table have.
func (tx *Tx) DropForeignKey(table string, columns ...string) error {
	return opError("drop foreign key of "+table, tx.changeForeignKeys(table, func(s *Schema) error {
		n := len(s.ForeignKeys)
		s.ForeignKeys = slices.DeleteFunc(s.ForeignKeys, func(fk ForeignKey) bool {
			return slices.EqualFunc(fk.Columns, columns, sameName)
		})
		if len(s.ForeignKeys) == n {
			return fmt.Errorf("foreign key of %v: %w", columns, ErrNotFound)
		}
		return nil
	}))
}

func (tx *Tx) changeForeignKeys(table string, change func(*Schema) error) error {
	t, text, err := tx.alterable(table, false)
	if err != nil {
		return err
	}
	s := t.schema.Clone()
	if err := change(s); err != nil {
		return err
	}
	if text {
		return unalterable(table, "foreign keys")
	}
	return tx.putTable(s, t.entry)
}

func sortEdits(edits []prolly.Edit) {
	slices.SortFunc(edits, compareKeys)
}

func compareKeys(a, b prolly.Edit) int { return bytes.Compare(a.Key, b.Key) }
