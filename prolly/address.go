package prolly

import (
	"encoding/binary"
	"iter"

	"github.com/vdbgo/vdb/hash"
)

// Addresses returns the addresses that one of this package's chunks holds: an
// internal node's or a blob index's children, and what a leaf's values refer to.
// Bytes that are no such chunk are an error.
func Addresses(chunk []byte) iter.Seq2[hash.Hash, error] {
	return func(yield func(hash.Hash, error) bool) {
		at, err := addressesOf(chunk)
		if err != nil {
			yield(hash.Hash{}, fail("list addresses", err))
			return
		}
		for i := range at.count {
			if !yield(at.address(chunk, i), nil) {
				return
			}
		}
	}
}

// addressList is where addresses are in a chunk: one after the other from start
// on, or if listed at the offsets that stand there.
type addressList struct {
	start, count int
	listed       bool
}

func addressesOf(chunk []byte) (addressList, error) {
	if len(chunk) > 0 && (chunk[0] == kindBlobLeaf || chunk[0] == kindBlobIndex) {
		b, err := openBlob(chunk)
		return addressList{start: blobHeaderSize, count: b.count}, err
	}
	var n Node
	if err := n.open(chunk); err != nil {
		return addressList{}, err
	}
	if n.level > 0 {
		return addressList{start: n.tail, count: n.count}, nil
	}
	if err := n.validateAddresses(); err != nil {
		return addressList{}, err
	}
	return addressList{start: n.tail, count: (len(chunk) - n.tail) / 4, listed: true}, nil
}

func (l addressList) address(chunk []byte, i int) hash.Hash {
	at := l.start + i*hash.Size
	if l.listed {
		at = int(binary.LittleEndian.Uint32(chunk[l.start+4*i:]))
	}
	return hash.Hash(chunk[at : at+hash.Size])
}
