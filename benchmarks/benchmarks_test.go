package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// TestBenchmark does all work on small tables, on every engine that is built in.
// What each item reads is checked as it is in a full run.
func TestBenchmark(t *testing.T) {
	o := options{
		rows: 2000, budget: 20 * time.Millisecond, patience: 2 * time.Second,
		history: 50, later: 10, cacheBytes: 64 << 20, dir: t.TempDir(), seed: 1,
	}
	var out strings.Builder
	if err := benchmark(t.Context(), o, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, w := range allWork() {
		if !strings.Contains(out.String(), "| "+w.name+" | vdb | ") {
			t.Errorf("no line for %q", w.name)
		}
	}
	t.Log("\n" + out.String())
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.0049: "0", 0.25: "0.25", 1: "1.00", 12.34: "12.3", 99.96: "100.0", 123.4: "123", 4567: "4567"} {
		if got := number(x); got != want {
			t.Errorf("number(%v) = %s, want %s", x, got, want)
		}
	}
	for ns, want := range map[float64]string{512: "512 ns", 1500: "1.50 µs", 2e6: "2.00 ms", 3.5e9: "3.50 s"} {
		if got := duration(ns); got != want {
			t.Errorf("duration(%v) = %s, want %s", ns, got, want)
		}
	}
}
