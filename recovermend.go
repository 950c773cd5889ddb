package vdb

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// MendedBranch is a branch that Recover has made of what can be read of another's newest
// state, where that is not whole.
type MendedBranch struct {
	// Ref is heads/mended-NAME, Of is heads/NAME.
	Ref, Of string
	// Commit follows the one that Of went back to. It has the tables of the newest state.
	Commit Hash
	// Tables are those of which a part was lost.
	Tables []MendedTable
	// Err is why the branch was not made.
	Err error
}

// MendedTable tells what a mended table's rows are.
type MendedTable struct {
	Name string
	// Rows are as they were. Older are in places whose rows are lost, and are what the table
	// had there at the commit that the branch went back to.
	Rows, Older int64
	// Gone: not even its schema can be read, and there is no table.
	Gone bool
}

// mendedName is what the name of a branch begins with that has what can be read of another.
const mendedName = "mended-"

// recoverAuthor signs the commits of mended branches.
const recoverAuthor = "vdb"

// mend is what is made of a version that is not whole.
type mend struct {
	MendedBranch
	of   version
	onto *Commit
}

// planMend has a branch's newest state mended if it is not whole.
func (x *recovery) planMend(name string, was branchState, onto *pastCommit) error {
	of := was.working
	if head := x.history[was.head]; !x.hasTables(of) && head.Commit != nil {
		of = head.version()
	}
	whole, err := x.areWhole(of.root)
	if err != nil || whole || !x.hasTables(of) {
		return err
	}
	m := &mend{MendedBranch: MendedBranch{Ref: headsPrefix + mendedName + name, Of: headsPrefix + name}, of: of, onto: onto.Commit}
	for taken := true; taken; {
		if _, taken, err = x.refs.tree.Get(x.ctx, []byte(m.Ref)); err != nil {
			return err
		}
		if taken {
			m.Ref += "-again"
		}
	}
	x.mends = append(x.mends, m)
	return nil
}

// hasTables tells whether the list of a version's tables can be read.
func (x *recovery) hasTables(v version) bool {
	for _, err := range prolly.Load(tablesConfig, x.store, v.root).Items(x.ctx, prolly.Range{}) {
		if err != nil {
			return false
		}
	}
	return true
}

// sendMends sends what is whole of the versions that are mended.
func (s *salvageSender) sendMends() error {
	for _, m := range s.mends {
		for item, err := range prolly.Load(tablesConfig, s.store, m.of.root).Items(s.ctx, prolly.Range{}) {
			if err != nil {
				return err
			}
			for _, h := range append(listed(item.Value), m.of.ids) {
				if err := s.sendWhole(h); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sendWhole sends what is whole below an address.
func (s *salvageSender) sendWhole(h hash.Hash) error {
	whole, err := s.isWhole(h)
	if err != nil {
		return err
	}
	if whole {
		return s.send(h)
	}
	data, err := s.store.Get(s.ctx, h)
	if err != nil || chunk.KindOf(data) == chunk.Commit {
		return s.ctx.Err()
	}
	below, err := chunk.References(nil, data)
	for _, h := range below {
		if err := s.sendWhole(h); err != nil {
			return err
		}
	}
	return err
}

// makeMends commits what can be read, and returns the branches.
func (x *recovery) makeMends(ctx context.Context, s prolly.Store, db *DB) (branches []prolly.Edit, err error) {
	x.report.Mended = nil
	if n := newestGraftsOf(s); n != nil && x.final == nil {
		n.replace(x.grafts) // as they are to be
	}
	for _, m := range x.mends {
		c, err := x.makeMend(ctx, s, db, m)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if m.Err = err; err == nil {
			m.Commit = c.Hash
			branches = append(branches, prolly.Edit{Key: []byte(m.Ref), Value: cleanState(c).encode()})
		}
		x.report.Mended = append(x.report.Mended, m.MendedBranch)
	}
	return branches, nil
}

func (x *recovery) makeMend(ctx context.Context, s prolly.Store, db *DB, m *mend) (*Commit, error) {
	m.Tables = nil
	v, err := x.mendVersion(ctx, s, m)
	if err != nil {
		return nil, err
	}
	text := "What can be read of " + strings.TrimPrefix(m.Of, headsPrefix)
	return db.storeCommit(ctx, s, commitDraft{message: Message{Author: recoverAuthor, Text: text}, version: v, parents: []hash.Hash{m.onto.Hash}})
}

// mendVersion writes a version with all of another that can be read.
func (x *recovery) mendVersion(ctx context.Context, s prolly.Store, m *mend) (v version, err error) {
	var edits []prolly.Edit
	for item, err := range prolly.Load(tablesConfig, x.store, m.of.root).Items(ctx, prolly.Range{}) {
		if err != nil {
			return v, err
		}
		e := prolly.Edit{Key: []byte(string(item.Key)), Value: []byte(string(item.Value))}
		whole, err := x.areWhole(listed(item.Value)...)
		if err != nil {
			return v, err
		}
		if !whole {
			if e.Value, err = x.mendTable(ctx, s, m, e); err != nil {
				return v, err
			}
		}
		if e.Value != nil {
			edits = append(edits, e)
		}
	}
	tree, err := prolly.New(tablesConfig, s).Apply(ctx, edits)
	if err != nil {
		return v, err
	}
	v = version{root: tree.Hash(), ids: m.of.ids}
	if whole, err := x.areWhole(v.ids); err != nil || !whole {
		v.ids = m.onto.ids
		return v, err
	}
	return v, nil
}

// mendTable returns the entry of a table with the rows that can be read and, where others are
// lost, those of before; nil if there can be no table.
func (x *recovery) mendTable(ctx context.Context, s prolly.Store, m *mend, lost prolly.Edit) ([]byte, error) {
	name, isTable := strings.CutPrefix(string(lost.Key), tableKeyPrefix)
	e, err := decodeTableEntry(lost.Value)
	if err == nil {
		var whole bool
		whole, err = x.areWhole(e.schema)
		isTable = isTable && whole
	}
	if !isTable || err != nil {
		m.Tables = append(m.Tables, MendedTable{Name: name, Gone: true})
		return nil, x.ctx.Err()
	}
	l, err := bareDB().layout(ctx, x.store, e.schema)
	if err != nil {
		return nil, err
	}
	w := &mending{recovery: x, config: l.config, before: prolly.New(l.config, s), done: MendedTable{Name: name}}
	value, ok, err := prolly.Load(tablesConfig, s, m.onto.Root).Get(ctx, lost.Key)
	if err != nil {
		return nil, err
	}
	if before, err := decodeTableEntry(value); ok && err == nil && before.schema == e.schema {
		w.before = prolly.Load(l.config, s, before.rows)
	}
	rows, err := prolly.Build(ctx, l.config, s, w.rows(ctx, e.rows))
	if err != nil {
		return nil, err
	}
	mended := tableEntry{schema: e.schema, rows: rows.Hash(), indexes: make([]hash.Hash, len(e.indexes))}
	for i := range mended.indexes {
		if mended.indexes[i], err = rebuiltIndex(ctx, s, mended, i); err != nil {
			return nil, err
		}
	}
	m.Tables = append(m.Tables, w.done)
	return mended.encode(), nil
}

// mending yields rows: those of a tree that can be read and, in the places of others, those
// that the table had before.
type mending struct {
	*recovery
	config *prolly.Config
	before prolly.Tree
	done   MendedTable
	next   []byte // the first key that has not been looked for; nil at the beginning
	yield  func(prolly.Item, error) bool
}

func (w *mending) rows(ctx context.Context, tree hash.Hash) iter.Seq2[prolly.Item, error] {
	return func(yield func(prolly.Item, error) bool) {
		w.yield = yield
		if err := w.walk(ctx, tree, nil); err != nil && !errors.Is(err, errStopped) {
			yield(prolly.Item{}, err)
		}
	}
}

// walk yields what is below an address, up to the last key there, which is nil if that is the
// end of the table.
func (w *mending) walk(ctx context.Context, h hash.Hash, last []byte) error {
	whole, err := w.isWhole(h)
	if err != nil {
		return err
	}
	if whole {
		return w.take(&w.done.Rows, prolly.Load(w.config, w.store, h).Items(ctx, prolly.Range{}), last)
	}
	n, err := prolly.Load(w.config, w.store, h).Node(ctx, h)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || n.Level() == 0 {
		return w.take(&w.done.Older, w.before.Items(ctx, prolly.Range{From: w.next, To: after(last)}), last)
	}
	for i := range n.Len() {
		to := n.Key(i)
		if i == n.Len()-1 {
			to = last
		}
		if err := w.walk(ctx, n.Child(i), to); err != nil {
			return err
		}
	}
	return nil
}

// after returns the key that follows another one; nil, no bound, follows none.
func after(key []byte) []byte {
	if key == nil {
		return nil
	}
	return append(key[:len(key):len(key)], 0)
}

// take yields items, and goes on behind the last key.
func (w *mending) take(count *int64, items iter.Seq2[prolly.Item, error], last []byte) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		if !w.yield(item, nil) {
			return errStopped
		}
		*count++
	}
	w.next = after(last)
	return nil
}
