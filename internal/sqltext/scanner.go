package sqltext

import (
	"iter"
	"strings"
)

// Scanner cuts SQL into tokens by SQLite's rules. It allocates nothing. The zero
// Scanner has no text; it may be copied to come back to a place.
type Scanner struct {
	sql string
	end int // of the text, or where its NUL byte is
	pos int
}

// NewScanner returns a Scanner at the start of sql.
func NewScanner(sql string) Scanner {
	end := strings.IndexByte(sql, 0)
	if end < 0 {
		end = len(sql)
	}
	return Scanner{sql: sql, end: end}
}

// Tokens yields the tokens of sql, blanks and comments included: laid end to end
// they are the text.
func Tokens(sql string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		s := NewScanner(sql)
		for t := s.Next(); t.Kind != EOF && yield(t); t = s.Next() {
		}
	}
}

// Next returns the next token, and EOF for ever after the last. A NUL byte and
// all that follows it are one Illegal token.
func (s *Scanner) Next() Token {
	start := s.pos
	if start < s.end {
		kind, n := scan(s.sql[start:s.end])
		s.pos += n
		return Token{Kind: kind, Start: start, End: s.pos}
	}
	s.pos = len(s.sql)
	if start < s.pos {
		return Token{Kind: Illegal, Start: start, End: s.pos}
	}
	return Token{Kind: EOF, Start: start, End: start}
}

// Significant returns the next token that is neither blank nor a comment.
func (s *Scanner) Significant() Token {
	for {
		if t := s.Next(); t.Kind != Space && t.Kind != Comment {
			return t
		}
	}
}

// scan returns the kind and the length of the token at the start of s, which is
// not empty and has no NUL byte.
func scan(s string) (TokenKind, int) {
	c := s[0]
	switch {
	case c == 'x' || c == 'X':
		if len(s) > 1 && s[1] == '\'' {
			return scanBlob(s)
		}
		return Ident, wordLength(s)
	case isSpaceStart(c):
		return Space, spaceLength(s)
	case strings.HasPrefix(s, "\ufeff"):
		return Space, len("\ufeff")
	case isWordStart(c):
		return Ident, wordLength(s)
	case isDigit(c):
		return scanNumber(s)
	}
	switch c {
	case '\'', '"', '`':
		return scanQuoted(s)
	case '[':
		return scanBracketed(s)
	case '?', '$', '@', ':', '#':
		return scanVariable(s)
	}
	return scanOperator(s)
}

func isSpaceStart(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'
}

// isSpace has the vertical tab too, which cannot begin a run of blanks.
func isSpace(c byte) bool { return isSpaceStart(c) || c == '\v' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isWordStart(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80 }

func isWord(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }

func wordLength(s string) int {
	n := 1
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return n
}

func spaceLength(s string) int {
	n := 1
	for n < len(s) && isSpace(s[n]) {
		n++
	}
	return n
}

// scanQuoted reads to the closing quote; a doubled one stands for itself.
func scanQuoted(s string) (TokenKind, int) {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			i++
			continue
		}
		if quote == '\'' {
			return String, i + 1
		}
		return Quoted, i + 1
	}
	return Illegal, len(s)
}

func scanBracketed(s string) (TokenKind, int) {
	if i := strings.IndexByte(s, ']'); i >= 0 {
		return Quoted, i + 1
	}
	return Illegal, len(s)
}

// scanBlob reads x'…'. A blob with an odd number of digits, or with something else
// among them, is illegal to its closing quote.
func scanBlob(s string) (TokenKind, int) {
	i := 2
	for i < len(s) && isHex(s[i]) {
		i++
	}
	if i < len(s) && s[i] == '\'' && i%2 == 0 {
		return Blob, i + 1
	}
	if j := strings.IndexByte(s[i:], '\''); j >= 0 {
		return Illegal, i + j + 1
	}
	return Illegal, len(s)
}

// scanVariable reads ?NNN, or one of $@:# and a name, in which :: may stand and
// which may end with a suffix in parentheses, as Tcl's variables do.
func scanVariable(s string) (TokenKind, int) {
	if s[0] == '?' {
		return Variable, digitsLength(s, 1)
	}
	letters, i := 0, 1
	for ; i < len(s); i++ {
		switch {
		case isWord(s[i]):
			letters++
		case s[i] == '(' && letters > 0:
			return scanSuffix(s, i)
		case s[i] == ':' && i+1 < len(s) && s[i+1] == ':':
			i++
		default:
			return variableKind(letters), i
		}
	}
	return variableKind(letters), i
}

func variableKind(letters int) TokenKind {
	if letters == 0 {
		return Illegal
	}
	return Variable
}

// scanSuffix reads a variable's parentheses, which open at byte i.
func scanSuffix(s string, i int) (TokenKind, int) {
	for i++; i < len(s) && !isSpace(s[i]) && s[i] != ')'; i++ {
	}
	if i < len(s) && s[i] == ')' {
		return Variable, i + 1
	}
	return Illegal, i
}

func digitsLength(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}
