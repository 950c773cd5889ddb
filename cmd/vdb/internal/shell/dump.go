package shell

import (
	"bufio"
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// dump is .dump: statements that make the database anew, or the tables that fit the
// patterns. They can be read by sqlite3 as well.
//
// Where sqlite3 writes the schema of a virtual table directly, which vdb does not
// permit, here the table is created and then the rows of its shadow tables replaced.
func (s *Shell) dump(ctx context.Context, args []string) error {
	d := &dumper{shell: s, out: bufio.NewWriter(s.out), patterns: args}
	fmt.Fprint(d.out, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n")
	err := d.all(ctx)
	end := "COMMIT;\n"
	if err != nil {
		end = "ROLLBACK; -- due to errors\n"
	}
	fmt.Fprint(d.out, end)
	if e := d.out.Flush(); err == nil {
		err = e
	}
	return err
}

type dumper struct {
	shell    *Shell
	out      *bufio.Writer
	patterns []string
}

// object is a row of the schema table.
type object struct{ kind, name, sql string }

func (d *dumper) all(ctx context.Context) error {
	shadows, err := d.shadows(ctx)
	if err != nil {
		return err
	}
	tables, err := d.objects(ctx, `type = 'table' ORDER BY tbl_name = 'sqlite_sequence', rowid`)
	if err != nil {
		return err
	}
	// A shadow table is there when its virtual table has been made.
	isShadow := func(o object) int { return map[bool]int{true: 1}[shadows[o.name]] }
	sort.SliceStable(tables, func(i, j int) bool { return isShadow(tables[i]) < isShadow(tables[j]) })
	for _, t := range tables {
		if err := d.table(ctx, t, shadows[t.name]); err != nil {
			return fmt.Errorf("dump %s: %w", t.name, err)
		}
	}
	others, err := d.objects(ctx, `type IN ('index','trigger','view') ORDER BY rowid`)
	for _, o := range others {
		fmt.Fprintln(d.out, sqltext.Terminate(o.sql))
	}
	return err
}

// shadows returns the tables that virtual tables keep their content in.
func (d *dumper) shadows(ctx context.Context) (map[string]bool, error) {
	names := map[string]bool{}
	err := d.shell.each(ctx, func(row []any) error {
		names[format.Text(row[0])] = true
		return nil
	}, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'`)
	return names, err
}

// dumped is the condition that an object fits pattern %[1]d, or is a shadow table of a
// virtual table that does.
const dumped = `name LIKE ?%[1]d ESCAPE '\' OR EXISTS (
	SELECT 1 FROM sqlite_schema AS v JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = o.name
	WHERE l.type = 'shadow' AND v.sql LIKE 'CREATE VIRTUAL TABLE%%' AND v.name LIKE ?%[1]d ESCAPE '\'
	AND substr(o.name, 1, length(v.name) + 1) = v.name || '_')`

func (d *dumper) objects(ctx context.Context, condition string) ([]object, error) {
	var args []any
	var likes []string
	for _, p := range d.patterns {
		args = append(args, p)
		likes = append(likes, fmt.Sprintf(dumped, len(args)))
	}
	where := ""
	if likes != nil {
		where = "(" + strings.Join(likes, " OR ") + ") AND "
	}
	var all []object
	err := d.shell.each(ctx, func(row []any) error {
		all = append(all, object{format.Text(row[0]), format.Text(row[1]), format.Text(row[2])})
		return nil
	}, `SELECT type, name, sql FROM sqlite_schema AS o WHERE sql IS NOT NULL AND `+where+condition, args...)
	return all, err
}

// table prints the statement that makes a table, and its rows.
func (d *dumper) table(ctx context.Context, t object, shadow bool) error {
	switch {
	case t.name == "sqlite_sequence":
		fmt.Fprint(d.out, "DELETE FROM sqlite_sequence;\n")
	case strings.HasPrefix(t.name, "sqlite_stat"):
		fmt.Fprint(d.out, "ANALYZE sqlite_schema;\n")
	case strings.HasPrefix(t.name, "sqlite_"):
		return nil
	case isVirtual(t.sql):
		_, err := fmt.Fprintln(d.out, sqltext.Terminate(t.sql))
		return err
	case shadow:
		fmt.Fprintf(d.out, "DELETE FROM %s;\n", format.Name(t.name))
	default:
		fmt.Fprintln(d.out, sqltext.Terminate(statementText(t.sql)))
	}
	return d.rows(ctx, t.name)
}

func (d *dumper) rows(ctx context.Context, table string) error {
	columns, err := d.shell.storedColumns(ctx, table)
	if err != nil || len(columns) == 0 {
		return err
	}
	style := format.New()
	style.Mode, style.Table = format.Insert, table
	w := style.NewWriter(d.out, columns)
	var expressions []string
	for _, column := range columns {
		expressions = append(expressions, "+"+format.QuoteName(column)) // see untimed
	}
	err = d.shell.each(ctx, w.Row, fmt.Sprintf("SELECT %s FROM %s", strings.Join(expressions, ","), format.QuoteName(table)))
	if e := w.Close(); err == nil {
		err = e
	}
	return err
}

// storedColumns returns the columns of a table that are neither generated nor hidden.
func (s *Shell) storedColumns(ctx context.Context, table string) (columns []string, err error) {
	err = s.each(ctx, func(row []any) error {
		columns = append(columns, format.Text(row[0]))
		return nil
	}, `SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid`, table)
	return columns, err
}
