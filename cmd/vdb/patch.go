package main

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

// patch prints the statements of dolt_patch, which knows SQL's part of the schema, as a
// script that drops tables without their references' actions.
func (c *diffCmd) patch(ctx context.Context, con *console, db *vdb.DB) error {
	conn, _, err := openSQL(ctx, db.Path(), c.Branch, true)
	if err != nil {
		return err
	}
	defer conn.Close()
	args := []any{c.From}
	if c.To != "" {
		args = append(args, c.To)
	}
	if c.Table != "" {
		args = append(args, c.Table)
	}
	query := "SELECT statement FROM dolt_patch(" + []string{"?1", "?1,?2", "?1,?2,?3"}[len(args)-1] + ") ORDER BY statement_order"
	rows, err := conn.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	fmt.Fprintln(con.out, "PRAGMA foreign_keys=OFF;")
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			return err
		}
		fmt.Fprintln(con.out, statement)
	}
	return rows.Err()
}
