package format

import (
	"bufio"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text returns a value as SQLite converts it to TEXT, up to its first NUL; NULL is
// empty.
func Text(v any) string {
	text := whole(v)
	if i := strings.IndexByte(text, 0); i >= 0 {
		return text[:i]
	}
	return text
}

// whole is Text with all that follows a NUL.
func whole(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return Real(v)
	case bool:
		return strconv.Itoa(map[bool]int{true: 1}[v])
	case []byte:
		return string(v)
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999999-07:00")
	}
	return fmt.Sprint(v)
}

// text is Text with the style's word for NULL.
func (s Style) text(v any) string {
	if v == nil {
		return s.Null
	}
	return Text(v)
}

// Literal returns the SQL literal of a value.
func Literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case float64:
		return realLiteral(v)
	case []byte:
		return fmt.Sprintf("X'%x'", v)
	case int64, bool:
		return Text(v)
	}
	return quoteText(whole(v))
}

func realLiteral(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "1e999"
	case math.IsInf(f, -1):
		return "-1e999"
	}
	return Real(f)
}

// quoteText puts text in quotes; text that no literal can hold is converted from a
// blob.
func quoteText(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		return fmt.Sprintf("CAST(X'%x' AS TEXT)", text)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// lineLiteral is a Literal without line breaks, so that a statement has one line.
func lineLiteral(v any) string {
	literal := Literal(v)
	if !strings.ContainsAny(literal, "\r\n") {
		return literal
	}
	newline, back := unused(literal, `\n`, `\012`), unused(literal, `\r`, `\015`)
	before, after := "", ""
	if strings.Contains(literal, "\n") {
		literal = strings.ReplaceAll(literal, "\n", newline)
		before, after = "replace(", ",'"+newline+"',char(10))"
	}
	if strings.Contains(literal, "\r") {
		literal = strings.ReplaceAll(literal, "\r", back)
		before, after = before+"replace(", ",'"+back+"',char(13))"+after
	}
	return before + literal + after
}

// unused returns the first of two strings, or else a new one, that text lacks.
func unused(text, a, b string) string {
	if !strings.Contains(text, a) {
		return a
	}
	for name, i := b, 0; ; i++ {
		if !strings.Contains(text, name) {
			return name
		}
		name = fmt.Sprintf("(%s%d)", a, i)
	}
}

// writeJSON prints a value as JSON. The bytes of a blob are taken for text.
func writeJSON(w *bufio.Writer, v any) {
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case int64, bool:
		w.WriteString(Text(v))
	case float64:
		w.WriteString(realLiteral(v))
	default:
		writeJSONText(w, whole(v))
	}
}

func writeJSONText(w *bufio.Writer, text string) {
	w.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			w.WriteByte('\\')
			w.WriteByte(c)
		case c >= '\b' && c <= '\r' && c != '\v':
			w.WriteByte('\\')
			w.WriteByte("btn_fr"[c-'\b'])
		case c < ' ':
			fmt.Fprintf(w, `\u%04x`, c)
		default:
			w.WriteByte(c)
		}
	}
	w.WriteByte('"')
}
