package vdb_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

func TestParseRetention(t *testing.T) {
	for text, want := range map[string]string{
		"7d:1h":                 "1w:1h",
		"7d:1h, 30d:1d,1y:none": "1w:1h 30d:1d 1y:none",
		"0s:60s 90m:2w":         "0s:1m 90m:2w",
		"all":                   "all",
		"":                      "", "7d": "", "7d:": "", ":1h": "", "7d:1x": "", "7d:-1h": "", "7d:0h": "", "7d:1.5h": "",
		"7d:1h 7d:1d": "", "7d:1d 30d:1h": "", "1d:none 2d:none": "", "all 7d:1h": "", "1d:999999999y": "", "7d:1h all": "",
	} {
		got, err := vdb.ParseRetention(text)
		if want == "" {
			if !errors.Is(err, vdb.ErrInvalid) {
				t.Errorf("%q is %v, %v", text, got, err)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("%q is %q, %v, not %q", text, got, err, want)
		}
		if again, err := vdb.ParseRetention(got.String()); err != nil || again.String() != want {
			t.Errorf("%q comes back as %q, %v", got, again, err)
		}
	}
}

func TestRetentions(t *testing.T) {
	ctx := t.Context()
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	succeeds(t, err)
	defer db.Close()
	hourly := vdb.Retention{{After: time.Hour, Every: time.Hour}}
	for _, bad := range []string{"", "a b", "../x", "cust//*"} {
		if err := db.SetRetention(ctx, bad, hourly); !errors.Is(err, vdb.ErrInvalid) {
			t.Errorf("retention of %q: %v", bad, err)
		}
	}
	if err := db.SetRetention(ctx, "*", vdb.Retention{{Every: time.Millisecond}}); !errors.Is(err, vdb.ErrInvalid) {
		t.Errorf("one each millisecond: %v", err)
	}
	if err := db.RemoveRetention(ctx, "*"); !errors.Is(err, vdb.ErrNotFound) {
		t.Errorf("remove what is not there: %v", err)
	}
	succeeds(t, db.SetRetention(ctx, "*", hourly))
	succeeds(t, db.SetRetention(ctx, "cust/*", nil))
	succeeds(t, db.SetRetention(ctx, "main", hourly))
	succeeds(t, db.RemoveRetention(ctx, "main"))
	var said []string
	for b, err := range db.Retentions(ctx) {
		succeeds(t, err)
		said = append(said, b.Branches+" "+b.Keep.String())
	}
	if got := strings.Join(said, "; "); got != "* 1h:1h; cust/* all" {
		t.Error(got)
	}
}

// timed is a box whose commits are a minute apart.
type timed struct {
	box
	now *time.Time
}

func newTimed(t testing.TB, path string) timed {
	t.Helper()
	now := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	db, err := vdb.Open(t.Context(), path, &vdb.Options{Now: func() time.Time { return now }})
	succeeds(t, err)
	t.Cleanup(func() { db.Close() })
	b := timed{box{db, t}, &now}
	succeeds(t, b.branch("main").Update(t.Context(), func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{
			Name:       "customers",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER", NotNull: true}, {Name: "name", Type: "TEXT"}, {Name: "photo", Type: "BLOB"}},
			PrimaryKey: []string{"id"},
		})
	}))
	return b
}

// commits makes n commits on a branch, each of which changes one of ten rows.
func (b timed) commits(branch string, n int) {
	b.t.Helper()
	for range n {
		*b.now = b.now.Add(time.Minute)
		succeeds(b.t, b.branch(branch).Update(b.t.Context(), func(tx *vdb.Tx) error {
			return tx.Put("customers", vdb.Row{vdb.Int(int64(b.now.Minute() % 10)), vdb.Text(branch + b.now.String()), vdb.Null()})
		}))
		succeeds(b.t, ignore(b.branch(branch).Commit(b.t.Context(), vdb.Message{Text: b.now.String()})))
	}
}

// squashHourly keeps one commit an hour of all branches.
func (b timed) squashHourly() *vdb.Retained {
	b.t.Helper()
	succeeds(b.t, b.SetRetention(b.t.Context(), "*", vdb.Retention{{Every: time.Hour}}))
	done, err := b.Retain(b.t.Context(), nil)
	succeeds(b.t, err)
	return done
}

// retainHourly is squashHourly, and collects.
func (b timed) retainHourly() *vdb.Retained {
	b.t.Helper()
	done := b.squashHourly()
	b.collect()
	return done
}

func (b box) collect() {
	b.t.Helper()
	_, err := b.Collect(b.t.Context(), &vdb.CollectOptions{Full: true})
	succeeds(b.t, err)
}

func TestRetain(t *testing.T) {
	ctx := t.Context()
	b := newTimed(t, filepath.Join(t.TempDir(), "box"))
	b.commits("main", 200)
	before := b.log("")
	held, err := b.AsOf(ctx, before[70].String())
	succeeds(t, err)
	rows := customersOf(t, held)
	done := b.squashHourly()
	succeeds(t, b.Compact(ctx)) // frees what the reflog alone names, too, if it was squashed
	freed := b.Stats().Chunks
	b.collect()
	if left := b.Stats().Chunks; freed != left {
		t.Errorf("%d chunks are left, not %d", freed, left)
	}
	after := b.log("")
	// The newest of three whole hours, the first commit and the head; minutes 59, 119, 179
	// are the newest of their hours; 180 to 200 are of an hour that is not over.
	if len(after) != 3+1+21 || done.Kept != len(after) || len(done.Commits)+len(after) != len(before) {
		t.Errorf("%d commits are left of %d, %d were squashed", len(after), len(before), len(done.Commits))
	}
	b.mustBeWhole()
	if got := customersOf(t, held); got != rows {
		t.Errorf("an old snapshot reads %s, not %s", got, rows)
	}
	c, err := b.Resolve(ctx, "HEAD~21") // of minute 179
	succeeds(t, err)
	if s := c.Squashed; s == nil || s.Commits != 59 || !s.From.Equal(c.CommitTime.Add(-59*time.Minute)) || !s.To.Equal(c.CommitTime.Add(-time.Minute)) || s.First != before[80] || s.Last != before[22] {
		t.Errorf("squashed: %+v", c.Squashed)
	}
	// Of a commit and hence of a revert: all that was squashed.
	changed := 0
	for _, err := range b.Diff(ctx, c.Hash.String()+"^", c.Hash.String()).Rows("customers") {
		succeeds(t, err)
		changed++
	}
	if changed != 10 {
		t.Errorf("%d rows differ from its parent, not 10", changed)
	}
	for _, h := range []vdb.Hash{before[70], before[90]} {
		for _, digits := range []string{h.String(), h.String()[:10]} {
			if _, err := b.AsOf(ctx, digits); !errors.Is(err, vdb.ErrNotFound) || !strings.Contains(err.Error(), "was squashed into") {
				t.Errorf("as of a squashed commit: %v", err)
			}
		}
	}
	if _, err := b.AsOf(ctx, "HEAD@{2026-05-04T01:30:00Z}"); err != nil {
		t.Error(err)
	}
	undo, err := b.CreateBranch(ctx, "undo", c.Hash.String())
	succeeds(t, err)
	undone, err := undo.Revert(ctx, "HEAD", nil)
	succeeds(t, err)
	if before, err := b.Resolve(ctx, c.Hash.String()+"^"); err != nil || before.Root != undone.Root {
		t.Errorf("reverted is not the commit's parent: %v", err)
	}
	succeeds(t, b.DeleteBranch(ctx, "undo"))
	*b.now = b.now.Add(8 * 24 * time.Hour) // the reflog forgets the branch
	keep, err := vdb.ParseRetention("0s:1h 1d:1d")
	succeeds(t, err)
	succeeds(t, b.SetRetention(ctx, "*", keep))
	succeeds(t, ignore(b.Retain(ctx, nil)))
	b.collect()
	b.mustBeWhole()
	again := b.box.reopened()
	head, err := again.Resolve(ctx, "HEAD")
	succeeds(t, err)
	if n := len(again.log("")); n != 2 || head.Squashed == nil || head.Squashed.Commits != 199 {
		t.Errorf("%d commits, %+v", n, head.Squashed)
	}
}

func customersOf(t testing.TB, s *vdb.Snapshot) string {
	t.Helper()
	var all []string
	for row, err := range s.Rows("customers", vdb.Range{}) {
		succeeds(t, err)
		all = append(all, fmt.Sprint(row))
	}
	return strings.Join(all, "\n")
}

// A purge rewrites commits of a history that was squashed, and they still know of that.
func TestPurgeAfterRetain(t *testing.T) {
	ctx := t.Context()
	b := newTimed(t, filepath.Join(t.TempDir(), "box"))
	b.commits("main", 130)
	before := b.log("")
	b.retainHourly()
	was, err := b.Resolve(ctx, "HEAD~11")
	succeeds(t, err)
	purged, err := b.Purge(ctx, vdb.Purge{Table: "customers", Where: map[string]any{"id": 3}})
	succeeds(t, err)
	b.mustBeWhole()
	is, err := b.Resolve(ctx, "HEAD~11")
	succeeds(t, err)
	if purged.Commits[was.Hash] != is.Hash || is.Squashed == nil || *is.Squashed != *was.Squashed {
		t.Errorf("commit %s has %v squashed, %s had %v", is.Hash, is.Squashed, was.Hash, was.Squashed)
	}
	squashed := before[len(before)-90]
	if _, err := b.Resolve(ctx, squashed.String()); err == nil || !strings.Contains(err.Error(), is.Hash.String()) {
		t.Errorf("squashed commit %s: %v", squashed, err)
	}
	b.box.reopened().mustBeWhole()
}

// A watch goes on after what it has seen was squashed, and misses nothing.
func TestWatchRetained(t *testing.T) {
	ctx := t.Context()
	b := newTimed(t, filepath.Join(t.TempDir(), "box"))
	b.commits("main", 90)
	all := b.log("")
	events := 0
	for event, err := range b.branch("main").Watch(ctx, "HEAD~10") {
		succeeds(t, err)
		events++
		if events == 10 { // it has seen the head
			b.commits("main", 5)
			*b.now = b.now.Add(time.Hour)
			b.retainHourly()
		}
		if events > 10 {
			if event.Commit.Hash != b.head("main") || event.Commit.Squashed.Commits != 94-59 {
				t.Errorf("after that comes %s, %+v", event.Commit.Hash, event.Commit.Squashed)
			}
			break
		}
	}
	for event, err := range b.branch("main").Watch(ctx, all[20].String()) { // squashed
		succeeds(t, err)
		if want := b.head("main"); event.Commit.Hash != want {
			t.Errorf("the first event is of %s, not %s", event.Commit.Hash, want)
		}
		break
	}
}

// A dry run of Purge says what a purge does, and changes nothing.
func TestPurgeDryRun(t *testing.T) {
	ctx := t.Context()
	b := newTimed(t, filepath.Join(t.TempDir(), "box"))
	b.commits("main", 12)
	before := b.log("")
	p := vdb.Purge{Where: map[string]any{"id": 3}, DryRun: true}
	planned, err := b.Purge(ctx, p)
	succeeds(t, err)
	mustBeEqual(t, b.log(""), before)
	b.collect()
	p.DryRun = false
	done, err := b.Purge(ctx, p)
	succeeds(t, err)
	if !maps.Equal(planned.Commits, done.Commits) || !maps.Equal(planned.Rows, done.Rows) || len(done.Commits) != 10 {
		t.Errorf("%v was planned, %v was done", planned, done)
	}
}
