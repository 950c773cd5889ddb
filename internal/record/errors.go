package record

import "errors"

// Sentinels that errors.Is finds in the errors of this package.
var (
	// ErrCorrupt marks bytes that no encoder here or in SQLite has written.
	ErrCorrupt = errors.New("record: corrupt")
	// ErrNaN marks a float that is not a number, which SQL cannot store.
	ErrNaN = errors.New("record: NaN is no SQL value")
	// ErrUTF8 marks a text that is not UTF-8.
	ErrUTF8 = errors.New("invalid UTF-8")
	// ErrOverflow marks an unsigned integer beyond the largest int64.
	ErrOverflow = errors.New("does not fit 64 signed bits")
	// ErrType marks a Go type that has no SQL value.
	ErrType = errors.New("has no SQL value")
	// ErrTime marks a value that is no time, or a time that has no text form.
	ErrTime = errors.New("not a time")
)
