package nbs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// settle reads the journal up to its end, and finds out whether it has a torn
// or damaged append there.
func (s *Store) settle(ctx context.Context) error {
	what, err := s.readTail()
	if err != nil || what == tailClean {
		return err
	}
	// Another process may be about to write what looks bad. With the lock held
	// none is.
	err = s.lock.acquire(ctx)
	unlocked := s.readOnly && errors.Is(err, fs.ErrPermission)
	if err != nil && !unlocked {
		return err
	}
	_, err = s.readTail()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		_, err = s.judgeTail()
	}
	if unlocked {
		return err
	}
	return errors.Join(err, s.lock.release())
}

// readTail follows the journal and looks at what is behind the last append.
func (s *Store) readTail() (verdict, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tail, err := s.follow()
	if err != nil {
		return tailClean, err
	}
	what, _, err := s.view.active.inspect(tail)
	if what == tailClean && err == nil {
		s.view.active.checked = true
	}
	return what, err
}

// judgeTail decides, with the lock and mu held, what is behind the last append.
// It returns what is to be cut. Damage makes the store read-only.
func (s *Store) judgeTail() (torn []byte, err error) {
	tail, err := s.follow()
	if err != nil || s.damage.Load() != nil {
		return nil, err
	}
	j := s.view.active
	what, rest, err := j.inspect(tail)
	if err != nil || what == tailTorn {
		return rest, err
	}
	if what == tailDamaged {
		s.setDamage(j.damageAt(tail))
		j.salvage(rest)
		s.publish()
	}
	return nil, nil
}

// follow reads what was appended to the journal, and goes on to the next one
// where it is sealed. mu is held.
func (s *Store) follow() (*tailError, error) {
	for {
		var tail *tailError
		err := s.view.active.follow()
		if errors.As(err, &tail) {
			err = nil
		}
		if err != nil {
			return nil, err
		}
		changed := false
		if s.view.active.sealed {
			if changed, err = s.reload(); err != nil {
				return nil, err
			}
		}
		if !changed {
			s.publish()
			return tail, nil
		}
	}
}

// reload takes over the newest manifest. A file that it names may be gone
// again, as another process went on; then there is a newer manifest. mu is held.
func (s *Store) reload() (changed bool, err error) {
	for tried := uint64(0); ; {
		m, err := readManifest(s.fs, s.dir)
		if err != nil {
			return false, err
		}
		if s.manifest != nil && m.generation == s.manifest.generation {
			return false, nil
		}
		err = s.load(m)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
		if m.generation == tried {
			return false, &DamageError{File: s.path(manifestName), Reason: fmt.Sprintf("manifest names a file that is missing: %v", err)}
		}
		tried = m.generation
	}
}

// publish makes the newest root visible. mu is held.
func (s *Store) publish() {
	if s.syncing {
		return
	}
	j := s.view.active
	if t := s.tip.Load(); t == nil || t.journal != j || t.end != j.end || t.root != j.state.root {
		s.tip.Store(&tip{j, j.end, j.state.root, j.sealed})
	}
}
