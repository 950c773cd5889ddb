package nbs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/vdbgo/vdb/hash"
)

// A record is what journals and table files consist of:
//
//	 0        4        8    9    10       12              32
//	+--------+--------+----+-----+--------+---------------+-------------+
//	| length | CRC    |kind|codec| zero   | address       | payload     |
//	+--------+--------+----+-----+--------+---------------+-------------+
//	  uint32   uint32   1    1     2 bytes  20 bytes        length - 32
//
// All integers are little-endian. length counts the whole record. The CRC is
// CRC-32C over everything but itself, and starts from a seed that belongs to
// the file, so that a record of another file is never taken for one of this.
const (
	recordHeaderBytes = 32
	maxRecordBytes    = recordHeaderBytes + MaxChunkBytes + 1<<10
)

// kind tells what a record is.
type kind byte

const (
	kindChunk kind = 1 // a chunk; the address is the hash of its bytes
	kindRoot  kind = 2 // ends a commit; the address is the new root
	kindMark  kind = 3 // ends chunks that were written ahead of their commit
	kindSeal  kind = 4 // ends a journal: the manifest names the next one
	kindPack  kind = 5 // successive versions of a chunk, see pack
)

// codec tells how the payload of a chunk is stored.
type codec byte

const (
	codecRaw    codec = 0
	codecS2     codec = 1 // S2 block format: the journal's
	codecZstd   codec = 2 // one zstd frame: the table files'
	codecMasked codec = 3 // raw, xor the key stream of the address, see mask
	codecLeaf   codec = 4 // as codecZstd, of a chunk that leads to no other
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fileID identifies a journal or table file for ever.
type fileID [16]byte

// crcSeed is the seed of the records of the file that has this id.
func crcSeed(id fileID) uint32 { return crc32.Checksum(id[:], castagnoli) }

// appendRecord appends to buf a record whose payload is the concatenation of
// the parts.
func appendRecord(buf []byte, seed uint32, k kind, c codec, address hash.Hash, parts ...[]byte) []byte {
	start := len(buf)
	buf = append(buf, make([]byte, 8)...)
	buf = append(buf, byte(k), byte(c), 0, 0)
	buf = append(buf, address[:]...)
	for _, p := range parts {
		buf = append(buf, p...)
	}
	rec := buf[start:]
	binary.LittleEndian.PutUint32(rec, uint32(len(rec)))
	binary.LittleEndian.PutUint32(rec[4:], recordCRC(rec, seed))
	return buf
}

func recordCRC(rec []byte, seed uint32) uint32 {
	return crc32.Update(crc32.Update(seed, castagnoli, rec[:4]), castagnoli, rec[8:])
}

// record is a decoded record. payload aliases the bytes it was read from.
type record struct {
	kind    kind
	codec   codec
	address hash.Hash
	payload []byte
	length  int
}

// decodeRecord decodes the record at the start of buf, which may be longer.
func decodeRecord(buf []byte, seed uint32) (record, error) {
	n, err := recordLength(buf)
	if err != nil {
		return record{}, err
	}
	if n > len(buf) {
		return record{}, fmt.Errorf("record of %d bytes ends early, after %d", n, len(buf))
	}
	buf = buf[:n]
	if got, want := recordCRC(buf, seed), binary.LittleEndian.Uint32(buf[4:]); got != want {
		return record{}, fmt.Errorf("record's CRC is %08x, want %08x", got, want)
	}
	return splitRecord(buf), nil
}

// splitRecord returns the parts of a whole record, which are not checked.
func splitRecord(buf []byte) record {
	return record{
		kind: kind(buf[8]), codec: codec(buf[9]), address: hash.Hash(buf[12:32]),
		payload: buf[recordHeaderBytes:], length: len(buf),
	}
}

// recordLength returns the length of the record whose header buf starts with,
// after a look at all that a header can tell.
func recordLength(buf []byte) (int, error) {
	if len(buf) < recordHeaderBytes {
		return 0, fmt.Errorf("record header ends early, after %d bytes", len(buf))
	}
	if !plausible(buf) {
		return 0, fmt.Errorf("record has an impossible header, %x", buf[:12])
	}
	return int(binary.LittleEndian.Uint32(buf)), nil
}

// plausible tells whether b, at least recordHeaderBytes long, can start a
// record.
func plausible(b []byte) bool {
	n, k := binary.LittleEndian.Uint32(b), kind(b[8])
	return n >= recordHeaderBytes && n <= maxRecordBytes && k >= kindChunk && k <= kindPack &&
		codec(b[9]) <= codecLeaf && b[10] == 0 && b[11] == 0
}

// maxZeros is the longest run of zero bytes in a payload. Recovery takes a
// sector that reads as zeros for one that was never written, see recovery.go,
// so none that was written may look like that, not even after a flipped byte.
const maxZeros = 128

// payloadEncoder makes the payloads of a journal, in blocks that are used again
// once free gives them back. Its zero value is ready.
type payloadEncoder struct {
	blocks []*encodingBlock
	rest   []byte // of the last block
}

type encodingBlock [32 << 10]byte

// encodingBlocks are kept for reuse: a commit of one row needs one.
var encodingBlocks = sync.Pool{New: func() any { return new(encodingBlock) }}

// encode returns data as it is to be stored, until free. The result may alias data.
func (p *payloadEncoder) encode(address hash.Hash, data []byte) ([]byte, codec) {
	stored, c := data, codecRaw
	if packed := p.pack(data); packed != nil {
		stored, c = packed, codecS2
	}
	if hasZeros(stored, maxZeros) {
		return mask(address, data), codecMasked
	}
	return stored, c
}

// pack returns data compressed, or nil if that does not pay.
func (p *payloadEncoder) pack(data []byte) []byte {
	if len(data) < 64 {
		return nil
	}
	room := p.atLeast(s2.MaxEncodedLen(len(data)))
	packed := s2.Encode(room, data)
	switch {
	case len(packed) > len(data)-len(data)/8:
		return nil
	case len(room) > len(encodingBlock{}): // it is not of a block
		return bytes.Clone(packed)
	}
	p.rest = p.rest[len(packed):]
	return packed[:len(packed):len(packed)]
}

// atLeast returns n bytes at the start of the room that is left, or of their own
// where no block has so many.
func (p *payloadEncoder) atLeast(n int) []byte {
	if n > len(encodingBlock{}) {
		return make([]byte, n)
	}
	if len(p.rest) < n {
		b := encodingBlocks.Get().(*encodingBlock)
		p.blocks, p.rest = append(p.blocks, b), b[:]
	}
	return p.rest[:n]
}

// free gives all blocks back: what encode returned is no longer good.
func (p *payloadEncoder) free() {
	for _, b := range p.blocks {
		encodingBlocks.Put(b)
	}
	*p = payloadEncoder{}
}

// decodePayload returns the chunk stored in payload, checked against its
// address. The result aliases payload where it can.
func decodePayload(c codec, address hash.Hash, payload []byte) ([]byte, error) {
	data, err := unpack(c, address, payload)
	if err != nil {
		return nil, err
	}
	if err := checkHash(address, data); err != nil {
		return nil, err
	}
	return data, nil
}

func checkHash(address hash.Hash, data []byte) error {
	if got := hash.Of(data); got != address {
		return fmt.Errorf("chunk's hash is %s, want %s", got, address)
	}
	return nil
}

func unpack(c codec, address hash.Hash, payload []byte) ([]byte, error) {
	switch c {
	case codecRaw:
		return payload, nil
	case codecMasked:
		return mask(address, payload), nil
	case codecS2:
		if n, err := s2.DecodedLen(payload); err != nil || n > MaxChunkBytes {
			return nil, fmt.Errorf("chunk does not unpack to an allowed size, but to %d bytes: %v", n, err)
		}
		return s2.Decode(nil, payload)
	case codecZstd, codecLeaf:
		return unpackZstd(payload)
	}
	return nil, fmt.Errorf("chunk has an unknown codec, %d", c)
}

// zstdDecoders are kept for reuse: each holds some hundred kilobytes.
var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxChunkBytes))
	if err != nil {
		panic(err) // the options are constant and valid
	}
	return d
}}

func unpackZstd(payload []byte) ([]byte, error) {
	d := zstdDecoders.Get().(*zstd.Decoder)
	defer zstdDecoders.Put(d)
	return d.DecodeAll(payload, nil)
}

// hasZeros tells whether b has a run of at least n zero bytes. It looks at
// every (n/2)th byte only, as long as these are not zero.
func hasZeros(b []byte, n int) bool {
	for i := n/2 - 1; i < len(b); i += n / 2 {
		if b[i] != 0 {
			continue
		}
		from, to := i, i+1
		for from > 0 && b[from-1] == 0 {
			from--
		}
		for to < len(b) && b[to] == 0 && to-from < n {
			to++
		}
		if to-from >= n {
			return true
		}
	}
	return false
}

// mask returns data xor a key stream (splitmix64) that starts from the address.
// As the address is the hash of the data, nobody can craft data which gives
// long runs of zeros. mask undoes itself.
func mask(address hash.Hash, data []byte) []byte {
	out := make([]byte, len(data))
	state := binary.LittleEndian.Uint64(address[:])
	var word [8]byte
	for i := range data {
		if i%8 == 0 {
			state += 0x9e3779b97f4a7c15
			z := (state ^ state>>30) * 0xbf58476d1ce4e5b9
			z = (z ^ z>>27) * 0x94d049bb133111eb
			binary.LittleEndian.PutUint64(word[:], z^z>>31)
		}
		out[i] = data[i] ^ word[i%8]
	}
	return out
}
