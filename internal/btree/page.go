package btree

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Page is a read-only view of a b-tree page. It aliases the page's bytes.
type Page struct {
	Number uint32
	Kind   Kind
	data   []byte
	start  int // of the page's header: 100 on page 1
	count  int
}

// Kind is what a page holds.
type Kind byte

// The kinds of b-tree pages.
const (
	IndexInterior Kind = 0x02
	TableInterior Kind = 0x05
	IndexLeaf     Kind = 0x0a
	TableLeaf     Kind = 0x0d
)

// IsLeaf tells whether the page has no children.
func (k Kind) IsLeaf() bool { return k&8 != 0 }

// IsTable tells whether the page belongs to a table b-tree.
func (k Kind) IsTable() bool { return k&1 != 0 }

// headerBytes is the length of the header of a page of this kind.
func (k Kind) headerBytes() int {
	if k.IsLeaf() {
		return 8
	}
	return 12
}

const (
	// PageBytes is the size of a page.
	PageBytes = 8192
	// FileHeader is the length of the file's header, with which page 1 begins.
	FileHeader = 100
)

// ErrCorrupt is wrapped by errors about pages that are not what they should be.
var ErrCorrupt = errors.New("corrupt page")

// Source is where pages are.
type Source interface {
	// Page returns a page's bytes, which never change.
	Page(number uint32) ([]byte, error)
}

// Open looks into page number of the source.
func Open(s Source, number uint32) (Page, error) {
	data, err := s.Page(number)
	if err != nil {
		return Page{}, err
	}
	return View(number, data)
}

// View looks into a page's bytes.
func View(number uint32, data []byte) (Page, error) {
	p := Page{Number: number, data: data}
	if number == 1 {
		p.start = FileHeader
	}
	if len(data) != PageBytes {
		return p, p.corrupt("has %d bytes", len(data))
	}
	p.Kind = Kind(data[p.start])
	p.count = int(binary.BigEndian.Uint16(data[p.start+3:]))
	switch p.Kind {
	case IndexInterior, TableInterior, IndexLeaf, TableLeaf:
	default:
		return p, p.corrupt("is of kind %#02x", byte(p.Kind))
	}
	if p.start+p.Kind.headerBytes()+2*p.count > len(data) {
		return p, p.corrupt("has %d cells", p.count)
	}
	return p, nil
}

func (p *Page) corrupt(format string, args ...any) error {
	return fmt.Errorf("page %d %s: %w", p.Number, fmt.Sprintf(format, args...), ErrCorrupt)
}

// Len returns the number of cells. An interior page has one child more.
func (p *Page) Len() int { return p.count }

// Right returns the rightmost child of an interior page.
func (p *Page) Right() uint32 { return binary.BigEndian.Uint32(p.data[p.start+8:]) }

// Child returns child i of an interior page, of Len()+1.
func (p *Page) Child(i int) (uint32, error) {
	if i == p.count {
		return p.Right(), nil
	}
	at, err := p.cellAt(i)
	if err != nil || at+4 > len(p.data) {
		return 0, p.corrupt("cell %d is outside", i)
	}
	return binary.BigEndian.Uint32(p.data[at:]), nil
}

// child is Child for a search: 0, which no page has, where there is none.
func (p *Page) child(i int) uint32 {
	if i == p.count {
		return p.Right()
	}
	at := int(binary.BigEndian.Uint16(p.data[p.start+12+2*i:]))
	if at+4 > len(p.data) {
		return 0
	}
	return binary.BigEndian.Uint32(p.data[at:])
}

func (p *Page) cellAt(i int) (int, error) {
	at := int(binary.BigEndian.Uint16(p.data[p.start+p.Kind.headerBytes()+2*i:]))
	if at < p.start+p.Kind.headerBytes() || at >= len(p.data) {
		return 0, p.corrupt("cell %d is outside", i)
	}
	return at, nil
}

// IsShort tells whether cell i is known to take no overflow page. It looks at one
// byte, and knows nothing of payloads of 128 bytes and more.
func (p *Page) IsShort(i int) bool {
	at := int(binary.BigEndian.Uint16(p.data[p.start+p.Kind.headerBytes()+2*i:]))
	if !p.Kind.IsLeaf() {
		at += 4
	}
	return at < len(p.data) && p.data[at] < 0x80
}

// Cell is a row, an index entry, or, on an interior page of a table, a rowid.
type Cell struct {
	Rowid int64 // of a table b-tree
	// Size is the payload's length in bytes; Local is what stands on the page, and
	// Overflow the page that goes on with it, or 0.
	Size     int64
	Local    []byte
	Overflow uint32
}

// Cell returns cell i.
func (p *Page) Cell(i int) (c Cell, err error) {
	at, err := p.cellAt(i)
	if err != nil {
		return c, err
	}
	rest := p.data[at:]
	if !p.Kind.IsLeaf() {
		if len(rest) < 4 {
			return c, p.corrupt("cell %d is cut short", i)
		}
		rest = rest[4:]
	}
	if p.Kind != TableInterior {
		size, n := Varint(rest)
		if n == 0 || size > 1<<40 {
			return c, p.corrupt("cell %d has no length", i)
		}
		c.Size, rest = int64(size), rest[n:]
	}
	if p.Kind.IsTable() {
		rowid, n := Varint(rest)
		if n == 0 {
			return c, p.corrupt("cell %d has no rowid", i)
		}
		c.Rowid, rest = int64(rowid), rest[n:]
	}
	if p.Kind == TableInterior {
		return c, nil
	}
	local, spills := Local(p.Kind, c.Size)
	if len(rest) < local || spills && len(rest) < local+4 {
		return c, p.corrupt("cell %d is cut short", i)
	}
	c.Local = rest[:local:local]
	if spills {
		c.Overflow = binary.BigEndian.Uint32(rest[local:])
	}
	return c, nil
}

// Local returns how many bytes of a payload stand in its cell, and whether the
// rest is on overflow pages.
func Local(k Kind, payload int64) (bytes int, spills bool) {
	largest := int64((PageBytes-12)*64/255 - 23)
	if k == TableLeaf {
		largest = PageBytes - 35
	}
	if payload <= largest {
		return int(payload), false
	}
	const smallest = (PageBytes-12)*32/255 - 23
	keep := smallest + (payload-smallest)%OverflowBytes
	if keep > largest {
		keep = smallest
	}
	return int(keep), true
}

// OverflowBytes is what an overflow page holds of a payload.
const OverflowBytes = PageBytes - 4

// Payload appends a cell's payload to dst, overflow pages included. used, if it
// is not nil, is told of each overflow page.
func (c *Cell) Payload(s Source, dst []byte, used func(uint32)) ([]byte, error) {
	dst = append(dst, c.Local...)
	left := c.Size - int64(len(c.Local))
	for number := c.Overflow; left > 0; {
		if number == 0 {
			return nil, fmt.Errorf("a payload ends %d bytes early: %w", left, ErrCorrupt)
		}
		if used != nil {
			used(number)
		}
		data, err := s.Page(number)
		if err != nil {
			return nil, err
		}
		n := min(left, OverflowBytes)
		dst = append(dst, data[4:4+n]...)
		left -= n
		number = binary.BigEndian.Uint32(data)
	}
	return dst, nil
}

// Varint reads SQLite's variable-length integer; n is 0 if b is cut short.
func Varint(b []byte) (v uint64, n int) {
	for i, c := range b {
		if i == 8 {
			return v<<8 | uint64(c), 9
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// AppendVarint appends SQLite's variable-length integer.
func AppendVarint(dst []byte, v uint64) []byte {
	if v>>56 != 0 {
		for shift := 57; shift >= 8; shift -= 7 {
			dst = append(dst, byte(v>>shift)|0x80)
		}
		return append(dst, byte(v))
	}
	n := 1
	for x := v >> 7; x != 0; x >>= 7 {
		n++
	}
	for i := n - 1; i > 0; i-- {
		dst = append(dst, byte(v>>(7*i))|0x80)
	}
	return append(dst, byte(v&0x7f))
}
