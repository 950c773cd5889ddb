package nbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/vdbgo/vdb/hash"
)

// mark finds what the root leads to.
func (c *collection) mark(ctx context.Context, root hash.Hash) error {
	if root.IsZero() {
		return nil
	}
	var err error
	if c.leads, err = c.store.leadsTo(ctx, c.store, root, c.byItself); err != nil {
		return err
	}
	return c.follow(ctx, root)
}

// markFrom finds what the chunks lead to that have come to a journal.
func (c *collection) markFrom(ctx context.Context, j *staying) error {
	entries := j.journal.index.fold()
	end := j.seen
	for i := range entries.count() {
		e := entries.at(i)
		if e.offset < j.seen {
			continue
		}
		end = max(end, e.offset+int64(e.length))
		if err := c.followChunk(ctx, &j.journal.chunks, e); err != nil {
			return err
		}
	}
	j.seen = end
	return nil
}

// followChunk finds what a chunk leads to.
func (c *collection) followChunk(ctx context.Context, file *chunkFile, e entry) error {
	buf := c.store.buffer(int(e.length))
	defer c.store.buffers.Put(buf)
	data, err := readChunk(file, e.extent, e.address, *buf)
	if err != nil {
		return err
	}
	leads, err := c.leads(nil, e.address, data)
	if err != nil {
		return fmt.Errorf("chunk %s: %w", e.address, err)
	}
	return c.follow(ctx, leads...)
}

// follow adds chunks to those that are live, and what they lead to, depth first in
// the order that leads gives. It does not look below a chunk that is not
// in a file that is collected: what that leads to is in files like it, or is
// found by markFrom.
func (c *collection) follow(ctx context.Context, roots ...hash.Hash) error {
	c.stack = append(c.stack[:0], roots...)
	reverse(c.stack)
	var leads []hash.Hash
	for len(c.stack) > 0 {
		h := c.stack[len(c.stack)-1]
		c.stack = c.stack[:len(c.stack)-1]
		file, e, err := c.visit(h)
		if err != nil {
			return err
		}
		if file == nil {
			continue
		}
		if err := c.pause(ctx); err != nil {
			return err
		}
		buf := c.store.buffer(int(e.length))
		data, err := readChunk(file, e, h, *buf)
		c.store.buffers.Put(buf)
		if err != nil {
			return err
		}
		if leads, err = c.leads(leads[:0], h, data); err != nil {
			return fmt.Errorf("chunk %s: %w", h, err)
		}
		c.versions.note(c.live[len(c.live)-1], data, leads)
		for i := len(leads) - 1; i >= 0; i-- {
			c.stack = append(c.stack, leads[i])
		}
	}
	return nil
}

// visit makes the chunk at h live and returns where it is; a nil file when it is
// live already or not in a file that is collected.
func (c *collection) visit(h hash.Hash) (*chunkFile, extent, error) {
	for i, f := range c.files {
		at, ok := f.entries.position(h)
		if !ok {
			continue
		}
		word, bit := at/64, uint64(1)<<(at%64)
		if f.live[word]&bit != 0 {
			return nil, extent{}, nil
		}
		e := f.entries.at(at).extent
		f.live[word] |= bit
		c.live = append(c.live, planned{int32(i), int32(at)})
		c.bytes += e.bytes()
		return f.file, e, nil
	}
	if c.Full && !c.isStaying(h) {
		return nil, extent{}, fmt.Errorf("chunk %s, which others lead to: %w", h, ErrNotFound)
	}
	return nil, extent{}, nil
}

// isStaying tells whether the chunk at h is in a file that stays.
func (c *collection) isStaying(h hash.Hash) bool {
	for _, j := range c.stays {
		if _, ok := j.journal.index.find(h); ok {
			return true
		}
	}
	return false
}

// copy writes the live chunks that have not been copied into a table.
func (c *collection) copy(ctx context.Context) error {
	if c.copied == len(c.live) {
		return nil
	}
	e, err := c.store.makeTable(func(w *tableWriter) error { return c.copyTo(ctx, w) })
	if err != nil {
		return err
	}
	e.old = true
	c.made = append(c.made, e)
	return nil
}

// copyTo copies what was found at first with its versions, what is found later, which
// is little, as it is.
func (c *collection) copyTo(ctx context.Context, w *tableWriter) error {
	w.yields = c.yielder
	w.entries = slices.Grow(w.entries, len(c.live)-c.copied)
	if v := c.versions; v != nil {
		c.versions = nil
		if err := v.pair(ctx); err != nil {
			return err
		}
		return v.copy(ctx, w)
	}
	cp := newCopier(w, c.leads)
	for c.copied < len(c.live) {
		if err := c.pause(ctx); err != nil {
			return err
		}
		p := c.live[c.copied]
		f := c.files[p.file]
		e := f.entries.at(int(p.at))
		if err := cp.copy(f.file, e); err != nil {
			return err
		}
		c.count(e)
	}
	return nil
}

// count counts a chunk that was copied.
func (c *collection) count(e entry) {
	c.copied++
	c.done += e.bytes()
	if c.Progress != nil && (c.copied%progressEvery == 0 || c.copied == len(c.live)) {
		c.Progress(c.done, c.bytes)
	}
}

// progressEvery is after how many chunks progress is reported.
const progressEvery = 256

// position returns the place of h in the run.
func (r run) position(h hash.Hash) (int, bool) {
	i := r.search(h)
	return i, i < r.count() && bytes.Equal(r.address(i), h[:])
}

func reverse(all []hash.Hash) {
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
}

// noSpill is the sequence of the oldest spill when there is none.
const noSpill = math.MaxUint64

// reviveAll gives a commit the chunks that it leads to and that have been dropped since
// its Writer began: those that it did not write because they were there, and
// those that only it knew of. The lock is held.
func (s *Store) reviveAll(ctx context.Context, w *Writer, root hash.Hash) error {
	if w.epoch == s.epoch.Load() || root.IsZero() {
		return nil
	}
	leads, err := s.leads(ctx, w, root)
	if err != nil {
		return fmt.Errorf("nbs: commit: %w", err)
	}
	refs := []hash.Hash{root}
	for _, c := range w.pending {
		if refs, err = leads(refs, c.address, c.data); err != nil {
			return fmt.Errorf("nbs: commit: chunk %s: %w", c.address, err)
		}
	}
	if err := s.reviveBelow(ctx, w, leads, refs); err != nil {
		return fmt.Errorf("nbs: commit: %w", err)
	}
	return nil
}

// reviveTable is reviveAll for chunks that are in a table already, which a collection
// cannot have looked at.
func (s *Store) reviveTable(ctx context.Context, w *Writer, id fileID) error {
	if w.epoch == s.epoch.Load() {
		return nil
	}
	s.files.RLock()
	t := s.openedTable(id)
	s.files.RUnlock()
	hold := s.Hold()
	defer runtime.KeepAlive(hold)
	entries, err := t.all()
	if err != nil {
		return err
	}
	root, err := s.Root(ctx)
	if err != nil {
		return err
	}
	leads, err := s.leads(ctx, w, root)
	if err != nil {
		return err
	}
	for i := range entries.count() {
		e := entries.at(i)
		data, err := readChunk(&t.chunkFile, e.extent, e.address, make([]byte, e.length))
		if err != nil {
			return err
		}
		refs, err := leads(nil, e.address, data)
		if err != nil {
			return err
		}
		if err := s.reviveBelow(ctx, w, leads, refs); err != nil {
			return err
		}
	}
	return nil
}

// revive implements backend.
func (s *Store) revive(ctx context.Context, w *Writer, h hash.Hash) error {
	root, err := s.Root(ctx)
	if err != nil {
		return err
	}
	leads, err := s.leads(ctx, w, root)
	if err != nil {
		return err
	}
	return s.reviveBelow(ctx, w, leads, []hash.Hash{h})
}

func (s *Store) leads(ctx context.Context, w *Writer, root hash.Hash) (LeadsToFunc, error) {
	if s.leadsTo == nil {
		return nil, errors.New("chunks were collected meanwhile, and the store was opened without Options.LeadsTo")
	}
	return s.leadsTo(ctx, w, root, false)
}

// reviveBelow adds the chunks to w that are no longer there, and what they lead to.
// They are read from files that the Writer holds.
func (s *Store) reviveBelow(ctx context.Context, w *Writer, leads LeadsToFunc, refs []hash.Hash) error {
	for len(refs) > 0 {
		h := refs[len(refs)-1]
		refs = refs[:len(refs)-1]
		if _, ok := w.find(h); ok || s.present(h) {
			continue
		}
		data, err := s.readPast(h)
		if err == nil {
			_, err = w.Put(ctx, data)
		}
		if err == nil {
			refs, err = leads(refs, h, data)
		}
		if err != nil {
			return fmt.Errorf("chunk %s: %w", h, err)
		}
	}
	return nil
}
