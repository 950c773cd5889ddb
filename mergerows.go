package vdb

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// rowMerge merges the rows and the indexes of one table.
type rowMerge struct {
	*merger
	table *tableMerge
	to    *layout // of the merged table
	cells cellMerge
	// only is the one side whose rows count, because it keys them anew and the
	// other left them alone; else 0.
	only  int
	trees [3]prolly.Tree // rows, laid out as to
	// contested rows are those that both sides changed: their index entries are
	// made anew.
	contested []contestedRow
	moved     []prolly.Item // rows of theirs that need another rowid
	conflicts []rowConflict
	entry     tableEntry // the result, but for its schema
}

// contestedRow is a row's records on the sides and in the result; nil is absent.
type contestedRow struct {
	key                        []byte
	base, ours, theirs, merged []byte
}

// rowConflict is a row that both sides changed; nil is absent.
type rowConflict struct {
	key, base, ours, theirs []byte
}

func newRowMerge(m *merger, t *tableMerge, to *layout) *rowMerge {
	view := &tableView{layout: to, store: m.store}
	return &rowMerge{merger: m, table: t, to: to, cells: cellMerge{
		ctx: m.ctx, view: view, theirsLater: m.theirsLater, strict: m.strict, replay: m.replay, take: m.take,
	}}
}

func (r *rowMerge) run() error {
	rows, err := r.mergeRows()
	if err != nil {
		return err
	}
	r.entry.rows = rows.Hash()
	if err := r.mergeIndexes(rows); err != nil {
		return err
	}
	for _, c := range r.conflicts {
		if len(r.listed) >= maxListed {
			break
		}
		listed, err := r.cells.conflict(c)
		if err != nil {
			return err
		}
		r.listed = append(r.listed, listed)
	}
	return nil
}

// from returns the column on a side that column i of the result was, or -1.
func (r *rowMerge) from(side, i int) int {
	return r.table.sides[side].shape.position(r.table.shape.columns[i].id)
}

// keyChanges finds out whether a side has changed the primary key, and refuses
// if rows of both sides count then.
func (r *rowMerge) keyChanges() error {
	base, ours, theirs := r.table.sides[atBase], r.table.sides[atOurs], r.table.sides[atTheirs]
	same := [3]bool{base == nil || r.sameKeys(atBase), r.sameKeys(atOurs), r.sameKeys(atTheirs)}
	switch {
	case same[atBase] && same[atOurs] && same[atTheirs]:
		return nil
	case base == nil:
		return fmt.Errorf("made by both sides with different primary keys")
	case same[atOurs] && theirs.view.entry.rows == base.view.entry.rows:
		r.only = atOurs
	case same[atTheirs] && ours.view.entry.rows == base.view.entry.rows:
		r.only = atTheirs
	default:
		return fmt.Errorf("primary key changed by one side, rows by the other")
	}
	return nil
}

// sameKeys tells whether a side's rows have the keys that they have in the result.
func (r *rowMerge) sameKeys(side int) bool {
	l := r.table.sides[side].view.layout
	return l.kind == r.to.kind && r.sameKeyColumns(side, l.key, r.to.key)
}

func (r *rowMerge) sameKeyColumns(side int, is, merged []keyColumn) bool {
	return slices.EqualFunc(is, merged, func(a, b keyColumn) bool {
		return a.column == r.from(side, b.column) && a.affinity == b.affinity && a.KeyColumn == b.KeyColumn
	})
}

func (r *rowMerge) mergeRows() (prolly.Tree, error) {
	for side := range r.trees {
		if r.only != 0 && side != r.only {
			continue
		}
		var err error
		if r.trees[side], err = r.laidOut(side); err != nil {
			return prolly.Tree{}, err
		}
	}
	if r.only != 0 {
		return r.trees[r.only], nil
	}
	merged, err := prolly.Merge(r.ctx, r.trees[atBase], r.trees[atOurs], r.trees[atTheirs],
		func(_ context.Context, key, base, ours, theirs []byte) ([]byte, error) {
			return r.row(bytes.Clone(key), bytes.Clone(base), bytes.Clone(ours), bytes.Clone(theirs))
		})
	if err != nil {
		return prolly.Tree{}, err
	}
	rows := overlay{tree: merged}
	if r.countsTwins() {
		if err := r.mergeTwins(&rows); err != nil {
			return prolly.Tree{}, err
		}
	}
	if err := r.renumber(&rows); err != nil {
		return prolly.Tree{}, err
	}
	if err := r.recompute(&rows); err != nil {
		return prolly.Tree{}, err
	}
	err = rows.flush(r.ctx)
	return rows.tree, err
}

// laidOut returns a side's rows in the layout of the result. They are rewritten
// only if they have to be: records may be shorter than a row, so a column that
// was added at the end costs nothing.
func (r *rowMerge) laidOut(side int) (prolly.Tree, error) {
	t := r.table.sides[side]
	switch {
	case t == nil:
		return prolly.New(r.to.config, r.store), nil
	case r.fits(side):
		return t.view.rows.tree, nil
	}
	return prolly.Build(r.ctx, r.to.config, r.store, r.rewritten(side))
}

// fits tells whether a side's records are records of the result as they stand.
func (r *rowMerge) fits(side int) bool {
	l := r.table.sides[side].view.layout
	if l == r.to {
		return true
	}
	if l.kind != r.to.kind || len(l.stored) > len(r.to.stored) || r.dropped(side) != nil {
		return false
	}
	for position, column := range r.to.stored {
		was := r.from(side, column)
		if position >= len(l.stored) {
			if was >= 0 {
				return false
			}
			continue
		}
		if was != l.stored[position] || l.cols[was].affinity != r.to.cols[column].affinity ||
			!l.cols[was].fallback.Equal(r.to.cols[column].fallback) {
			return false
		}
	}
	return true
}

// dropped returns the columns of the result that a side has dropped, because
// the other changed them.
func (r *rowMerge) dropped(side int) []int {
	var columns []int
	for i := range r.to.cols {
		if r.table.sides[atBase] != nil && r.from(side, i) < 0 && r.from(atBase, i) >= 0 {
			columns = append(columns, i)
		}
	}
	return columns
}

// rewritten yields a side's rows as the result lays them out, in the order of
// their keys, which stay.
func (r *rowMerge) rewritten(side int) iter.Seq2[prolly.Item, error] {
	view, dropped := r.table.sides[side].view, r.dropped(side)
	from := make([]int, len(r.to.cols))
	for i := range from {
		from[i] = r.from(side, i)
	}
	return func(yield func(prolly.Item, error) bool) {
		var row []Value
		var rec []byte
		out := make([]Value, len(from))
		for item, err := range view.rows.tree.Items(r.ctx, allKeys) {
			if err == nil {
				row, err = view.decode(row, item.Key, item.Value)
			}
			if err == nil {
				r.rewrite(out, row, from)
				err = r.undrop(out, item.Key, dropped)
			}
			if err != nil {
				yield(prolly.Item{}, err)
				return
			}
			rec = r.to.appendRecord(rec[:0], out)
			if !yield(prolly.Item{Key: item.Key, Value: rec}, nil) {
				return
			}
		}
	}
}

// rewrite puts a side's row into the form of the result.
func (r *rowMerge) rewrite(dst, row []Value, from []int) {
	for i, was := range from {
		c := &r.to.cols[i]
		dst[i] = c.fallback
		if was >= 0 {
			dst[i] = c.affinity.Apply(row[was])
		}
	}
}

// undrop gives a row of a side that has dropped columns the cells that it had
// in base: the side has not changed them.
func (r *rowMerge) undrop(dst []Value, key []byte, dropped []int) error {
	base := r.table.sides[atBase]
	if len(dropped) == 0 || base.view.config != r.to.config {
		return nil
	}
	rec, ok, err := base.view.rows.tree.Get(r.ctx, key)
	if err != nil || !ok {
		return err
	}
	row, err := base.view.decode(nil, key, rec)
	if err != nil {
		return err
	}
	for _, i := range dropped {
		dst[i] = r.to.cols[i].affinity.Apply(row[r.from(atBase, i)])
	}
	return nil
}

// row merges a row that both sides changed, differently.
func (r *rowMerge) row(key, base, ours, theirs []byte) ([]byte, error) {
	merged, err := r.decide(key, base, ours, theirs)
	if err != nil {
		return nil, err
	}
	r.contested = append(r.contested, contestedRow{key: key, base: base, ours: ours, theirs: theirs, merged: merged})
	return merged, nil
}

func (r *rowMerge) decide(key, base, ours, theirs []byte) ([]byte, error) {
	if r.to.kind == keyRowid && base == nil && ours != nil && theirs != nil {
		r.moved = append(r.moved, prolly.Item{Key: key, Value: theirs})
		return ours, nil
	}
	merged, columns, err := r.cells.merge(key, base, ours, theirs)
	if err != nil || columns == nil {
		return merged, err
	}
	c := rowConflict{key: key, base: base, ours: ours, theirs: theirs}
	if fn := r.resolve[r.table.name]; fn != nil {
		merged, decided, err := r.cells.resolve(c, fn)
		if decided || err != nil {
			return merged, err
		}
	}
	r.conflicts = append(r.conflicts, c)
	return ours, nil
}

// countsTwins tells whether it matters that both sides changed a row equally.
func (r *rowMerge) countsTwins() bool {
	return r.strict || !r.replay && (r.to.kind == keyRowid ||
		slices.ContainsFunc(r.to.cols, func(c columnLayout) bool { return c.policy == PolicySum }))
}

// mergeTwins merges the rows that both sides changed equally, which the merge of
// trees has taken as they are.
func (r *rowMerge) mergeTwins(rows *overlay) error {
	for twin, err := range r.twins() {
		if err != nil {
			return err
		}
		merged, err := r.row(bytes.Clone(twin.Key), twin.From, twin.To, twin.To)
		if err != nil {
			return err
		}
		if !bytes.Equal(merged, twin.To) {
			rows.set(twin.Key, merged)
		}
	}
	return nil
}

// twins yields the changes that are the same on both sides. Its cost follows the
// side with fewer changes.
func (r *rowMerge) twins() iter.Seq2[prolly.Change, error] {
	return func(yield func(prolly.Change, error) bool) {
		ours := changes{ctx: r.ctx, from: r.trees[atBase], to: r.trees[atOurs]}
		theirs := changes{ctx: r.ctx, from: r.trees[atBase], to: r.trees[atTheirs]}
		defer ours.close()
		defer theirs.close()
		err := cmp.Or(ours.start(nil), theirs.start(nil))
		for err == nil && ours.ok && theirs.ok {
			switch bytes.Compare(ours.at.Key, theirs.at.Key) {
			case -1:
				err = ours.seek(theirs.at.Key)
			case 1:
				err = theirs.seek(ours.at.Key)
			default:
				if sameRecord(ours.at.To, theirs.at.To) && !yield(ours.at, nil) {
					return
				}
				err = ours.advance()
			}
		}
		if err != nil {
			yield(prolly.Change{}, err)
		}
	}
}

// changes is a place in the changes between two trees.
type changes struct {
	ctx      context.Context
	from, to prolly.Tree
	at       prolly.Change
	ok       bool // at is a change
	next     func() (prolly.Change, error, bool)
	stop     func()
}

// nearChanges is how many changes seek passes before it looks from the top.
const nearChanges = 16

func (c *changes) start(key []byte) error {
	c.close()
	c.next, c.stop = iter.Pull2(prolly.Diff(c.ctx, c.from, c.to, prolly.Range{From: key}))
	return c.advance()
}

func (c *changes) advance() (err error) {
	c.at, err, c.ok = c.next()
	return err
}

// seek goes to the first change that is not below key.
func (c *changes) seek(key []byte) error {
	for range nearChanges {
		if err := c.advance(); err != nil || !c.ok || bytes.Compare(c.at.Key, key) >= 0 {
			return err
		}
	}
	return c.start(key)
}

func (c *changes) close() {
	if c.stop != nil {
		c.stop()
	}
}

// sameRecord tells whether two records, nil if absent, are equal.
func sameRecord(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// renumber adds the rows of theirs whose rowids ours has given to other rows.
func (r *rowMerge) renumber(rows *overlay) error {
	if len(r.moved) == 0 {
		return nil
	}
	last, err := r.lastRowid()
	if err != nil {
		return err
	}
	slices.SortFunc(r.moved, func(a, b prolly.Item) int { return bytes.Compare(a.Key, b.Key) })
	for _, item := range r.moved {
		if last == maxRowid {
			return fmt.Errorf("no rowid is left above %d", last)
		}
		last++
		key := record.AppendIntKey(nil, last)
		rows.set(key, item.Value)
		r.contested = append(r.contested, contestedRow{key: key, merged: item.Value})
	}
	return nil
}

// lastRowid returns the highest rowid of both sides.
func (r *rowMerge) lastRowid() (int64, error) {
	var last int64
	for _, tree := range r.trees[atOurs:] {
		for item, err := range tree.Backward(r.ctx, allKeys) {
			if err != nil {
				return 0, err
			}
			id, err := record.DecodeIntKey(item.Key)
			if err != nil {
				return 0, err
			}
			last = max(last, id)
			break
		}
	}
	return last, nil
}

// mergeIndexes makes the indexes of the merged rows. An index that all sides
// have is merged as a tree; one that a side has is completed by the other side's
// changes; one that none has, as it is now, is built.
func (r *rowMerge) mergeIndexes(rows prolly.Tree) error {
	indexes := make([]overlay, len(r.to.index))
	source := make([]int, len(indexes)) // the side whose index is completed; 0: merged
	for i := range indexes {
		at, err := r.positions(&r.to.index[i]), error(nil)
		switch {
		case r.to.index[i].evaluated:
			source[i], indexes[i].tree, err = r.evaluatedIndex(i, rows)
		case r.only == 0 && at[atBase] >= 0 && at[atOurs] >= 0 && at[atTheirs] >= 0:
			indexes[i].tree, err = r.mergeIndex(i, at)
		case r.only != atTheirs && at[atOurs] >= 0:
			source[i], indexes[i].tree = atOurs, r.indexTree(atOurs, i, at)
		case r.only != atOurs && at[atTheirs] >= 0:
			source[i], indexes[i].tree = atTheirs, r.indexTree(atTheirs, i, at)
		default:
			source[i] = built
			indexes[i].tree, err = r.buildIndex(i, rows)
		}
		if err != nil {
			return fmt.Errorf("index %s: %w", r.to.index[i].name, err)
		}
	}
	if err := r.correct(indexes, source); err != nil {
		return err
	}
	for _, side := range []int{atOurs, atTheirs} {
		if err := r.complete(indexes, source, side, rows); err != nil {
			return err
		}
		if err := r.completeEvaluated(indexes, source, side, rows); err != nil {
			return err
		}
	}
	return r.saveIndexes(indexes)
}

// built marks an index that was built anew.
const built = -1

// positions returns where the sides have the index x, ordered alike; -1 is
// nowhere. A side without the table counts as one with an empty index.
func (r *rowMerge) positions(x *indexLayout) [3]int {
	at := [3]int{-1, -1, -1}
	if x.evaluated {
		return at // evaluatedIndex finds it
	}
	for side, t := range r.table.sides {
		if t == nil {
			at[side] = 0
			continue
		}
		at[side] = slices.IndexFunc(t.view.index, func(own indexLayout) bool {
			return !own.evaluated && sameName(own.name, x.name) && own.own == x.own && own.rowid == x.rowid && r.sameKeyColumns(side, own.columns, x.columns)
		})
	}
	return at
}

func (r *rowMerge) indexTree(side, i int, at [3]int) prolly.Tree {
	if r.table.sides[side] == nil {
		return prolly.New(r.to.index[i].config, r.store)
	}
	return r.table.sides[side].view.indexes[at[side]].tree
}

// mergeIndex merges an index as a tree. Whatever becomes of entries that both
// sides changed: they are of contested rows.
func (r *rowMerge) mergeIndex(i int, at [3]int) (prolly.Tree, error) {
	return prolly.Merge(r.ctx, r.indexTree(atBase, i, at), r.indexTree(atOurs, i, at), r.indexTree(atTheirs, i, at),
		func(_ context.Context, _, _, ours, _ []byte) ([]byte, error) { return ours, nil })
}

func (r *rowMerge) buildIndex(i int, rows prolly.Tree) (prolly.Tree, error) {
	x := &r.to.index[i]
	view := &tableView{layout: r.to, store: r.store, rows: overlay{tree: rows}}
	h, err := r.db.buildIndex(r.ctx, r.store, view, x)
	return prolly.Load(x.config, r.store, h), err
}

// correct gives the contested rows the entries that they have in the result, in
// the indexes that were merged as trees.
func (r *rowMerge) correct(indexes []overlay, source []int) error {
	if !slices.Contains(source, 0) {
		return nil
	}
	set := func(i int, key, value []byte) {
		if source[i] == 0 {
			indexes[i].set(key, value)
		}
	}
	for _, c := range r.contested {
		for _, rec := range [][]byte{c.base, c.ours, c.theirs} {
			if err := r.moveEntries(c.key, rec, nil, set); err != nil {
				return err
			}
		}
		if err := r.moveEntries(c.key, nil, c.merged, set); err != nil {
			return err
		}
	}
	return nil
}

// complete brings the indexes that are as on one side up to the merged rows.
func (r *rowMerge) complete(indexes []overlay, source []int, side int, rows prolly.Tree) error {
	if !slices.Contains(source, side) {
		return nil
	}
	set := func(i int, key, value []byte) {
		if source[i] == side {
			indexes[i].set(key, value)
		}
	}
	for change, err := range prolly.Diff(r.ctx, r.trees[side], rows, allKeys) {
		if err == nil {
			err = r.moveEntries(change.Key, change.From, change.To, set)
		}
		if err != nil {
			return err
		}
		for i := range indexes {
			if indexes[i].bytes > flushBytes {
				if err := indexes[i].flush(r.ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// moveEntries calls set with what changes in the indexes when the record of the
// row at key changes; nil is absent.
func (r *rowMerge) moveEntries(key, from, to []byte, set func(i int, key, value []byte)) error {
	before, err := r.cells.decode(key, from)
	if err != nil {
		return err
	}
	after, err := r.cells.decode(key, to)
	if err != nil {
		return err
	}
	return r.cells.view.moveEntries(r.ctx, key, before, after, set)
}

func (r *rowMerge) saveIndexes(indexes []overlay) error {
	r.entry.indexes = make([]hash.Hash, len(indexes))
	for i := range indexes {
		if err := indexes[i].flush(r.ctx); err != nil {
			return fmt.Errorf("index %s: %w", r.to.index[i].name, err)
		}
		r.entry.indexes[i] = indexes[i].tree.Hash()
	}
	return nil
}
