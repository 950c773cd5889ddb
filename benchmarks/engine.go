package main

import (
	"context"
	"io/fs"
	"path/filepath"
	"strconv"
)

// engine is a database under test. It is filled by load before anything else is
// asked of it, and then used by one goroutine, but for put.
type engine interface {
	// load creates a table and stores rows 0 to n in it, as fast as the engine can.
	load(ctx context.Context, table string, n int64) error
	// get reads one row of the main table in a transaction of its own.
	get(ctx context.Context, id int64) (row, error)
	// view runs fn in one read transaction on the main table.
	view(ctx context.Context, fn func(reader) error) error
	// put stores rows in one durable transaction. Many goroutines may call it.
	put(ctx context.Context, to target, rows []row) error
	// size is what the database takes up on disk, in bytes.
	size() (int64, error)
	close() error
}

// reader reads the main table in a read transaction.
type reader interface {
	get(id int64) (row, error)
	// scan reads up to limit whole rows from the key from on, in the order of
	// the key, and returns their number.
	scan(from int64, limit int64) (int64, error)
}

// versioned is an engine that keeps history. Revisions are written as git's are.
type versioned interface {
	engine
	// remove deletes rows in one durable transaction.
	remove(ctx context.Context, from target, ids []int64) error
	// commit records what has been written to a branch and returns its revision.
	commit(ctx context.Context, branch string) (string, error)
	// getAsOf reads one row as it was at a revision.
	getAsOf(ctx context.Context, rev, table string, id int64) (row, error)
	// diff reads the changed rows of the main table and returns their number.
	diff(ctx context.Context, from, to string) (int, error)
	// branch makes a branch at the head of the main branch.
	branch(ctx context.Context, name string) error
	// merge merges a branch into the main branch.
	merge(ctx context.Context, theirs string) error
	// revert makes a commit on the main branch that undoes another.
	revert(ctx context.Context, rev string) error
	// written is the number of bytes that have been written to disk so far, those
	// of compactions left out.
	written() (int64, error)
}

// sharer is an engine that has a way of its own to let concurrent transactions
// share their syncs.
type sharer interface {
	putShared(ctx context.Context, to target, r row) error
}

// settler is an engine that works in the background. settle waits until all of
// that is done which the writes so far ask for.
type settler interface {
	settle(ctx context.Context) error
}

// syncer is an engine that counts how often it waits for the disk.
type syncer interface{ syncs() int64 }

// target says where rows are written. Engines without versions ignore the branch.
type target struct{ branch, table string }

const (
	mainBranch   = "main"
	mainTable    = "plain"   // no index but the primary key
	indexedTable = "indexed" // and an index on the amount
)

var (
	inMain    = target{mainBranch, mainTable}
	inIndexed = target{mainBranch, indexedTable}
)

// row is a row of both tables: about 120 bytes.
type row struct {
	ID     int64 `vdb:"id,pk"`
	Name   string
	Mail   string
	Amount int64
	Note   string
}

// Amounts take three bytes in all engines that store small numbers short, so
// that a change keeps a row's size.
const (
	loadedAmount  = 100_000
	changedAmount = 200_000
)

// rowOf returns the row that is loaded under id. It takes little time, as it is
// measured with the work: its texts share one allocation.
func rowOf(id int64) row {
	b := make([]byte, 0, 128)
	b = appendPadded(append(b, "customer "...), id)
	name := len(b)
	b = append(appendPadded(append(b, "mail."...), id), "@example.com"...)
	mail := len(b)
	b = append(b, "a note about the customer that fills up the row "...)
	b = strconv.AppendUint(b, 1<<63|uint64(id)*0x9e3779b97f4a7c15, 16)
	text := string(b)
	return row{ID: id, Name: text[:name], Mail: text[name:mail], Amount: loadedAmount + id*7%1000, Note: text[mail:]}
}

// appendPadded appends id with nine digits.
func appendPadded(b []byte, id int64) []byte {
	for unit := int64(1e8); unit > 0; unit /= 10 {
		b = append(b, byte('0'+id/unit%10))
	}
	return b
}

// dirSize is the sum of the sizes of a directory's files.
func dirSize(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
