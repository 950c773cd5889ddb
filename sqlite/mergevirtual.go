package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
	lib "modernc.org/sqlite/lib"
)

// Virtual tells how to merge a virtual table: a full-text index
// (https://www.sqlite.org/fts5.html) is made anew of its content, rows of an R*Tree
// (https://www.sqlite.org/rtree.html) are merged one by one. Other modules' tables are
// merged as any table.
func (e *evaluator) Virtual(text string) (vdb.VirtualTable, error) {
	def, err := sqltext.ParseCreateVirtual(text)
	if err != nil {
		return vdb.VirtualTable{}, err
	}
	v := vdb.VirtualTable{}
	own := func(suffixes ...string) {
		for _, suffix := range suffixes {
			v.Derived = append(v.Derived, def.Table.Name+"_"+suffix)
		}
	}
	switch strings.ToLower(def.Module) {
	case "fts5":
		own("data", "idx", "docsize")
		switch v.Source = contentOf(def); v.Source {
		case "":
			own("content")
		case def.Table.Name + "_content":
			v.Columns = contentColumns(def)
		}
	case "rtree", "rtree_i32", "geopoly":
		own("node", "parent", "rowid")
		v.Rows = true
	}
	return v, nil
}

// contentOf is the table that an FTS5 table takes its content from: one of its own, if
// nothing else is said; none, if that is nothing.
func contentOf(def *sqltext.CreateVirtual) string {
	for _, argument := range def.Arguments {
		option, value, ok := cutOption(argument)
		if ok && strings.HasPrefix("content", strings.ToLower(option)) { // FTS5 takes beginnings of its options
			return sqltext.Unquote(value)
		}
	}
	return def.Table.Name + "_content"
}

// contentColumns has the columns in which FTS5 keeps content of its own, by the names
// that the virtual table gives them.
func contentColumns(def *sqltext.CreateVirtual) map[string]string {
	columns := map[string]string{"rowid": "id"}
	n := 0
	for _, argument := range def.Arguments {
		if _, _, ok := cutOption(argument); ok {
			continue
		}
		for t := range sqltext.Tokens(argument) { // the name; the others say how it is indexed
			columns[foldName(sqltext.Unquote(t.Of(argument)))] = fmt.Sprintf("c%d", n)
			break
		}
		n++
	}
	return columns
}

// cutOption returns the two sides of an argument of FTS5 that is an option, not a column.
func cutOption(argument string) (option, value string, ok bool) {
	option, value, ok = strings.Cut(argument, "=")
	option = strings.TrimSpace(option)
	return option, strings.TrimSpace(value), ok && option != "" && !strings.ContainsAny(option, "\"'`[ ")
}

// Rebuild implements vdb.SQL, for FTS5.
func (c *txConn) Rebuild(ctx context.Context, table string) error {
	name := quote(table)
	_, err := c.run(ctx, "INSERT INTO main."+name+"("+name+") VALUES('rebuild')", nil, nil, nil)
	if codeOf(err) == lib.SQLITE_ERROR {
		err = fmt.Errorf("%w: %w", vdb.ErrInvalid, err)
	}
	return err
}

// MergeRows implements vdb.SQL. What is to be written is collected before, so that no
// row is written while others are read.
func (c *txConn) MergeRows(ctx context.Context, v *vdb.VirtualRows) error {
	m := &rowsMerge{VirtualRows: v}
	for i, side := range []vdb.SQL{v.Base, c, v.From} {
		if side == nil {
			continue
		}
		rows, err := side.(*txConn).rowsOf(ctx, v.Table)
		if err != nil {
			return err
		}
		defer rows.Close()
		m.sides[i] = rows
	}
	if err := m.run(); err != nil {
		return err
	}
	table := "main." + quote(v.Table)
	for _, id := range m.gone {
		if err := c.exec(ctx, "DELETE FROM "+table+" WHERE rowid = ?1", id); err != nil {
			return err
		}
	}
	columns := m.sides[2].Columns()
	insert := "INSERT INTO " + table + "(" + quoteAll(columns) + ") VALUES(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	for _, row := range m.come {
		if err := c.exec(ctx, insert, row...); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement that is kept for the next time.
func (c *txConn) exec(ctx context.Context, text string, args ...driver.Value) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	st, err := c.statement(ctx, text)
	if err != nil {
		return err
	}
	for i, v := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	_, err = st.ExecContext(ctx, c.args)
	return c.told(err)
}

// sideRows are a side's rows, of which row is at hand until done: the rowid, then all
// columns.
type sideRows struct {
	driver.Rows
	row  []driver.Value
	done bool
}

// rowsOf reads the rows of a virtual table by their rowids.
func (c *txConn) rowsOf(ctx context.Context, table string) (*sideRows, error) {
	from := " FROM main." + quote(table)
	none, err := c.read(ctx, "SELECT *"+from+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	columns := "rowid"
	for _, name := range none.Columns() {
		columns += ", +" + quote(name) + " AS " + quote(name) // + has the driver see no declared type
	}
	if err := none.Close(); err != nil {
		return nil, err
	}
	rows, err := c.read(ctx, "SELECT "+columns+from+" ORDER BY rowid")
	if err != nil {
		return nil, err
	}
	s := &sideRows{Rows: rows, row: make([]driver.Value, len(rows.Columns()))}
	return s, s.next()
}

func (c *txConn) read(ctx context.Context, text string) (driver.Rows, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	st, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, nil)
	return rows, c.explain(err)
}

func (s *sideRows) next() error {
	err := s.Next(s.row)
	if s.done = errors.Is(err, io.EOF); s.done {
		return nil
	}
	return err
}

// rowsMerge merges rows of three sides, base, ours and theirs, of which the first may
// be missing.
type rowsMerge struct {
	*vdb.VirtualRows
	sides [3]*sideRows
	gone  []driver.Value   // rowids
	come  [][]driver.Value // rows
}

func (m *rowsMerge) run() error {
	for {
		id, ok := m.least()
		if !ok {
			return nil
		}
		var rows [3][]driver.Value
		for i, s := range m.sides {
			if s == nil || s.done || s.row[0] != id {
				continue
			}
			rows[i] = slices.Clone(s.row)
			if err := s.next(); err != nil {
				return err
			}
		}
		m.merge(id, rows[0], rows[1], rows[2])
	}
}

// least is the least rowid that is at hand.
func (m *rowsMerge) least() (id int64, ok bool) {
	for _, s := range m.sides {
		if s == nil || s.done {
			continue
		}
		if at := s.row[0].(int64); !ok || at < id {
			id, ok = at, true
		}
	}
	return id, ok
}

// merge decides one row; nil is absent.
func (m *rowsMerge) merge(id int64, base, ours, theirs []driver.Value) {
	switch {
	case sameValues(base, theirs), sameValues(ours, theirs):
		return
	case !sameValues(base, ours):
		if m.Collided = append(m.Collided, id); !m.Theirs {
			return
		}
	}
	if ours != nil {
		m.gone = append(m.gone, id)
	}
	if theirs != nil {
		m.come = append(m.come, theirs)
	}
}

// sameValues compares rows, of which one may be absent.
func sameValues(a, b []driver.Value) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, func(x, y driver.Value) bool {
		if data, ok := x.([]byte); ok {
			other, ok := y.([]byte)
			return ok && bytes.Equal(data, other)
		}
		return x == y
	})
}
