package vdb

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// Side names a side of a merge.
type Side string

// The sides that decide a conflict.
const (
	// Ours is the branch that is merged into.
	Ours Side = "ours"
	// Theirs is the branch that is merged.
	Theirs Side = "theirs"
	// Working is the working set as it is, after whatever transactions did to it.
	// It settles conflicts of a merge in progress only.
	Working Side = "working"
)

// Resolution says how to settle conflicts of a merge in progress.
type Resolution struct {
	// Table limits it to one table; empty is all.
	Table string
	// Keys limits it to rows of these primary keys; nil is all, and conflicts of
	// the schema too.
	Keys [][]any
	// Take decides for one side: in a row, only the columns on which the sides
	// disagree. Working leaves all as transactions have made it. Of a schema,
	// Theirs takes theirs in what collides; rows of that table that were settled
	// before are in conflict again.
	Take Side
	// Func, if Take is empty, returns the row to be, nil for none; Conflict.Merged
	// is a start. An ErrConflict leaves the row in conflict. It is not asked about schemas, and may be asked
	// again about the same row.
	Func func(Conflict) (Row, error)
}

// Conflicts yields the conflicts of the merge in progress that remain: schemas,
// then rows by table and key. ErrNotMerging if no merge is in progress.
func (b *Branch) Conflicts(ctx context.Context) iter.Seq2[Conflict, error] {
	op := "list conflicts of branch " + b.name
	return func(yield func(Conflict, error) bool) {
		p, err := b.inProgress(ctx)
		if err != nil {
			yield(Conflict{}, opError(op, err))
			return
		}
		for _, c := range p.merge.Schemas {
			if !yield(c.conflict(), nil) {
				return
			}
		}
		for c, err := range p.rows() {
			if !yield(c, opError(op, err)) || err != nil {
				return
			}
		}
	}
}

// Violations yields the rows of the working set that break a rule because of the
// merge in progress, at most 10,000 of them. ErrNotMerging if no merge is in
// progress.
func (b *Branch) Violations(ctx context.Context) iter.Seq2[Violation, error] {
	op := "list violations of branch " + b.name
	return func(yield func(Violation, error) bool) {
		p, err := b.inProgress(ctx)
		if err != nil {
			yield(Violation{}, opError(op, err))
			return
		}
		violations, err := p.merge.violations(ctx, b.db, b.db.reader(), p.state.working)
		if err != nil {
			yield(Violation{}, opError(op, err))
			return
		}
		for _, v := range violations {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// ResolveConflicts settles conflicts of the merge in progress and changes the
// working set accordingly. ErrNotFound if a table or row that r names is not in
// conflict, ErrNotMerging if no merge is in progress. Rows that break a rule then
// are listed by Violations.
func (b *Branch) ResolveConflicts(ctx context.Context, r Resolution) error {
	op := "resolve conflicts of branch " + b.name
	if err := r.validate(); err != nil {
		return opError(op, err)
	}
	return inOp(op, again(ctx, func() error { return b.resolveOnce(ctx, &r) }))
}

func (r *Resolution) validate() error {
	switch {
	case r.Take == "" && r.Func == nil:
		return invalidf("neither Take nor Func says how")
	case r.Take != "" && r.Func != nil:
		return invalidf("both Take and Func")
	case r.Take != "" && r.Take != Ours && r.Take != Theirs && r.Take != Working:
		return invalidf("Take %q", r.Take)
	case r.Keys != nil && r.Table == "":
		return invalidf("keys without a table")
	}
	return nil
}

func (b *Branch) resolveOnce(ctx context.Context, r *Resolution) error {
	p, err := b.inProgress(ctx)
	if err != nil {
		return err
	}
	defer p.w.Discard()
	working, err := p.resolve(r)
	if err != nil {
		return err
	}
	violations, err := p.db.violations(ctx, p.w, p.state.working, working, true)
	if err != nil {
		return err
	}
	p.merge.Violated = p.merge.Violated || len(violations) > 0
	saved, err := p.merge.save(ctx, p.w)
	if err != nil {
		return err
	}
	return p.update(func(now *branchState) error {
		now.merge = saved
		return nil
	}, working)
}

// progress is a merge in progress that is being read or changed.
type progress struct {
	ctx    context.Context
	db     *DB
	branch string
	w      *nbs.Writer
	state  branchState
	merge  *mergeState
}

func (b *Branch) inProgress(ctx context.Context) (*progress, error) {
	state, err := b.state(ctx)
	if err != nil {
		return nil, err
	}
	if state.merge.IsZero() {
		return nil, ErrNotMerging
	}
	p := &progress{ctx: ctx, db: b.db, branch: b.name, w: b.db.blocks.NewWriter(), state: state}
	p.merge, err = loadMergeState(ctx, p.w, state.merge)
	return p, err
}

// update makes working the branch's working set, on top of what others wrote
// meanwhile, and lets change edit the branch's state.
func (p *progress) update(change func(*branchState) error, working version) error {
	return p.db.update(p.ctx, p.w, func(ctx context.Context, r *refs) error {
		now, err := r.branch(ctx, p.branch)
		if err != nil {
			return err
		}
		if now.merge != p.state.merge || now.head != p.state.head {
			return lostRace{errHeadMoved}
		}
		if now.working != p.state.working {
			if working, err = p.db.rebase(ctx, p.w, p.state.working, now.working, working); err != nil {
				return err
			}
		}
		now.working = working
		if err := change(&now); err != nil {
			return err
		}
		return r.setBranch(ctx, p.branch, now)
	})
}

// undone returns the working set without the merge.
func (p *progress) undone() (version, error) {
	if p.state.working == p.merge.merged {
		return p.merge.before, nil
	}
	m := merger{db: p.db, ctx: p.ctx, store: p.w, base: p.merge.merged, ours: p.state.working, theirs: p.merge.before, replay: true}
	undone, err := m.run()
	if err != nil {
		return version{}, err
	}
	if conflicts := m.conflictList(); len(conflicts) > 0 {
		return version{}, &ConflictError{Op: "abort", Conflicts: conflicts}
	}
	return undone, p.db.verify(p.ctx, p.w, p.state.working, undone)
}

// rows yields the rows in conflict.
func (p *progress) rows() iter.Seq2[Conflict, error] {
	return func(yield func(Conflict, error) bool) {
		for t, err := range p.merge.tables(p.ctx, p.db, p.w) {
			if err != nil {
				yield(Conflict{}, err)
				return
			}
			for c, err := range t.conflicts(nil) {
				var listed Conflict
				if err == nil {
					listed, err = t.cells.conflict(c)
				}
				if !yield(listed, err) || err != nil {
					return
				}
			}
		}
	}
}

// conflicts yields the rows in conflict that have one of the keys; nil is all.
func (t *conflictTable) conflicts(keys [][]any) iter.Seq2[rowConflict, error] {
	return func(yield func(rowConflict, error) bool) {
		for item, err := range t.items(keys) {
			var c rowConflict
			if err == nil {
				c, err = decodeRowConflict(bytes.Clone(item.Key), item.Value)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func (t *conflictTable) items(keys [][]any) iter.Seq2[prolly.Item, error] {
	if keys == nil {
		return t.rows.Items(t.cells.ctx, allKeys)
	}
	return func(yield func(prolly.Item, error) bool) {
		for _, vals := range keys {
			item, err := t.item(vals)
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

func (t *conflictTable) item(vals []any) (prolly.Item, error) {
	key, err := t.cells.view.keyOf(vals)
	if err != nil {
		return prolly.Item{}, err
	}
	data, ok, err := t.rows.Get(t.cells.ctx, key)
	if err == nil && !ok {
		err = fmt.Errorf("table %s: no conflict in row %s: %w", t.name, formatKey(vals), ErrNotFound)
	}
	return prolly.Item{Key: key, Value: data}, err
}

// resolve settles what r selects and returns the working set with it.
func (p *progress) resolve(r *Resolution) (version, error) {
	found := false
	working := p.state.working
	if r.Keys == nil && r.Take != "" {
		var err error
		if working, found, err = p.resolveSchemas(r, working); err != nil {
			return version{}, err
		}
	}
	var tables []*conflictTable
	for t, err := range p.merge.tables(p.ctx, p.db, p.w) {
		if err != nil {
			return version{}, err
		}
		if r.Table == "" || sameName(t.cells.view.schema.Name, r.Table) {
			tables = append(tables, t)
		}
	}
	if !found && len(tables) == 0 && r.Table != "" {
		return version{}, fmt.Errorf("table %s has no conflict: %w", r.Table, ErrNotFound)
	}
	for _, t := range tables {
		var err error
		if working, err = p.resolveRows(t, r, working); err != nil {
			return version{}, fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	return working, nil
}

// resolveRows settles rows of one table.
func (p *progress) resolveRows(t *conflictTable, r *Resolution, working version) (version, error) {
	settled, done, err := t.settle(r)
	if err != nil {
		return version{}, err
	}
	if t.rows, err = t.rows.Apply(p.ctx, done); err != nil {
		return version{}, err
	}
	if err := p.merge.setTable(p.ctx, p.w, t.name, t.cells.view.entry.schema, t.rows); err != nil {
		return version{}, err
	}
	if len(settled) == 0 {
		return working, nil
	}
	untouched := working == p.merge.merged
	if working, err = p.write(t, working, settled); err != nil || untouched {
		p.merge.merged = working
		return working, err
	}
	p.merge.merged, err = p.write(t, p.merge.merged, settled)
	return working, err
}

// settle returns the rows to be written, and the edits that take them off the
// list of conflicts.
func (t *conflictTable) settle(r *Resolution) (settled, done []prolly.Edit, err error) {
	cells := t.cells
	cells.take = r.Take
	for c, err := range t.conflicts(r.Keys) {
		if err != nil {
			return nil, nil, err
		}
		if r.Take != Working {
			merged, decided, err := cells.settle(c, r.Func)
			if err != nil {
				return nil, nil, err
			}
			if !decided {
				continue
			}
			settled = append(settled, prolly.Edit{Key: c.key, Value: merged})
		}
		done = append(done, prolly.Edit{Key: c.key})
	}
	sortEdits(settled)
	sortEdits(done)
	return settled, done, nil
}

// settle decides a row by take or else by fn.
func (m *cellMerge) settle(c rowConflict, fn func(Conflict) (Row, error)) (merged []byte, decided bool, err error) {
	if m.take == "" {
		return m.resolve(c, fn)
	}
	merged, _, err = m.merge(c.key, c.base, c.ours, c.theirs)
	return merged, true, err
}

// write puts settled rows into a version.
func (p *progress) write(t *conflictTable, v version, settled []prolly.Edit) (version, error) {
	tx := p.db.beginWith(p.ctx, p.w, p.branch, v)
	view, err := tx.writable(t.cells.view.schema.Name)
	if err != nil {
		return version{}, fmt.Errorf("%w; if it was renamed or dropped, resolve with Working", err)
	}
	for _, e := range settled {
		n, err := view.settleRow(p.ctx, t.cells.view, e)
		if err != nil {
			return version{}, err
		}
		if err := tx.wrote(n); err != nil {
			return version{}, err
		}
		if view, err = tx.writable(t.cells.view.schema.Name); err != nil {
			return version{}, err
		}
	}
	if len(settled) > 0 {
		if err := tx.rederive(view.schema.Name); err != nil {
			return version{}, err
		}
	}
	return tx.save()
}

// settleRow writes a row as another layout of the table has recorded it.
func (t *tableView) settleRow(ctx context.Context, from *tableView, e prolly.Edit) (int, error) {
	if e.Value == nil {
		n, _, err := t.remove(ctx, e.Key)
		return n, err
	}
	row, err := from.decode(nil, e.Key, e.Value)
	if err != nil {
		return 0, err
	}
	if from.entry.schema == t.entry.schema {
		return t.put(ctx, writePut, e.Key, row)
	}
	key := e.Key
	now := make([]Value, len(t.cols))
	for i := range now {
		now[i] = t.cols[i].fallback
		if was, ok := from.lookup[fold(t.cols[i].name)]; ok {
			now[i] = t.cols[i].affinity.Apply(row[was])
		}
	}
	if t.kind != keyRowid {
		if key, err = t.rowKey(nil, now); err != nil {
			return 0, err
		}
	}
	return t.put(ctx, writePut, key, now)
}

// resolveSchemas settles conflicts of schemas. Ours and Working keep the working
// set as it is; for Theirs the merge is made again.
func (p *progress) resolveSchemas(r *Resolution, working version) (version, bool, error) {
	take := map[string]Side{}
	var rest []schemaConflict
	for _, c := range p.merge.Schemas {
		if r.Table != "" && !sameName(c.Table, r.Table) {
			rest = append(rest, c)
			continue
		}
		take[c.ID] = Theirs
	}
	if len(take) == 0 {
		return working, false, nil
	}
	if r.Take != Theirs {
		p.merge.Schemas = rest
		return working, true, nil
	}
	working, err := p.mergeAgain(take, rest, working)
	return working, true, err
}

// mergeAgain merges the commits with some schemas decided for theirs, and puts
// what that changes on the working set.
func (p *progress) mergeAgain(take map[string]Side, rest []schemaConflict, working version) (version, error) {
	ours, err := loadCommit(p.ctx, p.w, p.merge.ours)
	if err != nil {
		return version{}, err
	}
	theirs, err := loadCommit(p.ctx, p.w, p.merge.theirs)
	if err != nil {
		return version{}, err
	}
	for _, c := range rest {
		take[c.ID] = Ours
	}
	m := &merger{db: p.db, ctx: p.ctx, store: p.w, base: p.merge.base, ours: ours.version(), theirs: theirs.version(),
		theirsLater: p.merge.TheirsLater, schemaTake: take}
	result, err := m.run()
	if err != nil {
		return version{}, err
	}
	onto := func(v version) (version, error) { return p.put(p.merge.result, v, result) }
	if working, err = onto(working); err != nil {
		return version{}, err
	}
	if p.merge.merged, err = onto(p.merge.merged); err != nil {
		return version{}, err
	}
	p.merge.result, p.merge.Schemas = result, rest
	return working, p.recordAgain(m, take)
}

// put puts the change from one result of the merge to another on v.
func (p *progress) put(from, v, to version) (version, error) {
	m := merger{db: p.db, ctx: p.ctx, store: p.w, base: from, ours: v, theirs: to, replay: true}
	merged, err := m.run()
	if conflicts := m.conflictList(); err == nil && len(conflicts) > 0 {
		err = &ConflictError{Op: "resolve schema", Conflicts: conflicts}
	}
	return merged, err
}

// recordAgain lists the rows in conflict of the tables that were merged again.
func (p *progress) recordAgain(m *merger, take map[string]Side) error {
	for _, t := range m.tables {
		if take[t.id] != Theirs {
			continue
		}
		for _, side := range t.sides {
			if side == nil {
				continue
			}
			if err := p.merge.setTable(p.ctx, p.w, side.name, hash.Hash{}, prolly.New(conflictsConfig, p.w)); err != nil {
				return err
			}
		}
		if t.plan == planMerge && len(t.rows.conflicts) > 0 {
			if err := p.merge.recordRows(m, t); err != nil {
				return err
			}
		}
	}
	return nil
}
