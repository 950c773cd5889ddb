package nbs

import (
	"context"
	"fmt"
	"math"

	"github.com/vdbgo/vdb/hash"
)

// MaxChunkBytes is the largest size of a chunk.
const MaxChunkBytes = 16 << 20

// spillBytes is how much a Writer holds in memory before it hands its chunks
// to the store.
const spillBytes = 16 << 20

// Writer collects the new chunks of one commit. It is made by the NewWriter of
// a store, and not safe for concurrent use. After a commit that succeeded it is
// empty and can be used for the next one; after one that failed it still holds
// its chunks.
type Writer struct {
	store   backend
	pending []chunk
	index   map[hash.Hash]int // position in pending, once there are many
	bytes   int
	encoder payloadEncoder
	others  []payloadEncoder // of PutLater
	encodes bool             // the store wants chunk.stored
	leading bool             // the store holds its lock for this writer's commit

	hold  *Hold       // keeps what was there when the writer began
	epoch uint64      // of the store's collections, then
	guard *spillGuard // once chunks were spilled
}

// chunk is a chunk on its way into a store.
type chunk struct {
	address hash.Hash
	data    []byte // as the user gave it
	stored  []byte // as it is to be stored, see payloadEncoder
	codec   codec
}

// backend is what a Writer needs of its store.
type backend interface {
	Get(ctx context.Context, h hash.Hash) ([]byte, error)
	Owner() any
	// present tells whether the store is known to hold h. It may miss what
	// another process has just added.
	present(h hash.Hash) bool
	// revive adds chunks to w that the store no longer has, but can still read.
	revive(ctx context.Context, w *Writer, root hash.Hash) error
	// spill stores the pending chunks of w ahead of the commit that they belong to.
	spill(ctx context.Context, w *Writer) error
}

func newWriter(b backend, encodes bool) *Writer {
	return &Writer{store: b, encodes: encodes}
}

// fewChunks is how many chunks are found faster without a map. Most commits of
// a row or two have no more.
const fewChunks = 16

// checked returns w after a test that b has made it. A commit that changes only
// the root does without one.
func (w *Writer) checked(b backend) (*Writer, error) {
	if w == nil {
		return newWriter(b, false), nil // it gets no chunks
	}
	if w.store != b {
		return nil, ErrForeignWriter
	}
	return w, nil
}

// Put adds a chunk, and returns its address. It takes ownership of data, which
// must not be modified afterwards. What the store already has is not added
// again. The chunk becomes durable with the commit that w is given to.
func (w *Writer) Put(ctx context.Context, data []byte) (hash.Hash, error) {
	if err := checkSize(data); err != nil {
		return hash.Hash{}, err
	}
	c := chunk{address: hash.Of(data), data: data}
	if _, ok := w.find(c.address); ok || w.store.present(c.address) {
		return c.address, nil
	}
	if w.encodes {
		c.stored, c.codec = w.encoder.encode(c.address, data)
	}
	w.add(c)
	if err := w.spillIfFull(ctx); err != nil {
		return hash.Hash{}, err
	}
	return c.address, nil
}

// PutLater begins to Put chunks: another goroutine hashes and compresses them. Their
// addresses, in order, are what put returns, which adds them to w: it is called at
// most once, and not at the same time as other methods.
func (w *Writer) PutLater(data [][]byte) (put func(context.Context) ([]hash.Hash, error)) {
	chunks := make([]chunk, len(data))
	known := make([]bool, len(data))
	var encoder payloadEncoder
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i, d := range data {
			c := chunk{address: hash.Of(d), data: d}
			known[i] = w.store.present(c.address)
			if w.encodes && !known[i] && len(d) <= MaxChunkBytes {
				c.stored, c.codec = encoder.encode(c.address, d)
			}
			chunks[i] = c
		}
	}()
	return func(ctx context.Context) ([]hash.Hash, error) {
		<-done
		w.others = append(w.others, encoder)
		return w.takeAll(ctx, chunks, known)
	}
}

// takeAll adds the chunks that are not there yet, and returns the addresses of all.
// known tells which ones the store has.
// It spills after the last, not before: to spill is to give the encoders up.
func (w *Writer) takeAll(ctx context.Context, chunks []chunk, known []bool) ([]hash.Hash, error) {
	addresses := make([]hash.Hash, len(chunks))
	for i, c := range chunks {
		if err := checkSize(c.data); err != nil {
			return nil, err
		}
		addresses[i] = c.address
		if _, ok := w.find(c.address); !ok && !known[i] {
			w.add(c)
		}
	}
	return addresses, w.spillIfFull(ctx)
}

func checkSize(data []byte) error {
	if len(data) > MaxChunkBytes {
		return fmt.Errorf("nbs: put chunk of %d bytes: %w", len(data), ErrTooLarge)
	}
	return nil
}

// spillIfFull hands all chunks to the store when they are many.
func (w *Writer) spillIfFull(ctx context.Context) error {
	if w.bytes < spillBytes {
		return nil
	}
	last := w.pending[len(w.pending)-1].address
	if err := w.spill(ctx); err != nil {
		return fmt.Errorf("nbs: put chunk %s: %w", last, err)
	}
	return nil
}

// Doubt has the commit of w make sure that all that its chunks lead to is there: for
// chunks that are made of others which may have been dropped before w began, and were
// read because somebody held them.
func (w *Writer) Doubt() { w.epoch = noEpoch }

// noEpoch is the epoch of a Writer that is in doubt.
const noEpoch = math.MaxUint64

// Get returns the bytes of a chunk that was Put before or that the store has.
// They are shared and must not be modified.
func (w *Writer) Get(ctx context.Context, h hash.Hash) ([]byte, error) {
	if i, ok := w.find(h); ok {
		return w.pending[i].data, nil
	}
	return w.store.Get(ctx, h)
}

// Has tells whether a chunk was Put before or is in the store.
func (w *Writer) Has(ctx context.Context, h hash.Hash) (bool, error) {
	_, ok := w.find(h)
	return ok || w.store.present(h), ctx.Err()
}

// Keep makes sure that the chunk at h is in the store with w's commit, and all that
// it leads to: a chunk that could be read when w was made may have been
// collected since. It is for updates, see Commit, that lead to chunks which they have
// not Put.
func (w *Writer) Keep(ctx context.Context, h hash.Hash) error {
	if _, ok := w.find(h); ok || w.store.present(h) {
		return nil
	}
	if err := w.store.revive(ctx, w, h); err != nil {
		return fmt.Errorf("nbs: keep chunk %s: %w", h, err)
	}
	return nil
}

// find returns the position of a chunk in pending.
func (w *Writer) find(h hash.Hash) (int, bool) {
	if w.index != nil {
		i, ok := w.index[h]
		return i, ok
	}
	for i := range w.pending {
		if w.pending[i].address == h {
			return i, true
		}
	}
	return 0, false
}

func (w *Writer) add(c chunk) {
	if w.pending == nil {
		w.pending = make([]chunk, 0, fewChunks)
	}
	w.pending = append(w.pending, c)
	w.bytes += len(c.data)
	switch n := len(w.pending); {
	case w.index != nil:
		w.index[c.address] = n - 1
	case n > fewChunks:
		w.index = make(map[hash.Hash]int, 4*fewChunks)
		for i := range w.pending {
			w.index[w.pending[i].address] = i
		}
	}
}

// Discard forgets the chunks that have not been committed.
func (w *Writer) Discard() {
	w.forget()
	w.guard.release()
	w.guard = nil
}

// forget empties the writer's memory.
func (w *Writer) forget() {
	w.pending, w.bytes, w.index = nil, 0, nil
	w.encoder.free()
	for i := range w.others {
		w.others[i].free()
	}
	w.others = nil
}

func (w *Writer) spill(ctx context.Context) error {
	if err := w.store.spill(ctx, w); err != nil {
		return err
	}
	w.forget()
	return nil
}
