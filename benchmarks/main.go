// Benchmarks measures vdb beside other databases that live inside a Go program:
// bbolt, SQLite (modernc.org/sqlite, a write-ahead log with synchronous=FULL)
// and, with -tags dolt, embedded Dolt:
//
//	go run . -rows 1000000
//	go run -tags dolt .
//
// Dolt needs cgo and the headers of ICU; without those: -tags dolt,gms_pure_go.
//
// All engines hold the same rows and do the same work in the same process. They
// take turns, measurement by measurement, and the table gives the median of the
// measurements and its ratio to vdb's (above 1: slower than vdb), the processor
// time of the process and its ratio, the allocations for one operation, how often
// vdb synced, and how far the middle half of the measurements lies apart. On a
// machine that does other things too the processor time says more than the time.
// It includes what an engine does in the background: compaction, in vdb's case.
//
// All writes are durable when they return. Caches are large enough for all rows
// (-cache), and warm.
//
// vdb is used through its typed API and SQLite through database/sql, as programs
// use them; for bbolt rows are encoded and decoded by hand.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/pprof"
	"slices"
	"time"
)

// options of a run.
type options struct {
	rows       int64
	budget     time.Duration // for a work item on an engine
	patience   time.Duration // for making a long history
	history    int           // commits that reads go back
	later      int           // commits after those that are reverted
	cacheBytes int64
	dir        string
	seed       uint64
	only       string // a regular expression of the work items to measure
	engines    string // and of the engines
	profile    string // a file; empty is none
}

// peer is an engine that can be opened on an empty directory.
type peer struct {
	name string
	open func(ctx context.Context, dir string, o options) (engine, error)
}

func main() {
	o := options{}
	seconds := flag.Float64("seconds", 2, "time for each work item on each engine")
	patience := flag.Float64("patience", 60, "most seconds for making the history that is read")
	cacheMB := flag.Int64("cache", 512, "cache of each engine in MB, where it can be set")
	flag.Int64Var(&o.rows, "rows", 1_000_000, "rows")
	flag.IntVar(&o.history, "history", 10_000, "commits that reads go back")
	flag.IntVar(&o.later, "later", 500, "commits after those that are reverted")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where the databases are made (and removed)")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the random choices")
	flag.StringVar(&o.only, "only", "", "regular expression of the work items to measure after the load")
	flag.StringVar(&o.engines, "engines", "", "regular expression of the engines to measure")
	flag.StringVar(&o.profile, "cpuprofile", "", "file for a CPU profile; its samples have the labels engine and work")
	flag.Parse()
	o.budget = time.Duration(*seconds * float64(time.Second))
	o.patience = time.Duration(*patience * float64(time.Second))
	o.cacheBytes = *cacheMB << 20
	if err := benchmark(context.Background(), o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// benchmark measures everything and prints the table to out and progress to log.
func benchmark(ctx context.Context, o options, out, log io.Writer) error {
	dir, err := os.MkdirTemp(o.dir, "vdb-benchmarks-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	noise, err := measureDisk(dir, 200)
	if err != nil {
		return err
	}
	items, err := chosenWork(o.only)
	if err != nil {
		return err
	}
	subjects, err := newSubjects(ctx, dir, o)
	if err != nil {
		return err
	}
	defer closeAll(subjects)
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	began := time.Now()
	results, err := measureAll(ctx, subjects, items, func(format string, args ...any) {
		fmt.Fprintf(log, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	})
	err = errors.Join(err, noteSizes(subjects))
	report(out, o, noise, subjects, results) // what there is, if something failed
	return err
}

// chosenWork returns the work items that match a regular expression. The load
// comes first in any case.
func chosenWork(only string) ([]work, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	all := allWork()
	rest := slices.DeleteFunc(all[1:], func(w work) bool { return !pattern.MatchString(w.name) })
	return append(all[:1:1], rest...), nil
}

// newSubjects returns the chosen ones of the engines that this program was built
// with, vdb first.
func newSubjects(ctx context.Context, dir string, o options) ([]*subject, error) {
	pattern, err := regexp.Compile(o.engines)
	if err != nil {
		return nil, err
	}
	peers := append([]peer{{"vdb", openVDB}, {"bbolt", openBolt}, {"SQLite", openSQLite}}, doltPeer...)
	var subjects []*subject
	for _, p := range peers {
		if !pattern.MatchString(p.name) {
			continue
		}
		s := &subject{name: p.name, options: o}
		s.open = func() (engine, error) {
			path, err := os.MkdirTemp(dir, p.name)
			if err != nil {
				return nil, err
			}
			return p.open(ctx, path, o)
		}
		subjects = append(subjects, s)
	}
	return subjects, nil
}

func closeAll(subjects []*subject) {
	for _, s := range subjects {
		if s.engine != nil {
			s.engine.close()
		}
	}
}
