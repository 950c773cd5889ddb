package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
	lib "modernc.org/sqlite/lib"
)

// txConn is a connection to the state of one typed transaction: a file that shows it,
// and whose commits become edits of the transaction.
type txConn struct {
	*conn
	statements map[string]engineStmt
	args       []driver.NamedValue
}

var _ vdb.SQL = (*txConn)(nil)

// Open gives a typed transaction SQL.
func (e *evaluator) Open(ctx context.Context, engine vdb.Engine, branch string) (vdb.SQL, error) {
	if err := processShared.start(); err != nil {
		return nil, err
	}
	if err := e.start(); err != nil {
		return nil, err
	}
	d := &database{
		vdb: engine.DB(), engine: engine, cache: e.pages, numbering: processShared.numbering,
		introspector: e.scratch, files: map[string]*branchFile{},
	}
	c := newConn(d, dsn{revision: branch, author: ""})
	c.session.branch, c.session.revision, c.session.readOnly = branch, branch, true
	c.session.running = ctx
	c.file.readOnly, c.file.file = false, d.file(branch)
	if err := c.start(dsn{}); err != nil {
		return nil, err
	}
	return &txConn{conn: c, statements: map[string]engineStmt{}}, nil
}

// Close implements vdb.SQL.
func (c *txConn) Close() error {
	for _, s := range c.statements {
		s.Close()
	}
	return c.conn.Close()
}

// Take commits what was written.
func (c *txConn) Take(ctx context.Context) error {
	c.session.running = ctx
	if !c.open() {
		return nil
	}
	return c.command(ctx, "COMMIT")
}

// Find implements vdb.SQL.
func (c *txConn) Find(ctx context.Context, s *vdb.Schema, key vdb.Row) (found, exact bool, err error) {
	where, err := keyCondition(s)
	if err != nil {
		return false, false, err
	}
	if err := c.begin(ctx); err != nil {
		return false, false, err
	}
	st, err := c.statement(ctx, "SELECT "+exactKey(s)+" FROM main."+quote(s.Name)+" WHERE "+where)
	if err != nil {
		return false, false, err
	}
	c.bind(key, nil)
	rows, err := st.QueryContext(ctx, c.args)
	if err != nil {
		return false, false, c.explain(err)
	}
	defer rows.Close()
	vals := make([]driver.Value, 1)
	if rows.Next(vals) != nil { // it has no row; an error is the next statement's too
		return false, false, nil
	}
	return true, vals[0] == int64(1), nil
}

// Insert implements vdb.SQL.
func (c *txConn) Insert(ctx context.Context, s *vdb.Schema, columns []int, row vdb.Row) (int64, error) {
	text := "INSERT INTO main." + quote(s.Name) + "(" + quoteAll(namesOf(s, columns)) + ") VALUES(?" + strings.Repeat(", ?", max(len(columns)-1, 0)) + ")"
	if len(columns) == 0 {
		text = "INSERT INTO main." + quote(s.Name) + " DEFAULT VALUES"
	}
	result, err := c.run(ctx, text, row, columns, nil)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// Update implements vdb.SQL.
func (c *txConn) Update(ctx context.Context, s *vdb.Schema, columns []int, row, key vdb.Row) error {
	where, err := keyCondition(s)
	if err != nil {
		return err
	}
	var sets []string
	for i, name := range namesOf(s, columns) {
		sets = append(sets, fmt.Sprintf("%s = ?%d", quote(name), len(key)+1+i))
	}
	_, err = c.run(ctx, "UPDATE main."+quote(s.Name)+" SET "+strings.Join(sets, ", ")+" WHERE "+where, row, columns, key)
	return err
}

// Delete implements vdb.SQL.
func (c *txConn) Delete(ctx context.Context, s *vdb.Schema, key vdb.Row) error {
	where, err := keyCondition(s)
	if err == nil {
		_, err = c.run(ctx, "DELETE FROM main."+quote(s.Name)+" WHERE "+where, nil, nil, key)
	}
	return err
}

// run runs a statement on the key, as ?1 and so on, and then columns of a row.
func (c *txConn) run(ctx context.Context, text string, row vdb.Row, columns []int, key vdb.Row) (driver.Result, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	st, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	c.bind(key, nil)
	c.bind(row, columns)
	result, err := st.ExecContext(ctx, c.args)
	return result, c.told(err)
}

// told tells an error of a statement as the typed API does: that of a rule as
// ErrConstraint, and one after which SQLite has rolled back as ErrTxDone.
func (c *txConn) told(err error) error {
	if err = c.explain(err); err == nil {
		return nil
	}
	if codeOf(err)&0xff == lib.SQLITE_CONSTRAINT {
		err = fmt.Errorf("%w: %w", vdb.ErrConstraint, err)
	}
	if !c.open() {
		err = fmt.Errorf("%w, and %w", err, vdb.ErrTxDone)
	}
	return err
}

// begin opens SQLite's transaction, which stays open until it is taken.
func (c *txConn) begin(ctx context.Context) error {
	c.session.running, c.args = ctx, c.args[:0]
	if c.open() {
		return nil
	}
	return c.command(ctx, "BEGIN")
}

// statement returns a prepared statement.
func (c *txConn) statement(ctx context.Context, text string) (engineStmt, error) {
	if s, ok := c.statements[text]; ok {
		return s, nil
	}
	s, err := c.engineConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, c.explain(err)
	}
	c.statements[text] = s.(engineStmt)
	return s.(engineStmt), nil
}

// bind adds values of a row: those of the columns, or all.
func (c *txConn) bind(row vdb.Row, columns []int) {
	add := func(v vdb.Value) {
		c.args = append(c.args, driver.NamedValue{Ordinal: len(c.args) + 1, Value: bound(v)})
	}
	if columns == nil {
		for _, v := range row {
			add(v)
		}
	}
	for _, i := range columns {
		add(row[i])
	}
}

func namesOf(s *vdb.Schema, columns []int) []string {
	names := make([]string, len(columns))
	for i, at := range columns {
		names[i] = s.Columns[at].Name
	}
	return names
}

// keyCondition finds a row by its key, or by its rowid if it has none.
func keyCondition(s *vdb.Schema) (string, error) {
	if len(s.PrimaryKey) == 0 {
		name, err := rowidAlias(s)
		return name + " = ?1", err
	}
	var terms []string
	for i, name := range s.PrimaryKey {
		term := quote(name)
		if len(s.KeyColumns) > 0 {
			collation := s.KeyColumns[i].Collation
			if collation == "" {
				collation = s.Columns[s.Column(name)].Collation
			}
			if collation == "" {
				collation = "BINARY"
			}
			term += " COLLATE " + collation
		}
		terms = append(terms, fmt.Sprintf("%s = ?%d", term, i+1))
	}
	return strings.Join(terms, " AND "), nil
}

// exactKey is 1 for the row whose key is spelt as the one that is bound.
func exactKey(s *vdb.Schema) string {
	terms := []string{"1"}
	for i, name := range s.PrimaryKey {
		terms = append(terms, fmt.Sprintf("(%s COLLATE BINARY = ?%d) AND typeof(%[1]s) = typeof(?%[2]d)", quote(name), i+1))
	}
	return strings.Join(terms, " AND ")
}

// Alter implements vdb.SQL.
func (c *txConn) Alter(ctx context.Context, s *vdb.Schema, a vdb.Alteration) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	for _, st := range c.statements {
		st.Close()
	}
	clear(c.statements)
	_, err := c.engineConn.ExecContext(ctx, alterSQL(s, a), nil)
	if codeOf(err) == lib.SQLITE_ERROR {
		err = fmt.Errorf("%w: %w", vdb.ErrInvalid, err)
	}
	return c.told(err)
}

// alterSQL returns the statement that changes a table.
func alterSQL(s *vdb.Schema, a vdb.Alteration) string {
	alter := "ALTER TABLE main." + quote(s.Name)
	switch {
	case a.Add != nil:
		return alter + " ADD COLUMN " + columnSQL(a.Add)
	case a.Drop != "":
		return alter + " DROP COLUMN " + quote(a.Drop)
	case a.Index != nil:
		return indexSQL(&vdb.Schema{Name: s.Name, Indexes: []vdb.Index{*a.Index}}, 0)
	case a.From != "":
		return alter + " RENAME COLUMN " + quote(a.From) + " TO " + quote(a.To)
	}
	return alter + " RENAME TO " + quote(a.To)
}
