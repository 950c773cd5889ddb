package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/vdbgo/vdb"
)

// report prints the numbered steps, with the time that each took and the bytes
// that it added to the database.
type report struct {
	out  io.Writer
	bars bool // draw progress bars, on standard error
	db   *vdb.DB
	n    int
}

// step is a part of the day.
type step struct {
	title string
	do    func(context.Context) error
}

// steps runs steps one by one, and prints what each is and what it cost.
func (r *report) steps(ctx context.Context, all []step) error {
	for _, s := range all {
		r.n++
		fmt.Fprintf(r.out, "\n%d. %s\n", r.n, s.title)
		start, before := time.Now(), r.db.Stats().AppendedBytes
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("step %d: %w", r.n, err)
		}
		took := time.Since(start)
		added := r.db.Stats().AppendedBytes - before
		fmt.Fprintf(r.out, "   %v, %s added\n", took.Round(roundTo(took)), size(added))
	}
	return nil
}

// say prints a line about the step that runs.
func (r *report) say(format string, args ...any) {
	fmt.Fprintf(r.out, "   "+format+"\n", args...)
}

// bar shows the progress of a long step that has n parts.
func (r *report) bar(n int, what string) *progressbar.ProgressBar {
	out := io.Writer(os.Stderr)
	if !r.bars {
		out = io.Discard
	}
	return progressbar.NewOptions(n,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription("   "+what),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// roundTo keeps three digits or so of a duration.
func roundTo(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return 100 * time.Millisecond
	case d > time.Second:
		return 10 * time.Millisecond
	case d > time.Millisecond:
		return 100 * time.Microsecond
	}
	return time.Microsecond
}

// size prints a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

// count prints a number with commas: 1,234,567.
func count[N int | int64 | uint64](n N) string {
	s := strconv.FormatUint(uint64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
