package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"
)

// sample is one measurement: n operations of a work item on one engine.
type sample struct {
	n      int64
	wall   time.Duration
	cpu    time.Duration // of the process, in user and kernel mode
	allocs uint64
	syncs  int64 // negative if the engine does not count them
}

func (s *sample) add(o sample) {
	s.n, s.wall, s.cpu, s.allocs, s.syncs = s.n+o.n, s.wall+o.wall, s.cpu+o.cpu, s.allocs+o.allocs, s.syncs+o.syncs
}

// result is what has been measured of one work item on one engine.
type result struct {
	work    string
	engine  string
	samples []sample
}

// minRounds is the least number of measurements, unless a single one is slower
// than the time given.
const minRounds = 5

// batchShare is the share of an item's time that one measurement takes.
const batchShare = 25

// measureAll measures every work item on every engine. The engines take turns,
// measurement by measurement, so that what else the machine does meets all.
func measureAll(ctx context.Context, subjects []*subject, items []work, log func(string, ...any)) ([]result, error) {
	var results []result
	for _, w := range items {
		found, err := measureWork(ctx, subjects, w, log)
		if err != nil {
			return results, err
		}
		results = append(results, found...)
	}
	return results, nil
}

func measureWork(ctx context.Context, subjects []*subject, w work, log func(string, ...any)) ([]result, error) {
	var runs []*run
	for _, s := range subjects {
		if w.versioned && s.versions == nil {
			continue
		}
		log("%s: %s", s.name, w.name)
		r := &run{work: w, subject: s, n: 1}
		if err := r.start(ctx); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.name, w.name, err)
		}
		runs = append(runs, r)
	}
	for active := true; active; {
		active = false
		for _, r := range runs {
			more, err := r.round(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", r.subject.name, w.name, err)
			}
			active = active || more
		}
		runs = append(runs[1:], runs[0]) // another one goes first
	}
	return resultsOf(subjects, runs), nil
}

// resultsOf returns the results in the order of the engines.
func resultsOf(subjects []*subject, runs []*run) []result {
	var results []result
	for _, s := range subjects {
		for _, r := range runs {
			if r.subject == s {
				results = append(results, result{work: r.work.name, engine: s.name, samples: r.samples})
			}
		}
	}
	return results
}

// run is a work item being measured on one engine.
type run struct {
	work
	subject *subject
	n       int // operations in a measurement
	samples []sample
	spent   time.Duration
}

// start sets the work up, finds the number of operations in a measurement, and
// with that warms all caches.
func (r *run) start(ctx context.Context) error {
	r.subject.rng = rand.New(rand.NewPCG(r.subject.options.seed, 0))
	if r.setup != nil {
		if err := r.setup(ctx, r.subject); err != nil {
			return err
		}
	}
	if e, ok := r.subject.engine.(settler); ok {
		if err := e.settle(ctx); err != nil {
			return err
		}
	}
	want := r.subject.options.budget / batchShare
	for {
		s, err := r.measure(ctx)
		if err != nil || s.wall >= want || r.alone {
			r.keepLong(s)
			return err
		}
		grow := min(10, 1.2*float64(want)/float64(s.wall+1))
		r.n = max(r.n+1, int(float64(r.n)*grow))
	}
}

// keepLong counts the first measurement of work that is too long to be done for
// nothing.
func (r *run) keepLong(s sample) {
	if s.wall > r.subject.options.budget {
		r.samples, r.spent = append(r.samples, s), s.wall
	}
}

// round takes one more measurement, unless the time has been spent.
func (r *run) round(ctx context.Context) (more bool, err error) {
	budget := r.subject.options.budget
	if r.spent >= budget && (len(r.samples) >= minRounds || r.spent >= minRounds*budget) {
		return false, nil
	}
	began := time.Now()
	s, err := r.measure(ctx)
	r.samples = append(r.samples, s)
	r.spent += time.Since(began)
	return true, err
}

// measure runs the work n times: all at once or, if it is single, each time
// with its preparation and check. The garbage of others is collected before.
func (r *run) measure(ctx context.Context) (sum sample, err error) {
	times, n := 1, r.n
	if r.single {
		times, n = r.n, 1
	}
	runtime.GC()
	for range times {
		s, err := r.measureOnce(ctx, n)
		if err != nil {
			return sum, err
		}
		sum.add(s)
	}
	return sum, nil
}

// measureOnce prepares, runs and checks the work.
func (r *run) measureOnce(ctx context.Context, n int) (s sample, err error) {
	if r.prepare != nil {
		err = r.prepare(ctx, r.subject)
	}
	if err == nil {
		s, err = r.timed(ctx, n)
	}
	if err == nil && r.check != nil {
		err = r.check(ctx, r.subject)
	}
	return s, err
}

// timed runs the work.
func (r *run) timed(ctx context.Context, n int) (sample, error) {
	var err error
	syncs, allocs, cpu := r.syncs(), mallocs(), cpuTime()
	began := time.Now()
	pprof.Do(ctx, pprof.Labels("engine", r.subject.name, "work", r.name), func(ctx context.Context) {
		err = r.run(ctx, r.subject, n)
	})
	s := sample{n: int64(n), wall: time.Since(began), cpu: cpuTime() - cpu, allocs: mallocs() - allocs, syncs: -1}
	if now := r.syncs(); now >= 0 {
		s.syncs = now - syncs
	}
	if r.per != nil {
		s.n *= r.per(r.subject.options)
	}
	return s, err
}

func (r *run) syncs() int64 {
	if e, ok := r.subject.engine.(syncer); ok {
		return e.syncs()
	}
	return -1
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// quartile returns the measured value of which q quarters are below.
func (r *result) quartile(q int, value func(sample) float64) float64 {
	values := make([]float64, len(r.samples))
	for i, s := range r.samples {
		values[i] = value(s) / float64(s.n)
	}
	slices.Sort(values)
	return values[(len(values)-1)*q/4]
}

func (r *result) median(value func(sample) float64) float64 { return r.quartile(2, value) }

func wallOf(s sample) float64   { return float64(s.wall) }
func cpuOf(s sample) float64    { return float64(s.cpu) }
func allocsOf(s sample) float64 { return float64(s.allocs) }
func syncsOf(s sample) float64  { return float64(s.syncs) }
