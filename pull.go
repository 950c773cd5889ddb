package vdb

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb/remote"
)

// ErrUnrelated: two commits have no common ancestor.
var ErrUnrelated = remote.ErrUnrelated

// PullOptions of Pull. The zero value is what most callers want.
type PullOptions struct {
	// Branch of the remote to pull; empty is the one of the same name.
	Branch string
	// Depth and Progress are as in FetchOptions.
	Depth    int
	Progress func(received, total int64)
	// Merge says how to merge; nil is the default.
	Merge *MergeOptions
}

// Pull fetches a branch from a remote and merges it into b. It returns the head
// then; what Merge says of conflicts and uncommitted changes holds here, too.
// ErrUnrelated if the two share no history.
func (b *Branch) Pull(ctx context.Context, remoteName string, o *PullOptions) (*Commit, error) {
	if o == nil {
		o = &PullOptions{}
	}
	from := o.Branch
	if from == "" {
		from = b.name
	}
	op := fmt.Sprintf("pull %s from %s", from, remoteName)
	result, err := b.db.Fetch(ctx, remoteName, &FetchOptions{Branches: []string{from}, Depth: o.Depth, Progress: o.Progress})
	if err != nil {
		return nil, opError(op, err)
	}
	if err := b.mustBeRelated(ctx, result.Branches[0].Head); err != nil {
		return nil, opError(op, err)
	}
	return b.Merge(ctx, remoteName+"/"+from, o.Merge)
}

func (b *Branch) mustBeRelated(ctx context.Context, theirs Hash) error {
	r, err := b.db.refs(ctx)
	if err != nil {
		return err
	}
	state, err := r.branch(ctx, b.name)
	if err != nil {
		return err
	}
	ours, err := loadCommit(ctx, r.store, state.head)
	if err != nil {
		return err
	}
	to, err := loadCommit(ctx, r.store, theirs)
	if err != nil {
		return err
	}
	if base, err := mergeBase(ctx, r.store, ours, to); base != nil || err != nil {
		return err
	}
	return ErrUnrelated
}
