package nbs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vdbgo/vdb/hash"
)

// table is an open table file: records that never change, and an index of them.
//
//	 0        64                       index          fan-out        -64
//	+--------+---------+-- --+--------+--------------+--------------+--------+
//	| header | record  | ... | record | entries…     | buckets…     | footer |
//	+--------+---------+-- --+--------+--------------+--------------+--------+
//
// The header is as the journal's, 64 bytes long. The entries (see entry) are in
// ascending order of addresses. A bucket holds the entries whose addresses
// start with the same bits; the fan-out has for each
//
//	+-------+--------+
//	| end   | CRC    |     end counts the entries up to and with this bucket,
//	+-------+--------+     CRC is over the bucket's entries
//	  uint32  uint32
//
// and the footer is
//
//	 0       8         12      16         32       40             48       52            56
//	+-------+---------+-------+----------+--------+--------------+--------+-------------+---------+
//	| magic | version | CRC   | table id | chunks | index offset | bits   | fan-out CRC | zero    |
//	+-------+---------+-------+----------+--------+--------------+--------+-------------+---------+
//
// Opening a table reads its footer only. The fan-out is read when a chunk is
// looked up for the first time, with the entries if they are few.
type table struct {
	tableEntry
	chunkFile
	footer tableFooter

	loading sync.Mutex // held while index is set
	index   atomic.Pointer[tableIndex]
	asked   atomic.Int64 // how often a chunk was looked for
}

// tableIndex is the part of a table's index that is in memory.
type tableIndex struct {
	fanout  []byte
	entries run // all of them, or nil if they stay on disk
}

const (
	tableMagic        = "vdbtabl\n"
	tableHeaderBytes  = 64
	tableFooterBytes  = 64
	bucketBytes       = 8 // in the fan-out
	bucketEntries     = 32
	minFanoutBits     = 8
	maxFanoutBits     = 24
	loadEntriesBelow  = 4 << 20
	loadEntriesAfter  = 64 // look-ups: to open a store takes few
	maxTableChunks    = 1 << 31
	tableBufferBytes  = 1 << 20
	maxBucketsPerRead = 1 << minFanoutBits
	tableSyncBytes    = 8 << 20   // are synced at a time
	besideBytes       = 256 << 10 // are written and synced at a time beside commits, which wait for the disk as long
)

// tableFooter is the decoded footer.
type tableFooter struct {
	id          fileID
	chunks      int64
	indexOffset int64
	bits        int
	fanoutCRC   uint32
}

func (f tableFooter) encode() []byte {
	b := make([]byte, tableFooterBytes)
	copy(b, tableMagic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	copy(b[16:], f.id[:])
	binary.LittleEndian.PutUint64(b[32:], uint64(f.chunks))
	binary.LittleEndian.PutUint64(b[40:], uint64(f.indexOffset))
	binary.LittleEndian.PutUint32(b[48:], uint32(f.bits))
	binary.LittleEndian.PutUint32(b[52:], f.fanoutCRC)
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[16:], castagnoli))
	return b
}

// decodeTableFooter decodes the footer of a table file of this many bytes.
func decodeTableFooter(b []byte, fileBytes int64) (tableFooter, error) {
	var f tableFooter
	if len(b) != tableFooterBytes {
		return f, fmt.Errorf("table's footer has %d bytes", len(b))
	}
	f.id = fileID(b[16:32])
	f.chunks = int64(binary.LittleEndian.Uint64(b[32:]))
	f.indexOffset = int64(binary.LittleEndian.Uint64(b[40:]))
	f.bits = int(binary.LittleEndian.Uint32(b[48:]))
	f.fanoutCRC = binary.LittleEndian.Uint32(b[52:])
	if !bytes.Equal(b, f.encode()) {
		return f, errors.New("table's footer is not what was written")
	}
	if f.bits < minFanoutBits || f.bits > maxFanoutBits || f.chunks < 0 || f.chunks > maxTableChunks ||
		f.indexOffset < tableHeaderBytes || f.fanoutOffset()+f.fanoutBytes()+tableFooterBytes != fileBytes {
		return f, fmt.Errorf("table's footer does not fit a file of %d bytes", fileBytes)
	}
	return f, nil
}

func (f tableFooter) fanoutOffset() int64 { return f.indexOffset + f.chunks*entryBytes }
func (f tableFooter) fanoutBytes() int64  { return bucketBytes << f.bits }

// bucketOf returns the number of the bucket that h belongs in.
func (f tableFooter) bucketOf(h hash.Hash) int {
	return int(binary.BigEndian.Uint32(h[:]) >> (32 - f.bits))
}

// openTable opens a table file. A damaged one is the second error; looking up
// chunks in it will report the damage again.
func openTable(fsys FS, path string, e tableEntry) (*table, *DamageError, error) {
	file, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	t := &table{tableEntry: e, chunkFile: chunkFile{File: file, path: path}}
	damage, err := t.readFooter()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return t, damage, nil
}

// readFooter reads the footer and checks that it is the one of t.
func (t *table) readFooter() (*DamageError, error) {
	footer := make([]byte, tableFooterBytes)
	n, err := t.ReadAt(footer, max(0, t.bytes-tableFooterBytes))
	if err != nil && !isEnd(err) {
		return nil, err
	}
	t.footer, err = decodeTableFooter(footer[:n], t.bytes)
	if err == nil && (t.footer.id != t.id || t.footer.chunks != t.chunks) {
		err = errors.New("table's footer is another table's")
	}
	if err != nil {
		t.footer = tableFooter{}
		return t.damageAt(t.bytes-tableFooterBytes, err), nil
	}
	return nil, nil
}

func (t *table) damageAt(offset int64, err error) *DamageError {
	return &DamageError{File: t.path, Offset: offset, Reason: err.Error()}
}

// find returns where the chunk at h is.
func (t *table) find(h hash.Hash) (extent, bool, error) {
	x, err := t.load()
	if err == nil && x.entries == nil && t.asked.Add(1) > loadEntriesAfter {
		x, err = t.loadEntries(x)
	}
	if err != nil {
		return extent{}, false, err
	}
	b := t.footer.bucketOf(h)
	bucket, err := t.buckets(x, b, b+1)
	if err != nil {
		return extent{}, false, err
	}
	e, ok := bucket.find(h)
	return e, ok, nil
}

// within appends addresses in r to found, at most limit.
func (t *table) within(r prefixRange, found []hash.Hash, limit int) ([]hash.Hash, error) {
	x, err := t.load()
	if err != nil {
		return nil, err
	}
	end := len(found) + limit
	last := t.footer.bucketOf(r.last) + 1
	for b := t.footer.bucketOf(r.first); b < last && len(found) < end; b += maxBucketsPerRead {
		entries, err := t.buckets(x, b, min(last, b+maxBucketsPerRead))
		if err != nil {
			return nil, err
		}
		found = entries.within(r, found, end-len(found))
	}
	return found, nil
}

// load reads the fan-out, once.
func (t *table) load() (*tableIndex, error) {
	if x := t.index.Load(); x != nil {
		return x, nil
	}
	t.loading.Lock()
	defer t.loading.Unlock()
	if x := t.index.Load(); x != nil {
		return x, nil
	}
	x, err := t.readIndex()
	if err == nil {
		t.index.Store(x)
	}
	return x, err
}

func (t *table) readIndex() (*tableIndex, error) {
	f := t.footer
	if f.bits == 0 {
		return nil, t.damageAt(t.bytes-tableFooterBytes, errors.New("table's footer is not what was written"))
	}
	x := &tableIndex{fanout: make([]byte, f.fanoutBytes())}
	if err := t.readFull(x.fanout, f.fanoutOffset()); err != nil {
		return nil, err
	}
	if crc32.Checksum(x.fanout, castagnoli) != f.fanoutCRC {
		return nil, t.damageAt(f.fanoutOffset(), errors.New("table's fan-out is not what was written"))
	}
	if err := checkFanout(x.fanout, f.chunks); err != nil {
		return nil, t.damageAt(f.fanoutOffset(), err)
	}
	return x, nil
}

// loadEntries reads the entries too, once, if they are not too many.
func (t *table) loadEntries(x *tableIndex) (*tableIndex, error) {
	if t.footer.chunks*entryBytes > loadEntriesBelow {
		return x, nil
	}
	t.loading.Lock()
	defer t.loading.Unlock()
	if x := t.index.Load(); x.entries != nil {
		return x, nil
	}
	entries, err := t.buckets(x, 0, 1<<t.footer.bits)
	if err != nil {
		return nil, err
	}
	whole := &tableIndex{fanout: x.fanout, entries: entries}
	t.index.Store(whole)
	return whole, nil
}

// checkFanout checks that the buckets follow each other and hold all chunks.
func checkFanout(fanout []byte, chunks int64) error {
	last := uint32(0)
	for b := 0; b < len(fanout); b += bucketBytes {
		end := binary.LittleEndian.Uint32(fanout[b:])
		if end < last {
			return errors.New("table's fan-out does not ascend")
		}
		last = end
	}
	if int64(last) != chunks {
		return fmt.Errorf("table's fan-out ends at %d of %d chunks", last, chunks)
	}
	return nil
}

// buckets returns the entries of the buckets from one to before another.
func (t *table) buckets(x *tableIndex, from, to int) (run, error) {
	start, end := x.bucketStart(from), x.bucketStart(to)
	if x.entries != nil {
		return x.entries[start:end], nil
	}
	entries := make(run, end-start)
	if err := t.readFull(entries, t.footer.indexOffset+start); err != nil {
		return nil, err
	}
	for b := from; b < to; b++ {
		bucket := entries[x.bucketStart(b)-start : x.bucketStart(b+1)-start]
		if crc32.Checksum(bucket, castagnoli) != binary.LittleEndian.Uint32(x.fanout[b*bucketBytes+4:]) {
			return nil, t.damageAt(t.footer.indexOffset+x.bucketStart(b), errors.New("table's index is not what was written"))
		}
	}
	return entries, nil
}

// bucketStart returns where a bucket starts in the index, in bytes.
func (x *tableIndex) bucketStart(b int) int64 {
	if b == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(x.fanout[(b-1)*bucketBytes:])) * entryBytes
}

func (t *table) readFull(buf []byte, offset int64) error {
	n, err := t.ReadAt(buf, offset)
	if n == len(buf) {
		return nil
	}
	if isEnd(err) {
		return t.damageAt(offset+int64(n), errors.New("file ends early"))
	}
	return err
}

// all returns all entries, in the order of their addresses.
func (t *table) all() (run, error) {
	x, err := t.load()
	if err != nil {
		return nil, err
	}
	return t.buckets(x, 0, 1<<t.footer.bits)
}

// tableWriter writes a table file.
type tableWriter struct {
	file    File
	id      fileID
	seed    uint32
	at      int64  // where buf goes
	synced  int64  // before this all is durable
	buf     []byte // not yet written
	entries []packedEntry
	yields  *yielder // nil: to nobody
}

// createTable begins a table file.
func createTable(fsys FS, path string, id fileID) (*tableWriter, error) {
	file, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	w := &tableWriter{file: file, id: id, seed: crcSeed(id)}
	w.buf = append(w.buf, encodeHeader(tableMagic, id, tableHeaderBytes)...)
	return w, nil
}

// add appends a record.
func (w *tableWriter) add(h hash.Hash, c codec, payload []byte) error {
	offset := w.at + int64(len(w.buf))
	before := len(w.buf)
	w.buf = appendRecord(w.buf, w.seed, kindChunk, c, h, payload)
	w.enter(entry{h, extent{offset: offset, length: uint32(len(w.buf) - before)}})
	return w.flushIfFull()
}

// addPack appends a pack: its members' addresses, its codec and its payload.
func (w *tableWriter) addPack(members []hash.Hash, c codec, payload []byte) error {
	offset := w.at + int64(len(w.buf))
	before := len(w.buf)
	w.buf = appendRecord(w.buf, w.seed, kindPack, c, members[0], payload)
	for k, h := range members {
		w.enter(entry{h, extent{offset, uint32(len(w.buf) - before), uint8(k)}})
	}
	return w.flushIfFull()
}

// packedEntry is an entry as the file has it: there may be millions.
type packedEntry [entryBytes]byte

func (e *packedEntry) address() []byte { return e[:hash.Size] }

func (w *tableWriter) enter(e entry) {
	w.entries = append(w.entries, packedEntry(e.append(make([]byte, 0, entryBytes))))
}

func (w *tableWriter) flushIfFull() error {
	if n := len(w.buf); n < besideBytes || n < tableBufferBytes && !w.yields.beside() {
		return nil
	}
	return w.flush()
}

func (w *tableWriter) flush() error {
	_, err := w.file.WriteAt(w.buf, w.at)
	w.at += int64(len(w.buf))
	w.buf = w.buf[:0]
	if n := w.at - w.synced; err == nil && (n >= tableSyncBytes || n >= besideBytes && w.yields.beside()) {
		w.synced = w.at
		err = w.file.Sync()
	}
	return err
}

// finish writes the index, and makes the file durable. The file is closed, after
// an error as well.
func (w *tableWriter) finish() (e tableEntry, err error) {
	defer func() { err = errors.Join(err, w.file.Close()) }()
	slices.SortFunc(w.entries, func(a, b packedEntry) int { return bytes.Compare(a.address(), b.address()) })
	f := tableFooter{id: w.id, chunks: int64(len(w.entries)), indexOffset: w.at + int64(len(w.buf))}
	f.bits = fanoutBits(len(w.entries))
	fanout := f.fanoutOf(w.entries)
	f.fanoutCRC = crc32.Checksum(fanout, castagnoli)
	for i := range w.entries {
		w.buf = append(w.buf, w.entries[i][:]...)
		if err := w.flushIfFull(); err != nil {
			return e, err
		}
	}
	w.buf = append(append(w.buf, fanout...), f.encode()...)
	if err := w.flush(); err != nil {
		return e, err
	}
	return tableEntry{id: w.id, chunks: f.chunks, bytes: w.at}, w.file.Sync()
}

// fanoutBits chooses the number of buckets.
func fanoutBits(chunks int) int {
	return min(max(minFanoutBits, bits.Len(uint(chunks/bucketEntries))), maxFanoutBits)
}

func (f tableFooter) fanoutOf(entries []packedEntry) []byte {
	fanout := make([]byte, 0, f.fanoutBytes())
	end := 0
	for b := range 1 << f.bits {
		sum := uint32(0)
		for end < len(entries) && f.bucketOf(hash.Hash(entries[end].address())) == b {
			sum = crc32.Update(sum, castagnoli, entries[end][:])
			end++
		}
		fanout = binary.LittleEndian.AppendUint32(fanout, uint32(end))
		fanout = binary.LittleEndian.AppendUint32(fanout, sum)
	}
	return fanout
}
