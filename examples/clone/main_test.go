package main

import (
	"context"
	"os"
)

func Example() {
	dir, err := os.MkdirTemp("", "clone")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir, os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// cloned the branch of cust7
	// a push is refused: the first box went on
	// after pull and push: 120 orders
	// after pull and push: 120 orders
}
