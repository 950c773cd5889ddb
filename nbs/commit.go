package nbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/vdbgo/vdb/hash"
)

// Commit stores the chunks of w and, with them, the root that update returns.
//
// update is given the newest root, that of other processes' commits included,
// and may add chunks to w. Updates run one at a time, perhaps on the goroutine
// of another commit, and each is given the root that the one before it
// returned. When update returns an error, nothing of this commit is stored, and
// Commit returns that error as it is.
//
// When Commit returns nil, the commit is durable. Commits that wait at the same
// time share one write and one sync. If ctx is cancelled while a commit waits,
// it is given up; once its update has begun, Commit waits for the outcome. An
// error on writing or syncing is final: the outcome of the commits that met it
// is unknown until the store is opened again, and later commits fail with
// ErrFailed.
//
// A nil w stands for no chunks. A commit of no chunks and the same root writes
// nothing.
func (s *Store) Commit(ctx context.Context, w *Writer, update UpdateFunc) error {
	return s.commit(ctx, &request{w: w, update: update})
}

// CommitUnsynced is Commit for what can be made again from what is durable already: it
// is seen at once, but durable only with a Commit that follows. A power failure before
// that takes it back.
func (s *Store) CommitUnsynced(ctx context.Context, w *Writer, update UpdateFunc) error {
	return s.commit(ctx, &request{w: w, update: update, unsynced: true})
}

// commit has a request run.
func (s *Store) commit(ctx context.Context, r *request) error {
	if err := s.usable(ctx); err != nil {
		return fmt.Errorf("nbs: commit: %w", err)
	}
	s.life.RLock()
	defer s.life.RUnlock()
	err := s.writable(ctx)
	if err == nil && r.w == nil {
		r.w = s.NewWriter()
	}
	if err == nil {
		r.w, err = r.w.checked(s)
	}
	if err == nil {
		err = s.awaitCompaction(ctx)
	}
	if err != nil {
		return fmt.Errorf("nbs: commit: %w", err)
	}
	r.ctx, r.turn, r.done = ctx, make(chan struct{}, 1), make(chan struct{})
	if s.group.join(r) || s.group.await(r) {
		s.lead(r)
	}
	<-r.done
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

// writable returns why nothing can be written.
func (s *Store) writable(ctx context.Context) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if d := s.damage.Load(); d != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, d)
	}
	if s.readOnly {
		return ErrReadOnly
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return fmt.Errorf("%w: %w", ErrFailed, s.failed)
	}
	return nil
}

var errLeaderExited = errors.New("nbs: commit: the goroutine of a commit in the same batch has exited")

// lead commits r and all that wait with it. Whatever happens in an update, the
// requests are finished and the next one leads.
func (s *Store) lead(r *request) {
	b := &batch{requests: []*request{r}}
	defer s.group.pass()
	if err := s.lock.acquire(r.ctx); err != nil {
		s.group.leave(r)
		b.finish(fmt.Errorf("nbs: commit: %w", err))
		return
	}
	b.requests = s.group.take()
	if err := s.commitBatch(b); err != nil {
		b.finish(fmt.Errorf("nbs: commit: %w", err))
		return
	}
	for _, r := range b.requests {
		s.keep(r.w)
	}
	b.finish(nil)
}

// keep puts what a commit has written into the cache, where it will be wanted.
func (s *Store) keep(w *Writer) {
	for _, c := range w.pending {
		s.cache.putWritten(c.address, c.data)
	}
	w.Discard()
	w.epoch = s.epoch.Load()
	w.hold = s.HoldSince()
}

// commitBatch runs the updates, appends what they made, and makes it durable.
// The lock is held when it is called, and not when it returns.
func (s *Store) commitBatch(b *batch) error {
	err := s.runLocked(b)
	if err = errors.Join(err, s.lock.release()); err != nil {
		return err
	}
	return s.sync(b)
}

// runLocked is the part of commitBatch that needs the lock.
func (s *Store) runLocked(b *batch) error {
	finished := false
	b.buf = s.takeRoom()
	defer func() {
		if !finished { // an update has ended the goroutine
			b.finish(errors.Join(errLeaderExited, s.lock.release()))
		}
	}()
	err := s.prepare()
	if err == nil {
		defer s.staged.clear()
		s.runUpdates(b)
		err = s.writeBatch(b)
		s.returnRoom(b.buf)
	}
	finished = true
	return err
}

// keptRoomBytes is the largest buffer for appends that is kept.
const keptRoomBytes = 4 << 20

// takeRoom returns a buffer for an append. The lock is held; a spill in the
// middle of a batch finds that it has been taken.
func (s *Store) takeRoom() []byte {
	room := s.room
	s.room = nil
	return room
}

// returnRoom gives the buffer back when the append has been written.
func (s *Store) returnRoom(room []byte) {
	if cap(room) <= keptRoomBytes {
		s.room = room[:0]
	}
}

// prepare makes the journal ready for an append: follows it to its end, and
// cuts what is torn there. The lock is held.
func (s *Store) prepare() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil {
		return ErrClosed
	}
	tail, err := s.follow()
	if err != nil {
		return err
	}
	if s.view.active.sealed {
		if err := s.rollOver(); err != nil {
			return s.fail(err)
		}
	}
	if j := s.view.active; tail != nil || !j.checked {
		torn, err := s.judgeTail()
		if err != nil {
			return err
		}
		if d := s.damage.Load(); d != nil {
			return fmt.Errorf("%w: %w", ErrReadOnly, d)
		}
		if len(torn) > 0 {
			if err := j.cut(torn); err != nil {
				return s.fail(unlessFull(err, true))
			}
		}
		j.checked = true
	}
	return nil
}

// fail takes note of the first failure, after which nothing more is written. mu
// is held.
func (s *Store) fail(err error) error {
	var harmless *noRoomError
	if s.failed == nil && !errors.As(err, &harmless) {
		s.failed = err
	}
	return err
}

// batch is the commits that are appended together.
type batch struct {
	requests []*request // not yet finished
	journal  *journal
	state    rootState // after the commits so far
	buf      []byte    // their append
	parts    []part
	end      int64 // where the append ended in the journal
}

// part is one commit's part of an append.
type part struct {
	kind     kind
	terminal terminal
	entries  []entry // with offsets in buf
	end      int     // in buf
}

// finish ends the requests that are left with err.
func (b *batch) finish(err error) {
	for _, r := range b.requests {
		r.finish(err)
	}
	b.requests = nil
}

// unsynced tells whether nobody waits for the batch to be durable.
func (b *batch) unsynced() bool {
	return !slices.ContainsFunc(b.requests, func(r *request) bool { return !r.unsynced })
}

// runUpdates calls the updates. Requests that fail leave the batch.
func (s *Store) runUpdates(b *batch) {
	s.mu.Lock()
	b.journal = s.view.active
	b.state = b.journal.state
	s.mu.Unlock()
	for i := 0; i < len(b.requests); {
		r := b.requests[i]
		root, err := r.run(b.state.root)
		if err == nil && r.panicked == nil {
			r.w.leading = true
			err = s.reviveAll(r.ctx, r.w, root)
			r.w.leading = false
		}
		if err == nil && r.panicked == nil {
			s.encode(b, r.w, root)
			if i++; i < len(b.requests) {
				s.staged.add(r.w.pending)
			}
			continue
		}
		b.requests = append(b.requests[:i:i], b.requests[i+1:]...)
		r.finish(err)
	}
}

// encode adds a commit to the append.
func (s *Store) encode(b *batch, w *Writer, root hash.Hash) {
	if root == b.state.root && len(w.pending) == 0 {
		return
	}
	next := rootState{sequence: b.state.sequence + 1, root: root, unixNano: s.now().UnixNano()}
	b.add(kindRoot, w.pending, terminal{state: next, previous: b.state.root})
	b.state = next
}

// add adds chunks and a terminal to the append.
func (b *batch) add(k kind, chunks []chunk, t terminal) {
	j := b.journal
	t.synced = j.synced // only the holder of the lock changes it
	p := part{kind: k, terminal: t, entries: make([]entry, 0, len(chunks))}
	room := terminalMaxBytes
	for _, c := range chunks {
		room += recordHeaderBytes + len(c.stored)
	}
	b.buf = slices.Grow(b.buf, room)
	for _, c := range chunks {
		at := len(b.buf)
		b.buf = appendRecord(b.buf, j.seed, kindChunk, c.codec, c.address, c.stored)
		p.entries = append(p.entries, entry{c.address, extent{offset: int64(at), length: uint32(len(b.buf) - at)}})
	}
	b.buf = j.appendTerminal(b.buf, k, t)
	p.end = len(b.buf)
	b.parts = append(b.parts, p)
}

// writeBatch appends the batch to the journal with one write. The lock is held.
func (s *Store) writeBatch(b *batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := b.journal
	b.end = j.end
	if len(b.parts) == 0 {
		return nil
	}
	if s.failed != nil {
		return fmt.Errorf("%w: %w", ErrFailed, s.failed)
	}
	if err := j.grow(int64(len(b.buf))); err != nil {
		return s.fail(err)
	}
	if n, err := j.chunks.WriteAt(b.buf, j.end); err != nil {
		j.checked = false
		return s.fail(unlessFull(err, n < len(b.buf)))
	}
	s.appended(b)
	return nil
}

// appended takes note of what writeBatch has written. mu is held.
func (s *Store) appended(b *batch) {
	j := b.journal
	base := j.end
	for _, p := range b.parts {
		for i := range p.entries {
			p.entries[i].offset += base
		}
		j.appended(p.kind, p.terminal, base+int64(p.end), p.entries)
		if p.kind == kindRoot {
			s.syncing = true
			s.count.commits.Add(1)
		}
	}
	b.end = j.end
	s.count.appends.Add(1)
	s.count.appendedBytes.Add(int64(len(b.buf)))
}

// sync makes the batch durable, if somebody asks for it, and its root visible.
func (s *Store) sync(b *batch) error {
	j := b.journal
	s.mu.Lock()
	durable := j.synced >= b.end // nothing was written, or another process was faster
	s.mu.Unlock()
	var err error
	unsynced := b.unsynced()
	if !durable && !unsynced {
		err = j.chunks.Sync()
		s.count.syncs.Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncing = false
	if err != nil {
		return s.fail(err)
	}
	if !unsynced {
		j.synced = max(j.synced, b.end)
	}
	s.publish()
	s.tidy()
	return nil
}

// spill implements backend: it appends chunks and a mark, and does not sync.
func (s *Store) spill(ctx context.Context, w *Writer) (err error) {
	if err := s.writable(ctx); err != nil {
		return err
	}
	if !w.leading { // else the lock is held for its commit
		if err := s.lock.acquire(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.lock.release()) }()
		if err := s.prepare(); err != nil {
			return err
		}
	}
	if w.guard == nil {
		if err := s.guardSpill(w); err != nil {
			return err
		}
	}
	b, err := s.spillBatch(w.pending)
	if err != nil {
		return err
	}
	return s.writeBatch(b)
}

func (s *Store) spillBatch(chunks []chunk) (*batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil { // a Writer does not keep its store from being closed
		return nil, ErrClosed
	}
	b := &batch{journal: s.view.active}
	state := b.journal.state
	b.add(kindMark, chunks, terminal{state: state, previous: state.root})
	return b, nil
}

// staged holds the chunks of commits that are about to be appended, for the
// updates of the commits after them in the batch.
type staged struct {
	mu     sync.RWMutex
	chunks map[hash.Hash][]byte
}

func (s *staged) add(chunks []chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chunks == nil {
		s.chunks = make(map[hash.Hash][]byte, len(chunks))
	}
	for _, c := range chunks {
		s.chunks[c.address] = c.data
	}
}

func (s *staged) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks = nil
}

func (s *staged) get(h hash.Hash) ([]byte, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	data, ok := s.chunks[h]
	return data, ok
}
