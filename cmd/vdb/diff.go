package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

type diffCmd struct {
	DB     string `arg:"positional,required" placeholder:"DB" help:"The database."`
	From   string `arg:"positional,required" placeholder:"FROM" help:"A revision, or a range a..b or a...b."`
	To     string `arg:"positional" placeholder:"TO" help:"A revision; the branch's uncommitted state if left out."`
	Branch string `arg:"-b,--branch" default:"main" help:"The branch whose HEAD, WORKING and STAGED are meant."`
	Table  string `arg:"--table" help:"Show this table alone."`
	Stat   bool   `arg:"--stat" help:"Count the rows."`
	SQL    bool   `arg:"--sql" help:"Print statements that lead from one to the other."`
}

// Run prints what changed, table by table.
func (c *diffCmd) Run(ctx context.Context, con *console) error {
	if err := exclusive(c.Stat, c.SQL, "--stat and --sql"); err != nil {
		return err
	}
	db, err := openExisting(ctx, c.DB, true)
	if err != nil {
		return err
	}
	defer db.Close()
	branch, err := db.Branch(ctx, c.Branch)
	if err != nil {
		return err
	}
	if c.To == "" && !strings.Contains(c.From, "..") {
		c.To = "WORKING"
	}
	if c.SQL {
		return c.patch(ctx, con, db)
	}
	return c.print(con.out, branch.Diff(ctx, c.From, c.To))
}

func (c *diffCmd) print(w io.Writer, diff *vdb.Diff) error {
	found := false
	for change, err := range diff.Tables() {
		if err != nil {
			return err
		}
		if c.Table != "" && c.Table != change.From && c.Table != change.To {
			continue
		}
		found = true
		if err := c.table(w, diff, &change); err != nil {
			return err
		}
	}
	if c.Table != "" && !found {
		return c.known(diff)
	}
	return nil
}

// known tells a table that did not change from one that there is none of.
func (c *diffCmd) known(diff *vdb.Diff) error {
	_, err := diff.To().Schema(c.Table)
	return err
}

func (c *diffCmd) table(w io.Writer, diff *vdb.Diff, change *vdb.TableChange) error {
	counts, err := diff.Count(change.Name())
	if err != nil {
		return err
	}
	title := change.Name()
	if change.Renamed() {
		title = change.From + " -> " + change.To
	}
	rows := ""
	if counts.Total() > 0 {
		rows = ": " + counts.String()
	}
	if c.Stat {
		fmt.Fprintf(w, "%s%s%s\n", title, tableNote(change), rows)
		return nil
	}
	fmt.Fprintf(w, "table %s%s%s\n", title, tableNote(change), rows)
	printSchemaChange(w, &change.Schema)
	return printRows(w, diff, change)
}

// tableNote says what happened to the table as a whole.
func tableNote(change *vdb.TableChange) string {
	switch {
	case change.Kind != vdb.Modified:
		return " (" + string(change.Kind) + ")"
	case !change.Schema.IsEmpty():
		return " (schema changed)"
	}
	return ""
}

func printSchemaChange(w io.Writer, s *vdb.SchemaChange) {
	for _, c := range s.Columns {
		fmt.Fprintf(w, "  column %s\n", partChange(c, func(c *vdb.Column) string { return strings.TrimSpace(c.Name + " " + c.Type) }))
	}
	for _, x := range s.Indexes {
		fmt.Fprintf(w, "  index %s\n", partChange(x, func(x *vdb.Index) string { return x.Name }))
	}
	for _, fk := range s.ForeignKeys {
		fmt.Fprintf(w, "  foreign key %s\n", partChange(fk, func(fk *vdb.ForeignKey) string { return "(" + strings.Join(fk.Columns, ", ") + ")" }))
	}
	if s.PrimaryKey {
		fmt.Fprintln(w, "  primary key modified")
	}
}

func partChange[T any](c vdb.PartChange[T], name func(*T) string) string {
	switch c.Kind() {
	case vdb.Added:
		return name(c.To) + " added"
	case vdb.Deleted:
		return name(c.From) + " deleted"
	}
	if name(c.From) != name(c.To) {
		return name(c.From) + " -> " + name(c.To)
	}
	return name(c.To) + " modified"
}

// printRows prints + for a row that was added, - for one that was deleted, and ~ for
// one that was modified, of which it shows the key and the cells that differ.
func printRows(w io.Writer, diff *vdb.Diff, change *vdb.TableChange) error {
	for row, err := range diff.Rows(change.Name()) {
		if err != nil {
			return err
		}
		switch row.Kind {
		case vdb.Added:
			fmt.Fprintf(w, "  + %s\n", cells(change.ToSchema, row.To))
		case vdb.Deleted:
			fmt.Fprintf(w, "  - %s\n", cells(change.FromSchema, row.From))
		default:
			fmt.Fprintf(w, "  ~ %s:%s\n", keyText(change.ToSchema, row.Key), cellChanges(&row))
		}
	}
	return nil
}

func cells(s *vdb.Schema, row vdb.Row) string {
	parts := make([]string, len(row))
	for i, v := range row {
		parts[i] = s.Columns[i].Name + "=" + format.Literal(v.Any())
	}
	return strings.Join(parts, " ")
}

func cellChanges(row *vdb.RowChange) string {
	var b strings.Builder
	for _, column := range row.Columns {
		fmt.Fprintf(&b, " %s %s -> %s", column, format.Literal(row.Before(column).Any()), format.Literal(row.After(column).Any()))
	}
	return b.String()
}

// keyText names a row by its key.
func keyText(s *vdb.Schema, key []vdb.Value) string {
	names := s.PrimaryKey
	if len(names) != len(key) {
		names = []string{"rowid"}
	}
	parts := make([]string, len(key))
	for i, v := range key {
		parts[i] = names[i] + "=" + format.Literal(v.Any())
	}
	return strings.Join(parts, " ")
}
