package convert

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

// kind is what an object is, in so far as it is copied in a way of its own.
type kind int

const (
	table kind = iota
	virtual
	shadow
	sequence
	index
	view
	trigger
	skipped
)

// object is a row of the schema table.
type object struct {
	kind kind
	name string
	sql  string
	rows int64
}

// plan reads what the source has, and sees that the target has none of it.
func (c *copying) plan(ctx context.Context) error {
	shadows, err := texts(ctx, c.from, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'`)
	if err != nil {
		return fmt.Errorf("convert: list tables: %w", err)
	}
	if err := c.list(ctx, shadows); err != nil {
		return fmt.Errorf("convert: list objects: %w", err)
	}
	if err := c.free(ctx); err != nil {
		return err
	}
	for i := range c.objects {
		o := &c.objects[i]
		if o.kind > sequence || o.kind == virtual {
			continue
		}
		err := c.from.QueryRowContext(ctx, "SELECT count(*) FROM "+format.QuoteName(o.name)).Scan(&o.rows)
		if err != nil {
			return fmt.Errorf("convert %s: count rows: %w", o.name, err)
		}
		c.all += o.rows
	}
	return nil
}

func (c *copying) list(ctx context.Context, shadows []string) error {
	rows, err := c.from.QueryContext(ctx, `SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o object
		var typ string
		if err := rows.Scan(&typ, &o.name, &o.sql); err != nil {
			return err
		}
		if o.kind = kindOf(typ, o, shadows); o.kind != skipped {
			c.objects = append(c.objects, o)
		}
	}
	return rows.Err()
}

func kindOf(typ string, o object, shadows []string) kind {
	switch {
	case typ == "index":
		return index
	case typ == "view":
		return view
	case typ == "trigger":
		return trigger
	case o.name == "sqlite_sequence":
		return sequence
	case strings.HasPrefix(o.name, "sqlite_"):
		return skipped
	case strings.HasPrefix(strings.ToUpper(o.sql), "CREATE VIRTUAL TABLE"):
		return virtual
	case slices.Contains(shadows, o.name):
		return shadow
	}
	return table
}

// free sees that the names of tables and views are free in the target.
func (c *copying) free(ctx context.Context) error {
	taken, err := texts(ctx, c.to, `SELECT lower(name) FROM sqlite_schema WHERE type IN ('table','view')`)
	if err != nil {
		return fmt.Errorf("convert: list the target's tables: %w", err)
	}
	for _, o := range c.objects {
		if (o.kind == table || o.kind == virtual || o.kind == view) && slices.Contains(taken, strings.ToLower(o.name)) {
			return fmt.Errorf("convert: %s is %w; drop or rename it first", o.name, ErrExists)
		}
	}
	return nil
}
