package vdb

import "context"

// MergeInProgress is a merge that waits to be committed or aborted.
type MergeInProgress struct {
	// Ours is the branch's head, Theirs the commit that is merged into it, and
	// Base their merge base; nil if they share no history.
	Base, Ours, Theirs *Commit
	// Message is what the merge commit will say.
	Message Message
	// Squash: Theirs will be no parent of the commit.
	Squash bool
}

// Merging returns the merge in progress; ErrNotMerging if there is none.
func (b *Branch) Merging(ctx context.Context) (*MergeInProgress, error) {
	m, err := b.merging(ctx)
	return m, opError("read the merge of branch "+b.name, err)
}

func (b *Branch) merging(ctx context.Context) (*MergeInProgress, error) {
	p, err := b.inProgress(ctx)
	if err != nil {
		return nil, err
	}
	defer p.w.Discard()
	m := &MergeInProgress{Message: p.merge.Message, Squash: p.merge.Squash}
	if m.Ours, err = loadCommit(ctx, p.w, p.merge.ours); err != nil {
		return nil, err
	}
	if m.Theirs, err = loadCommit(ctx, p.w, p.merge.theirs); err != nil {
		return nil, err
	}
	m.Base, err = mergeBase(ctx, p.w, m.Ours, m.Theirs)
	return m, err
}
