package vdb

import (
	"context"
	"fmt"
)

// ConflictSchema returns the merged schema of a table that has rows in conflict:
// the one that the rows of its Conflicts are in. ErrNotFound if the table has no
// row in conflict, ErrNotMerging if no merge is in progress.
func (b *Branch) ConflictSchema(ctx context.Context, table string) (*Schema, error) {
	s, err := b.conflictSchema(ctx, table)
	return s, opError("read conflicts of branch "+b.name, err)
}

func (b *Branch) conflictSchema(ctx context.Context, table string) (*Schema, error) {
	p, err := b.inProgress(ctx)
	if err != nil {
		return nil, err
	}
	defer p.w.Discard()
	for t, err := range p.merge.tables(ctx, b.db, p.w) {
		if err != nil {
			return nil, err
		}
		if sameName(t.cells.view.schema.Name, table) {
			return t.cells.view.schema.Clone(), nil
		}
	}
	return nil, fmt.Errorf("table %s has no row in conflict: %w", table, ErrNotFound)
}
