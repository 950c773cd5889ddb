package prolly

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/vdbgo/vdb/hash"
)

// ErrCorrupt is wrapped by errors about chunks that are not what they should be.
var ErrCorrupt = errors.New("corrupt chunk")

// corruptf describes what is wrong with a chunk.
func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Node is a read-only view of an encoded node. A leaf holds items, keys with
// their values; an internal node holds children, each under the last key below
// it. A Node is a small value that aliases the chunk: it may be copied, and used
// by any number of goroutines. What its methods return aliases the chunk too,
// must not be modified, and may be kept.
type Node struct {
	data   []byte
	count  int
	level  int
	prefix int     // bytes that all keys begin with, at headerSize
	keys   section // without the prefix
	values section // of a leaf
	tail   int     // where a leaf's address list, or an internal node's children begin
	wide   bool    // offsets take 4 bytes rather than 2, sums 8 rather than 4
	sized  bool    // internal: the weights of the children's last items are there
}

// section is where a node's keys or values are.
type section struct {
	offsets int // position of count+1 offsets into data; unused if width ≥ 0
	data    int // position of the bytes
	width   int // width of every element, or -1
}

// The kinds of chunks, their first byte. Kinds from 0x10 on belong to others.
const (
	kindLeaf      = 1
	kindInternal  = 2
	kindBlobLeaf  = 3
	kindBlobIndex = 4
)

const (
	nodeVersion = 1
	headerSize  = 24

	// Flags, in the low half of the byte whose high half is the version.
	flagKeyWidth   = 1 // all keys have one width
	flagValueWidth = 2 // all values have one width
	flagWide       = 4
	flagSized      = 8
)

// DecodeNode validates data in full and returns a view of it. It does not check
// what only other chunks can tell, as Check does.
func DecodeNode(data []byte) (Node, error) {
	var n Node
	if err := n.open(data); err != nil {
		return Node{}, fail("decode node", err)
	}
	if err := n.validate(); err != nil {
		return Node{}, fail("decode node", err)
	}
	return n, nil
}

// open reads the header and checks that the sections fill data exactly. What
// they hold is checked on access only as far as memory safety needs it: chunks
// come from a store that has verified their hashes.
func (n *Node) open(data []byte) error {
	if len(data) < headerSize {
		return corruptf("node of %d bytes", len(data))
	}
	kind, flags := data[0], data[1]
	if kind != kindLeaf && kind != kindInternal || flags>>4 != nodeVersion {
		return corruptf("kind %#02x, version %d is not a node", kind, flags>>4)
	}
	count, prefix := binary.LittleEndian.Uint32(data[4:]), binary.LittleEndian.Uint32(data[8:])
	n.data, n.count, n.level, n.prefix = data, int(count), int(data[2]), int(prefix)
	n.wide, n.sized = flags&flagWide != 0, flags&flagSized != 0
	end := headerSize + uint64(prefix)
	end = n.keys.place(end, uint64(count), binary.LittleEndian.Uint32(data[12:]), flags&flagKeyWidth != 0, n.wide)
	if kind == kindLeaf {
		end = n.values.place(end, uint64(count), binary.LittleEndian.Uint32(data[16:]), flags&flagValueWidth != 0, n.wide)
		n.tail = int(end)
		end += 4 * uint64(binary.LittleEndian.Uint32(data[20:]))
	} else {
		n.tail = int(end)
		end += uint64(count) * n.childBytes()
	}
	if count == 0 || uint64(count) > uint64(len(data)) || end != uint64(len(data)) || (kind == kindLeaf) != (n.level == 0) {
		return corruptf("node with %d items on level %d, %d bytes of %d", count, n.level, end, len(data))
	}
	return nil
}

// place lays out a section from position at on and returns its end. extent is
// the width of every element if fixed, else the sum of their widths.
func (s *section) place(at, count uint64, extent uint32, fixed, wide bool) uint64 {
	if fixed {
		s.data, s.width = int(at), int(extent)
		return at + count*uint64(extent)
	}
	s.offsets, s.width = int(at), -1
	at += (count + 1) * offsetBytes(wide)
	s.data = int(at)
	return at + uint64(extent)
}

func offsetBytes(wide bool) uint64 {
	if wide {
		return 4
	}
	return 2
}

// childBytes is what a child takes beside its key.
func (n *Node) childBytes() uint64 {
	size := uint64(hash.Size) + 4*offsetBytes(n.wide)
	if n.sized {
		size += 2
	}
	return size
}

// span returns element i of a section. Offsets that make no sense give nil.
func (n *Node) span(s *section, i int) []byte {
	lo, hi := s.data+i*s.width, s.data+i*s.width+s.width
	if s.width < 0 {
		if n.wide {
			lo = s.data + int(binary.LittleEndian.Uint32(n.data[s.offsets+4*i:]))
			hi = s.data + int(binary.LittleEndian.Uint32(n.data[s.offsets+4*i+4:]))
		} else {
			pair := binary.LittleEndian.Uint32(n.data[s.offsets+2*i:])
			lo, hi = s.data+int(pair&0xffff), s.data+int(pair>>16)
		}
	}
	if uint(lo) > uint(hi) || uint(hi) > uint(len(n.data)) {
		return nil
	}
	return n.data[lo:hi:hi]
}

// bound is where element i of a section begins and the one before ends.
func (n *Node) bound(s *section, i int) uint {
	if s.width >= 0 {
		return uint(s.data + i*s.width)
	}
	return uint(s.data + s.offset(n, i))
}

// Len returns the number of items or children: 1 or more.
func (n Node) Len() int { return n.count }

// HasAddresses tells whether a leaf's values have addresses of other chunks.
func (n Node) HasAddresses() bool { return n.level == 0 && n.tail < len(n.data) }

// Level is 0 for a leaf, and one more than its children's for an internal node.
func (n Node) Level() int { return n.level }

// Bytes returns the chunk.
func (n Node) Bytes() []byte { return n.data }

// Key returns the key of item i, or the last key below child i. It allocates
// where the node keeps a common prefix apart.
func (n Node) Key(i int) []byte {
	if n.prefix == 0 {
		return n.span(&n.keys, i)
	}
	return n.AppendKey(nil, i)
}

// AppendKey appends the key of item or child i to dst.
func (n Node) AppendKey(dst []byte, i int) []byte {
	dst = append(dst, n.prefixBytes()...)
	return append(dst, n.span(&n.keys, i)...)
}

func (n *Node) prefixBytes() []byte { return n.data[headerSize : headerSize+n.prefix] }

// key is Key in a buffer that the next call overwrites, where it needs one.
func (n *Node) key(scratch *[]byte, i int) []byte {
	if n.prefix == 0 {
		return n.span(&n.keys, i)
	}
	*scratch = n.AppendKey((*scratch)[:0], i)
	return *scratch
}

// extent is the length of element i of a section, if its offsets make sense.
func (n *Node) extent(s *section, i int) int {
	if s.width >= 0 {
		return s.width
	}
	return s.offset(n, i+1) - s.offset(n, i)
}

// keyBytes is the length of key i.
func (n *Node) keyBytes(i int) int { return n.prefix + n.extent(&n.keys, i) }

// Value returns the value of item i of a leaf. It is never nil.
func (n Node) Value(i int) []byte { return n.value(i) }

func (n *Node) value(i int) []byte { return n.span(&n.values, i) }

// Child returns the address of child i of an internal node.
func (n Node) Child(i int) hash.Hash { return n.child(i) }

func (n *Node) child(i int) hash.Hash {
	at := n.tail + i*hash.Size
	return hash.Hash(n.data[at : at+hash.Size])
}

// CountThrough returns the number of rows in items or children 0 to i.
func (n Node) CountThrough(i int) uint64 {
	if n.level == 0 {
		return uint64(i) + 1
	}
	return n.sum(0, i)
}

// PagesThrough returns the number of rendered pages of children 0 to i of an
// internal node; the node's own page is not among them.
func (n Node) PagesThrough(i int) uint64 { return n.sum(1, i) }

// sum reads entry i of an internal node's table of sums: 0 for rows, 1 for pages.
func (n *Node) sum(table, i int) uint64 {
	at := n.tail + n.count*hash.Size
	if n.wide {
		return binary.LittleEndian.Uint64(n.data[at+8*(n.count*table+i):])
	}
	return uint64(binary.LittleEndian.Uint32(n.data[at+4*(n.count*table+i):]))
}

// step is the difference of two neighbouring sums: what child i has.
func (n *Node) step(table, i int) uint64 {
	if i == 0 {
		return n.sum(table, 0)
	}
	return n.sum(table, i) - n.sum(table, i-1)
}

// rows is the number of rows below the node.
func (n *Node) rows() uint64 { return n.CountThrough(n.count - 1) }

// weight is the logical size of the last item below child i, saturating.
func (n *Node) weight(i int) uint16 {
	if !n.sized {
		return 0
	}
	return binary.LittleEndian.Uint16(n.data[len(n.data)-2*(n.count-i):])
}

// entry describes child i. The key is in scratch or aliases the node.
func (n *Node) entry(scratch *[]byte, i int) entry {
	return entry{key: n.key(scratch, i), child: child{
		hash:   n.child(i),
		rows:   n.step(0, i),
		pages:  n.step(1, i),
		weight: n.weight(i),
	}}
}

// search returns the first index whose key is not below key, or count.
func (n *Node) search(key []byte) int { return n.searchFrom(0, key) }

// searchFrom is search among the items from start on.
func (n *Node) searchFrom(start int, key []byte) int {
	if n.prefix > 0 {
		switch bytes.Compare(key[:min(len(key), n.prefix)], n.prefixBytes()) {
		case -1:
			return start
		case 1:
			return n.count
		}
		key = key[n.prefix:]
	}
	if n.keys.width == 8 && len(key) == 8 {
		return n.searchWord(start, binary.BigEndian.Uint64(key))
	}
	data, keys := n.data, n.keys
	lo, hi := start, n.count
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		from, to := n.bound(&keys, mid), n.bound(&keys, mid+1)
		if from > to || to > uint(len(data)) {
			from, to = 0, 0
		}
		if bytes.Compare(data[from:to], key) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// searchWord is searchFrom among keys of eight bytes. It compares one in eight
// and then those between: loads that need not wait for each other, as those of a
// binary search do, and no branches to foresee.
func (n *Node) searchWord(start int, key uint64) int {
	words := n.data[n.keys.data : n.keys.data+8*n.count]
	lo, size := start, n.count-start
	for size > 64 {
		half := size >> 1
		lo += half & -below(words[8*(lo+half-1):], key)
		size -= half
	}
	end := lo + size
	for i := lo + 7; i < end; i += 8 {
		lo += 8 * below(words[8*i:], key)
	}
	for i, end := lo, min(lo+7, end); i < end; i++ {
		lo += below(words[8*i:], key)
	}
	return lo
}

// below is 1 if a word is below key, else 0, without a branch.
func below(word []byte, key uint64) int {
	_, borrow := bits.Sub64(binary.BigEndian.Uint64(word), key, 0)
	return int(borrow)
}

// compare orders key i against key.
func (n *Node) compare(i int, key []byte) int {
	suffix := n.span(&n.keys, i)
	if n.prefix > 0 {
		prefix := n.data[headerSize : headerSize+n.prefix]
		if c := bytes.Compare(prefix, key[:min(len(key), n.prefix)]); c != 0 {
			return c
		}
		key = key[n.prefix:]
	} else if len(suffix) == 8 && len(key) == 8 {
		return cmp.Compare(binary.BigEndian.Uint64(suffix), binary.BigEndian.Uint64(key))
	}
	return bytes.Compare(suffix, key)
}

// matches tells whether item i exists and has the key.
func (n *Node) matches(i int, key []byte) bool {
	if i >= n.count || len(key) < n.prefix {
		return false
	}
	return bytes.Equal(n.span(&n.keys, i), key[n.prefix:]) &&
		bytes.Equal(n.prefixBytes(), key[:n.prefix])
}

// validate checks all that one node's bytes can tell.
func (n *Node) validate() error {
	if err := n.validateHeader(); err != nil {
		return err
	}
	if err := n.validateSections(); err != nil {
		return err
	}
	for i := 1; i < n.count; i++ {
		if bytes.Compare(n.span(&n.keys, i-1), n.span(&n.keys, i)) >= 0 {
			return corruptf("key %d is not above the one before", i)
		}
	}
	if n.level > 0 {
		return n.validateSums()
	}
	return n.validateAddresses()
}

// validateHeader checks that what has no meaning is zero.
func (n *Node) validateHeader() error {
	idle := n.data[3]
	if n.level == 0 {
		idle |= n.data[1] & flagSized
	} else {
		idle |= n.data[1] & flagValueWidth
		for _, b := range n.data[16:headerSize] {
			idle |= b
		}
	}
	if idle != 0 {
		return corruptf("header %x", n.data[:headerSize])
	}
	return nil
}

func (n *Node) validateSections() error {
	end := n.tail
	if n.level == 0 {
		if !n.values.ascends(n, end) {
			return corruptf("value offsets")
		}
		end = n.values.start()
	}
	if !n.keys.ascends(n, end) {
		return corruptf("key offsets")
	}
	return nil
}

// start is where a section begins, offsets included.
func (s *section) start() int {
	if s.width < 0 {
		return s.offsets
	}
	return s.data
}

func (s *section) offset(n *Node, i int) int {
	if n.wide {
		return int(binary.LittleEndian.Uint32(n.data[s.offsets+4*i:]))
	}
	return int(binary.LittleEndian.Uint16(n.data[s.offsets+2*i:]))
}

// ascends tells whether a section's offsets ascend from 0 to its end.
func (s *section) ascends(n *Node, end int) bool {
	if s.width >= 0 {
		return s.data+s.width*n.count == end
	}
	for i, last := 0, 0; i <= n.count; i++ {
		offset := s.offset(n, i)
		if offset < last || i == 0 && offset != 0 {
			return false
		}
		last = offset
	}
	return s.data+s.offset(n, n.count) == end
}

func (n *Node) validateSums() error {
	for i := range n.count {
		for table := range 2 {
			if i > 0 && n.sum(table, i) <= n.sum(table, i-1) || n.sum(table, i) == 0 {
				return corruptf("sum %d does not ascend", i)
			}
		}
	}
	return nil
}

func (n *Node) validateAddresses() error {
	for at := n.tail; at < len(n.data); at += 4 {
		offset := int(binary.LittleEndian.Uint32(n.data[at:]))
		if offset < n.values.data || offset+hash.Size > n.tail {
			return corruptf("address at %d is outside of the values", offset)
		}
	}
	return nil
}
