package vdb

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// Purge says which rows are to be forgotten: removed from every commit, tag and
// working set.
type Purge struct {
	// Table is the table to purge, by a name that it has or had. Empty: every table
	// that has all the columns of Where.
	Table string
	// Where selects rows in which each of these columns has its value, compared as
	// SQL does in that column; nil selects NULL. A column is found by its name of then
	// or by the one that it was made with.
	Where map[string]any
	// Match, if not nil, selects among these the rows for which it returns true. It
	// gets the row as it was, in the column order of then.
	Match func(Row) bool
	// LeaveDangling purges rows that others refer to by a foreign key, which is an
	// error else.
	LeaveDangling bool
	// DryRun changes nothing: the report says what would be purged, without copies.
	DryRun bool
	// Progress is called now and then, with the commits that were rewritten or found
	// to be clean so far and with all that there are.
	Progress func(done, total int)
}

// Purged is what DB.Purge did.
type Purged struct {
	// Rows is how many rows of each table were purged, by the table's first name; a
	// row counts once, however many versions it had.
	Rows map[string]int
	// Commits has the new commit for each that was rewritten: those that had such a
	// row, and all that came after them.
	Commits map[Hash]Hash
	// Copies are the values of purged rows, of 8 bytes or more, that still stand
	// elsewhere: in rows that were not selected, in a view's text, in an R*Tree. Whether they are about the same thing is for people to say.
	Copies []Value
}

// Purge removes rows from all of history, as if they had never been: from each commit
// that a branch, a tag or a remote-tracking branch leads to, from staged and
// working sets. In a table with a primary key a row goes in all of its versions if one
// of them is selected; in a table without one, the versions that are.
//
// The commits that had such a row get new hashes, and so do those that came after;
// others keep theirs. Full-text indexes of such rows are made anew in each version, but
// for those without content (content=”, which cannot be); rows of an R*Tree cannot be
// purged. Asking for an old hash gives an error that names the new one.
// A transfer that was cut begins anew.
//
// What other boxes have cloned is theirs to purge: the same rows purged there give
// the same commits. Until then neither a fetch nor a push brings back here what
// was purged (remote.ErrPurged), and pushing to them needs force.
//
// Then everything is collected, and all that is stored is read to see that no byte of
// the rows is left: ErrNotPurged if one is, because somebody still writes with a snapshot
// from before; run it again. Snapshots that are open keep reading what they had;
// the disk's room is free when they are gone. A database in memory is not collected.
//
// A merge in progress is to be finished or aborted before. ErrNotFound if no
// version has such a row, a *ConstraintError if rows of a working set refer to
// one, see LeaveDangling.
func (db *DB) Purge(ctx context.Context, p Purge) (*Purged, error) {
	purged, err := db.purge(ctx, p)
	return purged, opError("purge", err)
}

func (db *DB) purge(ctx context.Context, p Purge) (*Purged, error) {
	if len(p.Where) == 0 && p.Match == nil {
		return nil, invalidf("it selects all rows; give a condition, or drop the table")
	}
	x := &purge{Purge: p, db: db, ctx: ctx, w: db.blocks.NewWriter()}
	defer x.w.Discard()
	x.forget()
	r, err := db.refs(ctx)
	if err == nil {
		err = x.rewriteAll(r)
	}
	if err == nil && p.DryRun {
		_, err = x.movedRefs(r) // it may be refused
		return &Purged{Rows: x.counts(), Commits: x.moved()}, err
	}
	if err != nil {
		return nil, err
	}
	err = db.update(ctx, x.w, func(_ context.Context, r *refs) error {
		if err := x.rewriteAll(r); err != nil { // what has come meanwhile
			return err
		}
		return x.moveRefs(r)
	})
	if err != nil {
		return nil, err
	}
	copies, err := x.makeSure()
	return &Purged{Rows: x.counts(), Commits: x.moved(), Copies: copies}, err
}

// purge is a Purge at work. It goes over the commits twice, from the oldest on: to find
// the rows, and to make versions without them.
type purge struct {
	Purge
	db  *DB
	ctx context.Context
	w   *nbs.Writer

	order   []hash.Hash           // of all commits, each after its parents
	visited map[hash.Hash]bool    // of order
	ids     map[string]bool       // of tables that have the name on some branch
	rows    map[purgeSpace]keySet // what is to go
	found   int                   // keys in rows
	// Whether any version has a table of the name, and with the columns of Where.
	hasTable, hasColumns bool
	needles              needles // the bytes that are to go

	entries  map[string][]byte        // a table's entry without the rows, by its entry
	derived  map[string][]prolly.Edit // of a virtual table, by what it is and its source's entry
	versions map[version]version
	commits  map[hash.Hash]hash.Hash
}

type keySet map[string]bool

// purgeSpace is a table whose keys are laid out in one way.
type purgeSpace struct{ table, layout string }

// forget begins the second pass anew.
func (x *purge) forget() {
	x.entries, x.derived = map[string][]byte{}, map[string][]prolly.Edit{}
	x.versions, x.commits = map[version]version{}, map[hash.Hash]hash.Hash{}
	if x.rows == nil {
		x.ids = map[string]bool{}
		x.rows, x.visited, x.needles = map[purgeSpace]keySet{}, map[hash.Hash]bool{}, needles{}
	}
}

// rewriteAll makes new commits for all that r leads to, where they need to be new.
func (x *purge) rewriteAll(r *refs) error {
	before := x.found
	if err := x.findAll(r); err != nil {
		return err
	}
	if x.found == 0 {
		return x.nothing()
	}
	if x.found != before {
		x.forget()
	}
	for i, h := range x.order {
		if err := x.rewriteCommit(h); err != nil {
			return fmt.Errorf("commit %s: %w", h, err)
		}
		if x.Progress != nil && (i%progressCommits == 0 || i == len(x.order)-1) {
			x.Progress(i+1, len(x.order))
		}
	}
	return nil
}

// nothing says why there is nothing to purge.
func (x *purge) nothing() error {
	switch {
	case x.hasColumns:
		return fmt.Errorf("no version has such a row: %w", ErrNotFound)
	case x.Table != "" && !x.hasTable:
		return fmt.Errorf("no version has a table %s: %w", x.Table, ErrNotFound)
	}
	columns := strings.Join(slices.Sorted(maps.Keys(x.Where)), " and ")
	if x.Table == "" {
		return fmt.Errorf("no table has a column %s in any version: %w", columns, ErrNotFound)
	}
	return fmt.Errorf("table %s has no column %s in any version: %w", x.Table, columns, ErrNotFound)
}

// progressCommits is after how many commits progress is reported.
const progressCommits = 256

func (x *purge) rewriteCommit(h hash.Hash) error {
	if _, done := x.commits[h]; done {
		return nil
	}
	c, err := loadCommit(x.ctx, x.w, h)
	if err != nil {
		return err
	}
	v, err := x.rewrite(c.version())
	if err != nil {
		return err
	}
	changed := v != c.version()
	d := commitDraft{version: v, message: Message{
		Author: c.Author, Committer: c.Committer, Time: c.Time, CommitTime: c.CommitTime, Text: c.Text,
	}}
	for _, p := range c.Parents {
		changed = changed || x.commits[p] != p
		d.parents = append(d.parents, x.commits[p])
	}
	x.commits[h] = h
	if !changed {
		return nil
	}
	made, err := x.db.storeCommit(x.ctx, x.w, d)
	if err == nil {
		x.commits[h] = made.Hash
	}
	return err
}

// rewrite returns a version without the rows.
func (x *purge) rewrite(v version) (version, error) {
	if is, ok := x.versions[v]; ok {
		return is, nil
	}
	tx := x.db.beginWith(x.ctx, x.w, "", v)
	tables, err := x.tables(tx.Snapshot)
	if err != nil {
		return version{}, err
	}
	var edits []prolly.Edit
	for _, t := range tables {
		was := t.view.entry.encode()
		is, ok := x.entries[t.id+string(was)]
		if !ok {
			if is, err = x.rewriteTable(tx, t); err != nil {
				return version{}, fmt.Errorf("table %s: %w", t.view.schema.Name, err)
			}
			x.entries[t.id+string(was)] = is
		}
		if !bytes.Equal(was, is) {
			edits = append(edits, prolly.Edit{Key: tableKey(t.view.schema.Name), Value: is})
		}
	}
	root, err := prolly.Load(tablesConfig, x.w, v.root).Apply(x.ctx, edits)
	if err != nil {
		return version{}, err
	}
	is := version{root: root.Hash(), ids: v.ids}
	if is, err = x.rederive(is, edits); err != nil {
		return version{}, err
	}
	x.versions[v] = is
	return is, nil
}

// rederive has what virtual tables derive of the tables whose entries were edited made
// anew: the words of purged rows are in full-text indexes as well. Versions in which
// these tables are the same share what is derived.
func (x *purge) rederive(v version, edited []prolly.Edit) (version, error) {
	if len(edited) == 0 {
		return v, nil
	}
	virtual, err := x.db.newSnapshot(x.ctx, x.w, v).virtualTables()
	if err != nil {
		return version{}, err
	}
	for i := range virtual {
		t := &virtual[i]
		at := slices.IndexFunc(edited, func(e prolly.Edit) bool { return bytes.Equal(e.Key, tableKey(t.Source)) })
		if at < 0 {
			continue
		}
		from := t.Name + "\x00" + t.SQL + "\x00" + string(edited[at].Value)
		if x.derived[from] == nil {
			if x.derived[from], err = x.derive(v, t); err != nil {
				return version{}, fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		root, err := prolly.Load(tablesConfig, x.w, v.root).Apply(x.ctx, x.derived[from])
		if err != nil {
			return version{}, err
		}
		v.root = root.Hash()
	}
	return v, nil
}

// derive returns the edits that make what t derives in a version anew.
func (x *purge) derive(v version, t *virtualTable) ([]prolly.Edit, error) {
	made, err := x.db.rebuildVirtual(x.ctx, x.w, v, t.Name)
	if err != nil {
		return nil, err
	}
	root := prolly.Load(tablesConfig, x.w, made.root)
	edits := []prolly.Edit{}
	for _, name := range t.Derived {
		entry, ok, err := root.Get(x.ctx, tableKey(name))
		if err != nil {
			return nil, err
		}
		if ok {
			edits = append(edits, prolly.Edit{Key: tableKey(name), Value: entry})
		}
	}
	sortEdits(edits)
	return edits, nil
}

// rewriteTable returns a table's entry without the rows.
func (x *purge) rewriteTable(tx *Tx, t purgeTable) ([]byte, error) {
	removed := false
	for key := range x.rows[t.space()] {
		rec, ok, err := t.view.rows.get(x.ctx, []byte(key))
		if err == nil && ok && t.view.kind == keyRowid { // no identity: another row may have the same
			ok, err = t.selects(x, []byte(key), rec)
		}
		if err == nil && ok && !removed {
			removed, err = true, t.view.needsEvaluator()
		}
		if err == nil && ok {
			_, _, err = t.view.remove(x.ctx, []byte(key))
		}
		if err != nil {
			return nil, err
		}
	}
	if removed {
		if _, err := t.view.flush(x.ctx); err != nil {
			return nil, err
		}
	}
	return t.view.entry.encode(), nil
}

// movedRef is what a ref is to hold, and how that is set.
type movedRef struct {
	prolly.Edit
	set func(context.Context, prolly.Edit) error
}

// movedRefs returns the refs that are to lead to new commits and versions.
func (x *purge) movedRefs(r *refs) ([]movedRef, error) {
	var moved []movedRef
	for item, err := range r.tree.Items(x.ctx, prolly.Range{}) {
		if err != nil {
			return nil, err
		}
		item = prolly.Item{Key: bytes.Clone(item.Key), Value: bytes.Clone(item.Value)}
		value, set, err := x.movedRef(r, item)
		if err != nil {
			return nil, fmt.Errorf("ref %s: %w", item.Key, err)
		}
		if !bytes.Equal(value, item.Value) {
			moved = append(moved, movedRef{prolly.Edit{Key: item.Key, Value: value}, set})
		}
	}
	return moved, nil
}

// moveRefs has the refs lead to the new commits and versions.
func (x *purge) moveRefs(r *refs) error {
	moved, err := x.movedRefs(r)
	if err != nil {
		return err
	}
	for _, m := range moved {
		if err := m.set(x.ctx, m.Edit); err != nil {
			return fmt.Errorf("ref %s: %w", m.Key, err)
		}
	}
	if err := x.moveGrafts(r); err != nil {
		return err
	}
	return r.noteRewritten(x.ctx, x.moved())
}

// moveGrafts has the new commits know what was squashed before the old ones.
func (x *purge) moveGrafts(r *refs) error {
	set, err := r.loadGrafts(x.ctx)
	if err != nil {
		return err
	}
	changed := false
	for was, is := range x.moved() {
		g := set.byCommit[was]
		if !g.whole() {
			continue
		}
		c, err := loadCommit(x.ctx, x.w, is)
		if err != nil {
			return err
		}
		lines, bare := slices.Clone(g.lines), make([]line, len(g.lines))
		for i, l := range g.lines {
			bare[i].to = l.to
			if to, ok := x.commits[l.to]; ok {
				lines[i].to = to
			}
		}
		set.putLines(is, c.links.depth, c.Parents, lines)
		set.putLines(was, g.depth, g.parents, bare) // it is there until it is collected
		changed = true
	}
	if !changed {
		return nil
	}
	return r.saveGrafts(x.ctx, set)
}

// movedRef returns what a ref is to hold, and what to change it with.
func (x *purge) movedRef(r *refs, item prolly.Item) ([]byte, func(context.Context, prolly.Edit) error, error) {
	switch key := string(item.Key); {
	case strings.HasPrefix(key, headsPrefix):
		value, err := x.movedBranch(item.Value)
		return value, r.edit, err
	case strings.HasPrefix(key, tagsPrefix):
		value, err := x.movedTag(r, key, item.Value)
		return value, r.edit, err
	case strings.HasPrefix(key, transfersPrefix): // begins anew: it may have brought such rows
		return nil, r.edit, nil
	}
	if len(item.Value) != 1+hash.Size { // it names no commit
		return item.Value, nil, nil
	}
	is, ok := x.commits[hash.Hash(item.Value[1:])]
	if !ok {
		return item.Value, nil, nil
	}
	return append([]byte{1}, is[:]...), r.set, nil
}

func (x *purge) movedTag(r *refs, name string, value []byte) ([]byte, error) {
	tag, err := loadTag(x.ctx, r.store, name, value)
	if err != nil || x.commits[tag.Commit] == tag.Commit {
		return value, err
	}
	tag.Commit = x.commits[tag.Commit]
	h, err := x.w.Put(x.ctx, tag.encode())
	return append([]byte{1}, h[:]...), err
}

func (x *purge) movedBranch(value []byte) ([]byte, error) {
	state, err := decodeBranchState(value)
	if err != nil {
		return nil, err
	}
	if !state.merge.IsZero() {
		return nil, fmt.Errorf("commit or abort the merge first: %w", ErrMerging)
	}
	working := state.working
	state.head = x.commits[state.head]
	for _, v := range []*version{&state.working, &state.staged} {
		if *v, err = x.rewrite(*v); err != nil {
			return nil, err
		}
	}
	if !x.LeaveDangling {
		if err := x.db.verifyWritten(x.ctx, x.w, working, state.working); err != nil {
			return nil, err
		}
	}
	return state.encode(), nil
}

// moved returns the commits that have new hashes.
func (x *purge) moved() map[Hash]Hash {
	moved := map[Hash]Hash{}
	for was, is := range x.commits {
		if was != is {
			moved[was] = is
		}
	}
	return moved
}

func (x *purge) counts() map[string]int {
	counts := map[string]int{}
	for space, keys := range x.rows {
		counts[space.table] += len(keys)
	}
	return counts
}

// makeSure collects until nothing of the rows is left, and returns the copies of their
// values that stand elsewhere.
func (x *purge) makeSure() ([]Value, error) {
	x.w.Discard()
	if x.db.path == Memory { // it is not collected
		return nil, nil
	}
	for range purgeAttempts {
		if _, err := x.db.Collect(x.ctx, &CollectOptions{Full: true}); err != nil {
			return nil, err
		}
		left, copies, err := x.look()
		if err != nil || !left {
			return copies, err
		}
	}
	return nil, ErrNotPurged
}

// purgeAttempts is how often it is collected, where others write what they had begun
// before.
const purgeAttempts = 3

// look reads all that is stored. Whatever the refs do not lead to must be free of the
// rows' bytes; whatever they do has been made without the rows, and may hold
// values that others have as well.
func (x *purge) look() (left bool, copies []Value, err error) {
	held := x.db.blocks.HoldSince() // others may collect meanwhile
	defer runtime.KeepAlive(held)
	root, err := x.db.blocks.Root(x.ctx)
	if err != nil {
		return false, nil, err
	}
	live := map[hash.Hash]bool{}
	seen := map[int]bool{}
	if err := x.lookBelow(root, live, seen); err != nil {
		return false, nil, err
	}
	for prefix := range 256 {
		all, err := x.db.blocks.Resolve(x.ctx, fmt.Appendf(nil, "%02x", prefix), int(^uint(0)>>1))
		if err != nil {
			return false, nil, err
		}
		for _, h := range all {
			if live[h] {
				continue
			}
			data, err := x.db.blocks.Get(x.ctx, h)
			if err != nil {
				return false, nil, err
			}
			left = left || x.needles.in(data, func(int) bool { return true })
		}
	}
	return left, x.needles.values(seen), nil
}

func (x *purge) lookBelow(root hash.Hash, live map[hash.Hash]bool, seen map[int]bool) error {
	var refs []hash.Hash
	for stack := []hash.Hash{root}; len(stack) > 0; {
		h := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if h.IsZero() || live[h] {
			continue
		}
		live[h] = true
		data, err := x.db.blocks.Get(x.ctx, h)
		if err != nil {
			return err
		}
		x.needles.in(data, func(value int) bool {
			seen[value] = true
			return false
		})
		if refs, err = x.leadsTo(refs[:0], h, data); err != nil {
			return fmt.Errorf("chunk %s: %w", h, err)
		}
		stack = append(stack, refs...)
	}
	return nil
}

func (x *purge) leadsTo(dst []hash.Hash, h hash.Hash, data []byte) ([]hash.Hash, error) {
	if chunk.KindOf(data) == chunk.Commit {
		return graftsOf(x.w).leadTo(dst, h, data)
	}
	return chunk.References(dst, data)
}
