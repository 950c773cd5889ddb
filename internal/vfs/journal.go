package vfs

import "sync"

// journal is a rollback or statement journal: a file in memory. SQLite has journals
// in memory of its own, which it makes of pieces of 1 KB and gives back to its
// allocator one by one; with them they took a seventh of a large transaction.
type journal struct {
	blocks []*journalBlock
	size   int64
}

const journalBlockBytes = 64 << 10

type journalBlock [journalBlockBytes]byte

// journalBlocks are kept for reuse. What is in them is not zeroed.
var journalBlocks = sync.Pool{New: func() any { return new(journalBlock) }}

var _ File = (*journal)(nil)

func (j *journal) WriteAt(p []byte, off int64) error {
	j.extend(off)
	for end := off + int64(len(p)); int64(len(j.blocks))*journalBlockBytes < end; {
		j.blocks = append(j.blocks, journalBlocks.Get().(*journalBlock))
	}
	j.size = max(j.size, off+int64(len(p)))
	for len(p) > 0 {
		n := copy(j.blocks[off/journalBlockBytes][off%journalBlockBytes:], p)
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// extend makes the file at least so long, by zeros.
func (j *journal) extend(size int64) {
	for j.size < size {
		at := j.size % journalBlockBytes
		if int(j.size/journalBlockBytes) == len(j.blocks) {
			j.blocks = append(j.blocks, journalBlocks.Get().(*journalBlock))
		}
		n := min(size-j.size, journalBlockBytes-at)
		clear(j.blocks[j.size/journalBlockBytes][at : at+n])
		j.size += n
	}
}

func (j *journal) ReadAt(p []byte, off int64) error {
	n := min(int64(len(p)), max(j.size-off, 0))
	clear(p[n:])
	for rest := p[:n]; len(rest) > 0; {
		n := copy(rest, j.blocks[off/journalBlockBytes][off%journalBlockBytes:])
		rest, off = rest[n:], off+int64(n)
	}
	if n < int64(len(p)) {
		return ErrShort
	}
	return nil
}

func (j *journal) Truncate(size int64) error {
	j.extend(size)
	j.size = size
	keep := int((size + journalBlockBytes - 1) / journalBlockBytes)
	for _, b := range j.blocks[keep:] {
		journalBlocks.Put(b)
	}
	clear(j.blocks[keep:])
	j.blocks = j.blocks[:keep]
	return nil
}

func (j *journal) Size() (int64, error) { return j.size, nil }
func (j *journal) Closed()              { j.Truncate(0) }
func (j *journal) Lock(Level) error     { return nil }
func (j *journal) Unlock(Level) error   { return nil }
func (j *journal) Reserved() bool       { return false }
func (j *journal) Sync() error          { return nil }
func (j *journal) Commit() error        { return nil }
func (j *journal) Immutable() bool      { return false }

func (j *journal) Pragma(string, *string) (string, bool, error) { return "", false, nil }
