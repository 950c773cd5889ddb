package main

import (
	"log"
	"os"
	"strings"
	"testing"
)

// The program works in a new directory, and again in the same one.
func Example() {
	dir, err := os.MkdirTemp("", "hellosql")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	was, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	defer os.Chdir(was)
	if err := os.Chdir(dir); err != nil {
		log.Fatal(err)
	}
	main()
	main()
	// Output:
	// Routine maintenance has removed Example Ltd
	// it was: Example Ltd
	// now: Example Ltd, Example Inc, Example SA
	// Routine maintenance has removed Example Ltd
	// it was: Example Ltd
	// now: Example Ltd, Example Inc, Example SA
}

// The README has both programs as they are, so what it shows has been run.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"main.go", "../hello/main.go"} {
		program, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(string(program), "\npackage main")
		if !strings.Contains(string(readme), "```go\npackage main"+code+"```") {
			t.Errorf("README.md does not show %s as it is", path)
		}
	}
}
