package vdb

import (
	"context"

	"github.com/vdbgo/vdb/hash"
)

// Status is where a branch stands.
type Status struct {
	Branch string
	Head   *Commit
	// Tables are those in which the working set differs from the head, by name.
	Tables []TableStatus
	// Merging tells that a merge is in progress.
	Merging bool
}

// TableStatus is a table with uncommitted changes.
type TableStatus struct {
	TableChange
	// Counts is how many rows differ from the head's.
	Counts
}

// IsClean tells that there is nothing to commit.
func (s *Status) IsClean() bool { return len(s.Tables) == 0 && !s.Merging }

// Status returns the branch's head and what its working set has beyond it. The
// cost follows the number of uncommitted changes.
func (b *Branch) Status(ctx context.Context) (*Status, error) {
	s, err := b.status(ctx)
	return s, opError("status of branch "+b.name, err)
}

func (b *Branch) status(ctx context.Context) (*Status, error) {
	state, err := b.state(ctx)
	if err != nil {
		return nil, err
	}
	head, err := loadCommit(ctx, b.db.blocks, state.head)
	if err != nil {
		return nil, err
	}
	s := &Status{Branch: b.name, Head: head, Merging: state.merge != hash.Hash{}}
	d := b.db.at(ctx, head.version()).Diff(b.db.at(ctx, state.working))
	for change, err := range d.Tables() {
		if err != nil {
			return nil, err
		}
		n, err := d.Count(change.Name())
		if err != nil {
			return nil, err
		}
		s.Tables = append(s.Tables, TableStatus{TableChange: change, Counts: n})
	}
	return s, nil
}
