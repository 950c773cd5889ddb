package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/vdbgo/vdb"
)

// Account is a row of the table accounts.
type Account struct {
	ID     string `vdb:"id,pk"`
	Owner  string `vdb:",index"`
	Plan   *string
	Visits int64 `vdb:",default=0,merge=sum"`
	Opened time.Time
}

var accounts = vdb.MustTable[Account]("accounts")

// exampleAccounts is a database with three accounts.
func exampleAccounts(ctx context.Context) (*vdb.Branch, error) {
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	if err != nil {
		return nil, err
	}
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		return nil, err
	}
	return main, main.Update(ctx, func(tx *vdb.Tx) error {
		if err := accounts.CreateIfMissing(tx); err != nil {
			return err
		}
		for i, owner := range []string{"Audit", "Billing", "Audit"} {
			a := Account{ID: fmt.Sprintf("acc%d", i+1), Owner: owner, Opened: time.Date(2026, 11, 20+i, 0, 0, 0, 0, time.UTC)}
			if err := accounts.Insert(tx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// exampleSnapshot is what exampleAccounts holds.
func exampleSnapshot(ctx context.Context) *vdb.Snapshot {
	main, err := exampleAccounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	s, err := main.Snapshot(ctx)
	if err != nil {
		log.Fatal(err)
	}
	return s
}

func ExampleTable() {
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error {
		a, err := accounts.Get(tx, "acc2")
		if err != nil {
			return err
		}
		a.Visits++
		return accounts.Put(tx, a)
	})
	if err != nil {
		log.Fatal(err)
	}
	err = main.View(ctx, func(s *vdb.Snapshot) error {
		for a, err := range accounts.All(s) {
			if err != nil {
				return err
			}
			fmt.Println(a.ID, a.Owner, a.Visits)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// acc1 Audit 0
	// acc2 Billing 1
	// acc3 Audit 0
}

func ExampleNewTable() {
	type line struct {
		Order   string  `vdb:"order_no,pk,type=VARCHAR(20)"`
		No      int     `vdb:"no,pk"`
		Product string  `vdb:",index,fk=products.id"`
		Price   float64 `vdb:",default=0.0"`
		Note    *string
	}
	lines, err := vdb.NewTable[line]("lines")
	if err != nil {
		log.Fatal(err)
	}
	s := lines.Schema()
	for _, c := range s.Columns {
		fmt.Println(c.Name, c.Type, c.NotNull)
	}
	fmt.Println("key", s.PrimaryKey, "index", s.Indexes[0].Name)
	// Output:
	// order_no VARCHAR(20) true
	// no INTEGER true
	// product TEXT true
	// price REAL true
	// note TEXT false
	// key [order_no no] index lines_product
}

func ExampleTable_Get() {
	s := exampleSnapshot(context.Background())
	a, err := accounts.Get(s, "acc2")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Owner, a.Opened.Format(time.DateOnly), a.Plan == nil)
	_, err = accounts.Get(s, "acc9")
	fmt.Println(errors.Is(err, vdb.ErrNotFound))
	fmt.Println(err)
	// Output:
	// Billing 2026-11-21 true
	// true
	// vdb: get: table accounts, row ('acc9'): not found
}

func ExampleTable_Insert() {
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error { return accounts.Insert(tx, Account{ID: "acc1"}) })
	fmt.Println(errors.Is(err, vdb.ErrExists))
	// Output: true
}

func ExampleTable_Update() {
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error { return accounts.Update(tx, Account{ID: "acc7"}) })
	fmt.Println(errors.Is(err, vdb.ErrNotFound))
	// Output: true
}

func ExampleTable_Delete() {
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error {
		if err := accounts.Delete(tx, "acc1"); err != nil {
			return err
		}
		n, err := accounts.Count(tx, vdb.Range{})
		fmt.Println(n, "are left")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 2 are left
}

func ExampleTable_Add() {
	type note struct {
		ID   int64 `vdb:",pk,auto"`
		Text string
	}
	notes := vdb.MustTable[note]("notes")
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error {
		if err := notes.Create(tx); err != nil {
			return err
		}
		for _, text := range []string{"first", "second"} {
			n := note{Text: text}
			if err := notes.Add(tx, &n); err != nil {
				return err
			}
			fmt.Println(n.ID, n.Text)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 first
	// 2 second
}

func ExampleTable_Range() {
	s := exampleSnapshot(context.Background())
	for a, err := range accounts.Range(s, vdb.Range{From: []any{"acc2"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(a.ID)
	}
	for a, err := range accounts.Backward(s, vdb.Range{To: []any{"acc3"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("backward", a.ID)
	}
	// Output:
	// acc2
	// acc3
	// backward acc2
	// backward acc1
}

func ExampleTable_By() {
	s := exampleSnapshot(context.Background())
	for a, err := range accounts.By(s, "owner", "Audit") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(a.ID, a.Owner)
	}
	n, err := accounts.Count(s, vdb.Range{Index: "owner", Prefix: []any{"Audit"}})
	fmt.Println(n, err)
	// Output:
	// acc1 Audit
	// acc3 Audit
	// 2 <nil>
}

func ExampleTable_Check() {
	type renamed struct {
		ID    string `vdb:"id,pk"`
		Owner string `vdb:"holder"`
	}
	s := exampleSnapshot(context.Background())
	fmt.Println(accounts.Check(s))
	fmt.Println(vdb.MustTable[renamed]("accounts").Check(s))
	// Output:
	// <nil>
	// vdb: check table: table accounts: column holder of Go field Owner is missing; column owner is NOT NULL without a default, and no Go field holds it; column opened is NOT NULL without a default, and no Go field holds it: invalid
}

func ExampleNewBlob() {
	type page struct {
		Path string `vdb:",pk"`
		Body *vdb.Blob
	}
	pages := vdb.MustTable[page]("pages")
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error {
		if err := pages.Create(tx); err != nil {
			return err
		}
		return pages.Put(tx, page{"/", vdb.NewBlob(strings.NewReader(strings.Repeat("All work and no play. ", 1_000_000)))})
	})
	if err != nil {
		log.Fatal(err)
	}
	err = main.View(ctx, func(s *vdb.Snapshot) error {
		p, err := pages.Get(s, "/") // reads none of the body yet
		if err != nil {
			return err
		}
		head, err := io.ReadAll(io.LimitReader(p.Body.Reader(), 21))
		fmt.Println(p.Body.Size(), string(head))
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 22000000 All work and no play.
}

func ExampleTable_Put() {
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	must(err)
	must(main.Update(ctx, func(tx *vdb.Tx) error {
		return accounts.Put(tx, Account{ID: "acc3", Owner: "Export"}) // over the row of that key, or as a new one
	}))
	must(main.View(ctx, func(s *vdb.Snapshot) error {
		a, err := accounts.Get(s, "acc3")
		fmt.Println(a.ID, a.Owner)
		return err
	}))
	// Output: acc3 Export
}

func ExampleTable_All() {
	for a, err := range accounts.All(exampleSnapshot(context.Background())) {
		must(err)
		fmt.Println(a.ID, a.Opened.Format("2006-01-02"))
	}
	// Output:
	// acc1 2026-11-20
	// acc2 2026-11-21
	// acc3 2026-11-22
}

func ExampleTable_Backward() {
	for a, err := range accounts.Backward(exampleSnapshot(context.Background()), vdb.Range{Index: "owner"}) {
		must(err)
		fmt.Println(a.Owner, a.ID)
	}
	// Output:
	// Billing acc2
	// Audit acc3
	// Audit acc1
}

func ExampleTable_Count() {
	s := exampleSnapshot(context.Background())
	all, err := accounts.Count(s, vdb.Range{})
	must(err)
	audit, err := accounts.Count(s, vdb.Range{Index: "owner", Prefix: []any{"Audit"}})
	fmt.Println(all, audit, err)
	// Output: 3 2 <nil>
}

func ExampleTable_CreateIfMissing() {
	ctx := context.Background()
	main, err := exampleAccounts(ctx)
	must(err)
	type account struct {
		ID     string `vdb:"id,pk"`
		Owner  string
		Opened time.Time
		Size   float64
	}
	fmt.Println(main.Update(ctx, func(tx *vdb.Tx) error {
		must(accounts.CreateIfMissing(tx)) // it is there, and fits
		return vdb.MustTable[account]("accounts").CreateIfMissing(tx)
	}))
	// Output: vdb: check table: table accounts: column size of Go field Size is missing: invalid
}

func ExampleTable_Schema() {
	s := accounts.Schema()
	fmt.Println(s.Name, s.PrimaryKey, s.Columns[4].Name, s.Columns[4].Type)
	// Output: accounts [id] opened DATETIME
}
