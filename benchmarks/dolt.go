//go:build dolt

package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	dolt "github.com/dolthub/driver"
)

var doltPeer = []peer{{"Dolt", openDolt}}

// doltEngine is embedded Dolt through database/sql. Everything but concurrent
// writes happens in one session, which moves between branches.
type doltEngine struct {
	connector *dolt.Connector
	db        *sql.DB
	session   *sql.Conn
	on        string // the session's branch
	dir       string
}

// doltLoadRows is the number of rows in a statement of a bulk load.
const doltLoadRows = 1000

// openDolt opens the empty directory before there is a database in it: that
// keeps the driver from reporting its use over the network, which it does when
// its first connector finds a database.
func openDolt(ctx context.Context, dir string, _ options) (engine, error) {
	c, err := dolt.NewConnector(dolt.Config{Directory: dir, CommitName: "bench", CommitEmail: "bench@example.com"})
	if err != nil {
		return nil, err
	}
	e := &doltEngine{connector: c, db: sql.OpenDB(doltSessions{c}), on: mainBranch, dir: dir}
	e.db.SetMaxIdleConns(writers + 1)
	e.session, err = e.db.Conn(ctx)
	return e, err
}

// doltSessions connects to the one database, which it creates if it is missing:
// a connector by itself can connect only to a database that is there.
type doltSessions struct{ *dolt.Connector }

func (c doltSessions) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, query := range []string{"CREATE DATABASE IF NOT EXISTS bench", "USE bench"} {
		stmt, err := conn.Prepare(query)
		if err != nil {
			return nil, err
		}
		rows, err := stmt.Query(nil)
		if err != nil {
			return nil, err
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// load sends many rows with a statement, and all in one transaction.
func (e *doltEngine) load(ctx context.Context, table string, n int64) error {
	create := "CREATE TABLE %s (id BIGINT PRIMARY KEY, name VARCHAR(100) NOT NULL, mail VARCHAR(100) NOT NULL, amount BIGINT NOT NULL, note VARCHAR(200) NOT NULL%s)"
	index := ""
	if table == indexedTable {
		index = ", KEY by_amount (amount)"
	}
	if err := e.exec(ctx, fmt.Sprintf(create, table, index)); err != nil {
		return err
	}
	return e.transaction(ctx, func() error {
		for from := int64(0); from < n; from += doltLoadRows {
			var rows []row
			for id := from; id < min(from+doltLoadRows, n); id++ {
				rows = append(rows, rowOf(id))
			}
			if err := e.exec(ctx, doltInsert(table, rows)); err != nil {
				return err
			}
		}
		return nil
	})
}

// transaction runs fn in a transaction of the session.
func (e *doltEngine) transaction(ctx context.Context, fn func() error) error {
	if err := e.exec(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return errors.Join(err, e.exec(ctx, "ROLLBACK"))
	}
	return e.exec(ctx, "COMMIT")
}

func (e *doltEngine) exec(ctx context.Context, query string, args ...any) error {
	_, err := e.session.ExecContext(ctx, query, args...)
	return err
}

// doltInsert is a statement that stores rows. Their texts need no quoting.
func doltInsert(table string, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s VALUES ", table)
	for i, r := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(%d,'%s','%s',%d,'%s')", r.ID, r.Name, r.Mail, r.Amount, r.Note)
	}
	return b.String()
}

func (e *doltEngine) put(ctx context.Context, to target, rows []row) error {
	if err := e.use(ctx, to.branch); err != nil {
		return err
	}
	return e.exec(ctx, doltUpsert(to.table, rows))
}

func doltUpsert(table string, rows []row) string {
	return doltInsert(table, rows) + " ON DUPLICATE KEY UPDATE name = VALUES(name), mail = VALUES(mail), amount = VALUES(amount), note = VALUES(note)"
}

// putShared stores a row in any session.
func (e *doltEngine) putShared(ctx context.Context, to target, r row) error {
	_, err := e.db.ExecContext(ctx, doltUpsert(to.table, []row{r}))
	return err
}

func (e *doltEngine) remove(ctx context.Context, from target, ids []int64) error {
	if err := e.use(ctx, from.branch); err != nil {
		return err
	}
	list := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(ids)), ","), "[]")
	return e.exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE id IN (%s)", from.table, list))
}

// use moves the session to a branch.
func (e *doltEngine) use(ctx context.Context, branch string) error {
	if e.on == branch {
		return nil
	}
	e.on = branch
	return e.exec(ctx, fmt.Sprintf("USE `bench/%s`", branch))
}

func (e *doltEngine) get(ctx context.Context, id int64) (row, error) {
	return doltReader{ctx, e}.get(id)
}

func (e *doltEngine) view(ctx context.Context, fn func(reader) error) error {
	if err := e.use(ctx, mainBranch); err != nil {
		return err
	}
	return e.transaction(ctx, func() error { return fn(doltReader{ctx, e}) })
}

func (e *doltEngine) commit(ctx context.Context, branch string) (rev string, err error) {
	if err := e.use(ctx, branch); err != nil {
		return "", err
	}
	err = e.session.QueryRowContext(ctx, "CALL DOLT_COMMIT('-A', '-m', 'change')").Scan(&rev)
	return rev, err
}

func (e *doltEngine) getAsOf(ctx context.Context, rev, table string, id int64) (row, error) {
	query := fmt.Sprintf("SELECT id, name, mail, amount, note FROM %s AS OF '%s' WHERE id = ?", table, rev)
	return e.one(ctx, query, id)
}

func (e *doltEngine) one(ctx context.Context, query string, id int64) (r row, err error) {
	err = e.session.QueryRowContext(ctx, query, id).Scan(&r.ID, &r.Name, &r.Mail, &r.Amount, &r.Note)
	return r, err
}

func (e *doltEngine) diff(ctx context.Context, from, to string) (int, error) {
	rows, err := e.session.QueryContext(ctx, fmt.Sprintf(
		"SELECT to_id, to_name, to_mail, to_amount, to_note FROM DOLT_DIFF('%s', '%s', '%s')", from, to, mainTable))
	n, err := countRows(rows, err)
	return int(n), err
}

func (e *doltEngine) branch(ctx context.Context, name string) error {
	return e.call(ctx, "CALL DOLT_BRANCH(?, ?)", name, mainBranch)
}

func (e *doltEngine) merge(ctx context.Context, theirs string) error {
	return e.call(ctx, "CALL DOLT_MERGE(?)", theirs)
}

func (e *doltEngine) revert(ctx context.Context, rev string) error {
	return e.call(ctx, "CALL DOLT_REVERT(?)", rev)
}

// call calls a procedure on the main branch.
func (e *doltEngine) call(ctx context.Context, query string, args ...any) error {
	if err := e.use(ctx, mainBranch); err != nil {
		return err
	}
	return e.exec(ctx, query, args...)
}

func (e *doltEngine) size() (int64, error)    { return dirSize(e.dir) }
func (e *doltEngine) written() (int64, error) { return dirSize(e.dir) }

// close ends Dolt's background work too, which it reports as a cancelled context.
func (e *doltEngine) close() error {
	err := e.connector.Close()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, e.session.Close(), e.db.Close())
}

type doltReader struct {
	ctx context.Context
	*doltEngine
}

func (r doltReader) get(id int64) (row, error) { return r.one(r.ctx, oneRowSQL, id) }

func (r doltReader) scan(from, limit int64) (int64, error) {
	rows, err := r.session.QueryContext(r.ctx, manyRowSQL, from, limit)
	return countRows(rows, err)
}
