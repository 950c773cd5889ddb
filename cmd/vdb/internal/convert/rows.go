package convert

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

// reportRows is how many rows lie between two calls of Progress.
const reportRows = 1000

// fill copies the rows of a table, and counts them in the target.
func (c *copying) fill(ctx context.Context, o object) error {
	columns, err := c.columns(ctx, o)
	if err != nil || len(columns) == 0 {
		return err
	}
	// A driver turns the text of columns declared as dates into times, but not that
	// of expressions: +x is x, without a declared type.
	rows, err := c.from.QueryContext(ctx, fmt.Sprintf("SELECT +%s FROM %s",
		strings.Join(quoteAll(columns), ",+"), format.QuoteName(o.name)))
	if err != nil {
		return err
	}
	defer rows.Close()
	insert, err := c.to.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s(%s) VALUES(%s)",
		format.QuoteName(o.name), strings.Join(quoteAll(columns), ","), marks(len(columns))))
	if err != nil {
		return err
	}
	defer insert.Close()
	if err := c.insert(ctx, rows, insert, len(columns)); err != nil {
		return err
	}
	return c.verify(ctx, o)
}

func (c *copying) insert(ctx context.Context, rows *sql.Rows, insert *sql.Stmt, columns int) error {
	values, places := make([]any, columns), make([]any, columns)
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		keepEmptyBlobs(values)
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
		if c.report.Rows++; c.progress != nil && c.report.Rows%reportRows == 0 {
			c.progress(c.report.Rows, c.all)
		}
	}
	return rows.Err()
}

// keepEmptyBlobs sees that an empty blob does not become NULL, as a nil slice would.
func keepEmptyBlobs(values []any) {
	for i, v := range values {
		if b, ok := v.([]byte); ok && b == nil {
			values[i] = []byte{}
		}
	}
}

// columns returns the columns of a table that are stored; a rowid that is no column
// comes first, where both sides have it.
func (c *copying) columns(ctx context.Context, o object) ([]string, error) {
	query := `SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid`
	columns, err := texts(ctx, c.from, query, o.name)
	if err != nil {
		return nil, err
	}
	integerKey, err := texts(ctx, c.from,
		`SELECT name FROM pragma_table_xinfo(?1) AS x WHERE pk > 0 AND upper(type) = 'INTEGER'
		   AND (SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > 0) = 1`, o.name)
	if err != nil || len(integerKey) > 0 && !c.descending(ctx, o) {
		return columns, err
	}
	for _, rowid := range []string{"rowid", "_rowid_", "oid"} {
		same := func(column string) bool { return strings.EqualFold(column, rowid) }
		if !slices.ContainsFunc(columns, same) {
			if c.has(ctx, c.from, o, rowid) && c.has(ctx, c.to, o, rowid) {
				columns = append([]string{rowid}, columns...)
			}
			break
		}
	}
	return columns, nil
}

// descending reports whether an INTEGER PRIMARY KEY is no name of the rowid, as one
// that is DESC: then SQLite has an index for it.
func (c *copying) descending(ctx context.Context, o object) bool {
	own, err := texts(ctx, c.from, `SELECT name FROM pragma_index_list(?1) WHERE origin = 'pk'`, o.name)
	return err == nil && len(own) > 0
}

// has reports whether a table has a column of this name, though it may not list it.
// Without quotes: what SQLite does not know in quotes it takes for text.
func (c *copying) has(ctx context.Context, conn *sql.Conn, o object, column string) bool {
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s LIMIT 0", column, format.QuoteName(o.name)))
	if err != nil {
		return false
	}
	return rows.Close() == nil
}

// verify counts the rows in the target.
func (c *copying) verify(ctx context.Context, o object) error {
	var n int64
	if err := c.to.QueryRowContext(ctx, "SELECT count(*) FROM "+format.QuoteName(o.name)).Scan(&n); err != nil {
		return err
	}
	if n != o.rows {
		return fmt.Errorf("%d rows were there and %d were copied; nothing is kept", o.rows, n)
	}
	return nil
}
