// Package hash defines the address of a chunk: the first 20 bytes of the
// BLAKE3 hash of its bytes. Equal bytes have equal addresses everywhere, which
// is what version control rests on.
//
// BLAKE3: https://github.com/BLAKE3-team/BLAKE3-specs.
package hash

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/zeebo/blake3"
)

// Size is the length of a Hash in bytes.
const Size = 20

// ID names the hash function in a store's header, so that a store made with
// another function can be told apart.
const ID byte = 1

// Hash is the address of a chunk. The zero Hash addresses nothing.
type Hash [Size]byte

// Of returns the address of data.
func Of(data []byte) Hash {
	sum := blake3.Sum256(data)
	return Hash(sum[:Size])
}

// Parse reads the form that String prints: 40 lower-case hexadecimal digits.
func Parse(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*Size {
		return Hash{}, fmt.Errorf("hash: %q has %d characters, want %d", s, len(s), 2*Size)
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil || h.String() != s {
		return Hash{}, fmt.Errorf("hash: %q is not a lower-case hexadecimal number", s)
	}
	return h, nil
}

// String returns h as 40 lower-case hexadecimal digits.
//
//go:noinline // a program is smaller by its copies
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns what String does, for JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = Parse(string(text))
	return err
}

// IsZero tells whether h addresses nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// Compare orders hashes bytewise: -1, 0 or +1.
func (h Hash) Compare(other Hash) int { return bytes.Compare(h[:], other[:]) }
