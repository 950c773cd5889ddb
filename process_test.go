package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/child"
)

func TestMain(m *testing.M) {
	child.Main(m, map[string]child.Role{
		"count": onMain(countUp), "pairs": onMain(writePairs), "transfer": transferChild, "serve": serveChild, "recover": recoverOnce,
		"onebyone": commitOneByOne, "retain": retainForEver,
	})
}

// onMain is the role of a child that works on the main branch of a database.
func onMain(work func(ctx context.Context, main *vdb.Branch, number int) error) child.Role {
	return func(number int, path string) error {
		ctx := context.Background()
		db, err := vdb.Open(ctx, path, nil)
		if err != nil {
			return err
		}
		defer db.Close()
		main, err := db.Branch(ctx, vdb.MainBranch)
		if err != nil {
			return err
		}
		return work(ctx, main, number)
	}
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
		cmd := child.Command("count", n, dir)
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
func writePairs(ctx context.Context, main *vdb.Branch, _ int) error {
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
	lines, err := child.Killed(child.Command("pairs", 0, dir), after)
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged []int64
	for _, line := range lines {
		n, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		acknowledged = append(acknowledged, n)
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
