package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/remote"
)

// uploader makes tables of chunks and writes them to the bucket, some at a time. Nobody
// sees them before the manifest names them.
type uploader struct {
	b       *Bucket
	builder *nbs.TableBuilder
	slots   chan struct{}
	running sync.WaitGroup

	mu     sync.Mutex // guards what follows
	tables []tableRef
	err    error
}

const (
	tableBytes = 32 << 20 // after which the next table is begun
	uploads    = 2        // at once
	// smallTable is uploaded without looking first whether it is there.
	smallTable = 1 << 20
)

func (b *Bucket) newUploader() *uploader {
	return &uploader{b: b, builder: nbs.NewTableBuilder(), slots: make(chan struct{}, uploads)}
}

// add takes in a chunk that was compared with its address.
func (u *uploader) add(ctx context.Context, c remote.Chunk, data []byte) error {
	if err := u.builder.Add(c, data); err != nil {
		return err
	}
	if u.builder.Bytes() < tableBytes {
		return nil
	}
	return u.flush(ctx)
}

// flush begins to write what was added, and returns the error of an earlier table.
func (u *uploader) flush(ctx context.Context) error {
	full := u.builder
	if full.Len() == 0 {
		return u.failure()
	}
	u.builder = nbs.NewTableBuilder()
	select {
	case u.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	u.mu.Lock()
	i := len(u.tables)
	u.tables = append(u.tables, tableRef{})
	u.mu.Unlock()
	u.running.Go(func() {
		defer func() { <-u.slots }()
		ref, err := u.b.upload(ctx, full)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.tables[i] = ref
		u.err = errors.Join(u.err, err)
	})
	return u.failure()
}

func (u *uploader) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// finish writes the rest and returns all tables when they are there.
func (u *uploader) finish(ctx context.Context) ([]tableRef, error) {
	err := u.flush(ctx)
	u.running.Wait()
	return u.tables, errors.Join(err, u.failure())
}

// upload writes a table, unless it is there from an attempt before.
func (b *Bucket) upload(ctx context.Context, builder *nbs.TableBuilder) (tableRef, error) {
	info, data, err := builder.Finish("")
	if err != nil {
		return tableRef{}, err
	}
	ref := refOf(info)
	if info.Bytes > smallTable {
		there, err := b.isThere(ctx, ref)
		if err != nil || there {
			return ref, err
		}
	}
	err = b.putNew(ctx, ref, data)
	if !errors.Is(err, ErrChanged) {
		return ref, err
	}
	if there, err := b.isThere(ctx, ref); err != nil || there {
		return ref, err
	}
	// What is there may be removed at any moment, as nobody has wanted it for so long.
	if info, data, err = builder.Finish(b.random()); err != nil {
		return tableRef{}, err
	}
	ref = refOf(info)
	return ref, b.putNew(ctx, ref, data)
}

// isThere tells whether a table is there and will be for some time.
func (b *Bucket) isThere(ctx context.Context, ref tableRef) (bool, error) {
	o, err := b.objects.Stat(ctx, b.prefix+ref.key())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && o.Bytes == ref.Bytes && o.Age < b.Grace/2, err
}

// putNew writes a table of which there must be none.
func (b *Bucket) putNew(ctx context.Context, ref tableRef, data []byte) error {
	key := b.prefix + ref.key()
	err := b.objects.Put(ctx, key, data, Condition{Absent: true})
	for range attempts {
		if err == nil || errors.Is(err, ErrChanged) || !again(ctx, err) {
			return err
		}
		there, statErr := b.isThere(ctx, ref) // it may have been written all the same
		if statErr == nil && there {
			return nil
		}
		err = errors.Join(statErr, b.objects.Put(ctx, key, data, Condition{Absent: true}))
	}
	return fmt.Errorf("%w: %w", err, remote.ErrInterrupted)
}
