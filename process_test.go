package vdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// childRole tells a re-executed test binary what to do, as "role dir number".
const childRole = "VDB_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := runChild(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runChild(role string) error {
	parts := strings.SplitN(role, " ", 3)
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return err
	}
	ctx := context.Background()
	db, err := vdb.Open(ctx, parts[2], nil)
	if err != nil {
		return err
	}
	defer db.Close()
	main, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	switch parts[0] {
	case "count":
		return countUp(ctx, main, number)
	case "pairs":
		return writePairs(ctx, main)
	}
	return fmt.Errorf("role %q", role)
}

// child starts the test binary again.
func child(t *testing.T, role string, number int, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", childRole, role, number, dir))
	cmd.Stderr = os.Stderr
	return cmd
}

func openDir(t testing.TB, dir string) (*vdb.DB, *vdb.Branch) {
	t.Helper()
	db, err := vdb.Open(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, mainBranch(t, db)
}

const countsPerProcess = 40

// countUp adds to a counter that all processes share, and commits now and then.
func countUp(ctx context.Context, main *vdb.Branch, number int) error {
	for i := range countsPerProcess {
		err := main.Update(ctx, func(tx *vdb.Tx) error {
			shared, err := tx.Get("counters", 0)
			if err != nil {
				return err
			}
			return errors.Join(
				tx.Put("counters", vdb.Row{vdb.Int(0), vdb.Int(shared[1].Int() + 1)}),
				tx.Put("counters", vdb.Row{vdb.Int(int64(number)), vdb.Int(int64(i + 1))}),
			)
		})
		if err != nil {
			return err
		}
		if i%10 == 0 {
			_, err := main.Commit(ctx, vdb.Message{Author: fmt.Sprint("process ", number), Text: "count"})
			if err != nil && !errors.Is(err, vdb.ErrNothingToCommit) {
				return err
			}
		}
	}
	return nil
}

var pairSchema = []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "n", Type: "INTEGER"}}

func TestEightProcesses(t *testing.T) {
	dir := t.TempDir()
	db, main := openDir(t, dir)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{Name: "counters", Columns: pairSchema, PrimaryKey: []string{"id"}}),
			tx.Put("counters", vdb.Row{vdb.Int(0), vdb.Int(0)}))
	})
	const processes = 8
	var running sync.WaitGroup
	for n := 1; n <= processes; n++ {
		cmd := child(t, "count", n, dir)
		running.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v", n, err)
			}
		})
	}
	running.Wait()
	s, err := main.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n <= processes; n++ {
		want := int64(countsPerProcess)
		if n == 0 {
			want *= processes
		}
		if row, err := s.Get("counters", n); err != nil || row[1].Int() != want {
			t.Errorf("counter %d: %v, %v; want %d", n, row, err, want)
		}
	}
	commits := 0
	for _, err := range db.Log(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		commits++
	}
	if commits < processes {
		t.Errorf("%d commits", commits)
	}
}

// writePairs writes each number to two tables at once, and says so when it is
// durable, until it is killed.
func writePairs(ctx context.Context, main *vdb.Branch) error {
	var mu sync.Mutex
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := int64(w); ; i += 4 {
				err := main.Update(ctx, func(tx *vdb.Tx) error {
					return errors.Join(tx.Put("a", vdb.Row{vdb.Int(i), vdb.Int(i)}), tx.Put("b", vdb.Row{vdb.Int(i), vdb.Int(i)}))
				})
				if err == nil && i%16 == 0 {
					_, err = main.Commit(ctx, vdb.Message{Text: "some", AllowEmpty: true})
				}
				mu.Lock()
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println(i)
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	return nil
}

func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	db, main := openDir(t, dir)
	update(t, main, func(tx *vdb.Tx) error {
		return errors.Join(
			tx.CreateTable(vdb.Schema{Name: "a", Columns: pairSchema, PrimaryKey: []string{"id"}}),
			tx.CreateTable(vdb.Schema{Name: "b", Columns: pairSchema, PrimaryKey: []string{"id"}}))
	})
	db.Close()
	for range 8 {
		acknowledged := killedRun(t, dir, time.Duration(20+rng.IntN(250))*time.Millisecond)
		checkPairs(t, dir, acknowledged)
	}
}

// killedRun runs a writer until it is killed and returns what it acknowledged.
func killedRun(t *testing.T, dir string, after time.Duration) []int64 {
	t.Helper()
	cmd := child(t, "pairs", 0, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(after, func() { cmd.Process.Kill() })
	var acknowledged []int64
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		acknowledged = append(acknowledged, n)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the writer was not killed: %v", err)
	}
	return acknowledged
}

func checkPairs(t *testing.T, dir string, acknowledged []int64) {
	t.Helper()
	db, main := openDir(t, dir)
	defer db.Close()
	if err := db.Damage(); err != nil {
		t.Fatal(err)
	}
	s, err := main.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, table := range []string{"a", "b"} {
		for row, err := range s.Rows(table, vdb.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			rows[table] = append(rows[table], fmt.Sprint(row))
		}
	}
	if fmt.Sprint(rows["a"]) != fmt.Sprint(rows["b"]) {
		t.Fatal("half a transaction is there")
	}
	for _, n := range acknowledged {
		if _, err := s.Get("a", n); err != nil {
			t.Fatalf("acknowledged row %d: %v", n, err)
		}
	}
}
