package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/vdbgo/vdb"
)

// firstBox makes a database with ten customers, each with a branch that has a hundred
// orders.
func firstBox(ctx context.Context, path string) (*vdb.DB, error) {
	db, err := vdb.Open(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	return db, fill(ctx, db)
}

func fill(ctx context.Context, db *vdb.DB) error {
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	if err := main.Update(ctx, orders.Create); err != nil {
		return err
	}
	if _, err := main.Commit(ctx, vdb.Message{Author: "Billing", Text: "No orders"}); err != nil {
		return err
	}
	for i := range 10 {
		b, err := db.CreateBranch(ctx, fmt.Sprint("cust", i), vdb.MainBranch)
		if err != nil {
			return err
		}
		for id := range int64(100) {
			err = errors.Join(err, b.Update(ctx, func(tx *vdb.Tx) error { return orders.Put(tx, order{id, "an order"}) }))
		}
		if err != nil {
			return err
		}
		if _, err := b.Commit(ctx, vdb.Message{Author: "Billing", Text: "A hundred orders"}); err != nil {
			return err
		}
	}
	return nil
}

// write writes ten orders from an id on, and commits them.
func write(ctx context.Context, b *vdb.Branch, from int64, text string) error {
	err := b.Update(ctx, func(tx *vdb.Tx) error {
		for id := from; id < from+10; id++ {
			if err := orders.Put(tx, order{id, text}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = b.Commit(ctx, vdb.Message{Author: "Billing", Text: text})
	return err
}

func count(ctx context.Context, b *vdb.Branch) (uint64, error) {
	s, err := b.Snapshot(ctx)
	if err != nil {
		return 0, err
	}
	return s.Count(orders.Name(), vdb.Range{})
}

// credentials are what the second box shows at each request: they are in no database.
func credentials(context.Context, *url.URL) (http.Header, error) {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth("cust7", "secret of cust7")
	return r.Header, nil
}
