package sqlite

import (
	"database/sql/driver"
	"io"

	"github.com/vdbgo/vdb"
)

// rows are a query's rows. SQLite reads pages as they are asked for, so that any of
// them may be the one that cannot be read.
type rows struct {
	engineRows
	conn *conn
	held vdb.EngineHold
}

// engineRows is what the rows of SQLite's driver can do.
type engineRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// rows adds to the errors of rows, or of there being none, what has made them, and
// keeps what they read from being collected.
func (c *conn) rows(held vdb.EngineHold, inner driver.Rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, c.explain(err)
	}
	return &rows{engineRows: inner.(engineRows), conn: c, held: held}, nil
}

// Next reads the next row.
func (r *rows) Next(dest []driver.Value) error {
	err := r.engineRows.Next(dest)
	if err == nil || err == io.EOF {
		return err
	}
	return r.conn.explain(err)
}
