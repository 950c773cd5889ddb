package nbs

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// Salvage is what can still be read of a store, however damaged it is. It takes neither the
// manifest's word nor an index's: it reads every file from its start to its end, and takes
// each record that is whole. It writes nothing, no lock file either; other processes may
// have the store open. A chunk is compared with its address when it is read.
//
// All methods but Close may be called concurrently.
type Salvage struct {
	dir         string
	fs          FS
	isStore     bool // something there looks so
	files       []*salvaged
	forced      map[hash.Hash][]byte // read by an index, of records whose headers are damaged
	roots       []SalvagedRoot
	unconfirmed []hash.Hash
	damage      []*DamageError
	doubt       *DamageError
	buffers     sync.Pool // *[]byte
	progress    func(done, total int64)
	done, total int64
}

// SalvagedRoot is a root that the store has had.
type SalvagedRoot struct {
	Root hash.Hash
	// Sequence counts the roots before it.
	Sequence uint64
}

// SalvageOptions of OpenSalvage. The zero value is good.
type SalvageOptions struct {
	// FS is the file system; nil is the operating system's.
	FS FS
	// Progress is called now and then with the bytes that were read, and those there are.
	Progress func(done, total int64)
}

// OpenSalvage reads all files of the store in dir. opts may be nil. The error wraps
// ErrNotStore if there are none, ErrNewerFormat if a newer version made them.
func OpenSalvage(ctx context.Context, dir string, opts *SalvageOptions) (*Salvage, error) {
	s := &Salvage{dir: dir, fs: osFS{}, forced: map[hash.Hash][]byte{}, progress: func(int64, int64) {}}
	if opts != nil && opts.FS != nil {
		s.fs = opts.FS
	}
	if opts != nil && opts.Progress != nil {
		s.progress = opts.Progress
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("nbs: salvage %s: %w", dir, err), s.Close())
	}
	return s, nil
}

// Close closes the files.
func (s *Salvage) Close() error {
	var err error
	for _, f := range s.files {
		err = errors.Join(err, f.Close())
	}
	s.files = nil
	return err
}

// Damage lists the places where bytes are not what was written, and files that are missing.
func (s *Salvage) Damage() []*DamageError { return s.damage }

// Roots lists the roots that are recorded, newest first.
func (s *Salvage) Roots() []SalvagedRoot { return s.roots }

// Doubt is nil if the first of Roots is certainly the store's newest. Else it is the damage
// that may have taken newer ones.
func (s *Salvage) Doubt() error {
	if s.doubt == nil {
		return nil
	}
	return s.doubt
}

// Unconfirmed lists chunks that stand behind the last whole commit, last first: a root whose
// record is damaged may be among them. There are none without a Doubt.
func (s *Salvage) Unconfirmed() []hash.Hash { return s.unconfirmed }

// Chunks yields the addresses of all chunks that were found, some perhaps twice.
func (s *Salvage) Chunks() iter.Seq[hash.Hash] {
	return func(yield func(hash.Hash) bool) {
		for h := range s.forced {
			if !yield(h) {
				return
			}
		}
		for _, f := range s.files {
			for i := range f.found.count() {
				if !yield(hash.Hash(f.found.address(i))) {
					return
				}
			}
		}
	}
}

// Get returns the chunk at h. The error wraps ErrNotFound if no file has it, and
// *DamageError if its bytes are not what was written.
func (s *Salvage) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if data, ok := s.forced[h]; ok {
		return data, nil
	}
	err := fmt.Errorf("nbs: salvage chunk %s: %w", h, ErrNotFound)
	for _, f := range s.files {
		e, ok := f.found.find(h)
		if !ok {
			continue
		}
		buf := s.buffer(int(e.length))
		data, failed := readChunk(&f.chunkFile, e, h, *buf)
		s.buffers.Put(buf)
		if failed == nil {
			return data, nil
		}
		err = failed
	}
	return nil, err
}

// Has tells whether the chunk at h was found.
func (s *Salvage) Has(ctx context.Context, h hash.Hash) (bool, error) {
	_, found := s.forced[h]
	for i := 0; i < len(s.files) && !found; i++ {
		_, found = s.files[i].found.find(h)
	}
	return found, ctx.Err()
}

// Stored returns the chunk at h as it is stored.
func (s *Salvage) Stored(ctx context.Context, h hash.Hash) (Stored, error) {
	for _, f := range s.files {
		e, ok := f.found.find(h)
		if !ok || e.member != 0 {
			continue
		}
		rec, err := readRecord(&f.chunkFile, e, make([]byte, e.length))
		if err != nil || rec.kind != kindChunk || rec.address != h {
			continue
		}
		if c := (Stored{Hash: h, Codec: byte(rec.codec), Payload: rec.payload}); valid(c) {
			return c, nil
		}
	}
	data, err := s.Get(ctx, h)
	return Stored{Hash: h, Payload: data}, err
}

func valid(c Stored) bool {
	_, err := c.Data()
	return err == nil
}

func (s *Salvage) buffer(n int) *[]byte {
	buf, ok := s.buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	*buf = slices.Grow((*buf)[:0], n)[:n]
	return buf
}

func (s *Salvage) open(ctx context.Context) error {
	m, err := s.openFiles()
	if err != nil {
		return err
	}
	for _, f := range s.files {
		if err := s.read(ctx, f); err != nil {
			return err
		}
		if m == nil || m.names(f.id) { // others are being written, or about to be removed
			s.damage = append(s.damage, f.damage...)
		}
	}
	s.missing(m)
	s.judge(m)
	return nil
}

// salvageAttempts is how often files are listed anew that another process removes.
const salvageAttempts = 100

// openFiles opens all files, and reads the manifest, which is nil if it cannot be read.
// What it names is then open, whatever other processes remove.
func (s *Salvage) openFiles() (*manifest, error) {
	for attempt := 0; ; attempt++ {
		before, damage, err := s.readManifest()
		if err != nil {
			return nil, err
		}
		err = s.openAll()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		after, _, err2 := s.readManifest()
		if err2 != nil {
			return nil, err2
		}
		if err == nil && before.equal(after) {
			if !s.isStore {
				return nil, ErrNotStore
			}
			if damage != nil {
				s.damage = append(s.damage, damage)
			}
			return before, nil
		}
		if attempt == salvageAttempts {
			return nil, errors.Join(err, errors.New("its files change all the time"))
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
}

func (m *manifest) equal(other *manifest) bool {
	return m == nil && other == nil || m != nil && other != nil && m.generation == other.generation
}

// names tells whether the manifest names a file.
func (m *manifest) names(id fileID) bool {
	return m.active.id == id ||
		slices.ContainsFunc(m.sealed, func(e journalEntry) bool { return e.id == id }) ||
		slices.ContainsFunc(m.tables, func(e tableEntry) bool { return e.id == id })
}

// readManifest reads the manifest, one copy of which may be damaged.
func (s *Salvage) readManifest() (*manifest, *DamageError, error) {
	path := filepath.Join(s.dir, manifestName)
	text, err := readFile(s.fs, path, manifestMaxSize)
	var damage *DamageError
	switch {
	case errors.As(err, &damage):
		return nil, damage, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, &DamageError{File: path, Reason: "file is missing"}, nil
	case err != nil:
		return nil, nil, err
	}
	m, err := decodeManifest(text)
	if errors.Is(err, ErrNewerFormat) {
		return nil, nil, err
	}
	if err != nil {
		return nil, &DamageError{File: path, Reason: err.Error()}, nil
	}
	if one := m.encode(); !bytes.Equal(text, slices.Concat(one, one)) {
		damage = &DamageError{File: path, Reason: "one of its two copies is damaged"}
	}
	return m, damage, nil
}

// openAll opens all journals and tables of the directory.
func (s *Salvage) openAll() error {
	found, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, entry := range found {
		for _, ours := range []string{manifestName, journalPrefix, tablePrefix} {
			s.isStore = s.isStore || strings.HasPrefix(entry.Name(), ours)
		}
		name, isJournal := strings.CutPrefix(entry.Name(), journalPrefix)
		digits, isTable := strings.CutPrefix(name, tablePrefix)
		raw, err := hex.DecodeString(digits)
		if err != nil || len(raw) != len(fileID{}) || isJournal == isTable {
			continue
		}
		path := filepath.Join(s.dir, entry.Name())
		file, err := s.fs.OpenFile(path, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		f := &salvaged{chunkFile: chunkFile{File: file, path: path}, id: fileID(raw), isJournal: isJournal}
		s.files = append(s.files, f)
		if f.size, err = file.Size(); err != nil {
			return err
		}
		s.total += f.size
	}
	return nil
}

// missing notes the files that the manifest names and that are not there, or are not as long.
func (s *Salvage) missing(m *manifest) {
	if m == nil {
		return
	}
	for _, e := range append(slices.Clone(m.sealed), m.active) {
		if s.file(e.id) == nil {
			s.damage = append(s.damage, &DamageError{File: filepath.Join(s.dir, e.name()), Reason: "file is missing"})
		}
	}
	for _, e := range m.tables {
		path := filepath.Join(s.dir, e.name())
		if f := s.file(e.id); f == nil {
			s.damage = append(s.damage, &DamageError{File: path, Reason: "file is missing"})
		} else if f.size != e.bytes {
			s.damage = append(s.damage, &DamageError{File: path, Offset: f.size, Reason: fmt.Sprintf("file has %d bytes, %d were written", f.size, e.bytes)})
		}
	}
}

func (s *Salvage) file(id fileID) *salvaged {
	for _, f := range s.files {
		if f.id == id {
			return f
		}
	}
	return nil
}

const (
	// journalReads is how often a journal is read at most that looks damaged, until it does so
	// in the same places twice: another process may be writing there.
	journalReads = 20
	// journalPause comes in between.
	journalPause = 50 * time.Millisecond
)

// read reads a file, and by its index what is left of records with damaged headers.
func (s *Salvage) read(ctx context.Context, f *salvaged) error {
	var indexed run
	var err error
	if f.isJournal {
		indexed, err = f.readJournalIndex(s.fs)
	}
	var before []int64
	for n := 1; err == nil; n++ {
		base := s.done
		err = f.scan(ctx, func(at int64) { s.progress(min(base+at, s.total), s.total) })
		places := f.places()
		if len(places) == 0 || slices.Equal(places, before) || n == journalReads || err != nil {
			break
		}
		before = places
		select {
		case <-time.After(journalPause):
			f.size, err = f.Size()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil && !f.isJournal {
		indexed, err = f.readTableIndex()
	}
	if err != nil {
		return err
	}
	s.done += f.size
	for i := range indexed.count() {
		e := indexed.at(i)
		if _, found := f.found.find(e.address); found {
			continue
		}
		if data, ok := f.force(e); ok {
			s.forced[e.address] = data
		}
	}
	return ctx.Err()
}

// places returns where a journal looks damaged.
func (f *salvaged) places() (all []int64) {
	if !f.isJournal {
		return nil
	}
	for _, d := range f.damage {
		all = append(all, d.Offset)
	}
	if f.doubt != nil {
		all = append(all, f.doubt.Offset)
	}
	return all
}

// judge finds the roots, and whether the newest is certain.
func (s *Salvage) judge(m *manifest) {
	active, doubt := s.active(m)
	if s.doubt = doubt; doubt != nil {
		if !slices.ContainsFunc(s.damage, func(d *DamageError) bool { return *d == *doubt }) {
			s.damage = append(s.damage, doubt)
		}
		if active != nil {
			s.unconfirmed = active.behind
		}
	}
	for _, f := range s.files {
		s.roots = append(s.roots, f.roots...)
	}
	if m != nil {
		for _, e := range append(slices.Clone(m.sealed), m.active) {
			s.roots = append(s.roots, SalvagedRoot{e.root, e.sequence})
		}
	}
	s.roots = slices.DeleteFunc(s.roots, func(r SalvagedRoot) bool { return r.Root.IsZero() })
	sort.SliceStable(s.roots, func(i, j int) bool { return s.roots[i].Sequence > s.roots[j].Sequence })
	s.roots = slices.Compact(s.roots)
}

// active finds the journal that commits went to last, and the damage, if there is any, that
// may have taken some of them.
func (s *Salvage) active(m *manifest) (*salvaged, *DamageError) {
	path := filepath.Join(s.dir, manifestName)
	if m != nil {
		f := s.file(m.active.id)
		if f == nil {
			return nil, &DamageError{File: filepath.Join(s.dir, m.active.name()), Reason: "file is missing"}
		}
		return f, f.doubt
	}
	// Only the journal that is written is not sealed.
	var newest *salvaged
	for _, f := range s.files {
		if f.isJournal && (newest == nil || f.last.sequence > newest.last.sequence || f.last.sequence == newest.last.sequence && !f.sealed) {
			newest = f
		}
	}
	switch {
	case newest == nil:
		return nil, &DamageError{File: path, Reason: "manifest cannot be read, and there is no journal"}
	case newest.sealed || len(newest.roots) == 0:
		return newest, &DamageError{File: path, Reason: "manifest cannot be read, and there may have been a journal that is missing"}
	}
	return newest, newest.doubt
}
