package sqltext

// scanNumber reads a number, which s begins with: digits or a point before one.
// Letters that follow it without a blank make it illegal, as do digit separators
// that do not stand between two digits.
func scanNumber(s string) (TokenKind, int) {
	kind, n := scanDecimal(s)
	digit := isDigit
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && isHex(s[2]) {
		digit = isHex
		kind, n = Integer, separatedLength(s, 2, isHex)
	}
	if !separatorsStand(s[:n], digit) {
		kind = Illegal
	}
	if n < len(s) && isWord(s[n]) {
		return Illegal, n + wordLength(s[n:])
	}
	return kind, n
}

func scanDecimal(s string) (TokenKind, int) {
	kind, n := Integer, separatedLength(s, 0, isDigit)
	if n < len(s) && s[n] == '.' {
		kind, n = Float, separatedLength(s, n+1, isDigit)
	}
	if digits := exponentDigits(s[n:]); digits > 0 {
		kind, n = Float, separatedLength(s, n+digits, isDigit)
	}
	return kind, n
}

// exponentDigits returns where the digits of the exponent begin that s begins
// with, or 0 if it does not begin with one.
func exponentDigits(s string) int {
	if len(s) < 2 || s[0]|0x20 != 'e' {
		return 0
	}
	if isDigit(s[1]) {
		return 1
	}
	if len(s) > 2 && (s[1] == '+' || s[1] == '-') && isDigit(s[2]) {
		return 2
	}
	return 0
}

func separatedLength(s string, i int, digit func(byte) bool) int {
	for i < len(s) && (digit(s[i]) || s[i] == '_') {
		i++
	}
	return i
}

// separatorsStand reports whether every _ in a number has digits on both sides.
func separatorsStand(number string, digit func(byte) bool) bool {
	for i := range len(number) {
		if number[i] != '_' {
			continue
		}
		if i == 0 || i+1 == len(number) || !digit(number[i-1]) || !digit(number[i+1]) {
			return false
		}
	}
	return true
}
