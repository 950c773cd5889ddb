package shell

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

// rowImport is one .import.
type rowImport struct {
	shell       *Shell
	file, table string
	schema      string
	skip        int
	in          *fieldReader
}

// importRows is .import.
func (s *Shell) importRows(ctx context.Context, args []string) error {
	im, err := s.parseImport(args)
	if err != nil {
		return err
	}
	file, err := os.Open(im.file)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer file.Close()
	im.in.in = bufio.NewReaderSize(file, 1<<16)
	return s.inTransaction(ctx, func() error { return im.run(ctx) })
}

// parseImport reads the arguments. Without --csv or --ascii the separators are those in which
// results are printed.
func (s *Shell) parseImport(args []string) (*rowImport, error) {
	im := &rowImport{shell: s, in: &fieldReader{
		separator: s.Style.ColumnSeparator, row: s.Style.RowSeparator,
	}}
	im.in.warn = func(what string) { s.warn("%s:%d: %s", im.file, im.in.line, what) }
	usage, err := find("import")
	if err != nil {
		return nil, err
	}
	var names []string
	for i := 0; i < len(args); i++ {
		switch arg := "--" + strings.TrimLeft(args[i], "-"); {
		case !strings.HasPrefix(args[i], "-"):
			names = append(names, args[i])
		case arg == "--csv":
			im.in.separator, im.in.row = ",", "\n"
		case arg == "--ascii":
			im.in.separator, im.in.row, im.in.unquoted = "\x1f", "\x1e", true
		case (arg == "--skip" || arg == "--schema") && i+1 < len(args):
			i++
			if err := im.option(arg, args[i]); err != nil {
				return nil, err
			}
		default:
			return nil, errUsage(usage)
		}
	}
	if len(names) != 2 {
		return nil, errUsage(usage)
	}
	if im.in.row == "\r\n" {
		im.in.row = "\n"
	}
	if im.in.separator == "" || im.in.row == "" {
		return nil, errors.New("import needs separators; set them with .separator, or use --csv or --ascii")
	}
	im.file, im.table = names[0], names[1]
	return im, nil
}

func (im *rowImport) option(name, value string) (err error) {
	if name == "--schema" {
		im.schema = value
		return nil
	}
	if im.skip, err = strconv.Atoi(value); err != nil || im.skip < 0 {
		return fmt.Errorf("import: --skip %q is no number of records", value)
	}
	return nil
}

// inTransaction runs fn in a transaction, unless one is open. What fn did stays even
// where it failed on some rows: they were reported.
func (s *Shell) inTransaction(ctx context.Context, fn func() error) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		if !strings.Contains(err.Error(), "within a transaction") {
			return err
		}
		return fn()
	}
	err := fn()
	// The end must be reached after Ctrl-C, too.
	if _, e := s.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err == nil {
		err = e
	}
	return err
}

func (im *rowImport) run(ctx context.Context) error {
	for range im.skip {
		if _, err := im.in.record(); err != nil {
			return im.ended(err)
		}
	}
	columns, err := im.columns(ctx)
	if err != nil {
		return im.ended(err)
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", columns), ",")
	insert, err := im.shell.conn.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES(%s)", im.target(), marks))
	if err != nil {
		return fmt.Errorf("import into %s: %w", im.table, err)
	}
	defer insert.Close()
	return im.rows(ctx, insert, columns)
}

// ended says what is wrong with a file that has ended too early.
func (im *rowImport) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("import %s: the file has no rows", im.file)
	}
	return err
}

func (im *rowImport) target() string {
	if im.schema != "" {
		return format.QuoteName(im.schema) + "." + format.QuoteName(im.table)
	}
	return format.QuoteName(im.table)
}

// columns returns how many values a row has; it makes the table, with the columns that
// the first record names, if there is none.
func (im *rowImport) columns(ctx context.Context) (int, error) {
	n, err := im.tableColumns(ctx)
	if err != nil || n > 0 {
		return n, err
	}
	header, err := im.in.record()
	if err != nil {
		return 0, err
	}
	var definitions []string
	for _, name := range header {
		definitions = append(definitions, format.QuoteName(name)+" TEXT")
	}
	_, err = im.shell.conn.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s(\n%s)", im.target(), strings.Join(definitions, ", ")))
	if err != nil {
		return 0, fmt.Errorf("import into %s: %w", im.table, err)
	}
	return len(header), nil
}

func (im *rowImport) tableColumns(ctx context.Context) (n int, err error) {
	schema := sql.NullString{String: im.schema, Valid: im.schema != ""}
	err = im.shell.conn.QueryRowContext(ctx,
		`SELECT count(*) FROM pragma_table_xinfo(?1, ?2) WHERE hidden = 0`, im.table, schema).Scan(&n)
	return n, err
}

// rows inserts the records that follow. Rows that are refused are reported, and left
// out.
func (im *rowImport) rows(ctx context.Context, insert *sql.Stmt, columns int) error {
	values := make([]any, columns)
	for {
		record, err := im.in.record()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("import %s: %w", im.file, err)
		}
		im.fit(record, values)
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			im.shell.failed = true
			im.shell.warn("%s:%d: INSERT failed: %s", im.file, im.in.line, Message(err))
		}
	}
}

// fit makes the values of a row from a record; what it lacks is NULL, what it has
// beyond the columns is left out.
func (im *rowImport) fit(record []string, values []any) {
	if len(record) < len(values) {
		im.shell.warn("%s:%d: expected %d columns but found %d - filling the rest with NULL", im.file, im.in.line, len(values), len(record))
	}
	if len(record) > len(values) {
		im.shell.warn("%s:%d: expected %d columns but found %d - extras ignored", im.file, im.in.line, len(values), len(record))
	}
	for i := range values {
		values[i] = nil
		if i < len(record) {
			values[i] = record[i]
		}
	}
}
