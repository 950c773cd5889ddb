package vdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vdbgo/vdb/remote"
)

// CloneOptions of Clone. The zero value clones all there is.
type CloneOptions struct {
	// Branches to clone; empty is all. Of one branch nothing comes that only others
	// have.
	Branches []string
	// Depth is how many commits of each way through history come; 0 is all.
	Depth int
	// Remote is what to call the database that was cloned; empty is DefaultRemote.
	Remote string
	// Progress is as in FetchOptions.
	Progress func(received, total int64)
	// Open has the options for opening the clone; its Remotes also say how to reach
	// what is cloned.
	Open *Options
}

// Clone makes a database in the directory path of what the one at a URL shows: its
// branches with their history, and its tags. Working sets are not cloned: a branch
// begins at its head. The URL, without credentials, becomes a remote, for Fetch, Push
// and Pull. A database always has a main branch: if none of the cloned ones is called
// so, it is made where the first of them is.
//
// The directory must be missing, empty, or hold a clone that was cut: that goes on
// where it was. ErrExists if it holds a database.
func Clone(ctx context.Context, url, path string, o *CloneOptions) (*DB, error) {
	op := "clone to " + path
	if o == nil {
		o = &CloneOptions{}
	}
	c := &cloning{CloneOptions: *o, url: url}
	if c.Open == nil {
		c.Open = &Options{}
	}
	if c.Remote == "" {
		c.Remote = DefaultRemote
	}
	db, err := c.run(ctx, path)
	return db, opError(op, err)
}

// cloning is one clone.
type cloning struct {
	CloneOptions
	url string // with credentials
}

func (c *cloning) run(ctx context.Context, path string) (_ *DB, err error) {
	kept, err := remote.StripCredentials(c.url)
	if err == nil {
		err = checkRemoteName(c.Remote)
	}
	if err != nil {
		return nil, err
	}
	far, err := dial(ctx, c.url, c.Open.Remotes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, far.Close()) }()
	f := &fetch{far: far, remote: c.Remote, o: &FetchOptions{Branches: c.Branches, Depth: c.Depth, Progress: c.Progress}, result: &FetchResult{}}
	if err := f.look(ctx); err != nil { // before a directory is made
		return nil, err
	}
	if len(f.result.Branches) == 0 {
		return nil, fmt.Errorf("it shows no branch: %w", ErrNotFound)
	}
	if f.db, err = openStore(ctx, path, c.Open); err != nil {
		return nil, err
	}
	f.land = func(ctx context.Context, r *refs) error {
		if err := r.setPlace(ctx, remotePrefix, Remote{Name: c.Remote, URL: kept}); err != nil {
			return err
		}
		return f.makeBranches(ctx, r)
	}
	if err := c.fill(ctx, f); err != nil {
		return nil, errors.Join(err, f.db.Close())
	}
	return f.db, nil
}

// fill brings all into the empty database.
func (c *cloning) fill(ctx context.Context, f *fetch) error {
	r, err := f.db.refs(ctx)
	if err != nil {
		return err
	}
	if whole, err := r.hasBranches(ctx); whole || err != nil {
		return orExists(err, "a database")
	}
	if grafts, err := r.graftList(ctx); err != nil {
		return err
	} else if len(grafts) > 0 && f.o.Depth == 0 { // the clone that was cut was to have less
		f.o.Depth = FullDepth
	}
	return f.bring(ctx)
}

// hasBranches tells whether there is a branch: if not, nothing but what came of a clone
// that was cut.
func (r *refs) hasBranches(ctx context.Context) (bool, error) {
	for _, err := range r.names(ctx, headsPrefix) {
		return err == nil, err
	}
	return false, nil
}

// makeBranches makes a branch of each that was fetched.
func (f *fetch) makeBranches(ctx context.Context, r *refs) error {
	branches := slices.Clone(f.result.Branches)
	if !slices.ContainsFunc(branches, func(b RemoteBranch) bool { return b.Name == MainBranch }) {
		first := branches[0]
		if len(f.o.Branches) > 0 {
			first = branches[slices.IndexFunc(branches, func(b RemoteBranch) bool { return b.Name == f.o.Branches[0] })]
		}
		branches = append(branches, RemoteBranch{Name: MainBranch, Head: first.Head})
	}
	for _, b := range branches {
		head, err := loadCommit(ctx, r.store, b.Head)
		if err != nil {
			return err
		}
		if err := r.setBranch(ctx, b.Name, cleanState(head)); err != nil {
			return err
		}
	}
	return nil
}
