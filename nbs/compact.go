package nbs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"slices"
	"strings"
)

// mergeTables is how many tables of about the same size are merged into one.
const mergeTables = 4

// Compact turns the journal into a table file, which is smaller and never
// changes, and merges tables of which there are many. Readers and writers of
// all processes go on meanwhile; commits wait for some milliseconds where the
// journal is exchanged. One process compacts at a time: Compact waits its turn.
//
// The store does this by itself in the background when the journal has reached
// Options.JournalBytes.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.usable(ctx); err != nil {
		return fmt.Errorf("nbs: compact: %w", err)
	}
	s.life.RLock()
	defer s.life.RUnlock()
	err := s.writable(ctx)
	if err == nil {
		err = s.compactLock.acquire(ctx)
	}
	if err == nil {
		err = errors.Join(s.compact(ctx, 1), s.compactLock.release())
	}
	if err != nil {
		return fmt.Errorf("nbs: compact: %w", err)
	}
	return nil
}

// compactLater is Compact in the background, unless another process is at it.
func (s *Store) compactLater(ctx context.Context) {
	ours, err := s.compactLock.tryAcquire()
	if ours {
		err = errors.Join(s.compactDue(ctx), s.compactLock.release())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compactError = err
	s.compactAt = 0
	if err != nil || !ours { // not at once again
		s.compactAt = s.view.active.weight() + s.journalBytes/4
	}
}

// compactDue is a compaction that has become due, or the full collection.
func (s *Store) compactDue(ctx context.Context) error {
	err := s.compact(ctx, s.journalBytes)
	if err != nil || !s.fullDue() {
		return err
	}
	if s.before != nil {
		err = s.before(ctx)
	}
	_, collectErr := s.collect(ctx, &CollectOptions{Full: true}, s.journalBytes, true)
	return errors.Join(err, collectErr)
}

// compact is Compact with the compaction lock held. A journal that weighs less
// than leastBytes stays.
func (s *Store) compact(ctx context.Context, leastBytes int64) error {
	if s.leadsTo != nil {
		_, err := s.collect(ctx, &CollectOptions{}, leastBytes, true)
		return err
	}
	if err := s.seal(ctx, leastBytes); err != nil {
		return err
	}
	for {
		j := s.oldestSealed()
		if j == nil {
			break
		}
		if err := s.compactJournal(ctx, j); err != nil {
			return err
		}
	}
	return s.tidyFiles(ctx)
}

// tidyFiles leaves few tables, and no file that is not needed.
func (s *Store) tidyFiles(ctx context.Context) error {
	if err := s.mergeTiers(ctx); err != nil {
		return err
	}
	return s.locked(ctx, s.removeUnused)
}

// locked calls f with the lock and mu held, and the view up to date.
func (s *Store) locked(ctx context.Context, f func() error) error {
	if err := s.lock.acquire(ctx); err != nil {
		return err
	}
	err := s.prepare()
	if err == nil {
		s.mu.Lock()
		if _, err = s.reload(); err == nil {
			err = f()
		}
		s.mu.Unlock()
	}
	return errors.Join(err, s.lock.release())
}

// seal ends the active journal and begins another one.
func (s *Store) seal(ctx context.Context, leastBytes int64) error {
	return s.locked(ctx, func() error {
		if s.view.active.weight()-journalHeaderBytes < leastBytes {
			return nil
		}
		return s.rollOver()
	})
}

// rollOver seals the active journal, unless a process that was killed then has
// done so already, and has the manifest name another one. The lock and mu are
// held. Nobody appends to a sealed journal, so that a crash between the two
// steps does no harm: the next writer comes here again.
func (s *Store) rollOver() error { return s.rollOverWith(func(*manifest) {}) }

// rollOverWith is rollOver that changes more in the new manifest.
func (s *Store) rollOverWith(edit func(*manifest)) error {
	old := s.view.active
	empty := old.end == journalHeaderBytes
	next, err := s.newJournalFile(old.state)
	if err != nil {
		return err
	}
	old.fold()
	if !old.sealed {
		if err := s.appendSeal(old); err != nil {
			return s.fail(err)
		}
	}
	if err := old.chunks.Sync(); err != nil {
		return s.fail(err)
	}
	s.count.syncs.Add(1)
	old.synced = old.end
	s.writeIndex(old.folded)
	m := s.manifest.next()
	last := m.active
	last.end = old.end
	if m.active = next; !empty {
		m.sealed = append(m.sealed, last)
	}
	edit(m)
	if err := writeManifest(s.fs, s.dir, m); err != nil {
		return s.fail(err)
	}
	if err := s.load(m); err != nil {
		return s.fail(err)
	}
	s.view.active.checked = true
	s.publish()
	return nil
}

func (s *Store) appendSeal(j *journal) error {
	t := terminal{state: j.state, previous: j.state.root, synced: j.synced}
	buf := j.appendTerminal(nil, kindSeal, t)
	if err := j.grow(int64(len(buf))); err != nil {
		return err
	}
	if _, err := j.chunks.WriteAt(buf, j.end); err != nil {
		return err
	}
	j.appended(kindSeal, t, j.end+int64(len(buf)), nil)
	return nil
}

// next returns a copy to be changed and written.
func (m *manifest) next() *manifest {
	return &manifest{
		store: m.store, generation: m.generation + 1, active: m.active,
		epoch: m.epoch, fullBytes: m.fullBytes,
		sealed: slices.Clone(m.sealed), tables: slices.Clone(m.tables),
	}
}

func (s *Store) oldestSealed() *journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil || len(s.view.sealed) == 0 {
		return nil
	}
	return s.view.sealed[len(s.view.sealed)-1]
}

// compactJournal replaces a sealed journal by a table.
func (s *Store) compactJournal(ctx context.Context, j *journal) error {
	all := j.index.fold()
	e, err := s.writeTable(ctx, []source{{&j.chunks, all}})
	if err != nil {
		return err
	}
	return s.locked(ctx, func() error {
		m := s.manifest.next()
		m.sealed = slices.DeleteFunc(m.sealed, func(e journalEntry) bool { return e.id == j.id })
		m.tables = append(m.tables, e)
		return s.replaceManifest(m)
	})
}

// replaceManifest makes m the manifest. The lock and mu are held.
func (s *Store) replaceManifest(m *manifest) error {
	if err := writeManifest(s.fs, s.dir, m); err != nil {
		return s.fail(err)
	}
	s.count.compactions.Add(1)
	if err := s.load(m); err != nil {
		return s.fail(err)
	}
	return nil
}

// source is a file whose chunks are to be copied into a table.
type source struct {
	file    *chunkFile
	entries run
}

// writeTable makes a table of the sources' chunks, in the order in which they
// have them.
func (s *Store) writeTable(ctx context.Context, sources []source) (tableEntry, error) {
	return s.makeTable(func(w *tableWriter) error {
		for _, from := range sources {
			if err := s.copyChunks(ctx, w, from); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeTable makes a table of what fill adds to it. The file is durable when it
// returns.
func (s *Store) makeTable(fill func(*tableWriter) error) (e tableEntry, err error) {
	id, err := newFileID(s.random)
	if err != nil {
		return e, err
	}
	path := s.path(tableEntry{id: id}.name())
	w, err := createTable(s.fs, path, id)
	if err != nil {
		return e, err
	}
	if err = fill(w); err != nil {
		err = errors.Join(err, w.file.Close())
	} else {
		e, err = w.finish()
	}
	if err == nil {
		err = s.fs.SyncDir(s.dir)
	}
	if err != nil {
		return e, errors.Join(fmt.Errorf("write table %s: %w", path, err), s.fs.Remove(path))
	}
	return e, nil
}

func (f source) inFileOrder() []entry {
	all := make([]entry, f.entries.count())
	for i := range all {
		all[i] = f.entries.at(i)
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.member, b.member))
	})
	return all
}

// mergeTiers merges tables until there are few of each size, so that a chunk
// is looked for in few places, and is copied few times over its life.
func (s *Store) mergeTiers(ctx context.Context) error {
	for {
		tables := s.tablesToMerge()
		if len(tables) == 0 {
			return nil
		}
		var sources []source
		for _, t := range tables {
			entries, err := t.all()
			if err != nil {
				return err
			}
			sources = append(sources, source{&t.chunkFile, entries})
		}
		e, err := s.writeTable(ctx, sources)
		if err != nil {
			return err
		}
		e.old = tables[0].old
		err = s.locked(ctx, func() error {
			m := s.manifest.next()
			m.replaceTables(tables, e)
			return s.replaceManifest(m)
		})
		if err != nil {
			return err
		}
	}
}

func (m *manifest) replaceTables(old []*table, e tableEntry) {
	m.tables = slices.DeleteFunc(m.tables, func(e tableEntry) bool {
		return slices.ContainsFunc(old, func(t *table) bool { return t.id == e.id })
	})
	m.tables = append(m.tables, e)
}

// tablesToMerge returns tables of one tier, oldest first. A tier spans a factor
// of mergeTables in size.
func (s *Store) tablesToMerge() []*table {
	s.mu.Lock()
	defer s.mu.Unlock()
	type kind struct {
		tier int
		old  bool
	}
	tiers := map[kind][]*table{}
	for _, t := range slices.Backward(s.view.tables) {
		tier := kind{bits.Len64(uint64(t.bytes)) / bits.Len(mergeTables-1), t.old}
		tiers[tier] = append(tiers[tier], t)
		if len(tiers[tier]) == mergeTables {
			return tiers[tier]
		}
	}
	return nil
}

// removeUnused removes the files that the manifest no longer names. Windows
// refuses that while somebody has one open; a later compaction tries again.
func (s *Store) removeUnused() error {
	used := map[string]bool{}
	for _, e := range append(slices.Clone(s.manifest.sealed), s.manifest.active) {
		used[e.name()], used[e.indexName()] = true, true
	}
	for _, e := range s.manifest.tables {
		used[e.name()] = true
	}
	found, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		name := f.Name()
		ours := strings.HasPrefix(name, journalPrefix) || strings.HasPrefix(name, tablePrefix)
		if !ours || used[name] {
			continue
		}
		if err := s.fs.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
