//go:build unix

package nbs_test

import (
	"bufio"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vdbgo/vdb/nbs"
)

// TestCollectProcesses has processes write, read what they hold, and collect in one
// directory. One of each is stopped for a while, one of each is killed.
func TestCollectProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	must(t, openLinked(t, dir, nbs.Options{}).Close())
	var done sync.WaitGroup
	for _, role := range []string{"linked-write", "linked-read", "linked-collect"} {
		for i, fate := range []func(*exec.Cmd){nil, stopped, killed} {
			if role == "linked-collect" && i == 0 {
				continue
			}
			c := command(t, role, dir)
			started := startLinked(t, c)
			done.Go(func() {
				if fate != nil {
					fate(c)
				}
				// The child has said all it will: Wait closes the pipe.
				for started.Scan() {
				}
				if err := c.Wait(); err != nil && (i != 2 || !strings.Contains(err.Error(), "killed")) {
					t.Errorf("%s %d: %v", role, i, err)
				}
			})
		}
	}
	done.Wait()
	s := openLinked(t, dir, nbs.Options{})
	n, err := newestLinked(t.Context(), s)
	must(t, err)
	must(t, checkLinked(t.Context(), s, n))
	_, err = s.Collect(t.Context(), &nbs.CollectOptions{Full: true})
	must(t, err)
	must(t, checkLinked(t.Context(), s, n))
	if got, want := s.Stats().Chunks, int64(len(linkedChunks(n))); got != want {
		t.Errorf("%d chunks are left, want %d", got, want)
	}
	for damage, err := range s.Check(t.Context(), nil) {
		t.Errorf("Check: %v, %v", damage, err)
	}
	t.Logf("%d commits", n)
	must(t, s.Close())
}

// startLinked starts a child and waits until it has opened the store.
func startLinked(t *testing.T, c *exec.Cmd) *bufio.Scanner {
	t.Helper()
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	lines := bufio.NewScanner(out)
	lines.Scan()
	return lines
}

// stopped stops a process for a while, wherever it is.
func stopped(c *exec.Cmd) {
	for range 3 {
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
		_ = c.Process.Signal(syscall.SIGSTOP)
		time.Sleep(100 * time.Millisecond)
		_ = c.Process.Signal(syscall.SIGCONT)
	}
}

func killed(c *exec.Cmd) {
	time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
	_ = c.Process.Kill()
}

// TestCollectKilled kills a process that commits and collects, again and again.
func TestCollectKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	rounds := 4
	if *soak {
		rounds = 200
	}
	for range rounds {
		c := command(t, "linked-history", dir)
		last := killAfter(t, c, time.Duration(rand.IntN(150))*time.Millisecond)
		s := openLinked(t, dir, nbs.Options{})
		n, err := newestLinked(t.Context(), s)
		if err != nil || n < last {
			t.Fatalf("newest commit is %d, %d was acknowledged; %v", n, last, err)
		}
		must(t, checkLinked(t.Context(), s, n))
		must(t, s.Close())
	}
}
