package sqlite

import (
	"errors"
	"syscall"

	"github.com/vdbgo/vdb"
	lib "modernc.org/sqlite/lib"
)

// functionError is an error with the SQLite result code that fits it best.
type functionError struct {
	error
	code int
}

// Code returns the result code.
func (e *functionError) Code() int { return e.code }

func (e *functionError) Unwrap() error { return e.error }

// functionCodes are the codes of errors that SQLite has a word for.
var functionCodes = []struct {
	is   error
	code int
}{
	{vdb.ErrReadOnly, lib.SQLITE_READONLY},
	{vdb.ErrUncommitted, lib.SQLITE_ERROR},
	{vdb.ErrConflict, lib.SQLITE_CONSTRAINT},
	{vdb.ErrConstraint, lib.SQLITE_CONSTRAINT},
	{vdb.ErrMerging, lib.SQLITE_CONSTRAINT},
	{syscall.ENOSPC, lib.SQLITE_FULL},
	{syscall.EDQUOT, lib.SQLITE_FULL},
}

func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// plainCode gives err a result code, SQLITE_ERROR if none fits better.
func plainCode(err error) error {
	err = withCode(err)
	var coded interface{ Code() int }
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return &functionError{err, lib.SQLITE_ERROR}
}

// withCode gives err a result code, if it has none.
func withCode(err error) error {
	var coded interface{ Code() int }
	if err == nil || errors.As(err, &coded) {
		return err
	}
	for _, c := range functionCodes {
		if errors.Is(err, c.is) {
			return &functionError{err, c.code}
		}
	}
	return err
}
