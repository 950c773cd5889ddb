package remote

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb/nbs"
)

// Errors that errors.Is finds in what the package returns.
var (
	// ErrURL: what should be a URL is none, or of a kind that is not known.
	ErrURL = errors.New("not the URL of a database")
	// ErrNoDatabase: nothing answers there, or something that is no database.
	ErrNoDatabase = errors.New("no database there")
	// ErrRefused: the far end does not let these credentials do that.
	ErrRefused = errors.New("refused")
	// ErrNotFound: the remote has no such branch, tag or commit.
	ErrNotFound = errors.New("not found on the remote")
	// ErrNotFastForward: the ref has commits that the update would lose.
	ErrNotFastForward = errors.New("not a fast-forward")
	// ErrMoved: the ref is no longer what the sender saw.
	ErrMoved = errors.New("the ref has moved")
	// ErrUnrelated: two commits have no common ancestor.
	ErrUnrelated = errors.New("unrelated histories")
	// ErrDirty: the branch has uncommitted changes on the remote.
	ErrDirty = errors.New("the branch has uncommitted changes on the remote")
	// ErrOtherDatabase: the place has backups of another database.
	ErrOtherDatabase = errors.New("it holds the backup of another database; choose another place")
	// ErrPurged: the receiver has purged rows from such a commit, or from one before it.
	ErrPurged = errors.New("it has rows that were purged from the database that it would come to; purge them where it comes from as well")
	// ErrTooLarge: it is more than the far end takes.
	ErrTooLarge = errors.New("more than the far end takes")
	// ErrProtocol: the far end sent what it must not: wrong bytes, a chunk before
	// what it leads to, more than it announced.
	ErrProtocol = errors.New("the far end breaks the protocol")
	// ErrInterrupted: the transfer was cut; what has arrived is kept, and the same
	// call goes on from there.
	ErrInterrupted = errors.New("the transfer was cut; repeat it to go on")
	// ErrNewerFormat: the remote speaks or holds a newer version.
	ErrNewerFormat = nbs.ErrNewerFormat
)

// RejectedError lists the updates that a remote did not take. None was made.
type RejectedError struct{ Rejected []Rejection }

// Rejection is an update that was not taken. Reason wraps ErrNotFastForward,
// ErrMoved, ErrRefused or another error that says why.
type Rejection struct {
	Ref    string
	Reason error
}

// Error names each ref and why it was rejected.
func (e *RejectedError) Error() string {
	var parts []string
	for _, r := range e.Rejected {
		parts = append(parts, fmt.Sprintf("%s: %v", r.Ref, r.Reason))
	}
	return "rejected, nothing was changed: " + strings.Join(parts, "; ")
}

// Unwrap returns the reasons.
func (e *RejectedError) Unwrap() []error {
	var reasons []error
	for _, r := range e.Rejected {
		reasons = append(reasons, r.Reason)
	}
	return reasons
}
