package vdb

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// remaking makes lost chunks of indexes again, of rows that are whole: an index of equal
// rows has equal chunks.
type remaking struct {
	*recovery
	tried map[hash.Hash]bool // indexes
	made  bool
}

// remakeIndexes makes again what is lost of indexes.
func (x *recovery) remakeIndexes() error {
	m := &remaking{recovery: x, tried: map[hash.Hash]bool{}}
	for _, c := range x.history {
		if c.Commit != nil && !c.whole {
			if err := m.remake(c.version()); err != nil {
				return err
			}
		}
	}
	items, err := x.refs.items(x.ctx)
	if err != nil {
		return err
	}
	for _, item := range items {
		state, err := decodeBranchState(item.Value)
		if !strings.HasPrefix(string(item.Key), headsPrefix) || err != nil {
			continue
		}
		for _, v := range []version{state.working, state.staged} {
			if err := m.remake(v); err != nil {
				return err
			}
		}
	}
	if !m.made {
		return nil
	}
	return x.look()
}

// remake makes again what a version has lost of indexes.
func (m *remaking) remake(v version) error {
	for e, err := range tableEntries(m.ctx, prolly.Load(tablesConfig, m.store, v.root)) {
		if err != nil {
			break // nothing is known of its tables, or of some
		}
		readable, err := m.areWhole(e.schema, e.rows)
		if err != nil {
			return err
		}
		for i, h := range e.indexes {
			whole, err := m.isWhole(h)
			if err != nil {
				return err
			}
			if readable && !whole && !m.tried[h] {
				m.tried[h] = true
				if err := m.index(e, i); err != nil {
					return err
				}
			}
		}
	}
	return m.ctx.Err()
}

// index makes an index again. One that comes out otherwise is of no use.
func (m *remaking) index(e tableEntry, i int) error {
	own, err := m.store.remade(m.ctx)
	if err != nil {
		return err
	}
	w := own.came.NewWriter()
	defer w.Discard()
	h, err := rebuiltIndex(m.ctx, remakingStore{w, m.store}, e, i)
	if err != nil || h != e.indexes[i] {
		return m.ctx.Err() // as if it had not been tried
	}
	m.made = true
	return own.came.Commit(m.ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
		return w.Put(ctx, append([]byte{0}, root[:]...))
	})
}

// settle makes what a patch stands for, and returns the address of the refs.
func (p *pieces) settle(ctx context.Context, root hash.Hash) (settled hash.Hash, err error) {
	own, err := p.remade(ctx)
	if err != nil {
		return hash.Hash{}, err
	}
	w := own.came.NewWriter()
	defer w.Discard()
	r, err := bareDB().settledRefs(ctx, remakingStore{w, p}, root, nil)
	if err != nil {
		return hash.Hash{}, err
	}
	if settled, err = r.save(ctx); err != nil {
		return hash.Hash{}, err
	}
	return settled, own.came.Commit(ctx, w, func(context.Context, hash.Hash) (hash.Hash, error) { return settled, nil })
}

// rebuiltIndex builds an index of a table's rows.
func rebuiltIndex(ctx context.Context, s prolly.Store, e tableEntry, i int) (hash.Hash, error) {
	db := bareDB()
	t, err := (&Snapshot{db: db, ctx: ctx, store: s}).openTable(e)
	if err != nil {
		return hash.Hash{}, err
	}
	return db.buildIndex(ctx, s, t, &t.index[i])
}

// bareDB stands for a database where only a store is read and written.
func bareDB() *DB { return &DB{layouts: &sync.Map{}} }

// remakingStore reads what is left, and what was written.
type remakingStore struct {
	*nbs.Writer
	pieces *pieces
}

func (s remakingStore) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	data, err := s.Writer.Get(ctx, h)
	if errors.Is(err, nbs.ErrNotFound) {
		return s.pieces.Get(ctx, h)
	}
	return data, err
}

// remade returns where chunks are that were made again.
func (p *pieces) remade(ctx context.Context) (*lender, error) {
	if p.own == nil {
		own := &lender{gave: map[hash.Hash]bool{}}
		p.own = own
		if err := own.makeRoom(ctx); err != nil {
			return nil, err
		}
	}
	return p.own, nil
}
