package shell

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// schemaCommands are those about what is in the database.
func schemaCommands() []Command {
	return []Command{
		{"databases", ".databases", "list the attached databases", 0, 0, (*Shell).databases},
		{"dump", ".dump [TABLE]...", "print the database as SQL", 0, -1, (*Shell).dump},
		{"indexes", ".indexes [TABLE]", "list the indexes", 0, 1, (*Shell).indexes},
		{"schema", ".schema [--indent] [PATTERN]", "print the statements that make the tables", 0, 2, (*Shell).schema},
		{"tables", ".tables [PATTERN]", "list the tables and views", 0, 1, (*Shell).tables},
	}
}

// databaseList are the attached databases but for those that the driver reads AS OF from.
const databaseList = `FROM pragma_database_list WHERE name NOT LIKE 'vdb as of %' ORDER BY seq`

// catalog is the database's schema tables, by their databases' names.
func (s *Shell) catalog(ctx context.Context) (names []string, err error) {
	err = s.each(ctx, func(row []any) error {
		names = append(names, format.Text(row[0]))
		return nil
	}, `SELECT name `+databaseList)
	return names, err
}

// each calls fn with each row of a query.
func (s *Shell) each(ctx context.Context, fn func(row []any) error, query string, args ...any) error {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	return eachRow(rows, len(columns), fn)
}

func (s *Shell) databases(ctx context.Context, _ []string) error {
	return s.each(ctx, func(row []any) error {
		_, err := fmt.Fprintf(s.out, "%s: %s\n", row[0], format.Text(row[1]))
		return err
	}, `SELECT name, coalesce(file, '') `+databaseList)
}

func (s *Shell) tables(ctx context.Context, args []string) error {
	return s.names(ctx, `type IN ('table','view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name LIKE ?1`, args)
}

func (s *Shell) indexes(ctx context.Context, args []string) error {
	return s.names(ctx, `type = 'index' AND tbl_name LIKE ?1`, args)
}

// names prints the names of the objects of all databases that a condition selects.
func (s *Shell) names(ctx context.Context, condition string, args []string) error {
	databases, err := s.catalog(ctx)
	if err != nil {
		return err
	}
	var parts []string
	for _, database := range databases {
		prefix := ""
		if database != "main" {
			prefix = database + "."
		}
		parts = append(parts, fmt.Sprintf("SELECT %s || name FROM %s.sqlite_schema WHERE %s",
			format.Literal(prefix), format.QuoteName(database), condition))
	}
	var names []string
	err = s.each(ctx, func(row []any) error {
		names = append(names, format.Text(row[0]))
		return nil
	}, strings.Join(parts, " UNION ALL ")+" ORDER BY 1", pattern(args))
	printColumns(s.out, names)
	return err
}

// pattern is what LIKE is to match.
func pattern(args []string) string {
	if len(args) == 0 {
		return "%"
	}
	return args[0]
}

// printColumns prints names in as many columns as 80 characters hold, downwards.
func printColumns(w io.Writer, names []string) {
	longest := 0
	for _, name := range names {
		longest = max(longest, utf8.RuneCountInString(name))
	}
	columns := max(1, 80/(longest+2))
	rows := (len(names) + columns - 1) / columns
	for row := range rows {
		for i := row; i < len(names); i += rows {
			if i > row {
				io.WriteString(w, "  ")
			}
			io.WriteString(w, names[i]+strings.Repeat(" ", longest-utf8.RuneCountInString(names[i])))
		}
		io.WriteString(w, "\n")
	}
}

// schema is .schema. A pattern with * ? or [ is a GLOB, any other a LIKE.
func (s *Shell) schema(ctx context.Context, args []string) error {
	layOut, args, err := layOutOf(args)
	if err != nil {
		return err
	}
	databases, err := s.catalog(ctx)
	if err != nil {
		return err
	}
	operator := "LIKE"
	if strings.ContainsAny(pattern(args), "*?[") {
		operator = "GLOB"
	}
	for _, database := range databases {
		err := s.each(ctx, func(row []any) error {
			return s.printSchema(ctx, database, format.Text(row[0]), format.Text(row[1]), layOut(format.Text(row[2])))
		}, fmt.Sprintf(`SELECT type, name, sql FROM %s.sqlite_schema WHERE sql IS NOT NULL AND lower(tbl_name) %s lower(?1) ORDER BY rowid`,
			format.QuoteName(database), operator), pattern(args))
		if err != nil {
			return err
		}
	}
	return nil
}

// layOutOf returns what is to be done with the statements, and the other arguments.
func layOutOf(args []string) (layOut func(string) string, rest []string, err error) {
	layOut = func(text string) string { return text }
	for _, arg := range args {
		switch {
		case arg == "--indent" || arg == "-indent":
			layOut = indented
		case strings.HasPrefix(arg, "-"):
			return nil, nil, fmt.Errorf("schema: unknown option %s; known is --indent", arg)
		default:
			rest = append(rest, arg)
		}
	}
	if len(rest) > 1 {
		return nil, nil, fmt.Errorf("schema: one pattern, not %d", len(rest))
	}
	return layOut, rest, nil
}

// printSchema prints the statement that makes an object, and the columns of those
// whose statement does not show them.
func (s *Shell) printSchema(ctx context.Context, database, kind, name, text string) error {
	if database != "main" {
		text = inDatabase(text, kind, database)
	}
	columns := ""
	if kind == "view" || isVirtual(text) {
		columns = s.columnComment(ctx, database, name)
	}
	_, err := fmt.Fprintln(s.out, sqltext.Terminate(statementText(text)+columns))
	return err
}

func isVirtual(text string) bool {
	return strings.HasPrefix(strings.ToUpper(text), "CREATE VIRTUAL TABLE")
}

// inDatabase puts the database's name before the object's.
func inDatabase(text, kind, database string) string {
	head := "CREATE " + strings.ToUpper(kind) + " "
	if rest, ok := strings.CutPrefix(text, head); ok {
		if !strings.EqualFold(database, "temp") { // a keyword that may stand here
			database = format.Name(database)
		}
		return head + database + "." + rest
	}
	return text
}

// statementText is the text of a statement, which sqlite3 makes repeatable where the
// table's name is quoted.
func statementText(text string) string {
	for _, quote := range []string{`"`, `'`} {
		if rest, ok := strings.CutPrefix(text, "CREATE TABLE "+quote); ok {
			return "CREATE TABLE IF NOT EXISTS " + quote + rest
		}
	}
	return text
}

// columnComment lists the columns of a view; nothing, if the view is broken.
func (s *Shell) columnComment(ctx context.Context, database, name string) string {
	var columns []string
	err := s.each(ctx, func(row []any) error {
		columns = append(columns, format.Name(format.Text(row[0])))
		return nil
	}, `SELECT name FROM pragma_table_info(?1, ?2)`, name, database)
	if err != nil || len(columns) == 0 {
		return ""
	}
	if database != "main" {
		name = database + "." + name
	}
	return fmt.Sprintf("\n/* %s(%s) */", format.Name(name), strings.Join(columns, ","))
}
