package vdb

import (
	"context"
	"testing"
	"time"
)

type smokeCustomer struct {
	ID      string `vdb:"id,pk"`
	Name    string `vdb:",index"`
	Plan    *string
	Created time.Time
	Visits  int32 `vdb:",default=0,merge=sum"`
}

func TestTypedSmoke(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	customers := MustTable[smokeCustomer]("customers")
	b, err := db.Branch(ctx, MainBranch)
	if err != nil {
		t.Fatal(err)
	}
	want := smokeCustomer{ID: "nope", Name: "Nope Ltd", Created: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Visits: 7}
	err = b.Update(ctx, func(tx *Tx) error {
		if err := customers.CreateIfMissing(tx); err != nil {
			return err
		}
		return customers.Put(tx, want)
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := customers.Check(s); err != nil {
		t.Fatal(err)
	}
	got, err := customers.Get(s, "nope")
	if err != nil || got != want {
		t.Fatal(got, err)
	}
	for got, err := range customers.By(s, "name", "Nope Ltd") {
		if err != nil || got != want {
			t.Fatal(got, err)
		}
	}
}
