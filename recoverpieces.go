package vdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// pieces reads chunks from what is left of a database, and else from those who have them.
type pieces struct {
	found   *nbs.Salvage
	lenders []*lender
	own     *lender             // what recovery has made again; nil if nothing yet
	missing map[hash.Hash]error // what nobody has
}

// lender is a database that may have what is lost.
type lender struct {
	RecoverSource
	source chunkReader
	root   hash.Hash // of its state, or zero
	gave   map[hash.Hash]bool
	close  []func() error
	// A remote that does not give chunks by their addresses is asked for commits, and came
	// has what they brought.
	far  remote.Remote
	came *nbs.Store
}

var _ prolly.Store = (*pieces)(nil)

// Get returns a chunk, compared with its address.
func (p *pieces) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if err := p.missing[h]; err != nil {
		return nil, err
	}
	data, err := p.found.Get(ctx, h)
	for i := 0; i < len(p.lenders) && err != nil && ctx.Err() == nil; i++ {
		if lent, ok := p.lenders[i].get(ctx, h); ok {
			data, err = lent, nil
		}
	}
	if err != nil && p.own != nil {
		if made, ok := p.own.get(ctx, h); ok {
			data, err = made, nil
		}
	}
	if err != nil && ctx.Err() == nil {
		p.missing[h] = err
	}
	return data, errors.Join(err, ctx.Err())
}

// get returns a chunk if the lender has it.
func (l *lender) get(ctx context.Context, h hash.Hash) ([]byte, bool) {
	data, err := l.source.Get(ctx, h)
	if err == nil && hash.Of(data) != h {
		err = fmt.Errorf("chunk %s came as another one: %w", h, remote.ErrProtocol)
	}
	switch {
	case err == nil:
		l.gave[h] = true
	case !errors.Is(err, nbs.ErrNotFound) && !errors.Is(err, remote.ErrNotFound) && l.Err == nil:
		l.Err = err
	}
	return data, err == nil
}

// Put refuses: it is for reading.
func (p *pieces) Put(context.Context, []byte) (hash.Hash, error) {
	return hash.Hash{}, fmt.Errorf("write a chunk: %w", ErrReadOnly)
}

// stored returns a chunk as it is stored, if it is stored alone.
func (p *pieces) stored(ctx context.Context, h hash.Hash) (nbs.Stored, error) {
	c, err := p.found.Stored(ctx, h)
	if err == nil {
		return c, nil
	}
	data, err := p.Get(ctx, h)
	return nbs.Stored{Hash: h, Payload: data}, err
}

// forget forgets what was missing.
func (p *pieces) forget() { p.missing = map[hash.Hash]error{} }

// lend opens databases that may have what is lost.
func (p *pieces) lend(ctx context.Context, urls []string, o *Options) error {
	for _, url := range urls {
		l := &lender{gave: map[hash.Hash]bool{}}
		p.lenders = append(p.lenders, l)
		if err := l.open(ctx, url, o); err != nil {
			return err
		}
	}
	return nil
}

func (l *lender) open(ctx context.Context, url string, o *Options) (err error) {
	if path, isPath := remote.LocalPath(url); isPath {
		l.URL = path
		return l.openDirectory(ctx, path, o)
	}
	if l.URL, err = remote.StripCredentials(url); err != nil {
		return err
	}
	far, err := remote.Open(ctx, url, o.Remotes)
	if err != nil {
		return err
	}
	l.close = append(l.close, far.Close)
	shown, err := far.Refs(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", l.URL, err)
	}
	l.root = shown.Root
	k, keeps := far.(remote.Keeper)
	if !keeps {
		l.far = far
		return l.makeRoom(ctx)
	}
	source, done, err := k.Keeps(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", l.URL, err)
	}
	l.source, l.close = source, append(l.close, done)
	return nil
}

// openDirectory opens a database that may be damaged itself.
func (l *lender) openDirectory(ctx context.Context, path string, o *Options) error {
	db, err := openStore(ctx, path, &Options{ReadOnly: true, FS: o.FS})
	if err == nil {
		l.source, l.close = db.reader(), append(l.close, db.blocks.Close)
		l.root, err = db.blocks.Root(ctx)
		return err
	}
	if !errors.As(err, new(*DamageError)) {
		return err
	}
	found, err := nbs.OpenSalvage(ctx, path, &nbs.SalvageOptions{FS: o.FS})
	if err == nil {
		l.source, l.close = found, append(l.close, found.Close)
	}
	return err
}

// roots returns the states of the lenders.
func (p *pieces) roots() (roots []hash.Hash) {
	for _, l := range p.lenders {
		if !l.root.IsZero() {
			roots = append(roots, l.root)
		}
	}
	return roots
}

// headsOf returns where a ref is at the lenders.
func (p *pieces) headsOf(ctx context.Context, name string) (heads []hash.Hash) {
	for _, l := range p.lenders {
		if h, err := l.head(ctx, name, p); err == nil && !h.IsZero() {
			heads = append(heads, h)
		}
	}
	return heads
}

func (l *lender) head(ctx context.Context, name string, p *pieces) (hash.Hash, error) {
	if l.far != nil {
		shown, err := l.far.Refs(ctx, name)
		if err != nil || len(shown.Refs) == 0 {
			return hash.Hash{}, err
		}
		return shown.Refs[0].Commit, nil
	}
	r, err := patchedRefs(ctx, p, l.root)
	if err != nil {
		return hash.Hash{}, err
	}
	value, _, err := r.tree.Get(ctx, []byte(name))
	if err != nil {
		return hash.Hash{}, err
	}
	return r.target(ctx, []byte(name), value)
}

// makeRoom makes a place for what is fetched. Nothing in it is ever collected.
func (l *lender) makeRoom(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "vdb-recover-*")
	if err != nil {
		return err
	}
	l.close = append(l.close, func() error { return os.RemoveAll(dir) })
	if l.came, err = nbs.Open(ctx, dir, nil); err != nil {
		return err
	}
	l.source, l.close = l.came, append(l.close, l.came.Close)
	return nil
}

// fetch asks a remote for commits, and keeps of what comes what has its address.
func (l *lender) fetch(ctx context.Context, req remote.FetchRequest) error {
	left := int64(0)
	req.Header = func(h remote.FetchHeader) error {
		left = h.Chunks
		return nil
	}
	im := l.came.NewImport()
	err := l.takeAll(ctx, im, l.far.Fetch(ctx, req), &left)
	release, failed := im.Settle(ctx)
	if failed != nil {
		return errors.Join(err, failed, im.Discard())
	}
	w := im.Writer()
	failed = l.came.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
		return w.Put(ctx, append([]byte{0}, root[:]...))
	})
	return errors.Join(err, failed, release())
}

// Kinds of the chunks of values out of line, see docs/FORMAT.md.
const (
	valueLeaf  chunk.Kind = 3
	valueIndex chunk.Kind = 4
)

// takeAll takes in as many chunks as were announced, and values out of line.
func (l *lender) takeAll(ctx context.Context, im *nbs.Import, chunks iter.Seq2[remote.Chunk, error], left *int64) error {
	for c, err := range chunks {
		if err != nil {
			return err
		}
		data, err := c.Data()
		if err != nil {
			return fmt.Errorf("%w: %w", err, remote.ErrProtocol)
		}
		if kind := chunk.KindOf(data); kind != valueLeaf && kind != valueIndex {
			if *left--; *left < 0 {
				return fmt.Errorf("more chunks came than were announced: %w", remote.ErrProtocol)
			}
		}
		if err := im.Add(ctx, c, data); err != nil {
			return err
		}
	}
	return nil
}

// reports tells what each lender gave.
func (p *pieces) reports() (all []RecoverSource) {
	for _, l := range p.lenders {
		l.Chunks = int64(len(l.gave))
		all = append(all, l.RecoverSource)
	}
	return all
}

func (p *pieces) close() error {
	err := p.found.Close()
	lenders := p.lenders
	if p.own != nil {
		lenders = append(lenders[:len(lenders):len(lenders)], p.own)
	}
	for _, l := range lenders {
		for i := range l.close {
			err = errors.Join(err, l.close[len(l.close)-1-i]())
		}
	}
	return err
}

// leads returns what a chunk consists of: of a commit its contents, not its parents.
func (p *pieces) leads(h hash.Hash, data []byte) ([]hash.Hash, error) {
	if chunk.KindOf(data) != chunk.Commit {
		return chunk.References(nil, data)
	}
	c, err := decodeCommit(h, data)
	if err != nil {
		return nil, err
	}
	var leads []hash.Hash
	for _, part := range []hash.Hash{c.Root, c.ids} {
		if !part.IsZero() {
			leads = append(leads, part)
		}
	}
	return leads, nil
}

func isRoot(data []byte) bool { return chunk.KindOf(data) == chunk.Root }

// lostBlocks has a check look at pieces.
type lostBlocks struct {
	blocks
	pieces *pieces
}

func (b lostBlocks) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	return b.pieces.Get(ctx, h)
}

func (lostBlocks) Stats() nbs.Stats { return nbs.Stats{} }
