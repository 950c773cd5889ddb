package vdb

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/prolly"
)

// Sequences are the highest rowids that tables with AUTOINCREMENT have given out,
// by table, on all branches: so rows that two branches add do not collide when
// they merge. They stand beside the versions, not in them.
type Sequences struct {
	address hash.Hash
	// Last has the numbers by the tables' folded names. It must not be changed.
	Last map[string]int64
}

// Equal tells whether both are the same state.
func (s *Sequences) Equal(t *Sequences) bool { return s.address == t.address }

// sequencesKey is where the refs have the sequences.
const sequencesKey = "sequences"

// sequencesAddress returns the address of the sequences, or zero.
func (r *refs) sequencesAddress(ctx context.Context) (hash.Hash, error) {
	value, ok, err := r.tree.Get(ctx, []byte(sequencesKey))
	if err != nil || !ok {
		return hash.Hash{}, err
	}
	if len(value) != 1+hash.Size || value[0] != 1 {
		return hash.Hash{}, fmt.Errorf("sequences of %d bytes are damaged", len(value))
	}
	return hash.Hash(value[1:]), nil
}

func loadSequences(ctx context.Context, s prolly.Store, address hash.Hash) (*Sequences, error) {
	seq := &Sequences{address: address, Last: map[string]int64{}}
	if address.IsZero() {
		return seq, nil
	}
	data, err := s.Get(ctx, address)
	if err != nil {
		return nil, err
	}
	_, payload, err := chunk.Decode(chunk.Sequences, data)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(payload, &seq.Last); err != nil {
		return nil, fmt.Errorf("decode sequences: %w", err)
	}
	return seq, nil
}

// Sequences returns the sequences as they are. A state that is passed in is
// returned if it is still the newest.
func (e Engine) Sequences(ctx context.Context, known *Sequences) (*Sequences, error) {
	if e.tx != nil {
		return e.tx.sequences(ctx)
	}
	root, held, err := e.db.blocks.HoldRoot(ctx)
	if err != nil {
		return nil, opError("read sequences", err)
	}
	seq, err := e.db.sequencesAt(ctx, readOnlyStore{e.db.blocks, held}, root)
	if err == nil && known != nil && known.Equal(seq) {
		seq = known
	}
	return seq, opError("read sequences", err)
}

// SequenceEdit says that a transaction has counted on.
type SequenceEdit struct {
	Table string
	// To is the number that the transaction has left; nil forgets it.
	To *int64
	// Seen says that the transaction has seen From, the number before. One that has
	// not, because it made the table, does not lower what other branches have.
	Seen bool
	From int64
	// Dropped says that the table is gone. Its number stays as long as there are
	// other branches, which may have the table.
	Dropped bool
}

// count carries a transaction's edits into the sequences. A number that another
// branch has moved meanwhile was given out there: the transaction has lost a race.
func (r *refs) count(ctx context.Context, edits []SequenceEdit) (*Sequences, error) {
	address, err := r.sequencesAddress(ctx)
	if err != nil {
		return nil, err
	}
	seq, err := loadSequences(ctx, r.store, address)
	if err != nil || len(edits) == 0 {
		return seq, err
	}
	last := maps.Clone(seq.Last)
	for _, e := range edits {
		if err := r.countOne(ctx, last, e); err != nil {
			return nil, err
		}
	}
	return r.setSequences(ctx, last)
}

func (r *refs) countOne(ctx context.Context, last map[string]int64, e SequenceEdit) error {
	if e.Dropped {
		return r.dropSequence(ctx, last, e.Table)
	}
	return countOn(last, e)
}

// dropSequence forgets a number that no other branch may want.
func (r *refs) dropSequence(ctx context.Context, last map[string]int64, table string) error {
	alone, err := r.hasOneBranch(ctx)
	if err == nil && alone {
		delete(last, fold(table))
	}
	return err
}

// countOn carries the edit of a table that stays into the sequences.
func countOn(last map[string]int64, e SequenceEdit) error {
	name := fold(e.Table)
	switch {
	case e.Seen && last[name] != e.From:
		return lostRace{fmt.Errorf("table %s: another branch has given out rowids up to %d: %w", e.Table, last[name], ErrConflict)}
	case e.To == nil:
		delete(last, name)
	case e.Seen:
		last[name] = *e.To
	default:
		last[name] = max(last[name], *e.To)
	}
	return nil
}

func (r *refs) hasOneBranch(ctx context.Context) (bool, error) {
	n := 0
	for _, err := range r.names(ctx, headsPrefix) {
		if err != nil {
			return false, err
		}
		if n++; n > 1 {
			return false, nil
		}
	}
	return true, nil
}

// setSequences stores numbers. They are no ref, and the reflog does not hear of them.
func (r *refs) setSequences(ctx context.Context, last map[string]int64) (seq *Sequences, err error) {
	seq = &Sequences{Last: last}
	e := prolly.Edit{Key: []byte(sequencesKey)}
	if len(last) > 0 {
		data, err := encodeSequences(last)
		if err == nil {
			seq.address, err = r.store.Put(ctx, data)
		}
		if err != nil {
			return nil, err
		}
		e.Value = append([]byte{1}, seq.address[:]...)
	}
	r.tree, err = r.tree.Apply(ctx, []prolly.Edit{e})
	return seq, err
}

func encodeSequences(last map[string]int64) ([]byte, error) {
	payload, err := json.Marshal(last)
	return chunk.Encode(chunk.Sequences, nil, payload), err
}
