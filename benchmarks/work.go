package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// work is a thing to measure on all engines.
type work struct {
	name string
	// versioned work is for engines that keep history.
	versioned bool
	// per is how many things one run of n = 1 does, of which the time is given;
	// nil is one.
	per func(options) int64
	// single: run cannot be repeated without prepare. alone: prepare takes much
	// longer than run, so that a measurement is one run.
	single, alone bool
	// setup runs once for each engine, prepare before each measurement and check
	// after it. They are not measured and may be nil.
	setup, prepare, check func(context.Context, *subject) error
	run                   func(ctx context.Context, s *subject, n int) error
}

// subject is an engine under test, and what the work items keep about it.
type subject struct {
	name    string
	options options
	engine
	versions versioned // nil if the engine keeps no history
	open     func() (engine, error)
	rng      *rand.Rand
	notes    []string

	fresh     engine   // what bulk loads fill
	history   []string // the revisions of commits that changed one row each
	changed   []string // commits that changed ten rows each
	reverting string   // a commit that deleted rows
	wanted    []row    // what check must find
	indexed   bool     // the indexed table is there
	names     int      // branches made
	serial    int64    // amounts given out
}

const (
	writers     = 16   // goroutines that write at once
	rowsOfPage  = 16   // fewer than any engine has on a page
	scanRows    = 100  // rows of a range scan
	batchRows   = 1000 // rows of a batch
	mergeRows   = 1000 // rows that each side of a merge changes
	diffRows    = 10   // rows that a diff finds
	deletedRows = 400  // rows that a revert brings back
	checkedRows = 5    // rows that are compared after a merge or revert
)

func (s *subject) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// id picks a row at random.
func (s *subject) id() int64 { return s.rng.Int64N(s.options.rows) }

// change returns row id with an amount that no row has had.
func (s *subject) change(id int64) row {
	s.serial++
	r := rowOf(id)
	r.Amount = changedAmount + s.serial
	return r
}

// changes returns n different rows with other amounts; their ids leave the
// remainder side when divided by two.
func (s *subject) changes(n int, side int64) []row {
	seen := map[int64]bool{}
	rows := make([]row, 0, n)
	for len(rows) < n {
		if id := s.id()&^1 | side; id < s.options.rows && !seen[id] {
			seen[id] = true
			rows = append(rows, s.change(id))
		}
	}
	return rows
}

// allWork lists what is measured, in order. The later items add history to the
// databases that the earlier ones read.
func allWork() []work {
	plain := []work{
		{name: "bulk load, per row", single: true, alone: true, per: tableRows, prepare: newStore, run: bulkLoad, check: keepFirst},
		{name: "point read, in one transaction", setup: warm, run: pointReads},
		{name: "point read, a transaction each", run: pointReadTransactions},
		{name: fmt.Sprintf("range scan of %d, per scan", scanRows), run: rangeScans},
		{name: "full scan, per row", per: tableRows, run: fullScans},
		{name: "one-row write, durable", run: oneRowWrites},
		{name: fmt.Sprintf("batch of %d writes, per batch", batchRows), run: batches},
		{name: fmt.Sprintf("one-row writes, %d goroutines, per write", writers), run: concurrentWrites},
	}
	history := []work{
		{name: "commit of a changed row", single: true, setup: makeHistory, prepare: changeRow, run: commitOnly},
		{name: "read as of main~n", setup: makeHistory, run: readsByDistance},
		{name: "read as of a commit's hash", setup: makeHistory, run: readsByHash},
		{name: fmt.Sprintf("diff of %d changed rows", diffRows), setup: makeChanges, run: diffs},
		{name: "create a branch", run: createBranches},
		{name: fmt.Sprintf("merge of %d + %d changed rows, indexed", mergeRows, mergeRows), single: true, setup: loadIndexed, prepare: diverge, run: mergeOnce, check: findWanted},
		{name: fmt.Sprintf("revert of %d deleted rows under later commits, indexed", deletedRows), single: true, alone: true, setup: loadIndexed, prepare: deleteRows, run: revertOnce, check: findWanted},
	}
	for i := range history {
		history[i].versioned = true
	}
	return append(plain, history...)
}

func tableRows(o options) int64 { return o.rows }

// newStore opens an empty database for a load.
func newStore(_ context.Context, s *subject) (err error) {
	s.fresh, err = s.open()
	return err
}

func bulkLoad(ctx context.Context, s *subject, _ int) error {
	return s.fresh.load(ctx, mainTable, s.options.rows)
}

// keepFirst keeps the first database that has been filled for all that follows.
func keepFirst(_ context.Context, s *subject) error {
	if s.engine != nil {
		return s.fresh.close()
	}
	s.engine = s.fresh
	s.versions, _ = s.fresh.(versioned)
	return nil
}

// warm reads something of every page into the caches.
func warm(ctx context.Context, s *subject) error {
	return s.view(ctx, func(in reader) error {
		for id := int64(0); id < s.options.rows; id += rowsOfPage {
			if _, err := in.get(id); err != nil {
				return err
			}
		}
		return nil
	})
}

func pointReads(ctx context.Context, s *subject, n int) error {
	return s.view(ctx, func(in reader) error {
		for range n {
			id := s.id()
			if r, err := in.get(id); err != nil || r.ID != id {
				return wrong(err, "row %d is %d", id, r.ID)
			}
		}
		return nil
	})
}

func pointReadTransactions(ctx context.Context, s *subject, n int) error {
	for range n {
		id := s.id()
		if r, err := s.get(ctx, id); err != nil || r.ID != id {
			return wrong(err, "row %d is %d", id, r.ID)
		}
	}
	return nil
}

func rangeScans(ctx context.Context, s *subject, n int) error {
	return s.view(ctx, func(in reader) error {
		for range n {
			from := s.rng.Int64N(s.options.rows - scanRows)
			if found, err := in.scan(from, scanRows); err != nil || found != scanRows {
				return wrong(err, "%d rows from %d", found, from)
			}
		}
		return nil
	})
}

func fullScans(ctx context.Context, s *subject, n int) error {
	return s.view(ctx, func(in reader) error {
		for range n {
			if found, err := in.scan(0, 2*s.options.rows); err != nil || found != s.options.rows {
				return wrong(err, "%d rows", found)
			}
		}
		return nil
	})
}

func oneRowWrites(ctx context.Context, s *subject, n int) error {
	for range n {
		if err := s.put(ctx, inMain, []row{s.change(s.id())}); err != nil {
			return err
		}
	}
	return nil
}

func batches(ctx context.Context, s *subject, n int) error {
	for range n {
		if err := s.put(ctx, inMain, s.changes(batchRows, 0)); err != nil {
			return err
		}
	}
	return nil
}

// concurrentWrites has each goroutine write rows of its own.
func concurrentWrites(ctx context.Context, s *subject, n int) error {
	put := func(r row) error { return s.put(ctx, inMain, []row{r}) }
	if e, ok := s.engine.(sharer); ok {
		put = func(r row) error { return e.putShared(ctx, inMain, r) }
	}
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, writers)
	for g := range int64(writers) {
		rng := rand.New(rand.NewPCG(s.rng.Uint64(), uint64(g)))
		group.Go(func() {
			for next.Add(1) <= int64(n) && errs[g] == nil {
				r := rowOf(rng.Int64N(s.options.rows/writers)*writers + g)
				r.Amount = changedAmount + rng.Int64N(changedAmount)
				errs[g] = put(r)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// wrong returns err or, without one, what was found in place of the right answer.
func wrong(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("wrong answer: "+format, args...)
}
