package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
	"github.com/vdbgo/vdb/internal/vfs"
	lib "modernc.org/sqlite/lib"
)

// System tables and functions see what an open transaction has written: a database in
// memory in which its pages are edits, as COMMIT would make them.

// foresee has the session see what the open transaction has written so far, if the
// statement names something of vdb's. One that runs inside of another sees what that
// one does.
func (c *conn) foresee(ctx context.Context, info *sqltext.Info) {
	if c.session.nested {
		return
	}
	c.session.pending, c.session.pendingErr = nil, nil
	if c.file.level >= vfs.Reserved && slices.ContainsFunc(info.Names, shows) {
		c.session.pending, c.session.pendingErr = c.pending(ctx)
	}
}

// shows tells whether a name may be of what shows the transaction. Verbs commit it.
func shows(name sqltext.Name) bool {
	return !slices.ContainsFunc(systemFunctions, func(f systemFunction) bool { return !f.reads && strings.EqualFold(f.name, name.Text) })
}

func (c *conn) pending(ctx context.Context) (*vdb.DB, error) {
	if err := c.flush(ctx); err != nil {
		return nil, fmt.Errorf("look at the open transaction: %w", err)
	}
	if c.file.pending == nil {
		var err error
		if c.file.pending, err = c.file.foresee(ctx); err != nil {
			return nil, err
		}
	}
	return c.file.pending, nil
}

// errFlushed stops a COMMIT whose pages are all written: the transaction stays open.
var errFlushed = codedError{errors.New("not to be committed yet"), lib.SQLITE_BUSY}

// flush has SQLite write what the open transaction has in its cache. Only COMMIT
// writes pages that cursors stand on as well, and the entries that FTS5 holds back. If
// it is busy after that the transaction stays open, as one does that waits for readers.
func (c *conn) flush(ctx context.Context) error {
	if c.file.write == nil {
		// A COMMIT with nothing to write would go through.
		if err := c.touch(ctx); err != nil {
			return err
		}
	}
	c.file.flushing = true
	defer func() { c.file.flushing = false }()
	_, err := c.engineConn.ExecContext(ctx, "COMMIT", nil)
	if cause := c.file.failure(); errors.Is(cause, errFlushed) {
		return nil
	}
	return err
}

// touch writes a page, and nothing new.
func (c *conn) touch(ctx context.Context) error {
	rows, err := c.engineConn.QueryContext(ctx, "PRAGMA main.user_version", nil)
	if err != nil {
		return err
	}
	version := make([]driver.Value, 1)
	err = firstError(rows.Next(version), rows.Close())
	if err != nil {
		return err
	}
	return c.command(ctx, fmt.Sprintf("PRAGMA main.user_version = %d", version[0]))
}

// Sync implements vfs.File.
func (f *connFile) Sync() error {
	if f.flushing {
		return errFlushed
	}
	return nil
}

// foresee returns the database as it would be if what is written were committed.
func (f *connFile) foresee(ctx context.Context) (*vdb.DB, error) {
	w := &written{pages: maps.Clone(f.write.pages), count: f.write.count}
	c := &commit{ctx: ctx, db: f.file.db, base: f.now, write: w}
	if err := c.compare(); err != nil {
		return nil, err
	}
	edit, err := c.editTrees()
	if err != nil {
		return nil, err
	}
	return f.file.db.engine.Pending(ctx, f.file.branch, edit)
}
