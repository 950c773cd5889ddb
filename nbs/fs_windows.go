package nbs

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// openLock opens a file that is only locked.
func openLock(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666) }

func tryLockFile(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// rename tries again for a while: Windows refuses while another process reads the
// file, and the manifest is read in no time.
func rename(oldName, newName string) error {
	var err error
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		if err = os.Rename(oldName, newName); !errors.Is(err, os.ErrPermission) && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
			return err
		}
		time.Sleep(wait)
	}
	return err
}

// syncDir does nothing: NTFS keeps its directories in order by itself, and
// Windows opens no directory for FlushFileBuffers without special rights.
func syncDir(string) error { return nil }
