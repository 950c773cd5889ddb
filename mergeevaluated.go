package vdb

import (
	"bytes"
	"slices"

	"github.com/vdbgo/vdb/prolly"
)

// evaluatedIndex returns the tree from which an index that SQL makes is completed,
// and the side that has it. Where no side has the index as it is now it is built.
func (r *rowMerge) evaluatedIndex(i int, rows prolly.Tree) (source int, tree prolly.Tree, err error) {
	for _, side := range []int{atOurs, atTheirs} {
		if t := r.table.sides[side]; t != nil && (r.only == 0 || r.only == side) {
			if at := r.evaluatedAt(t, i); at >= 0 {
				return side, t.view.indexes[at].tree, nil
			}
		}
	}
	tree, err = r.buildIndex(i, rows)
	return built, tree, err
}

// evaluatedAt returns where a side has index i of the result, or -1 if what it holds
// of a row may differ.
func (r *rowMerge) evaluatedAt(side *tableSide, i int) int {
	is, to := side.view.schema, r.to.schema
	if is.SQL != to.SQL || !slices.Equal(is.Columns, to.Columns) || side.view.kind != r.to.kind {
		return -1
	}
	at := is.Index(to.Indexes[i].Name)
	if at < 0 || is.Indexes[at].SQL != to.Indexes[i].SQL || !sameIndex(is.Indexes[at], to.Indexes[i]) {
		return -1
	}
	return at
}

// completeEvaluated brings the evaluated indexes that are as on one side up to the
// merged rows.
func (r *rowMerge) completeEvaluated(indexes []overlay, source []int, side int, rows prolly.Tree) error {
	var at []int
	for _, i := range r.to.evaluatedIndexes() {
		if source[i] == side {
			at = append(at, i)
		}
	}
	return r.cells.view.moveEvaluated(r.ctx, r.trees[side], rows, at, func(i int, key, value []byte) {
		indexes[i].set(key, value)
	})
}

// recompute has SQL compute the generated columns of the rows of which no side has
// the merged form: all of them if the sides have different schemas.
func (r *rowMerge) recompute(rows *overlay) error {
	if r.to.generated == nil {
		return nil
	}
	c := &recomputation{rowMerge: r, rows: rows, contested: map[string]int{}}
	for i := range r.contested {
		c.contested[string(r.contested[i].key)] = i
	}
	if r.isOneSchema() {
		for i := range r.contested {
			if err := c.row(r.contested[i].key, r.contested[i].merged); err != nil {
				return err
			}
		}
		return c.flush()
	}
	if err := rows.flush(r.ctx); err != nil {
		return err
	}
	for item, err := range rows.tree.Items(r.ctx, allKeys) {
		if err == nil {
			err = c.row(item.Key, item.Value)
		}
		if err != nil {
			return err
		}
	}
	return c.flush()
}

// isOneSchema tells whether no side computes columns in another way.
func (r *rowMerge) isOneSchema() bool {
	return !slices.ContainsFunc(r.table.sides[:], func(s *tableSide) bool {
		return s != nil && s.view.layout != r.to
	})
}

// recomputation computes rows in batches.
type recomputation struct {
	*rowMerge
	rows      *overlay
	contested map[string]int // by key
	batch     *Evaluation
	records   map[string][]byte
	size      int
}

// row adds the row of a record, nil if absent.
func (c *recomputation) row(key, rec []byte) error {
	if rec == nil {
		return nil
	}
	view := c.cells.view
	if c.batch == nil {
		c.batch, c.records, c.size = view.evaluation(), map[string][]byte{}, 0
		c.batch.Stored = true
	}
	rec = bytes.Clone(rec)
	row, err := view.decode(nil, key, rec)
	if err != nil {
		return err
	}
	n, err := view.add(c.ctx, c.batch, key, row)
	if err != nil {
		return err
	}
	c.records[string(key)] = rec
	if c.size += n; c.size < evaluationBytes && len(c.records) < evaluationRows {
		return nil
	}
	return c.flush()
}

// flush replaces the records that came out differently.
func (c *recomputation) flush() error {
	if c.batch == nil {
		return nil
	}
	sql, err := evaluator(c.to.schema.Name)
	if err != nil {
		return err
	}
	if err := sql.Evaluate(c.ctx, c.batch); err != nil {
		return err
	}
	for _, item := range c.batch.Records {
		if was := c.records[string(item.Key)]; !bytes.Equal(was, item.Value) {
			c.replace(item, was)
		}
	}
	c.batch = nil
	return nil
}

// replace gives a row its new record, and has its index entries made anew.
func (c *recomputation) replace(item prolly.Item, was []byte) {
	c.rows.set(item.Key, item.Value)
	if i, ok := c.contested[string(item.Key)]; ok {
		c.rowMerge.contested[i].merged = item.Value
		return
	}
	c.rowMerge.contested = append(c.rowMerge.contested, contestedRow{key: item.Key, base: was, merged: item.Value})
}
