// Sql plays the bad day in SQL: statement by statement, as an operator types it.
//
// A company keeps its customers, their projects, issues, bills and escalations in a
// database. An intern's "Routine maintenance" deletes 8 of 100 customers, and others go
// on working until the next morning. Then an operator finds the commit in the log,
// reads in its diff what it took, brings back a customer who is on the phone, and
// reverts the commit, while nothing that was written since is lost.
//
//	go run ./examples/sql
//
// It prints each statement and its result as a shell does. It compares the rows in the
// end and exits with status 1 if anything is not as it should be.
//
// Read on in day.go, which has the statements in their order.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"

	_ "github.com/vdbgo/vdb/sqlite"
)

func main() {
	customers := flag.Int("customers", 5000, "customers, a multiple of 25")
	dir := flag.String("dir", "", "directory for the new database company.vdb; a temporary one, removed at the end, if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *customers, *dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sql:", err)
		os.Exit(1)
	}
}

// run plays the day in a new database in dir.
func run(ctx context.Context, customers int, dir string, out io.Writer) (err error) {
	if customers < 50 || customers%25 != 0 {
		return fmt.Errorf("%d customers: use a multiple of 25, at least 50", customers)
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "sql-*"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	path := filepath.Join(dir, "company.vdb")
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already: remove it, or choose another -dir", path)
	}
	db, err := sql.Open("vdb", dataSource(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	t := &terminal{ctx: ctx, conn: conn, out: out}
	play(t, customers)
	return t.err
}

// dataSource names the database for the driver. Foreign keys are enforced, as an
// application would have it.
func dataSource(path string) string {
	options := url.Values{
		"author":  {"Operations <operations@company.example>"},
		"_pragma": {"foreign_keys(1)"},
	}
	return "file:" + path + "?" + options.Encode()
}
