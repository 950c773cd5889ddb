package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// sqliteEngine is SQLite with a write-ahead log that is synced at each
// transaction. Writers take turns on one connection: more of them would only
// wait for the file's lock.
type sqliteEngine struct {
	writer, readers *sql.DB
	puts            map[string]*sql.Stmt
	session         *sqliteSession
	dir             string
}

// sqliteSession is a connection for reading with its prepared statements.
type sqliteSession struct {
	ctx       context.Context
	conn      *sql.Conn
	one, many *sql.Stmt
}

const (
	createSQL  = "CREATE TABLE %s (id INTEGER PRIMARY KEY, name TEXT NOT NULL, mail TEXT NOT NULL, amount INTEGER NOT NULL, note TEXT NOT NULL)"
	oneRowSQL  = "SELECT id, name, mail, amount, note FROM " + mainTable + " WHERE id = ?"
	manyRowSQL = "SELECT id, name, mail, amount, note FROM " + mainTable + " WHERE id >= ? ORDER BY id LIMIT ?"
)

func openSQLite(_ context.Context, dir string, o options) (engine, error) {
	dsn := fmt.Sprintf("file:%s?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-%d)&_pragma=busy_timeout(60000)",
		filepath.Join(dir, "sqlite.db"), o.cacheBytes>>10)
	writer, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	readers, err := sql.Open("sqlite", dsn)
	return &sqliteEngine{writer: writer, readers: readers, puts: map[string]*sql.Stmt{}, dir: dir}, err
}

func (e *sqliteEngine) load(ctx context.Context, table string, n int64) error {
	if _, err := e.writer.ExecContext(ctx, fmt.Sprintf(createSQL, table)); err != nil {
		return err
	}
	stmt, err := e.writer.PrepareContext(ctx, "REPLACE INTO "+table+" VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	e.puts[table] = stmt
	return e.update(ctx, stmt, func(put func(row) error) error {
		for id := range n {
			if err := put(rowOf(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// update runs fn in one transaction.
func (e *sqliteEngine) update(ctx context.Context, stmt *sql.Stmt, fn func(put func(row) error) error) error {
	tx, err := e.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmt = tx.StmtContext(ctx, stmt)
	err = fn(func(r row) error {
		_, err := stmt.ExecContext(ctx, r.ID, r.Name, r.Mail, r.Amount, r.Note)
		return err
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (e *sqliteEngine) put(ctx context.Context, to target, rows []row) error {
	stmt := e.puts[to.table]
	if len(rows) == 1 { // a statement is a transaction
		r := rows[0]
		_, err := stmt.ExecContext(ctx, r.ID, r.Name, r.Mail, r.Amount, r.Note)
		return err
	}
	return e.update(ctx, stmt, func(put func(row) error) error {
		for _, r := range rows {
			if err := put(r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *sqliteEngine) get(ctx context.Context, id int64) (row, error) {
	s, err := e.reading(ctx)
	if err != nil {
		return row{}, err
	}
	return s.get(id)
}

func (e *sqliteEngine) view(ctx context.Context, fn func(reader) error) error {
	s, err := e.reading(ctx)
	if err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	err = fn(s)
	_, end := s.conn.ExecContext(ctx, "COMMIT")
	return errors.Join(err, end)
}

// reading returns the connection for reading.
func (e *sqliteEngine) reading(ctx context.Context) (*sqliteSession, error) {
	if e.session != nil {
		return e.session, nil
	}
	conn, err := e.readers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &sqliteSession{ctx: ctx, conn: conn}
	if s.one, err = conn.PrepareContext(ctx, oneRowSQL); err != nil {
		return nil, err
	}
	if s.many, err = conn.PrepareContext(ctx, manyRowSQL); err != nil {
		return nil, err
	}
	e.session = s
	return s, nil
}

func (e *sqliteEngine) size() (int64, error) { return dirSize(e.dir) }

func (e *sqliteEngine) close() error {
	var err error
	if s := e.session; s != nil {
		err = errors.Join(s.one.Close(), s.many.Close(), s.conn.Close())
	}
	return errors.Join(err, e.readers.Close(), e.writer.Close())
}

func (s *sqliteSession) get(id int64) (r row, err error) {
	err = s.one.QueryRowContext(s.ctx, id).Scan(&r.ID, &r.Name, &r.Mail, &r.Amount, &r.Note)
	return r, err
}

func (s *sqliteSession) scan(from, limit int64) (int64, error) {
	rows, err := s.many.QueryContext(s.ctx, from, limit)
	return countRows(rows, err)
}

// countRows reads whole rows to the end.
func countRows(rows *sql.Rows, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var n int64
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.ID, &r.Name, &r.Mail, &r.Amount, &r.Note); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}
