package vfs

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// at returns the T at an address in SQLite's memory, which Go's collector neither
// moves nor frees.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// bytesAt returns the n bytes at an address, without a copy.
func bytesAt(address uintptr, n int) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice(at[byte](address), n)
}

// allocate returns the address of a zero T that is never freed, or 0.
func allocate[T any](tls *libc.TLS) uintptr {
	var zero T
	p := lib.Xsqlite3_malloc64(tls, lib.Tsqlite3_uint64(unsafe.Sizeof(zero)))
	if p != 0 {
		*at[T](p) = zero
	}
	return p
}

// cString returns a copy of s that SQLite frees, or 0.
func cString(tls *libc.TLS, s string) uintptr {
	p := lib.Xsqlite3_malloc64(tls, lib.Tsqlite3_uint64(len(s)+1))
	if p != 0 {
		copy(bytesAt(p, len(s)+1), s+"\x00")
	}
	return p
}

// funcPointer returns what the translated C code calls as a function pointer. f
// must be a declared function: a func value is a pointer to a pointer to code
// (https://golang.org/s/go11func), static data in its case.
func funcPointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// call returns the function of a pointer of the translated C code.
func call[F any](pointer uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{pointer})) }
