package vdb

import (
	"context"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

type mergeState struct{}

func loadMergeState(ctx context.Context, s chunkReader, h hash.Hash) (*mergeState, error) {
	return nil, nil
}
func (m *mergeState) open() bool                          { return false }
func (m *mergeState) describe(d *commitDraft)             {}
func conflictAddresses(value []byte, offsets []int) []int { return offsets }

type merger struct {
	db                 *DB
	ctx                context.Context
	store              prolly.Store
	base, ours, theirs version
	theirsLater        bool
}

func (m *merger) run() (version, error)    { return version{}, nil }
func (m *merger) conflictList() []Conflict { return nil }
