package sqlite

import (
	"errors"
	options "flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

var soak = options.Duration("soak", 0, "how long to compare random statements with plain SQLite")

// TestDifferential runs random statements through this driver and through plain
// SQLite.
func TestDifferential(t *testing.T) {
	eachSeed(t, 4*time.Second, func(t *testing.T, seed uint64) {
		compare(t, seededSource(seed), 60+int(seed%3)*60)
	})
}

// eachSeed runs a random test with one seed after another, until one fails: the first
// ones for a short time, or others for as long as -soak says.
func eachSeed(t *testing.T, short time.Duration, test func(t *testing.T, seed uint64)) {
	limit, first := short, uint64(1)
	if *soak > 0 {
		limit, first = *soak, uint64(time.Now().UnixNano())
	}
	start := time.Now()
	for seed := first; time.Since(start) < limit; seed++ {
		// A subtest's files go when it ends.
		if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { test(t, seed) }) {
			return
		}
	}
}

// FuzzDifferential has a fuzzer choose the statements.
func FuzzDifferential(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(func(t *testing.T, data []byte) {
		compare(t, &source{bytes: data}, 100)
	})
}

// compare runs statements until there is nothing to choose by.
func compare(t *testing.T, s *source, steps int) bool {
	t.Helper()
	cache := 0
	if s.one(3) {
		cache = 5 + s.n(10)
	}
	g := &generator{source: s}
	var done []step
	err := twinRun(t, cache, func(w *twins) (st step, ok bool, err error) {
		if g.world, err = w.plain.readWorld(); err != nil || len(done) == steps || s.spent() {
			return st, false, err
		}
		st = g.next()
		done = append(done, st)
		return st, true, nil
	})
	if err != nil {
		report(t, cache, done)
	}
	return err == nil
}

// twinRun takes the steps that next yields on new databases. At the end the
// databases are closed and opened, and built anew.
func twinRun(t *testing.T, cache int, next func(w *twins) (step, bool, error)) error {
	t.Helper()
	w, err := newTwins(t.TempDir(), cache)
	if err != nil {
		return err
	}
	st, ok, err := next(w)
	for err == nil && ok {
		if err = w.step(st); err == nil {
			st, ok, err = next(w)
		}
	}
	if err == nil {
		err = w.step(reopen)
	}
	if err == nil {
		err = w.indexesAgree()
	}
	if err == nil && w.canCopy() {
		err = w.equalRoot(t.TempDir())
	}
	if err == errLimit {
		err = nil
	}
	return errors.Join(err, w.close())
}

// report shortens what made a difference, and shows it.
func report(t *testing.T, cache int, steps []step) {
	t.Helper()
	err := replay(t, cache, steps)
	if err == nil {
		t.Errorf("a difference that is not there the second time, in %d steps", len(steps))
		return
	}
	start := time.Now()
	for size := len(steps) / 2; size > 0; size /= 2 {
		for at := len(steps) - size; at >= 0 && time.Since(start) < 20*time.Second; at -= size {
			fewer := append(steps[:at:at], steps[at+size:]...)
			if e := replay(t, cache, fewer); e != nil {
				steps, err = fewer, e
				at = min(at, len(steps))
			}
		}
	}
	var lines []string
	for _, st := range steps {
		lines = append(lines, describe(st))
	}
	t.Errorf("%v\nafter (cache %d)\n%s", err, cache, strings.Join(lines, ";\n"))
}

// replay takes steps on new databases.
func replay(t *testing.T, cache int, steps []step) error {
	t.Helper()
	i := 0
	return twinRun(t, cache, func(*twins) (st step, ok bool, err error) {
		if i == len(steps) {
			return st, false, nil
		}
		i++
		return steps[i-1], true, nil
	})
}
