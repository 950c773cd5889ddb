package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
	"github.com/vdbgo/vdb/internal/native"
	"github.com/vdbgo/vdb/internal/sqltext"
	"github.com/vdbgo/vdb/internal/vfs"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// conn is a connection: SQLite's own, on a database file that shows a branch.
type conn struct {
	engineConn
	db      *database
	raw     module.Conn
	file    *connFile
	name    string // the file's
	session *session
	home    string // the branch or revision that it was opened on
	history *attached
	tables  map[string]module.Table // system tables that are registered, by folded name
	author  string                  // that it was opened with
	stale   bool                    // a verb has gone beneath SQLite's idea of the schema
}

// engineConn is what the connections of SQLite's driver can do.
type engineConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

var (
	_ engineConn               = (*conn)(nil)
	_ driver.NamedValueChecker = (*conn)(nil)
)

func connect(ctx context.Context, db *database, d dsn) (*conn, error) {
	c := newConn(db, d)
	if err := c.point(ctx, c.home); err != nil {
		return nil, err
	}
	return c, c.start(d)
}

// newConn returns a connection that points nowhere yet.
func newConn(db *database, d dsn) *conn {
	c := &conn{db: db, home: d.revision, author: d.author, tables: map[string]module.Table{}}
	if c.home == "" {
		c.home = vdb.MainBranch
	}
	c.session = &session{db: db.vdb, author: d.author, readOnly: d.readOnly, settle: c.settle, open: c.open, moved: c.moved}
	c.file = &connFile{db: db, readOnly: d.readOnly, committing: c.session.ctx, ctx: func() context.Context { return context.WithoutCancel(c.session.ctx()) }}
	c.history = &attached{conn: c}
	return c
}

// start opens SQLite's connection on the file.
func (c *conn) start(d dsn) error {
	c.name = vfs.Add(c.file)
	inner, err := handover.open(c, c.name, d.engineDSN(c.name, vfs.SystemName))
	if err != nil {
		vfs.Remove(c.name)
		return c.explain(err)
	}
	c.engineConn = inner.(engineConn)
	return nil
}

// setUp gives SQLite's connection its functions, before anything runs on it.
func (c *conn) setUp(raw module.Conn) error {
	c.raw = raw
	return registerFunctions(raw, c.session)
}

// point has the connection show a branch, or a revision that stays.
func (c *conn) point(ctx context.Context, revision string) error {
	if c.file.level != vfs.None {
		return errors.New("a transaction is open: end it first")
	}
	c.stale = true
	_, err := c.db.vdb.Branch(ctx, revision)
	if err == nil {
		c.session.branch, c.session.revision = revision, revision
		c.file.file = c.db.file(revision)
		return nil
	}
	if !errors.Is(err, vdb.ErrNotFound) && !errors.Is(err, vdb.ErrInvalid) {
		return err
	}
	s, err := c.db.at(ctx, revision)
	if err != nil {
		return fmt.Errorf("there is no branch or revision %s: %w", revision, err)
	}
	c.session.branch, c.session.revision = "", revision
	c.file.file, c.file.last = nil, s
	c.file.counter++
	c.file.cookie++
	return nil
}

// moved follows the session to another branch.
func (c *conn) moved() error { return c.point(c.session.ctx(), c.session.branch) }

// open tells whether a transaction is open.
func (c *conn) open() bool { return lib.Xsqlite3_get_autocommit(c.raw.TLS, c.raw.DB) == 0 }

// settle commits the open transaction, and returns what opens one again, with the same
// savepoints.
func (c *conn) settle(ctx context.Context) (resume func() error, err error) {
	c.stale = true
	if !c.open() {
		return func() error { return nil }, nil
	}
	opening := c.opening()
	if err := c.command(ctx, "COMMIT"); err != nil {
		return nil, err
	}
	c.session.pending, c.session.pendingErr = nil, nil
	return func() error { return c.command(ctx, opening) }, nil
}

// opening is what opens a transaction like the one that is open. The first savepoint may
// have done that without a BEGIN.
func (c *conn) opening() string {
	db := native.At[lib.Tsqlite3](c.raw.DB)
	var statements string
	for at := db.FpSavepoint; at != 0; {
		point := native.At[lib.TSavepoint](at)
		statements = "SAVEPOINT " + quote(libc.GoString(point.FzName)) + ";" + statements
		at = point.FpNext
	}
	if db.FisTransactionSavepoint == 0 {
		statements = "BEGIN;" + statements
	}
	return statements
}

// refresh has SQLite look at the schema after a verb. It compiles statements by the schema
// that it knows, and of most mistakes that it finds it does not ask whether they still are.
// What hinders it the statement that follows will tell.
func (c *conn) refresh(ctx context.Context) {
	if c.stale && c.file.level == vfs.None {
		c.stale = false
		_ = c.command(ctx, "SELECT 1 FROM sqlite_schema LIMIT 0")
	}
}

// compiled runs what compiles a statement, again if it fails by a schema that others have
// changed since SQLite has looked at it.
func compiled[T any](ctx context.Context, c *conn, s *statement, run func() (T, error)) (T, error) {
	result, err := run()
	if err == nil || codeOf(err) != lib.SQLITE_ERROR || !s.single || len(s.info.Names) > 0 || c.file.level != vfs.None {
		return result, err
	}
	known := c.file.cookie
	c.stale = true
	if c.refresh(ctx); c.file.cookie == known {
		return result, err
	}
	return run()
}

// command runs a statement of the driver's own.
func (c *conn) command(ctx context.Context, statement string) error {
	_, err := c.engineConn.ExecContext(ctx, statement, nil)
	return c.explain(err)
}

// Close closes the connection.
func (c *conn) Close() error {
	err := c.engineConn.Close()
	vfs.Remove(c.name)
	c.history.forget()
	return err
}

// ResetSession makes the connection ready for its next user: back on the branch
// that it was opened on.
func (c *conn) ResetSession(ctx context.Context) error {
	if err := c.engineConn.ResetSession(ctx); err != nil {
		return err
	}
	c.session.running, c.session.author, c.session.allowConflicts = ctx, c.author, false
	if c.session.revision != c.home {
		return c.point(ctx, c.home)
	}
	return nil
}

// Ping tells whether the branch can be read.
func (c *conn) Ping(ctx context.Context) error {
	c.session.running = ctx
	return c.command(ctx, "PRAGMA schema_version")
}

// CheckNamedValue leaves values to the default conversion.
func (c *conn) CheckNamedValue(*driver.NamedValue) error { return driver.ErrSkip }

// explain adds to an error of SQLite's what has made it.
func (c *conn) explain(err error) error {
	if err == nil {
		return nil
	}
	if cause := c.file.failure(); cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// Begin opens a transaction.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx opens a transaction.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.session.running = ctx
	inner, err := c.engineConn.BeginTx(ctx, o)
	if err != nil {
		return nil, c.explain(err)
	}
	return &tx{inner, c, ctx}, nil
}

// tx is an open transaction.
type tx struct {
	driver.Tx
	conn *conn
	ctx  context.Context // that it was begun with: database/sql has Commit watch it
}

func (t *tx) Commit() error {
	t.conn.session.running = t.ctx
	return t.conn.explain(t.Tx.Commit())
}

// ExecContext runs statements. One that loses a race with another writer, outside
// of a transaction, is run again.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.session.running = ctx
	plan, err := c.plan(ctx, query)
	if err != nil {
		return nil, err
	}
	var result driver.Result
	for _, s := range plan {
		if result, err = c.execute(ctx, s, args); err != nil {
			return nil, err
		}
	}
	return result, nil
}

func (c *conn) execute(ctx context.Context, s statement, args []driver.NamedValue) (driver.Result, error) {
	return apart(ctx, c, &s, func() (driver.Result, error) { return c.executeHere(ctx, s, args) })
}

func (c *conn) executeHere(ctx context.Context, s statement, args []driver.NamedValue) (driver.Result, error) {
	held := c.db.engine.Hold()
	defer runtime.KeepAlive(held)
	c.stale = c.stale || !s.single // a script is not run again
	text, args, err := c.translate(ctx, s, args)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		alone := !c.open()
		result, err := compiled(ctx, c, &s, func() (driver.Result, error) { return c.engineConn.ExecContext(ctx, text, args) })
		if err == nil || !alone || !s.single || attempt == raceAttempts || !isLostRace(err) {
			return result, c.explain(err)
		}
		c.file.failure()
	}
}

// raceAttempts is how often a statement that loses races is run.
const raceAttempts = 100

// isLostRace tells whether an error says that another writer was faster.
func isLostRace(err error) bool {
	var coded interface{ Code() int }
	return errors.As(err, &coded) && coded.Code() == lib.SQLITE_BUSY_SNAPSHOT
}

// QueryContext runs statements and returns the rows of the last.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.session.running = ctx
	plan, err := c.plan(ctx, query)
	if err != nil {
		return nil, err
	}
	for _, s := range plan[:len(plan)-1] {
		if _, err := c.execute(ctx, s, args); err != nil {
			return nil, err
		}
	}
	last := plan[len(plan)-1]
	return apart(ctx, c, &last, func() (driver.Rows, error) {
		text, args, err := c.translate(ctx, last, args)
		if err != nil {
			return nil, err
		}
		return c.query(ctx, last.returns(), func(ctx context.Context) (driver.Rows, error) {
			return compiled(ctx, c, &last, func() (driver.Rows, error) { return c.engineConn.QueryContext(ctx, text, args) })
		})
	})
}

// apart runs a statement. One that writes to what no transaction is about runs between
// two: the open one is committed first, as for a verb, and another one opened after.
func apart[T any](ctx context.Context, c *conn, s *statement, run func() (T, error)) (result T, err error) {
	if !s.writesApart() {
		return run()
	}
	resume, err := c.settle(ctx)
	if err != nil {
		return result, err
	}
	result, err = run()
	return result, firstError(err, resume())
}

// Prepare prepares a statement.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext prepares a statement. One that names what SQLite does not know, or
// what shows the open transaction, is translated each time it runs.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.session.running = ctx
	plan, err := c.plan(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(plan) != 1 || plan[0].special || len(plan[0].info.Names) > 0 {
		return &translated{conn: c, query: query}, nil
	}
	c.refresh(ctx)
	inner, err := compiled(ctx, c, &plan[0], func() (driver.Stmt, error) { return c.engineConn.PrepareContext(ctx, query) })
	if err != nil {
		return nil, c.explain(err)
	}
	return &stmt{engineStmt: inner.(engineStmt), conn: c, returns: plan[0].returns()}, nil
}

// plan takes a text apart into what is run at once. Statements that SQLite runs as
// they are stay together.
func (c *conn) plan(ctx context.Context, query string) ([]statement, error) {
	info := sqltext.Parse(query)
	first := statement{text: query, info: info, special: isSpecial(&info), single: true}
	if strings.TrimSpace(query[info.End:]) == "" {
		return []statement{first}, c.prepareNames(ctx, info)
	}
	var plan []statement
	together := true
	for s := range sqltext.Statements(query) {
		text := s.Of(query)
		info := sqltext.Parse(text)
		if err := c.prepareNames(ctx, info); err != nil {
			return nil, err
		}
		next := statement{text: text, info: info, special: isSpecial(&info), single: true}
		together = together && !next.special && len(info.Names) == 0
		plan = append(plan, next)
	}
	if together || len(plan) == 0 {
		return []statement{{text: query}}, nil
	}
	return plan, nil
}

// statement is a statement to run.
type statement struct {
	text    string
	info    sqltext.Info
	special bool // SQLite does not run it as it is
	single  bool
}

// returns tells whether what the statement writes may come with rows.
func (s *statement) returns() bool {
	return s.single && (s.info.Kind == sqltext.KindInsert || s.info.Kind == sqltext.KindUpdate || s.info.Kind == sqltext.KindDelete)
}

// writesApart tells whether the statement writes to a system table of what is staged, in
// conflict or accepted.
func (s *statement) writesApart() bool {
	name := strings.ToLower(s.info.Target.Name)
	return s.returns() && slices.ContainsFunc(perTable(), func(c tabConstructor) bool { return c.apart && strings.HasPrefix(name, c.prefix) })
}

func isSpecial(info *sqltext.Info) bool {
	switch info.Kind {
	case sqltext.KindCreateTable, sqltext.KindCall, sqltext.KindUse, sqltext.KindVacuum:
		return true
	}
	return len(info.AsOf) > 0
}
