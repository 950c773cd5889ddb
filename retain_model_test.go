package vdb_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// retainModel is a history as maps, and the rule of retention over them.
type retainModel struct {
	t       *testing.T
	rng     *rand.Rand
	db      *vdb.DB
	now     time.Time
	parents map[vdb.Hash][]vdb.Hash // as they are after squashing
	merges  map[vdb.Hash]bool
	times   map[vdb.Hash]time.Time
	roots   map[vdb.Hash]vdb.Hash
	into    map[vdb.Hash]vdb.Hash // of all that was squashed
	heads   map[string]vdb.Hash
	tags    map[string]vdb.Hash
	keep    map[string]vdb.Retention
	steps   int
}

// TestRetainModel compares retention of random histories, with branches, merges, tags,
// deleted branches and clocks that err, with a rule that looks at maps alone. Each time
// the database is collected, checked, and all merge bases are as before.
func TestRetainModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		m := &retainModel{
			t: t, rng: rand.New(rand.NewPCG(seed, uint64(round))), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
			parents: map[vdb.Hash][]vdb.Hash{}, merges: map[vdb.Hash]bool{}, times: map[vdb.Hash]time.Time{},
			roots: map[vdb.Hash]vdb.Hash{}, into: map[vdb.Hash]vdb.Hash{},
			heads: map[string]vdb.Hash{}, tags: map[string]vdb.Hash{}, keep: map[string]vdb.Retention{},
		}
		m.open()
		for range 4 {
			for range 60 {
				m.step()
			}
			m.retain()
		}
		t.Logf("%d of %d commits were squashed", len(m.into), len(m.parents))
		succeeds(t, m.db.Close())
	}
}

func (m *retainModel) open() {
	db, err := vdb.Open(m.t.Context(), m.t.TempDir(), &vdb.Options{Now: func() time.Time { return m.now }})
	succeeds(m.t, err)
	m.db = db
	head, err := mainBranch(m.t, db).Head(m.t.Context())
	succeeds(m.t, err)
	m.note("main", head)
}

// note takes a branch's new head into the model.
func (m *retainModel) note(branch string, c *vdb.Commit) {
	m.heads[branch] = c.Hash
	if _, known := m.parents[c.Hash]; known {
		return
	}
	m.parents[c.Hash], m.times[c.Hash], m.roots[c.Hash] = c.Parents, c.CommitTime, c.Root
	m.merges[c.Hash] = len(c.Parents) > 1
}

func (m *retainModel) any(all map[string]vdb.Hash) string {
	names := slices.Sorted(maps.Keys(all))
	return names[m.rng.IntN(len(names))]
}

// clock is what a commit has for its time.
func (m *retainModel) clock() time.Time {
	m.now = m.now.Add(time.Duration(m.rng.IntN(40*60)) * time.Second)
	switch m.rng.IntN(12) {
	case 0:
		return m.now.Add(-time.Duration(m.rng.IntN(5*3600)) * time.Second)
	case 1:
		return m.now.Add(time.Duration(m.rng.IntN(5*3600)) * time.Second)
	case 2:
		return time.Date([]int{1960, 1970, 2099}[m.rng.IntN(3)], 1, 1, 0, m.rng.IntN(60), 0, 0, time.UTC)
	}
	return m.now
}

func (m *retainModel) step() {
	t, ctx := m.t, m.t.Context()
	m.steps++
	name := m.any(m.heads)
	b, err := m.db.Branch(ctx, name)
	succeeds(t, err)
	switch op := m.rng.IntN(30); {
	case op < 22:
		update(t, b, func(tx *vdb.Tx) error {
			if tables, err := tx.Tables(); err != nil || len(tables) == 0 {
				return errors.Join(err, tx.CreateTable(vdb.Schema{Name: "t", Columns: pairSchema, PrimaryKey: []string{"id"}}))
			}
			return tx.Put("t", vdb.Row{vdb.Int(int64(m.rng.IntN(20))), vdb.Int(int64(m.rng.IntN(1000)))})
		})
		c, err := b.Commit(ctx, vdb.Message{Time: m.clock(), AllowEmpty: true})
		succeeds(t, err)
		m.note(name, c)
	case op < 24 && len(m.heads) < 5:
		kept := slices.SortedFunc(maps.Keys(m.reachable(m.heads)), vdb.Hash.Compare)
		at := kept[m.rng.IntN(len(kept))]
		other := fmt.Sprintf("side/%d", m.steps)
		_, err := m.db.CreateBranch(ctx, other, at.String())
		succeeds(t, err)
		m.heads[other] = at
	case op < 27:
		c, err := b.Merge(ctx, m.any(m.heads), &vdb.MergeOptions{Message: vdb.Message{Time: m.clock()}, Take: vdb.Ours, NoFastForward: m.rng.IntN(2) == 0})
		succeeds(t, err)
		m.note(name, c)
	case op < 28:
		tag := fmt.Sprintf("v%d", m.steps)
		succeeds(t, ignore(m.db.CreateTag(ctx, tag, name, vdb.Message{})))
		m.tags[tag] = m.heads[name]
	case op < 29 && name != "main":
		succeeds(t, m.db.DeleteBranch(ctx, name))
		delete(m.heads, name)
	default:
		pattern := []string{"*", "side/*", "main", name}[m.rng.IntN(4)]
		keep, err := vdb.ParseRetention([]string{"all", "3h:1h", "2h:1h 9h:1d", "1h:20m 6h:2h 1d:none", "0s:1d"}[m.rng.IntN(5)])
		succeeds(t, err)
		succeeds(t, m.db.SetRetention(ctx, pattern, keep))
		m.keep[pattern] = keep
	}
}

// ignore leaves out a result.
func ignore[T any](_ T, err error) error { return err }

// reachable is what some refs lead to.
func (m *retainModel) reachable(refs map[string]vdb.Hash) map[vdb.Hash]bool {
	seen := map[vdb.Hash]bool{}
	todo := slices.Collect(maps.Values(refs))
	for len(todo) > 0 {
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[h] {
			seen[h] = true
			todo = append(todo, m.parents[h]...)
		}
	}
	return seen
}

// policy is what a branch keeps.
func (m *retainModel) policy(branch string) vdb.Retention {
	for _, pattern := range []string{branch, "side/*", "*"} {
		if keep, ok := m.keep[pattern]; ok && (pattern != "side/*" || strings.HasPrefix(branch, "side/")) {
			return keep
		}
	}
	return nil
}

// slot is the time of which a policy keeps one commit, as text; "all" or "none" for each.
func (m *retainModel) slot(keep vdb.Retention, at time.Time) string {
	slot := "all"
	for i, s := range keep {
		if s.Every == vdb.KeepNone {
			if !at.Truncate(time.Second).After(m.now.Add(-s.After)) {
				slot = "none"
			}
			continue
		}
		every := int64(s.Every.Seconds())
		start := at.Unix() / every
		if at.Unix() < start*every {
			start--
		}
		if (start+1)*every <= m.now.Add(-s.After).Unix() {
			slot = fmt.Sprint("step ", i, ", ", start)
		}
	}
	return slot
}

// want is the rule: which commits are to be squashed.
func (m *retainModel) want() map[vdb.Hash]bool {
	all := map[string]vdb.Hash{}
	maps.Copy(all, m.heads)
	for tag, h := range m.tags {
		all["tags/"+tag] = h
	}
	for move, err := range m.db.Reflog(m.t.Context()) {
		succeeds(m.t, err)
		_, squashed := m.into[move.From]
		if !move.From.IsZero() && !squashed && !move.Time.Before(m.now.Add(-7*24*time.Hour)) {
			all["log/"+move.From.String()] = move.From
		}
	}
	children := map[vdb.Hash][]vdb.Hash{}
	for h := range m.reachable(all) {
		for _, p := range m.parents[h] {
			children[p] = append(children[p], h)
		}
	}
	middle := func(h vdb.Hash) bool {
		for ref, named := range all {
			if named == h && !strings.HasPrefix(ref, "log/") {
				return false
			}
		}
		return !m.merges[h] && len(m.parents[h]) == 1 && len(children[h]) == 1
	}
	leads := map[vdb.Hash][]vdb.Retention{}
	for branch, head := range m.heads {
		for h := range m.reachable(map[string]vdb.Hash{"": head}) {
			leads[h] = append(leads[h], m.policy(branch))
		}
	}
	gone := map[vdb.Hash]bool{}
	for h := range children {
		if !middle(h) || len(leads[h]) == 0 {
			continue
		}
		gone[h] = true
		for _, keep := range leads[h] {
			mine := m.slot(keep, m.times[h])
			newest := true
			for at := h; middle(at); {
				at = children[at][0]
				newest = newest && m.slot(keep, m.times[at]) != mine
			}
			if mine == "all" || mine != "none" && newest {
				gone[h] = false
			}
		}
	}
	return gone
}

func (m *retainModel) retain() {
	t, ctx := m.t, m.t.Context()
	m.now = m.now.Add(time.Duration(m.rng.IntN(8)) * time.Hour)
	gone := m.want()
	best := m.best()
	planned, err := m.db.Retain(ctx, &vdb.RetainOptions{DryRun: true})
	succeeds(t, err)
	done, err := m.db.Retain(ctx, nil)
	succeeds(t, err)
	if !maps.Equal(planned.Commits, done.Commits) {
		t.Fatalf("%d commits were to be squashed, %d were", len(planned.Commits), len(done.Commits))
	}
	for h, squash := range gone {
		if _, did := done.Commits[h]; did != squash {
			t.Fatalf("commit %s: squashed is %t, not %t", h, did, squash)
		}
	}
	for h, into := range done.Commits {
		if !gone[h] || gone[into] {
			t.Fatalf("commit %s was squashed into %s", h, into)
		}
		m.into[h] = into
	}
	for h, parents := range m.parents {
		m.parents[h] = slices.Clone(parents)
		for i, p := range parents {
			for gone[p] {
				p = m.parents[p][0]
			}
			m.parents[h][i] = p
		}
	}
	if again, err := m.db.Retain(ctx, nil); err != nil || len(again.Commits) != 0 {
		t.Fatalf("again: %v, %v", again, err)
	}
	_, err = m.db.Collect(ctx, &vdb.CollectOptions{Full: m.rng.IntN(2) == 0})
	succeeds(t, err)
	m.compare()
	m.compareBases(best)
}

// best has for each pair of branches and tags the common ancestors that lead to no other,
// as text.
func (m *retainModel) best() map[[2]string]string {
	all := maps.Clone(m.heads)
	maps.Copy(all, m.tags)
	reaches := map[string]map[vdb.Hash]bool{}
	for name, h := range all {
		reaches[name] = m.reachable(map[string]vdb.Hash{"": h})
	}
	best := map[[2]string]string{}
	for a := range all {
		for b := range all {
			common := map[string]vdb.Hash{}
			for h := range reaches[a] {
				if reaches[b][h] {
					common[h.String()] = h
				}
			}
			below := map[string]vdb.Hash{}
			for _, h := range common {
				for _, p := range m.parents[h] {
					below[p.String()] = p
				}
			}
			for h := range m.reachable(below) {
				delete(common, h.String())
			}
			best[[2]string{a, b}] = strings.Join(slices.Sorted(maps.Keys(common)), " ")
		}
	}
	return best
}

// compareBases looks whether merge bases are what they were.
func (m *retainModel) compareBases(before map[[2]string]string) {
	if !maps.Equal(m.best(), before) {
		m.t.Fatal("merge bases of the model have changed")
	}
	for pair, best := range before {
		c, err := m.db.MergeBase(m.t.Context(), pair[0], pair[1])
		succeeds(m.t, err)
		if !strings.Contains(best, c.Hash.String()) {
			m.t.Fatalf("merge base of %s and %s is %s, not %s", pair[0], pair[1], c.Hash, best)
		}
	}
}

// compare looks whether the history is the model's.
func (m *retainModel) compare() {
	t, ctx := m.t, m.t.Context()
	all := maps.Clone(m.heads)
	maps.Copy(all, m.tags)
	kept := m.reachable(all)
	n := 0
	for c, err := range m.db.Commits(ctx, nil, nil) {
		succeeds(t, err)
		n++
		if !kept[c.Hash] || c.Root != m.roots[c.Hash] || !slices.Equal(c.Parents, m.parents[c.Hash]) {
			t.Fatalf("commit %s: parents %v, not %v", c.Hash, c.Parents, m.parents[c.Hash])
		}
		s, err := m.db.AsOf(ctx, c.Hash.String())
		succeeds(t, err)
		for _, err := range s.Rows("t", vdb.Range{}) {
			if err != nil && !errors.Is(err, vdb.ErrNotFound) { // before the table was made
				t.Fatal(err)
			}
		}
		count := 0
		for h, into := range m.into {
			for m.into[into] != (vdb.Hash{}) {
				into = m.into[into]
			}
			if into == c.Hash && h != c.Hash {
				count++
			}
		}
		if got := c.Squashed; (got == nil) != (count == 0) || got != nil && got.Commits != count {
			t.Fatalf("commit %s has %v squashed, not %d", c.Hash, got, count)
		}
	}
	if n != len(kept) {
		t.Fatalf("%d commits, not %d", n, len(kept))
	}
	for h, into := range m.into {
		for m.into[into] != (vdb.Hash{}) {
			into = m.into[into]
		}
		if !kept[into] {
			continue // that is gone, too
		}
		if _, err := m.db.Resolve(ctx, h.String()); !errors.Is(err, vdb.ErrNotFound) || !strings.Contains(err.Error(), "was squashed into") {
			t.Fatalf("squashed commit %s: %v", h, err)
		}
	}
	report, err := m.db.Check(ctx, nil)
	succeeds(t, err)
	if !report.OK() {
		t.Fatalf("check: %+v", report)
	}
}
