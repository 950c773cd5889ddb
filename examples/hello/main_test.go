package main

import (
	"log"
	"os"
)

// The program works in a new directory, and again in the same one.
func Example() {
	dir, err := os.MkdirTemp("", "hello")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chdir(dir); err != nil {
		log.Fatal(err)
	}
	main()
	main()
	// Output:
	// before: Example Ltd
	// changed: ['c1' 'Example Ltd'] → ['c1' 'Example Inc']
	// before: Example Ltd
	// changed: ['c1' 'Example Ltd'] → ['c1' 'Example Inc']
}
