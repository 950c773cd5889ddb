package nbs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vdbgo/vdb/hash"
)

// Store is an open directory of chunks. All methods may be called concurrently,
// and other processes may have the same directory open.
type Store struct {
	dir          string
	fs           FS
	now          func() time.Time
	random       io.Reader
	readOnly     bool
	journalBytes int64
	cache        *cache
	buffers      sync.Pool // *[]byte, for reading records

	lock        *lock // held while the journal or the manifest is written
	compactLock *lock
	group       group
	staged      staged
	room        []byte // for an append, see takeRoom
	guards      spillGuards
	life        sync.RWMutex // read-held by commits; Close takes it
	closed      atomic.Bool
	damage      atomic.Pointer[DamageError]
	tip         atomic.Pointer[tip]
	count       counters
	compaction  housekeeping
	indexing    housekeeping

	files sync.RWMutex              // read-held while a file of a view is read
	view  *view                     // written with files and mu held; nil after Close
	past  []*pastView               // earlier ones that somebody holds, oldest first; written likewise
	holds atomic.Pointer[viewHolds] // of view
	epoch atomic.Uint64             // of view's manifest

	owner    any
	leadsTo  LeadsTo // nil: nothing is collected
	versions VersionsFunc
	growth   int // see Options.CollectGrowth
	before   func(context.Context) error

	mu       sync.Mutex // guards what follows, and the journals' state
	manifest *manifest
	grace    map[*Hold]*time.Timer // what is held for graceTime

	lentMu  sync.Mutex
	lent    []map[hash.Hash][]byte // see Lend, latest first
	syncing bool                   // a commit of this store is written and not yet durable
	failed  error                  // the first write or sync that failed
	retired []File                 // no longer in view, to be closed

	compactAt    int64 // size of the journal before which it is not tried again
	compactError error // of the last compaction in the background
}

// Options are what Open can be told. The zero value is good.
type Options struct {
	// CacheBytes is the budget of the cache of decompressed chunks. 0 stands
	// for 64 MiB, a negative number for no cache.
	CacheBytes int64
	// JournalBytes is the size at which a journal is turned into a table file,
	// in the background, where each chunk counts as 1 KiB at least. 0 stands for
	// 64 MiB; with a negative number only Compact does that. Commits are delayed, by 5 ms
	// at most, while all journals together are more than three times as large.
	JournalBytes int64
	// Owner is for whoever opens the store: Owner of the store and of its writers
	// returns it.
	Owner any
	// LeadsTo tells which chunks a chunk leads to, so that those can be dropped
	// that the root does not lead to. With nil none is ever dropped.
	LeadsTo LeadsTo
	// Versions tells which chunks are versions of each other; their differences are
	// then stored when chunks are collected. With nil each is stored whole.
	Versions VersionsFunc
	// CollectGrowth is by how many percent the store's tables may grow after a
	// full collection before the next one starts by itself. 0 stands for 100; with
	// a negative number only Collect starts it.
	CollectGrowth int
	// BeforeCollect, if not nil, is called before a full collection that the store starts
	// by itself. It may commit. An error does not keep the store from collecting.
	BeforeCollect func(context.Context) error
	// ReadOnly opens the store without ever writing to it.
	ReadOnly bool
	// FS is the file system; nil stands for the operating system's.
	FS FS
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Rand is the source of file ids; nil stands for crypto/rand.Reader.
	Rand io.Reader
}

// UpdateFunc is given the newest root, and returns the one to follow it.
type UpdateFunc = func(ctx context.Context, root hash.Hash) (hash.Hash, error)

// tip is what Root needs to see that nothing is new.
type tip struct {
	journal *journal
	end     int64
	root    hash.Hash
	sealed  bool // the manifest is about to name the next journal
}

// counters are the part of Stats that only grows.
type counters struct {
	commits, appends, syncs, appendedBytes, compactions, collections, delays atomic.Int64
}

const (
	defaultCacheBytes   = 64 << 20
	defaultJournalBytes = 64 << 20
	defaultGrowth       = 100
)

// Open opens the store in dir, and creates one where dir is missing or empty.
// opts may be nil. It returns an error that wraps ErrNotStore when dir holds
// something else, ErrNewerFormat when a newer version made the store, and a
// *DamageError when its manifest is damaged. A store with other damage is
// opened read-only, see Damage.
func Open(ctx context.Context, dir string, opts *Options) (*Store, error) {
	s := newStore(dir, opts)
	err := s.open(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("nbs: open %s: %w", dir, err), s.closeFiles())
	}
	return s, nil
}

func newStore(dir string, opts *Options) *Store {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	s := &Store{dir: dir, fs: o.FS, now: o.Now, random: o.Rand, readOnly: o.ReadOnly}
	if s.fs == nil {
		s.fs = osFS{}
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	s.owner = o.Owner
	s.leadsTo, s.versions, s.growth = o.LeadsTo, o.Versions, int(orDefault(int64(o.CollectGrowth), defaultGrowth))
	s.before = o.BeforeCollect
	s.journalBytes = orDefault(o.JournalBytes, defaultJournalBytes)
	s.cache = newCache(orDefault(o.CacheBytes, defaultCacheBytes))
	s.lock = newLock(s.fs, dir, lockName)
	s.compactLock = newLock(s.fs, dir, compactLockName)
	return s
}

func orDefault(n, value int64) int64 {
	if n == 0 {
		return value
	}
	return n
}

// Close waits for the commits and compactions that run, and closes the files.
// Later calls of any method return ErrClosed.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return fmt.Errorf("nbs: close %s: %w", s.dir, ErrClosed)
	}
	s.life.Lock()
	defer s.life.Unlock()
	s.compaction.stop()
	s.indexing.stop()
	s.saveLastIndex()
	s.guards.release()
	if err := s.closeFiles(); err != nil {
		return fmt.Errorf("nbs: close %s: %w", s.dir, err)
	}
	return nil
}

func (s *Store) closeFiles() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files.Lock()
	defer s.files.Unlock()
	s.endGrace()
	if s.view == nil {
		return nil
	}
	for _, p := range s.past {
		s.retire(p.view)
	}
	s.retire(s.view)
	s.view, s.past = nil, nil
	s.holds.Store(nil)
	return s.closeRetired()
}

// usable returns why nothing can be read.
func (s *Store) usable(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// Root returns the newest root; the zero Hash when nothing was committed yet.
// Commits of this Store are seen when they are durable. Those of other
// processes are seen as soon as they are in the journal; what is built on one
// and committed makes it durable as well.
func (s *Store) Root(ctx context.Context) (hash.Hash, error) {
	if err := s.usable(ctx); err != nil {
		return hash.Hash{}, fmt.Errorf("nbs: read root: %w", err)
	}
	t := s.tip.Load()
	if !s.moved(t) {
		return t.root, nil
	}
	if err := s.refresh(); err != nil {
		return hash.Hash{}, fmt.Errorf("nbs: read root: %w", err)
	}
	return s.tip.Load().root, nil
}

// moved tells whether something may have been appended behind t. An error on
// reading counts as that: the one who reads on will meet it again.
func (s *Store) moved(t *tip) bool {
	if s.damage.Load() != nil {
		return false
	}
	buf := s.buffer(8)
	defer s.buffers.Put(buf)
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil || s.view.active != t.journal || t.sealed {
		return true
	}
	n, err := t.journal.chunks.ReadAt(*buf, t.end)
	return err != nil && !isEnd(err) || !isZero((*buf)[:n])
}

// refresh reads what other processes have appended.
func (s *Store) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil {
		return ErrClosed
	}
	if s.damage.Load() != nil {
		return nil
	}
	_, err := s.follow()
	return err
}

// Get returns the bytes of the chunk at h, which have been checked against it
// when they were read. They are shared: the caller may keep them, and must not
// modify them. The error wraps ErrNotFound when there is no such chunk, and
// *DamageError when its bytes are not what was written.
func (s *Store) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if err := s.usable(ctx); err != nil {
		return nil, fmt.Errorf("nbs: read chunk %s: %w", h, err)
	}
	if data, ok := s.cache.get(h); ok {
		return data, nil
	}
	data, err := s.read(h)
	if errors.Is(err, ErrNotFound) && s.moved(s.tip.Load()) {
		if err = s.refresh(); err == nil {
			data, err = s.read(h)
		}
	}
	if errors.Is(err, ErrNotFound) {
		data, err = s.readPast(h)
	}
	if errors.Is(err, ErrNotFound) {
		if data, ok := s.borrow(h); ok {
			return data, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("nbs: read chunk %s: %w", h, err)
	}
	s.cache.put(h, data)
	return data, nil
}

// read reads a chunk from the files of the view.
func (s *Store) read(h hash.Hash) ([]byte, error) {
	if data, ok := s.staged.get(h); ok {
		return data, nil
	}
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return nil, ErrClosed
	}
	file, e, err := s.view.find(h)
	if err != nil {
		return nil, err
	}
	if file == nil {
		return nil, s.notFound()
	}
	buf := s.buffer(int(e.length))
	defer s.buffers.Put(buf)
	return readChunk(file, e, h, *buf)
}

// notFound mentions the damage of the store, which may have taken the chunk.
func (s *Store) notFound() error {
	if d := s.damage.Load(); d != nil {
		return fmt.Errorf("%w, and the store has %w", ErrNotFound, d)
	}
	return ErrNotFound
}

// buffer returns a buffer of n bytes, to be given back to s.buffers.
func (s *Store) buffer(n int) *[]byte {
	buf, ok := s.buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	*buf = slices.Grow((*buf)[:0], n)[:n]
	return buf
}

// Has tells whether the store holds the chunk at h.
func (s *Store) Has(ctx context.Context, h hash.Hash) (bool, error) {
	if err := s.usable(ctx); err != nil {
		return false, fmt.Errorf("nbs: look up chunk %s: %w", h, err)
	}
	found, err := s.look(h)
	if err == nil && !found && s.moved(s.tip.Load()) {
		if err = s.refresh(); err == nil {
			found, err = s.look(h)
		}
	}
	if err != nil {
		return false, fmt.Errorf("nbs: look up chunk %s: %w", h, err)
	}
	return found, nil
}

func (s *Store) look(h hash.Hash) (bool, error) {
	if _, ok := s.staged.get(h); ok {
		return true, nil
	}
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return false, ErrClosed
	}
	file, _, err := s.view.find(h)
	return file != nil, err
}

// present implements backend.
func (s *Store) present(h hash.Hash) bool {
	found, err := s.look(h)
	return found && err == nil
}

// NewWriter returns a Writer of chunks for one commit after another.
func (s *Store) NewWriter() *Writer {
	epoch := s.epoch.Load() // before the Hold, which then has all that the epoch had
	w := newWriter(s, true)
	w.hold, w.epoch = s.HoldSince(), epoch
	return w
}

// Damage returns the *DamageError because of which the store is read-only, or
// nil. Damage of a single chunk does not make a store read-only; Get returns it.
func (s *Store) Damage() error {
	if d := s.damage.Load(); d != nil {
		return d
	}
	return nil
}

// Stats returns figures about the store.
func (s *Store) Stats() Stats {
	stats := Stats{
		Commits: s.count.commits.Load(), Appends: s.count.appends.Load(),
		Syncs: s.count.syncs.Load(), AppendedBytes: s.count.appendedBytes.Load(),
		Compactions: s.count.compactions.Load(), Collections: s.count.collections.Load(), Delays: s.count.delays.Load(),
	}
	s.cache.fill(&stats)
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.CompactError = s.compactError
	if s.view != nil {
		s.view.fill(&stats)
	}
	return stats
}

// Resolve returns the addresses, at most limit, that start with the given
// hexadecimal digits, in ascending order.
func (s *Store) Resolve(ctx context.Context, prefix []byte, limit int) ([]hash.Hash, error) {
	within, err := newPrefixRange(prefix)
	if err != nil {
		return nil, err
	}
	err = s.usable(ctx)
	if err == nil {
		err = s.refresh()
	}
	if err != nil {
		return nil, fmt.Errorf("nbs: resolve %q: %w", prefix, err)
	}
	s.files.RLock()
	defer s.files.RUnlock()
	if s.view == nil {
		return nil, fmt.Errorf("nbs: resolve %q: %w", prefix, ErrClosed)
	}
	found, err := s.view.within(within, limit)
	if err != nil {
		return nil, fmt.Errorf("nbs: resolve %q: %w", prefix, err)
	}
	slices.SortFunc(found, hash.Hash.Compare)
	found = slices.Compact(found)
	return found[:max(0, min(limit, len(found)))], nil
}

// lentSets is how many sets of chunks that were lent are kept.
const lentSets = 16

// Lend has Get find chunks that are not stored and will not be, until some others have
// been lent: those that a store that cannot be written is read as if it had. The map
// must not be changed any more.
func (s *Store) Lend(chunks map[hash.Hash][]byte) {
	s.lentMu.Lock()
	defer s.lentMu.Unlock()
	sets := append([]map[hash.Hash][]byte{chunks}, s.lent...)
	s.lent = sets[:min(len(sets), lentSets)]
}

// borrow returns a chunk that was lent.
func (s *Store) borrow(h hash.Hash) ([]byte, bool) {
	s.lentMu.Lock()
	defer s.lentMu.Unlock()
	for _, set := range s.lent {
		if data, ok := set[h]; ok {
			return data, true
		}
	}
	return nil, false
}
