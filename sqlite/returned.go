package sqlite

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

// returned are the rows of a statement that writes: all that it returns. They are
// given out when it has been committed, so that one that loses a race can be run again.
type returned struct {
	engineRows
	scanTypes []reflect.Type // as the first row has them
	rows      [][]driver.Value
}

// query runs a statement that has rows. One that writes and loses a race, outside of a
// transaction, is run again.
func (c *conn) query(ctx context.Context, writes bool, run func(ctx context.Context) (driver.Rows, error)) (driver.Rows, error) {
	held := c.db.engine.Hold()
	if !writes || c.open() {
		inner, err := run(ctx)
		return c.rows(held, inner, err)
	}
	for attempt := 1; ; attempt++ {
		rows, err := collect(run(ctx))
		if err == nil {
			return c.rows(held, rows, nil)
		}
		if attempt == raceAttempts || !isLostRace(err) {
			return nil, c.explain(err)
		}
		c.file.failure()
	}
}

// collect reads rows to their end.
func collect(inner driver.Rows, err error) (*returned, error) {
	if err != nil {
		return nil, err
	}
	r := &returned{engineRows: inner.(engineRows)}
	columns := len(inner.Columns())
	for i := range columns {
		r.scanTypes = append(r.scanTypes, r.engineRows.ColumnTypeScanType(i))
	}
	for {
		row := make([]driver.Value, columns)
		switch err := inner.Next(row); err {
		case nil:
			r.rows = append(r.rows, row)
		case io.EOF:
			return r, nil
		default:
			inner.Close()
			return nil, err
		}
	}
}

// Next returns the next row.
func (r *returned) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// ColumnTypeScanType returns the type that fits a column's value.
func (r *returned) ColumnTypeScanType(i int) reflect.Type { return r.scanTypes[i] }
