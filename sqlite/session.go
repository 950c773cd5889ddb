package sqlite

import (
	"context"

	"github.com/vdbgo/vdb"
)

// session is what the functions and system tables of one connection know of it.
// It is used by one goroutine at a time, as its connection is.
type session struct {
	db *vdb.DB
	// branch is the branch that the connection is on; empty when it reads a
	// revision that is no branch.
	branch string
	// revision is what the connection reads: the branch's name, or the revision.
	revision string
	// author signs commits, as "Name <mail>"; empty leaves it to vdb.
	author string

	// allowConflicts leaves a merge with conflicts in progress outside of a transaction too.
	allowConflicts bool

	// readOnly refuses all that changes something.
	readOnly bool

	// nested tells that a statement runs a query inside of itself, which has no effect.
	nested bool

	// pending is the database as the open transaction has left it when the statement
	// that runs now began; nil if it has written nothing. If pendingErr is set it is
	// not known.
	pending    *vdb.DB
	pendingErr error

	// running is the context of the statement that runs now.
	running context.Context
	// settle commits the connection's open SQL transaction, if there is one, and
	// returns what opens it again. nil if there never is one.
	settle func(ctx context.Context) (resume func() error, err error)
	// open tells whether there is one. nil if there never is.
	open func() bool
	// moved tells the connection that session.branch was changed.
	moved func() error
}

// ctx returns the context of the statement that runs now.
func (s *session) ctx() context.Context {
	if s.running == nil {
		return context.Background()
	}
	return s.running
}

// working returns the branch that the connection is on, for verbs to work on: with
// what is committed to it.
func (s *session) working(ctx context.Context) (*vdb.Branch, error) {
	if s.branch == "" {
		return nil, errHistory(s.revision)
	}
	return s.db.Branch(ctx, s.branch)
}

// seen returns the database as the statement that runs now sees it: with what the
// open transaction has written. It is for reading alone.
func (s *session) seen() *vdb.DB {
	if s.pending != nil {
		return s.pending
	}
	return s.db
}

// sight returns the connection's branch as the statement that runs now sees it.
func (s *session) sight(ctx context.Context) (*vdb.Branch, error) {
	if s.branch == "" {
		return nil, errHistory(s.revision)
	}
	if s.pendingErr != nil {
		return nil, s.pendingErr
	}
	return s.seen().Branch(ctx, s.branch)
}

// outside runs a verb on the connection's branch with no SQL transaction open:
// what the transaction wrote is committed to the working set before.
func (s *session) outside(fn func(ctx context.Context, b *vdb.Branch) error) error {
	b, err := s.working(s.ctx())
	if err != nil {
		return err
	}
	return settled(s, func(ctx context.Context) error { return fn(ctx, b) })
}
