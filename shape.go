package vdb

import (
	"encoding/binary"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/record"
	"github.com/vdbgo/vdb/prolly"
)

// The shapes of the trees. They are part of the format: a tree built under
// another shape has another address.
//
// Trees of rows and of index entries are shaped so that each node fits a page
// of a SQLite file of 8 KB: an item's logical size is that of its cell there
// (https://www.sqlite.org/fileformat2.html#b_tree_pages). In an index b-tree nodes
// end at 6,080 bytes, and no cell is larger than the 2,042 bytes that are left. A
// leaf of rows that are keyed by an integer may take several pages, which its
// large rows make it do: it ends at 7,200 bytes, so that pages are fuller. Targets
// are far enough below the maximums for most nodes to end before: where nodes
// often end at the maximum, an insert or a merge rewrites many. Refs and the table
// of tables are small and often rewritten: their nodes are smaller.
const (
	pageBytes = 8192

	rowsTarget, rowsMax = 5400, 7200
	leafTarget, leafMax = 4096, 6080
	nodeTarget, nodeMax = 2048, 6080
	tinyTarget, tinyMax = 1024, 2048

	cellPointer = 2
	overflowPtr = 4

	maxTableLocal = pageBytes - 35
	minLocal      = (pageBytes-12)*32/255 - 23
	maxIndexLocal = (pageBytes-12)*64/255 - 23

	// largestCell is what fits a page beside a leaf of rows that is about to end.
	largestCell = pageBytes - 8 - rowsMax
)

var (
	// rowConfig shapes tables keyed by a 64-bit integer.
	rowConfig = &prolly.Config{
		LeafTarget: rowsTarget, LeafMax: rowsMax, NodeTarget: nodeTarget, NodeMax: nodeMax,
		Measure: measureRow, Pages: rowPages, Addresses: rowAddresses,
	}
	// clusteredConfig shapes tables keyed by other columns.
	clusteredConfig = &prolly.Config{
		LeafTarget: leafTarget, LeafMax: leafMax, NodeTarget: leafTarget, NodeMax: nodeMax,
		Measure: measureClustered, Pages: clusteredPages, Addresses: rowAddresses, Separators: true,
	}
	// indexConfig shapes secondary indexes.
	indexConfig = &prolly.Config{
		LeafTarget: leafTarget, LeafMax: leafMax, NodeTarget: leafTarget, NodeMax: nodeMax,
		Measure: measureEntry, MeasureEmpty: measureKey, Pages: entryPages, Addresses: rowAddresses, Separators: true,
	}
	// refsConfig shapes the tree of branches, tags and remote-tracking branches.
	refsConfig = &prolly.Config{
		LeafTarget: tinyTarget, LeafMax: tinyMax, NodeTarget: tinyTarget, NodeMax: tinyMax,
		Addresses: listedAddresses,
	}
	// tablesConfig shapes a root value: the tree of a version's tables.
	tablesConfig = &prolly.Config{
		LeafTarget: tinyTarget, LeafMax: tinyMax, NodeTarget: tinyTarget, NodeMax: tinyMax,
		Addresses: listedAddresses,
	}
	// conflictsConfig shapes a table's rows in conflict.
	conflictsConfig = &prolly.Config{Addresses: conflictAddresses}
)

// local returns the part of a payload that stays on its page, and the number
// of overflow pages that take the rest.
func local(payload int64, maxLocal int64) (bytes int, overflow uint64) {
	if payload <= maxLocal {
		return int(payload), 0
	}
	const perPage = pageBytes - overflowPtr
	keep := int64(minLocal) + (payload-minLocal)%perPage
	if keep > maxLocal {
		keep = minLocal
	}
	return int(keep) + overflowPtr, uint64((payload - keep + perPage - 1) / perPage)
}

func varintBytes(v uint64) int {
	n := 1
	for ; v >= 0x80 && n < 9; n++ {
		v >>= 7
	}
	return n
}

func tableCell(key, rec []byte) (bytes int, overflow uint64) {
	size := record.LogicalSize(rec)
	kept, overflow := local(size, maxTableLocal)
	rowid := 9
	if len(key) == 8 {
		rowid = varintBytes(binary.BigEndian.Uint64(key) ^ 1<<63)
	}
	return max(kept+varintBytes(uint64(size))+rowid, 4) + cellPointer, overflow
}

func indexCell(size int64) (bytes int, overflow uint64) {
	kept, overflow := local(size, maxIndexLocal)
	return max(kept+varintBytes(uint64(size)), 4) + 4 + cellPointer, overflow
}

// measureRow has the pages of a leaf counted that has a row which may not fit
// beside the others.
func measureRow(key, rec []byte) (int, bool) {
	cell, overflow := tableCell(key, rec)
	return cell, overflow > 0 || cell > largestCell
}

// rowPages counts a leaf's pages: its cells packed in order, and their overflow.
func rowPages(n prolly.Node) uint64 {
	pages, free := uint64(1), pageBytes-8
	for i := range n.Len() {
		cell, overflow := tableCell(n.Key(i), n.Value(i))
		if cell > free {
			pages, free = pages+1, pageBytes-8
		}
		free -= cell
		pages += overflow
	}
	return pages
}

func measureClustered(_, rec []byte) (int, bool) {
	cell, overflow := indexCell(record.LogicalSize(rec))
	return cell, overflow > 0
}

func clusteredPages(n prolly.Node) uint64 {
	pages := uint64(1)
	for i := range n.Len() {
		_, overflow := indexCell(record.LogicalSize(n.Value(i)))
		pages += overflow
	}
	return pages
}

// entrySize is the size of an index entry's record. An entry that has none is
// too short to spill, and is measured by its key: no value takes more than 7/6
// of the bytes in a record that it takes in a key, so that entries fit a page.
func entrySize(key, rec []byte) int64 {
	if len(rec) > 0 {
		return record.LogicalSize(rec)
	}
	return int64(len(key) + len(key)/6 + 3)
}

func measureEntry(key, rec []byte) (int, bool) {
	cell, overflow := indexCell(entrySize(key, rec))
	return cell, overflow > 0
}

// measureKey is measureEntry of an entry that has no record.
func measureKey(keyBytes int) (int, bool) {
	cell, overflow := indexCell(int64(keyBytes + keyBytes/6 + 3))
	return cell, overflow > 0
}

func entryPages(n prolly.Node) uint64 {
	pages := uint64(1)
	for i := range n.Len() {
		_, overflow := indexCell(entrySize(n.Key(i), n.Value(i)))
		pages += overflow
	}
	return pages
}

func rowAddresses(rec []byte, offsets []int) []int { return record.Addresses(rec, offsets) }

// listedAddresses reads values that begin with a count and that many addresses.
func listedAddresses(value []byte, offsets []int) []int {
	if len(value) == 0 {
		return offsets
	}
	offsets = slices.Grow(offsets, int(value[0]))
	for i := range int(value[0]) {
		offset := 1 + i*hash.Size
		if offset+hash.Size > len(value) {
			return offsets
		}
		offsets = append(offsets, offset)
	}
	return offsets
}
