// Hello is the program of the README: write, commit, change, look back.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/vdbgo/vdb"
)

// Customer is a row of the table customers.
type Customer struct {
	ID   string `vdb:"id,pk"`
	Name string `vdb:"name"`
}

var customers = vdb.MustTable[Customer]("customers")

func main() {
	if err := run(context.Background(), "hello.vdb"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string) error {
	db, err := vdb.Open(ctx, dir, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	branch, err := db.Branch(ctx, "main")
	if err != nil {
		return err
	}
	for _, name := range []string{"Example Ltd", "Example Inc"} {
		err = branch.Update(ctx, func(tx *vdb.Tx) error {
			if err := customers.CreateIfMissing(tx); err != nil {
				return err
			}
			return customers.Put(tx, Customer{ID: "c1", Name: name})
		})
		if err != nil {
			return err
		}
		if _, err := branch.Commit(ctx, vdb.Message{Author: "Support", Text: "Name it " + name}); err != nil {
			return err
		}
	}
	before, err := branch.AsOf(ctx, "HEAD~1")
	if err != nil {
		return err
	}
	c, err := customers.Get(before, "c1")
	if err != nil {
		return err
	}
	fmt.Println("before:", c.Name)
	for change, err := range branch.Diff(ctx, "HEAD~1", "HEAD").Rows("customers") {
		if err != nil {
			return err
		}
		fmt.Println("changed:", change.From, "→", change.To)
	}
	return nil
}
