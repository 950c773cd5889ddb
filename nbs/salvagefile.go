package nbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// salvaged is a journal or a table that is read record by record.
type salvaged struct {
	chunkFile
	id        fileID
	isJournal bool
	size      int64
	found     run
	entries   []entry // of found, while the file is read
	damage    []*DamageError

	// Of journals.
	roots   []SalvagedRoot
	last    rootState    // of the last whole terminal
	end     int64        // where that ends
	sealed  bool         // it is a seal
	synced  int64        // what is before it is known to have been durable
	behind  []hash.Hash  // chunks behind end, last first
	durable int64        // what the index file says of end
	doubt   *DamageError // what may have taken roots behind end
}

// progressBytes is after how many bytes progress is reported.
const progressBytes = 1 << 20

// scan reads the file from its start to its end.
func (f *salvaged) scan(ctx context.Context, progress func(at int64)) error {
	f.entries, f.damage, f.roots, f.behind, f.last, f.sealed = nil, nil, nil, nil, rootState{}, false
	at, err := f.readHeader()
	if err != nil {
		return err
	}
	f.end, f.synced = at, at
	known, err := f.records(ctx, f, at, progress)
	if err == nil && f.isJournal {
		err = f.readTail(ctx)
	} else if err == nil {
		err = f.readFooter(known)
	}
	progress(f.size)
	f.found = run(nil).merge(f.entries)
	f.entries = nil
	return err
}

// records takes over all records from an offset to the file's end, and returns where the last
// one ends. What is no record is passed over byte by byte.
func (f *salvaged) records(ctx context.Context, file io.ReaderAt, at int64, progress func(at int64)) (known int64, err error) {
	w := &window{file: file, step: firstStep}
	known = at
	for told := at; at+recordHeaderBytes <= f.size; {
		if at-told >= progressBytes {
			told = at
			progress(at)
			if err := ctx.Err(); err != nil {
				return known, err
			}
		}
		n, err := f.take(w, at)
		if err != nil {
			return known, err
		}
		if n <= 0 {
			at -= n - 1
			continue
		}
		if known < at {
			f.gap(known)
		}
		at += n
		known = at
	}
	return known, nil
}

// readTail reads a journal behind its last whole append once more, all at one moment: what
// another process is writing there must not be taken for damage.
func (f *salvaged) readTail(ctx context.Context) error {
	j := newJournal(f.path, journalEntry{id: f.id}, f.File)
	j.end = f.end
	rest, err := j.readRest()
	if err != nil {
		return err
	}
	f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return e.offset >= f.end })
	f.damage = slices.DeleteFunc(f.damage, func(d *DamageError) bool { return d.Offset >= f.end })
	from, size := f.end, j.size
	f.size = from + int64(len(rest))
	known, err := f.records(ctx, moment{from, rest}, from, func(int64) {})
	f.size = size
	if err != nil {
		return err
	}
	j.end, j.synced = f.end, f.synced
	f.judge(j, rest[f.end-from:], known)
	return nil
}

// moment is what a file has held behind an offset.
type moment struct {
	from int64
	data []byte
}

// ReadAt implements io.ReaderAt.
func (m moment) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, offset-m.from)
}

func (f *salvaged) gap(at int64) { f.damaged(at, "no record where one was written") }

func (f *salvaged) damaged(at int64, reason string) {
	f.damage = append(f.damage, &DamageError{File: f.path, Offset: at, Reason: reason})
}

// readHeader compares the file's header, and returns its length.
func (f *salvaged) readHeader() (int64, error) {
	want := encodeHeader(tableMagic, f.id, tableHeaderBytes)
	if f.isJournal {
		want = encodeHeader(journalMagic, f.id, journalHeaderBytes)
	}
	got := make([]byte, len(want))
	n, err := f.ReadAt(got, 0)
	if err != nil && !isEnd(err) {
		return 0, err
	}
	if !bytes.Equal(got[:n], want) {
		f.damaged(0, "header is not the one that was written")
	}
	return int64(len(want)), nil
}

// zerosPassed is how many zeros are passed over at once: a record begins with its length.
const zerosPassed = recordHeaderBytes - 4

// take takes over the record at an offset, and returns its length. If there is none that is
// 0, or less by as many bytes more as need not be looked at.
func (f *salvaged) take(w *window, at int64) (int64, error) {
	header, err := w.bytes(at, recordHeaderBytes)
	switch {
	case err != nil || len(header) < recordHeaderBytes:
		return 0, err
	case isZero(header):
		return -zerosPassed, nil
	case !plausible(header):
		return 0, nil
	}
	n, err := recordLength(header)
	if err != nil || at+int64(n) > f.size {
		return 0, nil
	}
	whole, err := w.bytes(at, n)
	if err != nil || len(whole) < n {
		return 0, err
	}
	rec, err := decodeRecord(whole, crcSeed(f.id))
	sound := err == nil
	if !sound {
		rec = splitRecord(whole)
	}
	switch {
	case rec.kind == kindPack:
		sound = f.takePack(rec, at) && sound
	case rec.kind == kindChunk:
		if _, err := decodePayload(rec.codec, rec.address, rec.payload); err != nil {
			return 0, nil
		}
		f.entries = append(f.entries, entry{rec.address, extent{offset: at, length: uint32(n)}})
	case sound && f.isJournal:
		return f.takeTerminal(rec, at), nil
	default:
		return 0, nil
	}
	switch {
	case sound:
	case rec.kind == kindPack:
		return 0, nil // its length may be what is damaged
	default:
		f.damaged(at, "record is not the one that was written")
	}
	return int64(n), nil
}

// takePack takes over the members of a pack, whose addresses follow from their bytes. It
// tells whether it has all.
func (f *salvaged) takePack(rec record, at int64) bool {
	var p pack
	if err := p.decode(rec); err != nil {
		return false
	}
	members := make([][]byte, p.count)
	all := true
	for k := range members {
		var err error
		if k == 0 {
			members[0], err = p.member(0)
		} else if from := members[p.from[k]]; from != nil {
			members[k], err = applyDelta(nil, from, p.delta(k))
		}
		if members[k] == nil || err != nil {
			members[k], all = nil, false
			continue
		}
		f.entries = append(f.entries, entry{hash.Of(members[k]), extent{at, uint32(rec.length), uint8(k)}})
	}
	return all
}

// takeTerminal takes over what ends an append.
func (f *salvaged) takeTerminal(rec record, at int64) int64 {
	j := newJournal(f.path, journalEntry{id: f.id}, f.File)
	t, err := j.decodeTerminal(rec)
	if err != nil {
		return 0
	}
	f.last, f.end, f.sealed = t.state, at+int64(rec.length), rec.kind == kindSeal
	f.synced = max(f.synced, t.synced)
	f.roots = append(f.roots, SalvagedRoot{t.state.root, t.state.sequence})
	return int64(rec.length)
}

// judge finds out whether commits were lost behind the last one that is whole. rest is what
// is there; known is where its last record ends.
func (f *salvaged) judge(j *journal, rest []byte, known int64) {
	f.doubt = nil
	if f.sealed {
		return
	}
	bad := known
	tail := slices.IndexFunc(f.damage, func(d *DamageError) bool { return d.Offset >= f.end })
	if tail >= 0 {
		bad = f.damage[tail].Offset
		f.damage = f.damage[:tail] // torn, or the doubt
	}
	reason := ""
	switch {
	case len(rest) > 0 && j.judge(rest, bad) == tailDamaged:
		reason = "no record where one was written"
	case len(rest) > 0 && f.end+int64(len(rest)) >= f.size, f.end > f.size&^(growFirstBytes-1):
		reason = "file has been cut short" // there are always zeros ahead
	case f.end < f.durable:
		reason = fmt.Sprintf("commits end here, %d bytes were durable", f.durable)
	default:
		return
	}
	f.doubt = &DamageError{File: f.path, Offset: bad, Reason: reason}
	for _, e := range slices.Backward(f.entries) {
		if e.offset >= f.end {
			f.behind = append(f.behind, e.address)
		}
	}
}

// readFooter sees whether records go up to a table's index.
func (f *salvaged) readFooter(known int64) error {
	t, err := f.asTable()
	if err != nil {
		return err
	}
	if t != nil && known < t.footer.indexOffset {
		f.gap(known)
	}
	return nil
}

// asTable returns the table with its footer; nil if that is damaged.
func (f *salvaged) asTable() (*table, error) {
	buf := make([]byte, tableFooterBytes)
	n, err := f.ReadAt(buf, max(0, f.size-tableFooterBytes))
	if err != nil && !isEnd(err) {
		return nil, err
	}
	footer, err := decodeTableFooter(buf[:n], f.size)
	if err == nil && footer.id != f.id {
		err = errors.New("table's footer is another table's")
	}
	if err != nil {
		f.damaged(max(0, f.size-tableFooterBytes), err.Error())
		return nil, nil
	}
	return &table{tableEntry: tableEntry{id: f.id, chunks: footer.chunks, bytes: f.size}, chunkFile: f.chunkFile, footer: footer}, nil
}

// readTableIndex returns what the index of a table knows; nothing if it is damaged.
func (f *salvaged) readTableIndex() (run, error) {
	before := len(f.damage)
	t, err := f.asTable()
	f.damage = f.damage[:before] // it has been noted
	if t == nil || err != nil {
		return nil, err
	}
	entries, err := t.all()
	var damage *DamageError
	if errors.As(err, &damage) {
		f.damage = append(f.damage, damage)
		return nil, nil
	}
	return entries, err
}

// readJournalIndex returns what the index file of a journal knows; nothing if there is none
// that is whole.
func (f *salvaged) readJournalIndex(fsys FS) (run, error) {
	buf, err := readFile(fsys, f.path+indexSuffix, indexMaxBytes)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*DamageError)) {
			err = nil
		}
		return nil, err
	}
	x, err := decodeIndexFile(buf)
	if err != nil || x.journal != f.id {
		return nil, nil // it is a hint
	}
	f.durable = x.end
	return x.run, nil
}

// force reads a chunk by an index's word alone: the header of its record is damaged, but its
// bytes may be whole.
func (f *salvaged) force(e entry) ([]byte, bool) {
	if e.length < recordHeaderBytes || e.length > maxRecordBytes {
		return nil, false
	}
	buf := make([]byte, e.length)
	if n, _ := f.ReadAt(buf, e.offset); n < len(buf) {
		return nil, false
	}
	for c := codecRaw; c <= codecMasked; c++ {
		if data, err := decodePayload(c, e.address, buf[recordHeaderBytes:]); err == nil {
			return data, true
		}
		rec := record{kind: kindPack, codec: c, payload: buf[recordHeaderBytes:], length: len(buf)}
		if data, err := readMember(rec, int(e.member), e.address); err == nil {
			return data, true
		}
	}
	return nil, false
}
