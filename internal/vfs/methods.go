package vfs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb/internal/native"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

func fileAt(p uintptr) *opened { return files.open.at(native.At[file](p).id) }

// guard calls fn and turns what it returns, or its panic, into a result code.
func (f *opened) guard(fallback int32, fn func() error) (rc int32) {
	defer func() {
		if r := recover(); r != nil {
			f.failed = fmt.Errorf("panic: %v", r)
			rc = fallback
		}
	}()
	err := fn()
	if err != nil {
		f.failed = err
	}
	return code(err, fallback)
}

func xClose(_ *libc.TLS, p uintptr) int32 {
	f := fileAt(p)
	files.open.drop(native.At[file](p).id)
	return f.guard(lib.SQLITE_IOERR_CLOSE, func() error {
		f.Closed()
		return nil
	})
}

func xRead(_ *libc.TLS, p, buf uintptr, n int32, off lib.Tsqlite3_int64) int32 {
	f := fileAt(p)
	short := false
	rc := f.guard(lib.SQLITE_IOERR_READ, func() error {
		err := f.ReadAt(native.Bytes(buf, int(n)), int64(off))
		if short = errors.Is(err, ErrShort); short {
			return nil
		}
		return err
	})
	if short {
		return lib.SQLITE_IOERR_SHORT_READ
	}
	return rc
}

func xWrite(_ *libc.TLS, p, buf uintptr, n int32, off lib.Tsqlite3_int64) int32 {
	f := fileAt(p)
	return f.guard(lib.SQLITE_IOERR_WRITE, func() error { return f.WriteAt(native.Bytes(buf, int(n)), int64(off)) })
}

func xTruncate(_ *libc.TLS, p uintptr, size lib.Tsqlite3_int64) int32 {
	f := fileAt(p)
	return f.guard(lib.SQLITE_IOERR_TRUNCATE, func() error { return f.Truncate(int64(size)) })
}

// xSync does nothing: a transaction is made durable by its commit.
func xSync(*libc.TLS, uintptr, int32) int32 { return lib.SQLITE_OK }

func xFileSize(_ *libc.TLS, p, result uintptr) int32 {
	f := fileAt(p)
	return f.guard(lib.SQLITE_IOERR_FSTAT, func() error {
		size, err := f.Size()
		*native.At[int64](result) = size
		return err
	})
}

func xLock(_ *libc.TLS, p uintptr, level int32) int32 {
	f := fileAt(p)
	return f.guard(lib.SQLITE_IOERR_LOCK, func() error { return f.Lock(Level(level)) })
}

func xUnlock(_ *libc.TLS, p uintptr, level int32) int32 {
	f := fileAt(p)
	return f.guard(lib.SQLITE_IOERR_UNLOCK, func() error { return f.Unlock(Level(level)) })
}

func xCheckReservedLock(_ *libc.TLS, p, result uintptr) int32 {
	*native.At[int32](result) = 0
	if fileAt(p).Reserved() {
		*native.At[int32](result) = 1
	}
	return lib.SQLITE_OK
}

func xFileControl(tls *libc.TLS, p uintptr, op int32, arg uintptr) int32 {
	f := fileAt(p)
	switch op {
	case lib.SQLITE_FCNTL_COMMIT_PHASETWO:
		return f.guard(lib.SQLITE_IOERR, f.Commit)
	case lib.SQLITE_FCNTL_SYNC:
		return f.guard(lib.SQLITE_IOERR, f.Sync)
	case lib.SQLITE_FCNTL_PRAGMA:
		return f.pragma(tls, arg)
	}
	return lib.SQLITE_NOTFOUND
}

// pragma answers a PRAGMA. arg is an array of strings: the answer, the name, and
// the value or none.
func (f *opened) pragma(tls *libc.TLS, arg uintptr) int32 {
	strs := native.At[[3]uintptr](arg)
	var value *string
	if strs[2] != 0 {
		s := libc.GoString(strs[2])
		value = &s
	}
	answer, handled := "", false
	rc := f.guard(lib.SQLITE_ERROR, func() (err error) {
		answer, handled, err = f.Pragma(strings.ToLower(libc.GoString(strs[1])), value)
		return err
	})
	switch {
	case rc != lib.SQLITE_OK:
		strs[0] = native.CString(tls, f.failed.Error())
		return rc
	case !handled:
		return lib.SQLITE_NOTFOUND
	case answer != "":
		strs[0] = native.CString(tls, answer)
	}
	return lib.SQLITE_OK
}

func xSectorSize(*libc.TLS, uintptr) int32 { return 4096 }

func xDeviceCharacteristics(_ *libc.TLS, p uintptr) int32 {
	const always = lib.SQLITE_IOCAP_POWERSAFE_OVERWRITE | lib.SQLITE_IOCAP_SAFE_APPEND |
		lib.SQLITE_IOCAP_SEQUENTIAL | lib.SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN
	if fileAt(p).Immutable() {
		return always | lib.SQLITE_IOCAP_IMMUTABLE
	}
	return always
}

// Failure returns what the last method that failed on a file said, and forgets it:
// SQLite passes its code on alone.
func Failure(f File) (failed error) {
	for _, o := range files.open.all() {
		if o.File == f && o.failed != nil {
			failed, o.failed = o.failed, nil
		}
	}
	return failed
}
