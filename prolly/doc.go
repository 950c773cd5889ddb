// Package prolly is an ordered map of byte strings, stored as a tree of
// immutable chunks that are addressed by their hashes: a prolly tree. Versions
// share what they have in common, so that it costs little to keep each, and two
// versions are compared or merged at the cost of their differences.
//
// # History independence
//
// A tree's shape follows from its items and its [Config] alone. Whatever edits
// and merges led to it, equal contents have one root address: so an address
// stands for contents, and subtrees with equal addresses need not be read. It is
// what everything else here rests on.
//
// Where a node ends is decided at each item by the hash of its key and the sizes
// of the node's items up to there, never by what comes next: see
// docs/FORMAT.md. One builder makes that decision for [Build], [Tree.Apply] and
// [Merge] alike.
//
// # Use
//
// A [Tree] is a small immutable value. [New] is the empty tree, [Load] one that
// is known by its address, [Build] one of sorted items. Read it by [Tree.Get],
// [Tree.Items] and [Tree.Backward], by a [Cursor], or by position with [Tree.At]
// and [Tree.Rank]. [Tree.Apply] returns another tree, with edits made.
// [Diff] leads from one tree to another, [Merge] combines two that come from
// one. Values that are too large for a node become blobs: [WriteBlob],
// [OpenBlob].
//
// Chunks are kept by a [Store], which the caller provides and which is trusted
// to return the bytes that belong to an address. A tree keeps no reference to
// chunks that it has read, so the store should cache them. Whoever takes chunks
// from elsewhere validates them first ([DecodeNode], [Addresses]). [Check]
// proves a whole tree.
//
// # Sharing
//
// Trees, nodes and Configs may be used by any number of goroutines at once, if
// their store may. Cursors, and the sequences that functions here return, are
// each for one. Keys and values alias the store's chunks unless stated
// otherwise: they may be kept, and must not be modified.
//
// # Errors
//
// A chunk that the store does not return, or that is not what its place in the
// tree asks for, is an error that names it; [ErrCorrupt] marks the latter.
// A cancelled context ends any operation between two chunks. An edit or merge
// that fails leaves at most unreferenced chunks in the store.
package prolly
