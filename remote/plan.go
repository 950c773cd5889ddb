package remote

import (
	"context"
	"errors"
	"iter"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
)

// Plan is what a sender has to send: all that a receiver wants and does not have.
// Each chunk comes after all that it leads to, commits after their parents. The
// order is the same whenever the same plan is made.
//
// Which commits are missing is exact. Of a commit's trees a plan has what differs
// from the trees of its parents and of some commits that the receiver has; so a node
// that only a farther commit has in common may travel needlessly.
//
// A plan remembers every address that it has sent but those of leaves, some 60
// bytes for each.
type Plan struct {
	source  Source
	graftAt GraftFunc
	req     FetchRequest
}

// Source is what a plan reads chunks from.
type Source interface {
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
	Has(ctx context.Context, h hash.Hash) (bool, error)
	// Stored returns a chunk as it is stored.
	Stored(ctx context.Context, h hash.Hash) (Chunk, error)
	// StoredAll is Stored for several chunks, which it returns in their order.
	StoredAll(ctx context.Context, hashes []hash.Hash) ([]Chunk, error)
}

// GraftFunc tells whether the source has a graft at a commit, and which.
type GraftFunc func(ctx context.Context, commit hash.Hash) (Graft, bool, error)

// NewPlan returns the plan that answers req. graftAt may be nil: the source then
// has every commit's parents.
func NewPlan(source Source, graftAt GraftFunc, req FetchRequest) *Plan {
	if graftAt == nil {
		graftAt = func(context.Context, hash.Hash) (Graft, bool, error) { return Graft{}, false, nil }
	}
	return &Plan{source: source, graftAt: graftAt, req: req}
}

// Header goes through the plan without reading the leaves of rows, and returns
// what precedes the chunks.
func (p *Plan) Header(ctx context.Context) (FetchHeader, error) {
	w := p.walker(ctx)
	if err := w.run(); err != nil {
		return FetchHeader{}, err
	}
	return FetchHeader{Chunks: w.count, Grafts: w.grafts}, nil
}

var errStopped = errors.New("the receiver has heard enough")

// Chunks yields the chunks. more, if not nil, is told of values out of line as
// they are found: Header has not counted them.
func (p *Plan) Chunks(ctx context.Context, more func(chunks int64)) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		w := p.walker(ctx)
		w.more = more
		w.send = func(c Chunk) error {
			if !yield(c, nil) {
				return errStopped
			}
			return nil
		}
		if err := w.run(); err != nil && !errors.Is(err, errStopped) {
			yield(Chunk{}, err)
		}
	}
}

// Serve answers the request: it yields the chunks after it has told req of the header,
// and tells of the total as values out of line are found.
func (p *Plan) Serve(ctx context.Context) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		header, err := p.Header(ctx)
		if err == nil && p.req.Header != nil {
			err = p.req.Header(header)
		}
		if err != nil {
			yield(Chunk{}, err)
			return
		}
		total := header.Chunks
		p.Chunks(ctx, func(more int64) {
			total += more
			if p.req.Progress != nil {
				p.req.Progress(total)
			}
		})(yield)
	}
}

// walker goes through a plan once.
type walker struct {
	*Plan
	ctx     context.Context
	send    func(Chunk) error // nil: only count
	more    func(int64)
	count   int64
	sent    map[hash.Hash]struct{} // or had by the receiver, with all below
	history history
	grafts  []Graft
	room    []byte      // of the chunk that is looked at
	olds    []hash.Hash // trees of commits that the receiver has, for comparison
}

//go:noinline // a program is smaller by its copies
func (p *Plan) walker(ctx context.Context) *walker {
	return &walker{Plan: p, ctx: ctx, sent: map[hash.Hash]struct{}{}, history: newHistory(p.req.Grafts)}
}

// The crossings from the leaf of one tree to the trees that it refers to, until
// leaves have nothing but rows.
const (
	belowRoot   = 2 // refs, root values, rows
	belowCommit = 1 // root values, rows
	belowTable  = 0
)

func (w *walker) run() error {
	olds, err := w.takeHaves()
	if err != nil {
		return err
	}
	var commits, others []hash.Hash
	for _, h := range w.req.Wants {
		c, err := w.commitBehind(h)
		if err != nil {
			return err
		}
		if !c.IsZero() {
			commits = append(commits, c)
		}
		if c != h {
			others = append(others, h)
		}
	}
	if err := w.commits(commits); err != nil {
		return err
	}
	return w.forest(others, olds, belowRoot)
}

// commitBehind returns the commit that a commit or a tag stands for; zero for
// other chunks.
func (w *walker) commitBehind(h hash.Hash) (hash.Hash, error) {
	data, err := w.source.Get(w.ctx, h)
	if err != nil {
		return hash.Hash{}, err
	}
	switch chunk.KindOf(data) {
	case chunk.Commit:
		return h, nil
	case chunk.Tag:
		refs, err := chunk.References(nil, data)
		if err != nil || len(refs) != 1 {
			return hash.Hash{}, err
		}
		return refs[0], nil
	}
	return hash.Hash{}, nil
}

// takeHaves notes what the receiver has, and returns the store roots among it.
func (w *walker) takeHaves() (roots []hash.Hash, err error) {
	for _, h := range w.req.Haves {
		found, err := w.source.Has(w.ctx, h)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		data, err := w.source.Get(w.ctx, h)
		if err != nil {
			return nil, err
		}
		switch chunk.KindOf(data) {
		case chunk.Commit:
			err = w.has(h, data)
		case chunk.Root:
			roots = append(roots, h)
			err = w.hasAllOf(data)
		default:
			w.sent[h] = struct{}{}
			err = w.hasTagged(data)
		}
		if err != nil {
			return nil, err
		}
	}
	return roots, nil
}

// hasTagged notes the commit of a chunk that is a tag.
func (w *walker) hasTagged(data []byte) error {
	if chunk.KindOf(data) != chunk.Tag {
		return nil
	}
	refs, err := chunk.References(nil, data)
	if err != nil {
		return err
	}
	return w.hasCommits(refs)
}

// maxOlds is how many trees a tree is compared with at most.
const maxOlds = 8

// has notes that the receiver has a commit.
func (w *walker) has(h hash.Hash, data []byte) error {
	c, err := decodeCommit(h, data)
	if err != nil {
		return err
	}
	if len(w.olds) < maxOlds {
		w.olds = append(w.olds, c.trees()...)
	}
	w.history.have(c)
	return nil
}

// hasCommits notes those of the chunks that are commits.
func (w *walker) hasCommits(refs []hash.Hash) error {
	for _, h := range refs {
		data, err := w.source.Get(w.ctx, h)
		if err == nil && chunk.KindOf(data) == chunk.Commit {
			err = w.has(h, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hasAllOf notes the commits that a store root's refs lead to.
func (w *walker) hasAllOf(root []byte) error {
	refs, err := chunk.References(nil, root)
	if err != nil || len(refs) == 0 {
		return err
	}
	return w.hasRefs(refs[0])
}

// hasRefs notes the commits below a node of the tree of refs.
func (w *walker) hasRefs(node hash.Hash) error {
	data, err := w.source.Get(w.ctx, node)
	if err != nil {
		return err
	}
	refs, err := chunk.References(nil, data)
	if err != nil {
		return err
	}
	if levelOf(data) == 0 {
		return w.hasCommits(refs)
	}
	for _, h := range refs {
		if err := w.hasRefs(h); err != nil {
			return err
		}
	}
	return nil
}
