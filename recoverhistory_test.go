package vdb

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb/hash"
	"github.com/vdbgo/vdb/remote"
)

// destroy damages a chunk in all files that have it.
func destroy(t *testing.T, dir string, h hash.Hash) {
	t.Helper()
	done := false
	for _, e := range must(os.ReadDir(dir))(t) {
		path := filepath.Join(dir, e.Name())
		data := must(os.ReadFile(path))(t)
		for at := 0; ; {
			next := bytes.Index(data[at:], h[:])
			if next < 0 {
				break
			}
			at += next + hash.Size
			if next+at > 12 && data[at-hash.Size-4] == 1 && data[at-hash.Size-2] == 0 && data[at-hash.Size-1] == 0 { // the header of a record
				data[at+3] ^= 0x40
				done = true
			}
		}
		succeed(t, os.WriteFile(path, data, 0o666))
	}
	if !done {
		t.Fatalf("chunk %s is nowhere", h)
	}
}

// lineDB makes a database with a line of commits, and returns them, newest first.
func lineDB(t *testing.T, dir string, commits int) []*Commit {
	t.Helper()
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(1, 1))
	db := must(Open(ctx, dir, nil))(t)
	main := must(db.Branch(ctx, MainBranch))(t)
	succeed(t, main.Update(ctx, func(tx *Tx) error {
		return tx.CreateTable(Schema{Name: "parents", Columns: []Column{{Name: "id", Type: "TEXT"}, {Name: "v", Type: "TEXT"}}, PrimaryKey: []string{"id"}})
	}))
	for range commits {
		putRows(t, main, rng, 5)
		must(main.Commit(ctx, Message{Author: "Audit", Text: "rows", AllowEmpty: true}))(t)
	}
	line := lineOf(t, db, MainBranch)
	succeed(t, db.Close())
	return line
}

func lineOf(t *testing.T, db *DB, branch string) (line []*Commit) {
	t.Helper()
	b := must(db.Branch(t.Context(), branch))(t)
	for c, err := range b.Log(t.Context(), nil) {
		succeed(t, err)
		line = append(line, c)
	}
	return line
}

func lineHashes(line []*Commit) (all []hash.Hash) {
	for _, c := range line {
		all = append(all, c.Hash)
	}
	return all
}

// recovered recovers a database, opens the new one, and checks that to recover that loses
// nothing more.
func recovered(t *testing.T, dir string, o *RecoverOptions) (*Recovered, *DB) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "recovered")
	report := must(Recover(t.Context(), dir, to, o))(t)
	db := must(Open(t.Context(), to, nil))(t)
	t.Cleanup(func() { db.Close() })
	again := must(Recover(t.Context(), to, filepath.Join(t.TempDir(), "again"), nil))(t)
	if !again.Whole() || again.Root != report.Root {
		t.Errorf("recovered again: %+v", again)
	}
	return report, db
}

// TestRecoverLostContents: history goes on where the contents of a commit are lost, and says
// which.
func TestRecoverLostContents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	line := lineDB(t, dir, 12)
	destroy(t, dir, line[5].Root)
	destroy(t, dir, line[4].Root)
	report, db := recovered(t, dir, nil)
	want := slices.Delete(lineHashes(line), 4, 6)
	if got := lineHashes(lineOf(t, db, MainBranch)); !slices.Equal(got, want) {
		t.Errorf("the log has %v, want %v", got, want)
	}
	if len(report.Refs) > 0 || len(report.Lost) != 2 || len(report.Commits) != 2 || report.Commits[0].Hash != line[4].Hash {
		t.Errorf("report: %+v", report)
	}
	r := must(db.refs(t.Context()))(t)
	g := must(r.loadGrafts(t.Context()))(t).byCommit[line[3].Hash]
	if !slices.Equal(g.parents, []hash.Hash{line[6].Hash}) || !strings.Contains(string(g.detail), line[4].Hash.String()) || !strings.Contains(string(g.detail), line[5].Hash.String()) {
		t.Errorf("graft: %v, %s", g.parents, g.detail)
	}
	base := must(mergeBase(t.Context(), r.store, must(loadCommit(t.Context(), r.store, line[0].Hash))(t), must(loadCommit(t.Context(), r.store, line[8].Hash))(t)))(t)
	if base == nil || base.Hash != line[8].Hash {
		t.Errorf("the merge base is %v", base)
	}
	if snap, err := db.AsOf(t.Context(), "HEAD~4"); err != nil || snap.Root() != line[6].Root {
		t.Errorf("HEAD~4: %v, %v", snap, err)
	}
}

// TestRecoverLostHead: a branch goes back, by first parents or the reflog, and what was not
// committed is kept if it can be read.
func TestRecoverLostHead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	line := lineDB(t, dir, 6)
	destroy(t, dir, line[0].Hash)
	report, db := recovered(t, dir, nil)
	want := LostRef{Ref: "heads/main", Old: line[0].Hash, New: line[1].Hash, Commits: []Hash{line[0].Hash}}
	if len(report.Refs) != 1 || !slices.Equal(report.Refs[0].Commits, want.Commits) || report.Refs[0].Old != want.Old || report.Refs[0].New != want.New || report.Refs[0].Working {
		t.Errorf("refs: %+v, want %+v", report.Refs, want)
	}
	main := must(db.Branch(t.Context(), MainBranch))(t)
	if snap := must(main.Snapshot(t.Context()))(t); snap.Root() != line[0].Root {
		t.Error("the working set is not that of the lost commit")
	}
	for m, err := range db.Reflog(t.Context()) {
		if succeed(t, err); m.From != line[0].Hash || m.To != line[1].Hash {
			t.Errorf("the newest move is %+v", m)
		}
		break
	}
}

// TestRecoverLostTag: a tag that is lost, and nothing else, comes from a database over HTTP.
func TestRecoverLostTag(t *testing.T) {
	ctx := t.Context()
	dir, backup := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "backup")
	line := lineDB(t, dir, 3)
	db := must(Open(ctx, dir, nil))(t)
	must(db.CreateTag(ctx, "v1", "HEAD~1", Message{Author: "Audit", Text: "audited"}))(t)
	must(db.Backup(ctx, backup, nil))(t)
	value, _, err := must(db.refs(ctx))(t).tree.Get(ctx, []byte(tagsPrefix+"v1"))
	succeed(t, err)
	tag := must(decodeTagRef(value))(t)
	succeed(t, db.Close())
	url, _ := serveCopy(t, backup, nil)
	destroy(t, dir, tag)
	report, _ := recovered(t, dir, nil)
	if len(report.Refs) != 1 || report.Refs[0].Ref != "tags/v1" {
		t.Errorf("without a source: %+v", report)
	}
	report, db = recovered(t, dir, &RecoverOptions{From: []string{url}})
	if len(report.Refs) > 0 || len(report.Lost) > 0 {
		t.Errorf("with a source: %+v", report)
	}
	for tag, err := range db.Tags(ctx) {
		if err != nil || tag.Commit != line[1].Hash || tag.Text != "audited" {
			t.Errorf("tag %+v, %v", tag, err)
		}
	}
}

// TestRecoverLostWorkingSet: a working set that is lost becomes the head's.
func TestRecoverLostWorkingSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	line := lineDB(t, dir, 3)
	db := must(Open(t.Context(), dir, nil))(t)
	main := must(db.Branch(t.Context(), MainBranch))(t)
	putRows(t, main, rand.New(rand.NewPCG(2, 1)), 3)
	working := must(main.Snapshot(t.Context()))(t).Root()
	succeed(t, db.Close())
	destroy(t, dir, working)
	report, db := recovered(t, dir, nil)
	if len(report.Refs) != 1 || !report.Refs[0].Working || report.Refs[0].Merging || report.Refs[0].Old != line[0].Hash || report.Refs[0].New != line[0].Hash {
		t.Errorf("refs: %+v", report.Refs)
	}
	main = must(db.Branch(t.Context(), MainBranch))(t)
	if is := must(main.Snapshot(t.Context()))(t).Root(); is != line[0].Root {
		t.Errorf("the working set is %s, want %s", is, line[0].Root)
	}
}

// TestRecoverLostCommit: what lies before a commit that cannot be read is not known. The
// nearest ancestor that is takes its place, and what a branch was at before becomes a branch.
func TestRecoverLostCommit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	line := lineDB(t, dir, 12)
	for lost := 1; lost < len(line)-1; lost++ {
		copied := filepath.Join(t.TempDir(), "damaged")
		succeed(t, os.CopyFS(copied, os.DirFS(dir)))
		destroy(t, copied, line[lost].Hash)
		report, db := recovered(t, copied, nil)
		above := line[lost-1]
		log := lineHashes(lineOf(t, db, MainBranch))
		if !slices.Equal(log[:lost], lineHashes(line[:lost])) {
			t.Errorf("%d: the log begins with %v", lost, log)
		}
		if next := log[lost]; next != line[lost+1].Hash && next != above.links.jump && next != above.links.run {
			t.Errorf("%d: history goes on at %s, of which it is not known that it was there", lost, next)
		}
		all := map[hash.Hash]bool{}
		for info, err := range db.Branches(t.Context()) {
			succeed(t, err)
			for _, c := range lineOf(t, db, info.Name) {
				all[c.Hash] = true
			}
		}
		if len(all) != len(line)-1 {
			t.Errorf("%d: %d of %d commits are there: %+v", lost, len(all), len(line)-1, report)
		}
	}
}

// TestRecoverShallow: where history was cut before, nothing is lost.
func TestRecoverShallow(t *testing.T) {
	from, dir := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "db")
	line := lineDB(t, from, 12)
	succeed(t, must(Clone(t.Context(), from, dir, &CloneOptions{Depth: 5}))(t).Close())
	succeed(t, os.Remove(filepath.Join(dir, "manifest")))
	report, db := recovered(t, dir, nil)
	if got := lineHashes(lineOf(t, db, MainBranch)); !report.Whole() || !slices.Equal(got, lineHashes(line[:5])) {
		t.Errorf("the log has %v: %+v", got, report)
	}
	destroy(t, dir, line[2].Root)
	report, db = recovered(t, dir, nil)
	if got := lineHashes(lineOf(t, db, MainBranch)); len(report.Commits) != 1 || !slices.Equal(got, slices.Delete(lineHashes(line[:5]), 2, 3)) {
		t.Errorf("the log has %v: %+v", got, report)
	}
	report, _ = recovered(t, dir, &RecoverOptions{From: []string{from}})
	if !report.Whole() {
		t.Errorf("with all of it at hand: %+v", report)
	}
	came := 0
	url, remotes := serveCopy(t, from, func(c remote.Chunk) remote.Chunk {
		came++
		return c
	})
	report, _ = recovered(t, dir, &RecoverOptions{From: []string{url}, Open: &Options{Remotes: remotes}})
	if !report.Whole() || report.Sources[0].Chunks == 0 || came > 6 {
		t.Errorf("over HTTP %d chunks came: %+v", came, report)
	}
}

// TestRecoverRetained: what retention has squashed is not lost, and what it has kept is
// recovered as any other commit.
func TestRecoverRetained(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "db")
	now := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	db := must(Open(ctx, dir, &Options{Now: func() time.Time { return now }}))(t)
	main := must(db.Branch(ctx, MainBranch))(t)
	succeed(t, main.Update(ctx, func(tx *Tx) error {
		return tx.CreateTable(Schema{Name: "parents", Columns: []Column{{Name: "id", Type: "TEXT"}, {Name: "v", Type: "TEXT"}}, PrimaryKey: []string{"id"}})
	}))
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		now = now.Add(20 * time.Minute)
		putRows(t, main, rng, 5)
		must(main.Commit(ctx, Message{Author: "Audit", Text: "rows", AllowEmpty: true}))(t)
	}
	now = now.Add(48 * time.Hour)
	succeed(t, db.SetRetention(ctx, "*", must(ParseRetention("1d:1h"))(t)))
	if done := must(db.Retain(ctx, nil))(t); len(done.Commits) < 10 {
		t.Fatalf("%d commits were squashed", len(done.Commits))
	}
	line := lineOf(t, db, MainBranch)
	succeed(t, db.Close())
	succeed(t, os.Remove(filepath.Join(dir, "manifest")))
	report, db := recovered(t, dir, nil)
	if got := lineOf(t, db, MainBranch); !report.Whole() || !slices.Equal(lineHashes(got), lineHashes(line)) || got[1].Squashed == nil {
		t.Errorf("the log has %v: %+v", got, report)
	}
	destroy(t, dir, line[2].Root)
	report, db = recovered(t, dir, nil)
	if got := lineHashes(lineOf(t, db, MainBranch)); len(report.Commits) != 1 || !slices.Equal(got, slices.Delete(lineHashes(line), 2, 3)) {
		t.Errorf("the log has %v: %+v", got, report)
	}
}
