package shell

import (
	"strings"

	"github.com/vdbgo/vdb/internal/sqltext"
)

// longLine is the length from which on a statement is put on several lines.
const longLine = 79

// indented lays a statement of a schema out as .schema --indent does: on one line if it
// fits, else with a line for each thing between the outermost parentheses. Views and
// triggers stay as they were written.
func indented(text string) string {
	if kind := sqltext.Parse(text).Kind; kind == sqltext.KindCreateView || kind == sqltext.KindCreateTrigger {
		return text
	}
	text = tight(text)
	if len(text) < longLine {
		return text
	}
	var out strings.Builder
	depth, done, opened := 0, 0, false
	scan := sqltext.NewScanner(text)
	for t := scan.Next(); t.Kind != sqltext.EOF; t = scan.Next() {
		switch {
		case t.Kind == sqltext.LeftParen:
			depth++
		case t.Kind == sqltext.RightParen:
			if depth--; depth == 0 && opened {
				out.WriteString(strings.TrimRight(text[done:t.Start], " ") + "\n")
				done = t.Start
			}
		}
		if t.Start >= done && depth == 1 && breaks(t, text) {
			out.WriteString(strings.TrimRight(text[done:t.End], "\n") + "\n  ")
			done = len(text) - len(strings.TrimLeft(text[t.End:], " \t\r\n"))
			opened = true
		}
	}
	out.WriteString(text[done:])
	return out.String()
}

// breaks tells whether a line ends after a token between the outermost parentheses.
func breaks(t sqltext.Token, text string) bool {
	switch t.Kind {
	case sqltext.LeftParen:
		return true
	case sqltext.Comma:
		return !commentFollows(text[t.End:])
	}
	return t.Kind == sqltext.Space && text[t.Start] == '\n'
}

// commentFollows tells whether a comment to the end of the line comes next.
func commentFollows(text string) bool { return strings.HasPrefix(strings.TrimLeft(text, " \t"), "--") }

// tight makes a run of blanks one, and none of those beside parentheses where sqlite3
// does.
func tight(text string) string {
	var out strings.Builder
	last := byte('(')
	scan := sqltext.NewScanner(text)
	for t := scan.Next(); t.Kind != sqltext.EOF; t = scan.Next() {
		piece := t.Of(text)
		if t.Kind == sqltext.Space {
			if last == '(' {
				continue
			}
			piece = piece[:1]
		} else if t.Kind == sqltext.LeftParen || t.Kind == sqltext.RightParen {
			if line := out.String(); strings.TrimRight(line, " \t\r\n") != line {
				out.Reset()
				out.WriteString(strings.TrimRight(line, " \t\r\n"))
			}
		}
		out.WriteString(piece)
		last = piece[len(piece)-1]
	}
	return strings.TrimSpace(out.String())
}
