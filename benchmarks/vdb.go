package main

import (
	"context"

	"github.com/vdbgo/vdb"
)

// vdbEngine is vdb through its typed API.
type vdbEngine struct {
	db   *vdb.DB
	main *vdb.Branch
}

// vdbTables are the typed tables by name.
var vdbTables = map[string]*vdb.Table[row]{
	mainTable: vdb.MustTable[row](mainTable),
	indexedTable: vdb.MustTable[row](indexedTable, func(s *vdb.Schema) {
		s.Indexes = []vdb.Index{{Name: "by_amount", Columns: []vdb.IndexColumn{{Name: "amount"}}}}
	}),
}

func openVDB(ctx context.Context, dir string, o options) (engine, error) {
	db, err := vdb.Open(ctx, dir, &vdb.Options{CacheBytes: o.cacheBytes})
	if err != nil {
		return nil, err
	}
	main, err := db.Branch(ctx, mainBranch)
	return &vdbEngine{db: db, main: main}, err
}

func (e *vdbEngine) on(ctx context.Context, branch string) (*vdb.Branch, error) {
	if branch == mainBranch {
		return e.main, nil
	}
	return e.db.Branch(ctx, branch)
}

// update runs fn in a transaction on a branch.
func (e *vdbEngine) update(ctx context.Context, to target, fn func(*vdb.Tx, *vdb.Table[row]) error) error {
	b, err := e.on(ctx, to.branch)
	if err != nil {
		return err
	}
	return b.Update(ctx, func(tx *vdb.Tx) error { return fn(tx, vdbTables[to.table]) })
}

func (e *vdbEngine) load(ctx context.Context, table string, n int64) error {
	return e.update(ctx, target{mainBranch, table}, func(tx *vdb.Tx, t *vdb.Table[row]) error {
		if err := t.Create(tx); err != nil {
			return err
		}
		for id := range n {
			if err := t.Put(tx, rowOf(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *vdbEngine) put(ctx context.Context, to target, rows []row) error {
	return e.update(ctx, to, func(tx *vdb.Tx, t *vdb.Table[row]) error {
		for _, r := range rows {
			if err := t.Put(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *vdbEngine) remove(ctx context.Context, from target, ids []int64) error {
	return e.update(ctx, from, func(tx *vdb.Tx, t *vdb.Table[row]) error {
		for _, id := range ids {
			if err := t.Delete(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *vdbEngine) get(ctx context.Context, id int64) (r row, err error) {
	err = e.view(ctx, func(in reader) error {
		r, err = in.get(id)
		return err
	})
	return r, err
}

func (e *vdbEngine) view(ctx context.Context, fn func(reader) error) error {
	return e.main.View(ctx, func(s *vdb.Snapshot) error { return fn(vdbReader{s}) })
}

func (e *vdbEngine) commit(ctx context.Context, branch string) (string, error) {
	b, err := e.on(ctx, branch)
	if err != nil {
		return "", err
	}
	c, err := b.Commit(ctx, vdb.Message{Author: "bench", Text: "change"})
	if err != nil {
		return "", err
	}
	return c.Hash.String(), nil
}

func (e *vdbEngine) getAsOf(ctx context.Context, rev, table string, id int64) (row, error) {
	s, err := e.db.AsOf(ctx, rev)
	if err != nil {
		return row{}, err
	}
	return vdbTables[table].Get(s, id)
}

func (e *vdbEngine) diff(ctx context.Context, from, to string) (int, error) {
	n := 0
	for _, err := range e.db.Diff(ctx, from, to).Rows(mainTable) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (e *vdbEngine) branch(ctx context.Context, name string) error {
	_, err := e.db.CreateBranch(ctx, name, mainBranch)
	return err
}

func (e *vdbEngine) merge(ctx context.Context, theirs string) error {
	_, err := e.main.Merge(ctx, theirs, nil)
	return err
}

func (e *vdbEngine) revert(ctx context.Context, rev string) error {
	_, err := e.main.Revert(ctx, rev, nil)
	return err
}

func (e *vdbEngine) settle(ctx context.Context) error { return e.db.Compact(ctx) }

func (e *vdbEngine) size() (int64, error) {
	s := e.db.Stats()
	return s.JournalBytes + s.TableBytes, nil
}

func (e *vdbEngine) written() (int64, error) { return e.db.Stats().AppendedBytes, nil }
func (e *vdbEngine) syncs() int64            { return e.db.Stats().Syncs }
func (e *vdbEngine) close() error            { return e.db.Close() }

type vdbReader struct{ s *vdb.Snapshot }

func (r vdbReader) get(id int64) (row, error) { return vdbTables[mainTable].Get(r.s, id) }

func (r vdbReader) scan(from, limit int64) (int64, error) {
	var n int64
	if limit == 0 {
		return 0, nil
	}
	for _, err := range vdbTables[mainTable].Range(r.s, vdb.Range{From: []any{from}}) {
		if err != nil {
			return n, err
		}
		if n++; n == limit {
			break
		}
	}
	return n, nil
}
