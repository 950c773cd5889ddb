package bucket

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/remote"
)

// Fetch implements remote.Remote. The plan is made here, from the bucket's tables.
func (b *Bucket) Fetch(ctx context.Context, req remote.FetchRequest) iter.Seq2[remote.Chunk, error] {
	return func(yield func(remote.Chunk, error) bool) {
		if err := b.fetch(ctx, req, yield); err != nil {
			yield(remote.Chunk{}, fmt.Errorf("bucket: fetch: %w", err))
		}
	}
}

func (b *Bucket) fetch(ctx context.Context, req remote.FetchRequest, yield func(remote.Chunk, error) bool) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m, err := b.load(ctx)
	if err != nil {
		return err
	}
	s, err := b.newSource(ctx, m, req.Local)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if m.wantsAll(req) {
		wait := s.warm(ctx)
		defer wait()
		defer cancel()
	}
	for c, err := range remote.NewPlan(s, m.graftAt, req).Serve(ctx) {
		if err != nil {
			return err
		}
		if !yield(c, nil) {
			return nil
		}
	}
	return nil
}

// Keeps implements remote.Keeper.
func (b *Bucket) Keeps(ctx context.Context) (remote.Source, func() error, error) {
	m, err := b.load(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("bucket: read chunks: %w", err)
	}
	s, err := b.newSource(ctx, m, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("bucket: read chunks: %w", err)
	}
	return s, s.close, nil
}

// wantsAll tells whether a request is for all that there is: whole tables are to be
// read then.
func (m *manifest) wantsAll(req remote.FetchRequest) bool {
	if len(req.Haves) > 0 || req.Depth > 0 {
		return false
	}
	wanted := func(h hash.Hash) bool { return slices.Contains(req.Wants, h) }
	if !m.Root.IsZero() && wanted(m.Root) {
		return true
	}
	for _, ref := range m.Refs {
		if !wanted(ref.Hash) {
			return false
		}
	}
	return true
}
