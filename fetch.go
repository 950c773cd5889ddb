package vdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/remote"
)

// FetchOptions of Fetch. The zero value fetches all branches.
type FetchOptions struct {
	// Branches of the remote to fetch; empty is all.
	Branches []string
	// Depth is how many commits of each way through history to fetch, and where a
	// history that was cut nearer is to end now; 0 leaves it where it ends.
	Depth int
	// Prune forgets branches that the remote no longer has.
	Prune bool
	// Progress is called with the chunks that have arrived and those there will be. The
	// total is counted before the first chunk comes, without a look at the leaves of rows:
	// it never shrinks, and may still grow by values of more than 1 KB, which are found
	// there.
	Progress func(received, total int64)
}

// FullDepth is a Depth that brings all of a history that was cut.
const FullDepth = 1 << 30

// FetchResult says what a fetch has found.
type FetchResult struct {
	// Branches are the remote's branches that were fetched, and where they are.
	Branches []RemoteBranch
	// Updated are those of them that were elsewhere, or not known, before.
	Updated []RemoteBranch
	// Pruned are branches that the remote no longer has.
	Pruned []string
	// Tags are those that are new here.
	Tags []string
	// Chunks is how many came.
	Chunks int64
}

// Fetch brings what a remote's branches have and this database does not, and notes
// where they are: RemoteBranches lists that, and REMOTE/BRANCH is a revision. Where all
// branches are fetched, without a Depth, tags come too, unless a tag of that name is
// here. No branch moves.
//
// A transfer that is cut goes on where it was when Fetch is called again.
// ErrNotFound if there is no such remote, or the remote has not one of the branches.
func (db *DB) Fetch(ctx context.Context, remoteName string, o *FetchOptions) (*FetchResult, error) {
	op := "fetch from " + remoteName
	far, err := db.dialRemote(ctx, remoteName)
	if err != nil {
		return nil, opError(op, err)
	}
	result, err := db.fetchFrom(ctx, far, remoteName, o)
	return result, opError(op, errors.Join(err, far.Close()))
}

func (db *DB) fetchFrom(ctx context.Context, far remote.Remote, remoteName string, o *FetchOptions) (*FetchResult, error) {
	if o == nil {
		o = &FetchOptions{}
	}
	f := &fetch{db: db, far: far, remote: remoteName, o: o, result: &FetchResult{}}
	if err := f.look(ctx); err != nil {
		return nil, err
	}
	if err := f.bring(ctx); err != nil {
		return nil, err
	}
	return f.result, nil
}

// fetch is one fetch, pull or clone.
type fetch struct {
	db     *DB
	far    remote.Remote
	remote string
	o      *FetchOptions
	shown  *remote.Refs
	grafts []remote.Graft
	result *FetchResult
	// land moves other refs together with those of the remote; nil moves none.
	land func(ctx context.Context, r *refs) error
}

// look asks where the branches are.
func (f *fetch) look(ctx context.Context) (err error) {
	var names []string
	for _, b := range f.o.Branches {
		names = append(names, headsPrefix+b)
	}
	if f.shown, err = f.far.Refs(ctx, names...); err != nil {
		return err
	}
	for _, ref := range f.shown.Refs {
		name, isBranch := strings.CutPrefix(ref.Name, headsPrefix)
		if !isBranch {
			continue
		}
		if err := checkRefName(name); err != nil {
			return fmt.Errorf("%w: %w", err, remote.ErrProtocol)
		}
		f.result.Branches = append(f.result.Branches, RemoteBranch{Remote: f.remote, Name: name, Head: ref.Hash})
	}
	f.shown.Refs = slices.DeleteFunc(f.shown.Refs, func(ref remote.Ref) bool {
		return f.o.Depth > 0 && strings.HasPrefix(ref.Name, tagsPrefix) // would bring old commits
	})
	for _, b := range f.o.Branches {
		if !slices.ContainsFunc(f.result.Branches, func(have RemoteBranch) bool { return have.Name == b }) {
			return fmt.Errorf("branch %s of %s: %w", b, f.remote, ErrNotFound)
		}
	}
	return nil
}

// bring fetches what is missing, and moves the refs.
func (f *fetch) bring(ctx context.Context) (err error) {
	in, err := f.db.newIntake(ctx, transferID("fetch", f.remote))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	for _, ref := range f.shown.Refs {
		if err := mayCome(ctx, in.purged, ref.Commit); err != nil {
			return fmt.Errorf("%s: %w", ref.Name, err)
		}
	}
	wants, err := f.wants(ctx)
	if err != nil {
		return err
	}
	if len(wants) > 0 {
		if err := f.chunks(ctx, in, wants); err != nil {
			return err
		}
	}
	return in.finish(ctx, f.moveRefs)
}

// wants returns the heads and tags that are not here.
func (f *fetch) wants(ctx context.Context) ([]hash.Hash, error) {
	var wants []hash.Hash
	for _, ref := range f.shown.Refs {
		there, err := f.db.blocks.Has(ctx, ref.Hash)
		if err != nil {
			return nil, err
		}
		if !there || f.o.Depth > 0 {
			wants = append(wants, ref.Hash)
		}
	}
	return slices.Compact(slices.SortedFunc(slices.Values(wants), hash.Hash.Compare)), nil
}

const (
	// fetchAttempts is how often a transfer that is cut is begun again at once, if
	// nothing at all came the last time.
	fetchAttempts = 3
	// fetchPause comes before, and grows.
	fetchPause = 100 * time.Millisecond
)

// chunks brings what the wants lead to, in several attempts if the far end goes away.
func (f *fetch) chunks(ctx context.Context, in *intake, wants []hash.Hash) error {
	for attempt := 1; ; attempt++ {
		err := f.attempt(ctx, in, wants)
		if in.rc != nil {
			f.result.Chunks += in.rc.Count()
			if in.rc.Count() > 0 && f.attempts() > 1 {
				attempt = 1
			}
		}
		if err == nil || !errors.Is(err, remote.ErrInterrupted) || attempt >= f.attempts() || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * fetchPause):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

func (f *fetch) attempts() int {
	if o := f.db.remotes; o != nil && o.Attempts > 0 {
		return o.Attempts
	}
	return fetchAttempts
}

func (f *fetch) attempt(ctx context.Context, in *intake, wants []hash.Hash) error {
	r, err := f.db.refs(ctx)
	if err != nil {
		return err
	}
	req := remote.FetchRequest{Wants: wants, Depth: f.o.Depth, Local: r.source()}
	if req.Haves, err = f.haves(ctx, r); err != nil {
		return err
	}
	req.Haves = append(req.Haves, in.tops...)
	if req.Grafts, err = r.graftList(ctx); err != nil {
		return err
	}
	in.rc = nil
	return in.receive(ctx, req.Grafts, 0, func(ctx context.Context, rc *remote.Receiver) iter.Seq2[remote.Chunk, error] {
		var total atomic.Int64 // the chunks are read by another goroutine
		req.Header = func(h remote.FetchHeader) error {
			f.grafts = h.Grafts
			total.Store(h.Chunks)
			rc.Announce(h.Chunks)
			rc.Cut(h.Grafts)
			in.grafts = append(slices.Clip(in.grafts), h.Grafts...)
			return nil
		}
		req.Progress = total.Store
		if f.o.Progress != nil {
			rc.Progress = func(received int64) { f.o.Progress(received, total.Load()) }
		}
		return f.far.Fetch(ctx, req)
	})
}

const (
	maxHaves     = 256 // heads that are named to the far end
	maxAncestors = 16  // of which farther ancestors are named, too
)

// haves returns commits that the far end may know: where its branches were, heads
// here, and commits farther and farther behind them.
func (f *fetch) haves(ctx context.Context, r *refs) ([]hash.Hash, error) {
	seen := map[hash.Hash]bool{}
	var haves []hash.Hash
	add := func(h hash.Hash) error {
		if h.IsZero() || seen[h] {
			return nil
		}
		there, err := f.db.blocks.Has(ctx, h)
		if err != nil || !there {
			return err
		}
		seen[h] = true
		haves = append(haves, h)
		return nil
	}
	for _, b := range f.result.Branches[:min(len(f.result.Branches), maxHaves)] {
		h, err := r.tracked(ctx, f.remote, b.Name)
		if err == nil {
			err = add(h)
		}
		if err != nil {
			return nil, err
		}
	}
	common, err := f.graftedHaves(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, h := range common {
		if err := add(h); err != nil {
			return nil, err
		}
	}
	for item, err := range r.chosen(ctx, nil) {
		if err != nil || len(haves) >= maxHaves {
			return haves, err
		}
		ref, err := r.shown(ctx, item)
		if err == nil {
			err = add(ref.Commit)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, h := range haves[:min(len(haves), maxAncestors)] {
		if err := farAncestors(ctx, r, h, add); err != nil {
			return nil, err
		}
	}
	return haves, nil
}

// graftedHaves returns commits that the far end has grafts of, and that are here: the
// newest ones. What it has squashed it may not know, even if that is where branches are
// here.
func (f *fetch) graftedHaves(ctx context.Context, r *refs) ([]hash.Hash, error) {
	var common []*Commit
	for _, g := range f.shown.Grafts {
		there, err := r.source().Has(ctx, g.Commit)
		if err != nil {
			return nil, err
		}
		if !there || graftsOf(r.store).isSquashed(g.Commit) {
			continue
		}
		c, err := loadCommit(ctx, r.store, g.Commit)
		if err != nil {
			return nil, err
		}
		common = append(common, c)
	}
	slices.SortFunc(common, func(a, b *Commit) int { return cmp.Compare(b.Height, a.Height) })
	var newest []hash.Hash
	for _, c := range common[:min(len(common), maxAncestors)] {
		newest = append(newest, c.Hash)
	}
	return newest, nil
}

// farAncestors calls add with ancestors of a commit in growing distances.
func farAncestors(ctx context.Context, r *refs, h hash.Hash, add func(hash.Hash) error) error {
	for {
		c, err := loadCommit(ctx, r.store, h)
		if err != nil {
			return err
		}
		h = c.links.jump
		there, err := r.source().Has(ctx, h)
		if err != nil || !there {
			return err
		}
		if err := add(h); err != nil {
			return err
		}
	}
}

// moveRefs notes where the remote's branches are, and its tags.
func (f *fetch) moveRefs(ctx context.Context, r *refs) error {
	f.result.Updated, f.result.Tags, f.result.Pruned = nil, nil, nil // an update may run twice
	if err := f.db.addGrafts(ctx, r, f.grafts); err != nil {
		return err
	}
	for _, b := range f.result.Branches {
		was, err := r.tracked(ctx, f.remote, b.Name)
		if err != nil {
			return err
		}
		if was == b.Head {
			continue
		}
		if _, err := loadCommit(ctx, r.store, b.Head); err != nil {
			return fmt.Errorf("branch %s of %s did not come: %w: %w", b.Name, f.remote, err, remote.ErrProtocol)
		}
		if err := r.setTracked(ctx, f.remote, b.Name, b.Head); err != nil {
			return err
		}
		f.result.Updated = append(f.result.Updated, b)
	}
	if err := f.takeTags(ctx, r); err != nil {
		return err
	}
	if f.o.Prune && len(f.o.Branches) == 0 {
		if err := f.prune(ctx, r); err != nil {
			return err
		}
	}
	if f.land != nil {
		return f.land(ctx, r)
	}
	return nil
}

// takeTags takes over the tags whose names are free.
func (f *fetch) takeTags(ctx context.Context, r *refs) error {
	for _, ref := range f.shown.Refs {
		name, isTag := strings.CutPrefix(ref.Name, tagsPrefix)
		if !isTag {
			continue
		}
		if err := checkRefName(name); err != nil {
			return fmt.Errorf("%w: %w", err, remote.ErrProtocol)
		}
		if err := r.mustBeFree(ctx, tagsPrefix, name); errors.Is(err, ErrExists) {
			continue
		} else if err != nil {
			return err
		}
		if err := r.moveTag(ctx, name, ref.Hash); err != nil {
			return err
		}
		f.result.Tags = append(f.result.Tags, name)
	}
	return nil
}

// prune forgets branches that are no longer shown.
func (f *fetch) prune(ctx context.Context, r *refs) error {
	tracked, err := r.trackedBranches(ctx, f.remote)
	if err != nil {
		return err
	}
	for _, b := range f.result.Branches {
		delete(tracked, b.Name)
	}
	for name := range tracked {
		if err := r.setTracked(ctx, f.remote, name, hash.Hash{}); err != nil {
			return err
		}
		f.result.Pruned = append(f.result.Pruned, name)
	}
	slices.Sort(f.result.Pruned)
	return nil
}
