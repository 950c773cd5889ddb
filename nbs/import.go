package nbs

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/vdbgo/vdb/hash"
)

// importTableBytes is how much an Import holds in memory before it begins a
// table file.
const importTableBytes = 8 << 20

// A table that is being written is called so: a compaction removes tables that the
// manifest does not name. Beside it is a file whose lock tells that it is wanted.
const (
	importPrefix     = "import-"
	importLockSuffix = ".lock"
)

// Import takes in chunks of another store, in the form in which they were stored
// there. A few become part of a commit as any other's do; many go into a
// table file at once, and never through the journal. It is not safe for concurrent
// use.
//
//	im := s.NewImport()
//	defer im.Discard()
//	err := im.Add(ctx, stored, data) // for each
//	release, err := im.Settle(ctx)
//	err = s.Commit(ctx, im.Writer(), update)
//	err = release()
type Import struct {
	store *Store // nil if in memory
	w     *Writer
	table *tableWriter
	path  string                 // of table, until it is settled
	guard io.Closer              // the lock that tells that path is being written
	in    map[hash.Hash]struct{} // what is in table, which nobody can read yet
	bytes int64
	// failed is the error of an Add: what is in table is not whole.
	failed error

	compressor tableCompressor
}

// NewImport returns an Import into the store.
func (s *Store) NewImport() *Import { return &Import{store: s, w: s.NewWriter()} }

// NewImport returns an Import into the store.
func (m *Memory) NewImport() *Import { return &Import{w: m.NewWriter()} }

// Writer returns the Writer to be committed after Settle.
func (im *Import) Writer() *Writer { return im.w }

// Bytes is the size of what was added since the last Settle, as it is stored.
func (im *Import) Bytes() int64 { return im.bytes }

// Has tells whether the chunk at h was added, or is in the store.
func (im *Import) Has(ctx context.Context, h hash.Hash) (bool, error) {
	if im.Added(h) {
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return im.w.store.present(h), nil
}

// Added tells whether the chunk at h was added since the last Settle.
func (im *Import) Added(h hash.Hash) bool {
	if _, ok := im.in[h]; ok {
		return true
	}
	_, ok := im.w.find(h)
	return ok
}

// Add takes in a chunk that was compared with its address: data is what c.Data has
// returned. It keeps neither.
func (im *Import) Add(ctx context.Context, c Stored, data []byte) error {
	if im.Added(c.Hash) || im.w.store.present(c.Hash) {
		return nil
	}
	if im.failed == nil {
		im.failed = im.add(ctx, c, data)
	}
	if err := im.failed; err != nil {
		return fmt.Errorf("nbs: import chunk %s: %w", c.Hash, err)
	}
	im.bytes += int64(len(c.Payload))
	return nil
}

func (im *Import) add(ctx context.Context, c Stored, data []byte) error {
	if im.table != nil {
		return im.addToTable(c, data)
	}
	im.w.add(im.journalForm(c, data))
	switch {
	case im.w.bytes < importTableBytes:
		return nil
	case im.store == nil:
		return im.w.spill(ctx)
	}
	return im.beginTable()
}

// journalForm is how a chunk stands in a journal: no sector of it may read as
// zeros.
func (im *Import) journalForm(c Stored, data []byte) chunk {
	made := chunk{address: c.Hash, data: bytes.Clone(data), stored: bytes.Clone(c.Payload), codec: codec(c.Codec)}
	if made.codec == codecRaw || made.codec != codecMasked && hasZeros(c.Payload, maxZeros) {
		made.stored, made.codec = im.w.encoder.encode(c.Hash, made.data)
	}
	return made
}

// beginTable moves what is in memory to a new table file.
func (im *Import) beginTable() error {
	s := im.store
	if err := s.writable(context.Background()); err != nil {
		return err
	}
	id, err := newFileID(s.random)
	if err != nil {
		return err
	}
	if err := s.removeStaleImports(); err != nil {
		return err
	}
	im.path = s.path(importPrefix + hex.EncodeToString(id[:]))
	if im.guard, err = s.fs.TryLock(im.path + importLockSuffix); err != nil {
		return err
	}
	if im.table, err = createTable(s.fs, im.path, id); err != nil {
		return errors.Join(err, im.unguard())
	}
	im.in = make(map[hash.Hash]struct{}, len(im.w.pending))
	for _, c := range im.w.pending {
		if err := im.addToTable(Stored{Hash: c.address, Codec: byte(c.codec), Payload: c.stored}, c.data); err != nil {
			return err
		}
	}
	im.w.Discard()
	return nil
}

// unguard removes the lock of the table's file.
func (im *Import) unguard() error {
	if im.guard == nil {
		return nil
	}
	err := im.store.fs.Remove(im.path + importLockSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // somebody saw it before it was locked
	}
	err = errors.Join(err, im.guard.Close())
	im.guard = nil
	return err
}

// removeStaleImports removes what processes have left that were killed.
func (s *Store) removeStaleImports() error {
	found, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		name, isLock := strings.CutSuffix(f.Name(), importLockSuffix)
		if !isLock || !strings.HasPrefix(name, importPrefix) {
			continue
		}
		held, err := s.fs.TryLock(s.path(f.Name()))
		if err != nil {
			return err
		}
		if held == nil {
			continue // somebody writes it
		}
		if err = s.fs.Remove(s.path(name)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err := errors.Join(err, s.fs.Remove(s.path(f.Name())), held.Close()); err != nil {
			return err
		}
	}
	return nil
}

// addToTable packs a chunk as tables do, if it comes from a journal.
func (im *Import) addToTable(c Stored, data []byte) error {
	k, payload := codec(c.Codec), c.Payload
	if !k.packed() {
		k, payload = im.compressor.compress(data)
	}
	im.in[c.Hash] = struct{}{}
	return im.table.add(c.Hash, k, payload)
}

// Settle makes durable and readable what was added. Until release is called the
// store is not compacted and nothing is collected, so that a commit in between can
// make a root lead to it. After an Add that failed nothing is settled.
func (im *Import) Settle(ctx context.Context) (release func() error, err error) {
	if im.failed != nil {
		return nil, fmt.Errorf("nbs: import: %w", im.failed)
	}
	if im.store == nil {
		return func() error { return nil }, ctx.Err()
	}
	s := im.store
	if err := s.compactLock.acquire(ctx); err != nil {
		return nil, fmt.Errorf("nbs: import: %w", err)
	}
	if err := im.settle(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("nbs: import: %w", err), s.compactLock.release())
	}
	return s.compactLock.release, nil
}

func (im *Import) settle(ctx context.Context) error {
	im.bytes = 0
	if im.table == nil {
		return nil
	}
	s, w := im.store, im.table
	im.table, im.in = nil, nil
	e, err := w.finish()
	if err == nil {
		err = s.fs.Rename(im.path, s.path(e.name()))
	}
	if err == nil {
		err = errors.Join(im.unguard(), s.fs.SyncDir(s.dir))
	}
	if err == nil {
		// The journal is exchanged, too, so that the other processes read the manifest
		// before they see a root that leads to the table.
		err = s.locked(ctx, func() error {
			return s.rollOverWith(func(m *manifest) { m.tables = append(m.tables, e) })
		})
	}
	if err == nil {
		err = s.reviveTable(ctx, im.w, e.id)
	}
	return errors.Join(err, im.unguard()) // what is left of the file is removed by others
}

// Discard gives up what was added and not settled.
func (im *Import) Discard() error {
	im.w.Discard()
	if im.table == nil {
		return nil
	}
	w := im.table
	im.table, im.in = nil, nil
	if err := errors.Join(w.file.Close(), im.store.fs.Remove(im.path), im.unguard()); err != nil {
		return fmt.Errorf("nbs: discard import: %w", err)
	}
	return nil
}
