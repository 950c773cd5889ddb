package main

import (
	"context"
	"testing"

	"github.com/vdbgo/vdb"
)

func Example() {
	if err := run(context.Background(), vdb.Memory); err != nil {
		panic(err)
	}
	// Output:
	// before: Example Ltd
	// changed: ['c1' 'Example Ltd'] → ['c1' 'Example Inc']
}

func TestTwice(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := run(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
}
