package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/vdbgo/vdb"
)

// openExisting opens a database that a command is about: a mistyped path must not
// make a new one.
func openExisting(ctx context.Context, path string, readOnly bool) (*vdb.DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no database %s; vdb %s makes one", path, path)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, errFile(path)
	}
	return vdb.Open(ctx, path, &vdb.Options{ReadOnly: readOnly})
}

// openOrCreate opens a database, and says whether it is new.
func openOrCreate(ctx context.Context, path string, readOnly bool) (db *vdb.DB, created bool, err error) {
	info, err := os.Stat(path)
	created = errors.Is(err, fs.ErrNotExist) && path != vdb.Memory
	if created && readOnly {
		return nil, false, fmt.Errorf("there is no database %s to be read", path)
	}
	if err == nil && !info.IsDir() {
		return nil, false, errFile(path)
	}
	db, err = vdb.Open(ctx, path, &vdb.Options{ReadOnly: readOnly})
	return db, created, err
}

// errFile says what to do with a file, which a database never is.
func errFile(path string) error {
	return fmt.Errorf("%s is a file, and a database is a directory; if it is a SQLite file, vdb import NEW.vdb %s makes a database of it", path, path)
}
