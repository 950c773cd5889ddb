//go:build unix

package nbs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openLock opens a file that is only locked. os.OpenFile would ask whether it can be
// polled, which takes four more system calls in each commit.
func openLock(name string) (*os.File, error) {
	fd := -1
	err := retryInterrupted(func() (err error) {
		fd, err = unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func tryLockFile(f *os.File) (bool, error) {
	err := retryInterrupted(func() error {
		return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	})
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func rename(oldName, newName string) error { return os.Rename(oldName, newName) }

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func retryInterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
