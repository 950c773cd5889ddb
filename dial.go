package vdb

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/vdbgo/vdb/remote"
)

// dial connects to the database at a URL.
func dial(ctx context.Context, url string, o *remote.Options) (remote.Remote, error) {
	path, isPath := remote.LocalPath(url)
	if !isPath {
		return remote.Open(ctx, url, o)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, remote.ErrNoDatabase)
	}
	db, err := openStore(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	return directory{served{db, remote.FullAccess()}}, nil
}

// directory is the database in a directory, which other processes may use.
type directory struct{ served }

// Close closes it.
func (d directory) Close() error { return d.db.Close() }

// dialRemote connects to a remote by its name.
func (db *DB) dialRemote(ctx context.Context, name string) (remote.Remote, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	rm, err := r.remote(ctx, name)
	if err != nil {
		return nil, err
	}
	return dial(ctx, rm.URL, db.remotes)
}
