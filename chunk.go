package vdb

import (
	"encoding/binary"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

// Chunk kinds of this package; prolly owns those below 0x10. Each such chunk is
//
//	kind (1) | version (1) | number of addresses (1) | addresses (20 each) | payload
//
// so that whatever walks the store needs no knowledge of the payload. A zero
// address stands for nothing.
const (
	kindStoreRoot  byte = 0x10
	kindCommit     byte = 0x11
	kindSchema     byte = 0x12
	kindIdentities byte = 0x13
	kindTag        byte = 0x14
	kindMerge      byte = 0x15
	kindObject     byte = 0x16
	kindSequences  byte = 0x17
	kindMoves      byte = 0x18
)

const (
	chunkVersion byte = 1
	chunkHeader  int  = 3
)

func encodeChunk(kind byte, addresses []hash.Hash, payload []byte) []byte {
	data := make([]byte, 0, chunkHeader+len(addresses)*hash.Size+len(payload))
	data = append(data, kind, chunkVersion, byte(len(addresses)))
	for _, a := range addresses {
		data = append(data, a[:]...)
	}
	return append(data, payload...)
}

// decodeChunk checks data's header and returns its parts; the payload aliases data.
func decodeChunk(kind byte, data []byte) ([]hash.Hash, []byte, error) {
	listed, payload, err := splitChunk(kind, data)
	if err != nil {
		return nil, nil, err
	}
	addresses := make([]hash.Hash, len(listed)/hash.Size)
	for i := range addresses {
		addresses[i] = hash.Hash(listed[i*hash.Size:])
	}
	return addresses, payload, nil
}

// splitChunk is decodeChunk that leaves the addresses one after another in data.
func splitChunk(kind byte, data []byte) (addresses, payload []byte, err error) {
	if len(data) < chunkHeader || data[0] != kind {
		return nil, nil, fmt.Errorf("chunk is not of kind %#x", kind)
	}
	if data[1] != chunkVersion {
		return nil, nil, fmt.Errorf("chunk of kind %#x has version %d, this program knows %d", kind, data[1], chunkVersion)
	}
	n, rest := int(data[2]), data[chunkHeader:]
	if len(rest) < n*hash.Size {
		return nil, nil, fmt.Errorf("chunk of kind %#x is cut short", kind)
	}
	return rest[:n*hash.Size], rest[n*hash.Size:], nil
}

// fields reads a payload's fields; the first error sticks.
type fields struct {
	data []byte
	err  error
}

func (f *fields) uint() uint64 {
	v, n := binary.Uvarint(f.data)
	if n <= 0 {
		f.fail()
		return 0
	}
	f.data = f.data[n:]
	return v
}

func (f *fields) int() int64 {
	v, n := binary.Varint(f.data)
	if n <= 0 {
		f.fail()
		return 0
	}
	f.data = f.data[n:]
	return v
}

func (f *fields) string() string {
	n := f.uint()
	if n > uint64(len(f.data)) {
		f.fail()
		return ""
	}
	s := string(f.data[:n])
	f.data = f.data[n:]
	return s
}

func (f *fields) hash() hash.Hash {
	if len(f.data) < hash.Size {
		f.fail()
		return hash.Hash{}
	}
	h := hash.Hash(f.data)
	f.data = f.data[hash.Size:]
	return h
}

func (f *fields) fail() {
	if f.err == nil {
		f.err = fmt.Errorf("payload is cut short")
	}
	f.data = nil
}

// end reports what went wrong, bytes left over included.
func (f *fields) end() error {
	if f.err == nil && len(f.data) > 0 {
		return fmt.Errorf("%d bytes too many", len(f.data))
	}
	return f.err
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
