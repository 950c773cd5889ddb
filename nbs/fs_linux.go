package nbs

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFile leaves out the time stamps, which cost a write of their own.
func syncFile(f *os.File) error {
	err := retryInterrupted(func() error { return unix.Fdatasync(int(f.Fd())) })
	if err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}
