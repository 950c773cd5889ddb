package vdb

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// Engine reads and writes versions tree by tree, without the rules of the typed
// API. It is made for package sqlite, which has SQLite keep the rules; programs
// have no use for it. It may be used by many goroutines at once.
type Engine struct {
	db *DB
	tx *Tx // whose own state it is; nil: what is committed
}

// Engine returns the access that package sqlite needs.
func (db *DB) Engine() Engine { return Engine{db: db} }

// DB returns the database.
func (e Engine) DB() *DB { return e.db }

// Version names the contents of a database. Two that are equal have equal
// contents.
type Version struct {
	version
	// patch is set, and nothing else, where the contents are what a patch stands for.
	patch hash.Hash
}

// Root returns the address of the contents; zero if they have none yet.
func (v Version) Root() hash.Hash { return v.root }

// Settled tells whether the contents have an address. What patches stand for has none
// yet: Load finds out.
func (v Version) Settled() bool { return v.patch.IsZero() }

// Working returns the version of a branch's working set.
func (e Engine) Working(ctx context.Context, branch string) (Version, error) {
	refs, err := e.Refs(ctx)
	if err != nil {
		return Version{}, err
	}
	return e.WorkingAt(ctx, branch, refs)
}

// WorkingAt returns the version of a branch's working set, by what Refs has returned.
func (e Engine) WorkingAt(ctx context.Context, branch string, refs hash.Hash) (Version, error) {
	if e.tx != nil {
		return Version{version: e.tx.inSQL.at}, nil
	}
	v, _, err := e.db.workingAt(ctx, e.db.reader(), branch, refs)
	return v, opError("read branch "+branch, err)
}

// Refs returns the address of all branches, tags and sequences: while it is the same
// nothing has been committed, by other processes neither.
func (e Engine) Refs(ctx context.Context) (hash.Hash, error) {
	if e.tx != nil {
		return hash.Of(append(e.tx.inSQL.at.root[:], e.tx.inSQL.at.ids[:]...)), nil
	}
	root, err := e.db.blocks.Root(ctx)
	return root, opError("read branches", err)
}

// At returns the version of a snapshot.
func (e Engine) At(s *Snapshot) Version { return Version{version: s.version} }

// EngineHold keeps readable what can be read since it was taken, as long as something
// refers to it.
type EngineHold = *nbs.Hold

// Hold is taken before a version is looked up, and kept as long as it is read: for
// the time of a statement, too.
// Contents do not hold what they lead to: a branch's newest version is never
// collected, and who reads an older one has a hold.
func (e Engine) Hold() EngineHold { return e.db.blocks.HoldSince() }

// CommitAt returns the commit at h, which may be gone but held.
func (e Engine) CommitAt(ctx context.Context, h hash.Hash) (*Commit, error) {
	c, err := loadCommit(ctx, e.store(), h)
	return c, opError("read", err)
}

// store returns a store that holds nothing, or the transaction's own.
func (e Engine) store() prolly.Store {
	if e.tx != nil {
		return e.tx.store
	}
	return readOnlyStore{blocks: e.db.blocks}
}

// Contents are a version's parts. They are immutable.
type Contents struct {
	Version  Version
	Tables   []EngineTable // in the order of their folded names
	Objects  []Object
	Settings Settings
}

// Load opens a version.
func (e Engine) Load(ctx context.Context, v Version) (*Contents, error) {
	c, err := e.load(ctx, v)
	return c, opError("open version "+v.root.String(), err)
}

func (e Engine) load(ctx context.Context, v Version) (*Contents, error) {
	v, err := e.db.versionOf(ctx, v)
	if err != nil {
		return nil, err
	}
	s := e.db.newSnapshot(ctx, e.store(), v.version)
	c := &Contents{Version: v}
	for entry, err := range tableEntries(ctx, s.root) {
		if err != nil {
			return nil, err
		}
		t, err := s.openTable(entry)
		if err != nil {
			return nil, err
		}
		c.Tables = append(c.Tables, EngineTable{view: t})
	}
	if c.Objects, err = s.objects(); err != nil {
		return nil, err
	}
	c.Settings, err = s.settings()
	return c, err
}

// EngineTable is a table of a version.
type EngineTable struct{ view *tableView }

// Schema returns the table's schema, which must not be changed.
func (t EngineTable) Schema() *Schema { return t.view.schema }

// Rows returns the tree of the table's rows.
func (t EngineTable) Rows() EngineTree {
	return EngineTree{Tree: t.view.rows.tree, layout: t.view.layout}
}

// Index returns the tree of an index, by its place in the schema.
func (t EngineTable) Index(i int) EngineTree {
	return EngineTree{
		Tree: t.view.indexes[i].tree, layout: t.view.layout, index: &t.view.index[i],
		form: EngineForm{schema: t.view.entry.schema, place: i + 1},
	}
}

// LayOut returns the trees that a table of the schema has: old's where their
// items stay as they are under the new schema, else empty ones. kept tells which:
// the rows, and each index by its place. sameRoot pairs indexes of s with old's.
func (e Engine) LayOut(s *Schema, old *EngineTable, sameRoot map[int]int) (t EngineTable, rows bool, indexes []bool, err error) {
	l, err := newLayout(s)
	if err != nil {
		return EngineTable{}, false, nil, opError("lay out table "+s.Name, err)
	}
	store := e.store()
	v := &tableView{layout: l, store: store, indexes: make([]overlay, len(l.index))}
	v.rows.tree = prolly.New(l.config, store)
	if rows = old != nil && l.extends(old.view.layout); rows {
		v.rows.tree = old.view.rows.tree
	}
	indexes = make([]bool, len(l.index))
	for i := range v.indexes {
		v.indexes[i].tree = prolly.New(l.index[i].config, store)
		if j, ok := sameRoot[i]; ok && old != nil && l.index[i].sameForm(&old.view.index[j]) {
			v.indexes[i].tree, indexes[i] = old.view.indexes[j].tree, true
		}
	}
	return EngineTable{view: v}, rows, indexes, nil
}

// extends tells whether rows kept as old has them are as l keeps them: at most,
// columns were added at the end.
func (l *layout) extends(old *layout) bool {
	if l.kind != old.kind || len(l.key) != len(old.key) || len(l.stored) < len(old.stored) {
		return false
	}
	for i, k := range l.key {
		if k.KeyColumn != old.key[i].KeyColumn || l.cols[k.column].position != old.cols[old.key[i].column].position {
			return false
		}
	}
	for i, column := range old.stored {
		a, b := &old.cols[column], &l.cols[l.stored[i]]
		if a.affinity != b.affinity || !a.fallback.Equal(b.fallback) {
			return false
		}
	}
	return true
}

// sameForm tells whether the entries of two indexes have the same form.
func (x *indexLayout) sameForm(y *indexLayout) bool {
	if len(x.columns) != len(y.columns) || x.own != y.own || x.rowid != y.rowid || x.unsorted != y.unsorted {
		return false
	}
	for i := range x.columns {
		if x.columns[i].KeyColumn != y.columns[i].KeyColumn || x.original(i) != y.original(i) {
			return false
		}
	}
	return true
}

// EngineTree is a tree of rows or of index entries, and how its items stand in
// SQLite's file format (https://www.sqlite.org/fileformat2.html).
type EngineTree struct {
	prolly.Tree
	layout *layout
	index  *indexLayout // nil: rows
	form   EngineForm   // of an index
}

// EngineForm tells forms apart in which items stand in SQLite's file. Trees of one
// form show equal nodes as equal pages.
type EngineForm struct {
	schema hash.Hash
	place  int // of an index, from 1; a form of rows is 0, or -1 in an index b-tree
}

// Form returns the form of the tree's items.
func (t EngineTree) Form() EngineForm {
	if t.index == nil && !t.Integer() {
		return EngineForm{place: -1}
	}
	return t.form
}

// Integer tells whether the items are keyed by a 64-bit integer: a table b-tree.
// Others are index b-trees, which hold a WITHOUT ROWID table's rows too.
func (t EngineTree) Integer() bool { return t.index == nil && t.layout.kind != keyClustered }

// Sorted tells whether SQLite has the items in the order of their keys. Those of
// an index with a collation that only SQL knows are in another one there.
func (t EngineTree) Sorted() bool { return t.index == nil || !t.index.unsorted }

// HoldsRows tells whether the items are rows, not index entries.
func (t EngineTree) HoldsRows() bool { return t.index == nil }

// Rowid decodes the key of an Integer tree.
func (t EngineTree) Rowid(key []byte) (int64, error) { return record.DecodeIntKey(key) }

// Size returns the length of an item's payload in SQLite's file.
func (t EngineTree) Size(key, value []byte) (int64, error) {
	if t.index == nil || len(value) > 0 {
		return record.LogicalSize(value), nil
	}
	p, _, err := t.entry(nil, key)
	return int64(len(p)), err
}

// Inline returns an item's payload if that is at hand: it aliases value, or is
// made in room. ok is false if values stand out of line, then Payload has it.
func (t EngineTree) Inline(room, key, value []byte) (payload []byte, ok bool, err error) {
	if t.index != nil && len(value) == 0 {
		payload, _, err = t.entry(room[:0], key)
		return payload, err == nil, err
	}
	return value, !record.HasOutOfLine(value), nil
}

// Spills tells whether an item may take more than a cell: others need no look.
func (t EngineTree) Spills(value []byte) bool { return len(value) > longEntry }

// Payload returns an item's payload in SQLite's file.
func (t EngineTree) Payload(ctx context.Context, key, value []byte) (*Payload, error) {
	if t.index != nil && len(value) == 0 {
		p, _, err := t.entry(nil, key)
		return &Payload{size: int64(len(p)), head: p}, err
	}
	return t.expand(ctx, value)
}

// EntryOfKey returns the payload of an index entry of which the key alone is
// known. ok is false if another entry, which has a value, could have that key.
func (t EngineTree) EntryOfKey(key []byte) (p *Payload, ok bool) {
	if t.index == nil {
		return nil, false
	}
	payload, exact, err := t.entry(nil, key)
	return &Payload{size: int64(len(payload)), head: payload}, exact && err == nil
}

// entry appends the record of an index entry that has no value: its key is made of
// values as they are. exact tells that such a key can have no value.
func (t EngineTree) entry(dst, key []byte) (payload []byte, exact bool, err error) {
	x := t.index
	var buf [16]Value
	vals, rest := buf[:0], key
	exact = len(key) <= longEntry
	for i, c := range x.columns {
		v, after, told, err := record.DecodeKey(rest, c.KeyColumn)
		if err != nil {
			return nil, false, fmt.Errorf("index %s: %w", x.name, err)
		}
		rest, exact = after, exact && told && c.tells(v)
		if !x.repeats(i) {
			vals = append(vals, v)
		}
	}
	if x.rowid {
		id, err := record.DecodeIntKey(rest)
		if err != nil {
			return nil, false, fmt.Errorf("index %s: %w", x.name, err)
		}
		vals = append(vals, record.Int(id))
	}
	return record.AppendSQLite(dst, vals), exact, nil
}

// tells tells whether a key that v was decoded from is v's alone. That of an integer
// is a REAL's too, but in columns that turn these into integers.
func (c *keyColumn) tells(v Value) bool {
	if v.Kind() != record.KindInteger {
		return true
	}
	return (c.affinity == record.AffinityInteger || c.affinity == record.AffinityNumeric) && v.Int() != math.MinInt64
}

// expand makes SQLite's record of a stored one.
func (t EngineTree) expand(ctx context.Context, rec []byte) (*Payload, error) {
	if !record.HasOutOfLine(rec) {
		return &Payload{size: int64(len(rec)), head: rec}, nil
	}
	vals, err := record.Parse(rec, nil)
	if err != nil {
		return nil, err
	}
	p := &Payload{head: record.AppendHeader(nil, vals)}
	p.size = int64(len(p.head))
	for _, v := range vals {
		if err := p.append(ctx, t.Tree.Store(), v); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// KeyOf makes the key of an item from its rowid or, in an index b-tree, its payload.
func (t EngineTree) KeyOf(rowid int64, payload []byte) ([]byte, error) {
	if t.Integer() {
		return record.AppendIntKey(nil, rowid), nil
	}
	var buf [32]Value
	vals, err := record.Parse(payload, buf[:0])
	if err != nil {
		return nil, err
	}
	if t.index == nil {
		return t.rowKey(vals)
	}
	key, _, err := t.index.keyOf(vals)
	return key, err
}

// Item makes the item of a payload that SQLite wrote: the tree's own form of it.
// Long values are written to w. The bytes are the caller's.
func (t EngineTree) Item(ctx context.Context, w prolly.Store, rowid int64, payload []byte) (key, value []byte, err error) {
	var buf [32]Value
	vals, err := record.Parse(payload, buf[:0])
	if err != nil {
		return nil, nil, err
	}
	if t.index != nil {
		return t.entryItem(ctx, w, vals)
	}
	if t.Integer() {
		key = record.AppendIntKey(nil, rowid)
	} else if key, err = t.rowKey(vals); err != nil {
		return nil, nil, err
	}
	value, err = t.layout.canonical(ctx, w, vals)
	return key, value, err
}

// rowKey makes the key of a WITHOUT ROWID table's row. Its columns come first.
func (t EngineTree) rowKey(vals []Value) (key []byte, err error) {
	if len(vals) < len(t.layout.key) {
		return nil, fmt.Errorf("table %s: a row of %d values", t.layout.schema.Name, len(vals))
	}
	for i, k := range t.layout.key {
		if err := checkKeyValue(vals[i]); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.layout.schema.Name, err)
		}
		key = record.AppendKey(key, vals[i], k.KeyColumn)
	}
	return key, nil
}

// entryItem makes the item of an index entry.
func (t EngineTree) entryItem(ctx context.Context, w prolly.Store, vals []Value) (key, value []byte, err error) {
	key, exact, err := t.index.keyOf(vals)
	if err != nil {
		return nil, nil, err
	}
	if exact && len(key) <= longEntry {
		return key, []byte{}, nil
	}
	for i, v := range vals {
		if vals[i], err = outline(ctx, w, v); err != nil {
			return nil, nil, err
		}
	}
	return key, record.Append(nil, vals), nil
}

// keyOf makes an entry's key from the values of its record, and tells whether
// it says all that they do.
func (x *indexLayout) keyOf(vals []Value) (key []byte, exact bool, err error) {
	var room [16]int
	at := room[:0] // where the values of the key's columns are
	next, exact := 0, true
	for i, c := range x.columns {
		if j := x.original(i); j >= 0 {
			at = append(at, at[j])
		} else {
			at = append(at, next)
			next++
		}
		if at[i] >= len(vals) {
			return nil, false, fmt.Errorf("index %s: an entry of %d values", x.name, len(vals))
		}
		v := vals[at[i]]
		if err := checkKeyValue(v); err != nil {
			return nil, false, fmt.Errorf("index %s: %w", x.name, err)
		}
		if c.affinity == record.AffinityReal {
			vals[at[i]] = packed(c.affinity, v)
			v = c.affinity.Load(v) // exact as of rows
		}
		key = record.AppendKey(key, v, c.KeyColumn)
		exact = exact && c.Exact(v)
	}
	if x.rowid {
		if next >= len(vals) || vals[next].Kind() != record.KindInteger {
			return nil, false, fmt.Errorf("index %s: an entry without rowid", x.name)
		}
		key = record.AppendIntKey(key, vals[next].Int())
	}
	return key, exact, nil
}

// repeats tells whether column i of an entry's key stands in its record already.
func (x *indexLayout) repeats(i int) bool { return x.original(i) >= 0 }

// original returns the declared column that column i of the key repeats, or -1.
func (x *indexLayout) original(i int) int {
	if i < x.own {
		return -1
	}
	for j, o := range x.columns[:x.own] {
		if o.column == x.columns[i].column && o.Collation == x.columns[i].Collation {
			return j
		}
	}
	return -1
}

// canonical returns the record in which a row of these stored values is kept.
func (l *layout) canonical(ctx context.Context, w prolly.Store, vals []Value) ([]byte, error) {
	if len(vals) > len(l.stored) {
		return nil, fmt.Errorf("table %s: a row of %d values for %d columns", l.schema.Name, len(vals), len(l.stored))
	}
	for i, v := range vals {
		var err error
		if vals[i], err = outline(ctx, w, packed(l.cols[l.stored[i]].affinity, v)); err != nil {
			return nil, err
		}
	}
	n := len(vals)
	for n > l.whole() && l.isFallback(n-1, vals[n-1]) {
		n--
	}
	return record.Append(nil, vals[:n]), nil
}

// packed returns a number of a REAL column in the one form in which it is stored:
// SQLite writes 1.0 as an integer or not, as its way through a statement was.
func packed(a record.Affinity, v Value) Value {
	if k := v.Kind(); a == record.AffinityReal && (k == record.KindInteger || k == record.KindReal) {
		return a.Store(v)
	}
	return v
}

// isFallback tells whether a stored value may be left out of the end of a record.
func (l *layout) isFallback(position int, v Value) bool {
	column := l.stored[position]
	if l.kind == keyInteger && column == l.key[0].column {
		return true
	}
	c := &l.cols[column]
	return c.affinity.Load(v).Equal(c.fallback)
}

// Payload is a record in SQLite's file, of which long values are read when they
// are asked for.
type Payload struct {
	size  int64
	head  []byte // its first bytes
	parts []payloadPart
}

// payloadPart is what follows the head: bytes, or a value out of line.
type payloadPart struct {
	at   int64
	data []byte
	blob *prolly.Blob
	size int64
}

// Size returns the payload's length in bytes.
func (p *Payload) Size() int64 { return p.size }

// append adds a column's body.
func (p *Payload) append(ctx context.Context, s prolly.Store, v Value) error {
	part := payloadPart{at: p.size}
	if address, out := v.Address(); out {
		blob, err := prolly.OpenBlob(ctx, s, address)
		if err != nil {
			return err
		}
		if blob.Size() != v.Size() {
			return fmt.Errorf("blob %s has %d bytes, its row says %d", address, blob.Size(), v.Size())
		}
		part.blob, part.size = blob, v.Size()
	} else {
		part.data = record.AppendBody(nil, v)
		part.size = int64(len(part.data))
	}
	p.size += part.size
	p.parts = append(p.parts, part)
	return nil
}

// ReadAt fills b with the payload's bytes from off on, all of which must exist.
func (p *Payload) ReadAt(b []byte, off int64) error {
	n := 0
	if off < int64(len(p.head)) {
		n = copy(b, p.head[off:])
	}
	for i := range p.parts {
		if n == len(b) {
			return nil
		}
		part := &p.parts[i]
		from := off + int64(n) - part.at
		if from >= part.size {
			continue
		}
		want := b[n:min(len(b), n+int(min(part.size-from, int64(len(b)))))]
		if err := part.readAt(want, from); err != nil {
			return err
		}
		n += len(want)
	}
	if n < len(b) {
		return fmt.Errorf("read %d bytes at %d of a payload of %d", len(b), off, p.size)
	}
	return nil
}

func (p *payloadPart) readAt(b []byte, off int64) error {
	if p.blob == nil {
		copy(b, p.data[off:])
		return nil
	}
	_, err := p.blob.ReadAt(b, off)
	return err
}

// EngineEdit is what a transaction has changed.
type EngineEdit struct {
	Base     Version
	Tables   []EngineTableEdit
	Dropped  []string // tables
	Objects  []Object // new or changed
	Forget   []Object // gone
	Settings *Settings
	// Renamed gives the identities that tables and columns keep under new names.
	Renamed []EngineRename
	// Sequences are counted on for all branches. Commit sets Counted to what they
	// are then, if there are any.
	Sequences []SequenceEdit
	Counted   *Sequences
}

// EngineRename is a step of a rename: of a table, or of a column in it.
type EngineRename struct{ Table, Column, To string }

// EngineTableEdit is what a transaction has changed in a table.
type EngineTableEdit struct {
	// Table has the trees that the edits are made to: empty ones for a new table.
	// Commit replaces it by the table as edited.
	Table EngineTable
	// Position is the caller's.
	Position int
	// Schema is the new one; nil if it is as it was.
	Schema *Schema
	// Rows and Indexes yield the edits in order, and write long values to the store
	// that they are given. nil is none. Indexes are those of the new schema.
	Rows    EngineItems
	Indexes []EngineItems
	// Many says that there are many: the trees are edited at once, and Rows and Indexes
	// called by several goroutines.
	Many bool
}

// EngineItems yields edits in the order of their keys, the same ones whenever it is
// called.
type EngineItems func(ctx context.Context, w prolly.Store) iter.Seq2[prolly.Edit, error]

// Commit makes a transaction's changes durable and visible on a branch, and
// returns the branch's version then. If others have changed the branch since
// Base both changes are merged, and the result differs from what the
// transaction has seen; where they collide the error is an ErrConflict or an
// ErrConstraint, and nothing is changed.
func (e Engine) Commit(ctx context.Context, branch string, edit *EngineEdit) (own, now Version, err error) {
	op := "commit transaction on branch " + branch
	if e.tx != nil {
		own, err = e.tx.adopt(ctx, edit)
		return own, own, opError(op, err)
	}
	w := e.db.blocks.NewWriter()
	defer w.Discard()
	w.Doubt() // the base may be older
	made, err := e.apply(ctx, w, edit)
	if err != nil {
		return Version{}, Version{}, opError(op, err)
	}
	if made == edit.Base.version && len(edit.Sequences) == 0 {
		return edit.Base, edit.Base, nil
	}
	err = e.db.update(ctx, w, func(ctx context.Context, r *refs) error {
		state, err := r.branch(ctx, branch)
		if err != nil {
			return err
		}
		if state.working, err = e.db.rebase(ctx, w, edit.Base.version, state.working, made); err != nil {
			return err
		}
		now = Version{version: state.working}
		if len(edit.Sequences) > 0 {
			if edit.Counted, err = r.count(ctx, edit.Sequences); err != nil {
				return err
			}
		}
		return r.setBranch(ctx, branch, state)
	})
	return Version{version: made}, now, opError(op, err)
}

// apply makes the version that has the changes.
func (e Engine) apply(ctx context.Context, w prolly.Store, edit *EngineEdit) (version, error) {
	root := prolly.Load(tablesConfig, w, edit.Base.root)
	var edits []prolly.Edit
	for _, name := range edit.Dropped {
		edits = append(edits, prolly.Edit{Key: tableKey(name)})
	}
	for i := range edit.Tables {
		t := &edit.Tables[i]
		if err := t.apply(ctx, w); err != nil {
			return version{}, fmt.Errorf("table %s: %w", t.Table.view.schema.Name, err)
		}
		view := t.Table.view
		edits = append(edits, prolly.Edit{Key: tableKey(view.schema.Name), Value: view.entry.encode()})
	}
	more, err := edit.objectEdits(ctx, w)
	if err != nil {
		return version{}, err
	}
	edits = lastEdits(append(edits, more...))
	if root, err = root.Apply(ctx, edits); err != nil {
		return version{}, err
	}
	ids, err := e.identities(ctx, w, edit)
	return version{root: root.Hash(), ids: ids}, err
}

// lastEdits sorts edits and keeps the last one of each key.
func lastEdits(edits []prolly.Edit) []prolly.Edit {
	if len(edits) < 2 {
		return edits
	}
	at := map[string]int{}
	var last []prolly.Edit
	for _, e := range edits {
		if i, ok := at[string(e.Key)]; ok {
			last[i] = e
			continue
		}
		at[string(e.Key)] = len(last)
		last = append(last, e)
	}
	sortEdits(last)
	return last
}

func (edit *EngineEdit) objectEdits(ctx context.Context, w prolly.Store) ([]prolly.Edit, error) {
	var edits []prolly.Edit
	for _, o := range edit.Forget {
		edits = append(edits, prolly.Edit{Key: o.key()})
	}
	for _, o := range edit.Objects {
		value, err := o.store(ctx, w)
		if err != nil {
			return nil, err
		}
		edits = append(edits, prolly.Edit{Key: o.key(), Value: value})
	}
	if edit.Settings != nil {
		edits = append(edits, prolly.Edit{Key: []byte(settingsKey), Value: edit.Settings.encode()})
	}
	return edits, nil
}

// apply makes the table's edits.
func (t *EngineTableEdit) apply(ctx context.Context, w prolly.Store) error {
	old := t.Table.view
	edited := &tableView{layout: old.layout, store: old.store, indexes: make([]overlay, len(old.indexes))}
	edited.entry = tableEntry{schema: old.entry.schema, indexes: make([]hash.Hash, len(old.indexes))}
	if t.Schema != nil {
		if len(t.Schema.Indexes) > maxIndexes {
			return invalidf("%d indexes, at most %d are allowed", len(t.Schema.Indexes), maxIndexes)
		}
		data, err := encodeSchema(t.Schema)
		if err == nil {
			edited.entry.schema, err = w.Put(ctx, data)
		}
		if err != nil {
			return err
		}
	}
	if err := t.applyTrees(ctx, w, edited); err != nil {
		return err
	}
	edited.entry.rows = edited.rows.tree.Hash()
	for i := range t.Indexes {
		edited.entry.indexes[i] = edited.indexes[i].tree.Hash()
	}
	t.Table = EngineTable{view: edited}
	return nil
}

// applyTrees edits the rows and the indexes, at once if there are many edits.
func (t *EngineTableEdit) applyTrees(ctx context.Context, w prolly.Store, edited *tableView) error {
	old := t.Table.view
	if writer, ok := w.(*nbs.Writer); ok && t.Many {
		w = &sharedWriter{writer: writer}
		return atOnce(1+len(t.Indexes), func(i int) error { return t.applyTree(ctx, w, old, edited, i-1) })
	}
	for i := -1; i < len(t.Indexes); i++ {
		if err := t.applyTree(ctx, w, old, edited, i); err != nil {
			return err
		}
	}
	return nil
}

// applyTree edits index i, or the rows if that is -1.
func (t *EngineTableEdit) applyTree(ctx context.Context, w prolly.Store, old, edited *tableView, i int) (err error) {
	if i < 0 {
		edited.rows.tree, err = t.Rows.apply(ctx, w, old.rows.tree)
		return err
	}
	if edited.indexes[i].tree, err = t.Indexes[i].apply(ctx, w, old.indexes[i].tree); err != nil {
		return fmt.Errorf("index %s: %w", old.index[i].name, err)
	}
	return nil
}

func (items EngineItems) apply(ctx context.Context, w prolly.Store, t prolly.Tree) (prolly.Tree, error) {
	if items == nil {
		return t, nil
	}
	edited, err := t.WithStore(w).EditSeq(ctx, items(ctx, w))
	return edited.WithStore(t.Store()), err
}

// identities stores the identities after the changes.
func (e Engine) identities(ctx context.Context, w prolly.Store, edit *EngineEdit) (hash.Hash, error) {
	if len(edit.Renamed)+len(edit.Dropped) == 0 && edit.Base.ids.IsZero() {
		return edit.Base.ids, nil
	}
	ids, err := loadIdentities(ctx, w, edit.Base.ids)
	if err != nil {
		return hash.Hash{}, err
	}
	ids = ids.clone()
	for _, r := range edit.Renamed {
		ids.rename(r)
	}
	renamed := map[string]bool{}
	for _, r := range edit.Renamed {
		renamed[fold(r.To)] = r.Column == ""
	}
	for _, name := range edit.Dropped {
		if !renamed[fold(name)] {
			ids.dropTable(name)
		}
	}
	for _, t := range edit.Tables {
		if t.Schema != nil {
			ids.settle(t.Schema)
		}
	}
	return ids.store(ctx, w)
}

// settle gives what is new in a table's schema identities that nothing else has,
// and forgets those of columns that are gone.
func (ids *identities) settle(s *Schema) {
	used := map[string]bool{}
	for name, t := range ids.Tables {
		used[t.ID] = used[t.ID] || name != fold(s.Name)
	}
	if id := freeIdentity(ids.table(s.Name), used); id != ids.table(s.Name) {
		ids.setTable(s.Name, id)
	}
	for name := range ids.Tables[fold(s.Name)].Columns {
		if s.Column(name) < 0 {
			ids.setColumn(s.Name, name, name)
		}
	}
	taken := map[string]bool{}
	for _, id := range ids.Tables[fold(s.Name)].Columns {
		taken[id] = true
	}
	for _, c := range s.Columns {
		if _, named := ids.Tables[fold(s.Name)].Columns[fold(c.Name)]; !named && taken[fold(c.Name)] {
			ids.setColumn(s.Name, c.Name, freeIdentity(fold(c.Name), taken))
		}
	}
}

// rename keeps an identity under a new name.
func (ids *identities) rename(r EngineRename) {
	if r.Column != "" {
		id := ids.column(r.Table, r.Column)
		ids.setColumn(r.Table, r.Column, fold(r.Column))
		ids.setColumn(r.Table, r.To, id)
		return
	}
	id, t := ids.table(r.Table), ids.Tables[fold(r.Table)]
	ids.dropTable(r.Table)
	ids.put(r.To, t)
	ids.setTable(r.To, id)
}
