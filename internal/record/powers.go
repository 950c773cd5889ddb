package record

import "math/bits"

// power is the first 96 bits of a power of ten, the highest bit set.
type power struct {
	hi uint64
	lo uint32
}

// powerStep is the distance of the exponents in coarsePowers.
const powerStep = 27

// coarsePowers holds 10^(27(i-13)), but for i = 13 it holds 10^-1: SQLite's
// table, rounded as it is there.
var coarsePowers = [...]power{
	{0x8049a4ac0c5811ae, 0x205b896d},
	{0xcf42894a5dce35ea, 0x52064cad},
	{0xa76c582338ed2621, 0xaf2af2b8},
	{0x873e4f75e2224e68, 0x5a7744a7},
	{0xda7f5bf590966848, 0xaf39a475},
	{0xb080392cc4349dec, 0xbd8d794e},
	{0x8e938662882af53e, 0x547eb47b},
	{0xe65829b3046b0afa, 0x0cb4a5a3},
	{0xba121a4650e4ddeb, 0x92f34d62},
	{0x964e858c91ba2655, 0x3a6a07f9},
	{0xf2d56790ab41c2a2, 0xfae27299},
	{0xc428d05aa4751e4c, 0xaa97e14c},
	{0x9e74d1b791e07e48, 0x775ea265},
	{0xcccccccccccccccc, 0xcccccccc},
	{0xcecb8f27f4200f3a, 0x00000000},
	{0xa70c3c40a64e6c51, 0x999090b6},
	{0x86f0ac99b4e8dafd, 0x69a028bb},
	{0xda01ee641a708de9, 0xe80e6f48},
	{0xb01ae745b101e9e4, 0x5ec05dd0},
	{0x8e41ade9fbebc27d, 0x14588f14},
	{0xe5d3ef282a242e81, 0x8f1668c9},
	{0xb9a74a0637ce2ee1, 0x6d953e2c},
	{0x95f83d0a1fb69cd9, 0x4abdaf10},
	{0xf24a01a73cf2dccf, 0xbc633b39},
	{0xc3b8358109e84f07, 0x0a862f81},
	{0x9e19db92b4e31ba9, 0x6c07a2c2},
}

// coarseZero is where 10^0 would stand in coarsePowers.
const coarseZero = 13

// powerOfTen returns 10^p for -351 ≤ p ≤ 350. Up to 10^26 it is exact.
func powerOfTen(p int) power {
	switch {
	case p >= 0 && p < powerStep:
		return power{hi: smallPower(p)}
	case p == -1:
		return coarsePowers[coarseZero]
	}
	coarse, fine := p/powerStep, p%powerStep
	if fine < 0 {
		coarse, fine = coarse-1, fine+powerStep
	}
	s := coarsePowers[coarse+coarseZero]
	if fine == 0 {
		return s
	}
	return s.times(smallPower(fine))
}

// smallPower returns 10^n for 0 ≤ n < 27, which 64 bits hold exactly.
func smallPower(n int) uint64 {
	five := uint64(1) // 10^n without its factors of two
	for range n {
		five *= 5
	}
	return five << bits.LeadingZeros64(five)
}

// times returns p·m, rounded as SQLite's sqlite3Multiply160 and powerOfTen do.
func (p power) times(m uint64) power {
	low, _ := bits.Mul64(uint64(p.lo)<<32, m)
	hi, mid := bits.Mul64(p.hi, m)
	mid, carry := bits.Add64(mid, low, 0)
	hi += carry
	lo := uint32(mid >> 32)
	if hi>>63 == 0 {
		return power{hi<<1 | uint64(lo>>31), lo<<1 | 1}
	}
	return power{hi, lo}
}
