// History imports the recorded history of a table and proves that none of it
// was lost.
//
// The history is a file of real revisions: who changed which rows, when, and
// what the table was then. Each revision becomes a commit. Then the program asks
// for every one of them again, and compares row count, checksum, author, time
// and changes with what the file recorded.
//
//	go run ./examples/history FILE
//
// The files, and a description of their format, are in the folder
// shared/data/sp500 beside the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/vdbgo/vdb"
)

func main() {
	dir := flag.String("dir", "", "new directory for the database; a temporary one, removed at the end, if empty")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: history [-dir DIR] FILE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), *dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

// run imports the history at path into a database in dir, and checks it.
func run(ctx context.Context, path, dir string, out io.Writer) (err error) {
	h, err := openHistory(path)
	if err != nil {
		return err
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "history-*"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	db, err := vdb.Open(ctx, dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	fmt.Fprintf(out, "%s: %d revisions of %s\n", h.Dataset, h.Revisions, h.Path)
	if err := importHistory(ctx, db, h, out); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if err := checkHistory(ctx, db, h, out); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}
