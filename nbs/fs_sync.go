//go:build !linux

package nbs

import "os"

// syncFile is F_FULLFSYNC on macOS, where fsync alone leaves the bytes in the
// drive's cache, and FlushFileBuffers on Windows: the os package knows that.
func syncFile(f *os.File) error { return f.Sync() }
