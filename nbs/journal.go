package nbs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"syscall"

	"github.com/vdbgo/vdb/hash"
)

// journal is an open journal file: a header, then one append after another,
// then zeros, written ahead so that an append changes no metadata.
//
//	 0        512
//	+--------+----------+----------+-- --+----------+--------
//	| header | append 1 | append 2 | ... | append n | 0 0 0 …
//	+--------+----------+----------+-- --+----------+--------
//
// An append is some chunk records and one terminal. Appends start at multiples
// of 64 bytes. The header:
//
//	 0       8         12      16           32
//	+-------+---------+-------+------------+---------
//	| magic | version | CRC   | journal id | zeros…
//	+-------+---------+-------+------------+---------
//
// The CRC is over all that follows it, the version before it, and the zeros.
type journal struct {
	id     fileID
	seed   uint32
	mark   [8]byte // what every terminal ends with
	chunks chunkFile
	index  index

	// The store's mu guards what follows.
	state   rootState // as of end
	end     int64     // where the next append goes
	synced  int64     // what is before it is known to be durable
	size    int64     // the file's size as last seen
	folded  indexFile // what is in the index's run
	saved   int64     // what is before it is in the index file
	sealed  bool      // a seal has been read: nothing follows
	checked bool      // the rest of the file was seen to be zeros
	ahead   []byte    // room to read into
}

// rootState is a root and its place in the sequence of roots.
type rootState struct {
	sequence uint64
	root     hash.Hash
	unixNano int64
}

const (
	journalMagic       = "vdbjrnl\n"
	journalHeaderBytes = 512
	sectorBytes        = 512 // what a disk writes as a whole or not at all
	appendAlign        = 64
	growFirstBytes     = 1 << 20
	growMaxBytes       = 2 << 20
	leastChunkBytes    = 1 << 10 // what a chunk counts when a journal is weighed
	foldBytes          = 1 << 20 // of journal, at least, before its index is folded
)

func newJournal(path string, e journalEntry, file File) *journal {
	j := &journal{
		id: e.id, seed: crcSeed(e.id), chunks: chunkFile{File: file, path: path},
		state: rootState{sequence: e.sequence, root: e.root},
		end:   journalHeaderBytes, synced: journalHeaderBytes, saved: journalHeaderBytes,
	}
	j.folded.end = journalHeaderBytes
	sum := hash.Of(e.id[:])
	copy(j.mark[:], sum[:])
	return j
}

// createJournal makes a journal file and makes its bytes durable, its name not.
func createJournal(fsys FS, path string, e journalEntry) (*journal, error) {
	file, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	j := newJournal(path, e, file)
	j.checked = true
	if _, err = file.WriteAt(encodeHeader(journalMagic, e.id, journalHeaderBytes), 0); err == nil {
		j.size = journalHeaderBytes
		err = j.grow(growFirstBytes - journalHeaderBytes)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create journal %s: %w", path, err), file.Close())
	}
	return j, nil
}

// openJournal opens a journal file. A header that is damaged is the second
// error, and does no harm beyond: the manifest knows the id.
func openJournal(fsys FS, path string, e journalEntry, flag int) (*journal, *DamageError, error) {
	file, err := fsys.OpenFile(path, flag, 0)
	if err != nil {
		return nil, nil, err
	}
	j := newJournal(path, e, file)
	header := make([]byte, journalHeaderBytes)
	n, err := file.ReadAt(header, 0)
	if err != nil && !isEnd(err) {
		return nil, nil, errors.Join(err, file.Close())
	}
	if !bytes.Equal(header[:n], encodeHeader(journalMagic, e.id, journalHeaderBytes)) {
		return j, &DamageError{File: path, Reason: "journal's header is not the one that was written"}, nil
	}
	return j, nil, nil
}

// encodeHeader returns the header of a journal or table file.
func encodeHeader(magic string, id fileID, size int) []byte {
	b := make([]byte, size)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	copy(b[16:], id[:])
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[16:], castagnoli))
	return b
}

// A terminal is the record that ends an append. Its address is the root from
// then on, and its payload is
//
//	+---------+----------+---------------+--------+------+--------+------+
//	| filler  | sequence | previous root | synced | time | length | mark |
//	+---------+----------+---------------+--------+------+--------+------+
//	  0 to 63   8          20              8        8      4        8 bytes
//
// The filler, bytes 0xFF, makes the append end at a multiple of 64. synced is
// the offset up to which the journal was known to be durable before the append
// was written. time is in nanoseconds since 1970. length is the whole record's,
// so that it can be found from its end. mark is 8 bytes of the hash of the
// journal's id.
type terminal struct {
	state    rootState
	previous hash.Hash
	synced   int64
}

const (
	terminalFixedBytes = 8 + hash.Size + 8 + 8 + 4 + 8
	terminalMaxBytes   = recordHeaderBytes + terminalFixedBytes + appendAlign - 1
)

// appendTerminal appends a terminal to an append that starts at an aligned
// offset.
func (j *journal) appendTerminal(buf []byte, k kind, t terminal) []byte {
	const least = recordHeaderBytes + terminalFixedBytes
	filler := bytes.Repeat([]byte{0xFF}, -(len(buf)+least)&(appendAlign-1))
	fixed := make([]byte, 0, terminalFixedBytes)
	fixed = binary.LittleEndian.AppendUint64(fixed, t.state.sequence)
	fixed = append(fixed, t.previous[:]...)
	fixed = binary.LittleEndian.AppendUint64(fixed, uint64(t.synced))
	fixed = binary.LittleEndian.AppendUint64(fixed, uint64(t.state.unixNano))
	fixed = binary.LittleEndian.AppendUint32(fixed, uint32(least+len(filler)))
	fixed = append(fixed, j.mark[:]...)
	return appendRecord(buf, j.seed, k, codecRaw, t.state.root, filler, fixed)
}

func (j *journal) decodeTerminal(rec record) (terminal, error) {
	if rec.kind == kindPack || len(rec.payload) < terminalFixedBytes {
		return terminal{}, fmt.Errorf("record of kind %d with %d bytes where a terminal belongs", rec.kind, rec.length)
	}
	fixed := rec.payload[len(rec.payload)-terminalFixedBytes:]
	if !bytes.Equal(fixed[48:], j.mark[:]) || binary.LittleEndian.Uint32(fixed[44:]) != uint32(rec.length) {
		return terminal{}, errors.New("terminal does not end as one")
	}
	t := terminal{previous: hash.Hash(fixed[8:28])}
	t.state.sequence = binary.LittleEndian.Uint64(fixed)
	t.state.root = rec.address
	t.synced = int64(binary.LittleEndian.Uint64(fixed[28:]))
	t.state.unixNano = int64(binary.LittleEndian.Uint64(fixed[36:]))
	return t, nil
}

// continues checks that a terminal of this kind may follow the state.
func (s rootState) continues(k kind, t terminal) error {
	want := s.sequence
	if k == kindRoot {
		want++
	}
	if t.state.sequence != want || t.previous != s.root {
		return fmt.Errorf("terminal %d follows root %s, want %d and %s", t.state.sequence, t.previous, want, s.root)
	}
	return nil
}

// follow reads the appends that have been added behind end. It returns nil when
// it came to the end of what was written. When what follows is no whole append
// it returns a *tailError, and leaves to inspect what to make of it: another
// process may be about to write it.
func (j *journal) follow() error {
	w := &window{file: j.chunks, buf: j.ahead[:0], step: firstStep}
	defer func() {
		if cap(w.buf) <= firstStep {
			j.ahead = w.buf
		}
	}()
	for !j.sealed {
		done, err := j.followAppend(w)
		if done || err != nil {
			return err
		}
	}
	return nil
}

// tailError tells where the first record is that is not whole.
type tailError struct {
	offset int64
	err    error
}

func (e *tailError) Error() string { return fmt.Sprintf("at byte %d: %v", e.offset, e.err) }

// followAppend reads the append at end; done tells that there is none.
func (j *journal) followAppend(w *window) (done bool, err error) {
	var entries []entry
	for at := j.end; ; {
		header, err := w.bytes(at, recordHeaderBytes)
		if err != nil {
			return false, err
		}
		if at == j.end && isZero(header) {
			return true, nil
		}
		length, err := recordLength(header)
		if err != nil {
			return false, &tailError{at, err}
		}
		whole, err := w.bytes(at, length)
		if err != nil {
			return false, err
		}
		rec, err := decodeRecord(whole, j.seed)
		if err != nil {
			return false, &tailError{at, err}
		}
		if rec.kind == kindChunk {
			entries = append(entries, entry{rec.address, extent{offset: at, length: uint32(length)}})
			at += int64(length)
			continue
		}
		return false, j.accept(rec, at, entries)
	}
}

// accept takes over an append whose terminal has been read.
func (j *journal) accept(rec record, at int64, entries []entry) error {
	t, err := j.decodeTerminal(rec)
	if err == nil {
		err = j.state.continues(rec.kind, t)
	}
	if err != nil {
		return &tailError{at, err}
	}
	j.appended(rec.kind, t, at+int64(rec.length), entries)
	j.synced = max(j.synced, t.synced)
	return nil
}

// appended takes note of an append that ends at end.
func (j *journal) appended(k kind, t terminal, end int64, entries []entry) {
	if len(entries) > 0 {
		j.index.add(entries)
	}
	j.state, j.end, j.sealed = t.state, end, k == kindSeal
	j.size = max(j.size, end)
	if j.end-j.folded.end >= max(foldBytes, 4*int64(len(j.folded.run))) { // writing the index costs its length: a quarter of the journal's at most
		j.fold()
	}
}

// weight is the length of the journal in bytes, but counts each chunk as
// leastChunkBytes at least: who opens the store reads the journal's index, which
// must stay small where chunks are.
func (j *journal) weight() int64 { return max(j.end, j.index.count()*leastChunkBytes) }

// fold sorts the index, up to end. An index file never goes beyond a seal: who
// opens the journal with it must meet the seal, and not append behind it.
func (j *journal) fold() {
	if j.sealed {
		return
	}
	j.folded = indexFile{journal: j.id, end: j.end, state: j.state, run: j.index.fold()}
}

// grow makes room for n more bytes and some to spare: zeros, made durable
// before anything is written over them. The caller holds the lock.
func (j *journal) grow(n int64) error {
	if j.end+n <= j.size { // a journal never shrinks
		return nil
	}
	size, err := j.chunks.Size()
	if err != nil {
		return err
	}
	j.size = size
	if j.end+n <= size {
		return nil
	}
	step := min(max(growFirstBytes, size/4), growMaxBytes)
	want := (j.end + n + step) &^ (growFirstBytes - 1)
	if want < j.end+n {
		want += growFirstBytes
	}
	if err := writeZeros(j.chunks.File, size, want); err != nil {
		return &noRoomError{err}
	}
	if err := j.chunks.Sync(); err != nil {
		return err
	}
	j.size = want
	return nil
}

// noRoomError is why the disk has not taken what was to be written. The journal is as it
// was before, but for a torn append, so that this is no reason to give the store up.
type noRoomError struct{ err error }

func (e *noRoomError) Error() string { return "make room in the journal: " + e.err.Error() }
func (e *noRoomError) Unwrap() error { return e.err }

// unlessFull returns the error of a write as one that does no harm if the disk is full,
// which file systems that copy on write can be for bytes that were there, and not all was
// written: an append without its end is torn, and is cut before the next one.
func unlessFull(err error, partly bool) error {
	if partly && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) {
		return &noRoomError{err}
	}
	return err
}

func writeZeros(f File, from, to int64) error {
	zeros := make([]byte, min(to-from, 256<<10))
	for from < to {
		n, err := f.WriteAt(zeros[:min(to-from, int64(len(zeros)))], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// isZero compares b with itself, shifted by one.
func isZero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[:len(b)-1], b[1:])
}

// firstStep is how many bytes a window reads at first.
const firstStep = 4 << 10

// window reads a file ahead.
type window struct {
	file io.ReaderAt
	at   int64
	buf  []byte
	step int
}

// bytes returns the n bytes at the offset, fewer at the end of the file. They
// are valid until the next call.
func (w *window) bytes(offset int64, n int) ([]byte, error) {
	if offset < w.at || offset+int64(n) > w.at+int64(len(w.buf)) {
		if err := w.fill(offset, n); err != nil {
			return nil, err
		}
	}
	rest := w.buf[offset-w.at:]
	return rest[:min(n, len(rest))], nil
}

func (w *window) fill(offset int64, n int) error {
	size := max(n, w.step)
	if cap(w.buf) < size {
		w.buf = make([]byte, size)
	}
	got, err := w.file.ReadAt(w.buf[:size], offset)
	if err != nil && !isEnd(err) {
		return err
	}
	w.at, w.buf = offset, w.buf[:got]
	w.step = min(2*w.step, 1<<20)
	return nil
}
