package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// collectBench is a database with a table of numbered rows, and what each branch
// has of them.
type collectBench struct {
	t      *testing.T
	random *rand.Rand
	db     *vdb.DB
	rows   map[string]map[int64]int64 // by branch
	held   []heldSnapshot
	old    []heldCommit
}

type heldSnapshot struct {
	snap *vdb.Snapshot
	rows map[int64]int64
}

// heldCommit is a commit that a branch or tag leads to.
type heldCommit struct {
	hash string
	rows map[int64]int64
}

var collectSchema = vdb.Schema{
	Name:       "t",
	Columns:    []vdb.Column{{Name: "id", Type: "INTEGER"}, {Name: "n", Type: "INTEGER"}, {Name: "pad", Type: "TEXT"}},
	PrimaryKey: []string{"id"},
	Indexes:    []vdb.Index{{Name: "by_n", Columns: []vdb.IndexColumn{{Name: "n"}}}},
}

func readAll(t testing.TB, s vdb.Reader) map[int64]int64 {
	t.Helper()
	rows := map[int64]int64{}
	for row, err := range s.Rows("t", vdb.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows[row[0].Int()] = row[1].Int()
	}
	var indexed int
	for _, err := range s.Rows("t", vdb.Range{Index: "by_n"}) {
		if err != nil {
			t.Fatal(err)
		}
		indexed++
	}
	if indexed != len(rows) {
		t.Fatalf("%d rows, %d in the index", len(rows), indexed)
	}
	return rows
}

func TestCollectModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	b := &collectBench{t: t, random: rand.New(rand.NewPCG(seed, 0)), rows: map[string]map[int64]int64{vdb.MainBranch: {}}}
	path := t.TempDir()
	b.open(path)
	main, err := b.db.Branch(t.Context(), vdb.MainBranch)
	must(err)
	must(main.Update(t.Context(), func(tx *vdb.Tx) error { return tx.CreateTable(collectSchema) }))
	for i := range 300 {
		b.step()
		if i%60 == 59 {
			b.held = nil
			must(b.db.Close())
			b.open(path)
		}
	}
	b.check()
	must(b.db.Close())
}

func (b *collectBench) open(path string) {
	db, err := vdb.Open(b.t.Context(), path, &vdb.Options{CacheBytes: -1})
	must(err)
	b.db = db
}

func (b *collectBench) branch() *vdb.Branch {
	names := slices.Sorted(maps.Keys(b.rows))
	br, err := b.db.Branch(b.t.Context(), names[b.random.IntN(len(names))])
	must(err)
	return br
}

func (b *collectBench) step() {
	ctx := b.t.Context()
	br := b.branch()
	switch n := b.random.IntN(100); {
	case n < 50:
		b.write(br, nil)
	case n < 60:
		c, err := br.Commit(ctx, vdb.Message{Author: "Billing", Text: "rows"})
		if errors.Is(err, vdb.ErrNothingToCommit) {
			return
		}
		must(err)
		b.old = append(b.old, heldCommit{c.Hash.String(), maps.Clone(b.rows[br.Name()])})
	case n < 66:
		name := fmt.Sprintf("b%d", b.random.IntN(6))
		if _, ok := b.rows[name]; !ok {
			_, err := b.db.CreateBranch(ctx, name, vdb.MainBranch)
			must(err)
			head, err := b.db.AsOf(ctx, vdb.MainBranch)
			must(err)
			b.rows[name] = map[int64]int64{}
			if tables, err := head.Tables(); err == nil && len(tables) > 0 {
				b.rows[name] = readAll(b.t, head)
			} else {
				delete(b.rows, name)
				must(b.db.DeleteBranch(ctx, name))
			}
		}
	case n < 70 && br.Name() != vdb.MainBranch:
		must(b.db.DeleteBranch(ctx, br.Name()))
		delete(b.rows, br.Name())
		b.old = nil // some may have been its own
	case n < 75:
		s, err := br.Snapshot(ctx)
		must(err)
		b.held = append(b.held, heldSnapshot{s, maps.Clone(b.rows[br.Name()])})
	case n < 80:
		b.write(br, func() { b.collect() }) // in the middle of a transaction
	case n < 82:
		runtime.GC()
	default:
		b.collect()
		b.check()
	}
}

// write changes some rows; between is called before the commit.
func (b *collectBench) write(br *vdb.Branch, between func()) {
	rows := maps.Clone(b.rows[br.Name()])
	changes := map[int64]int64{}
	for range 1 + b.random.IntN(40) {
		changes[b.random.Int64N(400)] = b.random.Int64N(3)
	}
	must(br.Update(b.t.Context(), func(tx *vdb.Tx) error {
		for id, n := range changes {
			if n == 0 {
				delete(rows, id)
				if err := tx.Delete("t", id); err != nil && !errors.Is(err, vdb.ErrNotFound) {
					return err
				}
				continue
			}
			rows[id] = n
			if err := tx.Put("t", vdb.Row{vdb.Int(id), vdb.Int(n), vdb.Text(fmt.Sprint("row ", id, n))}); err != nil {
				return err
			}
		}
		if between != nil {
			between()
		}
		return nil
	}))
	b.rows[br.Name()] = rows
}

func (b *collectBench) collect() {
	_, err := b.db.Collect(context.Background(), &vdb.CollectOptions{Full: b.random.IntN(2) == 0})
	must(err)
}

// check reads all that is live: branches, snapshots and commits.
func (b *collectBench) check() {
	ctx := b.t.Context()
	for name, rows := range b.rows {
		br, err := b.db.Branch(ctx, name)
		must(err)
		s, err := br.Snapshot(ctx)
		must(err)
		if got := readAll(b.t, s); !maps.Equal(got, rows) {
			b.t.Fatalf("branch %s: %d rows, want %d", name, len(got), len(rows))
		}
	}
	for _, h := range b.held {
		if got := readAll(b.t, h.snap); !maps.Equal(got, h.rows) {
			b.t.Fatalf("a snapshot: %d rows, want %d", len(got), len(h.rows))
		}
	}
	for _, c := range b.old {
		s, err := b.db.AsOf(ctx, c.hash)
		must(err)
		if got := readAll(b.t, s); !maps.Equal(got, c.rows) {
			b.t.Fatalf("commit %s: %d rows, want %d", c.hash, len(got), len(c.rows))
		}
	}
}

// TestCollectFrees writes the same rows again and again, and resets: the database
// does not grow.
func TestCollectFrees(t *testing.T) {
	ctx := t.Context()
	db, err := vdb.Open(ctx, t.TempDir(), nil)
	must(err)
	defer db.Close()
	main, err := db.Branch(ctx, vdb.MainBranch)
	must(err)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.CreateTable(collectSchema) }))
	fill := func(n int64) {
		must(main.Update(ctx, func(tx *vdb.Tx) error {
			for id := range int64(2000) {
				if err := tx.Put("t", vdb.Row{vdb.Int(id), vdb.Int(n), vdb.Text(fmt.Sprint("row ", id, " ", n))}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	fill(0)
	_, err = db.Collect(ctx, nil)
	must(err)
	least := db.Stats().Chunks
	for n := range int64(10) {
		fill(n)
	}
	grown := db.Stats().Chunks
	report, err := db.Collect(ctx, &vdb.CollectOptions{Full: true})
	must(err)
	if left := db.Stats().Chunks; grown < 5*least || left > least+least/2 || report.DroppedChunks != grown-left {
		t.Errorf("%d chunks, then %d, then %d; %+v", least, grown, left, report)
	}
}

// TestCollectReset frees the commits that a reset has left, which are then not found,
// unless somebody has gone back to one meanwhile.
func TestCollectReset(t *testing.T) {
	ctx := t.Context()
	db, err := vdb.Open(ctx, t.TempDir(), nil)
	must(err)
	defer db.Close()
	main, err := db.Branch(ctx, vdb.MainBranch)
	must(err)
	must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.CreateTable(collectSchema) }))
	_, err = main.Commit(ctx, vdb.Message{Author: "Billing", Text: "table"})
	must(err)
	var left []*vdb.Commit
	for n := range int64(2) {
		must(main.Update(ctx, func(tx *vdb.Tx) error { return tx.Put("t", vdb.Row{vdb.Int(n), vdb.Int(n), vdb.Text("x")}) }))
		c, err := main.Commit(ctx, vdb.Message{Author: "Billing", Text: "row"})
		must(err)
		left = append(left, c)
		must(main.ResetHard(ctx, "HEAD~"))
	}
	must(main.ResetHard(ctx, left[0].Hash.String()))
	_, err = db.Collect(ctx, &vdb.CollectOptions{Full: true})
	must(err)
	if _, err := db.Resolve(ctx, left[0].Hash.String()); err != nil {
		t.Errorf("the head: %v", err)
	}
	if _, err := db.Resolve(ctx, left[1].Hash.String()); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("a commit that was dropped: %v, want ErrNotFound", err)
	}
}

// TestCollectBesideWriters has writers, readers of snapshots and a collector run at
// once: no money is lost.
func TestCollectBesideWriters(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	db, err := vdb.Open(t.Context(), t.TempDir(), nil)
	must(err)
	defer db.Close()
	main, err := db.Branch(t.Context(), vdb.MainBranch)
	must(err)
	must(main.Update(t.Context(), func(tx *vdb.Tx) error {
		if err := tx.CreateTable(collectSchema); err != nil {
			return err
		}
		for id := range int64(200) {
			if err := tx.Put("t", vdb.Row{vdb.Int(id), vdb.Int(100), vdb.Text("account")}); err != nil {
				return err
			}
		}
		return nil
	}))
	var all sync.WaitGroup
	run := func(work func(random *rand.Rand) error) {
		all.Go(func() {
			random := rand.New(rand.NewPCG(rand.Uint64(), 0))
			for ctx.Err() == nil {
				if err := work(random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		run(func(random *rand.Rand) error { return moveOne(t.Context(), main, random) })
	}
	run(func(*rand.Rand) error {
		s, err := main.Snapshot(t.Context())
		if err != nil {
			return err
		}
		for range 5 {
			time.Sleep(5 * time.Millisecond)
			runtime.GC()
			if sum := sumOf(t, s); sum != 200*100 {
				return fmt.Errorf("a snapshot has %d", sum)
			}
		}
		return nil
	})
	collections := 0
	run(func(random *rand.Rand) error {
		collections++
		_, err := db.Collect(t.Context(), &vdb.CollectOptions{Full: random.IntN(3) == 0})
		return err
	})
	all.Wait()
	s, err := main.Snapshot(t.Context())
	must(err)
	if sum := sumOf(t, s); sum != 200*100 || collections < 2 {
		t.Errorf("%d in the end, after %d collections", sum, collections)
	}
}

func sumOf(t testing.TB, s *vdb.Snapshot) (sum int64) {
	for _, n := range readAll(t, s) {
		sum += n
	}
	return sum
}

func moveOne(ctx context.Context, b *vdb.Branch, random *rand.Rand) error {
	from, to := random.Int64N(200), random.Int64N(200)
	return b.Update(ctx, func(tx *vdb.Tx) error {
		a, err := tx.Get("t", from)
		if err != nil || from == to {
			return err
		}
		c, err := tx.Get("t", to)
		if err != nil {
			return err
		}
		if err := tx.Put("t", vdb.Row{vdb.Int(from), vdb.Int(a[1].Int() - 1), vdb.Text("account")}); err != nil {
			return err
		}
		return tx.Put("t", vdb.Row{vdb.Int(to), vdb.Int(c[1].Int() + 1), vdb.Text("account")})
	})
}
