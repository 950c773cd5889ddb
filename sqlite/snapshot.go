package sqlite

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/btree"
)

// snapshot is a version as a database file: its rendering, and over it the pages
// that transactions of this process have written since. It is immutable, and
// nobody waits for it.
type snapshot struct {
	*rendering
	version vdb.Version
	// alone tells that the transaction that left it has changed the schema: nothing can
	// be written over it.
	alone bool
	// contents are the version's; the rendering has those that it began with.
	contents *vdb.Contents
	over     *overlay
	at       *moment // of the overlay's pages, those up to it are seen
	pages    uint32
	// schemaSum is as the rendering's, of the schema table as it is.
	schemaSum [32]byte
	// sequences are what the sequence table shows; nil if there is no such table.
	sequences *vdb.Sequences
}

// Page returns a page. Its bytes never change.
func (s *snapshot) Page(number uint32) ([]byte, error) {
	if s.at.seq > 0 {
		if data := s.over.page(number, s.at.seq); data != nil {
			return data, nil
		}
	}
	if number > s.rendering.pages {
		// SQLite has taken the page and given it back in one transaction: it does not
		// write pages that are free.
		return make([]byte, btree.PageBytes), nil
	}
	return s.rendering.Page(number)
}

// overlay holds the pages that transactions have written over a rendering, in all
// the states that a snapshot may still see.
type overlay struct {
	mu      sync.RWMutex
	pages   map[uint32][]writtenPage // by number, in the order of seq
	count   int                      // of all states
	seq     uint64                   // the latest
	moments []*moment                // that snapshots may see
	// parents says what is above a page where that is not as rendered. An overflow
	// page's parent is its leaf. Only the writer uses it.
	parents map[uint32]uint32
}

type writtenPage struct {
	seq  uint64
	data []byte
}

// newOverlay returns an empty overlay, and its first moment.
func newOverlay() (*overlay, *moment) {
	m := &moment{}
	return &overlay{pages: map[uint32][]writtenPage{}, parents: map[uint32]uint32{}, moments: []*moment{m}}, m
}

// clone returns an overlay with the same pages, to be changed apart from it.
func (o *overlay) clone() *overlay {
	o.mu.RLock()
	defer o.mu.RUnlock()
	c, _ := newOverlay()
	for number, states := range o.pages {
		c.pages[number] = slices.Clone(states)
	}
	c.count, c.seq = o.count, o.seq
	return c
}

// page returns a page as of seq, or nil where it is as rendered.
func (o *overlay) page(number uint32, seq uint64) []byte {
	o.mu.RLock()
	defer o.mu.RUnlock()
	states := o.pages[number]
	i := sort.Search(len(states), func(i int) bool { return states[i].seq > seq })
	if i == 0 {
		return nil
	}
	return states[i-1].data
}

// add adds pages, and returns the moment that sees them.
func (o *overlay) add(pages map[uint32][]byte) *moment {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seq++
	for number, data := range pages {
		o.pages[number] = append(o.pages[number], writtenPage{o.seq, data})
	}
	o.count += len(pages)
	m := &moment{seq: o.seq}
	o.moments = append(o.moments, m)
	return m
}

// prune gives up the states of pages before latest that nobody sees any more. None
// can come to see them if latest is the branch's newest state.
func (o *overlay) prune(pages map[uint32][]byte, latest *moment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	oldest := o.oldest(latest.seq)
	for number := range pages {
		states := o.pages[number]
		n := unseen(states, oldest)
		o.pages[number] = slices.Delete(states, 0, n)
		o.count -= n
	}
}

// size is how many pages the overlay holds.
func (o *overlay) size() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.count
}

// maxOverlay is how many pages an overlay may hold before its branch is rendered
// anew: 32 MB. All branches together may hold twice as many, but for those in use.
const maxOverlay = 4096

// branchFile is a branch as the connections of this process see it.
type branchFile struct {
	db     *database
	branch string
	writer chan struct{} // the slot of the branch's one writer
	// counted is how many pages of the branch database.written has.
	counted atomic.Int64

	mu     sync.Mutex
	latest *snapshot
	refs   hash.Hash // for which latest is the newest; zero if it was committed since
	used   bool      // since the database was last trimmed
}

func newBranchFile(db *database, branch string) *branchFile {
	return &branchFile{db: db, branch: branch, writer: make(chan struct{}, 1)}
}

// current returns the newest state of the branch, those of other processes and of
// the typed API included. The caller releases it.
func (f *branchFile) current(ctx context.Context) (*snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = true
	s, err := f.newest(ctx)
	if err != nil {
		return nil, err
	}
	f.latest = s
	s.hold()
	return s, nil
}

// newest returns the newest state. It looks no further than at the address of all
// branches while that is the same.
func (f *branchFile) newest(ctx context.Context) (*snapshot, error) {
	refs, err := f.db.engine.Refs(ctx)
	if err != nil {
		return nil, err
	}
	if f.latest != nil && f.refs == refs && !refs.IsZero() {
		return f.latest, nil
	}
	s, err := f.look(ctx, refs)
	if err == nil {
		f.refs = refs
	}
	return s, err
}

func (f *branchFile) look(ctx context.Context, refs hash.Hash) (*snapshot, error) {
	v, err := f.db.engine.WorkingAt(ctx, f.branch, refs)
	if err != nil {
		return nil, err
	}
	if f.latest != nil && f.latest.over.size() < maxOverlay {
		same, err := f.db.engine.Same(ctx, f.latest.version, v, refs)
		if err != nil {
			return nil, err
		}
		if same {
			return f.latest.counted(ctx, f.db.engine)
		}
	}
	return f.db.open(ctx, v)
}

// replace makes s the newest state, if it follows the one that is, by the pages that
// were written. One whose transaction has touched the schema, and were it the same in
// the end, is not for others: it has an overlay of its own.
func (f *branchFile) replace(base, s *snapshot, pages map[uint32][]byte) {
	f.mu.Lock()
	if f.latest == base && s.over == base.over {
		f.latest, f.refs = s, hash.Hash{}
		s.over.prune(pages, s.at)
	}
	f.mu.Unlock()
	if written := s.over.size(); f.db.written.Add(int64(written)-f.counted.Swap(int64(written))) > 2*maxOverlay {
		f.db.trim()
	}
}

// forget gives up what was written over the rendering, unless the branch is in use.
func (f *branchFile) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.used {
		f.used = false
		return
	}
	f.latest = nil
	f.db.written.Add(-f.counted.Swap(0))
}

// database is a vdb database that is open for SQL, once for all connections of
// the process.
type database struct {
	vdb    *vdb.DB
	engine vdb.Engine
	cache  *pageCache
	numbering
	*introspector
	path  string // empty if the application has opened it
	users int    // guarded by shared.mu

	written atomic.Int64 // pages in the overlays of all branches

	mu     sync.Mutex
	files  map[string]*branchFile
	opened []*snapshot // versions of the past, latest last
	// openedTrees is how many trees these have.
	openedTrees int
}

// defaultCacheBytes is the budget for rendered pages.
const defaultCacheBytes = 32 << 20

func newDatabase(db *vdb.DB, n numbering) (*database, error) {
	in, err := newIntrospector()
	if err != nil {
		return nil, err
	}
	return &database{
		vdb: db, engine: db.Engine(), cache: newPageCache(defaultCacheBytes), numbering: n,
		introspector: in, files: map[string]*branchFile{},
	}, nil
}

// file returns a branch for its connections.
func (d *database) file(branch string) *branchFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.files[branch]
	if !ok {
		f = newBranchFile(d, branch)
		d.files[branch] = f
	}
	return f
}

// trim gives up what was written on branches that nobody has used since the last
// time: they are rendered anew when they are.
func (d *database) trim() {
	d.mu.Lock()
	files := slices.Collect(maps.Values(d.files))
	d.mu.Unlock()
	for _, f := range files {
		f.forget()
	}
}

// open renders a version.
func (d *database) open(ctx context.Context, v vdb.Version) (*snapshot, error) {
	c, err := d.engine.Load(ctx, v)
	if err != nil {
		return nil, err
	}
	r, err := render(ctx, c, d.numbering, d.cache, d.introspector)
	if err != nil {
		return nil, err
	}
	over, at := newOverlay()
	s := &snapshot{rendering: r, version: v, contents: c, over: over, at: at, pages: r.pages, schemaSum: r.schemaSum}
	return s.counted(ctx, d.engine)
}

// at returns a revision as a file that stays.
func (d *database) at(ctx context.Context, revision string) (*snapshot, error) {
	return d.asOf(ctx, vdb.MainBranch, revision)
}

// asOf returns a revision, HEAD being the branch's or revision's from, as a file
// that stays.
func (d *database) asOf(ctx context.Context, from, revision string) (*snapshot, error) {
	s, err := d.resolve(ctx, from, revision)
	if err != nil {
		return nil, err
	}
	v := d.engine.At(s)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, open := range d.opened {
		if open.version == v {
			return open, nil
		}
	}
	opened, err := d.open(ctx, v)
	if err != nil {
		return nil, err
	}
	d.keep(opened)
	return opened, nil
}

// resolve returns a revision, HEAD being the branch's if from is one.
func (d *database) resolve(ctx context.Context, from, revision string) (*vdb.Snapshot, error) {
	if b, err := d.vdb.Branch(ctx, from); err == nil {
		return b.AsOf(ctx, revision)
	}
	return d.vdb.AsOf(ctx, revision)
}

// keep keeps a version of the past laid out, and gives up those of longest ago.
func (d *database) keep(s *snapshot) {
	d.opened = append(d.opened, s)
	d.openedTrees += len(s.trees)
	for len(d.opened) > leastOpened && (d.openedTrees > maxOpenedTrees || len(d.opened) > maxOpened) {
		d.openedTrees -= len(d.opened[0].trees)
		d.opened = slices.Delete(d.opened, 0, 1)
	}
}

// A database keeps so many versions of the past laid out, fewer if they have many
// trees: what is known of a large tree takes up to some 50 KB.
const (
	leastOpened, maxOpened = 16, 128
	maxOpenedTrees         = 1024
)

// hasTable tells whether the version has a table or view of a name.
func (s *snapshot) hasTable(name string) bool {
	for _, t := range s.contents.Tables {
		if strings.EqualFold(t.Schema().Name, name) {
			return true
		}
	}
	return slices.ContainsFunc(s.contents.Objects, func(o vdb.Object) bool { return strings.EqualFold(o.Name, name) })
}
