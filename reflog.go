package vdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
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

const (
	// maxChain is how many moves make a chain full.
	maxChain = 4096
	// maxRecent is how many bytes of moves the store's root has itself: a few, so
	// that not every move takes a chunk.
	maxRecent = 128
)

// reflog has the latest moves: some in the store's root, the others in two chains
// of chunks, each of which leads to the one before. A full chain becomes the older
// one, and what was older is garbage: no move has to cut off another.
type reflog struct {
	newest, older hash.Hash // the last chunk of each chain, or zero
	count         uint64    // moves in recent and the chain of newest
	recent        []byte    // those in no chunk yet, encoded
	noted         []RefMove // what edits have made since
}

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
		for m, err := range r.log.moves(ctx, r.store) {
			if err == nil {
				m.To, err = r.movedTo(ctx, m, next)
			}
			if err != nil {
				yield(RefMove{}, opError("read reflog", err))
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// movedTo returns where a move led: where the ref's next one came from or, after
// the newest, where it is now.
func (r *refs) movedTo(ctx context.Context, m RefMove, next map[string]hash.Hash) (hash.Hash, error) {
	to, ok := next[m.Ref]
	next[m.Ref] = m.From
	if ok {
		return to, nil
	}
	now, _, err := r.tree.Get(ctx, []byte(m.Ref))
	if err != nil {
		return hash.Hash{}, err
	}
	return r.target(ctx, []byte(m.Ref), now)
}

// moves yields all moves, newest first, without where they led.
func (l *reflog) moves(ctx context.Context, s chunkReader) iter.Seq2[RefMove, error] {
	return func(yield func(RefMove, error) bool) { l.yieldMoves(ctx, s, yield) }
}

// yieldMoves yields the moves that moves returns.
func (l *reflog) yieldMoves(ctx context.Context, s chunkReader, yield func(RefMove, error) bool) {
	for data, err := range l.pieces(ctx, s) {
		var moves []RefMove
		if err == nil {
			moves, err = decodeMoves(data)
		}
		if err != nil {
			yield(RefMove{}, err)
			return
		}
		for _, m := range slices.Backward(moves) {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// pieces yields the encoded moves of the root and of each chunk, newest first.
func (l *reflog) pieces(ctx context.Context, s chunkReader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if !yield(l.recent, nil) {
			return
		}
		for _, at := range []hash.Hash{l.newest, l.older} {
			for !at.IsZero() {
				before, moves, err := loadMoves(ctx, s, at)
				if !yield(moves, err) || err != nil {
					return
				}
				at = before
			}
		}
	}
}

// loadMoves reads a chunk: the address of the one before, and encoded moves.
func loadMoves(ctx context.Context, s chunkReader, at hash.Hash) (hash.Hash, []byte, error) {
	data, err := s.Get(ctx, at)
	if err != nil {
		return hash.Hash{}, nil, err
	}
	before, moves, err := chunk.Split(chunk.Moves, data)
	if err == nil && len(before) != hash.Size {
		err = fmt.Errorf("chunk of kind %#x has %d bytes of addresses", chunk.Moves, len(before))
	}
	if err != nil {
		return hash.Hash{}, nil, err
	}
	return hash.Hash(before), moves, nil
}

// write adds what was noted to the recent moves, and makes a chunk of them when
// they are many. Its only address is that of the chunk before, lest the log keep
// commits from being collected.
func (l *reflog) write(ctx context.Context, s prolly.Store, now time.Time) (err error) {
	for i := range l.noted {
		l.noted[i].Time = now
		l.recent = l.noted[i].append(l.recent)
	}
	l.count += uint64(len(l.noted))
	l.noted = nil
	if len(l.recent) <= maxRecent {
		return nil
	}
	if l.newest, err = s.Put(ctx, chunk.Encode(chunk.Moves, []hash.Hash{l.newest}, l.recent)); err != nil {
		return fmt.Errorf("write reflog: %w", err)
	}
	l.recent = nil
	if l.count >= maxChain {
		l.newest, l.older, l.count = hash.Hash{}, l.newest, 0
	}
	return nil
}

// append encodes a move without where it led: the next move of the ref says that.
func (m *RefMove) append(dst []byte) []byte {
	dst = append(dst, m.From[:]...)
	dst = binary.AppendVarint(dst, m.Time.UnixMicro())
	return appendString(dst, m.Ref)
}

func decodeMoves(data []byte) ([]RefMove, error) {
	var moves []RefMove
	f := fields{data: data}
	for len(f.data) > 0 {
		moves = append(moves, RefMove{From: f.hash(), Time: time.UnixMicro(f.int()).UTC(), Ref: f.string()})
	}
	if err := f.end(); err != nil {
		return nil, fmt.Errorf("decode moves: %w", err)
	}
	return moves, nil
}

// note remembers what an edit of a branch or tag does to the commit that it names.
func (r *refs) note(ctx context.Context, e prolly.Edit) (m RefMove, err error) {
	if key := string(e.Key); !strings.HasPrefix(key, headsPrefix) && !strings.HasPrefix(key, tagsPrefix) {
		return m, nil
	}
	old, _, err := r.tree.Get(ctx, e.Key)
	if err != nil {
		return m, err
	}
	m.Ref = string(e.Key)
	if m.From, err = r.target(ctx, e.Key, old); err != nil {
		return m, err
	}
	if m.To, err = r.target(ctx, e.Key, e.Value); err != nil {
		return m, err
	}
	if m.From != m.To {
		r.log.noted = append(r.log.noted, m)
	}
	return m, nil
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
