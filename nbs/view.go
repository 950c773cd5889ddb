package nbs

import (
	"fmt"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// view is the set of files that a manifest names, open. It does not change; a
// new manifest makes a new view, which takes over the files that stay.
type view struct {
	active *journal
	sealed []*journal // newest first
	tables []*table   // newest first
}

// chunkFile is a file that holds records.
type chunkFile struct {
	File
	path string
	uses int // views that have it; the store's files guards it
}

// find returns where the chunk at h is; a nil file when it is nowhere.
func (v *view) find(h hash.Hash) (*chunkFile, extent, error) {
	if e, ok := v.active.index.find(h); ok {
		return &v.active.chunks, e, nil
	}
	for _, j := range v.sealed {
		if e, ok := j.index.find(h); ok {
			return &j.chunks, e, nil
		}
	}
	return v.findInTables(h)
}

// findInTables passes over a table that is damaged, as another may have the
// chunk; if none does, the damage is the answer.
func (v *view) findInTables(h hash.Hash) (*chunkFile, extent, error) {
	var damage error
	for _, t := range v.tables {
		e, ok, err := t.find(h)
		if ok {
			return &t.chunkFile, e, nil
		}
		if err != nil {
			damage = err
		}
	}
	return nil, extent{}, damage
}

// within returns at least the first limit addresses in r, in any order, some
// perhaps twice.
func (v *view) within(r prefixRange, limit int) ([]hash.Hash, error) {
	found := v.active.index.within(r, nil, limit)
	for _, j := range v.sealed {
		found = j.index.within(r, found, limit)
	}
	for _, t := range v.tables {
		var err error
		if found, err = t.within(r, found, limit); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// journals returns all journals, newest first.
func (v *view) journals() []*journal { return slices.Concat([]*journal{v.active}, v.sealed) }

func (v *view) openFiles() []File {
	var files []File
	for _, j := range v.journals() {
		files = append(files, j.chunks.File)
	}
	for _, t := range v.tables {
		files = append(files, t.File)
	}
	return files
}

// uses returns for each of openFiles in how many views it is.
func (v *view) uses() []*int {
	var uses []*int
	for _, j := range v.journals() {
		uses = append(uses, &j.chunks.uses)
	}
	for _, t := range v.tables {
		uses = append(uses, &t.uses)
	}
	return uses
}

// fill adds the files' figures to stats. The store's mu is held.
func (v *view) fill(stats *Stats) {
	for _, j := range v.journals() {
		stats.JournalFiles++
		stats.JournalBytes += j.end
		stats.ChunkBytes += j.end - journalHeaderBytes
		stats.Chunks += j.index.count()
	}
	for _, t := range v.tables {
		stats.TableFiles++
		stats.TableBytes += t.bytes
		stats.ChunkBytes += max(t.footer.indexOffset-tableHeaderBytes, 0)
		stats.Chunks += t.chunks
	}
}

// readChunk reads the record at e into buf and returns the chunk in it, which
// does not alias buf.
func readChunk(file *chunkFile, e extent, h hash.Hash, buf []byte) ([]byte, error) {
	rec, err := readRecord(file, e, buf)
	if err != nil {
		return nil, err
	}
	data, err := chunkOf(file, rec, entry{h, e})
	if err == nil && rec.codec == codecRaw && rec.kind == kindChunk {
		data = slices.Clone(data)
	}
	return data, err
}

// chunkOf returns the chunk at e, of which rec is the record. The result aliases
// rec where it can.
func chunkOf(file *chunkFile, rec record, e entry) (data []byte, err error) {
	switch {
	case rec.kind == kindPack:
		data, err = readMember(rec, int(e.member), e.address)
	case rec.kind != kindChunk || rec.address != e.address || e.member != 0:
		err = fmt.Errorf("record of kind %d and address %s where the chunk belongs", rec.kind, rec.address)
	default:
		data, err = decodePayload(rec.codec, e.address, rec.payload)
	}
	if err != nil {
		return nil, damageAt(file, e, err)
	}
	return data, nil
}

func damageAt(file *chunkFile, e entry, err error) *DamageError {
	return &DamageError{File: file.path, Offset: e.offset, Reason: err.Error()}
}

// readRecord fills buf with the record at e, and splits it. Its CRC is not
// tested: a chunk's hash, which is stronger, is tested anyway.
func readRecord(file *chunkFile, e extent, buf []byte) (record, error) {
	n, err := file.ReadAt(buf, e.offset)
	if n < len(buf) {
		if isEnd(err) {
			err = &DamageError{File: file.path, Offset: e.offset, Reason: fmt.Sprintf("file ends %d bytes into a record of %d", n, len(buf))}
		}
		return record{}, err
	}
	length, err := recordLength(buf)
	if err == nil && length != len(buf) {
		err = fmt.Errorf("record has %d bytes, the index says %d", length, len(buf))
	}
	if err != nil {
		return record{}, &DamageError{File: file.path, Offset: e.offset, Reason: err.Error()}
	}
	return splitRecord(buf), nil
}
