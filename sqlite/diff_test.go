package sqlite

import (
	options "flag"
	"strings"
	"testing"
	"time"
)

var soak = options.Duration("soak", 0, "how long to compare random statements with plain SQLite")

// TestDifferential runs random statements through this driver and through plain
// SQLite.
func TestDifferential(t *testing.T) {
	limit, first := 4*time.Second, uint64(1)
	if *soak > 0 {
		limit, first = *soak, uint64(time.Now().UnixNano())
	}
	start := time.Now()
	for seed := first; time.Since(start) < limit; seed++ {
		if !compare(t, seededSource(seed), 60+int(seed%3)*60) {
			t.Fatalf("seed %d", seed)
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

// compare runs statements until there is nothing to choose by, and then closes the
// databases once more.
func compare(t *testing.T, s *source, steps int) bool {
	t.Helper()
	cache := 0
	if s.one(3) {
		cache = 5 + s.n(10)
	}
	w, err := newTwins(t.TempDir(), cache)
	if err != nil {
		t.Fatal(err)
	}
	g := &generator{source: s}
	var done []step
	for len(done) < steps && err == nil && !s.spent() {
		st := g.next()
		if len(done) == steps-1 {
			st = reopen
		}
		done = append(done, st)
		if err = w.step(st); err == nil {
			g.world, err = w.plain.readWorld()
		}
	}
	if e := w.close(); err == nil {
		err = e
	}
	if err != nil {
		report(t, cache, done)
	}
	return err == nil
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
	w, err := newTwins(t.TempDir(), cache)
	if err != nil {
		return err
	}
	for _, st := range steps {
		if err = w.step(st); err != nil {
			break
		}
	}
	if e := w.close(); err == nil {
		err = e
	}
	return err
}
