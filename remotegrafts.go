package vdb

import (
	"context"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/remote"
)

// graftAt is where a commit's history ends, for remotes.
func (r *refs) graftAt(context.Context, hash.Hash) (remote.Graft, bool, error) {
	return remote.Graft{}, false, nil
}

// graftList returns all grafts, for remotes.
func (r *refs) graftList(context.Context) ([]remote.Graft, error) { return nil, nil }

// addGrafts records where the history that has come from a remote ends.
func (r *refs) addGrafts(_ context.Context, grafts []remote.Graft) error {
	if len(grafts) > 0 {
		return invalidf("a part of a history")
	}
	return nil
}

// withGrafts returns the grafts of a transfer and those that the database has.
func (db *DB) withGrafts(_ context.Context, grafts []remote.Graft) ([]remote.Graft, error) {
	return grafts, nil
}
