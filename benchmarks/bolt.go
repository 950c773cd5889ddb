package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// boltEngine is bbolt as etcd sets it up: the free list is a map and not synced.
// Rows are encoded by hand, and decoded with one allocation.
type boltEngine struct {
	db  *bolt.DB
	dir string
}

var errMissing = errors.New("the row is missing")

// boltLoadRows is the size of a bulk load's transactions: bbolt holds all pages
// that a transaction has written in memory.
const boltLoadRows = 100_000

func openBolt(_ context.Context, dir string, _ options) (engine, error) {
	db, err := bolt.Open(filepath.Join(dir, "bolt.db"), 0o600, &bolt.Options{
		NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
	})
	if err != nil {
		return nil, err
	}
	db.MaxBatchSize, db.MaxBatchDelay = writers, time.Millisecond
	return &boltEngine{db: db, dir: dir}, nil
}

func (e *boltEngine) load(_ context.Context, table string, n int64) error {
	for from := int64(0); from < n; from += boltLoadRows {
		err := e.db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(table))
			if err != nil {
				return err
			}
			b.FillPercent = 0.9
			return putBolt(b, from, min(from+boltLoadRows, n))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func putBolt(b *bolt.Bucket, from, to int64) error {
	for id := from; id < to; id++ {
		if err := b.Put(boltKey(id), encodeBolt(rowOf(id))); err != nil {
			return err
		}
	}
	return nil
}

func (e *boltEngine) get(ctx context.Context, id int64) (r row, err error) {
	err = e.view(ctx, func(in reader) error {
		r, err = in.get(id)
		return err
	})
	return r, err
}

func (e *boltEngine) view(_ context.Context, fn func(reader) error) error {
	return e.db.View(func(tx *bolt.Tx) error { return fn(boltReader{tx.Bucket([]byte(mainTable))}) })
}

func (e *boltEngine) put(_ context.Context, to target, rows []row) error {
	return e.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(to.table))
		for _, r := range rows {
			if err := b.Put(boltKey(r.ID), encodeBolt(r)); err != nil {
				return err
			}
		}
		return nil
	})
}

// putShared stores a row in a transaction that many goroutines share: it runs
// as soon as all of them wait.
func (e *boltEngine) putShared(_ context.Context, to target, r row) error {
	return e.db.Batch(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(to.table)).Put(boltKey(r.ID), encodeBolt(r))
	})
}

func (e *boltEngine) size() (int64, error) { return dirSize(e.dir) }
func (e *boltEngine) close() error         { return e.db.Close() }

type boltReader struct{ b *bolt.Bucket }

func (r boltReader) get(id int64) (row, error) {
	key := boltKey(id)
	data := r.b.Get(key)
	if data == nil {
		return row{}, errMissing
	}
	return decodeBolt(key, data)
}

func (r boltReader) scan(from, limit int64) (int64, error) {
	var n int64
	c := r.b.Cursor()
	for k, v := c.Seek(boltKey(from)); k != nil && n < limit; k, v = c.Next() {
		if _, err := decodeBolt(k, v); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func boltKey(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

// encodeBolt lays a row out as its amount and three short strings
// behind their lengths.
func encodeBolt(r row) []byte {
	p := make([]byte, 0, 160)
	p = binary.AppendVarint(p, r.Amount)
	for _, s := range []string{r.Name, r.Mail, r.Note} {
		p = append(append(p, byte(len(s))), s...)
	}
	return p
}

func decodeBolt(key, data []byte) (row, error) {
	r := row{ID: int64(binary.BigEndian.Uint64(key))}
	amount, n := binary.Varint(data)
	r.Amount = amount
	text := string(data[max(n, 0):]) // the strings share one allocation
	for _, to := range []*string{&r.Name, &r.Mail, &r.Note} {
		if len(text) == 0 || int(text[0]) >= len(text) {
			return row{}, fmt.Errorf("row %d is damaged", r.ID)
		}
		size := int(text[0])
		*to, text = text[1:1+size], text[1+size:]
	}
	return r, nil
}
