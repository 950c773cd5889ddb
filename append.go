package vdb

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
)

// Append is Commit for a small transaction that has changed rows and nothing else, on a
// branch that is as the transaction has seen it. It does not edit the trees: what it
// appends is the edits, which are settled later (see patch). ok tells whether it was
// that; if not nothing is changed, and it is for Commit, with a Base that Load has
// returned.
func (e Engine) Append(ctx context.Context, branch string, edit *EngineEdit) (own Version, ok bool, err error) {
	if e.tx != nil || !edit.onlyRows() {
		return Version{}, false, nil
	}
	own, err = e.append(ctx, branch, edit)
	if errors.Is(err, errNoPatch) {
		return Version{}, false, nil
	}
	return own, err == nil, opError("commit transaction on branch "+branch, err)
}

// onlyRows tells whether an edit changes no definitions.
func (edit *EngineEdit) onlyRows() bool {
	if len(edit.Dropped)+len(edit.Objects)+len(edit.Forget)+len(edit.Renamed) > 0 || edit.Settings != nil {
		return false
	}
	for i := range edit.Tables {
		if edit.Tables[i].Schema != nil {
			return false
		}
	}
	for _, s := range edit.Sequences {
		if s.Dropped {
			return false
		}
	}
	return true
}

func (e Engine) append(ctx context.Context, branch string, edit *EngineEdit) (Version, error) {
	w := e.db.blocks.NewWriter()
	defer w.Discard()
	p := &patch{branch: branch}
	var err error
	if p.edits, p.values, err = edit.patchEdits(ctx, w); err != nil {
		return Version{}, err
	}
	if len(p.edits) == 0 && len(edit.Sequences) == 0 {
		return edit.Base, nil
	}
	err = e.db.blocks.Commit(ctx, w, func(ctx context.Context, root hash.Hash) (hash.Hash, error) {
		if err := e.db.place(ctx, w, p, root, edit); err != nil {
			return hash.Hash{}, err
		}
		data, err := p.encode()
		if err == nil {
			p.hash, err = w.Put(ctx, data)
		}
		return p.hash, err
	})
	if err != nil {
		return Version{}, err
	}
	e.db.moved.broadcast()
	e.db.patched(p)
	return Version{patch: p.hash}, nil
}

// place puts a patch behind a root, if the branch is there as the edit's base has it.
func (db *DB) place(ctx context.Context, s prolly.Store, p *patch, root hash.Hash, edit *EngineEdit) error {
	now, last, err := db.workingAt(ctx, s, p.branch, root)
	if err != nil {
		return err
	}
	if same, err := db.isSame(ctx, s, edit.Base, now, root); err != nil || !same {
		return errors.Join(err, errNoPatch)
	}
	p.before, p.depth, p.bytes = root, 1, uint64(len(p.edits))
	if last != nil {
		p.depth, p.bytes = p.depth+last.depth, p.bytes+last.bytes
	}
	if p.depth > maxPatches || p.bytes > maxPatchedBytes {
		return errNoPatch
	}
	if len(edit.Sequences) == 0 {
		return nil
	}
	seq, err := db.sequencesAt(ctx, s, root)
	if err != nil {
		return err
	}
	p.sequences = maps.Clone(seq.Last)
	for _, c := range edit.Sequences {
		if err := countOn(p.sequences, c); err != nil {
			return err
		}
	}
	edit.Counted, err = countedInPatch(p.sequences)
	return err
}

// workingAt returns the version of a branch's working set as a root has it, and the last
// patch if that is one.
func (db *DB) workingAt(ctx context.Context, s prolly.Store, branch string, root hash.Hash) (v Version, last *patch, err error) {
	base, err := patches(ctx, s, root, hash.Hash{}, func(p *patch) bool {
		if last == nil {
			last = p
		}
		if p.branch == branch {
			v.patch = p.hash
		}
		return v.patch.IsZero()
	})
	if err != nil || !v.patch.IsZero() {
		return v, last, err
	}
	r, err := loadRefs(ctx, s, base)
	if err != nil {
		return v, last, err
	}
	state, err := r.branch(ctx, branch)
	v.version = state.working
	return v, last, err
}

// isSame tells whether two versions are one, of which now is a branch's at a root. One
// that a patch stands for may have been settled since.
func (db *DB) isSame(ctx context.Context, s prolly.Store, v, now Version, root hash.Hash) (bool, error) {
	if v == now || v.patch.IsZero() || !now.patch.IsZero() {
		return v == now, nil
	}
	is, ok := db.settling.known(v.patch)
	if !ok {
		r, err := patchedRefs(ctx, s, root)
		if err != nil {
			return false, err
		}
		if is, ok, err = r.settledVersion(ctx, v.patch); err != nil || !ok {
			return false, err
		}
	}
	return is == now.version, nil
}

// Same tells whether v is what now is, a branch's version by what Refs has returned.
func (e Engine) Same(ctx context.Context, v, now Version, refs hash.Hash) (bool, error) {
	same, err := e.db.isSame(ctx, e.db.reader(), v, now, refs)
	return same, opError("read branches", err)
}

// versionOf returns what a version is once its patches are settled. The caller has held it
// since it was the branch's. One that others have settled, moved on from and collected is
// made again; if what it was made of is gone, too, the caller has lost a race.
func (db *DB) versionOf(ctx context.Context, v Version) (Version, error) {
	if v.patch.IsZero() {
		return v, nil
	}
	is, ok, err := db.settledVersion(ctx, v.patch)
	if err == nil && !ok {
		is, err = db.settleAt(ctx, v.patch)
	}
	if errors.Is(err, nbs.ErrNotFound) {
		err = lostRace{fmt.Errorf("the branch has moved, and what it was has been collected: %w", ErrConflict)}
	}
	return Version{version: is}, err
}

// settledVersion returns what a patch stands for if that is stored.
func (db *DB) settledVersion(ctx context.Context, p hash.Hash) (v version, ok bool, err error) {
	if v, ok = db.settling.known(p); !ok {
		r, err := db.refs(ctx)
		if err != nil {
			return v, false, err
		}
		if v, ok, err = r.settledVersion(ctx, p); err != nil || !ok {
			return v, false, err
		}
	}
	for _, h := range []hash.Hash{v.root, v.ids} {
		if ok && !h.IsZero() {
			if ok, err = db.blocks.Has(ctx, h); err != nil {
				return v, false, err
			}
		}
	}
	return v, ok, nil
}

// settleAt returns what a patch stands for that others have followed, and stores what
// that leads to.
func (db *DB) settleAt(ctx context.Context, h hash.Hash) (v version, err error) {
	var r *refs
	if db.readOnly {
		r, err = db.settleInMemory(ctx, h, db.blocks.HoldSince())
	} else {
		r, err = db.storeSettled(ctx, h)
	}
	if err != nil {
		return version{}, err
	}
	v, ok := r.settled[h]
	if !ok {
		return version{}, fmt.Errorf("patch %s: %w", h, ErrNotFound)
	}
	return v, nil
}

// storeSettled settles a patch, and stores what that makes beside the refs.
func (db *DB) storeSettled(ctx context.Context, h hash.Hash) (*refs, error) {
	w := db.blocks.NewWriter()
	defer w.Discard()
	w.Doubt() // the refs may be older
	r, err := db.settledRefs(ctx, w, h, nil)
	if err != nil {
		return nil, err
	}
	err = db.blocks.CommitUnsynced(ctx, w, func(_ context.Context, root hash.Hash) (hash.Hash, error) { return root, nil })
	if err == nil {
		db.settling.know(r.settled)
	}
	return r, err
}

// sequencesAt returns the sequences as a root has them.
func (db *DB) sequencesAt(ctx context.Context, s prolly.Store, root hash.Hash) (*Sequences, error) {
	var last map[string]int64
	base, err := patches(ctx, s, root, hash.Hash{}, func(p *patch) bool {
		last = p.sequences
		return last == nil
	})
	if err != nil {
		return nil, err
	}
	if last != nil {
		return countedInPatch(last)
	}
	r, err := loadRefs(ctx, s, base)
	if err != nil {
		return nil, err
	}
	address, err := r.sequencesAddress(ctx)
	if err != nil {
		return nil, err
	}
	return loadSequences(ctx, s, address)
}

// countedInPatch returns sequences that are not stored yet, by the address that they will
// have.
func countedInPatch(last map[string]int64) (*Sequences, error) {
	seq := &Sequences{Last: last}
	if len(last) == 0 {
		return seq, nil
	}
	data, err := encodeSequences(last)
	seq.address = hash.Of(data)
	return seq, err
}
