package nbs

import (
	"io"
	"io/fs"
)

// FS is the file system below a store. Names are paths as the os package takes
// them. A missing file is reported as fs.ErrNotExist. All methods may be
// called concurrently.
type FS interface {
	// OpenFile opens a file as os.OpenFile does. The flags used are
	// os.O_RDONLY, os.O_RDWR, os.O_CREATE and os.O_EXCL.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	MkdirAll(name string, perm fs.FileMode) error
	ReadDir(name string) ([]fs.DirEntry, error)
	// Rename replaces newName by oldName atomically.
	Rename(oldName, newName string) error
	Remove(name string) error
	// SyncDir makes the entries of a directory durable.
	SyncDir(name string) error
	// TryLock takes the exclusive lock on the named file, which it creates when
	// it is missing, and returns nil, nil if another holder has it, be it in
	// this process or in another. The lock ends with Close or with the process.
	TryLock(name string) (io.Closer, error)
}

// OS returns the file system of the operating system.
func OS() FS { return osFS{} }

// File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes the bytes of the file durable, and of its metadata what is
	// needed to read them.
	Sync() error
	// Size returns the length of the file in bytes.
	Size() (int64, error)
}
