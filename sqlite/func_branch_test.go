package sqlite

import (
	"errors"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// branches lists the branches' names.
func (b *bench) branches() string {
	b.t.Helper()
	var names []string
	for info, err := range b.db.Branches(b.t.Context()) {
		if err != nil {
			b.t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return strings.Join(names, " ")
}

func (b *bench) wantBranches(want string) {
	b.t.Helper()
	if got := b.branches(); got != want {
		b.t.Errorf("branches %s, want %s", got, want)
	}
}

func TestBranch(t *testing.T) {
	b := newBench(t)
	b.want("0", "SELECT dolt_branch('feature')")
	b.want("0", "SELECT dolt_branch('old', 'HEAD~1')")
	b.fails([]string{"feature", "already exists"}, "SELECT dolt_branch('feature')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_branch('x', 'nope')")
	b.fails([]string{"a b", "space"}, "SELECT dolt_branch('a b')")
	b.wantBranches("feature main old")
	b.want("0", "SELECT dolt_branch('-c', 'old', 'older')")
	b.want("0", "SELECT dolt_branch('-c', 'copy')")
	b.want("0", "SELECT dolt_branch('-m', 'feature', 'work')")
	b.wantBranches("copy main old older work")
	b.want("0", "SELECT dolt_branch('-M', 'work', 'copy')")
	b.fails([]string{"already exists"}, "SELECT dolt_branch('-m', 'old', 'copy')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_branch('-M', 'nope', 'copy')")
	b.wantBranches("copy main old older")
	b.want("0", "SELECT dolt_branch('-f', 'old', 'HEAD')")
	b.want("0", "SELECT dolt_branch('-C', 'main', 'older')")
	b.want("1", "SELECT dolt_hashof('old') = dolt_hashof('main') AND dolt_hashof('older') = dolt_hashof('main')")
	b.want("0", "SELECT dolt_branch('-d', 'old', 'older')")
	b.wantBranches("copy main")
	b.fails([]string{"dolt_branch takes a name"}, "SELECT dolt_branch()")
	b.fails([]string{"dolt_branch takes a name"}, "SELECT dolt_branch('a', 'main', 'c')")
	b.fails([]string{"--move and --delete"}, "SELECT dolt_branch('-m', '-d', 'copy')")
	b.fails([]string{"unknown flag -x"}, "SELECT dolt_branch('-x', 'copy')")
	b.fails([]string{"main"}, "SELECT dolt_branch('-D', 'main')")
}

func TestDeleteBranch(t *testing.T) {
	b := newBench(t)
	b.want("0", "SELECT dolt_checkout('-b', 'work')")
	b.commitPut(1, "work", "work")
	b.fails([]string{"the connection is on branch work"}, "SELECT dolt_branch('-D', 'work')")
	b.want("0", "SELECT dolt_checkout('main')")
	b.fails([]string{"merged nowhere", "-D"}, "SELECT dolt_branch('-d', 'work')")
	b.hash("SELECT dolt_merge('work')")
	b.want("0", "SELECT dolt_checkout('work')")
	b.put(2, "not committed")
	b.want("0", "SELECT dolt_checkout('main')")
	b.fails([]string{"uncommitted", "-D"}, "SELECT dolt_branch('-d', 'work')")
	b.fails([]string{"uncommitted"}, "SELECT dolt_branch('-f', 'work', 'main~')")
	b.want("0", "SELECT dolt_branch('-D', 'work')")
	b.wantBranches("main")
}

func TestCheckout(t *testing.T) {
	b := newBench(t)
	b.want("main", "SELECT active_branch()")
	b.want("0", "SELECT dolt_checkout('-b', 'work')")
	b.want("work", "SELECT active_branch()")
	b.put(1, "work")
	b.want("0", "SELECT dolt_checkout('main')")
	b.wantChanged("", "")
	b.want("0", "SELECT dolt_checkout('HEAD~', '-b', 'first')")
	b.want("first", "SELECT active_branch()")
	b.want("0", "SELECT dolt_checkout('-b', 'second', 'main')")
	b.want("0", "SELECT dolt_checkout('second')")
	b.want("0", "SELECT dolt_checkout('-B', 'first', 'main')")
	b.want("1", "SELECT dolt_hashof('HEAD') = dolt_hashof('main')")
	b.want("0", "SELECT dolt_branch('-m', 'renamed')")
	b.want("renamed", "SELECT active_branch()")
	b.want("0", "SELECT dolt_checkout('work')")
	b.wantChanged("", "accounts")
	if b.moves != 7 {
		t.Errorf("the connection was told of %d moves", b.moves)
	}
	b.want("0", "SELECT dolt_tag('v1')")
	b.fails([]string{"v1 is no branch", "-b"}, "SELECT dolt_checkout('v1')")
	b.fails([]string{"no branch or table nope", "not found"}, "SELECT dolt_checkout('nope')")
	b.fails([]string{"already exists"}, "SELECT dolt_checkout('-b', 'main')")
	b.fails([]string{"dolt_checkout takes"}, "SELECT dolt_checkout()")
	b.fails([]string{"--branch needs a value"}, "SELECT dolt_checkout('-b')")
	b.want("work", "SELECT active_branch()")
	b.s.moved = func() error { return errors.New("not now") }
	b.fails([]string{"not now"}, "SELECT dolt_checkout('main')")
	b.want("work", "SELECT active_branch()")
}

func TestCheckoutTables(t *testing.T) {
	b := newBench(t)
	b.commitPut(1, "second", "second")
	b.put(1, "third")
	b.table("draft")
	b.want("0", "SELECT dolt_checkout('accounts')")
	b.wantChanged("", "draft")
	b.want("0", "SELECT dolt_checkout('HEAD~', '--', 'accounts')")
	if b.name("WORKING", 1) != "account 1" || b.name("HEAD", 1) != "second" {
		t.Error("the table is not what it was")
	}
	b.update(func(tx *vdb.Tx) error { return tx.RenameTable("notes", "remarks") })
	b.want("0", "SELECT dolt_checkout('.')")
	b.wantChanged("", "draft")
	b.fails([]string{"draft is not at HEAD", "dolt_clean('draft')"}, "SELECT dolt_checkout('draft')")
	b.fails([]string{"nope"}, "SELECT dolt_checkout('accounts', 'nope')")
	b.want("0", "SELECT dolt_branch('accounts')")
	b.put(1, "fourth")
	b.want("0", "SELECT dolt_checkout('--', 'accounts')")
	b.wantChanged("", "draft")
	b.want("main", "SELECT active_branch()")
}

func TestTag(t *testing.T) {
	b := newBench(t)
	b.want("0", "SELECT dolt_tag('v1', 'HEAD~', '-m', 'first', '--author', 'Audit <a@bank.example>')")
	b.want("0", "SELECT dolt_tag('v2')")
	b.want("1", "SELECT dolt_hashof('v1') = dolt_hashof('HEAD~') AND dolt_hashof('v2') = dolt_hashof('main')")
	b.fails([]string{"v1", "already exists"}, "SELECT dolt_tag('v1')")
	b.want("0", "SELECT dolt_tag('-f', 'v1')")
	b.want("1", "SELECT dolt_hashof('v1') = dolt_hashof('HEAD')")
	b.want("0", "SELECT dolt_tag('-d', 'v1', 'v2')")
	b.fails([]string{"v1", "not found"}, "SELECT dolt_tag('-d', 'v1')")
	b.fails([]string{"dolt_tag takes a name"}, "SELECT dolt_tag()")
	b.want("0", "SELECT dolt_tag('v3', '-m', 'third')")
	for tag, err := range b.db.Tags(t.Context()) {
		if err != nil || tag.Name != "v3" || tag.Text != "third" || tag.Tagger != b.s.author {
			t.Errorf("tag %+v, %v", tag, err)
		}
	}
}

func TestHashof(t *testing.T) {
	b := newBench(t)
	before := b.hash("SELECT dolt_hashof_db()")
	table := b.hash("SELECT dolt_hashof_table('accounts')")
	b.want(b.head().Hash.String(), "SELECT dolt_hashof('HEAD')")
	b.put(1, "changed")
	b.want("0", "SELECT dolt_hashof_db() = ?", before)
	b.want("1", "SELECT dolt_hashof_db('HEAD') = ?", before)
	b.want("0", "SELECT dolt_hashof_table('accounts') = ?", table)
	b.want("1", "SELECT dolt_hashof_table('accounts', 'STAGED') = ?", table)
	b.fails([]string{"WORKING", "no commit"}, "SELECT dolt_hashof('WORKING')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_hashof('nope')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_hashof_table('nope')")
	b.fails([]string{"dolt_hashof takes a revision"}, "SELECT dolt_hashof()")
	b.fails([]string{"NULL"}, "SELECT dolt_hashof(NULL)")
	if v, err := b.query("SELECT dolt_version()"); err != nil || v == "" {
		t.Errorf("version %s, %v", v, err)
	}
	for _, sql := range []string{"SELECT dolt_gc()", "SELECT dolt_gc('--full')", "SELECT dolt_gc('--shallow')"} { // in memory
		if v, err := b.query(sql); err != nil || !strings.HasPrefix(v, "0 chunks removed, ") {
			t.Errorf("%s: %s, %v", sql, v, err)
		}
	}
}

// A connection that reads a revision has HEAD, and nothing to write.
func TestDetached(t *testing.T) {
	b := newBench(t)
	first := b.head().Hash.String()
	b.commitPut(1, "second", "second")
	b.commitPut(1, "third", "third")
	b.s.branch, b.s.revision = "", "main~1"
	b.want("NULL", "SELECT active_branch()")
	for _, rev := range []string{"HEAD~", "@~1", "~", "main~2", "HEAD^"} {
		b.want(first, "SELECT dolt_hashof(?)", rev)
	}
	b.want("1", "SELECT dolt_hashof('@{2099-01-01}') = dolt_hashof('@')")
	b.want("1", "SELECT dolt_hashof_db() = dolt_hashof_db('main~1') AND has_ancestor('main', 'HEAD')")
	b.want("0", "SELECT has_ancestor('HEAD', 'main')")
	b.fails([]string{"WORKING", "main~1 is no branch"}, "SELECT dolt_hashof_db('WORKING')")
	b.fails([]string{"main~1 is no branch"}, "SELECT dolt_commit('-Am', 'x')")
	b.fails([]string{"name the branch"}, "SELECT dolt_branch('-m', 'x')")
	b.want("0", "SELECT dolt_branch('here')")
	b.want("0", "SELECT dolt_checkout('here')")
	b.want("1", "SELECT dolt_hashof('HEAD') = dolt_hashof('main~1')")
}
