package sqlite

import (
	"context"
	"database/sql/driver"
	"runtime"

	"github.com/vdbgo/vdb/internal/sqltext"
)

// stmt is a prepared statement.
type stmt struct {
	engineStmt
	conn    *conn
	returns bool // rows with what it writes
}

// engineStmt is what the statements of SQLite's driver can do.
type engineStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// ExecContext runs the statement, again if it loses a race outside of a transaction.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	c := s.conn
	held := c.db.engine.Hold()
	defer runtime.KeepAlive(held)
	c.session.running = ctx
	c.foresee(ctx, &sqltext.Info{})
	for attempt := 1; ; attempt++ {
		alone := !c.open()
		result, err := s.engineStmt.ExecContext(ctx, args)
		if err == nil || !alone || attempt == raceAttempts || !isLostRace(err) {
			return result, c.explain(err)
		}
		c.file.failure()
	}
}

// QueryContext runs the statement, again if it loses a race outside of a transaction.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.conn.session.running = ctx
	s.conn.foresee(ctx, &sqltext.Info{})
	return s.conn.query(ctx, s.returns, func(ctx context.Context) (driver.Rows, error) { return s.engineStmt.QueryContext(ctx, args) })
}

// translated is a statement that is translated each time it runs: what it means
// may depend on its arguments, or on where the branch is by then.
type translated struct {
	conn  *conn
	query string
}

var (
	_ driver.StmtExecContext  = (*translated)(nil)
	_ driver.StmtQueryContext = (*translated)(nil)
)

func (s *translated) Close() error  { return nil }
func (s *translated) NumInput() int { return -1 }

func (s *translated) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s *translated) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

// Exec runs the statement with positional arguments.
func (s *translated) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query runs the statement with positional arguments.
func (s *translated) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, v := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return values
}
