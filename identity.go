package vdb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// identityKey is where the refs have what tells a database from all others: the count 0
// and 16 random bytes, from the first backup on. So a backup has it, and what is
// restored from it, but no clone.
const identityKey = "identity"

// identity tells a database from all others; zero if it has none yet.
type identity [16]byte

// String is hexadecimal, empty for none.
func (id identity) String() string {
	if id == (identity{}) {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// mayFollow refuses a backup of another database.
func (id identity) mayFollow(ctx context.Context, backup *refs) error {
	other, err := backup.identity(ctx)
	if err == nil && other != (identity{}) && other != id {
		err = remote.ErrOtherDatabase
	}
	return err
}

func (r *refs) identity(ctx context.Context) (id identity, err error) {
	value, found, err := r.tree.Get(ctx, []byte(identityKey))
	if err != nil || !found {
		return id, err
	}
	if len(value) != 1+len(id) {
		return id, fmt.Errorf("the database's identity has %d bytes", len(value))
	}
	return identity(value[1:]), nil
}

// identity returns the database's, which is made when it is first asked for. One that
// cannot be written may have none.
func (db *DB) identity(ctx context.Context) (id identity, err error) {
	r, err := db.refs(ctx)
	if err == nil {
		id, err = r.identity(ctx)
	}
	if err != nil || id != (identity{}) {
		return id, err
	}
	err = db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) (err error) {
		if id, err = r.identity(ctx); err != nil || id != (identity{}) {
			return err // somebody was faster
		}
		_, _ = rand.Read(id[:]) // never fails
		return r.set(ctx, prolly.Edit{Key: []byte(identityKey), Value: append([]byte{0}, id[:]...)})
	})
	if errors.Is(err, ErrReadOnly) {
		return identity{}, nil
	}
	return id, err
}
