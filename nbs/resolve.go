package nbs

import (
	"encoding/hex"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// prefixRange is the range of addresses, both ends included, that start with
// some hexadecimal digits.
type prefixRange struct{ first, last hash.Hash }

func newPrefixRange(digits []byte) (prefixRange, error) {
	var r prefixRange
	if len(digits) > 2*hash.Size {
		return r, fmt.Errorf("nbs: resolve %q: more than %d digits", digits, 2*hash.Size)
	}
	var low, high [2 * hash.Size]byte
	for i := range low {
		low[i], high[i] = '0', 'f'
	}
	copy(low[:], digits)
	copy(high[:], digits)
	if _, err := hex.Decode(r.first[:], low[:]); err != nil {
		return r, fmt.Errorf("nbs: resolve %q: %w", digits, err)
	}
	if _, err := hex.Decode(r.last[:], high[:]); err != nil {
		return r, fmt.Errorf("nbs: resolve %q: %w", digits, err)
	}
	return r, nil
}

func (r prefixRange) contains(h hash.Hash) bool {
	return r.first.Compare(h) <= 0 && h.Compare(r.last) <= 0
}
