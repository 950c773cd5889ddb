package sqlite

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// conflicting is a merge in progress with three rows in conflict: 1 and 2 changed
// on both sides, 3 deleted on main and changed on side.
func conflicting(t *testing.T) *tabBench {
	b := newTabBench(t)
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(tableOf("t", 1, "id INTEGER", "v TEXT", "w TEXT")),
			put("t", rowOf(1, "a", "a"), rowOf(2, "b", "b"), rowOf(3, "c", "c"), rowOf(4, "d", "d"))(tx))
	})
	b.commit("main", "base")
	_, err := b.db.CreateBranch(t.Context(), "side", "main")
	b.check(err)
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(put("t", rowOf(1, "main", "a"), rowOf(2, "main", "b"), rowOf(4, "d", "main"))(tx), tx.Delete("t", 3))
	})
	b.commit("main", "ours")
	b.update("side", put("t", rowOf(1, "side", "side"), rowOf(2, "side", "b"), rowOf(3, "side", "c"), rowOf(4, "side", "d")))
	b.commit("side", "theirs")
	if _, err := b.main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	b.register("t")
	return b
}

func TestTableConflicts(t *testing.T) {
	b := conflicting(t)
	want := "from_root_ish base_id base_v base_w our_id our_v our_w our_diff_type their_id their_v their_w their_diff_type dolt_conflict_id"
	if got := b.columnsOf("dolt_conflicts_t"); got != want {
		t.Errorf("columns: %s", got)
	}
	theirs, err := b.db.Resolve(t.Context(), "side")
	b.check(err)
	b.want("SELECT * FROM dolt_conflicts_t", nil,
		theirs.Hash.String()+"|1|a|a|1|main|a|modified|1|side|side|modified|1",
		theirs.Hash.String()+"|2|b|b|2|main|b|modified|2|side|b|modified|2",
		theirs.Hash.String()+"|3|c|c|-|-|-|removed|3|side|c|modified|3")
}

// TestResolveConflicts settles rows by what SQL writes, and commits the merge.
func TestResolveConflicts(t *testing.T) {
	b := conflicting(t)
	b.check(b.exec("UPDATE dolt_conflicts_t SET our_v = our_v || '+' || their_v, our_w = their_w WHERE our_id < 3"))
	b.want("SELECT our_id, our_v, our_w FROM dolt_conflicts_t", nil, "1|main+side|side", "2|main+side|b", "-|-|-")
	b.check(b.exec("DELETE FROM dolt_conflicts_t WHERE dolt_conflict_id = '2'"))
	b.want("SELECT base_id FROM dolt_conflicts_t", nil, "1", "3")
	b.check(b.exec("UPDATE dolt_conflicts_t SET our_id = their_id, our_v = their_v WHERE our_id IS NULL"))
	if _, err := b.main.Commit(t.Context(), vdb.Message{}); !errors.Is(err, vdb.ErrMerging) {
		t.Errorf("commit with conflicts: %v", err)
	}
	b.check(b.exec("DELETE FROM dolt_conflicts_t"))
	b.want("SELECT count(*) FROM dolt_conflicts_t", nil, "0")
	if c := b.commit("main", "merged"); len(c.Parents) != 2 {
		t.Errorf("%d parents", len(c.Parents))
	}
	b.want("SELECT id, v, w FROM dolt_at_t('main')", nil, "1|main+side|side", "2|main+side|b", "3|side|-", "4|side|main")
}

// TestResolveToNothing deletes a row that is in conflict.
func TestResolveToNothing(t *testing.T) {
	b := conflicting(t)
	b.check(b.exec("UPDATE dolt_conflicts_t SET our_id = NULL, our_v = NULL, our_w = NULL WHERE our_id = 1"))
	b.want("SELECT base_id, our_id, our_diff_type FROM dolt_conflicts_t WHERE base_id = 1", nil, "1|-|removed")
	b.check(b.exec("DELETE FROM dolt_conflicts_t"))
	b.commit("main", "merged")
	b.want("SELECT id FROM dolt_at_t('main')", nil, "2", "4")
}

func TestConflictRefusals(t *testing.T) {
	b := conflicting(t)
	b.refuses("UPDATE dolt_conflicts_t SET their_v = 'x'", "only the our_ columns")
	b.refuses("UPDATE dolt_conflicts_t SET our_id = 9 WHERE our_id = 1", "primary key cannot be changed")
	b.refuses("UPDATE dolt_conflicts_t SET our_v = 'x' WHERE our_id IS NULL", "primary key cannot be changed")
	b.refuses("INSERT INTO dolt_conflicts_t (our_id) VALUES (1)", "come from merges")
	b.want("SELECT count(*) FROM dolt_conflicts_t", nil, "3")
	b.check(b.exec("DELETE FROM dolt_conflicts_t WHERE our_id = 77"))
	b.want("SELECT count(*) FROM dolt_conflicts_t", nil, "3")
	b.check(b.main.Abort(t.Context()))
	b.want("SELECT count(*) FROM dolt_conflicts_t", nil, "0")
}

// TestConflictKeys settles rows that are named by several columns, or by a rowid.
func TestConflictKeys(t *testing.T) {
	b := newTabBench(t)
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(tableOf("two", 2, "a TEXT", "b BLOB", "v TEXT")), tx.CreateTable(tableOf("none", 0, "v TEXT")),
			put("two", rowOf("it's", []byte{1}, "v"), rowOf("it's", []byte{2}, "v"))(tx), put("none", rowOf("v"))(tx))
	})
	b.commit("main", "base")
	_, err := b.db.CreateBranch(t.Context(), "side", "main")
	b.check(err)
	for _, branch := range []string{"main", "side"} {
		b.update(branch, func(tx *vdb.Tx) error {
			err := put("two", rowOf("it's", []byte{1}, branch), rowOf("it's", []byte{2}, branch))(tx)
			if branch == "main" {
				return errors.Join(err, tx.Delete("none", 1))
			}
			return err
		})
		b.commit(branch, branch)
	}
	if _, err := b.main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	b.register("two", "none")
	b.want("SELECT dolt_conflict_id FROM dolt_conflicts_two", nil, "'it''s',x'01'", "'it''s',x'02'")
	b.check(b.exec("UPDATE dolt_conflicts_two SET our_v = 'both' WHERE our_b = x'02'"))
	b.check(b.exec("DELETE FROM dolt_conflicts_two"))
	b.want("SELECT count(*) FROM dolt_conflicts_none", nil, "0")
	b.commit("main", "merged")
	b.want("SELECT v FROM dolt_at_two('main')", nil, "main", "both")
}

// TestKeylessConflicts settles rows that have a rowid only. Their change is made
// by taking over other rows of that rowid.
func TestKeylessConflicts(t *testing.T) {
	b := newTabBench(t)
	b.update("main", func(tx *vdb.Tx) error { return tx.CreateTable(tableOf("log", 0, "line TEXT")) })
	b.commit("main", "table")
	for _, line := range []string{"ours", "theirs"} {
		_, err := b.db.CreateBranch(t.Context(), "with_"+line, "main")
		b.check(err)
		b.update("with_"+line, put("log", rowOf(line)))
	}
	b.update("main", put("log", rowOf("base")))
	b.commit("main", "base")
	_, err := b.db.CreateBranch(t.Context(), "side", "main")
	b.check(err)
	for branch, line := range map[string]string{"main": "ours", "side": "theirs"} {
		with, err := b.db.Branch(t.Context(), "with_"+line)
		b.check(err)
		from, err := with.Snapshot(t.Context())
		b.check(err)
		b.update(branch, func(tx *vdb.Tx) error { return tx.CopyRows(from, "log", []any{1}) })
		b.commit(branch, line)
	}
	if _, err := b.main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConflict) {
		t.Fatal(err)
	}
	b.register("log")
	b.want("SELECT base_line, our_line, their_line, dolt_conflict_id FROM dolt_conflicts_log", nil, "base|ours|theirs|1")
	b.refuses("UPDATE dolt_conflicts_log SET our_line = 'x'", "no primary key", "write to the table itself")
	b.check(b.exec("DELETE FROM dolt_conflicts_log"))
	b.commit("main", "merged")
	b.want("SELECT line FROM dolt_at_log('main')", nil, "ours")
}

// violating is a merge in progress after which rows 2 and 3 break rules.
func violating(t *testing.T) *tabBench {
	b := newTabBench(t)
	child := tableOf("child", 1, "id INTEGER", "email TEXT", "p INTEGER")
	child.Columns = append(child.Columns[1:], child.Columns[0]) // the key stands last
	child.Indexes = []vdb.Index{{Name: "emails", Columns: []vdb.IndexColumn{{Name: "email"}}, Unique: true}}
	child.ForeignKeys = []vdb.ForeignKey{{Columns: []string{"p"}, Parent: "parent"}}
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(tableOf("parent", 1, "id INTEGER")), tx.Put("parent", rowOf(7)), tx.CreateTable(child))
	})
	b.commit("main", "base")
	_, err := b.db.CreateBranch(t.Context(), "side", "main")
	b.check(err)
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.Delete("parent", 7), tx.Put("child", rowOf("x@y", nil, 1)))
	})
	b.commit("main", "ours")
	b.update("side", put("child", rowOf("x@y", nil, 2), rowOf("z", 7, 3)))
	b.commit("side", "theirs")
	if _, err := b.main.Merge(t.Context(), "side", nil); !errors.Is(err, vdb.ErrConstraint) {
		t.Fatal(err)
	}
	b.register("child", "parent")
	return b
}

func TestTableViolations(t *testing.T) {
	b := violating(t)
	if got := b.columnsOf("dolt_constraint_violations_child"); got != "violation_type id email p violation_info" {
		t.Errorf("columns: %s", got)
	}
	b.want("SELECT violation_type, id, email, p, violation_info ->> '$.Columns[0]', violation_info ->> '$.Name', violation_info ->> '$.ReferencedTable' FROM dolt_constraint_violations_child ORDER BY id", nil,
		"unique index|2|x@y|-|email|emails|-", "foreign key|3|z|7|p|-|parent")
	b.want("SELECT id FROM dolt_constraint_violations_child WHERE row_key = '3'", nil, "3")
	b.want("SELECT count(*) FROM dolt_constraint_violations_parent", nil, "0")
	b.refuses("UPDATE dolt_constraint_violations_child SET p = 1", "mend the rows of child")
	b.refuses("INSERT INTO dolt_constraint_violations_child (id) VALUES (1)", "mend the rows of child")
}

// TestSettleViolations mends one row and accepts another as it is.
func TestSettleViolations(t *testing.T) {
	b := violating(t)
	b.update("main", put("child", rowOf("other@y", nil, 2)))
	b.want("SELECT id FROM dolt_constraint_violations_child", nil, "3")
	if _, err := b.main.Commit(t.Context(), vdb.Message{}); !errors.Is(err, vdb.ErrConstraint) {
		t.Errorf("commit with a violation: %v", err)
	}
	b.check(b.exec("DELETE FROM dolt_constraint_violations_child WHERE id = 3"))
	b.want("SELECT count(*) FROM dolt_constraint_violations_child", nil, "0")
	if c := b.commit("main", "merged"); len(c.Parents) != 2 {
		t.Errorf("%d parents", len(c.Parents))
	}
}
