// Badday plays the day that vdb is made for, and proves that it ends well.
//
// It makes the database of a company: five tables, 5,000 customers, a million
// rows. An intern's "Routine maintenance" deletes 400 customers from four of the
// tables, and 500 commits by others follow before anybody notices. Then, while
// four goroutines keep reading and writing all tables, it finds the commit in the
// log and what it did in the diff, brings one customer back at once, and then
// all of them. Every row is compared in the end: what was deleted is back,
// what was written since is there, and nobody had to stop.
//
// The second part gives each of 400 customers a branch, where the repair is a
// reset of that branch.
//
//	go run ./examples/badday
//
// It prints each step with its time and the bytes that it added to the database
// on disk, and exits with status 1 if anything is not as it should be.
//
// Read on in play.go, which has the steps in their order.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	var c company
	flag.IntVar(&c.rows, "rows", 1_000_000, "rows in all tables")
	flag.IntVar(&c.customers, "customers", 5_000, "customers")
	dir := flag.String("dir", "", "new directory for the two databases; a temporary one, removed at the end, if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, c, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "badday:", err)
		os.Exit(1)
	}
}

// run plays the day in dir.
func run(ctx context.Context, c company, dir string) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "badday-*"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	return play(ctx, c, dir, &report{out: os.Stdout, bars: isTerminal(os.Stderr)})
}

// isTerminal tells whether progress bars can be drawn.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
