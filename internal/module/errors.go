package module

import (
	"errors"
	"fmt"

	lib "modernc.org/sqlite/lib"
)

// Error is SQLite's refusal of a registration.
type Error struct {
	Op, Name string // what was to be done, and to what
	Text     string // SQLite's message
	code     int
}

// Error names the operation and the object.
func (e *Error) Error() string {
	return fmt.Sprintf("module: %s %s: %s", e.Op, e.Name, e.Text)
}

// Code returns SQLite's result code.
func (e *Error) Code() int { return e.code }

// errNoMemory says that SQLite could not allocate memory.
var errNoMemory error = &Error{Op: "allocate", Name: "memory", Text: "out of memory", code: lib.SQLITE_NOMEM}

// codeOf returns the result code with which SQLite learns of err.
func codeOf(err error) int32 {
	var coded interface{ Code() int }
	if !errors.As(err, &coded) {
		return lib.SQLITE_ERROR
	}
	switch code := int32(coded.Code()); code & 0xff {
	case lib.SQLITE_OK, lib.SQLITE_ROW, lib.SQLITE_DONE:
		return lib.SQLITE_ERROR // these would tell SQLite that nothing is wrong
	default:
		return code
	}
}

// guard turns a panic into an error. SQLite's own code must not be unwound: it
// would leave its mutexes locked.
func guard(err *error, what, name string) {
	switch r := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("module: %s %s: panic: %w", what, name, r)
	default:
		*err = fmt.Errorf("module: %s %s: panic: %v", what, name, r)
	}
}
