package sqltext

import "strings"

// scanOperator reads an operator, a comment, or a number that begins with a point.
func scanOperator(s string) (TokenKind, int) {
	if kind := single(s[0]); kind != Illegal {
		return kind, 1
	}
	var next byte
	if len(s) > 1 {
		next = s[1]
	}
	switch s[0] {
	case '-':
		return scanMinus(s, next)
	case '/':
		return scanSlash(s, next)
	case '.':
		if isDigit(next) {
			return scanNumber(s)
		}
		return Dot, 1
	case '<':
		return scanLess(next)
	case '>':
		return scanGreater(next)
	case '=':
		return oneOrTwo(Equal, Equal, next == '=')
	case '!':
		return oneOrTwo(Illegal, NotEqual, next == '=')
	case '|':
		return oneOrTwo(Or, Concat, next == '|')
	}
	return Illegal, 1
}

// single returns the kind of a byte that is a token whatever follows it.
func single(c byte) TokenKind {
	switch c {
	case '(':
		return LeftParen
	case ')':
		return RightParen
	case ',':
		return Comma
	case ';':
		return Semicolon
	case '+':
		return Plus
	case '*':
		return Star
	case '%':
		return Percent
	case '&':
		return And
	case '~':
		return Not
	}
	return Illegal
}

func oneOrTwo(one, two TokenKind, both bool) (TokenKind, int) {
	if both {
		return two, 2
	}
	return one, 1
}

func scanLess(next byte) (TokenKind, int) {
	switch next {
	case '=':
		return LessEqual, 2
	case '>':
		return NotEqual, 2
	case '<':
		return ShiftLeft, 2
	}
	return Less, 1
}

func scanGreater(next byte) (TokenKind, int) {
	switch next {
	case '=':
		return GreaterEqual, 2
	case '>':
		return ShiftRight, 2
	}
	return Greater, 1
}

// scanMinus reads -, ->, ->> or a comment to the end of the line.
func scanMinus(s string, next byte) (TokenKind, int) {
	switch next {
	case '-':
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			return Comment, i
		}
		return Comment, len(s)
	case '>':
		if len(s) > 2 && s[2] == '>' {
			return Arrow, 3
		}
		return Arrow, 2
	}
	return Minus, 1
}

// scanSlash reads / or a comment, which may lack its end. /* at the end of the
// text is no comment but two operators.
func scanSlash(s string, next byte) (TokenKind, int) {
	if next != '*' || len(s) == 2 {
		return Slash, 1
	}
	if i := strings.Index(s[2:], "*/"); i >= 0 {
		return Comment, 2 + i + 2
	}
	return Comment, len(s)
}
