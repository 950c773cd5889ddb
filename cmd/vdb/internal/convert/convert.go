package convert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

// ErrExists says that the target has a table or view that the source has, too.
var ErrExists = errors.New("there already; nothing was copied")

// Options of Copy. The zero value is fine.
type Options struct {
	// Progress is called now and then with the rows that were copied, and with all
	// that there are.
	Progress func(done, all int64)
}

// Report says what was copied.
type Report struct {
	Tables, Indexes, Views, Triggers int
	Rows                             int64
}

// String lists what was copied.
func (r *Report) String() string {
	return fmt.Sprintf("%d tables with %d rows, %d indexes, %d views, %d triggers", r.Tables, r.Rows, r.Indexes, r.Views, r.Triggers)
}

// Copy copies all of from to to: everything or, after an error, nothing.
func Copy(ctx context.Context, from, to *sql.Conn, o *Options) (*Report, error) {
	if o == nil {
		o = &Options{}
	}
	c := &copying{from: from, to: to, progress: o.Progress}
	if err := c.plan(ctx); err != nil {
		return nil, err
	}
	// Rows are copied table by table: a foreign key may lead to a later one.
	if _, err := to.ExecContext(ctx, "PRAGMA foreign_keys=OFF"); err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	if _, err := to.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, fmt.Errorf("convert: begin: %w", err)
	}
	if err := c.copy(ctx); err != nil {
		_, _ = to.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // err says more
		return nil, err
	}
	if _, err := to.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, fmt.Errorf("convert: commit: %w", err)
	}
	return &c.report, nil
}

// copying is one Copy.
type copying struct {
	from, to *sql.Conn
	progress func(done, all int64)
	objects  []object
	all      int64 // rows
	report   Report
}

// copy does all that happens in the transaction.
func (c *copying) copy(ctx context.Context) error {
	for _, step := range [][]kind{{table, virtual}, {shadow, sequence}, {index}, {view}, {trigger}} {
		for _, o := range c.objects {
			if !slices.Contains(step, o.kind) {
				continue
			}
			if err := c.object(ctx, o); err != nil {
				return fmt.Errorf("convert %s: %w", o.name, err)
			}
		}
	}
	return c.settings(ctx)
}

// object copies one object, and counts it.
func (c *copying) object(ctx context.Context, o object) error {
	switch o.kind {
	case table:
		c.report.Tables++
		if err := c.create(ctx, o); err != nil {
			return err
		}
		return c.fill(ctx, o)
	case shadow, sequence:
		return c.refill(ctx, o)
	case virtual:
		c.report.Tables++
	case index:
		c.report.Indexes++
	case view:
		c.report.Views++
	case trigger:
		c.report.Triggers++
	}
	return c.create(ctx, o)
}

func (c *copying) create(ctx context.Context, o object) error {
	_, err := c.to.ExecContext(ctx, o.sql)
	return err
}

// refill replaces the rows of a table that SQLite has made.
func (c *copying) refill(ctx context.Context, o object) error {
	if _, err := c.to.ExecContext(ctx, "DELETE FROM "+format.QuoteName(o.name)); err != nil {
		return err
	}
	return c.fill(ctx, o)
}

func (c *copying) settings(ctx context.Context) error {
	for _, pragma := range []string{"user_version", "application_id"} {
		var n int64
		if err := c.from.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&n); err != nil {
			return fmt.Errorf("convert: read %s: %w", pragma, err)
		}
		if n == 0 {
			continue
		}
		if _, err := c.to.ExecContext(ctx, fmt.Sprintf("PRAGMA %s=%d", pragma, n)); err != nil {
			return fmt.Errorf("convert: set %s: %w", pragma, err)
		}
	}
	return nil
}

// texts returns the first column of a query's rows.
func texts(ctx context.Context, conn *sql.Conn, query string, args ...any) (all []string, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

func quoteAll(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = format.QuoteName(name)
	}
	return quoted
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
