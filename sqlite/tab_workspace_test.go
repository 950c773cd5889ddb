package sqlite

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// workspace is a bench whose working set adds row 3, changes row 1 and deletes row 2.
func workspace(t *testing.T) *tabBench {
	b := newTabBench(t)
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(tableOf("t", 1, "id INTEGER", "v TEXT")), put("t", rowOf(1, "a"), rowOf(2, "b"))(tx))
	})
	b.commit("main", "base")
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(put("t", rowOf(1, "A"), rowOf(3, "C"))(tx), tx.Delete("t", 2))
	})
	b.register("t")
	return b
}

const allChanges = "SELECT id, staged, diff_type, to_id, to_v, from_id, from_v FROM dolt_workspace_t"

func TestTableWorkspace(t *testing.T) {
	b := workspace(t)
	if got := b.columnsOf("dolt_workspace_t"); got != "id staged diff_type to_id to_v from_id from_v" {
		t.Errorf("columns: %s", got)
	}
	b.want(allChanges, nil, "1|0|modified|1|A|1|a", "2|0|removed|-|-|2|b", "3|0|added|3|C|-|-")
	b.check(b.exec("UPDATE dolt_workspace_t SET staged = TRUE WHERE coalesce(to_id, from_id) < 3"))
	b.want(allChanges, nil, "1|1|modified|1|A|1|a", "2|1|removed|-|-|2|b", "3|0|added|3|C|-|-")
	b.update("main", put("t", rowOf(1, "AA")))
	b.want(allChanges, nil, "1|1|modified|1|A|1|a", "2|1|removed|-|-|2|b", "3|0|modified|1|AA|1|A", "4|0|added|3|C|-|-")
	b.check(b.exec("UPDATE dolt_workspace_t SET staged = FALSE WHERE diff_type = 'removed'"))
	b.want(allChanges, nil, "1|1|modified|1|A|1|a", "2|0|modified|1|AA|1|A", "3|0|removed|-|-|2|b", "4|0|added|3|C|-|-")
	_, err := b.main.CommitStaged(t.Context(), vdb.Message{Text: "row 1"})
	b.check(err)
	b.want("SELECT to_id, to_v FROM dolt_diff_t('main~', 'main')", nil, "1|A")
	b.want(allChanges, nil, "1|0|modified|1|AA|1|A", "2|0|removed|-|-|2|b", "3|0|added|3|C|-|-")
}

// TestDiscard throws changes away.
func TestDiscard(t *testing.T) {
	b := workspace(t)
	b.check(b.exec("UPDATE dolt_workspace_t SET staged = 1 WHERE to_id = 3"))
	b.refuses("DELETE FROM dolt_workspace_t", "staged row", "set staged = 0")
	b.check(b.exec("DELETE FROM dolt_workspace_t WHERE staged = 0"))
	b.want(allChanges, nil, "1|1|added|3|C|-|-")
	b.want("SELECT id, v FROM dolt_at_t('WORKING')", nil, "1|a", "2|b", "3|C")
	b.check(b.exec("UPDATE dolt_workspace_t SET staged = 0"))
	b.check(b.exec("DELETE FROM dolt_workspace_t"))
	b.want("SELECT count(*) FROM dolt_workspace_t", nil, "0")
	status, err := b.main.Status(t.Context())
	b.check(err)
	if !status.IsClean() {
		t.Errorf("left over: %+v", status.Tables)
	}
}

// TestWorkspaceOfKeyless stages rows that have a rowid only.
func TestWorkspaceOfKeyless(t *testing.T) {
	b := newTabBench(t)
	b.update("main", func(tx *vdb.Tx) error { return tx.CreateTable(tableOf("log", 0, "line TEXT")) })
	b.commit("main", "base")
	b.update("main", put("log", rowOf("one"), rowOf("one"), rowOf("three")))
	b.register("log")
	b.check(b.exec("UPDATE dolt_workspace_log SET staged = 1 WHERE to_line = 'three' OR id = 2"))
	b.want("SELECT staged, to_line, row_key FROM dolt_workspace_log", nil, "1|one|2", "1|three|3", "0|one|1")
	b.want("SELECT to_line FROM dolt_workspace_log WHERE row_key = '3'", nil, "three")
	b.check(b.exec("UPDATE dolt_workspace_log SET staged = 1"))
	b.want("SELECT count(*) FROM dolt_diff_log('STAGED', 'WORKING')", nil, "0")
	b.check(b.exec("UPDATE dolt_workspace_log SET staged = 0 WHERE to_line = 'one'"))
	b.check(b.exec("DELETE FROM dolt_workspace_log WHERE staged = 0"))
	b.want("SELECT line FROM dolt_at_log('WORKING')", nil, "three")
}

// TestWorkspaceOfNewTable says that the table has to be staged first.
func TestWorkspaceOfNewTable(t *testing.T) {
	b := workspace(t)
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(tableOf("n", 1, "id INTEGER")), tx.Put("n", rowOf(1)), tx.AddColumn("t", column("w TEXT")))
	})
	b.register("n", "t")
	b.want("SELECT staged, to_id, diff_type FROM dolt_workspace_n", nil, "0|1|added")
	b.refuses("UPDATE dolt_workspace_n SET staged = 1", "stage it as a whole", "dolt_add('n')")
	b.refuses("UPDATE dolt_workspace_t SET staged = 1 WHERE to_id = 3", "stage it as a whole")
	b.refuses("UPDATE dolt_workspace_t SET staged = 'x'", "neither 1 nor 0")
	b.refuses("UPDATE dolt_workspace_t SET to_id = 7", "only staged can be set")
	b.refuses("INSERT INTO dolt_workspace_t (to_id) VALUES (9)", "write to the table itself")
	b.check(b.main.Stage(t.Context(), "n", "t"))
	b.check(b.exec("UPDATE dolt_workspace_n SET staged = 0"))
	b.want("SELECT staged FROM dolt_workspace_n", nil, "0")
	b.check(b.exec("DELETE FROM dolt_workspace_n"))
	b.want("SELECT count(*) FROM dolt_workspace_n", nil, "0")
}
