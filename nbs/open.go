package nbs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// open reads the manifest, opens the files it names, and reads on from where
// the journal's index ends.
func (s *Store) open(ctx context.Context) error {
	_, err := readManifest(s.fs, s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = s.create(ctx)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	_, err = s.reload()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.settle(ctx)
}

// create makes a store where there is none.
func (s *Store) create(ctx context.Context) error {
	if s.readOnly {
		return fmt.Errorf("%w, and none can be made: %w", ErrNotStore, ErrReadOnly)
	}
	if _, err := s.leftovers(); errors.Is(err, ErrNotStore) {
		if _, e := readManifest(s.fs, s.dir); !errors.Is(e, fs.ErrNotExist) {
			return e // another process has just made a store
		}
		return err
	}
	if err := s.fs.MkdirAll(s.dir, 0o777); err != nil {
		return err
	}
	if err := s.lock.acquire(ctx); err != nil {
		return err
	}
	_, err := readManifest(s.fs, s.dir) // another process may have been faster
	if errors.Is(err, fs.ErrNotExist) {
		err = s.createLocked()
	}
	return errors.Join(err, s.lock.release())
}

func (s *Store) createLocked() error {
	leftovers, err := s.leftovers()
	if err != nil {
		return err
	}
	for _, name := range leftovers {
		if err := s.fs.Remove(filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	id, err := newFileID(s.random)
	if err != nil {
		return err
	}
	e, err := s.newJournalFile(rootState{})
	if err != nil {
		return err
	}
	m := &manifest{store: id, generation: 1, active: e}
	if err := writeManifest(s.fs, s.dir, m); err != nil {
		return err
	}
	return s.fs.SyncDir(filepath.Dir(filepath.Clean(s.dir)))
}

// newJournalFile makes a journal file that continues from state.
func (s *Store) newJournalFile(state rootState) (journalEntry, error) {
	id, err := newFileID(s.random)
	if err != nil {
		return journalEntry{}, err
	}
	e := journalEntry{id: id, sequence: state.sequence, root: state.root}
	j, err := createJournal(s.fs, s.path(e.name()), e)
	if err != nil {
		return journalEntry{}, err
	}
	return e, errors.Join(j.chunks.Close(), s.fs.SyncDir(s.dir))
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

// leftovers returns what a process has left in the directory that was killed
// while it made the store. Anything else there is an error.
func (s *Store) leftovers() ([]string, error) {
	found, err := s.fs.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range found {
		switch name := f.Name(); {
		case name == lockName || name == compactLockName:
		case name == manifestName+".new":
			names = append(names, name)
		case strings.HasPrefix(name, journalPrefix):
			if err := s.checkUnused(name); err != nil {
				return nil, err
			}
			names = append(names, name)
		default:
			return nil, fmt.Errorf("%w: it holds %q and no manifest", ErrNotStore, name)
		}
	}
	return names, nil
}

// checkUnused checks that a journal which no manifest names holds nothing.
func (s *Store) checkUnused(name string) error {
	f, err := s.fs.OpenFile(s.path(name), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	j := newJournal(s.path(name), journalEntry{}, f)
	rest, err := j.readRest()
	if err == nil && len(rest) > 0 {
		err = &DamageError{File: s.path(manifestName), Reason: "manifest is missing, and " + name + " is not empty"}
	}
	return errors.Join(err, f.Close())
}

// load makes the view of a manifest. mu is held.
func (s *Store) load(m *manifest) error {
	v, err := s.openView(m)
	if err != nil {
		return err
	}
	s.files.Lock()
	defer s.files.Unlock()
	s.replaceView(v)
	s.manifest = m
	s.epoch.Store(m.epoch)
	return nil
}

// openView opens the files that m names and that are not open yet.
func (s *Store) openView(m *manifest) (v *view, err error) {
	v = &view{}
	var opened []File
	defer func() {
		if err != nil {
			for _, f := range opened {
				err = errors.Join(err, f.Close())
			}
		}
	}()
	for _, e := range slices.Concat(m.sealed, []journalEntry{m.active}) {
		j := s.openedJournal(e.id)
		if j == nil {
			if j, err = s.openJournal(e); err != nil {
				return nil, err
			}
			opened = append(opened, j.chunks.File)
		}
		v.sealed = append(v.sealed, j)
	}
	slices.Reverse(v.sealed)
	v.active, v.sealed = v.sealed[0], v.sealed[1:]
	for _, e := range m.tables {
		t := s.openedTable(e.id)
		if t == nil {
			if t, err = s.openTable(e); err != nil {
				return nil, err
			}
			opened = append(opened, t.File)
		}
		v.tables = append(v.tables, t)
	}
	slices.Reverse(v.tables)
	return v, nil
}

func (s *Store) openedTable(id fileID) *table {
	if s.view == nil {
		return nil
	}
	for _, t := range s.view.tables {
		if t.id == id {
			return t
		}
	}
	return nil
}

func (s *Store) openTable(e tableEntry) (*table, error) {
	t, damage, err := openTable(s.fs, s.path(e.name()), e)
	if damage != nil {
		s.setDamage(damage)
	}
	return t, err
}

func (s *Store) openedJournal(id fileID) *journal {
	if s.view == nil {
		return nil
	}
	for _, j := range s.view.journals() {
		if j.id == id {
			return j
		}
	}
	return nil
}

// openJournal opens a journal and takes over its index.
func (s *Store) openJournal(e journalEntry) (*journal, error) {
	flag := os.O_RDWR
	if s.readOnly || e.end > 0 {
		flag = os.O_RDONLY
	}
	j, damage, err := openJournal(s.fs, s.path(e.name()), e, flag)
	if err != nil {
		return nil, err
	}
	if damage != nil {
		s.setDamage(damage)
	}
	if err = s.loadIndex(j, e); err == nil && e.end > 0 {
		err = s.readSealed(j, e)
	}
	if err != nil {
		return nil, errors.Join(err, j.chunks.Close())
	}
	return j, nil
}

// loadIndex takes over the index file of a journal, if there is a sound one.
func (s *Store) loadIndex(j *journal, e journalEntry) error {
	buf, err := readFile(s.fs, s.path(e.indexName()), indexMaxBytes)
	if err != nil {
		return nil // it is a hint
	}
	f, err := decodeIndexFile(buf)
	if err != nil || f.journal != j.id || f.state.sequence < e.sequence {
		return nil
	}
	size, err := j.chunks.Size()
	if err != nil {
		return err
	}
	if f.end > size {
		s.setDamage(&DamageError{File: j.chunks.path, Offset: size, Reason: fmt.Sprintf("file ends here, %d bytes were durable", f.end)})
		return nil
	}
	j.index.run, j.state, j.folded = f.run, f.state, f
	j.end, j.synced, j.saved = f.end, f.end, f.end
	j.size = size
	return nil
}

// readSealed reads what the index of a sealed journal does not tell. All of it
// was durable before it was sealed.
func (s *Store) readSealed(j *journal, e journalEntry) error {
	var tail *tailError
	err := j.follow()
	if err != nil && !errors.As(err, &tail) {
		return err
	}
	if j.end == e.end && tail == nil {
		j.sealed = true
		return nil
	}
	s.setDamage(j.damageAt(tail))
	rest, err := j.readRest()
	j.salvage(rest)
	return err
}

// setDamage makes the store read-only. The first damage is the one to report.
func (s *Store) setDamage(d *DamageError) { s.damage.CompareAndSwap(nil, d) }
