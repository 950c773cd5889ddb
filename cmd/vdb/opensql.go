package main

import (
	"context"
	"database/sql"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/sqlite"
)

// connection is an SQL connection to a branch, and what it holds open.
type connection struct {
	db   *vdb.DB
	sql  *sql.DB
	conn *sql.Conn
}

// openSQL connects to a branch of a database, or to a revision.
func openSQL(ctx context.Context, path, branch string, readOnly bool) (c *connection, created bool, err error) {
	db, created, err := openOrCreate(ctx, path, readOnly)
	if err != nil {
		return nil, false, err
	}
	c = &connection{db: db, sql: sqlite.OpenDB(db, branch)}
	if c.conn, err = c.sql.Conn(ctx); err != nil {
		c.Close()
		return nil, false, err
	}
	return c, created, nil
}

// Close closes all.
func (c *connection) Close() (err error) {
	if c.conn != nil {
		err = c.conn.Close()
	}
	if e := c.sql.Close(); err == nil {
		err = e
	}
	if e := c.db.Close(); err == nil {
		err = e
	}
	return err
}
