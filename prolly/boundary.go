package prolly

import (
	"encoding/binary"
	"math/bits"
)

// A rule decides where the nodes of one level end. The hazard of a cut rises
// linearly from the minimum size on, which makes sizes Rayleigh distributed
// (coefficient of variation 0.32); a memoryless rule would give 0.99. The
// decision rests on the items at or before the cut only, and on integers, so
// that every machine cuts the same content at the same places.
type rule struct {
	min, max int
	square   uint64 // L², where L ≈ 0.705 of the target
	seed     uint64
}

func newRule(level, target, limit, defaultTarget int) rule {
	if target <= 0 {
		target = defaultTarget
	}
	if limit <= 0 {
		limit = defaultMax
	}
	scale := uint64(max(target*705/1000, 1))
	return rule{
		min:    target * 3 / 8,
		max:    max(limit, target),
		square: scale * scale,
		seed:   mix(uint64(level)+1, keyMultiplier),
	}
}

// cuts tells whether a node ends after its latest item: its count-th, which has
// the given key and brought the logical size from before to size. A node ends
// with two items at the earliest: a renderer needs as many.
func (r *rule) cuts(count, before, size int, key []byte) bool {
	if count < 2 || size <= r.min {
		return false
	}
	if size >= r.max {
		return true
	}
	a, b := uint64(max(before-r.min, 0)), uint64(size-r.min)
	hazard := b*b - a*a
	hi, lo := bits.Mul64(uint64(keyHash(r.seed, key)), r.square)
	return hi < hazard>>32 || hi == hazard>>32 && lo < hazard<<32
}

// The multipliers of keyHash: odd, with about as many ones as zeros.
const (
	keyMultiplier   = 0x9e3779b97f4a7c15
	blockMultiplier = 0xa0761d6478bd642f
	finalMultiplier = 0xe7037ed1a0b428db
)

// keyHash spreads a key over 32 bits. It is part of the format and frozen by
// test vectors. After wyhash's folded multiplication (Wang Yi); two rounds at
// least, since one leaves consecutive integers evenly spaced, not random.
func keyHash(seed uint64, key []byte) uint32 {
	h := seed ^ uint64(len(key))*keyMultiplier
	for len(key) > 8 {
		h = mix(h^binary.LittleEndian.Uint64(key), blockMultiplier)
		key = key[8:]
	}
	h = mix(h^word(key), blockMultiplier)
	h = mix(h, finalMultiplier)
	return uint32(h>>32) ^ uint32(h)
}

// word packs up to eight bytes, of known number, into 64 bits without loss.
func word(b []byte) uint64 {
	switch n := len(b); {
	case n == 8:
		return binary.LittleEndian.Uint64(b)
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		return uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	return 0
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
