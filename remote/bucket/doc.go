// Package bucket keeps a database in object storage: S3, and what speaks its protocol.
// There is no server of ours at the far end; each client reads and writes objects, and
// any number of them may push at the same time.
//
// # Use
//
// With the transport among those of package vdb's remotes, URLs of buckets are like any
// others:
//
//	opts := &vdb.Options{Remotes: &remote.Options{
//		Transports: map[string]remote.Transport{"s3": bucket.Transport(nil)},
//	}}
//	db, err := vdb.Clone(ctx, "s3://backups/shop?endpoint=https://s3.example.com", dir,
//		&vdb.CloneOptions{Open: opts})
//
// Credentials come from the environment or from Options.Credentials. They are neither
// taken from URLs nor stored. The database is made by the first push; the bucket itself
// must be there.
//
// # Objects
//
//	PREFIX/manifest      refs and the list of tables; see manifest.go
//	PREFIX/tables/ID     chunks: a table file as package nbs has them, with its index
//
// Tables are never changed. The manifest is the only object that is replaced, with a
// conditional write (If-Match, If-None-Match): who was slower reads the new one, looks
// whether its updates are still allowed, and tries again. So no push is lost, and a
// reader sees all of a push or nothing. A server that does not know conditional writes is
// found out before the first push, and refused.
//
// # A push
//
// The new chunks become one table, or several of 32 MiB, which are uploaded first. The ID
// of a table is made from what is in it, so that a push that was cut, and is made again,
// does not upload again what is there. Then the manifest is replaced. When there are more
// than 16 tables smaller than 32 MiB, the push first merges some of them.
//
// Tables that others have taken the place of, and those of pushes that were cut, stay for
// a grace time of a week (Options.Grace) for the sake of those who still read or write
// them. Then a push that merges removes them. Chunks are never dropped from tables that
// are in use: a branch that was removed or moved by force leaves its commits in the
// bucket. To be rid of them, push to another prefix.
//
// # A fetch
//
// Reads the manifest and of the tables, newest first, what is needed: pieces of 256 KiB,
// more at once when reading goes on, each once. A clone of all that there is reads the
// tables ahead, four pieces of 4 MiB at a time. They stand in temporary files until the
// fetch ends. What the receiver has itself is not asked for. Every chunk is compared with
// its address; what does not fit is read once more, and then an error.
//
// Who may write to the bucket can write anything. The receiver checks that what it takes
// in is whole; the bucket cannot.
package bucket
