package vdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// settling is how patches become refs: by themselves when they have become many or
// nobody has written for a while, and before that when somebody asks for the refs.
type settling struct {
	one    chan struct{} // held by the one who settles
	behind context.Context
	stop   context.CancelFunc
	// inMemory are refs that could not be written, and the root that they were made of.
	inMemory struct {
		sync.Mutex
		root hash.Hash
		refs *refs
	}

	mu      sync.Mutex
	timer   *time.Timer
	running sync.WaitGroup
	busy    bool // a goroutine settles, or is about to
	wrote   bool // this process has patched
	closed  bool
	// versions are what patches of branches stand for, of those that were settled last.
	versions map[hash.Hash]version
	order    []hash.Hash
}

const (
	// settleBytes and settlePatches are how much is patched before it is settled.
	settleBytes, settlePatches = 512 << 10, 256
	// settleAfter is for how long nobody has written when the rest is settled.
	settleAfter = 200 * time.Millisecond
	// catchUps is how often what has been patched while others were settled is settled, too,
	// before the rest is with the lock held.
	catchUps = 2
	// settleAtEnd is for how long Close tries to settle.
	settleAtEnd = 5 * time.Second
	// knownVersions is how many patches are remembered.
	knownVersions = 256
)

func newSettling() *settling {
	s := &settling{one: make(chan struct{}, 1), versions: map[hash.Hash]version{}}
	s.behind, s.stop = context.WithCancel(context.Background())
	return s
}

// errSettled says that there is nothing left to settle.
var errSettled = errors.New("settled")

// commitFunc is blocks.Commit or CommitUnsynced.
type commitFunc func(context.Context, *nbs.Writer, nbs.UpdateFunc) error

// settle makes the trees that patches stand for, has the root be refs again, and returns
// them. The long work is done while others go on writing. As the patches are durable, what
// is made of them need not be.
func (db *DB) settle(ctx context.Context, commit commitFunc) (*refs, error) {
	select {
	case db.settling.one <- struct{}{}:
		defer func() { <-db.settling.one }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w := db.blocks.NewWriter() // before the root: it holds what that leads to
	defer w.Discard()
	root, err := db.blocks.Root(ctx)
	if err != nil {
		return nil, err
	}
	r, err := db.settledRefs(ctx, w, root, nil)
	for i := 0; err == nil && len(r.settled) > 0 && i < catchUps; i++ {
		if root, err = db.blocks.Root(ctx); err == nil && root != r.root {
			r, err = db.settledRefs(ctx, w, root, r)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(r.settled) > 0 {
		if root, err = db.commitSettled(ctx, commit, w, r); err != nil {
			return nil, err
		}
	}
	return loadRefs(ctx, db.reader(), root)
}

// commitSettled makes refs that were settled on w the root, with the patches that have
// followed meanwhile.
func (db *DB) commitSettled(ctx context.Context, commit commitFunc, w *nbs.Writer, r *refs) (root hash.Hash, err error) {
	err = commit(ctx, w, func(ctx context.Context, now hash.Hash) (_ hash.Hash, err error) {
		if r, err = db.settledRefs(ctx, w, now, r); err != nil {
			return hash.Hash{}, err
		}
		if len(r.settled) == 0 {
			root = now
			return hash.Hash{}, errSettled // by another process
		}
		root, err = r.save(ctx)
		return root, err
	})
	if errors.Is(err, errSettled) {
		return root, nil
	}
	if err == nil {
		db.settling.know(r.settled)
	}
	return root, err
}

// settleInMemory returns the refs that a root stands for where nothing can be written.
func (db *DB) settleInMemory(ctx context.Context, root hash.Hash, held *nbs.Hold) (*refs, error) {
	known := &db.settling.inMemory
	known.Lock()
	defer known.Unlock()
	if known.refs != nil && known.root == root {
		return known.refs, nil
	}
	m := &memoryStore{readOnlyStore: readOnlyStore{db.blocks, held}, made: map[hash.Hash][]byte{}}
	r, err := db.settledRefs(ctx, m, root, nil)
	if err == nil {
		r.root, err = r.save(ctx)
	}
	if err != nil {
		return nil, err
	}
	db.blocks.Lend(m.made)
	known.root, known.refs = root, r
	return r, nil
}

// settledRefs returns the refs that a root stands for. If it is a patch, what it and those
// before it have changed is put into s. from, if it is not nil, are refs that were made so
// before, on s, of a root that may be among those before this one; they are used up.
func (db *DB) settledRefs(ctx context.Context, s prolly.Store, root hash.Hash, from *refs) (*refs, error) {
	var until hash.Hash
	if from != nil {
		until = from.root
	}
	var chain []*patch
	base, err := patches(ctx, s, root, until, func(p *patch) bool {
		chain = append(chain, p)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read patches: %w", err)
	}
	if from == nil || base != until {
		if from, err = loadRefs(ctx, s, base); err != nil {
			return nil, err
		}
	}
	if len(chain) == 0 {
		return from, nil
	}
	if err := from.settle(ctx, db, chain); err != nil {
		return nil, fmt.Errorf("settle patches: %w", err)
	}
	from.root = root
	return from, nil
}

// settle makes what patches, newest first, have changed.
func (r *refs) settle(ctx context.Context, db *DB, chain []*patch) error {
	branches := map[string]*branchPatches{}
	var sequences map[string]int64
	for i := len(chain) - 1; i >= 0; i-- {
		p := chain[i]
		b := branches[p.branch]
		if b == nil {
			b = &branchPatches{tables: map[string]map[int][]prolly.Edit{}}
			branches[p.branch] = b
		}
		if err := b.add(p); err != nil {
			return err
		}
		if p.sequences != nil {
			sequences = p.sequences
		}
	}
	if r.settled == nil {
		r.settled = map[hash.Hash]version{}
	}
	for name, b := range branches {
		state, err := r.branch(ctx, name)
		if err != nil {
			return err
		}
		if state.working, err = b.apply(ctx, db, r.store, state.working); err != nil {
			return fmt.Errorf("branch %s: %w", name, err)
		}
		if err := r.setBranch(ctx, name, state); err != nil {
			return err
		}
		r.settled[b.newest] = state.working
	}
	if sequences != nil {
		if _, err := r.setSequences(ctx, sequences); err != nil {
			return err
		}
	}
	return r.noteSettled(ctx)
}

// settledKey is where the refs have what the patches that were settled last stand for, so
// that another process knows its own again: a zero, and for each the address of the
// patch, of its contents and of its identities.
const settledKey = "settled"

// The refs note so many patches, each in so many bytes.
const settledNoted, notedBytes = 16, 3 * hash.Size

func (r *refs) noteSettled(ctx context.Context) error {
	before, _, err := r.tree.Get(ctx, []byte(settledKey))
	if err == nil && len(before) > 0 && len(before)%notedBytes != 1 {
		err = fmt.Errorf("settled patches of %d bytes are damaged", len(before))
	}
	if err != nil {
		return err
	}
	value := []byte{0}
	for _, p := range slices.SortedFunc(maps.Keys(r.settled), hash.Hash.Compare) {
		v := r.settled[p]
		value = append(append(append(value, p[:]...), v.root[:]...), v.ids[:]...)
	}
	for i := 1; i < len(before); i += notedBytes {
		if _, again := r.settled[hash.Hash(before[i:])]; !again {
			value = append(value, before[i:i+notedBytes]...)
		}
	}
	value = value[:min(len(value), 1+settledNoted*notedBytes)]
	r.tree, err = r.tree.Apply(ctx, []prolly.Edit{{Key: []byte(settledKey), Value: value}})
	return err
}

// settledVersion returns what a patch stands for, if it is among those that were settled
// last.
func (r *refs) settledVersion(ctx context.Context, p hash.Hash) (v version, ok bool, err error) {
	value, _, err := r.tree.Get(ctx, []byte(settledKey))
	if err != nil || len(value) == 0 {
		return v, false, err
	}
	f := fields{data: value[1:]}
	for len(f.data) > 0 && f.err == nil {
		is := f.hash()
		if v = (version{f.hash(), f.hash()}); is == p {
			return v, f.err == nil, f.err
		}
	}
	return version{}, false, f.err
}

// know remembers what patches stand for.
func (s *settling) know(settled map[hash.Hash]version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, v := range settled {
		if _, ok := s.versions[p]; !ok {
			s.order = append(s.order, p)
		}
		s.versions[p] = v
	}
	for ; len(s.order) > knownVersions; s.order = s.order[1:] {
		delete(s.versions, s.order[0])
	}
}

func (s *settling) known(p hash.Hash) (version, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.versions[p]
	return v, ok
}

// patched has a patch settled, at once if there are many.
func (db *DB) patched(p *patch) {
	s := db.settling
	s.mu.Lock()
	defer s.mu.Unlock()
	many := p.depth >= settlePatches || p.bytes >= settleBytes
	s.wrote = true
	switch {
	case s.closed:
	case many && !s.busy:
		s.busy = true
		s.running.Go(db.settleBehind)
	case s.timer == nil:
		s.timer = time.AfterFunc(settleAfter, db.settleRest)
	default:
		s.timer.Reset(settleAfter)
	}
}

// settleRest settles what is left when nobody has written for a while.
func (db *DB) settleRest() {
	s := db.settling
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && !s.busy {
		s.busy = true
		s.running.Go(db.settleBehind)
	}
}

// settleBehind settles while the program does other things. An error is left to those who
// will meet it.
func (db *DB) settleBehind() {
	db.settle(db.settling.behind, db.blocks.CommitUnsynced)
	db.settling.mu.Lock()
	db.settling.busy = false
	db.settling.mu.Unlock()
}

// endSettling settles what this process has left, and ends all that goes on behind.
func (db *DB) endSettling() {
	s := db.settling
	s.mu.Lock()
	left := s.wrote && !s.closed
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.running.Wait()
	if left {
		ctx, cancel := context.WithTimeout(s.behind, settleAtEnd)
		defer cancel()
		db.settle(ctx, db.blocks.Commit) // if it fails, who opens it next does so
	}
	s.stop()
}

// memoryStore keeps what is Put in memory, and reads what others have stored.
type memoryStore struct {
	readOnlyStore
	mu   sync.RWMutex
	made map[hash.Hash][]byte
}

func (m *memoryStore) Put(_ context.Context, data []byte) (hash.Hash, error) {
	h := hash.Of(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made[h] = bytes.Clone(data)
	return h, nil
}

func (m *memoryStore) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	m.mu.RLock()
	data, ok := m.made[h]
	m.mu.RUnlock()
	if ok {
		return data, nil
	}
	return m.readOnlyStore.Get(ctx, h)
}
