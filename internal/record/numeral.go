package record

import "bytes"

// numeral is a text that SQLite takes for a number: mantissa·10^exp.
type numeral struct {
	negative bool
	real     bool // has a decimal point or an exponent
	mantissa uint64
	exp      int
}

// numberOf returns the number that a text is, spaces around it allowed, or the
// text itself when it is none. Hexadecimal and "Inf" are none.
func numberOf(v Value) Value {
	text := v.content()
	x, ok := parseNumeral(text)
	if !ok {
		return v
	}
	f := x.float()
	if x.real {
		return Float(f)
	}
	if f >= -maxSameAsInt && f < maxSameAsInt && f == float64(int64(f)) {
		return Int(int64(f))
	}
	if i, ok := parseInt(text); ok {
		return Int(i)
	}
	return Float(f)
}

// maxSameAsInt is 2^51, below which SQLite trusts a float to be the integer that
// the text shows (sqlite3RealSameAsInt).
const maxSameAsInt = 1 << 51

// float returns the number that x shows.
func (x numeral) float() (f float64) {
	if x.mantissa != 0 {
		f = floatOf10(x.mantissa, x.exp)
	}
	if x.negative {
		f = -f
	}
	return f
}

// maxMantissa is how large a mantissa may be to take one more digit.
const maxMantissa = (1<<64 - 1 - 9) / 10

// parseNumeral reads a text as SQLite's sqlite3AtoF does, which stops at a NUL
// and keeps the first 19 digits or so. ok is false unless all of it is a number.
func parseNumeral(text []byte) (x numeral, ok bool) {
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i]
	}
	text = trimSpace(text)
	x.negative, text = sign(text)
	text, whole := x.digits(text, 0)
	fraction := 0
	if len(text) > 0 && text[0] == '.' {
		x.real = true
		text, fraction = x.digits(text[1:], 1)
	}
	if whole+fraction == 0 {
		return numeral{}, false
	}
	text = x.exponent(text)
	return x, len(text) == 0
}

// digits reads the digits at the beginning of text into the mantissa, each
// lowering the exponent by scale, and returns what follows and how many there
// were. Digits that the mantissa cannot take count for the exponent alone.
func (x *numeral) digits(text []byte, scale int) (rest []byte, n int) {
	for ; n < len(text) && isDigit(text[n]); n++ {
		if x.mantissa < maxMantissa {
			x.mantissa = x.mantissa*10 + uint64(text[n]-'0')
			x.exp -= scale
		} else {
			x.exp += 1 - scale
		}
	}
	return text[n:], n
}

// maxExponent is what SQLite takes for an exponent that goes on beyond it.
const maxExponent = 10_000

// exponent reads an exponent at the beginning of text and returns what follows:
// everything if there is none.
func (x *numeral) exponent(text []byte) []byte {
	if len(text) == 0 || text[0]|0x20 != 'e' {
		return text
	}
	negative, digits := sign(text[1:])
	exp, n := 0, 0
	for ; n < len(digits) && isDigit(digits[n]); n++ {
		exp = exp*10 + int(digits[n]-'0')
		if exp >= 10*maxExponent {
			exp = maxExponent
		}
	}
	if n == 0 {
		return text
	}
	x.real = true
	if negative {
		exp = -exp
	}
	x.exp += exp
	return digits[n:]
}

// parseInt reads a text as SQLite's sqlite3Atoi64 does. ok is false unless all
// of it is an integer of 64 bits.
func parseInt(text []byte) (i int64, ok bool) {
	negative, digits := sign(trimSpace(text))
	limit := uint64(1<<63 - 1)
	if negative {
		limit++
	}
	var u uint64
	for _, c := range digits {
		d := uint64(c - '0')
		if !isDigit(c) || u > (limit-d)/10 {
			return 0, false
		}
		u = u*10 + d
	}
	if negative {
		return -int64(u), len(digits) > 0
	}
	return int64(u), len(digits) > 0
}

// sign reads the sign at the beginning of a number.
func sign(text []byte) (negative bool, rest []byte) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		return text[0] == '-', text[1:]
	}
	return false, text
}

// trimSpace removes what C calls spaces from both ends.
func trimSpace(text []byte) []byte { return bytes.Trim(text, " \t\n\v\f\r") }

func isDigit(c byte) bool { return c-'0' < 10 }
