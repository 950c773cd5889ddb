package vdb

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/prolly"
	"github.com/vdbgo/vdb/remote"
)

// transfersPrefix is that of refs which keep what has arrived of a transfer that was
// cut.
const transfersPrefix = "transfers/"

const (
	// maxTransfers is how many cut transfers are kept; the oldest is forgotten.
	maxTransfers = 16
	// keepTimeout bounds how long a cancelled transfer takes to keep what has arrived.
	keepTimeout = 10 * time.Second
)

// intake is a transfer that comes in: from the first chunk to the refs that lead to
// what it brought. If it is cut, what has arrived is kept under its id, and the next
// one of that id goes on from there.
type intake struct {
	db       *DB
	id       string
	im       *nbs.Import
	rc       *remote.Receiver
	tops     []hash.Hash // of what came before the cut
	resumes  bool
	grafts   []remote.Graft // where the history that comes ends
	needed   []hash.Hash    // commits that were squashed here and what has come leads to
	purged   prolly.Tree    // commits that may not come, see refs.rewritten
	progress func(received int64)
}

// transferID makes the name of a transfer from what tells it from others.
func transferID(parts ...string) string {
	h := hash.Of([]byte(fmt.Sprintf("%q", parts)))
	return hex.EncodeToString(h[:8])
}

func (db *DB) newIntake(ctx context.Context, id string) (*intake, error) {
	r, err := db.refs(ctx)
	if err != nil {
		return nil, err
	}
	in := &intake{db: db, id: id, im: db.blocks.NewImport()}
	if in.tops, in.resumes, err = r.transfer(ctx, id); err == nil {
		in.purged, err = r.rewritten(ctx)
	}
	return in, err
}

// receive takes in chunks. What has arrived before an error is kept.
func (in *intake) receive(ctx context.Context, grafts []remote.Graft, total int64, chunks func(context.Context, *remote.Receiver) iter.Seq2[remote.Chunk, error]) error {
	in.grafts = grafts
	rc := remote.NewReceiver(in.im, grafts)
	in.rc = rc
	rc.Resume(in.tops)
	rc.Announce(total)
	rc.Progress = in.progress
	rc.Checkpoint = func() error { return in.keep(ctx) }
	rc.Commit = func(commit hash.Hash, parents, ancestors []hash.Hash) error {
		in.noteSquashed(commit, parents)
		return mayCome(ctx, in.purged, append(ancestors, commit)...)
	}
	err := rc.Receive(ctx, func(ctx context.Context) iter.Seq2[remote.Chunk, error] { return chunks(ctx, rc) })
	if err == nil {
		return nil
	}
	in.tops = rc.Tops()
	if errors.Is(err, ErrReadOnly) || rc.Count() == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	if errors.Is(err, remote.ErrPurged) {
		return errors.Join(err, in.forget(ctx))
	}
	return errors.Join(err, in.keep(ctx))
}

// noteSquashed notes the parents of a commit that has come that were squashed here.
func (in *intake) noteSquashed(commit hash.Hash, parents []hash.Hash) {
	set := newestGraftsOf(in.db.blocks).get()
	if set.isSquashed(commit) {
		return // comes as the way to another one
	}
	for _, p := range parents {
		if set.isSquashed(p) {
			in.needed = append(in.needed, p)
		}
	}
}

// keep makes what has arrived durable, and a ref lead to it.
func (in *intake) keep(ctx context.Context) error {
	return in.settle(ctx, func(ctx context.Context, r *refs) error {
		if err := in.db.addGrafts(ctx, r, in.grafts); err != nil {
			return err
		}
		return r.setTransfer(ctx, in.id, in.rc.Tops(), in.db.now())
	})
}

// forget has nothing lead to what has arrived.
func (in *intake) forget(ctx context.Context) error {
	return in.db.update(ctx, in.im.Writer(), func(ctx context.Context, r *refs) error {
		return r.deleteTransfer(ctx, in.id)
	})
}

// finish makes what has arrived durable, and fn's refs lead to it.
func (in *intake) finish(ctx context.Context, fn func(context.Context, *refs) error) error {
	return in.settle(ctx, func(ctx context.Context, r *refs) error {
		if in.resumes || in.rc != nil {
			if err := r.deleteTransfer(ctx, in.id); err != nil {
				return err
			}
		}
		if err := fn(ctx, r); err != nil {
			return err
		}
		for _, h := range in.needed {
			if err := r.bringBack(ctx, h); err != nil {
				return err
			}
		}
		return nil
	})
}

func (in *intake) settle(ctx context.Context, fn func(context.Context, *refs) error) error {
	release, err := in.im.Settle(ctx)
	if err != nil {
		return err
	}
	err = in.db.update(ctx, in.im.Writer(), func(ctx context.Context, r *refs) error {
		purged, err := r.rewritten(ctx)
		if err == nil && purged.Hash() != in.purged.Hash() {
			err = fmt.Errorf("rows were purged meanwhile: %w", remote.ErrInterrupted)
		}
		if err != nil {
			return err
		}
		return fn(ctx, r)
	})
	return errors.Join(err, release())
}

// close gives up what was not kept.
func (in *intake) close() error { return in.im.Discard() }

// transfer returns the tops of what has arrived of a transfer that was cut.
func (r *refs) transfer(ctx context.Context, id string) (tops []hash.Hash, found bool, err error) {
	value, found, err := r.tree.Get(ctx, []byte(transfersPrefix+id))
	if err != nil || !found {
		return nil, false, err
	}
	h, err := decodeTagRef(value)
	if err == nil {
		tops, _, err = loadTransfer(ctx, r.store, h)
	}
	if err != nil {
		return nil, false, fmt.Errorf("transfer %s: %w", id, err)
	}
	return tops, true, nil
}

// maxAddresses is how many addresses a chunk has at most.
const maxAddresses = 255

// loadTransfer reads a transfer: when it was cut, and tops, of which a chunk has some
// and leads to the chunk with the others.
func loadTransfer(ctx context.Context, s chunkReader, h hash.Hash) (tops []hash.Hash, at time.Time, err error) {
	for more := h; !more.IsZero(); {
		data, err := s.Get(ctx, more)
		if err != nil {
			return nil, at, err
		}
		addresses, payload, err := chunk.Decode(chunk.Transfer, data)
		if err != nil {
			return nil, at, err
		}
		micros, n := binary.Varint(payload)
		if n <= 0 || len(addresses) == 0 {
			return nil, at, errors.New("it is damaged")
		}
		at = time.UnixMicro(micros)
		more, tops = addresses[0], append(tops, addresses[1:]...)
	}
	return tops, at, nil
}

func (r *refs) setTransfer(ctx context.Context, id string, tops []hash.Hash, now time.Time) error {
	if err := r.dropTransfers(ctx, id); err != nil {
		return err
	}
	var last hash.Hash
	payload := binary.AppendVarint(nil, now.UnixMicro())
	for first := true; first || len(tops) > 0; first = false {
		n := min(len(tops), maxAddresses-1)
		var err error
		if last, err = r.store.Put(ctx, chunk.Encode(chunk.Transfer, append([]hash.Hash{last}, tops[:n]...), payload)); err != nil {
			return err
		}
		tops = tops[n:]
	}
	return r.edit(ctx, prolly.Edit{Key: []byte(transfersPrefix + id), Value: oneAddress(last)})
}

// dropTransfers forgets the oldest transfers, so that there is room for another.
func (r *refs) dropTransfers(ctx context.Context, id string) error {
	count, oldest, since := 0, "", time.Time{}
	for item, err := range r.names(ctx, transfersPrefix) {
		if err != nil {
			return err
		}
		if string(item.Key) == id {
			return nil
		}
		h, err := decodeTagRef(item.Value)
		if err != nil {
			return err
		}
		_, at, err := loadTransfer(ctx, r.store, h)
		if err != nil {
			return err
		}
		if count++; oldest == "" || at.Before(since) {
			oldest, since = string(item.Key), at
		}
	}
	if count < maxTransfers {
		return nil
	}
	return r.deleteTransfer(ctx, oldest)
}

func (r *refs) deleteTransfer(ctx context.Context, id string) error {
	key := []byte(transfersPrefix + id)
	if _, found, err := r.tree.Get(ctx, key); err != nil || !found {
		return err
	}
	return r.edit(ctx, prolly.Edit{Key: key})
}
