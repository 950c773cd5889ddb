package remote

import (
	"context"
	"iter"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
)

// Remote is a database somewhere else: what a transport implements. Its methods
// may be called concurrently. They return when ctx ends, and what they return as
// errors never has credentials in it.
type Remote interface {
	// Refs returns what the far end shows of its branches and tags. With names,
	// each heads/NAME or tags/NAME, it returns those of them that are there.
	Refs(ctx context.Context, names ...string) (*Refs, error)
	// Fetch yields the chunks that a receiver needs to have all that req wants,
	// each after all that it leads to. Nothing of them has been checked: the
	// receiver does that, see Receiver.
	Fetch(ctx context.Context, req FetchRequest) iter.Seq2[Chunk, error]
	// Push stores chunks and moves refs, all of them or none. The error is a
	// *RejectedError if the far end does not take the updates as they are.
	Push(ctx context.Context, req PushRequest) error
	// Close ends the connection.
	Close() error
}

// Resumer is a Remote that keeps what has arrived of a push that was cut.
type Resumer interface {
	// Received returns chunks that the remote has, with all that they lead to, of the
	// push with the ID.
	Received(ctx context.Context, id string) ([]hash.Hash, error)
}

// Mirror is a Remote that can be a backup: it takes PushRequest.Root.
type Mirror interface {
	Remote
	TakesRoot()
}

// Keeper is a Remote whose chunks can be read by their addresses, by whoever can reach it.
type Keeper interface {
	Remote
	// Keeps returns what reads them, as there are now, and what ends that.
	Keeps(ctx context.Context) (chunks Source, end func() error, err error)
}

// Access says what somebody may do with a database's refs, which are given as
// heads/NAME or tags/NAME. Without a function nothing of the kind is allowed.
//
// Who may not read a ref does not see it, nor anything that only it leads to.
type Access struct {
	Read, Write func(ref string) bool
}

// FullAccess is that of who has the database's files.
func FullAccess() Access {
	all := func(string) bool { return true }
	return Access{Read: all, Write: all}
}

// CanRead tells whether a ref may be read.
func (a Access) CanRead(ref string) bool { return a.Read != nil && a.Read(ref) }

// CanWrite tells whether a ref may be moved.
func (a Access) CanWrite(ref string) bool { return a.Write != nil && a.Write(ref) }

// Chunk is a chunk in the form in which a store keeps it: packed in one of the
// ways that package nbs knows. Nobody has compared it with its address yet.
type Chunk = nbs.Stored

// Refs is what a remote shows of itself.
type Refs struct {
	// Refs are branches and tags in the order of their names.
	Refs []Ref `json:"refs"`
	// Grafts are commits whose parents the remote does not have, see Graft.
	Grafts []Graft `json:"grafts,omitempty"`
	// Root is the whole state of a remote that is a backup: a store root with all
	// refs and working sets; zero otherwise.
	Root hash.Hash `json:"root,omitzero"`
	// Database is the identity of the database that Root is a backup of, if it is known.
	Database string `json:"database,omitempty"`
}

// Ref is a name for a commit.
type Ref struct {
	// Name is heads/NAME of a branch, tags/NAME of a tag.
	Name string `json:"name"`
	// Hash addresses the commit of a branch, the chunk of a tag.
	Hash hash.Hash `json:"hash"`
	// Commit is the commit that either names.
	Commit hash.Hash `json:"commit"`
}

// Graft tells that a commit's parents are not the ones it names: those are not
// there, because the database has a part of the history only.
type Graft struct {
	Commit hash.Hash `json:"commit"`
	// Parents are the commits to go on from in place of its parents.
	Parents []hash.Hash `json:"parents,omitempty"`
	// Detail is what the database that cut the history recorded of that. Package
	// vdb gives it a meaning. It is empty if only a transfer cut the history. Refs and
	// requests have its first byte at most: it tells that all is there behind the commit
	// that is to be.
	Detail []byte `json:"detail,omitempty"`
}

// FetchRequest says what a receiver wants, and what it has.
type FetchRequest struct {
	// Wants are addresses that Refs returned.
	Wants []hash.Hash
	// Haves are chunks, commits as a rule, that the receiver has with all that they
	// lead to. Those that the sender does not know are passed over.
	Haves []hash.Hash
	// Grafts are where the receiver's history ends: it has these commits, and of
	// what they lead to in history the given parents only.
	Grafts []Graft
	// Depth limits the history to so many commits of each way; 0 is all of it.
	Depth int
	// Local is where the receiver has its chunks, or nil. A remote without a program at its
	// end, for which the plan is made here, reads from it what need not come from there.
	Local Source
	// Header, if not nil, is called before the first chunk. An error ends the fetch.
	Header func(FetchHeader) error
	// Progress, if not nil, is called as the total becomes known: once with the
	// header, and again when values out of line are found that it did not count.
	Progress func(total int64)
}

// FetchHeader is what precedes the chunks.
type FetchHeader struct {
	// Chunks is how many there are, but for values out of line.
	Chunks int64 `json:"chunks"`
	// Grafts are the commits among the wanted whose parents are left out, because
	// the sender does not have them, or because of FetchRequest.Depth.
	Grafts []Graft `json:"grafts,omitempty"`
}

// PushRequest is refs to be moved, and what the far end needs for that.
type PushRequest struct {
	// ID names the transfer, so that one that was cut can go on: see Resumer.
	ID      string
	Updates []Update
	// Chunks are what the new commits lead to and the remote does not have, each
	// after all that it leads to. It can be gone through more than once.
	Chunks iter.Seq2[Chunk, error]
	// Total is the number of chunks, as in FetchHeader.
	Total int64
	// Grafts are the commits among those sent whose parents the sender lacks.
	Grafts []Graft
	// Root, if not zero, makes the remote a backup: it becomes Refs.Root. Database, if
	// not empty, is whose: the error is ErrOtherDatabase if the remote has another's.
	Root     hash.Hash
	Database string
}

// Update moves a ref.
type Update struct {
	// Name is heads/NAME or tags/NAME.
	Name string `json:"name"`
	// Old is what the ref was when the sender looked; zero if it was not there.
	Old hash.Hash `json:"old"`
	// New is what it is to be; zero removes it.
	New hash.Hash `json:"new"`
	// Rule says when the update is allowed.
	Rule Rule `json:"rule"`
}

// Rule says when a ref may be moved.
type Rule byte

const (
	// FastForward: the ref is Old, and New descends from it. A tag is not moved.
	FastForward Rule = iota
	// Lease: the ref is Old.
	Lease
	// Force: always.
	Force
)
