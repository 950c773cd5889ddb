package vdb

import (
	"encoding/binary"
	"fmt"

	"github.com/vdbgo/vdb/hash"
)

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

func (f *fields) string() string { return string(f.bytes(f.uint())) }

// bytes returns the next n bytes, not nil but where they are missing: a part of the payload.
func (f *fields) bytes(n uint64) []byte {
	if n > uint64(len(f.data)) {
		f.fail()
		return nil
	}
	b := f.data[:n:n]
	f.data = f.data[n:]
	return b
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

//go:noinline // a program is smaller by its copies
func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
