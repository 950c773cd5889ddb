package nbs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb/nbs"
	"github.com/vdbgo/vdb/nbs/nbstest"
)

// The tests of this file run their own executable again: "nbs-child", then the
// role and its arguments, take the place of the test's flags.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "nbs-child" {
		if err := child(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(role string, args []string) error {
	ctx := context.Background()
	switch role {
	case "linked-write", "linked-read", "linked-collect":
		return linkedChild(ctx, role, args[0])
	case "linked-history":
		return endlessLinked(ctx, args[0])
	}
	s, err := nbs.Open(ctx, args[0], &nbs.Options{JournalBytes: 256 << 10})
	if err != nil {
		return err
	}
	switch role {
	case "count":
		steps, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return errors.Join(countSteps(ctx, s, steps), s.Close())
	case "history":
		return endlessHistory(ctx, s)
	}
	return fmt.Errorf("unknown role %q", role)
}

// countSteps increments the counter, with chunks of some size beside it.
func countSteps(ctx context.Context, s *nbs.Store, steps int) error {
	w := s.NewWriter()
	for i := range steps {
		if _, err := w.Put(ctx, nbstest.Chunk(rand.Uint64(), 4000)); err != nil {
			return err
		}
		if err := nbstest.Increment(ctx, s, w); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// endlessHistory commits until it is killed, and says so after each commit.
func endlessHistory(ctx context.Context, s *nbs.Store) error {
	n, err := newest(ctx, s)
	h := &history{acknowledged: n}
	for err == nil {
		if err = h.commit(ctx, s); err == nil {
			_, err = fmt.Println(h.acknowledged)
		}
	}
	return err
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, append([]string{"nbs-child"}, args...)...)
	c.Stderr = os.Stderr
	return c
}

// TestProcesses has eight processes count in one directory, which they compact
// meanwhile, and one more store follow them.
func TestProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	const processes, steps = 8, 100
	var done sync.WaitGroup
	for range processes {
		c := command(t, "count", dir, strconv.Itoa(steps))
		done.Go(func() {
			if err := c.Run(); err != nil {
				t.Errorf("child: %v", err)
			}
		})
	}
	finished := make(chan struct{})
	go func() {
		done.Wait()
		close(finished)
	}()
	s := open(t, dir, nil)
	follow(t, s, finished)
	if n, err := nbstest.Count(t.Context(), s); n != processes*steps || err != nil {
		t.Fatalf("counted to %d, %v, want %d", n, err, processes*steps)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// follow reads the counter until the processes have finished. It never goes
// back, and the chunk of a root is always there.
func follow(t *testing.T, s *nbs.Store, finished chan struct{}) {
	last, seen := uint64(0), 0
	for {
		n, err := nbstest.Count(t.Context(), s)
		if err != nil || n < last {
			t.Fatalf("reader counted %d after %d, %v", n, last, err)
		}
		if n > last {
			seen++
		}
		last = n
		select {
		case <-finished:
			t.Logf("the reader saw %d of the counts", seen)
			return
		default:
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// TestKill kills a process that commits and compacts, again and again. What it
// had acknowledged must be there.
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	rounds := 8
	if *soak {
		rounds = 300
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	last := uint64(0)
	for round := range rounds {
		c := command(t, "history", dir)
		last = max(last, killAfter(t, c, time.Duration(random.IntN(150))*time.Millisecond))
		s := open(t, dir, nil)
		n, err := newest(t.Context(), s)
		if err != nil || n < last {
			t.Fatalf("round %d, seed %d: newest commit is %d, %d was acknowledged; %v", round, seed, n, last, err)
		}
		h := &history{acknowledged: n, attempted: n}
		if err := h.check(t.Context(), s); err != nil {
			t.Fatalf("round %d, seed %d: %v", round, seed, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d commits in %d rounds", last, rounds)
}

// killAfter starts c, kills it some time after its first line, and returns the
// last number that it printed.
func killAfter(t *testing.T, c *exec.Cmd, wait time.Duration) uint64 {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	var timer *time.Timer
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // killed; what is left of a line does not count
		}
		if timer == nil {
			timer = time.AfterFunc(wait, func() { c.Process.Kill() })
		}
		if last, err = strconv.ParseUint(strings.TrimSpace(line), 10, 64); err != nil {
			t.Errorf("child printed %q", line)
		}
	}
	if err := c.Wait(); err == nil || timer == nil {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return last
}
