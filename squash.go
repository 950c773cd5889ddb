package vdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/remote"
)

// Squashed is what retention has taken out of the history between a commit and its
// parents, see DB.Retain. It is shared and must not be modified.
type Squashed struct {
	// Commits is how many there were.
	Commits int
	// First and Last are the oldest and the newest of them; zero where that is not
	// known, because one between them has come back from a remote.
	First, Last Hash
	// From and To are their commit times, or what those are not before or after.
	From, To time.Time
}

// squashDetail begins the detail of a graft that retention has made.
const squashDetail = 1

// line is how history goes on behind a commit in one of its parents' places.
type line struct {
	to    hash.Hash // the next commit that was kept
	count uint64    // of those that were squashed before it
	// first and last are the oldest and the newest of these, from and to their
	// commit times in microseconds.
	first, last hash.Hash
	from, until int64
	// list has the first bytes of the newest of their hashes, newest first.
	list []byte
}

const (
	listedBytes     = 8     // of a hash
	maxListedHashes = 1_024 // hashes of a line
)

// listed yields the places of a line's list.
func (l *line) listed() int { return len(l.list) / listedBytes }

func (l *line) at(i int) []byte { return l.list[i*listedBytes:][:listedBytes] }

// find returns where the list has a commit; -1 if it has not.
func (l *line) find(h hash.Hash) int {
	for i := range l.listed() {
		if string(l.at(i)) == string(h[:listedBytes]) {
			return i
		}
	}
	return -1
}

// add takes a commit into the line, behind those that it has, and what was squashed
// behind that.
func (l *line) add(h hash.Hash, micros int64, behind *line) {
	one := line{count: 1, first: h, last: h, from: micros, until: micros, list: h[:listedBytes]}
	l.join(&one)
	if behind != nil {
		l.join(behind)
	}
}

func (l *line) join(behind *line) {
	if behind.count == 0 {
		return
	}
	if l.count == 0 {
		l.last, l.from, l.until = behind.last, behind.from, behind.until
	}
	l.first = behind.first
	l.from, l.until = min(l.from, behind.from), max(l.until, behind.until)
	if uint64(l.listed()) == l.count { // else there is a gap
		l.list = append(slices.Clip(l.list), behind.list...)
		l.list = l.list[:min(len(l.list), maxListedHashes*listedBytes)]
	}
	l.count += behind.count
}

// split cuts a line at a commit of its list: what is newer, and what is older.
func (l *line) split(i int, h hash.Hash, micros int64) (newer, older line) {
	newer = line{to: h, count: uint64(i), last: l.last, from: micros, until: l.until, list: l.list[:i*listedBytes]}
	older = line{to: l.to, count: l.count - uint64(i) - 1, first: l.first, from: l.from, until: micros, list: l.list[(i+1)*listedBytes:]}
	if newer.count == 0 {
		newer = line{to: h}
	}
	if older.count == 0 {
		older = line{to: l.to}
	}
	return newer, older
}

// encodeLines makes the detail of a graft.
func encodeLines(lines []line) []byte {
	data := binary.AppendUvarint([]byte{squashDetail}, uint64(len(lines)))
	for _, l := range lines {
		data = append(data, l.to[:]...)
		if data = binary.AppendUvarint(data, l.count); l.count == 0 {
			continue
		}
		data = append(append(data, l.first[:]...), l.last[:]...)
		data = binary.AppendVarint(binary.AppendVarint(data, l.from), l.until)
		data = appendString(data, string(l.list))
	}
	return data
}

// decodeLines reads the detail of a graft; nil if retention has not made it.
func decodeLines(data []byte) ([]line, error) {
	if len(data) == 0 || data[0] != squashDetail {
		return nil, nil
	}
	f := fields{data: data[1:]}
	var lines []line
	for n := f.uint(); n > 0 && f.err == nil; n-- {
		l := line{to: f.hash(), count: f.uint()}
		if l.count > 0 {
			l.first, l.last, l.from, l.until = f.hash(), f.hash(), f.int(), f.int()
			l.list = []byte(f.string())
		}
		if len(l.list)%listedBytes != 0 || uint64(l.listed()) > l.count {
			f.fail()
		}
		lines = append(lines, l)
	}
	return lines, f.end()
}

// squashedOf sums lines up; nil if nothing was squashed.
func squashedOf(lines []line) *Squashed {
	var s *Squashed
	for _, l := range lines {
		if l.count == 0 {
			continue
		}
		from, to := time.UnixMicro(l.from).UTC(), time.UnixMicro(l.until).UTC()
		if s == nil {
			s = &Squashed{First: l.first, Last: l.last, From: from, To: to}
		}
		s.Commits += int(l.count)
		if from.Before(s.From) {
			s.First, s.From = l.first, from
		}
		if to.After(s.To) {
			s.Last, s.To = l.last, to
		}
	}
	return s
}

// squashedCommits is where the commits that were squashed are now, by the first bytes
// of their hashes.
type squashedCommits map[[listedBytes]byte]hash.Hash

// squashed returns the index of what was squashed.
func (s *graftSet) squashed() squashedCommits {
	s.once.Do(func() {
		s.index = squashedCommits{}
		for h, g := range s.byCommit {
			for _, l := range g.lines {
				if l.count == 0 {
					continue
				}
				for _, end := range []hash.Hash{l.first, l.last} {
					if !end.IsZero() {
						s.index[[listedBytes]byte(end[:])] = h
					}
				}
				for i := range l.listed() {
					s.index[[listedBytes]byte(l.at(i))] = h
				}
			}
		}
	})
	return s.index
}

// squashedInto returns the commit that one was squashed into.
func (s *graftSet) squashedInto(h hash.Hash) (into hash.Hash, is bool) {
	if s == nil {
		return into, false
	}
	into, is = s.squashed()[[listedBytes]byte(h[:])]
	return into, is
}

func (s *graftSet) isSquashed(h hash.Hash) bool {
	_, is := s.squashedInto(h)
	return is
}

// wasSquashed returns an error that names the commit into which the one was squashed
// whose hash begins with these digits; nil if none was.
func (s *graftSet) wasSquashed(digits string) error {
	if s == nil || len(digits) < minPrefix || len(digits) > 2*hash.Size {
		return nil
	}
	known := digits[:min(len(digits), 2*listedBytes)]
	for start, into := range s.squashed() {
		if strings.HasPrefix(fmt.Sprintf("%x", start), known) {
			return fmt.Errorf("commit %s was squashed into commit %s: %w", digits, into, ErrNotFound)
		}
	}
	return nil
}

// bringBack makes a commit that was squashed one that is kept, because something is
// to lead to it: the commit into which it was squashed gets it as a parent.
func (r *refs) bringBack(ctx context.Context, h hash.Hash) error {
	if _, is := graftsOf(r.store).squashedInto(h); !is {
		return nil
	}
	set, err := r.loadGrafts(ctx)
	if err != nil {
		return err
	}
	data, err := r.store.Get(ctx, h)
	if errors.Is(err, nbs.ErrNotFound) {
		return nil // what leads to it will not be stored
	}
	if err != nil {
		return err
	}
	c, err := decodeCommit(h, data)
	if err != nil {
		return err
	}
	into, is := set.squashedInto(h)
	if !is || !set.bringBack(into, c) {
		return nil
	}
	return r.saveGrafts(ctx, set)
}

// bringBack has the commit into which c was squashed lead to c, and c to what was
// squashed no more than it.
func (s *graftSet) bringBack(into hash.Hash, c *Commit) bool {
	g := s.byCommit[into]
	lines := slices.Clone(g.lines)
	for i := range lines {
		at := lines[i].find(c.Hash)
		if at < 0 {
			continue
		}
		newer, older := lines[i].split(at, c.Hash, c.CommitTime.UnixMicro())
		for j, p := range g.parents {
			if p == lines[i].to {
				g.parents = slices.Clone(g.parents)
				g.parents[j] = c.Hash
				break
			}
		}
		lines[i] = newer
		s.putLines(into, g.depth, g.parents, lines)
		s.putLines(c.Hash, c.links.depth, []hash.Hash{older.to}, []line{older})
		return true
	}
	return false
}

// putLines sets the graft of a commit.
func (s *graftSet) putLines(h hash.Hash, depth uint64, parents []hash.Hash, lines []line) {
	s.put(h, &graft{depth: depth, parents: parents, detail: encodeLines(lines), lines: lines, squashed: squashedOf(lines)})
}

// fitLines returns the graft of a commit that retention has made, as it is to be for
// what is there. One that has come from elsewhere may have squashed commits that are
// kept here: it is cut there.
func (db *DB) fitLines(ctx context.Context, r *refs, set *graftSet, c *Commit, g graft, incoming bool) (*graft, error) {
	if len(g.lines) != len(c.Parents) {
		return nil, fmt.Errorf("graft of commit %s has %d parents, not %d: %w", c.Hash, len(g.lines), len(c.Parents), remote.ErrProtocol)
	}
	lines := slices.Clone(g.lines)
	var parents []hash.Hash
	for i := range lines {
		if incoming {
			at, kept, err := db.newestKept(ctx, set, c, &lines[i])
			if err != nil {
				return nil, err
			}
			if kept != nil {
				lines[i], _ = lines[i].split(at, kept.Hash, kept.CommitTime.UnixMicro())
			}
		}
		there, err := r.present(ctx, []hash.Hash{lines[i].to})
		if err != nil {
			return nil, err
		}
		parents = append(parents, there...)
	}
	if !incoming && len(parents) < len(g.parents) { // what was lost is not there, but what is behind it
		var err error
		if parents, err = r.present(ctx, g.parents); err != nil {
			return nil, err
		}
	}
	return &graft{depth: c.links.depth, parents: parents, detail: encodeLines(lines), lines: lines, squashed: squashedOf(lines)}, nil
}

// newestKept finds the newest commit of a line's list that is here, and was not squashed
// here as well; nil if there is none. Who has one has the first, too, or had it.
func (db *DB) newestKept(ctx context.Context, set *graftSet, c *Commit, l *line) (int, *Commit, error) {
	if l.count == 0 {
		return 0, nil, nil
	}
	if _, squashed := set.squashedInto(l.first); !squashed && !l.first.IsZero() {
		there, err := db.blocks.Has(ctx, l.first)
		if err != nil || !there {
			return 0, nil, err
		}
	}
	for i := range l.listed() {
		found, err := db.blocks.Resolve(ctx, fmt.Appendf(nil, "%x", l.at(i)), 2)
		if err != nil {
			return 0, nil, err
		}
		if len(found) != 1 {
			continue
		}
		if _, squashed := set.squashedInto(found[0]); squashed {
			continue
		}
		data, err := db.blocks.Get(ctx, found[0])
		if err != nil {
			return 0, nil, err
		}
		kept, err := decodeCommit(found[0], data)
		if err == nil && kept.Height < c.Height {
			return i, kept, nil
		}
	}
	return 0, nil, nil
}
