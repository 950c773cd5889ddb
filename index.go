package vdb

import (
	"context"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// buildIndex builds one index of a table from its rows, in sorted batches, so
// that memory stays bounded.
func (db *DB) buildIndex(ctx context.Context, s prolly.Store, t *tableView, x *indexLayout) (hash.Hash, error) {
	if x.evaluated {
		return t.buildEvaluated(ctx, x)
	}
	tree := prolly.New(x.config, s)
	var batch []prolly.Edit
	held := 0
	flush := func() (err error) {
		sortEdits(batch)
		tree, err = tree.Apply(ctx, batch)
		batch, held = batch[:0], 0
		return err
	}
	content := func(v Value) (Value, error) { return t.content(ctx, v) }
	var row []Value
	for item, err := range t.rows.scan(ctx, allKeys, false) {
		if err != nil {
			return hash.Hash{}, err
		}
		if row, err = t.decode(row, item.Key, item.Value); err != nil {
			return hash.Hash{}, err
		}
		key, value, err := x.entry(nil, item.Key, row, content)
		if err != nil {
			return hash.Hash{}, err
		}
		batch = append(batch, prolly.Edit{Key: key, Value: value})
		if held += len(key) + len(value) + editOverhead; held >= flushBytes {
			if err := flush(); err != nil {
				return hash.Hash{}, err
			}
		}
	}
	if err := flush(); err != nil {
		return hash.Hash{}, err
	}
	return tree.Hash(), nil
}

// buildEvaluated builds an index whose entries SQL makes.
func (t *tableView) buildEvaluated(ctx context.Context, x *indexLayout) (hash.Hash, error) {
	index := overlay{tree: prolly.New(x.config, t.store)}
	at := slices.IndexFunc(t.index, func(own indexLayout) bool { return own.name == x.name })
	none := prolly.New(t.config, t.store)
	err := t.moveEvaluated(ctx, none, t.rows.tree, []int{at}, func(_ int, key, value []byte) { index.set(key, value) })
	if err == nil {
		err = index.flush(ctx)
	}
	return index.tree.Hash(), err
}

// allKeys is the range of all keys.
var allKeys = prolly.Range{}
