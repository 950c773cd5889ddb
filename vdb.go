package vdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// DB is an open database. It may be used by many goroutines at once, and the
// same directory by many processes.
type DB struct {
	path    string
	blocks  blocks
	now     func() time.Time
	layouts *sync.Map // schema address → *layout
	moved   notifier
	turns   *turns
	remotes *remote.Options
	// readOnly says that it was opened so.
	readOnly bool
	settling *settling
}

// blocks is what a DB needs of a block store: *nbs.Store and *nbs.Memory have it.
type blocks interface {
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
	Has(ctx context.Context, h hash.Hash) (bool, error)
	Root(ctx context.Context) (hash.Hash, error)
	NewWriter() *nbs.Writer
	NewImport() *nbs.Import
	Stored(ctx context.Context, h hash.Hash) (nbs.Stored, error)
	StoredAll(ctx context.Context, hashes []hash.Hash) ([]nbs.Stored, error)
	Commit(ctx context.Context, w *nbs.Writer, update nbs.UpdateFunc) error
	CommitUnsynced(ctx context.Context, w *nbs.Writer, update nbs.UpdateFunc) error
	Lend(chunks map[hash.Hash][]byte)
	Resolve(ctx context.Context, prefix []byte, limit int) ([]hash.Hash, error)
	Compact(ctx context.Context) error
	Collect(ctx context.Context, o *nbs.CollectOptions) (nbs.CollectReport, error)
	Hold() *nbs.Hold
	HoldSince() *nbs.Hold
	HoldRoot(ctx context.Context) (hash.Hash, *nbs.Hold, error)
	Check(ctx context.Context, progress func(done, total int64)) iter.Seq2[*nbs.DamageError, error]
	Damage() error
	Owner() any
	Stats() nbs.Stats
	StoredBytes(ctx context.Context, h hash.Hash) (int64, error)
	Close() error
}

// Options of Open. The zero value is what most programs want.
type Options struct {
	// CacheBytes is the budget for decoded chunks in memory; 0 is 64 MiB.
	CacheBytes int64
	// CollectGrowth is by how many percent the database may grow after a full
	// collection before the next one starts by itself; 0 is 100, and with a negative
	// number only Collect starts it.
	CollectGrowth int
	// ReadOnly refuses all writes and does not create a database.
	ReadOnly bool
	// FS is the file system; nil is the operating system's.
	FS nbs.FS
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Remotes says how other databases are reached; nil is by their directories and
	// by HTTP.
	Remotes *remote.Options
}

// MainBranch is the branch that a new database has.
const MainBranch = "main"

// Memory is a path that names a new database in memory: Open(ctx, vdb.Memory, nil).
const Memory = ":memory:"

// Open opens the database in the directory path, and creates it where there is
// none. A nil opts is fine. ErrNotDatabase if the directory holds something else,
// ErrNewerFormat if a newer version of this module has written it.
//
// A store that has been damaged opens read-only: Damage says what was found and
// where, every write fails with that error, and a read that meets damage fails
// instead of returning anything that was not written.
func Open(ctx context.Context, path string, opts *Options) (*DB, error) {
	db, err := openStore(ctx, path, opts)
	if err != nil {
		return nil, opError("open "+path, err)
	}
	if err := db.initialize(ctx); err != nil {
		db.blocks.Close()
		return nil, opError("open "+path, err)
	}
	return db, nil
}

// openStore opens a database that may have no branch yet.
func openStore(ctx context.Context, path string, opts *Options) (*DB, error) {
	if opts == nil {
		opts = &Options{}
	}
	db := &DB{path: path, now: opts.Now, layouts: new(sync.Map), turns: newTurns(), remotes: opts.Remotes, readOnly: opts.ReadOnly, settling: newSettling()}
	if db.now == nil {
		db.now = time.Now
	}
	var err error
	if path == Memory {
		m := nbs.NewMemory()
		m.SetOwner(new(newestGrafts))
		db.blocks = m
	} else {
		db.blocks, err = nbs.Open(ctx, path, &nbs.Options{
			CacheBytes: opts.CacheBytes, ReadOnly: opts.ReadOnly, FS: opts.FS, Now: opts.Now,
			Owner: new(newestGrafts), LeadsTo: db.leadsTo, Versions: versions, CollectGrowth: opts.CollectGrowth,
			BeforeCollect: db.retainByItself,
		})
	}
	return db, err
}

// initialize gives a new store its first commit and branch.
func (db *DB) initialize(ctx context.Context) error {
	root, err := db.blocks.Root(ctx)
	if err != nil {
		return err
	}
	if !root.IsZero() {
		r, err := patchedRefs(ctx, db.reader(), root)
		if err != nil {
			return err
		}
		if whole, err := r.hasBranches(ctx); whole || err != nil {
			return err
		}
		return fmt.Errorf("it is a clone or a recovery that was cut; clone again to go on: %w", ErrNotDatabase)
	}
	return db.update(ctx, db.blocks.NewWriter(), func(ctx context.Context, r *refs) error {
		if !r.isNew() {
			return nil
		}
		first, err := db.storeCommit(ctx, r.store, commitDraft{message: Message{Author: systemAuthor, Text: "Create database"}})
		if err != nil {
			return err
		}
		return r.setBranch(ctx, MainBranch, branchState{head: first.Hash})
	})
}

// Close releases the database. Transactions, snapshots and iterators must have
// ended; later calls fail with ErrClosed.
func (db *DB) Close() error {
	db.endSettling()
	db.moved.broadcast()
	return opError("close "+db.path, db.blocks.Close())
}

// Path returns the directory that was opened.
func (db *DB) Path() string { return db.path }

// Damage returns what is wrong with the store, because of which it is read-only,
// with a *DamageError in its chain; nil if it is whole.
func (db *DB) Damage() error { return opError("damaged store "+db.path, db.blocks.Damage()) }

// Stats returns the sizes and counters of the block store.
func (db *DB) Stats() nbs.Stats { return db.blocks.Stats() }

// Compact moves the journal's chunks into table files, but for those that are garbage
// by now and that the reflog does not name either. It runs beside readers and writers and also happens by itself.
func (db *DB) Compact(ctx context.Context) error {
	return opError("compact", db.blocks.Compact(ctx))
}

// update commits what fn does to the refs, with the chunks that w holds, in one
// durable append. fn sees the newest refs and may run on another goroutine
// while the caller waits.
func (db *DB) update(ctx context.Context, w *nbs.Writer, fn func(context.Context, *refs) error) error {
	var r *refs
	err := db.blocks.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (_ hash.Hash, err error) {
		if r, err = db.settledRefs(ctx, w, root, nil); err != nil {
			return hash.Hash{}, err
		}
		if err := fn(context.WithValue(ctx, updating{}, true), r); err != nil {
			return hash.Hash{}, err
		}
		if err := r.log.write(ctx, r.store, db.now()); err != nil {
			return hash.Hash{}, err
		}
		return r.save(ctx)
	})
	if err == nil {
		db.settling.know(r.settled)
		db.moved.broadcast()
	}
	return err
}

// updating marks the contexts of functions that run in an update, in which nothing else
// can be committed.
type updating struct{}

// refs returns the newest refs, those of other processes' commits included.
func (db *DB) refs(ctx context.Context) (*refs, error) {
	root, held, err := db.blocks.HoldRoot(ctx)
	if err != nil {
		return nil, err
	}
	r, err := loadRefs(ctx, readOnlyStore{db.blocks, held}, root)
	if !errors.Is(err, errPatched) {
		return r, err
	}
	if !db.readOnly && ctx.Value(updating{}) == nil {
		r, err = db.settle(ctx, db.blocks.CommitUnsynced)
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrClosed) {
		return r, err
	}
	return db.settleInMemory(ctx, root, held) // nothing can be written, or there is no room
}

// layout returns the layout of the schema at h.
func (db *DB) layout(ctx context.Context, s prolly.Store, h hash.Hash) (*layout, error) {
	if l, ok := db.layouts.Load(h); ok {
		return l.(*layout), nil
	}
	data, err := s.Get(ctx, h)
	if err != nil {
		return nil, err
	}
	schema, err := decodeSchema(data)
	if err != nil {
		return nil, err
	}
	l, err := newLayout(schema)
	if err != nil {
		return nil, err
	}
	db.layouts.Store(h, l)
	return l, nil
}

// readOnlyStore reads chunks and refuses to write any. What there is now can be read
// as long as something refers to the hold.
type readOnlyStore struct {
	blocks
	held *nbs.Hold
}

// reader returns a store to read from.
func (db *DB) reader() readOnlyStore { return readOnlyStore{db.blocks, db.blocks.Hold()} }

// Put refuses: a snapshot writes nothing.
func (readOnlyStore) Put(context.Context, []byte) (hash.Hash, error) {
	return hash.Hash{}, fmt.Errorf("write a chunk: %w", ErrReadOnly)
}

// notifier wakes those who wait for the refs to move.
type notifier struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that is closed at the next broadcast.
func (n *notifier) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

func (n *notifier) broadcast() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}
