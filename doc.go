// Package vdb is a version-controlled database that lives inside a Go program.
// It gives tables what git gives a source tree: branches, commits, merges,
// diffs, reverts, time travel, over millions of rows, without a server.
//
// # Opening
//
// A database is a directory. Open creates it where there is none, with one
// branch, main:
//
//	db, err := vdb.Open(ctx, "prod.vdb", nil)
//	defer db.Close()
//	main, err := db.Branch(ctx, "main")
//
// A DB and its Branches may be used by many goroutines, and the directory by
// many processes at once.
//
// # Reading and writing
//
// Rows are written in transactions on a branch. A typed table maps a struct to
// columns:
//
//	type Customer struct {
//		ID   string `vdb:"id,pk"`
//		Name string `vdb:"name"`
//	}
//
//	var customers = vdb.MustTable[Customer]("customers")
//
//	err = main.Update(ctx, func(tx *vdb.Tx) error {
//		if err := customers.CreateIfMissing(tx); err != nil {
//			return err
//		}
//		return customers.Put(tx, Customer{ID: "c1", Name: "Example Ltd"})
//	})
//
// Tools that do not know the tables use Rows of Values: Tx.Put, Snapshot.Get,
// Snapshot.Rows. A function that only reads takes a Reader, which both a Tx and a
// Snapshot are.
//
// A transaction reads the branch as it was when it began, and its own writes.
// It is durable when Update returns: one append to a journal and one sync, which
// concurrent transactions share. Two that touched different rows, or different
// columns of a row, both take effect; if they changed the same cell, Update runs
// its function again on the newer state. Readers take no lock and are never
// stopped.
//
// # History
//
// Transactions change a branch's working set. Commit records it in history:
//
//	c, err := main.Commit(ctx, vdb.Message{Author: "Support", Text: "New customer"})
//
// and whatever was committed can be read again, indexes included:
//
//	before, err := db.AsOf(ctx, c.Hash.String()+"~1")
//
// Revisions are written as git's are:
//
//	main, heads/main            a branch's head
//	v1, tags/v1                 a tag's commit
//	9f3c2e1                     a commit by its hash, or a unique prefix of it
//	HEAD, @                     the head of the branch that is asked; of main, where a DB is
//	WORKING, STAGED             its working set, its staged version
//	rev~2, rev^2                the second ancestor by first parents; the second parent
//	rev@{2026-11-22T09:30:00Z}  the last commit by first parents at or before a time
//	a..b                        what b has beyond a: for Diff, Log, Revert, CherryPick
//	a...b                       what b has beyond the merge base of both: for Diff
//
// Diff, Log, History and Blame say what changed, when, and by whom. Merge,
// CherryPick and Revert carry changes from one place in history to another, cell
// by cell; ResetHard takes a branch back; Restore puts some rows back as they
// were, and the rows that depend on them.
//
// SetRetention says which commits branches keep as these grow older, and Retain squashes
// the others; Purge takes rows out of all of history.
//
// # Conflicts
//
// Where both sides of a merge changed the same cell the column's Policy decides
// or, without one, the row is a Conflict: the merge stays in progress, with ours
// in that row, until ResolveConflicts has settled all of them and Commit makes
// the merge commit, or Abort ends it. A function that settles a conflict best
// starts from Conflict.Merged, the row with all that could be merged.
//
// # Damage
//
// Each chunk that is read is compared with its address. Check reads all that is stored and
// tells what damage hits; Recover makes a new database of what is whole, and of what
// backups, clones and remotes still have.
//
// # What SQL has made
//
// A program that imports package sqlite can write and alter what SQL has made.
// CHECKs, generated columns, indexes on expressions and triggers do then what they do
// in SQL, and views, triggers and indexes follow when what they name is renamed; without
// the import such a write fails with ErrNeedsSQL. Writes to a table
// with triggers run as SQL statements inside of the transaction: see Tx. Rows
// that come from another version, by Merge, Revert, CherryPick, Restore and
// CopyRows, fire no triggers: what these did there comes along as rows.
//
// # What it does not do
//
// There is no query language here: the database/sql driver is a package of its
// own. A key or an indexed
// value may have up to 32 KiB, any other TEXT or BLOB up to 1 TiB; what is beyond
// 1 KiB stands outside of its row and can be streamed. A context given to Begin, Snapshot or AsOf governs all
// reads through what they return.
package vdb
