package nbs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// osFS is the file system of the operating system. What differs from one
// system to the next is in fs_unix.go, fs_windows.go and their like.
type osFS struct{}

var _ FS = osFS{}

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) MkdirAll(name string, perm fs.FileMode) error { return os.MkdirAll(name, perm) }

func (osFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

func (osFS) Rename(oldName, newName string) error { return rename(oldName, newName) }

func (osFS) Remove(name string) error { return os.Remove(name) }

func (osFS) SyncDir(name string) error { return syncDir(name) }

// TryLock locks through a file description of its own, so that two stores in
// one process exclude each other as two processes do.
func (osFS) TryLock(name string) (io.Closer, error) {
	f, err := openLock(name)
	if err != nil {
		return nil, err
	}
	locked, err := tryLockFile(f)
	if locked {
		return f, nil // closing it releases the lock
	}
	if err != nil {
		err = fmt.Errorf("lock %s: %w", name, err)
	}
	return nil, errors.Join(err, f.Close())
}

// osFile is an open file of the operating system.
type osFile struct{ *os.File }

func (f osFile) Sync() error { return syncFile(f.File) }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
