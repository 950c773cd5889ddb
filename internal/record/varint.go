package record

import "math/bits"

// SQLite's varints: 7 bits a byte, most significant first, the top bit set on
// all bytes but the last; a ninth byte has 8 bits.
// https://www.sqlite.org/fileformat2.html#varint

// maxVarint is the length in bytes of the longest varint that SQLite knows.
const maxVarint = 9

// varintLen returns how many bytes putVarint takes.
func varintLen(u uint64) int {
	if u < 0x80 {
		return 1
	}
	return (bits.Len64(u) + 6) / 7
}

// putVarint writes u < 2^56, which every length here is, to the beginning of dst
// and returns its length.
func putVarint(dst []byte, u uint64) int {
	if u < 0x80 {
		dst[0] = byte(u)
		return 1
	}
	return putLongVarint(dst, u)
}

func putLongVarint(dst []byte, u uint64) int {
	n := varintLen(u)
	for i := n - 1; i >= 0; i-- {
		dst[i] = byte(u) | 0x80
		u >>= 7
	}
	dst[n-1] &= 0x7f
	return n
}

// varint reads the varint at the beginning of b and returns its length, 0 when
// b ends before it does.
func varint(b []byte) (u uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	for i, c := range b {
		if i == maxVarint-1 {
			return u<<8 | uint64(c), maxVarint
		}
		u = u<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return u, i + 1
		}
	}
	return 0, 0
}
