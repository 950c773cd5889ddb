// Package btree reads and writes the pages of a SQLite database file: those of
// table b-trees, which are keyed by a 64-bit integer, and of index b-trees, in
// which an interior cell carries a whole entry.
//
// It knows the bytes alone (https://www.sqlite.org/fileformat2.html): [Open]
// looks into a page, [Builder] fills one, [Walk] follows a tree, [Diff] tells
// what distinguishes two states of a tree from the pages that were written in
// between. Where pages come from is a [Source]'s business.
//
// Pages are of 8 KB, without reserved space. A page that a Source returns is
// never modified; cells alias it. Bytes that are no b-tree are an error that
// wraps [ErrCorrupt].
package btree
