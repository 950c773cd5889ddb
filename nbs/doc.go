// Package nbs is a noms-style block store: a directory that keeps immutable
// chunks of bytes, each addressed by its hash, and one root, the address of the
// chunk that leads to all others.
//
// # Use
//
// Open opens a directory, and makes a store where there is none. A Writer
// collects new chunks; Commit stores them and moves the root, durably and all
// at once or not at all:
//
//	s, err := nbs.Open(ctx, dir, nil)
//	w := s.NewWriter()
//	leaf, err := w.Put(ctx, data)
//	err = s.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
//		return w.Put(ctx, link(root, leaf)) // root is the newest; what is returned follows it
//	})
//	data, err := s.Get(ctx, leaf)
//
// Chunks are never changed. If Options.LeadsTo tells which chunks a chunk leads to,
// those that the root does not lead to are dropped in time; else none is, and what an
// old root leads to can be read for ever. Memory is a store without a directory.
//
// # Promises
//
//   - A commit that was acknowledged survives the death of the process and a
//     loss of power. One that was not leaves all of it or nothing.
//   - Bytes on disk that are not what was written are reported as *DamageError.
//     They are never returned, and never answered by an older root.
//   - Many processes may have a store open. Readers never wait; writers wait for
//     each other while an append is written, not while it is synced.
//   - After a write or sync has failed, the open store writes no more (the
//     kernel may have dropped what it could not write, so that trying again
//     would report a success which is none). It can be read, and opened again.
//     Room that could not be had on a full disk is no such failure.
//
// # Files
//
//	manifest              names the files below, see manifest.go
//	journal-<id>          commits in the order in which they were made, see journal.go
//	journal-<id>.index    addresses in it, a hint, see index.go
//	table-<id>            chunks of journals that were compacted, see table.go
//	lock, lock.compact    empty; only their locks matter
//	spill-<n>-<id>        likewise: chunks of a Writer are in the journal, see spill.go
//
// One journal is active: commits go there. When it has grown it is sealed, the
// manifest names the next one, and its chunks are written to a table file, which
// takes its place in the manifest. Tables are merged when many are of one size.
//
// # A commit
//
// Commits queue up. The first in the queue leads: it takes the lock, reads what
// other processes have appended, and calls the update of each commit that waits,
// giving each the root of the one before. It appends what they made with one
// write, releases the lock, and syncs, once. The journal is filled with zeros
// ahead of its end, so that the sync has no metadata to write. Only then do the
// commits return, and does Root tell of them.
//
// A Writer that holds much appends chunks ahead of its commit, without a root
// and without a sync. They are durable with the commit, whose sync comes later
// in the same file.
//
// # Collection
//
// A compaction copies of a sealed journal what is live: it goes from the root to
// whatever that leads to (see mark.go), and writes what it meets in that order.
// So its cost follows what is new, not what there is. What becomes garbage later is
// dropped by a full collection, which copies all that is live; one starts by itself when
// the tables have grown by Options.CollectGrowth. See collect.go.
//
// Nobody waits for a collection, nor a collection for anybody:
//
//   - What readers of any process look at they have open: files whose names are gone
//     are readable until they are closed. A Hold keeps them open (see hold.go).
//   - Commits go to a journal that is not collected. What their chunks lead to is
//     copied as well; the last of it is looked for with the lock held.
//   - A Writer does not write what is there. If a collection has ended since it began,
//     its commit looks whether all that it leads to still is, and else
//     takes it from the files that the Writer holds.
//   - Chunks that a Writer has appended ahead of its commit are guarded by a locked file.
//
// So what is in the store never leads to what is not, not even garbage does.
//
// # Versions
//
// Successive versions of a chunk differ little: a tree's leaf before and after one of its
// rows has changed. If Options.Versions tells which chunks are versions, a collection
// stores those together in one record, a pack: the newest whole, each older one as a delta
// from a newer one (see pack.go, delta.go, versions.go). A chunk in a pack is
// read by one pread, and some 7 steps of a microsecond or less.
//
// # Order of writes
//
// What a crash may leave follows from this order; each step is durable before
// the next one begins.
//
//   - An append: zeros where it goes; the append.
//   - A new journal: the new file; the seal that ends the old one; the manifest
//     that names the new one. Who finds a seal and no newer manifest completes the step,
//     and nobody appends behind a seal.
//   - A table: the file; the manifest that names it and no longer the journal;
//     the removal of the journal.
//   - A collection: a new journal; the tables; another new journal, whose manifest names
//     the tables and not what they replace; the removal of that.
//   - A torn append: zeros over it; the next append.
//
// # Reading a journal
//
// A reader goes from append to append as long as records are whole, and takes
// the last root. It stops where an append is not whole, and tries again later:
// another process may be writing it. Only the holder of the lock judges what is
// there: nothing, a torn append, or damage (see recovery.go). A store with
// damage that a root may have been lost to is read-only, at the newest root that
// can be read, and left as it is. Damage reports it. Check reads everything. Salvage
// reads what is left where not even that can be opened.
package nbs
