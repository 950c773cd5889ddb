package vdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// Hash addresses a commit or a root value. It prints as git's do: 40 lower-case
// hexadecimal digits.
type Hash = hash.Hash

// Commit is a version in a database's history. It is immutable.
type Commit struct {
	Hash Hash
	// Root addresses the contents: equal contents have equal roots.
	Root Hash
	// Parents are the commits it was made from: none for the first, two for a merge.
	// Where history was cut, they are those of them that there are. Where commits were
	// squashed, they are the next ones that were kept.
	Parents []Hash
	// Squashed is what was taken out between the commit and its parents; nil if
	// nothing was. What the commit changed against its parent includes all of that.
	Squashed *Squashed
	Author   string
	Time     time.Time // when the author made the change
	// Committer and CommitTime say who put it into this history, and when.
	Committer  string
	CommitTime time.Time
	Text       string
	// Height is the length of the longest way to a commit without parents.
	Height uint64

	ids   hash.Hash
	links links
}

// links lead from a commit to far ancestors, so that HEAD~1000 and merge bases
// need not walk every commit.
type links struct {
	// depth counts the first parents down to the first commit.
	depth uint64
	// jump is an ancestor by first parents at a depth that depends on the
	// commit's depth alone, such that log(n) jumps and parents lead to any
	// ancestor (E. W. Myers, An applicative random-access stack, 1983).
	jump      hash.Hash
	jumpDepth uint64
	// oldest is the earliest commit time between the commit and jump, both
	// included, in microseconds: times need not fall on the way back.
	oldest int64
	// run is the next ancestor that is a merge or has no parents; zero is the
	// commit itself.
	run       hash.Hash
	runHeight uint64
}

// Message says what a commit records, and who made it.
type Message struct {
	// Author is "Name <mail>"; empty is the committer or, failing that, "unknown".
	Author string
	Text   string
	// Time is when the author made the change; zero is now.
	Time time.Time
	// Committer and CommitTime default to Author and Time.
	Committer  string
	CommitTime time.Time
	// AllowEmpty permits a commit that changes nothing.
	AllowEmpty bool
	// Amend replaces the branch's head instead of following it. An empty Author
	// or Text, and a zero Time, are then taken from it.
	Amend bool
	// Tables limits the commit to some tables; the changes of others stay
	// uncommitted. A table that was renamed is named by both its names. If a rule
	// would be broken a *ConstraintError lists the rows. Empty is all tables.
	Tables []string
}

const (
	systemAuthor  = "vdb"
	unknownAuthor = "unknown"
)

// version returns the contents of the commit.
//
//go:noinline // a program is smaller by its copies
func (c *Commit) version() version { return version{root: c.Root, ids: c.ids} }

// Short returns the first ten digits of the commit's hash.
func (c *Commit) Short() string { return c.Hash.String()[:10] }

// Subject returns the first line of the commit's text.
func (c *Commit) Subject() string {
	line, _, _ := strings.Cut(c.Text, "\n")
	return line
}

// Commit records the working set in history and returns the new commit.
// ErrNothingToCommit if there is no change, ErrMerging if conflicts remain.
func (b *Branch) Commit(ctx context.Context, m Message) (*Commit, error) {
	var made *Commit
	w := b.db.blocks.NewWriter()
	err := b.db.update(ctx, w, func(ctx context.Context, r *refs) error {
		state, err := r.branch(ctx, b.name)
		if err != nil {
			return err
		}
		if made, err = b.db.commitState(ctx, r.store, &state, m); err != nil {
			return err
		}
		return r.setBranch(ctx, b.name, state)
	})
	if err != nil {
		return nil, opError("commit on branch "+b.name, err)
	}
	return made, nil
}

// commitState makes the commit that m asks for and moves state to it.
func (db *DB) commitState(ctx context.Context, s prolly.Store, state *branchState, m Message) (*Commit, error) {
	head, err := loadCommit(ctx, s, state.head)
	if err != nil {
		return nil, err
	}
	draft := commitDraft{message: m, version: state.working, parents: []hash.Hash{state.head}}
	if len(m.Tables) > 0 {
		if draft.version, err = db.pickTables(ctx, s, head.version(), state.working, m.Tables); err != nil {
			return nil, err
		}
	}
	if err := draft.finishMerge(ctx, db, s, state); err != nil {
		return nil, err
	}
	if m.Amend {
		draft.amend(head)
	}
	if !m.AllowEmpty && !m.Amend && len(draft.parents) == 1 && draft.version == head.version() {
		return nil, ErrNothingToCommit
	}
	made, err := db.storeCommit(ctx, s, draft)
	if err != nil {
		return nil, err
	}
	state.head, state.staged, state.merge = made.Hash, made.version(), hash.Hash{}
	return made, nil
}

// finishMerge makes the draft the commit of the merge in progress, if there is one.
func (d *commitDraft) finishMerge(ctx context.Context, db *DB, s prolly.Store, state *branchState) error {
	if state.merge.IsZero() {
		return nil
	}
	m, err := loadMergeState(ctx, s, state.merge)
	if err != nil {
		return err
	}
	if err := m.settled(ctx, db, s, state.working); err != nil {
		return err
	}
	if len(d.message.Tables) > 0 || d.message.Amend {
		return fmt.Errorf("it is committed as a whole: %w", ErrMerging)
	}
	m.describe(d)
	return nil
}

// pickTables returns head with the named tables as they are in working. What
// that leaves out must not break a rule.
func (db *DB) pickTables(ctx context.Context, s prolly.Store, head, working version, tables []string) (version, error) {
	from := prolly.Load(tablesConfig, s, working.root)
	to := prolly.Load(tablesConfig, s, head.root)
	var edits []prolly.Edit
	for _, name := range tables {
		entry, inWorking, err := from.Get(ctx, tableKey(name))
		if err != nil {
			return version{}, err
		}
		_, inHead, err := to.Get(ctx, tableKey(name))
		if err != nil {
			return version{}, err
		}
		if !inWorking && !inHead {
			return version{}, fmt.Errorf("table %s: %w", name, ErrNotFound)
		}
		edits = append(edits, prolly.Edit{Key: tableKey(name), Value: entry})
	}
	sortEdits(edits)
	edits = slices.CompactFunc(edits, func(a, b prolly.Edit) bool { return string(a.Key) == string(b.Key) })
	tree, err := to.Apply(ctx, edits)
	if err != nil {
		return version{}, err
	}
	ids, err := pickIdentities(ctx, s, head.ids, working.ids, tables)
	if err != nil {
		return version{}, err
	}
	picked := version{root: tree.Hash(), ids: ids}
	if err := db.mustBeWholeTables(ctx, s, picked); err != nil {
		return version{}, err
	}
	return picked, db.verify(ctx, s, head, picked)
}

// mustBeWholeTables refuses a version that has one table twice, under the names
// that it had before and after it was renamed.
func (db *DB) mustBeWholeTables(ctx context.Context, s prolly.Store, v version) error {
	if v.ids.IsZero() {
		return nil
	}
	ids, err := loadIdentities(ctx, s, v.ids)
	if err != nil {
		return err
	}
	names, err := db.newSnapshot(ctx, s, v).Tables()
	if err != nil {
		return err
	}
	called := map[string]string{}
	for _, name := range names {
		id := ids.table(name)
		if other, twice := called[id]; twice {
			return invalidf("tables %s and %s are one that was renamed; commit both", other, name)
		}
		called[id] = name
	}
	return nil
}

// pickIdentities returns head's identities with those of the named tables as
// they are in working.
func pickIdentities(ctx context.Context, s prolly.Store, head, working hash.Hash, tables []string) (hash.Hash, error) {
	if head == working {
		return head, nil
	}
	from, err := loadIdentities(ctx, s, working)
	if err != nil {
		return hash.Hash{}, err
	}
	to, err := loadIdentities(ctx, s, head)
	if err != nil {
		return hash.Hash{}, err
	}
	to = to.clone()
	for _, name := range tables {
		to.put(name, from.clone().Tables[fold(name)])
	}
	return to.store(ctx, s)
}

// commitDraft is a commit that is about to be made.
type commitDraft struct {
	message Message
	version version
	parents []hash.Hash
	forward *Commit // the commit is there already
}

// amend puts the draft in the place of head.
func (d *commitDraft) amend(head *Commit) {
	d.parents = head.Parents
	m := &d.message
	if m.Author == "" {
		m.Author = head.Author
	}
	if m.Text == "" {
		m.Text = head.Text
	}
	if m.Time.IsZero() {
		m.Time = head.Time
	}
}

// storeCommit writes a commit.
func (db *DB) storeCommit(ctx context.Context, s prolly.Store, d commitDraft) (*Commit, error) {
	c := &Commit{Root: d.version.root, ids: d.version.ids, Parents: d.parents, Text: d.message.Text}
	db.sign(c, d.message)
	if err := c.link(ctx, s); err != nil {
		return nil, err
	}
	var err error
	c.Hash, err = s.Put(ctx, c.encode())
	return c, err
}

// sign fills in who made the commit, and when.
func (db *DB) sign(c *Commit, m Message) {
	c.Author, c.Committer, c.Time, c.CommitTime = m.Author, m.Committer, m.Time, m.CommitTime
	if c.Author == "" {
		c.Author = m.Committer
	}
	if c.Author == "" {
		c.Author = unknownAuthor
	}
	if c.Committer == "" {
		c.Committer = c.Author
	}
	if c.Time.IsZero() {
		c.Time = db.now()
	}
	if c.CommitTime.IsZero() {
		c.CommitTime = c.Time
	}
	c.Time, c.CommitTime = c.Time.UTC().Truncate(time.Microsecond), c.CommitTime.UTC().Truncate(time.Microsecond)
}

// link computes the commit's height and links from its parents'.
func (c *Commit) link(ctx context.Context, s prolly.Store) error {
	for i, h := range c.Parents {
		p, err := loadCommit(ctx, s, h)
		if err != nil {
			return err
		}
		c.Height = max(c.Height, p.Height+1)
		if i == 0 {
			if err := c.linkFirst(ctx, s, p); err != nil {
				return err
			}
		}
	}
	if len(c.Parents) == 0 {
		c.links.oldest = c.CommitTime.UnixMicro()
	}
	if len(c.Parents) != 1 {
		c.links.run, c.links.runHeight = hash.Hash{}, c.Height
	}
	return nil
}

func (c *Commit) linkFirst(ctx context.Context, s prolly.Store, p *Commit) error {
	l := &c.links
	l.depth = p.links.depth + 1
	l.run, l.runHeight = p.links.run, p.links.runHeight
	if l.run.IsZero() {
		l.run = p.Hash
	}
	l.jump, l.jumpDepth = p.Hash, p.links.depth
	l.oldest = min(c.CommitTime.UnixMicro(), p.CommitTime.UnixMicro())
	barrier := barrierOf(s) // a new commit leads over no graft
	if p.links.jump.IsZero() || p.links.jumpDepth < barrier {
		return nil
	}
	q, err := loadCommit(ctx, s, p.links.jump)
	if err != nil {
		return err
	}
	if !q.links.jump.IsZero() && q.links.jumpDepth >= barrier && p.links.depth-q.links.depth == q.links.depth-q.links.jumpDepth {
		l.jump, l.jumpDepth = q.links.jump, q.links.jumpDepth
		l.oldest = min(l.oldest, p.links.oldest, q.links.oldest)
	}
	return nil
}

// encode lays a commit out as a chunk: the addresses of root, identities, jump,
// run and parents, then the numbers and texts.
func (c *Commit) encode() []byte {
	addresses := append([]hash.Hash{c.Root, c.ids, c.links.jump, c.links.run}, c.Parents...)
	var p []byte
	for _, n := range []uint64{c.Height, c.links.depth, c.links.jumpDepth, c.links.runHeight} {
		p = binary.AppendUvarint(p, n)
	}
	p = binary.AppendVarint(p, c.Time.UnixMicro())
	p = binary.AppendVarint(p, c.CommitTime.UnixMicro())
	p = binary.AppendVarint(p, c.links.oldest)
	for _, text := range []string{c.Author, c.Committer, c.Text} {
		p = appendString(p, text)
	}
	return chunk.Encode(chunk.Commit, addresses, p)
}

func decodeCommit(h hash.Hash, data []byte) (*Commit, error) {
	addresses, payload, err := chunk.Decode(chunk.Commit, data)
	if err != nil {
		return nil, err
	}
	if len(addresses) < 4 {
		return nil, fmt.Errorf("it has %d addresses", len(addresses))
	}
	f := fields{data: payload}
	c := &Commit{Hash: h, Root: addresses[0], ids: addresses[1], Parents: addresses[4:], Height: f.uint()}
	c.links = links{jump: addresses[2], run: addresses[3], depth: f.uint(), jumpDepth: f.uint(), runHeight: f.uint()}
	c.Time, c.CommitTime = time.UnixMicro(f.int()).UTC(), time.UnixMicro(f.int()).UTC()
	c.links.oldest = f.int()
	c.Author, c.Committer, c.Text = f.string(), f.string(), f.string()
	return c, f.end()
}

// chunkReader reads chunks.
type chunkReader interface {
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
}

// loadCommit reads a commit. Its parents are those that there are, see graftsKey.
func loadCommit(ctx context.Context, s chunkReader, h hash.Hash) (*Commit, error) {
	data, err := s.Get(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	c, err := decodeCommit(h, data)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	if set := graftsOf(s); set != nil {
		if g, cut := set.byCommit[h]; cut {
			c.Parents, c.Squashed = g.parents, g.squashed
		}
	}
	return c, nil
}
