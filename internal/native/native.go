// Package native reads and writes the memory of the SQLite that was translated
// from C, and passes functions to it. What it allocates Go's collector neither
// moves nor frees.
package native

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// At returns the T at an address in SQLite's memory.
func At[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// Index returns element i of the array of T at an address.
func Index[T any](array uintptr, i int) *T {
	var element T
	return At[T](array + uintptr(i)*unsafe.Sizeof(element))
}

// Bytes returns the n bytes at an address, without a copy.
func Bytes(address uintptr, n int) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice(At[byte](address), n)
}

// New returns the address of a zero T that SQLite's allocator made, or 0.
func New[T any](tls *libc.TLS) uintptr {
	var zero T
	p := lib.Xsqlite3_malloc64(tls, lib.Tsqlite3_uint64(unsafe.Sizeof(zero)))
	if p != 0 {
		*At[T](p) = zero
	}
	return p
}

// CString returns the address of a copy of s, followed by a NUL, or 0. SQLite's
// sqlite3_free frees it.
func CString[S string | []byte](tls *libc.TLS, s S) uintptr {
	p := lib.Xsqlite3_malloc64(tls, lib.Tsqlite3_uint64(len(s)+1))
	if p == 0 {
		return 0
	}
	memory := Bytes(p, len(s)+1)
	memory[copy(memory, s)] = 0
	return p
}

// FuncPointer returns what the translated C code calls as a function pointer. f
// must be a declared function: it relies on a func value being a pointer to a
// pointer to code (https://golang.org/s/go11func), which for a declared function
// is static data.
func FuncPointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// Func returns the function of a pointer of the translated C code.
func Func[F any](pointer uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{pointer})) }
