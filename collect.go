package vdb

import (
	"context"
	"fmt"
	"time"

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
// hash or the reflog leads to is freed.
//
// Readers and writers of all processes go on meanwhile. It also happens by itself:
// to what is new now and then, to all when the database has grown by
// Options.CollectGrowth. Then commits are kept that the reflog has named for less than a
// week. A nil o is fine. A database in memory is not collected.
func (db *DB) Collect(ctx context.Context, o *CollectOptions) (CollectReport, error) {
	report, err := db.blocks.Collect(ctx, o)
	return report, opError("collect", err)
}

// reflogKept is for how long the commits that the reflog names are kept by collections
// that happen by themselves: a reset or a deleted branch can be taken back.
const reflogKept = 7 * 24 * time.Hour

// leadsTo tells the collector what chunks lead to.
func (db *DB) leadsTo(ctx context.Context, c nbs.Chunks, root hash.Hash, byItself bool) (nbs.LeadsToFunc, error) {
	r, err := patchedRefs(ctx, readingStore{c}, root)
	if err != nil {
		return nil, err
	}
	grafts, err := r.loadGrafts(ctx)
	if err != nil {
		return nil, err
	}
	since := db.now().Add(-reflogKept)
	return func(dst []hash.Hash, h hash.Hash, data []byte) ([]hash.Hash, error) {
		switch kind := chunk.KindOf(data); {
		case kind == chunk.Commit:
			return grafts.leadTo(dst, h, data)
		case byItself && (kind == chunk.Root || kind == chunk.Moves):
			return movesLeadTo(ctx, c, grafts, dst, data, since)
		}
		return chunk.References(dst, data)
	}, nil
}

// leadTo is commitLeadsTo for a commit whose parents may not be there.
func (s *graftSet) leadTo(dst []hash.Hash, h hash.Hash, data []byte) ([]hash.Hash, error) {
	if s == nil {
		return commitLeadsTo(dst, data)
	}
	g, cut := s.byCommit[h]
	if !cut {
		return commitLeadsTo(dst, data)
	}
	addresses, _, err := chunk.Decode(chunk.Commit, data)
	for _, h := range addresses[:min(len(addresses), chunk.CommitJump)] {
		if !h.IsZero() {
			dst = append(dst, h)
		}
	}
	return append(dst, g.parents...), err
}

// readingStore reads chunks, and knows of no database.
type readingStore struct{ nbs.Chunks }

// Put refuses: it is for reading.
func (readingStore) Put(context.Context, []byte) (hash.Hash, error) {
	return hash.Hash{}, fmt.Errorf("write a chunk: %w", ErrReadOnly)
}

// commitLeadsTo leaves out the links to far ancestors, which the parents lead to.
func commitLeadsTo(dst []hash.Hash, data []byte) ([]hash.Hash, error) {
	addresses, _, err := chunk.Decode(chunk.Commit, data)
	for i, h := range addresses {
		if !h.IsZero() && i != chunk.CommitJump && i != chunk.CommitRun {
			dst = append(dst, h)
		}
	}
	return dst, err
}

// movesLeadTo adds the commits that refs have left since a time, as far as they are
// still there and were not squashed.
func movesLeadTo(ctx context.Context, c nbs.Chunks, grafts *graftSet, dst []hash.Hash, data []byte, since time.Time) ([]hash.Hash, error) {
	dst, err := chunk.References(dst, data)
	if err != nil {
		return dst, err
	}
	_, encoded, err := chunk.Split(chunk.KindOf(data), data)
	if err == nil && chunk.KindOf(data) == chunk.Root {
		f := fields{data: encoded}
		f.uint()
		encoded, err = f.data, f.err
	}
	if err != nil {
		return dst, err
	}
	moves, err := decodeMoves(encoded)
	for _, m := range moves {
		if m.From.IsZero() || m.Time.Before(since) || grafts.isSquashed(m.From) {
			continue
		}
		there, err := c.Has(ctx, m.From)
		if err != nil {
			return dst, err
		}
		if there {
			dst = append(dst, m.From)
		}
	}
	return dst, err
}

// versions tells the collector that a commit is a version of its first parent, and
// consists of its contents and identities, which leadsTo names first.
func versions(data []byte, leads []hash.Hash) (contents []hash.Hash, before hash.Hash) {
	if chunk.KindOf(data) != chunk.Commit {
		return leads, hash.Hash{}
	}
	addresses, _, err := chunk.Decode(chunk.Commit, data)
	if err != nil {
		return nil, hash.Hash{}
	}
	n := 0
	for _, h := range addresses[:min(chunk.CommitJump, len(addresses))] {
		if !h.IsZero() {
			n++
		}
	}
	if n = min(n, len(leads)); n == len(leads) {
		return leads, hash.Hash{}
	}
	return leads[:n], leads[n]
}
