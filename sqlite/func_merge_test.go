package sqlite

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// forkedBench has one commit on main and one on work, beside it. Both change the
// name of account 1 if they are to collide.
func forkedBench(t *testing.T, collide bool) *bench {
	b := newBench(t)
	b.want("0", "SELECT dolt_checkout('-b', 'work')")
	b.commitPut(1, "work", "on work")
	b.want("0", "SELECT dolt_checkout('main')")
	if collide {
		b.commitPut(1, "main", "on main")
	} else {
		b.commitPut(2, "main", "on main")
	}
	return b
}

func TestMerge(t *testing.T) {
	b := forkedBench(t, false)
	base := b.hash("SELECT dolt_merge_base('main', 'work')")
	b.want(base, "SELECT dolt_hashof('HEAD~')")
	b.fails([]string{"--ff-only", "main", "work"}, "SELECT dolt_merge('--ff-only', 'work')")
	hash := b.hash("SELECT dolt_merge('work', '-m', 'both', '--author', 'Billing <b@bank.example>')")
	if c := b.head(); c.Hash.String() != hash || len(c.Parents) != 2 || c.Text != "both" || c.Author != "Billing <b@bank.example>" || c.Committer != b.s.author {
		t.Errorf("merge %+v", c)
	}
	b.want("Already up to date", "SELECT dolt_merge('work')")
	b.want("Already up to date", "SELECT dolt_merge('--no-commit', 'work')")
	b.want("0", "SELECT dolt_checkout('work')")
	b.want(hash, "SELECT dolt_merge('--ff-only', '--no-commit', 'main')")
	b.fails([]string{"--no-ff and --squash"}, "SELECT dolt_merge('--no-ff', '--squash', 'main')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_merge('nope')")
	b.fails([]string{"dolt_merge takes a branch"}, "SELECT dolt_merge()")
	b.fails([]string{"nothing is in progress"}, "SELECT dolt_merge('--abort')")
}

func TestMergeForward(t *testing.T) {
	b := newBench(t)
	b.want("0", "SELECT dolt_checkout('-b', 'work')")
	work := b.commitPut(1, "work", "on work")
	b.want("0", "SELECT dolt_checkout('main')")
	if hash := b.hash("SELECT dolt_merge('--no-ff', 'work')"); hash == work || len(b.head().Parents) != 2 {
		t.Error("it moved forward")
	}
	b.want("0", "SELECT dolt_reset('--hard', 'HEAD~')")
	b.hash("SELECT dolt_merge('--squash', 'work')")
	if c := b.head(); len(c.Parents) != 1 || c.Hash.String() == work || b.name("HEAD", 1) != "work" {
		t.Errorf("squashed %+v", c)
	}
	b.want("0", "SELECT dolt_reset('--hard', 'HEAD~')")
	b.want(work, "SELECT dolt_merge('work')")
}

func TestMergeNoCommit(t *testing.T) {
	b := forkedBench(t, false)
	head := b.head().Hash
	b.want("0", "SELECT dolt_merge('--no-commit', 'work', '-m', 'to be looked at')")
	if b.head().Hash != head || b.name("WORKING", 1) != "work" {
		t.Error("no merge in progress")
	}
	b.want("0", "SELECT dolt_merge('--abort')")
	b.wantChanged("", "")
	b.want("0", "SELECT dolt_merge('--no-commit', 'work', '-m', 'to be looked at')")
	b.hash("SELECT dolt_merge('--continue')")
	if c := b.head(); c.Text != "to be looked at" || len(c.Parents) != 2 {
		t.Errorf("merge %+v", c)
	}
}

func TestMergeConflicts(t *testing.T) {
	b := forkedBench(t, true)
	conflict := []string{"1 conflict", "accounts", "dolt_conflicts_resolve", "dolt_merge('--abort')"}
	b.fails(conflict, "SELECT dolt_merge('work')")
	b.fails([]string{"merge is in progress"}, "SELECT dolt_merge('work')")
	b.fails([]string{"conflicts remain"}, "SELECT dolt_commit('-Am', 'too early')")
	b.fails([]string{"--ours or --theirs"}, "SELECT dolt_conflicts_resolve('accounts')")
	b.fails([]string{"notes", "not found"}, "SELECT dolt_conflicts_resolve('--ours', 'notes')")
	b.fails([]string{"--ours and --theirs"}, "SELECT dolt_conflicts_resolve('--ours', '--theirs', 'accounts')")
	b.want("0", "SELECT dolt_conflicts_resolve('--theirs', 'accounts')")
	b.hash("SELECT dolt_commit('-m', 'settled')")
	if c := b.head(); len(c.Parents) != 2 || c.Text != "settled" || b.name("HEAD", 1) != "work" {
		t.Errorf("merge %+v", c)
	}
	b.want("0", "SELECT dolt_reset('--hard', 'HEAD~')")
	b.fails(conflict, "SELECT dolt_merge('work')")
	b.want("0", "SELECT dolt_conflicts_resolve('--ours', '.')")
	b.hash("SELECT dolt_commit('-m', 'ours')")
	b.want("0", "SELECT dolt_reset('--hard', 'HEAD~')")
	b.hash("SELECT dolt_merge('work', '--theirs')")
	if b.name("HEAD", 1) != "work" {
		t.Error("ours was taken")
	}
	b.want("0", "SELECT dolt_reset('--hard', 'HEAD~')")
	b.put(1, "not committed")
	b.fails([]string{"uncommitted"}, "SELECT dolt_merge('work', '--theirs')")
}

func TestVerifyConstraints(t *testing.T) {
	b := newBench(t)
	b.want("0", "SELECT dolt_verify_constraints()")
	b.want("0", "SELECT dolt_checkout('-b', 'work')")
	b.update(func(tx *vdb.Tx) error { return tx.Delete("accounts", 1) })
	b.hash("SELECT dolt_commit('-am', 'closed')")
	b.want("0", "SELECT dolt_checkout('main')")
	b.update(func(tx *vdb.Tx) error { return tx.Put("notes", vdb.Row{vdb.Int(1), vdb.Int(1), vdb.Text("keep")}) })
	b.hash("SELECT dolt_commit('-am', 'noted')")
	b.fails([]string{"1 constraint violation", "notes", "dolt_constraint_violations"}, "SELECT dolt_merge('work')")
	b.want("1", "SELECT dolt_verify_constraints()")
	b.want("1", "SELECT dolt_verify_constraints('--all', '--output-only', 'NOTES')")
	b.want("0", "SELECT dolt_verify_constraints('accounts')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_verify_constraints('nope')")
	b.fails([]string{"FOREIGN KEY"}, "SELECT dolt_commit('-m', 'too early')")
	b.update(func(tx *vdb.Tx) error { return tx.Delete("notes", 1) })
	b.want("0", "SELECT dolt_verify_constraints('-a')")
	b.hash("SELECT dolt_commit('-m', 'settled')")
}

func TestRevert(t *testing.T) {
	b := newBench(t)
	bad := b.commitPut(1, "bad", "bad")
	b.commitPut(2, "good", "good")
	b.hash("SELECT dolt_revert(?, '--author', 'Audit <a@bank.example>')", bad)
	if c := b.head(); c.Subject() != `Revert "bad"` || c.Author != "Audit <a@bank.example>" || b.name("WORKING", 1) != "account 1" || b.name("HEAD", 2) != "good" {
		t.Errorf("revert %+v", c)
	}
	b.fails([]string{"nothing to commit"}, "SELECT dolt_revert(?)", bad)
	b.hash("SELECT dolt_revert('HEAD~3..HEAD~1', '--squash', '-m', 'both again')")
	if c := b.head(); c.Text != "both again" || b.name("HEAD", 2) != "account 2" {
		t.Errorf("reverted a range: %+v", c)
	}
	b.commitPut(1, "later", "later")
	b.commitPut(1, "latest", "latest")
	b.fails([]string{"1 conflict", "dolt_revert('--abort')"}, "SELECT dolt_revert('HEAD~')")
	b.want("0", "SELECT dolt_revert('--abort')")
	b.wantChanged("", "")
	b.hash("SELECT dolt_revert('HEAD~', '--theirs')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_revert('nope')")
	b.fails([]string{"dolt_revert takes a commit"}, "SELECT dolt_revert('HEAD', 'HEAD~')")
	b.fails([]string{"nothing is in progress"}, "SELECT dolt_revert('--continue')")
}

func TestCherryPick(t *testing.T) {
	b := forkedBench(t, true)
	b.want("0", "SELECT dolt_checkout('work')")
	b.commitPut(3, "three", "three")
	b.commitPut(4, "four", "four")
	b.want("0", "SELECT dolt_checkout('main')")
	b.hash("SELECT dolt_cherry_pick('work~1', '-x')")
	if c := b.head(); c.Subject() != "three" || c.Text == "three" || c.Committer != b.s.author || b.name("HEAD", 3) != "three" || b.name("HEAD", 1) != "main" {
		t.Errorf("picked %+v", c)
	}
	b.hash("SELECT dolt_cherry_pick('work~2..work')")
	if b.head().Text != "four" {
		t.Errorf("picked %+v", b.head())
	}
	b.fails([]string{"conflict", "dolt_cherry_pick('--abort')"}, "SELECT dolt_cherry_pick('work~2')")
	b.want("0", "SELECT dolt_conflicts_resolve('--theirs', 'accounts')")
	b.hash("SELECT dolt_cherry_pick('--continue')")
	if c := b.head(); c.Text != "on work" || len(c.Parents) != 1 || b.name("HEAD", 1) != "work" {
		t.Errorf("picked %+v", c)
	}
	b.fails([]string{"-x"}, "SELECT dolt_cherry_pick('-x', 'work~2..work')")
	b.hash("SELECT dolt_merge('work')")
	b.fails([]string{"is a merge"}, "SELECT dolt_revert('HEAD')")
	b.fails([]string{"has 2 parents"}, "SELECT dolt_revert('HEAD', '--mainline', 3)")
	b.fails([]string{"no number"}, "SELECT dolt_revert('HEAD', '--mainline', 'x')")
}

func TestRestore(t *testing.T) {
	b := newBench(t)
	b.update(func(tx *vdb.Tx) error { return tx.Put("notes", vdb.Row{vdb.Int(1), vdb.Int(1), vdb.Text("keep")}) })
	b.hash("SELECT dolt_commit('-am', 'good')")
	b.update(func(tx *vdb.Tx) error {
		return errors.Join(tx.Delete("notes", 1), tx.Delete("accounts", 1), tx.Delete("accounts", 2),
			tx.Put("accounts", vdb.Row{vdb.Int(3), vdb.Text("bad"), vdb.Int(0)}))
	})
	b.hash("SELECT dolt_commit('-am', 'bad')")
	b.want(`{"dry_run":true,"rows":{"accounts":{"added":1,"deleted":0,"modified":0},"notes":{"added":1,"deleted":0,"modified":0}}}`,
		"SELECT dolt_restore('accounts', 'HEAD~', 1, '--follow', '--dry-run')")
	b.wantChanged("", "")
	b.want(`{"rows":{"accounts":{"added":1,"deleted":0,"modified":0},"notes":{"added":1,"deleted":0,"modified":0}}}`,
		"SELECT dolt_restore('accounts', 'HEAD~', '--key', 1, '--follow')")
	if b.name("WORKING", 1) != "account 1" || b.name("WORKING", 2) != "none" || b.name("WORKING", 3) != "bad" {
		t.Error("other rows were restored")
	}
	b.want("1", "SELECT json_extract(dolt_restore('accounts', 'HEAD~', 'name = ?', 'account 3'), '$.rows.accounts.modified')")
	b.want("1", "SELECT json_extract(dolt_restore('*', 'HEAD~', '--where', 'cents = 20', '-n'), '$.rows.accounts.added')")
	b.want("0", "SELECT dolt_reset('--hard')")
	hash := b.hash("SELECT json_extract(dolt_restore('accounts', 'HEAD~', 'id = 2', 'name = ''account 2''', '-m', 'two is back'), '$.commit')")
	if c := b.head(); c.Hash.String() != hash || c.Text != "two is back" || c.Author != b.s.author || b.name("HEAD", 2) != "account 2" {
		t.Errorf("restored %+v", c)
	}
	b.fails([]string{"nothing to commit"}, "SELECT dolt_restore('accounts', 'HEAD~2', 2, '-m', 'again')")
	b.fails([]string{"dolt_restore takes a table"}, "SELECT dolt_restore('accounts')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_restore('accounts', 'nope')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_restore('nope', 'HEAD')")
	b.fails([]string{"no argument for the ?"}, "SELECT dolt_restore('accounts', 'HEAD', 'id = ?')")
	b.fails([]string{"two conditions for column id"}, "SELECT dolt_restore('accounts', 'HEAD', 'id = 1', 'id = 2')")
	b.fails([]string{"a key needs a table"}, "SELECT dolt_restore('*', 'HEAD', 7)")
	b.fails([]string{"id < 1"}, "SELECT dolt_restore('accounts', 'HEAD', '--where', 'id < 1')")
}
