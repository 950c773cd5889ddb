package sqltext

import "strings"

// reader reads a statement token by token. After the first error it is at the
// end, so that whoever reads need not look at each step.
type reader struct {
	statement string
	sql       string
	scan      Scanner
	tok       Token
	word      word
	last      int // where the token before tok ended
	err       error
	// references are those that were read.
	references []Reference
}

func newReader(statement, sql string) *reader {
	r := &reader{statement: statement, sql: sql, scan: NewScanner(sql)}
	r.next()
	return r
}

func (r *reader) next() {
	r.last = r.tok.End
	r.tok = r.scan.Significant()
	r.word = noWord
	if r.tok.Kind == Ident {
		r.word = wordOf(r.text())
	}
}

func (r *reader) text() string { return r.tok.Of(r.sql) }

// from returns the span from start to the end of the token before the one at hand.
func (r *reader) from(start int) Span { return Span{Start: start, End: max(start, r.last)} }

// peek returns the token after the one at hand, and its keyword.
func (r *reader) peek() (Token, word) {
	look := r.scan
	t := look.Significant()
	if t.Kind != Ident {
		return t, noWord
	}
	return t, wordOf(t.Of(r.sql))
}

// fail keeps the first error.
func (r *reader) fail(wanted string) {
	if r.err == nil {
		r.err = syntaxError(r.statement, wanted, r.sql, r.tok)
	}
	r.tok, r.word = Token{Start: len(r.sql), End: len(r.sql)}, noWord
	r.scan.pos = len(r.sql)
}

// accept goes past a keyword if it is at hand.
func (r *reader) accept(w word) bool {
	if r.word != w {
		return false
	}
	r.next()
	return true
}

// expect goes past a keyword that must be at hand.
func (r *reader) expect(w word, text string) {
	if !r.accept(w) {
		r.fail(text)
	}
}

func (r *reader) acceptKind(k TokenKind) bool {
	if r.tok.Kind != k {
		return false
	}
	r.next()
	return true
}

func (r *reader) expectKind(k TokenKind, text string) {
	if !r.acceptKind(k) {
		r.fail(text)
	}
}

// expectEnd goes past semicolons to the end of the text.
func (r *reader) expectEnd() {
	for r.acceptKind(Semicolon) {
	}
	if r.tok.Kind != EOF {
		r.fail("the end")
	}
}

// name reads a name.
func (r *reader) name(what string) string {
	if !isName(r.tok, r.word) {
		r.fail(what)
		return ""
	}
	name := unquote(r.tok, r.sql)
	r.next()
	return name
}

// qualified reads a name with or without its schema's, and says where the last
// part of it stands.
func (r *reader) qualified(what string) (Table, Span) {
	start, own := r.tok.Start, r.tok.Span()
	table := Table{Name: r.name(what)}
	if r.acceptKind(Dot) {
		own = r.tok.Span()
		table.Schema, table.Name = table.Name, r.name(what)
	}
	table.Span = r.from(start)
	return table, own
}

func (r *reader) ifNotExists() bool {
	if !r.accept(wIf) {
		return false
	}
	r.expect(wNot, "NOT")
	r.expect(wExists, "EXISTS")
	return true
}

// parens reads what is in parentheses, whatever it is, and returns the text between
// them.
func (r *reader) parens() string {
	open := r.tok
	r.expectKind(LeftParen, "(")
	r.toParen()
	closing := r.tok
	r.expectKind(RightParen, ")")
	if r.err != nil {
		return ""
	}
	return strings.TrimFunc(r.sql[open.End:closing.Start], func(c rune) bool { return c < 0x80 && isSpace(byte(c)) })
}

// toParen goes to the parenthesis that closes an open one.
func (r *reader) toParen() {
	for depth := 0; r.tok.Kind != EOF; r.next() {
		switch r.tok.Kind {
		case LeftParen:
			depth++
		case RightParen:
			if depth == 0 {
				return
			}
			depth--
		}
	}
}
