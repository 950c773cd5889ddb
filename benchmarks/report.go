package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"time"
)

// report prints what has been measured as Markdown.
func report(w io.Writer, o options, noise diskNoise, subjects []*subject, results []result) {
	fmt.Fprintf(w, "%d rows, %s, %s/%s, %d CPUs; a write of 4 KB and a sync takes %s (quartiles %s and %s) on this disk.\n\n",
		o.rows, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		duration(noise.median), duration(noise.low), duration(noise.high))
	fmt.Fprintln(w, "| work | engine | time | vdb = 1 | CPU time | vdb = 1 | allocations | syncs | spread |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|--:|--:|--:|--:|")
	var base *result
	for i := range results {
		r := &results[i]
		name := r.work
		if i > 0 && results[i-1].work == name {
			name = ""
		} else {
			base = r
		}
		fmt.Fprintln(w, r.line(name, base))
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "- A reverted commit has %d later ones.\n", o.later)
	for _, s := range subjects {
		for _, n := range s.notes {
			fmt.Fprintf(w, "- %s: %s.\n", s.name, n)
		}
	}
}

// line is a line of the table; vdb's result is the first of each work item.
func (r *result) line(name string, base *result) string {
	syncs := "–"
	if r.samples[0].syncs >= 0 {
		syncs = number(r.median(syncsOf))
	}
	wall, cpu := r.median(wallOf), r.median(cpuOf)
	spread := (r.quartile(3, wallOf) - r.quartile(1, wallOf)) / wall
	return "| " + strings.Join([]string{
		name, r.engine, duration(wall), fmt.Sprintf("%.2f", wall/base.median(wallOf)),
		duration(cpu), fmt.Sprintf("%.2f", cpu/base.median(cpuOf)), number(r.median(allocsOf)), syncs,
		fmt.Sprintf("%.0f%% of %d", 100*spread, len(r.samples)),
	}, " | ") + " |"
}

// duration prints nanoseconds with three digits.
func duration(ns float64) string {
	for _, unit := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if ns >= unit.ns {
			return number(ns/unit.ns) + " " + unit.name
		}
	}
	return number(ns) + " ns"
}

// number prints x with three digits or, if it is larger, as an integer.
func number(x float64) string {
	switch {
	case x < 0.005:
		return "0"
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(x))))
	return fmt.Sprintf("%.*f", min(digits, 2), x)
}

// noteSizes notes what each database takes up.
func noteSizes(subjects []*subject) error {
	for _, s := range subjects {
		if s.engine == nil {
			continue // it failed before
		}
		size, err := s.size()
		if err != nil {
			return err
		}
		s.note("%.0f MB on disk, after all of this", float64(size)/1e6)
	}
	return nil
}

// diskNoise is how long a small write and a sync take, in nanoseconds.
type diskNoise struct{ low, median, high float64 }

// measureDisk syncs a file in dir many times.
func measureDisk(dir string, times int) (diskNoise, error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return diskNoise{}, err
	}
	defer f.Close()
	r := result{}
	for i := range times {
		began := time.Now()
		if _, err := f.WriteAt(make([]byte, 4096), int64(i)*4096); err != nil {
			return diskNoise{}, err
		}
		if err := f.Sync(); err != nil {
			return diskNoise{}, err
		}
		r.samples = append(r.samples, sample{n: 1, wall: time.Since(began)})
	}
	return diskNoise{r.quartile(1, wallOf), r.median(wallOf), r.quartile(3, wallOf)}, nil
}
