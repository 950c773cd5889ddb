package sqlite

import (
	"errors"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

func TestAddAndCommit(t *testing.T) {
	b := newBench(t)
	b.put(1, "changed")
	b.table("draft")
	b.wantChanged("", "accounts draft")
	b.want("0", "SELECT dolt_add('accounts')")
	b.wantChanged("accounts", "draft")
	b.want("0", "SELECT dolt_add('.')")
	b.wantChanged("accounts draft", "")
	b.want("0", "SELECT dolt_reset('draft')")
	hash := b.hash("SELECT dolt_commit('-m', 'accounts only')")
	b.wantChanged("", "draft")
	if c := b.head(); c.Hash.String() != hash || c.Author != "Support <support@bank.example>" || c.Text != "accounts only" {
		t.Errorf("commit %+v", c)
	}
	b.fails([]string{"nothing to commit", "dolt_add", "-A"}, "SELECT dolt_commit('-m', 'none')")
	b.fails([]string{"nothing to commit"}, "SELECT dolt_commit('-am', 'draft is new')")
	b.want("0", "SELECT dolt_commit('-a', '--skip-empty', '-m', 'none')")
	b.hash("SELECT dolt_commit('-Am', 'draft too')")
	b.wantChanged("", "")
	b.hash("SELECT dolt_commit('--allow-empty', '-m', 'empty')")
	b.fails([]string{"nothing to commit"}, "SELECT dolt_commit('-Am', 'none')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_add('nope')")
}

// -a takes what is tracked, with what was staged, and leaves new tables.
func TestCommitAll(t *testing.T) {
	b := newBench(t)
	b.table("draft")
	b.table("staged")
	b.want("0", "SELECT dolt_add('staged')")
	b.put(1, "changed")
	b.update(func(tx *vdb.Tx) error { return tx.DropTable("notes") })
	b.hash("SELECT dolt_commit('-am', 'all but the draft')")
	b.wantChanged("", "draft")
	if got := b.changed("HEAD~", "HEAD"); got != "accounts notes staged" {
		t.Errorf("committed %s", got)
	}
}

func TestCommitMessage(t *testing.T) {
	b := newBench(t)
	b.put(1, "changed")
	b.hash("SELECT dolt_commit('-a', '-m', 'text', '--author', 'Billing <b@bank.example>', '--date', '2020-01-02T03:04:05Z')")
	c := b.head()
	if c.Author != "Billing <b@bank.example>" || c.Committer != "Support <support@bank.example>" ||
		!c.Time.Equal(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)) || !c.CommitTime.Equal(c.Time) {
		t.Errorf("commit %+v", c)
	}
	b.put(1, "again")
	b.hash("SELECT dolt_commit('-a', '--amend')")
	amended := b.head()
	if amended.Text != "text" || amended.Author != c.Author || amended.Parents[0] != c.Parents[0] || b.name("HEAD", 1) != "again" {
		t.Errorf("amended %+v", amended)
	}
	b.hash("SELECT dolt_commit('--amend', '-m', 'better text')")
	if b.head().Text != "better text" {
		t.Errorf("amended %+v", b.head())
	}
	b.put(1, "more")
	b.fails([]string{"the message is missing"}, "SELECT dolt_commit('-a')")
	b.fails([]string{"message is empty"}, "SELECT dolt_commit('-a', '-m', '  ')")
	b.fails([]string{"author", "Name <mail>"}, "SELECT dolt_commit('-a', '-m', 'x', '--author', 'Billing')")
	b.fails([]string{"date", "yesterday"}, "SELECT dolt_commit('-a', '-m', 'x', '--date', 'yesterday')")
	b.fails([]string{"--allow-empty and --skip-empty"}, "SELECT dolt_commit('-m', 'x', '--allow-empty', '--skip-empty')")
	b.fails([]string{"unknown flag --amends", "--amend"}, "SELECT dolt_commit('--amends')")
	b.fails([]string{"takes no arguments"}, "SELECT dolt_commit('-m', 'x', 'accounts')")
}

func TestConfig(t *testing.T) {
	b := newBench(t)
	b.want("Support", "SELECT dolt_config('user.name')")
	b.want("support@bank.example", "SELECT dolt_config('user.email')")
	b.want("0", "SELECT dolt_config('user.name', 'Audit')")
	b.want("0", "SELECT dolt_config('user.email', 'audit@bank.example')")
	b.put(1, "changed")
	b.hash("SELECT dolt_commit('-am', 'audited')")
	if b.head().Author != "Audit <audit@bank.example>" {
		t.Errorf("author %s", b.head().Author)
	}
	b.s.author = ""
	b.want("NULL", "SELECT dolt_config('user.name')")
	b.want("0", "SELECT dolt_config('user.email', 'audit@bank.example')")
	b.want("0", "SELECT dolt_config('user.name', 'Audit')")
	if b.s.author != "Audit <audit@bank.example>" {
		t.Errorf("author %s", b.s.author)
	}
	b.fails([]string{"unknown key user.phone", "user.name"}, "SELECT dolt_config('user.phone')")
	b.fails([]string{"user.name"}, "SELECT dolt_config('user.name', 'A <b>')")
}

func TestIgnoredTables(t *testing.T) {
	b := newBench(t)
	b.update(func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(vdb.Schema{
			Name:       ignoreTable,
			Columns:    []vdb.Column{{Name: "pattern", Type: "TEXT"}, {Name: "ignored", Type: "TINYINT"}},
			PrimaryKey: []string{"pattern"},
		}),
			tx.Put(ignoreTable, vdb.Row{vdb.Text("tmp_*"), vdb.Int(1)}),
			tx.Put(ignoreTable, vdb.Row{vdb.Text("tmp_keep"), vdb.Int(0)}),
			tx.Put(ignoreTable, vdb.Row{vdb.Text("t?p%"), vdb.Int(1)}))
	})
	b.table("tmp_1")
	b.table("tmp_keep")
	b.want("0", "SELECT dolt_add('-A')")
	b.wantChanged("dolt_ignore tmp_keep", "tmp_1")
	b.fails([]string{"tmp_1", "dolt_ignore", "-f"}, "SELECT dolt_add('tmp_1')")
	b.hash("SELECT dolt_commit('-Am', 'not the ignored')")
	b.wantChanged("", "tmp_1")
	b.want("0", "SELECT dolt_clean()")
	b.wantChanged("", "tmp_1")
	b.want("0", "SELECT dolt_add('-f', 'tmp_1')")
	b.wantChanged("tmp_1", "")
	b.want("0", "SELECT dolt_reset()")
	b.want("0", "SELECT dolt_clean('-x')")
	b.wantChanged("", "")
	b.update(func(tx *vdb.Tx) error { return tx.Put(ignoreTable, vdb.Row{vdb.Text("?mp_2"), vdb.Int(0)}) })
	b.table("tmp_2")
	b.fails([]string{"disagree", "tmp_2"}, "SELECT dolt_add('.')")
}

func TestReset(t *testing.T) {
	b := newBench(t)
	first := b.head().Hash.String()
	b.commitPut(1, "second", "second")
	b.put(2, "third")
	b.want("0", "SELECT dolt_add('.')")
	b.want("0", "SELECT dolt_reset('--soft')")
	b.wantChanged("accounts", "")
	b.want("0", "SELECT dolt_reset()")
	b.wantChanged("", "accounts")
	b.want("0", "SELECT dolt_reset('--soft', 'HEAD~1')")
	if b.head().Hash.String() != first || b.name("WORKING", 1) != "second" {
		t.Error("soft reset")
	}
	b.hash("SELECT dolt_commit('-am', 'both')")
	b.want("0", "SELECT dolt_reset('HEAD~1')")
	b.wantChanged("", "accounts")
	b.want("0", "SELECT dolt_reset('--hard')")
	b.wantChanged("", "")
	b.commitPut(1, "second", "second")
	b.put(1, "lost")
	b.want("0", "SELECT dolt_reset('--hard', 'HEAD~')")
	if b.head().Hash.String() != first || b.name("WORKING", 1) != "account 1" {
		t.Error("hard reset")
	}
	b.fails([]string{"--hard and --soft"}, "SELECT dolt_reset('--hard', '--soft')")
	b.fails([]string{"one revision"}, "SELECT dolt_reset('--hard', 'HEAD', 'accounts')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_reset('--hard', 'nope')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_reset('nope')")
}

func TestClean(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"one", "two", "three"} {
		b.table(name)
	}
	b.want("0", "SELECT dolt_add('three')")
	b.want("0", "SELECT dolt_clean('--dry-run')")
	b.wantChanged("three", "one two")
	b.want("0", "SELECT dolt_clean('ONE')")
	b.wantChanged("three", "two")
	b.fails([]string{"no new table accounts"}, "SELECT dolt_clean('two', 'accounts')")
	b.want("0", "SELECT dolt_clean()")
	b.wantChanged("three", "")
}
