package nbs

import (
	"errors"
	"fmt"
)

// Errors that errors.Is finds in what the package returns.
var (
	// ErrNotFound: no chunk has the address asked for.
	ErrNotFound = errors.New("chunk not found")
	// ErrReadOnly: the store was opened read-only, or is read-only because of
	// damage; in the latter case a *DamageError is in the same chain.
	ErrReadOnly = errors.New("store is read-only")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store is closed")
	// ErrFailed: a write or sync has failed before, and nothing more is written
	// through this open store. The first failure is in the same chain.
	ErrFailed = errors.New("store has failed")
	// ErrNewerFormat: the store was made by a newer version of this package.
	ErrNewerFormat = errors.New("store has a newer format")
	// ErrNotStore: the directory holds something that is not a store.
	ErrNotStore = errors.New("directory is not a store")
	// ErrForeignWriter: a commit was given the Writer of another store.
	ErrForeignWriter = errors.New("writer belongs to another store")
	// ErrTooLarge: a chunk is larger than MaxChunkBytes.
	ErrTooLarge = errors.New("chunk is too large")
)

// DamageError tells where bytes on disk are not what was written.
type DamageError struct {
	File   string // path of the damaged file
	Offset int64  // where in the file, in bytes
	Reason string // what is wrong there
}

// Error implements error.
func (e *DamageError) Error() string {
	return fmt.Sprintf("damage in %s at byte %d: %s", e.File, e.Offset, e.Reason)
}
