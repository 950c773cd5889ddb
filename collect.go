package vdb

import (
	"context"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
)

// CollectOptions are what DB.Collect can be told: Full looks at all that is stored,
// not only at what has come since the last time; Progress is called now and then,
// with the bytes copied so far and in all.
type CollectOptions = nbs.CollectOptions

// CollectReport tells what DB.Collect has kept, of what it looked at, and dropped.
type CollectReport = nbs.CollectReport

// Collect frees what nothing leads to any more: what was written and changed again
// before it was committed, the commits of deleted branches, what a reset has left.
// It keeps all that a branch, a tag, a working set or a merge in progress leads to,
// with the whole history of each, and what transactions, snapshots and iterators of
// this process read can be read until they are gone. A commit that only its
// hash leads to is freed.
//
// Readers and writers of all processes go on meanwhile. It also happens by itself:
// to what is new now and then, to all when the database has grown by
// Options.CollectGrowth. A nil o is fine. A database in memory is not collected.
func (db *DB) Collect(ctx context.Context, o *CollectOptions) (CollectReport, error) {
	report, err := db.blocks.Collect(ctx, o)
	return report, opError("collect", err)
}

// leadsTo tells the collector what chunks lead to.
func leadsTo(context.Context, nbs.GetFunc, hash.Hash) (nbs.LeadsToFunc, error) {
	return func(dst []hash.Hash, _ hash.Hash, data []byte) ([]hash.Hash, error) {
		if chunk.KindOf(data) != chunk.Commit {
			return chunk.References(dst, data)
		}
		addresses, _, err := chunk.Decode(chunk.Commit, data)
		for i, h := range addresses {
			if !h.IsZero() && i != chunk.CommitJump && i != chunk.CommitRun { // those are ancestors
				dst = append(dst, h)
			}
		}
		return dst, err
	}, nil
}
