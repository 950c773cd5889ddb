package format

import (
	"fmt"
	"strings"
)

// printer prints the parts of a result in a mode that prints rows as they come.
type printer struct {
	header func(*stream)
	row    func(*stream, []any)
	end    func(*stream)
}

func printers() map[Mode]printer {
	list := printer{header: headerOf(plain), row: rowOf(Style.text)}
	return map[Mode]printer{
		List:   list,
		Tabs:   list,
		CSV:    {header: headerOf(Style.csvField), row: rowOf(Style.csvValue)},
		Quote:  {header: headerOf(quoted), row: rowOf(func(_ Style, v any) string { return Literal(v) })},
		Line:   {row: lineRow},
		Insert: {row: insertRow},
		JSON:   {row: jsonRow, end: func(s *stream) { s.out.WriteString("]\n") }},
		HTML:   {header: htmlHeader, row: htmlRow},
	}
}

func plain(_ Style, name string) string { return name }

func quoted(_ Style, name string) string { return quoteText(name) }

// headerOf prints the columns' names between separators.
func headerOf(field func(Style, string) string) func(*stream) {
	return func(s *stream) {
		for i, name := range s.columns {
			if i > 0 {
				s.out.WriteString(s.style.ColumnSeparator)
			}
			s.out.WriteString(field(s.style, name))
		}
		s.out.WriteString(s.style.RowSeparator)
	}
}

// rowOf prints values between separators.
func rowOf(value func(Style, any) string) func(*stream, []any) {
	return func(s *stream, values []any) {
		for i, v := range values {
			if i > 0 {
				s.out.WriteString(s.style.ColumnSeparator)
			}
			s.out.WriteString(value(s.style, v))
		}
		s.out.WriteString(s.style.RowSeparator)
	}
}

func (s Style) csvValue(v any) string {
	if v == nil {
		return s.Null
	}
	return s.csvField(Text(v))
}

// csvField quotes a field that is empty, holds a separator, or holds a byte other
// than a printable ASCII character without quotes.
func (s Style) csvField(field string) string {
	odd := func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' || r >= 0x7f }
	if field != "" && !strings.ContainsFunc(field, odd) && !strings.Contains(field, s.ColumnSeparator) {
		return field
	}
	return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
}

func lineRow(s *stream, values []any) {
	width := 5
	for _, name := range s.columns {
		width = max(width, length(name))
	}
	if s.rows > 0 {
		s.out.WriteString(s.style.RowSeparator)
	}
	for i, v := range values {
		name := s.columns[i]
		fmt.Fprintf(s.out, "%s%s = %s%s", spaces(width-length(name)), name, s.style.text(v), s.style.RowSeparator)
	}
}

func insertRow(s *stream, values []any) {
	fmt.Fprintf(s.out, "INSERT INTO %s", Name(s.style.Table))
	if s.style.Headers {
		for i, name := range s.columns {
			s.out.WriteByte("(,"[min(i, 1)])
			s.out.WriteString(Name(name))
		}
		s.out.WriteByte(')')
	}
	s.out.WriteString(" VALUES(")
	for i, v := range values {
		if i > 0 {
			s.out.WriteByte(',')
		}
		s.out.WriteString(lineLiteral(v))
	}
	s.out.WriteString(");\n")
}

func jsonRow(s *stream, values []any) {
	s.out.WriteString([]string{"[{", ",\n{"}[min(s.rows, 1)])
	for i, v := range values {
		if i > 0 {
			s.out.WriteByte(',')
		}
		writeJSON(s.out, s.columns[i])
		s.out.WriteByte(':')
		writeJSON(s.out, v)
	}
	s.out.WriteByte('}')
}

func htmlHeader(s *stream) {
	s.out.WriteString("<TR>")
	for _, name := range s.columns {
		fmt.Fprintf(s.out, "<TH>%s</TH>\n", escapeHTML(name))
	}
	s.out.WriteString("</TR>\n")
}

func htmlRow(s *stream, values []any) {
	s.out.WriteString("<TR>")
	for _, v := range values {
		fmt.Fprintf(s.out, "<TD>%s</TD>\n", escapeHTML(s.style.text(v)))
	}
	s.out.WriteString("</TR>\n")
}

func escapeHTML(text string) string {
	return strings.NewReplacer("<", "&lt;", "&", "&amp;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(text)
}
