package sqlite

import (
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// rebaseBench has three commits on work beside one of main, and is on work.
func rebaseBench(t *testing.T) *bench {
	b := forkedBench(t, false)
	b.want("0", "SELECT dolt_checkout('work')")
	b.commitPut(3, "three", "three")
	b.commitPut(4, "four", "four")
	return b
}

// subjects are those of the commits that the session's branch has beyond main.
func (b *bench) subjects() string {
	b.t.Helper()
	var subjects []string
	for c, err := range b.branch("").Log(b.t.Context(), &vdb.LogOptions{From: "main..HEAD"}) {
		if err != nil {
			b.t.Fatal(err)
		}
		subjects = append(subjects, strings.ReplaceAll(c.Text, "\n", "|"))
	}
	return strings.Join(subjects, ", ")
}

func (b *bench) wantSubjects(want string) {
	b.t.Helper()
	if got := b.subjects(); got != want {
		b.t.Errorf("commits %s, want %s", got, want)
	}
}

// plan edits the plan as SQL does on the branch that holds it.
func (b *bench) plan(actions ...string) {
	b.t.Helper()
	b.update(func(tx *vdb.Tx) error {
		for i, action := range actions {
			row, err := tx.Get(planTable, float64(i+1))
			if err != nil {
				return err
			}
			row[1] = vdb.Text(action)
			if action == "reword" {
				row[3] = vdb.Text("reworded")
			}
			if err := tx.Put(planTable, row); err != nil {
				return err
			}
		}
		return nil
	})
}

const rebased = "Successfully rebased and updated refs/heads/work"

func TestRebase(t *testing.T) {
	b := rebaseBench(t)
	b.want(rebased, "SELECT dolt_rebase('main')")
	b.wantSubjects("four, three, on work")
	b.want("0", "SELECT dolt_rebase('main')")
	b.want("1", "SELECT has_ancestor('work', 'main')")
	b.put(5, "not committed")
	b.fails([]string{"uncommitted"}, "SELECT dolt_rebase('main~')")
	b.fails([]string{"uncommitted"}, "SELECT dolt_rebase('-i', 'main~')")
	b.want("0", "SELECT dolt_reset('--hard')")
	b.fails([]string{"nope", "not found"}, "SELECT dolt_rebase('nope')")
	b.fails([]string{"dolt_rebase takes the branch"}, "SELECT dolt_rebase()")
	b.fails([]string{"drop or keep"}, "SELECT dolt_rebase('main', '--empty=no')")
	b.fails([]string{"no rebase is in progress on branch work"}, "SELECT dolt_rebase('--continue')")
	b.fails([]string{"no rebase is in progress"}, "SELECT dolt_rebase('--abort')")
}

func TestRebaseInteractive(t *testing.T) {
	b := rebaseBench(t)
	head := b.head().Hash.String()
	start := func() {
		t.Helper()
		if got, err := b.query("SELECT dolt_rebase('-i', 'main')"); err != nil || !strings.Contains(got, "dolt_rebase('--continue')") {
			t.Fatalf("started: %s, %v", got, err)
		}
	}
	start()
	b.want("dolt_rebase_work", "SELECT active_branch()")
	b.want("1", "SELECT dolt_hashof('HEAD') = dolt_hashof('main')")
	b.fails([]string{"in progress already"}, "SELECT dolt_rebase('-i', 'main')")
	b.want("0", "SELECT dolt_rebase('--abort')")
	b.want("work", "SELECT active_branch()")
	b.want(head, "SELECT dolt_hashof('HEAD')")
	b.wantBranches("main work")

	start()
	b.want("0", "SELECT dolt_checkout('work')")
	b.fails([]string{"in progress already"}, "SELECT dolt_rebase('-i', 'main')")
	b.want("0", "SELECT dolt_checkout('dolt_rebase_work')")
	b.plan("squash")
	b.fails([]string{"squash", "pick or reword"}, "SELECT dolt_rebase('--continue')")
	b.plan("rename")
	b.fails([]string{`"rename"`, "fixup"}, "SELECT dolt_rebase('--continue')")
	b.plan("reword", "fixup", "pick")
	b.want(rebased, "SELECT dolt_rebase('--continue')")
	b.want("work", "SELECT active_branch()")
	b.wantBranches("main work")
	b.wantSubjects("four, reworded")
	if b.name("WORKING", 3) != "three" || b.name("WORKING", 2) != "main" {
		t.Error("rows are missing")
	}
}

// The order of the rows, and rows that were deleted, count.
func TestRebaseReorder(t *testing.T) {
	b := rebaseBench(t)
	if _, err := b.query("SELECT dolt_rebase('--interactive', 'main')"); err != nil {
		t.Fatal(err)
	}
	b.update(func(tx *vdb.Tx) error {
		row, err := tx.Get(planTable, 1.0)
		if err != nil {
			return err
		}
		row[0] = vdb.Float(3.5)
		if err := tx.Put(planTable, row); err != nil {
			return err
		}
		if err := tx.Delete(planTable, 2.0); err != nil {
			return err
		}
		return tx.Delete(planTable, 1.0)
	})
	b.want(rebased, "SELECT dolt_rebase('--continue')")
	b.wantSubjects("on work, four")
}

func TestRebaseAborted(t *testing.T) {
	b := forkedBench(t, true)
	b.want("0", "SELECT dolt_checkout('work')")
	head := b.head().Hash.String()
	b.fails([]string{"1 conflict", "on work"}, "SELECT dolt_rebase('main')")
	if _, err := b.query("SELECT dolt_rebase('-i', 'main')"); err != nil {
		t.Fatal(err)
	}
	b.fails([]string{"1 conflict", "on work", "aborted, branch work is as it was"}, "SELECT dolt_rebase('--continue')")
	b.want("work", "SELECT active_branch()")
	b.want(head, "SELECT dolt_hashof('HEAD')")
	b.wantBranches("main work")
	if _, err := b.query("SELECT dolt_rebase('-i', 'main')"); err != nil {
		t.Fatal(err)
	}
	b.want("0", "SELECT dolt_checkout('work')")
	b.commitPut(7, "seven", "meanwhile")
	b.fails([]string{"moved", "plan again"}, "SELECT dolt_rebase('--continue')")
	b.want("0", "SELECT dolt_rebase('--abort')")
	b.want(rebased, "SELECT dolt_rebase('main', '--theirs')")
}
