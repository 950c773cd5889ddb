package remote

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/internal/chunk"
	"github.com/vdbgo/vdb/nbs"
)

// Receiver takes in what a sender yields, and believes nothing of it: each chunk is
// compared with its address, and must come after all that it leads to. So what
// a store has is whole at any moment, wherever a transfer ends.
//
// It is not safe for concurrent use.
type Receiver struct {
	im     *nbs.Import
	cut    map[hash.Hash][]hash.Hash
	tops   map[hash.Hash]struct{}
	count  int64
	values int64 // of count, those of values out of line
	again  int64 // of values, those that were there
	limit  int64
	// Progress, if not nil, is called now and then, and at the end.
	Progress func(received int64)
	// Checkpoint, if not nil, is called when so much has arrived that it should be
	// settled and recorded.
	Checkpoint func() error
	// Commit, if not nil, is called for each commit that the sender sends, with the
	// parents that it has, see Graft, and all ancestors that it names. An error ends
	// the transfer.
	Commit    func(commit hash.Hash, parents, ancestors []hash.Hash) error
	unsettled int64 // bytes at which the next checkpoint is due
	all       int64 // bytes
}

// NewReceiver returns a receiver into im, of chunks that may end history at the
// grafts, those of the transfer and those that the store has already.
func NewReceiver(im *nbs.Import, grafts []Graft) *Receiver {
	r := &Receiver{
		im: im, tops: map[hash.Hash]struct{}{}, cut: map[hash.Hash][]hash.Hash{}, unsettled: checkpointBytes,
	}
	r.Cut(grafts)
	return r
}

const (
	checkpointBytes    = 64 << 20 // arrive before the first checkpoint
	maxCheckpointBytes = 1 << 30
	progressChunks     = 256
	// maxTops bounds what a sender can make us remember: a plan's chunks come
	// in an order in which few wait for what leads to them.
	maxTops = 1 << 22
	// maxAgain bounds how often values come that are there: a plan remembers most of
	// those that it has sent.
	maxAgain = 1 << 22
)

// Tops are the chunks that have arrived and that none which has arrived leads to.
func (r *Receiver) Tops() []hash.Hash {
	return slices.SortedFunc(maps.Keys(r.tops), hash.Hash.Compare)
}

// Resume makes the receiver one that has received tops before.
func (r *Receiver) Resume(tops []hash.Hash) {
	for _, h := range tops {
		r.tops[h] = struct{}{}
	}
}

// Count is how many chunks have arrived.
func (r *Receiver) Count() int64 { return r.count }

// Cut tells that history may end at the grafts, too.
func (r *Receiver) Cut(grafts []Graft) {
	for _, g := range grafts {
		r.cut[g.Commit] = g.Parents
	}
}

// Announce sets how many chunks there are to be, but for values out of line.
func (r *Receiver) Announce(total int64) { r.limit = total }

// Receive takes in all that chunks yields, with a context that ends when Receive
// does. After an error, what came before it can be kept.
func (r *Receiver) Receive(ctx context.Context, chunks func(context.Context) iter.Seq2[Chunk, error]) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	for c, err := range unpacked(reading, cancel, chunks(reading)) {
		if err != nil {
			return err
		}
		if err := r.add(ctx, c); err != nil {
			return err
		}
	}
	r.progress()
	return ctx.Err()
}

func (r *Receiver) add(ctx context.Context, c unpackedChunk) error {
	r.count++
	kind := chunk.KindOf(c.data)
	isValue := kind == blobLeaf || kind == blobIndex // not announced
	if isValue {
		r.values++
	}
	if r.count-r.values > r.limit {
		return fmt.Errorf("more than the %d chunks came that were announced: %w", r.limit, ErrProtocol)
	}
	if r.Commit != nil && chunk.KindOf(c.data) == chunk.Commit {
		if err := r.tell(c); err != nil {
			return err
		}
	}
	there, err := r.im.Has(ctx, c.Hash)
	if err == nil && there && isValue {
		if r.again++; r.again > maxAgain {
			err = fmt.Errorf("%d chunks of values came that were there: %w", r.again, ErrProtocol)
		}
	}
	if err != nil || there {
		return err
	}
	if err := r.link(ctx, c); err != nil {
		return err
	}
	if err := r.im.Add(ctx, c.Chunk, c.data); err != nil {
		return err
	}
	if r.count%progressChunks == 0 {
		r.progress()
	}
	r.all += int64(len(c.Payload))
	if r.Checkpoint == nil || r.im.Bytes() < r.unsettled {
		return nil
	}
	r.unsettled = min(max(checkpointBytes, r.all), maxCheckpointBytes) // few tables, however much comes
	return r.Checkpoint()
}

// tell calls Commit.
func (r *Receiver) tell(c unpackedChunk) error {
	known, err := decodeCommit(c.Hash, c.data)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrProtocol)
	}
	parents, cut := r.cut[c.Hash]
	if !cut {
		parents = known.parents
	}
	return r.Commit(c.Hash, parents, slices.Concat(known.parents, known.far))
}

func (r *Receiver) progress() {
	if r.Progress != nil {
		r.Progress(r.count)
	}
}

// link checks that all is there that a chunk leads to.
func (r *Receiver) link(ctx context.Context, c unpackedChunk) error {
	needs, mayMiss, err := r.leadsTo(c)
	if err != nil {
		return fmt.Errorf("chunk %s: %w: %w", c.Hash, err, ErrProtocol)
	}
	for i, h := range needs {
		there, err := r.im.Has(ctx, h)
		if err != nil {
			return err
		}
		if !there && i >= mayMiss {
			return fmt.Errorf("chunk %s came before %s, to which it leads: %w", c.Hash, h, ErrProtocol)
		}
		delete(r.tops, h)
	}
	r.tops[c.Hash] = struct{}{}
	if len(r.tops) > maxTops {
		return fmt.Errorf("%d chunks came that nothing leads to: %w", len(r.tops), ErrProtocol)
	}
	return nil
}

// leadsTo returns the addresses that a chunk leads to; the first mayMiss of them need
// not be there: the far ancestors of commits, where history ends somewhere.
func (r *Receiver) leadsTo(c unpackedChunk) (needs []hash.Hash, mayMiss int, err error) {
	if chunk.KindOf(c.data) != chunk.Commit {
		return c.references, 0, nil
	}
	known, err := decodeCommit(c.Hash, c.data)
	if err != nil {
		return nil, 0, err
	}
	parents, cut := r.cut[c.Hash]
	if !cut {
		parents = known.parents
	}
	if len(r.cut) > 0 {
		needs, mayMiss = known.far, len(known.far)
		return append(append(slices.Clip(needs), known.trees()...), parents...), mayMiss, nil
	}
	return append(append(known.trees(), known.far...), parents...), 0, nil
}

// unpackedChunk is a chunk whose bytes have its address.
type unpackedChunk struct {
	Chunk
	data       []byte
	references []hash.Hash
}

// unpackBatch is some chunks that one goroutine unpacks.
type unpackBatch struct {
	chunks []unpackedChunk
	bytes  int    // of the chunks, packed
	room   []byte // for the chunks, unpacked
	err    error  // after the chunks
	done   chan struct{}
}

const (
	batchChunks = 32
	batchBytes  = 256 << 10
)

// unpacked yields the chunks in their order, unpacked and compared with their
// addresses by several goroutines; cancel ends what chunks waits for. What is yielded is
// good until the next.
func unpacked(ctx context.Context, cancel func(), chunks iter.Seq2[Chunk, error]) iter.Seq2[unpackedChunk, error] {
	return func(yield func(unpackedChunk, error) bool) {
		workers := runtime.GOMAXPROCS(0)
		ordered, work := make(chan *unpackBatch, 2*workers), make(chan *unpackBatch, 2*workers)
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			readBatches(ctx, chunks, ordered, work)
		}()
		for range workers {
			go func() {
				for b := range work {
					b.unpack()
				}
			}()
		}
		defer func() {
			cancel()
			for range ordered { // let the reader go
			}
			<-finished
		}()
		for b := range ordered {
			<-b.done
			for _, c := range b.chunks {
				if !yield(c, nil) {
					return
				}
			}
			rooms.Put(&b.room)
			if b.err != nil {
				yield(unpackedChunk{}, b.err)
				return
			}
		}
	}
}

// readBatches hands the chunks out in batches.
func readBatches(ctx context.Context, chunks iter.Seq2[Chunk, error], ordered, work chan<- *unpackBatch) {
	defer close(work)
	defer close(ordered)
	b := newBatch()
	flush := func() {
		ordered <- b
		work <- b
		b = newBatch()
	}
	for c, err := range chunks {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			b.err = err
			break
		}
		b.chunks = append(b.chunks, unpackedChunk{Chunk: c})
		if b.bytes += len(c.Payload); len(b.chunks) == batchChunks || b.bytes > batchBytes {
			flush()
		}
	}
	flush()
}

// behind returns the rest of room that data, if it stands there, has left.
func behind(room, data []byte) []byte {
	if n := len(data); n > 0 && n <= cap(room) && &room[:1][0] == &data[0] {
		return room[n:n]
	}
	return room
}

func newBatch() *unpackBatch { return &unpackBatch{done: make(chan struct{})} }

// rooms are used again.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// unpackedTimes is how much larger chunks are expected to be when they are unpacked.
const unpackedTimes = 3

func (b *unpackBatch) unpack() {
	defer close(b.done)
	b.room = slices.Grow(*rooms.Get().(*[]byte), unpackedTimes*b.bytes)
	room := b.room
	for i := range b.chunks {
		c := &b.chunks[i]
		var err error
		if c.data, err = c.DataIn(room); err == nil {
			c.references, err = chunk.References(nil, c.data)
		}
		room = behind(room, c.data)
		c.MarkLeaf(len(c.references) == 0) // whatever the sender says
		if err != nil {
			b.chunks, b.err = b.chunks[:i], fmt.Errorf("chunk %s: %w: %w", c.Hash, err, ErrProtocol)
			return
		}
	}
}
