package vdb_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// randomHistory makes commits by two authors on two branches, of changes to two
// tables, with merges in both directions.
func randomHistory(t *testing.T, rng *rand.Rand) *vdb.DB {
	clock := time.Unix(1_700_000_000, 0)
	db, err := vdb.Open(t.Context(), vdb.Memory, &vdb.Options{Now: func() time.Time {
		clock = clock.Add(time.Minute)
		return clock
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	tables := []string{"red", "blue"}
	main := mainBranch(t, db)
	update(t, main, func(tx *vdb.Tx) error {
		for _, table := range tables {
			if err := tx.CreateTable(vdb.Schema{Name: table, Columns: []vdb.Column{{Name: "n", Type: "INTEGER"}}}); err != nil {
				return err
			}
		}
		return nil
	})
	commit(t, main, "Tables")
	side, err := db.CreateBranch(t.Context(), "side", "main")
	if err != nil {
		t.Fatal(err)
	}
	branches := []*vdb.Branch{main, side}
	for i := range int64(40) {
		b, author := branches[rng.IntN(2)], []string{"Audit <audit@example.com>", "Billing"}[rng.IntN(2)]
		if rng.IntN(4) == 0 {
			if _, err := b.Merge(t.Context(), []string{"main", "side"}[rng.IntN(2)], &vdb.MergeOptions{Message: vdb.Message{Author: author}}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		update(t, b, func(tx *vdb.Tx) error { return tx.Put(tables[rng.IntN(2)], vdb.Row{vdb.Int(i)}) })
		if _, err := b.Commit(t.Context(), vdb.Message{Author: author, Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// logOracle is the history, walked without any order.
type logOracle struct {
	t  *testing.T
	db *vdb.DB
}

func (o *logOracle) resolve(rev string) *vdb.Commit {
	c, err := o.db.Resolve(o.t.Context(), rev)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// ancestors collects c and what it descends from.
func (o *logOracle) ancestors(c *vdb.Commit, firstParent bool, into map[vdb.Hash]*vdb.Commit) map[vdb.Hash]*vdb.Commit {
	if into[c.Hash] != nil {
		return into
	}
	into[c.Hash] = c
	for i, p := range c.Parents {
		if i == 0 || !firstParent {
			o.ancestors(o.resolve(p.String()), firstParent, into)
		}
	}
	return into
}

// keeps tells whether the filters of l let c through.
func (o *logOracle) keeps(l *vdb.LogOptions, c *vdb.Commit) bool {
	changed := l.Table == ""
	for table, err := range o.db.Show(o.t.Context(), c.Hash.String()).Tables() {
		if err != nil {
			o.t.Fatal(err)
		}
		changed = changed || table.Name() == l.Table
	}
	return changed && strings.Contains(strings.ToLower(c.Author), strings.ToLower(l.Author)) &&
		(l.Since.IsZero() || !c.CommitTime.Before(l.Since)) && (l.Until.IsZero() || !c.CommitTime.After(l.Until))
}

// log is what the log yields, without Skip and Limit, in any order.
func (o *logOracle) log(l *vdb.LogOptions) map[vdb.Hash]*vdb.Commit {
	a, b, isRange := strings.Cut(l.From, "..")
	if !isRange {
		a, b = "", l.From
	}
	selected := o.ancestors(o.resolve(b), l.FirstParent, map[vdb.Hash]*vdb.Commit{})
	if a != "" {
		for h := range o.ancestors(o.resolve(a), false, map[vdb.Hash]*vdb.Commit{}) {
			delete(selected, h)
		}
	}
	for h, c := range selected {
		if !o.keeps(l, c) {
			delete(selected, h)
		}
	}
	return selected
}

func collectLog(t *testing.T, db *vdb.DB, l vdb.LogOptions) []*vdb.Commit {
	t.Helper()
	var got []*vdb.Commit
	for c, err := range db.Log(t.Context(), &l) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	return got
}

func TestLogAgainstOracle(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	db := randomHistory(t, rng)
	o := &logOracle{t: t, db: db}
	revs := []string{"main", "side", "main~3", "side~5", "main~9", "side..main", "main..side", "main~6..main", "side~8..main~1"}
	for range 200 {
		l := vdb.LogOptions{From: revs[rng.IntN(len(revs))], FirstParent: rng.IntN(3) == 0}
		if rng.IntN(3) == 0 {
			l.Author = []string{"audit", "EXAMPLE", "Billing"}[rng.IntN(3)]
		}
		if rng.IntN(3) == 0 {
			l.Table = []string{"red", "blue"}[rng.IntN(2)]
		}
		if rng.IntN(3) == 0 {
			l.Since = o.resolve("main~" + fmt.Sprint(rng.IntN(10))).CommitTime
		}
		if rng.IntN(3) == 0 {
			l.Until = o.resolve("main~" + fmt.Sprint(rng.IntN(5))).CommitTime
		}
		checkLog(t, o, l)
		if t.Failed() {
			return
		}
	}
}

// checkLog compares what the log yields with the oracle, and its pages with that.
func checkLog(t *testing.T, o *logOracle, l vdb.LogOptions) {
	t.Helper()
	all, want := collectLog(t, o.db, l), o.log(&l)
	place := map[vdb.Hash]int{}
	for i, c := range all {
		if want[c.Hash] == nil {
			t.Errorf("%+v: commit %q should not be there", l, c.Text)
		}
		if _, twice := place[c.Hash]; twice {
			t.Errorf("%+v: commit %q comes twice", l, c.Text)
		}
		place[c.Hash] = i
	}
	if len(all) != len(want) {
		t.Errorf("%+v: %d commits, want %d", l, len(all), len(want))
	}
	for i, c := range all {
		for _, p := range c.Parents {
			if at, ok := place[p]; ok && at < i {
				t.Errorf("%+v: commit %q comes after its parent", l, c.Text)
			}
		}
	}
	var paged []*vdb.Commit
	for page := l; ; page.Skip += 3 {
		page.Limit = 3
		part := collectLog(t, o.db, page)
		paged = append(paged, part...)
		if len(part) < 3 {
			break
		}
	}
	if !slices.EqualFunc(paged, all, func(a, b *vdb.Commit) bool { return a.Hash == b.Hash }) {
		t.Errorf("%+v: pages have %d commits, the log %d", l, len(paged), len(all))
	}
}

// TestLogPagesByFirstParent starts each page where the one before ended.
func TestLogPagesByFirstParent(t *testing.T) {
	db := randomHistory(t, rand.New(rand.NewPCG(1, 2)))
	all := collectLog(t, db, vdb.LogOptions{FirstParent: true})
	var paged []*vdb.Commit
	for l := (vdb.LogOptions{FirstParent: true, Limit: 4}); ; l.From, l.Skip = paged[len(paged)-1].Hash.String(), 1 {
		part := collectLog(t, db, l)
		if len(part) == 0 {
			break
		}
		paged = append(paged, part...)
	}
	if !slices.EqualFunc(paged, all, func(a, b *vdb.Commit) bool { return a.Hash == b.Hash }) {
		t.Errorf("pages have %d commits, the log %d", len(paged), len(all))
	}
}
