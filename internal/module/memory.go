package module

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// at returns the T at an address in SQLite's memory, which Go's collector neither
// moves nor frees.
func at[T any](address uintptr) *T {
	return *(**T)(unsafe.Pointer(&address))
}

// index returns element i of the array of T at an address.
func index[T any](array uintptr, i int) *T {
	var element T
	return at[T](array + uintptr(i)*unsafe.Sizeof(element))
}

// bytesAt returns the n bytes at an address, without a copy.
func bytesAt(address uintptr, n int) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice(at[byte](address), n)
}

// newStruct returns the address of a zero T that SQLite's allocator made, or 0.
func newStruct[T any](tls *libc.TLS) uintptr {
	var zero T
	p := lib.Xsqlite3_malloc64(tls, lib.Tsqlite3_uint64(unsafe.Sizeof(zero)))
	if p != 0 {
		*at[T](p) = zero
	}
	return p
}

// copyIn returns the address of a copy of s, followed by a NUL, or 0.
func copyIn[S string | []byte](tls *libc.TLS, s S) uintptr {
	p := lib.Xsqlite3_malloc64(tls, lib.Tsqlite3_uint64(len(s)+1))
	if p == 0 {
		return 0
	}
	memory := bytesAt(p, len(s)+1)
	memory[copy(memory, s)] = 0
	return p
}

// cString returns the address of a C string. As 0 is one as well, for SQLite, no
// caller asks whether there was memory.
func cString(tls *libc.TLS, s string) uintptr { return copyIn(tls, s) }

// funcPointer returns what the translated C code calls as a function pointer. f
// must be a declared function: it relies on a func value being a pointer to a
// pointer to code (https://golang.org/s/go11func), which for a declared function
// is static data.
func funcPointer[F any](f F) uintptr {
	return *(*uintptr)(unsafe.Pointer(&f))
}
