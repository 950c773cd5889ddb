package format

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Style is how results are printed. Make one with [New]: the zero Style has no
// separators.
type Style struct {
	Mode Mode
	// Headers prints the columns' names. Table, box and markdown have them anyway.
	Headers bool
	// ColumnSeparator and RowSeparator end values and rows in the modes list, csv,
	// tabs and quote.
	ColumnSeparator, RowSeparator string
	// Null stands for NULL where the mode has no word of its own for it.
	Null string
	// Widths are the columns' widths in the aligned modes: the least, and where
	// longer values are broken; negative aligns right, 0 follows the values.
	Widths []int
	// Table is the name in INSERT statements.
	Table string
}

// Mode names a way to print rows.
type Mode string

// The modes.
const (
	List     Mode = "list"
	CSV      Mode = "csv"
	Column   Mode = "column"
	Table    Mode = "table"
	Box      Mode = "box"
	Line     Mode = "line"
	JSON     Mode = "json"
	Insert   Mode = "insert"
	Quote    Mode = "quote"
	Tabs     Mode = "tabs"
	Markdown Mode = "markdown"
	HTML     Mode = "html"
)

// Modes returns all modes, by name.
func Modes() []Mode {
	modes := []Mode{List, CSV, Column, Table, Box, Line, JSON, Insert, Quote, Tabs, Markdown, HTML}
	slices.Sort(modes)
	return modes
}

// New returns the style that a shell begins with: list mode.
func New() Style {
	return Style{Mode: List, ColumnSeparator: "|", RowSeparator: "\n", Table: "table"}
}

// Use changes the mode, and the separators to those that belong to it.
func (s *Style) Use(m Mode) error {
	if !slices.Contains(Modes(), m) {
		return fmt.Errorf("no mode %q; there are %s", m, names(Modes()))
	}
	s.Mode = m
	switch m {
	case List:
		s.ColumnSeparator, s.RowSeparator = "|", "\n"
	case Tabs:
		s.ColumnSeparator, s.RowSeparator = "\t", "\n"
	case CSV:
		s.ColumnSeparator, s.RowSeparator = ",", "\r\n"
	case Quote:
		s.ColumnSeparator, s.RowSeparator = ",", "\n"
	case Line, Column:
		s.RowSeparator = "\n"
	}
	return nil
}

func names(modes []Mode) string {
	var b strings.Builder
	for i, m := range modes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(m))
	}
	return b.String()
}

// Writer prints the rows of one result. It is for one goroutine.
type Writer interface {
	// Row prints a row, or keeps it until Close where the mode has to know all rows.
	// The values may be reused by the caller.
	Row(values []any) error
	// Close prints what is left. It does not close the underlying writer.
	Close() error
}

// NewWriter returns a Writer for a result with the columns of these names. A result
// without a row prints nothing.
func (s Style) NewWriter(w io.Writer, columns []string) Writer {
	switch s.Mode {
	case Column, Table, Box, Markdown:
		return &aligned{style: s, out: bufio.NewWriter(w), columns: columns}
	}
	return &stream{style: s, out: bufio.NewWriter(w), columns: columns, print: printers()[s.Mode]}
}

// stream prints rows as they come.
type stream struct {
	style   Style
	out     *bufio.Writer
	columns []string
	rows    int
	print   printer
}

func (s *stream) Row(values []any) error {
	if s.rows == 0 && s.style.Headers && s.print.header != nil {
		s.print.header(s)
	}
	s.print.row(s, values)
	s.rows++
	return s.flushed()
}

// flushed sends rows on in large pieces; the error of a bufio.Writer stays.
func (s *stream) flushed() error {
	if s.out.Available() < 512 {
		return s.out.Flush()
	}
	return nil
}

func (s *stream) Close() error {
	if s.rows > 0 && s.print.end != nil {
		s.print.end(s)
	}
	return s.out.Flush()
}
