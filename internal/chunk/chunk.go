// Package chunk is the form that the chunks of a database have, so that what
// walks them (the collector, the transfer to another box, the check) needs no
// knowledge of what they mean.
//
// Tree nodes and blobs are package prolly's. All others are
//
//	kind (1) | version (1) | number of addresses (1) | addresses (20 each) | payload
//
// and a zero address stands for nothing.
package chunk

import (
	"fmt"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// Kind is the first byte of a chunk. Package prolly owns those below 0x10.
type Kind byte

// The kinds of chunks; docs/FORMAT.md says what each holds.
const (
	Root       Kind = 0x10 // of the store: leads to all refs
	Commit     Kind = 0x11
	Schema     Kind = 0x12
	Identities Kind = 0x13
	Tag        Kind = 0x14
	Merge      Kind = 0x15 // one in progress
	Object     Kind = 0x16 // a view, trigger or virtual table
	Sequences  Kind = 0x17
	Moves      Kind = 0x18 // of refs: the reflog
	Settings   Kind = 0x19 // of a remote, or of a place for backups
	Transfer   Kind = 0x1a // what has arrived of one that was cut
	Patch      Kind = 0x1b // of the root before it: what small transactions have changed
)

// Positions of a commit's addresses. Its parents are those from CommitParents on.
const (
	CommitRoot = iota
	CommitIdentities
	CommitJump
	CommitRun
	CommitParents
)

const (
	version     byte = 1
	headerBytes int  = 3
	trees       Kind = 0x10 // kinds below are of package prolly
)

// KindOf returns the kind of a chunk; 0, which no chunk has, for no bytes.
func KindOf(data []byte) Kind {
	if len(data) == 0 {
		return 0
	}
	return Kind(data[0])
}

// Encode lays out a chunk.
//
//go:noinline
func Encode(kind Kind, addresses []hash.Hash, payload []byte) []byte {
	data := make([]byte, 0, headerBytes+len(addresses)*hash.Size+len(payload))
	data = append(data, byte(kind), version, byte(len(addresses)))
	for _, a := range addresses {
		data = append(data, a[:]...)
	}
	return append(data, payload...)
}

// Decode checks that data is a chunk of the kind and returns its parts; the
// payload aliases data.
func Decode(kind Kind, data []byte) ([]hash.Hash, []byte, error) {
	listed, payload, err := Split(kind, data)
	if err != nil {
		return nil, nil, err
	}
	addresses := make([]hash.Hash, len(listed)/hash.Size)
	for i := range addresses {
		addresses[i] = hash.Hash(listed[i*hash.Size:])
	}
	return addresses, payload, nil
}

// Split is Decode that leaves the addresses one after another in data.
func Split(kind Kind, data []byte) (addresses, payload []byte, err error) {
	if len(data) < headerBytes || Kind(data[0]) != kind {
		return nil, nil, fmt.Errorf("chunk is not of kind %#x", kind)
	}
	if data[1] != version {
		return nil, nil, fmt.Errorf("chunk of kind %#x has version %d, this program knows %d", kind, data[1], version)
	}
	n, rest := int(data[2]), data[headerBytes:]
	if len(rest) < n*hash.Size {
		return nil, nil, fmt.Errorf("chunk of kind %#x is cut short", kind)
	}
	return rest[:n*hash.Size], rest[n*hash.Size:], nil
}

// References appends the addresses that a chunk of any kind holds to dst, in the
// order in which they stand there; those that stand for nothing are left out.
func References(dst []hash.Hash, data []byte) ([]hash.Hash, error) {
	if KindOf(data) < trees {
		for h, err := range prolly.Addresses(data) {
			if err != nil {
				return dst, err
			}
			dst = appendAddress(dst, h)
		}
		return dst, nil
	}
	if k := KindOf(data); k > Patch {
		return dst, fmt.Errorf("chunk is of kind %#x, which this program does not know", k)
	}
	listed, _, err := Split(KindOf(data), data)
	for ; len(listed) > 0; listed = listed[hash.Size:] {
		dst = appendAddress(dst, hash.Hash(listed))
	}
	return dst, err
}

func appendAddress(dst []hash.Hash, h hash.Hash) []hash.Hash {
	if h.IsZero() {
		return dst
	}
	return append(dst, h)
}
