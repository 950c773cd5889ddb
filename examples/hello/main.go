// Hello is the program of the README: write, commit, change, look back.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/vdbgo/vdb"
)

type Customer struct {
	ID   string `vdb:"id,pk"`
	Name string
}

var customers = vdb.MustTable[Customer]("customers")

func main() {
	ctx := context.Background()
	db, err := vdb.Open(ctx, "hello.vdb", nil)
	check(err)
	defer db.Close()
	branch, err := db.Branch(ctx, "main")
	check(err)
	for _, name := range []string{"Example Ltd", "Example Inc"} {
		check(branch.Update(ctx, func(tx *vdb.Tx) error {
			return errors.Join(customers.CreateIfMissing(tx), customers.Put(tx, Customer{"c1", name}))
		}))
		_, err = branch.Commit(ctx, vdb.Message{Author: "Support", Text: "Name it " + name})
		check(err)
	}
	before, err := branch.AsOf(ctx, "HEAD~1")
	check(err)
	c, err := customers.Get(before, "c1")
	check(err)
	fmt.Println("before:", c.Name)
	for change, err := range branch.Diff(ctx, "HEAD~1", "HEAD").Rows("customers") {
		check(err)
		fmt.Println("changed:", change.From, "→", change.To)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
