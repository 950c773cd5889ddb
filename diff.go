package vdb

import (
	"context"
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

// Diff returns what leads from s to another snapshot of the same database. What
// a transaction has written itself may be missing from it.
func (s *Snapshot) Diff(to *Snapshot) *Diff {
	d := &Diff{op: "diff of snapshots", from: s, to: to}
	if !s.db.same(to.db) {
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
	return db.changesOf(ctx, db.reader(), c)
}

// changesOf returns the diff of a commit, in a store, against its first parent.
func (db *DB) changesOf(ctx context.Context, s prolly.Store, c *Commit) *Diff {
	d := &Diff{op: "diff of commit " + c.Short(), to: db.newSnapshot(ctx, s, c.version())}
	before, err := firstParent(ctx, s, c)
	d.err = opError(d.op, err)
	d.from = db.newSnapshot(ctx, s, before.version())
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
	d.from, d.to = db.newSnapshot(ctx, r.store, was.version), db.newSnapshot(ctx, r.store, is.version)
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
