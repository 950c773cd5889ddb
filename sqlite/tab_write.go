package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb"
	lib "modernc.org/sqlite/lib"
)

// beside runs what leaves the rows of the working set alone. It is no part of a SQL
// transaction, which ROLLBACK would have to take back: none may be open.
func (b *tabBase) beside(fn func(ctx context.Context, b *vdb.Branch) error) error {
	ctx := b.s.ctx()
	if b.s.open != nil && b.s.open() {
		return fmt.Errorf("a transaction is open, and what is staged, in conflict or accepted of table %s is no part of it: commit first", b.table)
	}
	branch, err := b.s.working(ctx)
	if err != nil {
		return err
	}
	return fn(ctx, branch)
}

// rewrite runs what changes rows of the working set. SQLite cannot commit a
// transaction in the midst of a statement that writes: there must be none.
func (b *tabBase) rewrite(fn func(ctx context.Context, b *vdb.Branch) error) error {
	err := b.s.outside(fn)
	var coded interface{ Code() int }
	switch {
	case errors.Is(err, vdb.ErrNeedsSQL):
		return fmt.Errorf("write to table %s itself: %w", b.table, err)
	case errors.As(err, &coded) && coded.Code()&0xff == lib.SQLITE_BUSY:
		return fmt.Errorf("a transaction is open: write to table %s itself, or commit first: %w", b.table, err)
	}
	return err
}
