package nbs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// LeadsTo returns the function that says which chunks a chunk leads to, as of a
// root. byItself tells that it is for a collection that nobody has asked for, which may
// keep more.
type LeadsTo = func(ctx context.Context, c Chunks, root hash.Hash, byItself bool) (LeadsToFunc, error)

// LeadsToFunc appends to dst the addresses of the chunks that the chunk at h, whose
// bytes are data, leads to. They are kept in that order: what is read together
// should stand together.
type LeadsToFunc = func(dst []hash.Hash, h hash.Hash, data []byte) ([]hash.Hash, error)

// Chunks can be read.
type Chunks interface {
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
	Has(ctx context.Context, h hash.Hash) (bool, error)
}

// CollectOptions are what Collect can be told. The zero value is good.
type CollectOptions struct {
	// Full looks at all chunks, not only at those that were added since the last
	// collection.
	Full bool
	// Progress is called now and then, with the bytes of chunks that were copied
	// so far and of all that will be.
	Progress func(done, total int64)
}

// CollectReport tells what a collection did. Bytes are those in the files.
type CollectReport struct {
	KeptChunks    int64 // of those looked at: copied to new files
	KeptBytes     int64
	DroppedChunks int64
	DroppedBytes  int64
}

// Collect drops chunks that the root does not lead to, and stores the others
// in the order in which they are read. Readers and writers of all processes go
// on meanwhile; commits wait for some milliseconds where the journal is
// exchanged, and Collect takes twice as long beside commits as without. What somebody
// holds (see Hold) can be read as long as it is held.
//
// The store does this by itself in the background: to what is new when the
// journal has reached Options.JournalBytes, to all when the tables have grown by
// Options.CollectGrowth.
func (s *Store) Collect(ctx context.Context, o *CollectOptions) (CollectReport, error) {
	if o == nil {
		o = &CollectOptions{}
	}
	report, err := s.collectNow(ctx, o)
	if err != nil {
		err = fmt.Errorf("nbs: collect: %w", err)
	}
	return report, err
}

func (s *Store) collectNow(ctx context.Context, o *CollectOptions) (r CollectReport, err error) {
	if err := s.usable(ctx); err != nil {
		return r, err
	}
	s.life.RLock()
	defer s.life.RUnlock()
	if err := s.writable(ctx); err != nil {
		return r, err
	}
	if s.leadsTo == nil {
		return r, errors.New("the store was opened without Options.LeadsTo")
	}
	if err := s.compactLock.acquire(ctx); err != nil {
		return r, err
	}
	r, err = s.collect(ctx, o, 1, false)
	return r, errors.Join(err, s.compactLock.release())
}

// collection is one run of the collector. It looks at some files, copies from
// them what is live, and drops them.
//
// Chunks are added while it runs. Those are in journals that stay, and may lead
// to chunks that nothing has led to before: a Writer does not write what is
// there. So all that the chunks in these journals lead to is live, too; the
// last of it is found with the lock held, when nobody adds any.
type collection struct {
	*CollectOptions
	*yielder
	byItself bool
	store    *Store
	leads    LeadsToFunc
	files    []*collected // what is looked at
	stays    []*staying   // journals that stay
	live     []planned    // what is to be copied, in this order
	versions *versions    // of what is found before the first copy; nil: not told of
	copied   int          // of live
	bytes    int64        // of live
	done     int64        // of bytes
	made     []tableEntry
	stack    []hash.Hash
}

// collected is a file that is collected.
type collected struct {
	source
	live []uint64 // a bit for each entry
}

// staying is a journal that is not collected.
type staying struct {
	journal *journal
	seen    int64 // chunks before this offset have been looked at
}

// planned is a live chunk: its file and the place in the file's index.
type planned struct{ file, at int32 }

// collect collects with the compaction lock held. The journal is part of it if
// it weighs at least leastBytes.
func (s *Store) collect(ctx context.Context, o *CollectOptions, leastBytes int64, byItself bool) (CollectReport, error) {
	c := &collection{CollectOptions: o, byItself: byItself, store: s}
	root, err := c.begin(ctx, leastBytes)
	if err == nil && len(c.files) > 0 {
		if err = c.run(ctx, root); err != nil {
			c.abandon()
		}
	}
	if err == nil {
		err = s.tidyFiles(ctx)
	}
	if err != nil {
		return CollectReport{}, err
	}
	return c.report(), nil
}

// begin exchanges the journal, and chooses the files to be collected.
func (c *collection) begin(ctx context.Context, leastBytes int64) (root hash.Hash, err error) {
	s := c.store
	var chosen []func() (source, error)
	err = s.locked(ctx, func() error {
		if s.view.active.weight()-journalHeaderBytes >= leastBytes {
			if err := s.rollOver(); err != nil {
				return err
			}
		}
		spilled, err := s.oldestSpill()
		if err != nil {
			return err
		}
		root = s.view.active.state.root
		chosen = c.choose(spilled)
		return nil
	})
	if err != nil {
		return root, err
	}
	for _, read := range chosen {
		from, err := read()
		if err != nil {
			return root, err
		}
		c.files = append(c.files, &collected{from, make([]uint64, (from.entries.count()+63)/64)})
	}
	return root, nil
}

// choose tells which files stay and returns those that do not. Chunks that a
// Writer has appended ahead of its commit stay: they are in the journals that were
// in use since the root of sequence spilled. mu is held.
func (c *collection) choose(spilled uint64) (chosen []func() (source, error)) {
	v := c.store.view
	c.stays = append(c.stays, &staying{journal: v.active})
	for _, j := range v.sealed {
		if j.state.sequence >= spilled {
			c.stays = append(c.stays, &staying{journal: j})
			continue
		}
		chosen = append(chosen, func() (source, error) { return source{&j.chunks, j.index.fold()}, nil })
	}
	for _, t := range v.tables {
		if !t.old && spilled != noSpill {
			return nil // its chunks may be of the one who spills
		}
		if !t.old || c.Full {
			chosen = append(chosen, func() (source, error) {
				entries, err := t.all()
				return source{&t.chunkFile, entries}, err
			})
		}
	}
	return chosen
}

// run copies what is live, and has the manifest name the copies instead.
func (c *collection) run(ctx context.Context, root hash.Hash) error {
	s := c.store
	hold := s.Hold()
	defer runtime.KeepAlive(hold)
	c.yielder = s.newYielder()
	c.versions = newVersions(c)
	if err := c.mark(ctx, root); err != nil {
		return err
	}
	if err := c.copy(ctx); err != nil {
		return err
	}
	for range catchUps {
		if err := s.refresh(); err != nil {
			return err
		}
		if err := c.catchUp(ctx); err != nil {
			return err
		}
	}
	return c.finish(ctx)
}

// catchUps is how often the collector looks for what has been added meanwhile,
// before it does so with the lock held and little left to see.
const catchUps = 3

// catchUp copies what the chunks lead to that have been added since the last time.
func (c *collection) catchUp(ctx context.Context) error {
	for _, j := range c.stays {
		if err := c.markFrom(ctx, j); err != nil {
			return err
		}
	}
	return c.copy(ctx)
}

// finish is the last step, with the lock held.
func (c *collection) finish(ctx context.Context) error {
	s := c.store
	if err := s.lock.acquire(ctx); err != nil {
		return err
	}
	c.holds = true
	err := s.prepare()
	if err == nil {
		err = c.mark(ctx, s.newestRoot())
	}
	if err == nil {
		err = c.catchUp(ctx)
	}
	if err == nil {
		err = c.exchange()
	}
	return errors.Join(err, s.lock.release())
}

// exchange has the manifest name the new files. The journal is exchanged, too, so
// that the other processes read the manifest before they append.
func (c *collection) exchange() error {
	s := c.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.rollOverWith(c.edit); err != nil {
		return err
	}
	s.count.collections.Add(1)
	s.count.compactions.Add(1)
	return nil
}

// newestRoot returns the root that the next commit follows. The lock is held.
func (s *Store) newestRoot() hash.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.active.state.root
}

// edit changes the manifest.
func (c *collection) edit(m *manifest) {
	gone := func(name string) bool {
		return slices.ContainsFunc(c.files, func(f *collected) bool { return f.file.path == c.store.path(name) })
	}
	m.sealed = slices.DeleteFunc(m.sealed, func(e journalEntry) bool { return gone(e.name()) })
	m.tables = slices.DeleteFunc(m.tables, func(e tableEntry) bool { return gone(e.name()) })
	m.tables = append(m.tables, c.made...)
	m.epoch++
	if c.Full {
		m.fullBytes = m.tableBytes()
	}
}

func (m *manifest) tableBytes() int64 {
	var n int64
	for _, e := range m.tables {
		n += e.bytes
	}
	return n
}

// abandon removes the tables that have been made for nothing, unless a manifest that
// names them may have been written. What stays is removed by the next compaction.
func (c *collection) abandon() {
	s := c.store
	s.mu.Lock()
	failed := s.failed
	s.mu.Unlock()
	for _, e := range c.made {
		if failed == nil {
			_ = s.fs.Remove(s.path(e.name()))
		}
	}
}

func (c *collection) report() CollectReport {
	r := CollectReport{KeptChunks: int64(len(c.live)), KeptBytes: c.bytes}
	for _, f := range c.files {
		r.DroppedChunks += int64(f.entries.count())
		for i := range f.entries.count() {
			r.DroppedBytes += f.entries.at(i).bytes()
		}
	}
	r.DroppedChunks -= r.KeptChunks
	r.DroppedBytes -= r.KeptBytes
	return r
}

// fullDue tells whether the tables have grown enough for a full collection.
func (s *Store) fullDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leadsTo == nil || s.growth < 0 || s.view == nil {
		return false
	}
	least := max(s.manifest.fullBytes, s.journalBytes)
	return s.manifest.tableBytes() > least+least/100*int64(s.growth)
}

// Collect does nothing: what is in memory ends with the process.
func (m *Memory) Collect(ctx context.Context, _ *CollectOptions) (CollectReport, error) {
	return CollectReport{}, m.Compact(ctx)
}
