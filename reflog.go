package vdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/prolly"
)

// RefMove tells that a branch or tag was made to name another commit.
type RefMove struct {
	// Ref is heads/NAME or tags/NAME.
	Ref string
	// From and To are the commits that it named before and after; zero where it
	// was not there.
	From, To Hash
	Time     time.Time
}

// maxReflog bounds the moves that a database remembers; as many as trimReflog
// more are kept for a while, so that not every move has to cut off another.
const (
	maxReflog  = 4096
	trimReflog = 256
)

// reflogPrefix begins the keys of moves among the refs; the complement of a sequence
// number follows, so that the newest stand first, close to the heads that moved.
const reflogPrefix = "log/"

var reflogKeys = prolly.Range{From: []byte(reflogPrefix), To: []byte("log0")}

// Reflog yields the latest moves of all branches and tags, newest first: at least
// the last 4,096. It finds what a reset, an amended commit or a deleted branch
// has left behind, for as long as the commits have not been collected as garbage.
func (db *DB) Reflog(ctx context.Context) iter.Seq2[RefMove, error] {
	return func(yield func(RefMove, error) bool) {
		r, err := db.refs(ctx)
		if err != nil {
			yield(RefMove{}, opError("read reflog", err))
			return
		}
		next := map[string]hash.Hash{} // where each ref went after the move
		for item, err := range r.tree.Items(ctx, reflogKeys) {
			var m RefMove
			if err == nil {
				m, err = r.move(ctx, item.Value, next)
			}
			if !yield(m, opError("read reflog", err)) || err != nil {
				return
			}
		}
	}
}

// move reads an entry of the log. The newest one of a ref led to where it is now.
func (r *refs) move(ctx context.Context, data []byte, next map[string]hash.Hash) (RefMove, error) {
	m, err := decodeRefMove(data)
	if err != nil {
		return RefMove{}, err
	}
	to, ok := next[m.Ref]
	if !ok {
		now, _, err := r.tree.Get(ctx, []byte(m.Ref))
		if err != nil {
			return RefMove{}, err
		}
		if to, err = r.target(ctx, []byte(m.Ref), now); err != nil {
			return RefMove{}, err
		}
	}
	m.To, next[m.Ref] = to, m.From
	return m, nil
}

// encode lays m out as listedAddresses reads it: no address, lest the log keep
// commits from being collected. The next move of the ref says where this one led.
func (m *RefMove) encode() []byte {
	data := append([]byte{0}, m.From[:]...)
	data = binary.AppendVarint(data, m.Time.UnixMicro())
	return append(data, m.Ref...)
}

func decodeRefMove(data []byte) (RefMove, error) {
	const fixed = 1 + hash.Size
	if len(data) < fixed || data[0] != 0 {
		return RefMove{}, fmt.Errorf("an entry of %d bytes is damaged", len(data))
	}
	at, n := binary.Varint(data[fixed:])
	if n <= 0 {
		return RefMove{}, fmt.Errorf("an entry's time is damaged")
	}
	return RefMove{
		From: hash.Hash(data[1:]),
		Time: time.UnixMicro(at).UTC(),
		Ref:  string(data[fixed+n:]),
	}, nil
}

// note remembers what an edit of a ref does to the commit that it names.
func (r *refs) note(ctx context.Context, e prolly.Edit) error {
	old, _, err := r.tree.Get(ctx, e.Key)
	if err != nil {
		return err
	}
	m := RefMove{Ref: string(e.Key)}
	if m.From, err = r.target(ctx, e.Key, old); err != nil {
		return err
	}
	if m.To, err = r.target(ctx, e.Key, e.Value); err != nil {
		return err
	}
	if m.From != m.To {
		r.moves = append(r.moves, m)
	}
	return nil
}

// target returns the commit that a ref's value leads to; zero if it has none.
func (r *refs) target(ctx context.Context, key, value []byte) (hash.Hash, error) {
	if value == nil {
		return hash.Hash{}, nil
	}
	if name, ok := strings.CutPrefix(string(key), tagsPrefix); ok {
		tag, err := loadTag(ctx, r.store, name, value)
		return tag.Commit, err
	}
	state, err := decodeBranchState(value)
	return state.head, err
}

// logMoves adds what was noted to the log, and cuts off what it has too much.
func (r *refs) logMoves(ctx context.Context, now time.Time) error {
	if len(r.moves) == 0 {
		return nil
	}
	last, err := r.lastMove(ctx)
	if err != nil {
		return err
	}
	edits, err := r.oldMoves(ctx, last)
	if err != nil {
		return err
	}
	for i := range r.moves {
		r.moves[i].Time = now
		edits = append(edits, prolly.Edit{Key: reflogKey(last + 1 + uint64(i)), Value: r.moves[i].encode()})
	}
	sortEdits(edits)
	r.moves = nil
	r.tree, err = r.tree.Apply(ctx, edits)
	return err
}

// oldMoves returns the edits that cut off the oldest moves when there are too many.
func (r *refs) oldMoves(ctx context.Context, last uint64) ([]prolly.Edit, error) {
	next := last + uint64(len(r.moves))
	if last/trimReflog == next/trimReflog || next <= maxReflog {
		return nil, nil
	}
	var edits []prolly.Edit
	for item, err := range r.tree.Items(ctx, prolly.Range{From: reflogKey(next - maxReflog), To: reflogKeys.To}) {
		if err != nil {
			return nil, err
		}
		edits = append(edits, prolly.Edit{Key: bytes.Clone(item.Key)})
	}
	return edits, nil
}

// lastMove returns the number of the newest move; 0 if there is none.
func (r *refs) lastMove(ctx context.Context) (uint64, error) {
	for item, err := range r.tree.Items(ctx, reflogKeys) {
		if err != nil {
			return 0, err
		}
		if len(item.Key) != len(reflogPrefix)+8 {
			return 0, fmt.Errorf("the reflog's key %q is damaged", item.Key)
		}
		return ^binary.BigEndian.Uint64(item.Key[len(reflogPrefix):]), nil
	}
	return 0, nil
}

func reflogKey(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte(reflogPrefix), ^n) }
