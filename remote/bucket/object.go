package bucket

import (
	"errors"
	"io"
	"os"
	"sync"
)

// object is a table of the bucket, read in blocks as they are needed, each once. Blocks
// are kept in a temporary file. It may be used by many goroutines at once.
type object struct {
	fetch func(offset, length int64) ([]byte, error)
	bytes int64

	mu      sync.Mutex
	arrived sync.Cond // a block is no longer under way
	blocks  []blockState
	file    *os.File
	ahead   int // blocks that were read last in one go
}

type blockState byte

const (
	blockMissing blockState = iota
	blockUnderWay
	blockHere
)

const (
	blockBytes = 256 << 10
	maxAhead   = 16 // blocks
)

func newObject(bytes int64, fetch func(offset, length int64) ([]byte, error)) *object {
	o := &object{fetch: fetch, bytes: bytes, blocks: make([]blockState, (bytes+blockBytes-1)/blockBytes)}
	o.arrived.L = &o.mu
	return o
}

// ReadAt implements io.ReaderAt.
func (o *object) ReadAt(p []byte, offset int64) (int, error) {
	end := offset + int64(len(p))
	if offset < 0 || end > o.bytes {
		return 0, io.ErrUnexpectedEOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := o.need(int(offset/blockBytes), int((end-1)/blockBytes)); err != nil {
		return 0, err
	}
	return o.file.ReadAt(p, offset)
}

// need sees that the blocks are here from the first to the last one.
func (o *object) need(first, last int) error {
	for b := first; b <= last; {
		from, to, wait := o.claim(b, last)
		switch {
		case wait:
		case from < 0:
			b++
		default:
			if err := o.bring(from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// claim marks missing blocks from b on as under way and returns them, -1 if b is here.
// If it is under way, claim waits until it is not.
func (o *object) claim(b, last int) (from, to int, wait bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.blocks[b] {
	case blockHere:
		return -1, 0, false
	case blockUnderWay:
		o.arrived.Wait()
		return 0, 0, true
	}
	n := 1
	if b > 0 && o.blocks[b-1] == blockHere { // reading on
		n = min(2*max(1, o.ahead), maxAhead)
	}
	o.ahead = n
	for to = b; to < len(o.blocks) && (to <= last || to < b+n) && o.blocks[to] == blockMissing; to++ {
		o.blocks[to] = blockUnderWay
	}
	return b, to, false
}

// bring fetches claimed blocks.
func (o *object) bring(from, to int) error {
	offset := int64(from) * blockBytes
	data, err := o.fetch(offset, min(o.bytes, int64(to)*blockBytes)-offset)
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.arrived.Broadcast()
	if err == nil {
		err = o.keep(data, offset)
	}
	state := blockHere
	if err != nil {
		state = blockMissing
	}
	for b := from; b < to; b++ {
		o.blocks[b] = state
	}
	return err
}

func (o *object) keep(data []byte, offset int64) (err error) {
	if o.file == nil {
		if o.file, err = os.CreateTemp("", "vdb-bucket-*"); err != nil {
			return err
		}
	}
	_, err = o.file.WriteAt(data, offset)
	return err
}

// forget drops what has come: it was damaged on the way, perhaps.
func (o *object) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, state := range o.blocks {
		if state == blockHere {
			o.blocks[i] = blockMissing
		}
	}
}

// close removes the temporary file.
func (o *object) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	return errors.Join(o.file.Close(), os.Remove(o.file.Name()))
}
