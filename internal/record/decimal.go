package record

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// Numbers turn to text and back as in SQLite 3.54 (util.c: sqlite3AtoF,
// sqlite3FpDecode), to the last digit and with its departures from exact
// rounding, because the text that a TEXT column stores must be the same.

// A float's text has 17 digits at most, taken from 18.
const (
	realDigits    = 17
	decimalDigits = realDigits + 1
)

// log2of10 returns the binary exponent of 10^p, log10of2 the decimal one of 2^e.
func log2of10(p int) int { return p * 108853 >> 15 }
func log10of2(e int) int { return e * 78913 >> 18 }

// floatOf10 returns d·10^p, d not zero: SQLite's sqlite3Fp10Convert2, which
// follows Russ Cox, https://research.swtch.com/fp.
func floatOf10(d uint64, p int) float64 {
	if p < -348 {
		return 0
	}
	if p > 347 {
		return math.Inf(1)
	}
	size, lp := bits.Len64(d), log2of10(p)
	e := 53 - size - lp
	if e >= 1130 {
		return 0
	}
	e = min(e, 1074)
	u := unrounded(d<<(64-size), p, 61-size-e-lp)
	if u >= 1<<55-2 {
		u = u>>1 | u&1
		e--
	}
	if e <= -972 {
		return math.Inf(1)
	}
	m := (u + 1 + u>>2&1) >> 2
	if m&(1<<52) != 0 {
		m = m&^(1<<52) | uint64(1075-e)<<52
	}
	return math.Float64frombits(m)
}

// unrounded returns the highest bits of x·10^p, shifted right by s, the lowest
// bit set if more follow that are not zero.
func unrounded(x uint64, p, s int) uint64 {
	ten := powerOfTen(p)
	if ten.lo != 0 { // a bound from above, less a remainder
		ten.hi++
		ten.lo = ^ten.lo
	}
	hi, lo := bits.Mul64(x, ten.hi)
	if hi&(1<<s-1) != 0 {
		return hi>>s | 1
	}
	rest, _ := bits.Mul64(x, uint64(ten.lo)<<32)
	mid1, mid2 := uint32(lo>>32), uint32(rest>>32)
	if mid1 < mid2 {
		hi--
	}
	if mid1-mid2 > 1 {
		return hi>>s | 1
	}
	return hi >> s
}

// decimalOf returns f > 0 as d·10^p with 18 digits, or one more or less:
// SQLite's sqlite3Fp2Convert10.
func decimalOf(f float64) (d uint64, p int) {
	m := math.Float64bits(f)
	e := int(m>>52) - 1086
	if m>>52 == 0 {
		shift := bits.LeadingZeros64(m)
		m <<= shift
		e = -1074 - shift
	} else {
		m = m<<11 | 1<<63
	}
	p = decimalDigits - 1 - log10of2(e+63)
	hi, _ := bits.Mul64(m, powerOfTen(p).hi)
	hi >>= -(e + log2of10(p) + 2)
	return (hi + hi<<1&2) >> 1, -p
}

// decimal is a number's text before it is laid out: 0.DIGITS·10^point.
type decimal struct {
	digits []byte // no zero at the end, none at the beginning
	point  int
}

// round17 returns f > 0 with 17 significant digits, or fewer that read back as
// the same float when digits 14 to 16 are all nines or zeros: SQLite's
// sqlite3FpDecode. buf is scratch space.
func round17(f float64, buf []byte) decimal {
	d, p := decimalOf(f)
	z := strconv.AppendUint(append(buf[:0], '0'), d, 10) // the 0 is there for a carry
	n := len(z) - 1
	x := decimal{digits: z[1:], point: n + p}
	if n > realDigits {
		x = x.cut(z, shorter(f, z[1:], p, x.point))
	}
	x.digits = bytes.TrimRight(x.digits, "0")
	return x
}

// cut rounds half up to n digits. withZero is the digits after a zero.
func (x decimal) cut(withZero []byte, n int) decimal {
	if withZero[1+n] < '5' {
		return decimal{withZero[1 : 1+n], x.point}
	}
	i := n
	for ; withZero[i] == '9'; i-- {
		withZero[i] = '0'
	}
	withZero[i]++
	if i == 0 {
		return decimal{withZero[:1+n], x.point + 1}
	}
	return decimal{withZero[1 : 1+n], x.point}
}

// shorter returns to how many digits z·10^p is to be rounded.
func shorter(f float64, z []byte, p, point int) int {
	switch {
	case z[15] == '9' && z[14] == '9':
		j := len(bytes.TrimRight(z[:14], "9"))
		if floatOf10(digitsOf(z[:j])+1, p+len(z)-j) == f {
			return j + 1
		}
	case point >= len(z), z[15] == '0' && z[14] == '0' && z[13] == '0':
		j := len(bytes.TrimRight(z[:13], "0"))
		if floatOf10(digitsOf(z[:j]), p+len(z)-j) == f {
			return j + 1
		}
	}
	return realDigits
}

// digitsOf returns the number that digits show.
func digitsOf(digits []byte) (d uint64) {
	for _, c := range digits {
		d = d*10 + uint64(c-'0')
	}
	return d
}

// appendReal appends the text of a REAL: printf's "%!.17g" as SQLite has it,
// always with a decimal point.
func appendReal(dst []byte, f float64) []byte {
	if f < 0 {
		dst = append(dst, '-')
		f = -f
	}
	switch {
	case f == 0:
		return append(dst, "0.0"...)
	case math.IsInf(f, 1):
		return append(dst, "Inf"...)
	}
	var buf [24]byte
	x := round17(f, buf[:])
	if exp := x.point - 1; exp < -4 || exp > realDigits-1 {
		return x.appendExponent(dst)
	}
	return x.appendPlain(dst)
}

// appendExponent appends the form 1.5e+300.
func (x decimal) appendExponent(dst []byte) []byte {
	dst = append(dst, x.digits[0], '.')
	dst = append(dst, x.digits[1:]...)
	if len(x.digits) == 1 {
		dst = append(dst, '0')
	}
	exp, sign := x.point-1, byte('+')
	if exp < 0 {
		exp, sign = -exp, '-'
	}
	dst = append(dst, 'e', sign)
	if exp < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}

// appendPlain appends the form 1.5.
func (x decimal) appendPlain(dst []byte) []byte {
	if x.point <= 0 {
		dst = append(dst, '0', '.')
		for range -x.point {
			dst = append(dst, '0')
		}
		return append(dst, x.digits...)
	}
	for i := range x.point {
		if i < len(x.digits) {
			dst = append(dst, x.digits[i])
		} else {
			dst = append(dst, '0')
		}
	}
	dst = append(dst, '.')
	if len(x.digits) <= x.point {
		return append(dst, '0')
	}
	return append(dst, x.digits[x.point:]...)
}
