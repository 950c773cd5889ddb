package sqltext

import (
	"iter"
	"strings"
)

// Statement is a statement of a script.
type Statement struct {
	// Span begins with the first token and ends with the semicolon, if there is
	// one; comments before the first token are left out.
	Span Span
	// Line is the line on which the statement begins, from 1.
	Line int
	// Complete says that the statement ends with a semicolon.
	Complete bool
}

// Of returns the statement's text; sql is the script.
func (s Statement) Of(sql string) string { return s.Span.Of(sql) }

// Statements yields the statements of a script: it cuts at semicolons, but not at
// those in the body of a trigger, which ends with END. Statements without a token
// are left out.
func Statements(sql string) iter.Seq[Statement] {
	return func(yield func(Statement) bool) {
		scan, line, counted := NewScanner(sql), 1, 0
		for {
			statement, ok := nextStatement(&scan)
			if !ok {
				return
			}
			line += strings.Count(sql[counted:statement.Span.Start], "\n")
			counted = statement.Span.Start
			statement.Line = line
			if !yield(statement) {
				return
			}
		}
	}
}

// nextStatement reads a statement that is not empty, if there is one.
func nextStatement(scan *Scanner) (Statement, bool) {
	first := scan.Significant()
	for first.Kind == Semicolon {
		first = scan.Significant()
	}
	if first.Kind == EOF {
		return Statement{}, false
	}
	statement := Statement{Span: first.Span()}
	end := start
	for t := first; t.Kind != EOF; t = scan.Significant() {
		statement.Span.End = t.End
		if end = end.after(t, scan.sql); end == start {
			statement.Complete = true
			break
		}
	}
	return statement, true
}

// Complete reports whether sql ends with a statement's end, so that a prompt may
// run it: as sqlite3_complete does, it wants a semicolon that is not in a string, a
// comment or the body of a trigger. Text without any token is not complete. Unlike
// that function it does not want a line's end behind a -- comment.
func Complete(sql string) bool {
	scan, end, seen := NewScanner(sql), start, false
	for {
		switch t := scan.Next(); t.Kind {
		case EOF:
			return seen && end == start
		case Comment:
			if text := t.Of(sql); openComment(text) {
				return false
			}
		case Space:
		default:
			seen = true
			end = end.after(t, sql)
		}
	}
}

// Terminate puts a semicolon after a statement, on the next line if it would belong to a
// comment on the last.
func Terminate(sql string) string {
	if Complete(sql + ";") {
		return sql + ";"
	}
	return sql + "\n;"
}

// openComment reports whether a comment lacks its end.
func openComment(text string) bool {
	return text[0] == '/' && (len(text) < 4 || !strings.HasSuffix(text, "*/"))
}

// endState is what is known of a statement's end from the tokens so far.
type endState uint8

const (
	start            endState = iota // before the first token
	inside                           // no trigger
	explained                        // after EXPLAIN, which CREATE may follow
	created                          // after CREATE and perhaps TEMP
	inTrigger                        // in a trigger's definition
	triggerSemicolon                 // after a semicolon in it
	triggerEnd                       // after END that follows a semicolon
)

// after returns the state that a token leads to; start, if it ends the statement.
func (e endState) after(t Token, sql string) endState {
	if e >= inTrigger {
		return e.afterInTrigger(t, sql)
	}
	if t.Kind == Semicolon {
		return start
	}
	if e == inside || t.Kind != Ident {
		return e.other()
	}
	switch w := wordOf(t.Of(sql)); {
	case w == wCreate && e != created:
		return created
	case w == wExplain && e == start:
		return explained
	case e == created && (w == wTemp || w == wTemporary):
		return created
	case e == created && w == wTrigger:
		return inTrigger
	case w == wExplain || w == wTemp || w == wTemporary || w == wTrigger || w == wEnd:
		return inside
	}
	return e.other()
}

// other is the state after a token that has no part in the end: between EXPLAIN
// and CREATE there may be some.
func (e endState) other() endState {
	if e == explained {
		return explained
	}
	return inside
}

func (e endState) afterInTrigger(t Token, sql string) endState {
	switch {
	case t.Kind == Semicolon && e == triggerEnd:
		return start
	case t.Kind == Semicolon:
		return triggerSemicolon
	case e == triggerSemicolon && t.Kind == Ident && wordOf(t.Of(sql)) == wEnd:
		return triggerEnd
	}
	return inTrigger
}
