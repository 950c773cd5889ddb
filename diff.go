package vdb

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/prolly"
)

// Diff is what lies between two versions of a database. It reads when it is
// asked, and what is alike in both versions is not read: the cost follows the
// number of changes. It may be used by many goroutines at once; the context
// that it was made with governs its reads.
type Diff struct {
	op       string
	from, to *Snapshot
	err      error // why there is no diff; each method returns it
}

// ChangeKind says what happened to a table, a part of its schema, or a row.
type ChangeKind string

// The kinds of changes.
const (
	Added    ChangeKind = "added"
	Deleted  ChangeKind = "deleted"
	Modified ChangeKind = "modified"
)

func kindOf(from, to bool) ChangeKind {
	switch {
	case !from:
		return Added
	case !to:
		return Deleted
	}
	return Modified
}

// Diff returns what leads from one revision to another. A range may be given as
// from, with to empty: a..b leads from a to b, a...b from their merge base to b.
// HEAD, WORKING and STAGED are those of main. An unknown revision is reported
// by the diff's methods.
func (db *DB) Diff(ctx context.Context, from, to string) *Diff {
	return db.diff(ctx, MainBranch, from, to)
}

// Diff returns what leads from one revision to another, as DB.Diff does, where
// HEAD, WORKING and STAGED are those of b.
func (b *Branch) Diff(ctx context.Context, from, to string) *Diff {
	return b.db.diff(ctx, b.name, from, to)
}

// Diff returns what leads from s to another snapshot of the same database.
func (s *Snapshot) Diff(to *Snapshot) *Diff {
	d := &Diff{op: "diff of snapshots", from: s, to: to}
	if s.db != to.db {
		d.err = opError(d.op, invalidf("they are of two databases"))
	}
	return d
}

// Show returns what the commit at a revision changed against its first parent.
func (db *DB) Show(ctx context.Context, rev string) *Diff {
	return db.show(ctx, MainBranch, rev)
}

// Show returns what the commit at a revision changed against its first parent,
// where HEAD is b's.
func (b *Branch) Show(ctx context.Context, rev string) *Diff {
	return b.db.show(ctx, b.name, rev)
}

func (db *DB) show(ctx context.Context, branch, rev string) *Diff {
	c, err := db.resolveOn(ctx, branch, rev)
	if err != nil {
		return &Diff{op: "show " + rev, err: opError("show "+rev, err)}
	}
	return db.changesOf(ctx, c)
}

// changesOf returns the diff of a commit against its first parent.
func (db *DB) changesOf(ctx context.Context, c *Commit) *Diff {
	d := &Diff{op: "diff of commit " + c.Short(), to: db.at(ctx, c.version())}
	before, err := firstParent(ctx, db.blocks, c)
	d.err = opError(d.op, err)
	d.from = db.at(ctx, before.version())
	return d
}

// firstParent loads the first parent of c; the first commit follows an empty one.
func firstParent(ctx context.Context, s chunkReader, c *Commit) (*Commit, error) {
	if len(c.Parents) == 0 {
		return &Commit{}, nil
	}
	p, err := loadCommit(ctx, s, c.Parents[0])
	if err != nil {
		return &Commit{}, err
	}
	return p, nil
}

func (db *DB) diff(ctx context.Context, branch, from, to string) *Diff {
	d := &Diff{op: "diff " + from}
	if to != "" {
		d.op += " to " + to
	}
	d.err = opError(d.op, d.resolve(ctx, db, branch, from, to))
	return d
}

func (d *Diff) resolve(ctx context.Context, db *DB, branch, from, to string) error {
	r, err := db.refs(ctx)
	if err != nil {
		return err
	}
	a, b, three, isRange := cutRange(from)
	if !isRange {
		a, b = from, to
	} else if to != "" {
		return invalidf("a range and the revision %q", to)
	}
	if three {
		base, err := db.mergeBaseOf(ctx, branch, a, b)
		if err != nil {
			return err
		}
		a = base.Hash.String()
	}
	was, err := db.resolve(ctx, r, branch, a)
	if err != nil {
		return err
	}
	is, err := db.resolve(ctx, r, branch, b)
	if err != nil {
		return err
	}
	d.from, d.to = db.at(ctx, was.version), db.at(ctx, is.version)
	return nil
}

// cutRange splits a..b and a...b.
func cutRange(rev string) (a, b string, three, ok bool) {
	if a, b, ok = strings.Cut(rev, "..."); ok {
		return a, b, true, true
	}
	a, b, ok = strings.Cut(rev, "..")
	return a, b, false, ok
}

// From returns the version that the diff leads from; nil if it is unknown.
func (d *Diff) From() *Snapshot { return d.from }

// To returns the version that the diff leads to; nil if it is unknown.
func (d *Diff) To() *Snapshot { return d.to }

// TableChange is a table that differs between two versions.
type TableChange struct {
	Kind ChangeKind
	// From and To are the table's name in each version, empty where it is absent.
	From, To string
	// FromSchema and ToSchema are its schemas, nil where it is absent.
	FromSchema, ToSchema *Schema
	// FromRows and ToRows count the rows of each version.
	FromRows, ToRows uint64
	// Data tells that rows may have changed; Diff.Count says how many.
	Data bool
	// Schema lists what changed in the schema of a table that both versions have.
	Schema SchemaChange
}

// Name returns the table's name in the later version that has it.
func (c *TableChange) Name() string {
	if c.To != "" {
		return c.To
	}
	return c.From
}

// Renamed tells whether both versions have the table, under two names.
func (c *TableChange) Renamed() bool { return c.Kind == Modified && c.From != c.To }

// SchemaChange lists the parts of a table's schema that differ.
type SchemaChange struct {
	// Columns that were added, dropped, renamed or redefined.
	Columns []PartChange[Column]
	Indexes []PartChange[Index]
	// ForeignKeys are matched by their columns.
	ForeignKeys []PartChange[ForeignKey]
	// PrimaryKey tells that the key has other columns or another order.
	PrimaryKey bool
}

// IsEmpty tells that nothing differs.
func (c *SchemaChange) IsEmpty() bool {
	return len(c.Columns)+len(c.Indexes)+len(c.ForeignKeys) == 0 && !c.PrimaryKey
}

// PartChange is a part of a schema as it was and as it is; nil where it is absent.
type PartChange[T any] struct{ From, To *T }

// Kind tells what happened to the part.
func (c PartChange[T]) Kind() ChangeKind { return kindOf(c.From != nil, c.To != nil) }

// Tables yields the tables that differ, by name. A renamed table is one change.
func (d *Diff) Tables() iter.Seq2[TableChange, error] {
	return func(yield func(TableChange, error) bool) {
		pairs, err := d.pairs()
		if err != nil {
			yield(TableChange{}, err)
			return
		}
		for _, p := range pairs {
			change, err := p.describe()
			if !yield(change, opError(d.op, err)) || err != nil {
				return
			}
		}
	}
}

// pairs matches the tables that differ, by identity.
func (d *Diff) pairs() ([]*tablePair, error) {
	if d.err != nil {
		return nil, d.err
	}
	pairs, err := d.matchTables()
	return pairs, opError(d.op, err)
}

func (d *Diff) matchTables() ([]*tablePair, error) {
	fromIDs, err := d.from.storedIDs()
	if err != nil {
		return nil, err
	}
	toIDs, err := d.to.storedIDs()
	if err != nil {
		return nil, err
	}
	byID := map[string]*tablePair{}
	pair := func(id string) *tablePair {
		if byID[id] == nil {
			byID[id] = &tablePair{d: d}
		}
		return byID[id]
	}
	for change, err := range prolly.Diff(d.from.ctx, d.from.root, d.to.root, tableKeys) {
		if err != nil {
			return nil, err
		}
		name := string(change.Key[len(tableKeyPrefix):])
		if change.From != nil {
			p := pair(fromIDs.table(name))
			if p.from, err = d.from.table(name); err != nil {
				return nil, err
			}
		}
		if change.To != nil {
			p := pair(toIDs.table(name))
			if p.to, err = d.to.table(name); err != nil {
				return nil, err
			}
		}
	}
	return sortedPairs(byID), nil
}

func sortedPairs(byID map[string]*tablePair) []*tablePair {
	pairs := make([]*tablePair, 0, len(byID))
	for _, p := range byID {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b *tablePair) int { return strings.Compare(fold(a.name()), fold(b.name())) })
	return pairs
}

// pair finds a table by its name in either version, and its other version.
func (d *Diff) pair(table string) (*tablePair, error) {
	if d.err != nil {
		return nil, d.err
	}
	p, err := d.findPair(table)
	return p, opError(d.op, err)
}

func (d *Diff) findPair(table string) (*tablePair, error) {
	p := &tablePair{d: d}
	var err error
	if p.to, err = d.to.tableOr(table); err != nil {
		return nil, err
	}
	if p.to != nil {
		p.from, err = d.to.twin(table, d.from)
		return p, err
	}
	if p.from, err = d.from.table(table); err != nil {
		return nil, err
	}
	p.to, err = d.from.twin(table, d.to)
	return p, err
}

// tablePair is a table in two versions; nil where it is absent.
type tablePair struct {
	d        *Diff
	from, to *tableView
	conv     *converter // once needed
}

func (p *tablePair) name() string {
	if p.to != nil {
		return p.to.schema.Name
	}
	return p.from.schema.Name
}

func (p *tablePair) describe() (TableChange, error) {
	c := TableChange{Kind: kindOf(p.from != nil, p.to != nil), Data: true}
	ctx := p.d.from.ctx
	var err error
	if p.from != nil {
		c.From, c.FromSchema = p.from.schema.Name, p.from.schema.Clone()
		if c.FromRows, err = p.from.rows.tree.Count(ctx); err != nil {
			return TableChange{}, err
		}
	}
	if p.to != nil {
		c.To, c.ToSchema = p.to.schema.Name, p.to.schema.Clone()
		if c.ToRows, err = p.to.rows.tree.Count(ctx); err != nil {
			return TableChange{}, err
		}
	}
	if c.Kind == Modified {
		conv, err := p.converter()
		if err != nil {
			return TableChange{}, err
		}
		c.Data = p.from.entry.rows != p.to.entry.rows || !conv.sameRecords
		c.Schema = conv.describe()
	}
	return c, nil
}

// converter compares the layouts of a table that both versions have.
func (p *tablePair) converter() (*converter, error) {
	if p.conv == nil {
		conv, err := p.d.from.converterTo(p.from, p.d.to, p.to)
		if err != nil {
			return nil, err
		}
		p.conv = conv
	}
	return p.conv, nil
}

// describe lists what differs between the two schemas.
func (c *converter) describe() SchemaChange {
	from, to := c.from.schema, c.to.schema
	change := SchemaChange{Columns: c.columnChanges(), PrimaryKey: len(from.PrimaryKey) != len(to.PrimaryKey)}
	for i := 0; !change.PrimaryKey && i < len(to.PrimaryKey); i++ {
		change.PrimaryKey = c.source[c.to.key[i].column] != c.from.key[i].column
	}
	renamed := c.renamed()
	change.Indexes = partChanges(from.Indexes, to.Indexes,
		func(x *Index) string { return fold(x.Name) },
		func(a, b *Index) bool {
			return a.Unique == b.Unique && slices.Equal(renamedIndex(a, renamed), b.Columns)
		})
	change.ForeignKeys = partChanges(from.ForeignKeys, to.ForeignKeys,
		func(fk *ForeignKey) string { return fold(strings.Join(fk.Columns, "\x00")) },
		func(a, b *ForeignKey) bool {
			return a.Parent == b.Parent && slices.Equal(a.ParentColumns, b.ParentColumns)
		})
	return change
}

func (c *converter) columnChanges() []PartChange[Column] {
	var changes []PartChange[Column]
	kept := make([]bool, len(c.from.cols))
	for i, source := range c.source {
		to := &c.to.schema.Columns[i]
		if source < 0 {
			changes = append(changes, PartChange[Column]{To: clone(to)})
			continue
		}
		kept[source] = true
		if from := &c.from.schema.Columns[source]; *from != *to {
			changes = append(changes, PartChange[Column]{From: clone(from), To: clone(to)})
		}
	}
	for i := range kept {
		if !kept[i] {
			changes = append(changes, PartChange[Column]{From: clone(&c.from.schema.Columns[i])})
		}
	}
	return changes
}

func clone[T any](x *T) *T {
	c := *x
	return &c
}

// renamed maps the old name of each column to its new one.
func (c *converter) renamed() map[string]string {
	names := map[string]string{}
	for i, source := range c.source {
		if source >= 0 {
			names[c.from.cols[source].name] = c.to.cols[i].name
		}
	}
	return names
}

func renamedIndex(x *Index, names map[string]string) []IndexColumn {
	columns := slices.Clone(x.Columns)
	for i := range columns {
		if name, ok := names[columns[i].Name]; ok {
			columns[i].Name = name
		}
	}
	return columns
}

// partChanges matches parts by a name and keeps those that differ.
func partChanges[T any](from, to []T, name func(*T) string, same func(a, b *T) bool) []PartChange[T] {
	var changes []PartChange[T]
	old := make(map[string]*T, len(from))
	for i := range from {
		old[name(&from[i])] = &from[i]
	}
	for i := range to {
		was := old[name(&to[i])]
		delete(old, name(&to[i]))
		switch {
		case was == nil:
			changes = append(changes, PartChange[T]{To: clone(&to[i])})
		case !same(was, &to[i]):
			changes = append(changes, PartChange[T]{From: clone(was), To: clone(&to[i])})
		}
	}
	for i := range from {
		if old[name(&from[i])] != nil {
			changes = append(changes, PartChange[T]{From: clone(&from[i])})
		}
	}
	return changes
}

// RowChange is a row that differs between two versions. It is the caller's.
type RowChange struct {
	Kind ChangeKind
	// Key holds the values of the primary key, or the rowid.
	Key []Value
	// From and To are the row in each version, nil where it is absent, each in
	// the column order of its own version's schema.
	From, To Row
	// Columns names the columns, as they are called now, in which a modified row
	// differs. Columns that were dropped do not count.
	Columns []string

	was, is *layout
}

// Before returns what a column held, by its name then; NULL if the row or the
// column was absent.
func (c *RowChange) Before(column string) Value { return c.was.named(c.From, column) }

// After returns what a column holds, by its name now; NULL if the row or the
// column is absent.
func (c *RowChange) After(column string) Value { return c.is.named(c.To, column) }

func (l *layout) named(row Row, column string) Value {
	if row == nil {
		return Null()
	}
	i, err := l.column(column)
	if err != nil {
		return Null()
	}
	return row[i]
}

// RowsOptions selects changed rows.
type RowsOptions struct {
	// Range bounds the primary key. It has no Index and goes forward.
	Range Range
	// Where keeps the changes for which it returns true.
	Where func(RowChange) bool
	// Limit ends after so many changes; 0 is no limit.
	Limit int
}

// Rows yields the rows of a table that differ, in the order of the primary key.
// The table goes by its name in either version. A row whose only difference is
// a dropped column, or an added one at its default, does not count as changed.
func (d *Diff) Rows(table string, opts ...*RowsOptions) iter.Seq2[RowChange, error] {
	o := &RowsOptions{}
	for _, given := range opts {
		if given != nil {
			o = given
		}
	}
	return func(yield func(RowChange, error) bool) {
		p, err := d.pair(table)
		if err != nil {
			yield(RowChange{}, err)
			return
		}
		n := 0
		for change, err := range p.changes(o.Range) {
			var row RowChange
			if err == nil {
				row, err = p.rowChange(change)
			}
			if err != nil {
				yield(RowChange{}, opError(d.op+", table "+table, err))
				return
			}
			if o.Where != nil && !o.Where(row) {
				continue
			}
			n++
			if !yield(row, nil) || n == o.Limit {
				return
			}
		}
	}
}

// rowChange decodes a change for the caller.
func (p *tablePair) rowChange(change prolly.Change) (RowChange, error) {
	c := RowChange{Kind: kindOf(change.From != nil, change.To != nil)}
	ctx, key := p.d.from.ctx, bytes.Clone(change.Key)
	var err error
	if p.from != nil {
		c.was = p.from.layout
		if c.From, err = p.from.decoded(key, bytes.Clone(change.From)); err != nil {
			return RowChange{}, err
		}
	}
	if p.to != nil {
		c.is = p.to.layout
		if c.To, err = p.to.decoded(key, bytes.Clone(change.To)); err != nil {
			return RowChange{}, err
		}
	}
	if c.Kind == Modified {
		for _, i := range p.conv.changed(c.From, c.To) {
			c.Columns = append(c.Columns, p.to.cols[i].name)
		}
	}
	if c.From, err = p.from.loaded(ctx, c.From); err != nil {
		return RowChange{}, err
	}
	if c.To, err = p.to.loaded(ctx, c.To); err != nil {
		return RowChange{}, err
	}
	if c.To != nil {
		c.Key, err = p.to.keyValues(key, c.To)
	} else {
		c.Key, err = p.from.keyValues(key, c.From)
	}
	return c, err
}

// changes yields the rows that differ, as they are stored, in the order of
// their keys.
func (p *tablePair) changes(r Range) iter.Seq2[prolly.Change, error] {
	fail := func(err error) iter.Seq2[prolly.Change, error] {
		return func(yield func(prolly.Change, error) bool) { yield(prolly.Change{}, err) }
	}
	if r.Index != "" || r.Backward {
		return fail(invalidf("a diff goes forward by the primary key"))
	}
	ctx := p.d.from.ctx
	t := p.to
	if t == nil {
		t = p.from
	}
	keys, err := t.keyRange(r)
	if err != nil {
		return fail(err)
	}
	switch {
	case p.from == nil:
		return prolly.Diff(ctx, p.to.emptyLike(), p.to.rows.tree, keys)
	case p.to == nil:
		return prolly.Diff(ctx, p.from.rows.tree, p.from.emptyLike(), keys)
	}
	conv, err := p.converter()
	if err != nil {
		return fail(err)
	}
	switch {
	case !conv.sameKeys:
		was, err := p.from.keyRange(r)
		if err != nil {
			return fail(err)
		}
		return p.replaced(ctx, was, keys)
	case p.from.layout == p.to.layout:
		return prolly.Diff(ctx, p.from.rows.tree, p.to.rows.tree, keys)
	case conv.sameRecords:
		return p.logical(prolly.Diff(ctx, p.from.rows.tree, p.to.rows.tree, keys))
	}
	return p.logical(allRows(ctx, p.from.rows.tree, p.to.rows.tree, keys))
}

// replaced yields all rows: those of the one version, deleted, and those of the
// other, added.
func (p *tablePair) replaced(ctx context.Context, was, is prolly.Range) iter.Seq2[prolly.Change, error] {
	return func(yield func(prolly.Change, error) bool) {
		for change, err := range prolly.Diff(ctx, p.from.rows.tree, p.from.emptyLike(), was) {
			if !yield(change, err) || err != nil {
				return
			}
		}
		for change, err := range prolly.Diff(ctx, p.to.emptyLike(), p.to.rows.tree, is) {
			if !yield(change, err) || err != nil {
				return
			}
		}
	}
}

// logical leaves out the rows whose records differ only because their layouts do.
func (p *tablePair) logical(changes iter.Seq2[prolly.Change, error]) iter.Seq2[prolly.Change, error] {
	return func(yield func(prolly.Change, error) bool) {
		var was, is []Value
		for change, err := range changes {
			differs := true
			if err == nil && change.From != nil && change.To != nil {
				if was, err = p.from.decode(was, change.Key, change.From); err == nil {
					is, err = p.to.decode(is, change.Key, change.To)
				}
				differs = err != nil || len(p.conv.changed(was, is)) > 0
			}
			if err != nil {
				yield(prolly.Change{}, err)
				return
			}
			if differs && !yield(change, nil) {
				return
			}
		}
	}
}

// allRows yields all rows of two trees, matched by key, those that are equal included.
func allRows(ctx context.Context, from, to prolly.Tree, keys prolly.Range) iter.Seq2[prolly.Change, error] {
	return func(yield func(prolly.Change, error) bool) {
		a, b := from.Cursor(), to.Cursor()
		err := seekFirst(ctx, keys.From, a, b)
		for err == nil && (a.Valid() || b.Valid()) {
			order := compareCursors(a, b)
			var change prolly.Change
			if order <= 0 {
				change = prolly.Change{Key: bytes.Clone(a.Key()), From: a.Value()}
				err = a.Next(ctx)
			}
			if order >= 0 && err == nil {
				change.Key, change.To = bytes.Clone(b.Key()), b.Value()
				err = b.Next(ctx)
			}
			if err != nil || keys.To != nil && bytes.Compare(change.Key, keys.To) >= 0 {
				break
			}
			if !yield(change, nil) {
				return
			}
		}
		if err != nil {
			yield(prolly.Change{}, err)
		}
	}
}

func seekFirst(ctx context.Context, key []byte, cursors ...*prolly.Cursor) error {
	for _, c := range cursors {
		err := c.First(ctx)
		if key != nil {
			err = c.Seek(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compareCursors orders two cursors by key, the end last.
func compareCursors(a, b *prolly.Cursor) int {
	switch {
	case !b.Valid():
		return -1
	case !a.Valid():
		return 1
	}
	return bytes.Compare(a.Key(), b.Key())
}

// Counts is how many rows were added, deleted and modified.
type Counts struct{ Added, Deleted, Modified uint64 }

// Total returns the number of rows that changed.
func (c Counts) Total() uint64 { return c.Added + c.Deleted + c.Modified }

func (c *Counts) count(change prolly.Change) {
	switch kindOf(change.From != nil, change.To != nil) {
	case Added:
		c.Added++
	case Deleted:
		c.Deleted++
	case Modified:
		c.Modified++
	}
}

// String prints the counts as in "3 added, 1 deleted, 2 modified".
func (c Counts) String() string {
	return fmt.Sprintf("%d added, %d deleted, %d modified", c.Added, c.Deleted, c.Modified)
}

// Count counts the rows of a table that differ, as Rows yields them. A table
// that only one version has is not read.
func (d *Diff) Count(table string) (Counts, error) {
	p, err := d.pair(table)
	if err != nil {
		return Counts{}, err
	}
	n, err := p.count()
	return n, opError(d.op+", table "+table, err)
}

func (p *tablePair) count() (n Counts, err error) {
	ctx := p.d.from.ctx
	switch {
	case p.from == nil:
		n.Added, err = p.to.rows.tree.Count(ctx)
		return n, err
	case p.to == nil:
		n.Deleted, err = p.from.rows.tree.Count(ctx)
		return n, err
	}
	for change, err := range p.changes(Range{}) {
		if err != nil {
			return Counts{}, err
		}
		n.count(change)
	}
	return n, nil
}
