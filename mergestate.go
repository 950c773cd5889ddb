package vdb

import (
	"context"

	"github.com/vdbgo/vdb/hash"
)

type mergeState struct{}

func loadMergeState(ctx context.Context, s chunkReader, h hash.Hash) (*mergeState, error) {
	return nil, nil
}
func (m *mergeState) open() bool                          { return false }
func (m *mergeState) describe(d *commitDraft)             {}
func conflictAddresses(value []byte, offsets []int) []int { return offsets }
