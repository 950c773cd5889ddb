package vfs

import (
	"errors"
	"sync"
	"sync/atomic"

	lib "modernc.org/sqlite/lib"
)

// File is a database file. Its methods are called by the goroutine that uses the
// connection, one at a time. An error with a method Code() int becomes that
// SQLite result code, others an I/O error.
type File interface {
	// ReadAt fills p. What lies beyond the end is ErrShort, p then ends in zeros.
	ReadAt(p []byte, off int64) error
	WriteAt(p []byte, off int64) error
	Truncate(size int64) error
	Size() (int64, error)
	// Lock raises the lock to a level, Unlock lowers it to Shared or None.
	Lock(level Level) error
	Unlock(level Level) error
	// Reserved tells whether a connection holds a lock of Reserved or above.
	Reserved() bool
	// Sync tells that all that a transaction, or a rollback, has to write is written.
	// An error that is SQLITE_BUSY keeps a transaction from being committed, and open.
	Sync() error
	// Commit makes what was written durable: a transaction's last step but the
	// unlocking. If it fails SQLite rolls back.
	Commit() error
	// Pragma answers a PRAGMA before SQLite does. handled is false to leave it to it.
	Pragma(name string, value *string) (answer string, handled bool, err error)
	// Immutable tells that the file never changes.
	Immutable() bool
	// Closed tells that a connection has closed the file.
	Closed()
}

// Level is the level of a lock. https://www.sqlite.org/lockingv3.html
type Level int32

// The levels of locks.
const (
	None      Level = lib.SQLITE_LOCK_NONE
	Shared    Level = lib.SQLITE_LOCK_SHARED
	Reserved  Level = lib.SQLITE_LOCK_RESERVED
	Exclusive Level = lib.SQLITE_LOCK_EXCLUSIVE
)

// ErrShort tells that a file ends before what was to be read does.
var ErrShort = errors.New("read beyond the end of the file")

// files are the announced files, and those that connections have open.
var files struct {
	next   atomic.Uint64
	byName sync.Map // string → File
	open   handles
}

// opened is a file that a connection has open.
type opened struct {
	File
	failed error // what the last method that failed said
}

// code returns the SQLite result code of an error, fallback if it has none.
func code(err error, fallback int32) int32 {
	if err == nil {
		return lib.SQLITE_OK
	}
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return int32(coded.Code())
	}
	return fallback
}
