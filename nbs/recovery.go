package nbs

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// What follows the last whole append of a journal is one of three things:
//
//   - Zeros: nothing was written there.
//   - A torn append: power failed before its sync returned, or the process was
//     killed while it wrote. Nobody was told that it succeeded. The next writer
//     cuts it.
//   - A damaged append: it had been written whole. Cutting it would silently
//     bring an older state back, so the store becomes read-only instead.
//
// Damage is told from tearing by two signs. First, a terminal says up to where
// the journal was durable before it: what is bad before that was damaged.
// Second, an append that was never confirmed is torn only if a sector of it was
// never written. The file is zero-filled ahead, so such a sector reads as
// zeros, and payloadEncoder and appendTerminal see to it that none that was
// written does. If the end was lost, then what is there does not end in a
// terminal's mark. The mark may be the damaged thing, so one byte of it may
// differ.
type verdict int

const (
	tailClean verdict = iota
	tailTorn
	tailDamaged
)

// inspect judges what follows end; tail is what follow returned about it. The
// caller holds the lock, so that nobody is writing there. It returns the bytes
// from end on up to the last that is not zero, rounded up to appendAlign.
func (j *journal) inspect(tail *tailError) (verdict, []byte, error) {
	rest, err := j.readRest()
	if err != nil || len(rest) == 0 {
		return tailClean, nil, err
	}
	bad := j.end
	if tail != nil {
		bad = tail.offset
	}
	return j.judge(rest, bad), rest, nil
}

// judge judges what follows end; bad is where the first record is that is not whole.
func (j *journal) judge(rest []byte, bad int64) verdict {
	if bad < j.lastSynced(rest) || j.isWhole(rest) {
		return tailDamaged
	}
	return tailTorn
}

// readRest returns what follows end without the zeros after it.
func (j *journal) readRest() ([]byte, error) {
	size, err := j.chunks.Size()
	if err != nil {
		return nil, err
	}
	j.size = size
	last, err := j.lastNonZero(size)
	if err != nil || last == j.end {
		return nil, err
	}
	rest := make([]byte, (last-j.end+appendAlign-1)&^(appendAlign-1))
	if _, err := j.chunks.ReadAt(rest, j.end); err != nil && !isEnd(err) {
		return nil, err
	}
	return rest, nil
}

// lastNonZero returns the offset behind the last byte after end that is not
// zero; end if there is none.
func (j *journal) lastNonZero(size int64) (int64, error) {
	buf := make([]byte, min(64<<10, max(0, size-j.end)))
	for size > j.end {
		from := max(j.end, size-int64(len(buf)))
		part := buf[:size-from]
		if _, err := j.chunks.ReadAt(part, from); err != nil && !isEnd(err) {
			return 0, err
		}
		if !isZero(part) {
			return from + int64(len(bytes.TrimRight(part, "\x00"))), nil
		}
		size = from
	}
	return j.end, nil
}

// lastSynced returns the highest synced of all terminals in rest, and at least
// the journal's.
func (j *journal) lastSynced(rest []byte) int64 {
	synced := j.synced
	for to := appendAlign; to <= len(rest); to += appendAlign {
		if t, ok := j.terminalBefore(rest[:to]); ok {
			synced = max(synced, t.synced)
		}
	}
	return synced
}

// terminalBefore decodes the terminal that b ends with.
func (j *journal) terminalBefore(b []byte) (terminal, bool) {
	const lengthAndMark = 4 + 8
	if len(b) < lengthAndMark || !bytes.Equal(b[len(b)-8:], j.mark[:]) {
		return terminal{}, false
	}
	length := int(binary.LittleEndian.Uint32(b[len(b)-lengthAndMark:]))
	if length > min(len(b), terminalMaxBytes) {
		return terminal{}, false
	}
	rec, err := decodeRecord(b[len(b)-length:], j.seed)
	if err != nil || rec.length != length {
		return terminal{}, false
	}
	t, err := j.decodeTerminal(rec)
	return t, err == nil
}

// isWhole tells whether every sector of rest was written, the last included.
func (j *journal) isWhole(rest []byte) bool {
	if !almostEqual(rest[len(rest)-8:], j.mark[:]) {
		return false
	}
	for from := 0; from < len(rest); {
		to := min(from+sectorBytes-int(j.end+int64(from))%sectorBytes, len(rest))
		if isZero(rest[from:to]) {
			return false
		}
		from = to
	}
	return true
}

// almostEqual tells whether a and b, of one length, differ in at most one byte.
func almostEqual(a, b []byte) bool {
	differ := 0
	for i := range a {
		if a[i] != b[i] {
			differ++
		}
	}
	return differ <= 1
}

// salvage takes over from rest, which is damaged, all that can still be read:
// the chunks, and the newest root.
func (j *journal) salvage(rest []byte) {
	var entries []entry
	for at := 0; at+recordHeaderBytes <= len(rest); {
		if !plausible(rest[at:]) {
			at++
			continue
		}
		rec, err := decodeRecord(rest[at:], j.seed)
		if err != nil {
			at++
			continue
		}
		if rec.kind == kindChunk {
			entries = append(entries, entry{rec.address, extent{offset: j.end + int64(at), length: uint32(rec.length)}})
		} else if t, err := j.decodeTerminal(rec); err == nil && t.state.sequence >= j.state.sequence {
			j.state = t.state
		}
		at += rec.length
	}
	j.index.add(entries)
}

// cut removes a torn append, and makes that durable before anything is written
// in its place.
func (j *journal) cut(rest []byte) error {
	if err := writeZeros(j.chunks.File, j.end, j.end+int64(len(rest))); err != nil {
		return err
	}
	return j.chunks.Sync()
}

// damageAt describes damage that inspect has found.
func (j *journal) damageAt(tail *tailError) *DamageError {
	if tail == nil {
		return &DamageError{File: j.chunks.path, Offset: j.end, Reason: "record is missing"}
	}
	return &DamageError{File: j.chunks.path, Offset: tail.offset, Reason: fmt.Sprint(tail.err)}
}
