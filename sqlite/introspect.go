package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// introspector tells what SQLite makes of CREATE statements: it has them run in an
// empty database in memory and asks.
type introspector struct {
	mu      sync.Mutex // one at a time
	scratch *sql.DB
	// kept is a trial whose table is in the database still; nil: that is empty.
	kept *trial
}

func newIntrospector() (*introspector, error) {
	db, err := sql.Open("sqlite", ":memory:?_pragma=page_size(8192)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &introspector{scratch: db}, nil
}

func (in *introspector) close() error { return in.scratch.Close() }

// schema returns the schema of a table, given its rows of the schema table.
func (in *introspector) schema(ctx context.Context, table schemaRow, indexes []schemaRow) (*vdb.Schema, error) {
	r := &reading{ctx: ctx, name: table.name, schema: &vdb.Schema{Name: table.name}}
	err := in.try(ctx, func(tx *sql.Tx) error {
		r.tx = tx
		return r.run(table, indexes)
	})
	if err != nil {
		return nil, fmt.Errorf("read the schema of table %s: %w", table.name, err)
	}
	return r.schema, nil
}

// try runs fn in the empty database, which stays empty.
func (in *introspector) try(ctx context.Context, fn func(tx *sql.Tx) error) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.forget()
	tx, err := in.scratch.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return fn(tx)
}

// clusters tells whether a CREATE TABLE statement makes a table whose rows SQLite
// would keep apart from its primary key: then vdb has it WITHOUT ROWID.
func (in *introspector) clusters(ctx context.Context, statement, table string) (clusters bool, err error) {
	err = in.try(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return nil // the statement will say so itself
		}
		return tx.QueryRowContext(ctx, `SELECT
			(SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk') AND
			NOT (SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE) AND
			NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) AS x, pragma_index_xinfo(x.name) AS c
				WHERE x.origin = 'pk' AND c.key AND upper(c.coll) NOT IN ('BINARY', 'NOCASE', 'RTRIM'))`, table).Scan(&clusters)
	})
	return clusters, err
}

// reading reads one table's schema.
type reading struct {
	ctx    context.Context
	tx     *sql.Tx
	name   string // in the scratch database
	schema *vdb.Schema
	// columns are the declared ones, by cid; "" is not stored.
	columns []string
	def     *sqltext.CreateTable
}

func (r *reading) run(table schemaRow, indexes []schemaRow) error {
	if err := r.create(table, indexes); err != nil {
		return err
	}
	for _, step := range []func() error{r.readColumns, r.readCollations, r.readKey, r.readForeignKeys} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, x := range indexes {
		if err := r.readIndex(x); err != nil {
			return fmt.Errorf("index %s: %w", x.name, err)
		}
	}
	sortIndexes(r.schema)
	if r.schema.SQL = ""; tableSQL(r.schema) != table.sql {
		r.schema.SQL = table.sql
	}
	return nil
}

// create makes the table and its indexes. SQLite's own tables get another name,
// since theirs are reserved.
func (r *reading) create(table schemaRow, indexes []schemaRow) error {
	statement := table.sql
	if strings.HasPrefix(strings.ToLower(r.name), "sqlite_") {
		r.name = "x_" + r.name
		statement = strings.Replace(statement, table.name, r.name, 1)
	}
	var err error
	if r.def, err = sqltext.ParseCreateTable(statement); err != nil {
		return err
	}
	statements := []string{statement}
	for _, x := range indexes {
		if x.sql != "" {
			statements = append(statements, x.sql)
		}
	}
	for _, s := range statements {
		if _, err := r.tx.ExecContext(r.ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// each calls scan for each row of a query.
func (r *reading) each(scan func(rows *sql.Rows) error, query string, args ...any) error {
	rows, err := r.tx.QueryContext(r.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *reading) readColumns() error {
	const virtual, stored = 2, 3
	err := r.each(func(rows *sql.Rows) error {
		var c vdb.Column
		var hidden int
		var fallback sql.NullString
		if err := rows.Scan(&c.Name, &c.Type, &c.NotNull, &fallback, &hidden); err != nil {
			return err
		}
		r.schema.Evaluated = r.schema.Evaluated || hidden != 0
		if hidden == virtual {
			r.columns = append(r.columns, "")
			return nil
		}
		if hidden != stored {
			c.Default = fallback.String
		}
		r.columns = append(r.columns, c.Name)
		r.schema.Columns = append(r.schema.Columns, c)
		return nil
	}, `SELECT name, type, "notnull", dflt_value, hidden FROM pragma_table_xinfo(?)`, r.name)
	if err != nil {
		return err
	}
	r.schema.Evaluated = r.schema.Evaluated || r.hasChecks()
	return r.readDefaults()
}

// hasChecks tells whether the table has rules for its rows that only SQL knows.
func (r *reading) hasChecks() bool {
	if r.def.Strict || slices.ContainsFunc(r.def.Columns, func(c sqltext.ColumnDef) bool { return c.Check }) {
		return true
	}
	return slices.ContainsFunc(r.def.Constraints, func(c sqltext.Constraint) bool { return c.Kind == sqltext.Check })
}

// readDefaults replaces each default by the value that SQLite reads from rows that
// end before the column, as a literal: NULL where it is not constant.
func (r *reading) readDefaults() error {
	if !slices.ContainsFunc(r.schema.Columns, func(c vdb.Column) bool { return c.Default != "" }) {
		return nil
	}
	if _, err := r.tx.ExecContext(r.ctx, `CREATE TABLE "vdb defaults"(x); INSERT INTO "vdb defaults" VALUES(1)`); err != nil {
		return err
	}
	for i := range r.schema.Columns {
		if c := &r.schema.Columns[i]; c.Default != "" {
			if err := r.readDefault(i, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reading) readDefault(i int, c *vdb.Column) error {
	declared := typeSQL(c.Type)
	if r.def.Strict && strings.EqualFold(c.Type, "ANY") {
		declared = "" // which is no affinity in a STRICT table
	}
	for _, form := range []string{"%s", "(%s)"} {
		statement := fmt.Sprintf(`ALTER TABLE "vdb defaults" ADD COLUMN c%d %s DEFAULT %s`, i, declared, fmt.Sprintf(form, c.Default))
		if _, err := r.tx.ExecContext(r.ctx, statement); err != nil {
			continue
		}
		err := r.tx.QueryRowContext(r.ctx, fmt.Sprintf(`SELECT quote(c%d) FROM "vdb defaults"`, i)).Scan(&c.Default)
		if c.Default == "NULL" {
			c.Default = ""
		}
		return err
	}
	c.Default = ""
	return nil
}

// readCollations asks an index over all columns how each is compared.
func (r *reading) readCollations() error {
	var names []string
	for _, name := range r.columns {
		if name != "" {
			names = append(names, name)
		}
	}
	if _, err := r.tx.ExecContext(r.ctx, `CREATE INDEX "vdb collations" ON `+quote(r.name)+"("+quoteAll(names)+")"); err != nil {
		return err
	}
	i := 0
	err := r.each(func(rows *sql.Rows) error {
		c := &r.schema.Columns[i]
		i++
		var collation string
		err := rows.Scan(&collation)
		c.Collation, _ = known(collation)
		return err
	}, `SELECT coll FROM pragma_index_xinfo('vdb collations') WHERE seqno < ?`, len(names))
	if err != nil {
		return err
	}
	_, err = r.tx.ExecContext(r.ctx, `DROP INDEX "vdb collations"`)
	return err
}

// known returns a collation as vdb calls it; false for one of the application's.
func known(collation string) (string, bool) {
	switch c := strings.ToUpper(collation); c {
	case "BINARY":
		return "", true
	case "NOCASE", "RTRIM":
		return c, true
	}
	return "", false
}

// readKey finds what the table is keyed by: the rowid, or an index of its own.
func (r *reading) readKey() error {
	var without bool
	err := r.tx.QueryRowContext(r.ctx, `SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?`, r.name).Scan(&without)
	if err != nil {
		return err
	}
	var index sql.NullString
	err = r.tx.QueryRowContext(r.ctx, `SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'`, r.name).Scan(&index)
	switch {
	case err == sql.ErrNoRows && !without:
		return r.readAlias()
	case err != nil || !without:
		return err // a rowid table with a unique index
	}
	columns, unsorted, err := r.indexColumns(index.String)
	if err != nil {
		return err
	}
	if unsorted {
		return fmt.Errorf("a WITHOUT ROWID table can be sorted by BINARY, NOCASE and RTRIM only: leave WITHOUT ROWID out, or the key's collation")
	}
	plain := true
	for _, c := range columns {
		r.schema.PrimaryKey = append(r.schema.PrimaryKey, c.Name)
		column := &r.schema.Columns[r.schema.Column(c.Name)]
		column.NotNull = true
		plain = plain && !c.Desc && c.Collation == column.Collation
	}
	if !plain {
		r.schema.KeyColumns = columns
	}
	r.schema.WithoutRowID = isRowidAlias(r.schema)
	return nil
}

// readAlias finds the column that is the rowid.
func (r *reading) readAlias() error {
	return r.each(func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		r.schema.PrimaryKey = []string{name}
		return err
	}, `SELECT name FROM pragma_table_xinfo(?) WHERE pk`, r.name)
}

// indexColumns lists the columns that an index is declared with, and tells whether
// one has a collation of the application's.
func (r *reading) indexColumns(index string) (columns []vdb.IndexColumn, unsorted bool, err error) {
	err = r.each(func(rows *sql.Rows) error {
		var c vdb.IndexColumn
		var cid int
		var collation string
		if err := rows.Scan(&cid, &c.Desc, &collation); err != nil {
			return err
		}
		if cid >= 0 {
			c.Name = r.columns[cid]
		} else if cid == -1 {
			return fmt.Errorf("an index on the rowid")
		}
		var ok bool
		c.Collation, ok = known(collation)
		unsorted = unsorted || !ok
		columns = append(columns, c)
		return nil
	}, `SELECT cid, "desc", coll FROM pragma_index_xinfo(?) WHERE key`, index)
	return columns, unsorted, err
}

func (r *reading) readIndex(row schemaRow) error {
	name := row.name
	if strings.HasPrefix(r.name, "x_sqlite_") {
		name = strings.Replace(name, "sqlite_autoindex_", "sqlite_autoindex_x_", 1)
	}
	x := vdb.Index{Name: row.name}
	err := r.tx.QueryRowContext(r.ctx, `SELECT "unique", partial FROM pragma_index_list(?) WHERE name = ? COLLATE NOCASE`, r.name, name).Scan(&x.Unique, &x.Partial)
	if err != nil {
		return err
	}
	if x.Columns, x.Unsorted, err = r.indexColumns(name); err != nil {
		return err
	}
	for i := range x.Columns {
		c := &x.Columns[i]
		if j := r.schema.Column(c.Name); j >= 0 && c.Collation == r.schema.Columns[j].Collation {
			c.Collation = ""
		} else if c.Collation == "" {
			c.Collation = "BINARY"
		}
	}
	r.schema.Indexes = append(r.schema.Indexes, x)
	at := len(r.schema.Indexes) - 1
	if indexSQL(r.schema, at) != row.sql {
		r.schema.Indexes[at].SQL = row.sql
	}
	return nil
}

// sortIndexes puts those of constraints first, and all in one order whatever they
// were made in.
func sortIndexes(s *vdb.Schema) {
	sort.Slice(s.Indexes, func(i, j int) bool {
		a, b := &s.Indexes[i], &s.Indexes[j]
		if autoA, autoB := a.Automatic(), b.Automatic(); autoA != autoB {
			return autoA
		} else if autoA && len(a.Name) != len(b.Name) {
			return len(a.Name) < len(b.Name) // by number
		}
		return strings.ToLower(a.Name) < strings.ToLower(b.Name)
	})
}

func (r *reading) readForeignKeys() error {
	last := -1
	err := r.each(func(rows *sql.Rows) error {
		var id int
		var parent, from string
		var to sql.NullString
		if err := rows.Scan(&id, &parent, &from, &to); err != nil {
			return err
		}
		if id != last {
			r.schema.ForeignKeys = append(r.schema.ForeignKeys, vdb.ForeignKey{Parent: parent})
			last = id
		}
		fk := &r.schema.ForeignKeys[len(r.schema.ForeignKeys)-1]
		fk.Columns = append(fk.Columns, from)
		if to.Valid {
			fk.ParentColumns = append(fk.ParentColumns, to.String)
		}
		return nil
	}, `SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq`, r.name)
	// That of a column which is not stored is SQL's to check.
	r.schema.ForeignKeys = slices.DeleteFunc(r.schema.ForeignKeys, func(fk vdb.ForeignKey) bool {
		return slices.ContainsFunc(fk.Columns, func(name string) bool { return r.schema.Column(name) < 0 })
	})
	return err
}
