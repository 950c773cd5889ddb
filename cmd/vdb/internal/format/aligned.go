package format

import (
	"bufio"
	"strings"
	"unicode/utf8"
)

// wrapAt is where the aligned modes break values of columns without a width.
const wrapAt = 60

// aligned prints columns below each other. It keeps all rows until Close, for the
// widths follow from them.
type aligned struct {
	style   Style
	out     *bufio.Writer
	columns []string
	rows    [][]cell
	widths  []int
	broken  bool // a cell has several lines
}

// cell is a value, cut into lines.
type cell []string

func (a *aligned) Row(values []any) error {
	if a.rows == nil {
		a.widths = make([]int, len(a.columns))
		a.rows = append(a.rows, a.cells(func(i int) string { return a.columns[i] }))
		a.broken = false
	}
	a.rows = append(a.rows, a.cells(func(i int) string { return a.style.text(values[i]) }))
	return nil
}

// cells cuts a row's texts into lines, and lets them widen the columns.
func (a *aligned) cells(text func(column int) string) []cell {
	row := make([]cell, len(a.columns))
	for i := range row {
		width := max(a.wish(i), -a.wish(i))
		a.widths[i] = max(a.widths[i], width)
		if width == 0 {
			width = wrapAt
		}
		row[i] = linesOf(text(i), width)
		for _, line := range row[i] {
			a.widths[i] = max(a.widths[i], length(line))
		}
		a.broken = a.broken || len(row[i]) > 1
	}
	return row
}

// wish is the width that the user gave a column, 0 for none.
func (a *aligned) wish(column int) int {
	if column < len(a.style.Widths) {
		return a.style.Widths[column]
	}
	return 0
}

// linesOf cuts text at control characters and at a width, and replaces tabs.
func linesOf(text string, width int) cell {
	var lines cell
	var line strings.Builder
	n := 0
	cut := func() {
		lines = append(lines, line.String())
		line.Reset()
		n = 0
	}
	for i, r := range text {
		switch {
		case r == '\t':
			stop := min(n/8*8+8, width)
			line.WriteString(spaces(stop - n))
			n = max(n, stop)
		case r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case r < ' ':
			cut()
		default:
			if n >= width {
				cut()
			}
			_, size := utf8.DecodeRuneInString(text[i:])
			line.WriteString(text[i : i+size])
			n++
		}
	}
	if n > 0 || len(lines) == 0 {
		cut()
	}
	return lines
}

func (a *aligned) Close() error {
	if len(a.rows) > 0 {
		frame := frameOf(a.style.Mode)
		a.header(frame)
		for i, row := range a.rows[1:] {
			if i > 0 && a.broken {
				a.rule(frame.between)
			}
			a.row(frame, row)
		}
		a.rule(frame.bottom)
	}
	return a.out.Flush()
}

func (a *aligned) header(f frame) {
	if f.side == "" && !a.style.Headers {
		return
	}
	a.rule(f.top)
	a.out.WriteString(f.left())
	for i, c := range a.rows[0] {
		if i > 0 {
			a.out.WriteString(f.inner)
		}
		if f.side == "" {
			a.out.WriteString(a.pad(i, c[0]))
			continue
		}
		room := a.widths[i] - length(c[0])
		a.out.WriteString(spaces(room/2) + c[0] + spaces(room-room/2))
	}
	a.out.WriteString(f.right() + "\n")
	a.rule(f.below)
}

// row prints the lines of a row's cells.
func (a *aligned) row(f frame, row []cell) {
	height := 1
	for _, c := range row {
		height = max(height, len(c))
	}
	for n := range height {
		a.out.WriteString(f.left())
		for i, c := range row {
			if i > 0 {
				a.out.WriteString(f.inner)
			}
			line := ""
			if n < len(c) {
				line = c[n]
			}
			a.out.WriteString(a.pad(i, line))
		}
		a.out.WriteString(f.right() + "\n")
	}
}

// pad fills a line up to its column's width.
func (a *aligned) pad(column int, line string) string {
	room := spaces(a.widths[column] - length(line))
	if a.wish(column) < 0 {
		return room + line
	}
	return line + room
}

// rule prints a line across all columns.
func (a *aligned) rule(r rule) {
	if r == (rule{}) {
		return
	}
	a.out.WriteString(r.left)
	for i, width := range a.widths {
		if i > 0 {
			a.out.WriteString(r.cross)
		}
		a.out.WriteString(strings.Repeat(r.dash, width+r.more))
	}
	a.out.WriteString(r.right + "\n")
}

func length(text string) int { return utf8.RuneCountInString(text) }

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }
