package vdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// CheckOptions are what DB.Check can be told.
type CheckOptions struct {
	// Progress is called now and then, with how much of a step is done: "read" counts
	// the chunks in the files, "walk" those that refs lead to, of all, "compare" the
	// commits.
	Progress func(step string, done, total int64)
}

// CheckReport is what DB.Check has found.
type CheckReport struct {
	// Files are the places in files where bytes are not what was written.
	Files []*DamageError
	// Chunks are the damaged or missing chunks that a ref leads to, and what that
	// hits. A damaged place in a file that is not among them holds nothing that is used.
	Chunks []DamagedChunk
	// Wrong are versions whose parts do not fit: a tree of another shape than its rows
	// give, an index that is not its table's.
	Wrong []WrongTable
	// Violations are the rows of working sets that break a rule of their schema.
	Violations []BranchViolation
	// Commits and Reached are how many commits and chunks were looked at.
	Commits, Reached int64
}

// DamagedChunk is a chunk that cannot be read, and what it hits.
type DamagedChunk struct {
	Address Hash
	Err     error
	// Commits is how many commits lead to it by their own contents, First and Last the
	// oldest and the newest of them.
	Commits     int64
	First, Last Hash
	// Tables are the tables of these commits that it is part of, by their names then.
	Tables []string
	// Refs are those whose working set or own data it is part of, or whose history
	// ends at it; "the list of refs" or "the reflog" if it is part of these.
	Refs []string
}

// WrongTable is a table of a version that is not what it should be.
type WrongTable struct {
	Version string // a commit's hash, or a branch and the name of one of its sets
	Table   string
	Err     error
}

// BranchViolation is a violation in a branch's working set.
type BranchViolation struct {
	Branch string
	Violation
}

// OK tells whether nothing is damaged. Rows that break a rule are no damage: they may
// have been written with foreign keys off, or accepted in a merge.
func (r *CheckReport) OK() bool { return len(r.Files)+len(r.Chunks)+len(r.Wrong) == 0 }

// Check reads all that is stored and holds it against what it must be: each chunk
// against its address, each file against its checksums; each tree against the shape that
// its items give it; each index against its table's rows; rows against their
// schemas' rules. Of a table that two versions share, or of which they share a part,
// that is read once. Indexes that only SQL can evaluate are held against their rows by
// `PRAGMA integrity_check`.
//
// It runs beside readers and writers and looks at what there was when it began. What
// it finds is in the report; an error means that it could not look at everything.
func (db *DB) Check(ctx context.Context, o *CheckOptions) (*CheckReport, error) {
	report, err := db.check(ctx, o)
	return report, opError("check", err)
}

func (db *DB) check(ctx context.Context, o *CheckOptions) (*CheckReport, error) {
	if o == nil {
		o = &CheckOptions{}
	}
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	return db.checkRefs(ctx, r, o)
}

// checkRefs is Check of what some refs lead to.
func (db *DB) checkRefs(ctx context.Context, r *refs, o *CheckOptions) (*CheckReport, error) {
	grafts, err := r.loadGrafts(ctx)
	if err != nil {
		return nil, err
	}
	x := &check{CheckOptions: *o, db: db, ctx: ctx, refs: r, grafts: grafts, report: &CheckReport{}, masks: map[hash.Hash]uint64{}, right: map[rightTable]bool{}}
	if err := x.readFiles(); err != nil {
		return nil, err
	}
	if err := x.walk(); err != nil {
		return nil, err
	}
	return x.report, x.compare()
}

// check is a Check at work.
type check struct {
	CheckOptions
	db      *DB
	ctx     context.Context
	refs    *refs
	grafts  *graftSet
	report  *CheckReport
	masks   map[hash.Hash]uint64 // of all chunks that were reached: which of the damaged ones they lead to
	commits []hash.Hash          // each after its parents
	right   map[rightTable]bool
}

// maxDamagedChunks is for how many damaged chunks Check tells what they hit; the
// last stands for all others as well.
const maxDamagedChunks = 64

// progressChunks is after how many chunks progress is reported.
const progressChunks = 1024

func (x *check) tell(step string, done, total int64) {
	if x.Progress != nil && (done%progressChunks == 0 || done >= total) {
		x.Progress(step, min(done, total), total)
	}
}

// readFiles reads all that the files hold, used or not.
func (x *check) readFiles() error {
	for damage, err := range x.db.blocks.Check(x.ctx, func(done, total int64) { x.tell("read", done, total) }) {
		if err != nil {
			return err
		}
		x.report.Files = append(x.report.Files, damage)
	}
	return nil
}

// walk reads all that the refs lead to.
func (x *check) walk() error {
	if _, err := x.reach(x.refs.root); err != nil {
		return err
	}
	x.report.Reached, x.report.Commits = int64(len(x.masks)), int64(len(x.commits))
	if len(x.report.Chunks) == 0 {
		return nil
	}
	for _, h := range x.commits {
		if err := x.hits(h); err != nil {
			return err
		}
	}
	return x.hitRefs()
}

// visit is a chunk whose references are looked at.
type visit struct {
	address hash.Hash
	refs    []hash.Hash // not yet looked at
	mask    uint64
	commit  bool
}

// reach walks over all that h leads to, what a chunk leads to before the chunk itself,
// and returns the damaged chunks among it.
func (x *check) reach(h hash.Hash) (uint64, error) {
	stack := []visit{{refs: []hash.Hash{h}}}
	for {
		top := &stack[len(stack)-1]
		if len(top.refs) == 0 {
			if len(stack) == 1 {
				return top.mask, nil
			}
			x.leave(top)
			stack[len(stack)-2].mask |= top.mask
			stack = stack[:len(stack)-1]
			continue
		}
		next := top.refs[0]
		top.refs = top.refs[1:]
		if mask, seen := x.masks[next]; seen || next.IsZero() {
			top.mask |= mask
			continue
		}
		v, err := x.enter(next)
		if err != nil {
			return 0, err
		}
		stack = append(stack, v)
	}
}

// enter reads a chunk.
func (x *check) enter(h hash.Hash) (visit, error) {
	x.tell("walk", int64(len(x.masks)), max(x.db.blocks.Stats().Chunks, int64(len(x.masks))))
	data, err := x.db.blocks.Get(x.ctx, h)
	v := visit{address: h, commit: chunk.KindOf(data) == chunk.Commit}
	if err == nil {
		v.refs, err = x.leadsTo(h, data)
	}
	if err == nil || x.ctx.Err() != nil || errors.Is(err, ErrClosed) {
		return v, err
	}
	v.refs = nil
	if i := len(x.report.Chunks); i < maxDamagedChunks {
		v.mask = 1 << i
	} else {
		v.mask = 1 << (maxDamagedChunks - 1)
	}
	x.report.Chunks = append(x.report.Chunks, DamagedChunk{Address: h, Err: err})
	return v, nil
}

func (x *check) leadsTo(h hash.Hash, data []byte) ([]hash.Hash, error) {
	if chunk.KindOf(data) == chunk.Commit {
		return x.grafts.leadTo(nil, h, data)
	}
	return chunk.References(nil, data)
}

func (x *check) leave(v *visit) {
	x.masks[v.address] = v.mask
	if v.commit && len(v.refs) == 0 {
		x.commits = append(x.commits, v.address)
	}
}

// hits notes the damaged chunks that are part of a commit's contents.
func (x *check) hits(h hash.Hash) error {
	c, err := loadCommit(x.ctx, x.refs.store, h)
	if err != nil {
		return nil // it is damaged itself, which its refs are told
	}
	mask := x.masks[c.Root] | x.masks[c.ids]
	for d := range x.damaged(mask) {
		if d.Commits++; d.First.IsZero() {
			d.First = h
		}
		d.Last = h
	}
	if mask == 0 {
		return nil
	}
	return x.hitTables(c.version())
}

// damaged yields the chunks of a mask.
func (x *check) damaged(mask uint64) iter.Seq[*DamagedChunk] {
	return func(yield func(*DamagedChunk) bool) {
		for i := range min(len(x.report.Chunks), maxDamagedChunks) {
			if mask&(1<<i) != 0 && !yield(&x.report.Chunks[i]) {
				return
			}
		}
	}
}

// hitTables notes which tables of a version the damaged chunks are part of, as far as
// the version itself can be read.
func (x *check) hitTables(v version) error {
	for item, err := range prolly.Load(tablesConfig, x.refs.store, v.root).Items(x.ctx, tableKeys) {
		if err != nil {
			return x.ctx.Err()
		}
		e, err := decodeTableEntry(item.Value)
		if err != nil {
			continue
		}
		mask := x.masks[e.schema] | x.masks[e.rows]
		for _, h := range e.indexes {
			mask |= x.masks[h]
		}
		for d := range x.damaged(mask) {
			name := string(item.Key[len(tableKeyPrefix):])
			if !slices.Contains(d.Tables, name) {
				d.Tables = append(d.Tables, name)
			}
		}
	}
	return nil
}

// hitRefs notes which refs the damaged chunks are part of, beside their commits.
func (x *check) hitRefs() error {
	for item, err := range x.refs.tree.Items(x.ctx, prolly.Range{}) {
		if err != nil {
			break // a node of the refs' own tree is damaged, see below
		}
		for i := range int(item.Value[0]) {
			x.hitRef(string(item.Key), hash.Hash(item.Value[1+i*hash.Size:]))
		}
	}
	for i := range x.report.Chunks[:min(len(x.report.Chunks), maxDamagedChunks)] {
		d := &x.report.Chunks[i]
		if d.Commits > 0 || len(d.Refs) > 0 {
			continue
		}
		d.Refs = []string{"the reflog"}
		if x.masks[x.refs.tree.Hash()]&x.masks[d.Address] != 0 {
			d.Refs = []string{"the list of refs"}
		}
	}
	return x.ctx.Err()
}

// hitRef notes a ref that leads to h. What is part of a commit's contents is told there.
func (x *check) hitRef(ref string, h hash.Hash) {
	commit := slices.Contains(x.commits, h)
	for d := range x.damaged(x.masks[h]) {
		if !(commit && d.Commits > 0) && !slices.Contains(d.Refs, ref) {
			d.Refs = append(d.Refs, ref)
		}
	}
}

// rightTable is a table that was found to be right.
type rightTable struct {
	rows, schema hash.Hash
	indexes      string
}

// compare holds trees against their items, indexes against rows, rows against rules.
func (x *check) compare() error {
	for i, h := range x.commits {
		c, err := loadCommit(x.ctx, x.refs.store, h)
		if err != nil {
			return err
		}
		before := version{}
		if len(c.Parents) > 0 {
			if p, err := loadCommit(x.ctx, x.refs.store, c.Parents[0]); err == nil {
				before = p.version()
			}
		}
		if err := x.compareVersion(h.String(), before, c.version()); err != nil {
			return err
		}
		x.tell("compare", int64(i+1), int64(len(x.commits)))
	}
	for item, err := range x.refs.names(x.ctx, headsPrefix) {
		if err != nil {
			return x.ctx.Err()
		}
		if err := x.compareBranch(string(item.Key), item.Value); err != nil {
			return err
		}
	}
	return nil
}

func (x *check) compareBranch(name string, value []byte) error {
	state, err := decodeBranchState(value)
	if err != nil {
		return err
	}
	head, err := loadCommit(x.ctx, x.refs.store, state.head)
	if err != nil {
		return x.ctx.Err()
	}
	if err := x.compareVersion(name+" "+revStaged, head.version(), state.staged); err != nil {
		return err
	}
	if err := x.compareVersion(name+" "+revWorking, head.version(), state.working); err != nil {
		return err
	}
	if x.masks[state.working.root] != 0 {
		return nil // its rows cannot all be read
	}
	found, err := x.db.violations(x.ctx, x.refs.store, version{}, state.working, true)
	for _, v := range found {
		x.report.Violations = append(x.report.Violations, BranchViolation{name, v})
	}
	return err
}

// compareVersion holds the tables of a version against themselves. What they share with
// the version before has been compared there.
func (x *check) compareVersion(name string, before, v version) error {
	if before == v || x.masks[v.root] != 0 {
		return x.ctx.Err()
	}
	was, is := x.db.newSnapshot(x.ctx, x.refs.store, before), x.db.newSnapshot(x.ctx, x.refs.store, v)
	for change, err := range prolly.Diff(x.ctx, was.root, is.root, tableKeys) {
		if err != nil {
			return x.ctx.Err() // the version before is damaged, and in the report
		}
		if change.To == nil {
			continue
		}
		if err := x.compareTable(was, is, change); err != nil {
			if x.ctx.Err() != nil {
				return x.ctx.Err()
			}
			x.report.Wrong = append(x.report.Wrong, WrongTable{name, string(change.Key[len(tableKeyPrefix):]), err})
		}
	}
	return nil
}

func (x *check) compareTable(was, is *Snapshot, change prolly.Change) error {
	e, err := decodeTableEntry(change.To)
	if err != nil {
		return err
	}
	key := rightTable{e.rows, e.schema, fmt.Sprint(e.indexes)}
	if x.right[key] {
		return nil
	}
	t, err := is.openTable(e)
	if err != nil {
		return err
	}
	old, err := x.comparable(was, change.From, t)
	if err != nil {
		return err
	}
	if err := x.compareTree(old.rows.tree, t.rows.tree); err != nil {
		return err
	}
	if err := x.compareIndexes(old, t); err != nil {
		return err
	}
	x.right[key] = true
	return nil
}

// comparable returns the table before if it has the same schema and is right, else an
// empty one.
func (x *check) comparable(was *Snapshot, entry []byte, t *tableView) (*tableView, error) {
	if entry != nil {
		e, err := decodeTableEntry(entry)
		if err != nil {
			return nil, err
		}
		if e.schema == t.entry.schema && x.right[rightTable{e.rows, e.schema, fmt.Sprint(e.indexes)}] {
			return was.openTable(e)
		}
	}
	empty := *t
	empty.rows = overlay{tree: prolly.New(t.config, t.store)}
	empty.indexes = make([]overlay, len(t.indexes))
	for i := range empty.indexes {
		empty.indexes[i].tree = prolly.New(indexConfig, t.store)
	}
	return &empty, nil
}

// maxCompared is how many changes are applied to a tree to see what they make of it;
// with more the whole tree is checked.
const maxCompared = 50_000

// compareTree holds a tree against the one that its items make. Where the one before it
// is right, applying what has changed must lead to it.
func (x *check) compareTree(before, is prolly.Tree) error {
	if before.IsEmpty() {
		return prolly.Check(x.ctx, is)
	}
	var edits []prolly.Edit
	for change, err := range prolly.Diff(x.ctx, before, is, prolly.Range{}) {
		if err != nil {
			return err
		}
		if edits = append(edits, prolly.Edit{Key: change.Key, Value: change.To}); len(edits) > maxCompared {
			return prolly.Check(x.ctx, is)
		}
	}
	made, err := before.WithStore(&scratch{reader: x.refs.store}).Apply(x.ctx, edits)
	if err != nil {
		return err
	}
	if made.Hash() != is.Hash() {
		return fmt.Errorf("tree %s has the items of tree %s", is.Hash(), made.Hash())
	}
	return nil
}

// compareIndexes sees that each index has as many entries as the table has rows, among
// them those of all rows that were not looked at before.
func (x *check) compareIndexes(before, is *tableView) error {
	rows, err := is.rows.tree.Count(x.ctx)
	if err != nil {
		return err
	}
	for i := range is.index {
		if err := x.compareTree(before.indexes[i].tree, is.indexes[i].tree); err != nil {
			return fmt.Errorf("index %s: %w", is.index[i].name, err)
		}
		entries, err := is.indexes[i].tree.Count(x.ctx)
		if err == nil && entries != rows && !is.index[i].evaluated {
			err = fmt.Errorf("%d entries for %d rows", entries, rows)
		}
		if err != nil {
			return fmt.Errorf("index %s: %w", is.index[i].name, err)
		}
	}
	for change, err := range prolly.Diff(x.ctx, before.rows.tree, is.rows.tree, prolly.Range{}) {
		if err == nil && change.To != nil {
			err = x.compareEntries(is, change)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compareEntries looks up the index entries of a row.
func (x *check) compareEntries(t *tableView, change prolly.Change) error {
	row, err := t.decode(nil, change.Key, change.To)
	if err != nil {
		return err
	}
	var wrong error
	err = t.moveEntries(x.ctx, change.Key, nil, row, func(i int, key, value []byte) {
		got, ok, err := t.indexes[i].tree.Get(x.ctx, key)
		switch {
		case wrong != nil:
		case err != nil:
			wrong = err
		case !ok || !bytes.Equal(got, value):
			wrong = fmt.Errorf("index %s lacks the entry of row %v", t.index[i].name, row)
		}
	})
	return errors.Join(err, wrong)
}

// scratch is a store whose new chunks are in memory.
type scratch struct {
	reader prolly.Store
	made   map[hash.Hash][]byte
}

func (s *scratch) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if data, ok := s.made[h]; ok {
		return data, nil
	}
	return s.reader.Get(ctx, h)
}

func (s *scratch) Put(_ context.Context, data []byte) (hash.Hash, error) {
	if s.made == nil {
		s.made = map[hash.Hash][]byte{}
	}
	h := hash.Of(data)
	s.made[h] = data
	return h, nil
}
