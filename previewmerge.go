package vdb

import (
	"context"
	"fmt"
	"iter"
)

// PreviewMerge yields the conflicts that a merge of the commit at revision theirs
// into that at revision ours would meet, as Branch.Conflicts lists them: schemas,
// then rows by table and key. Nothing is changed. Of o, which may be nil, Take and
// Resolve count. Rows that would break a rule are not looked for.
func (db *DB) PreviewMerge(ctx context.Context, ours, theirs string, o *MergeOptions) iter.Seq2[Conflict, error] {
	if o == nil {
		o = &MergeOptions{}
	}
	op := fmt.Sprintf("preview the merge of %s into %s", theirs, ours)
	return func(yield func(Conflict, error) bool) {
		w := db.blocks.NewWriter()
		defer w.Discard()
		m := &merger{db: db, ctx: ctx, store: w, take: o.Take, resolve: foldKeys(o.Resolve)}
		if err := m.preview(ours, theirs, o); err != nil {
			yield(Conflict{}, opError(op, err))
			return
		}
		for c, err := range m.allConflicts() {
			if !yield(c, opError(op, err)) || err != nil {
				return
			}
		}
	}
}

// preview merges two revisions.
func (m *merger) preview(ours, theirs string, o *MergeOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	r, err := m.db.refs(m.ctx)
	if err != nil {
		return err
	}
	into, err := m.db.resolveCommit(m.ctx, r, MainBranch, ours)
	if err != nil {
		return err
	}
	merged, err := m.db.resolveCommit(m.ctx, r, MainBranch, theirs)
	if err != nil {
		return err
	}
	base, err := mergeBase(m.ctx, m.store, into, merged)
	if err != nil {
		return err
	}
	if base != nil {
		m.base = base.version()
	}
	m.ours, m.theirs, m.theirsLater = into.version(), merged.version(), laterThan(merged, into)
	_, err = m.run()
	return err
}

// allConflicts yields what conflictList cuts short.
func (m *merger) allConflicts() iter.Seq2[Conflict, error] {
	return func(yield func(Conflict, error) bool) {
		for _, c := range m.schemas {
			if !yield(c.conflict(), nil) {
				return
			}
		}
		for _, t := range m.tables {
			if t.plan != planMerge {
				continue
			}
			for _, c := range t.rows.conflicts {
				listed, err := t.rows.cells.conflict(c)
				if !yield(listed, err) || err != nil {
					return
				}
			}
		}
	}
}
