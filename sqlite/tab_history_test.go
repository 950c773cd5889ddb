package sqlite

import (
	"errors"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestTableHistory has a row for each commit that each row was in.
func TestTableHistory(t *testing.T) {
	b, commits := customers(t)
	b.want("SELECT id, label, size, commit_hash, committer, commit_date FROM dolt_history_t WHERE id <> 1", nil,
		"3|c|30|"+commits[3].Hash.String()+"|Billing|2026-11-22 09:04:00",
		"2|b|-|"+commits[2].Hash.String()+"|Billing|2026-11-22 09:03:00",
		"2|b|-|"+commits[1].Hash.String()+"|Billing|2026-11-22 09:02:00",
		"2|b|-|"+commits[0].Hash.String()+"|Billing|2026-11-22 09:01:00")
	b.want("SELECT label FROM dolt_history_t WHERE id = 1", nil, "A", "A", "a", "a")
	b.want("SELECT label FROM dolt_history_t WHERE id = 7", nil)
	b.want("SELECT id FROM dolt_history_t WHERE commit_hash = ?", []any{commits[1].Hash.String()}, "1", "2")
	b.want("SELECT label FROM dolt_history_t WHERE commit_hash = ? AND id = 1", []any{commits[2].Hash.String()}, "A")
	b.want("SELECT label FROM dolt_history_t('main~2') WHERE id = 1", nil, "a", "a")
	b.want("SELECT count(*) FROM dolt_history_t('main~2') WHERE commit_hash = ?", []any{commits[3].Hash.String()}, "0")
	b.want("SELECT h.label FROM dolt_diff_t d JOIN dolt_history_t h ON h.id = d.to_id AND h.commit_hash = d.to_commit", nil, "c", "A", "a", "b")
	b.refuses("SELECT * FROM dolt_history_t('nowhere')", "nowhere")
	b.refuses("SELECT * FROM dolt_history_t(7)", "write the revision as text")
}

// TestTableOfOtherBranch finds a table that the connection's branch does not have.
func TestTableOfOtherBranch(t *testing.T) {
	b, _ := customers(t)
	_, err := b.db.CreateBranch(t.Context(), "side", "main")
	b.check(err)
	b.update("side", func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(tableOf("w", 1, "id INTEGER")), tx.Put("w", rowOf(5)))
	})
	b.commit("side", "w")
	b.register("w")
	b.want("SELECT count(*) FROM dolt_history_w", nil, "0")
	b.want("SELECT id FROM dolt_history_w('side')", nil, "5")
	b.want("SELECT id FROM dolt_at_w('side')", nil, "5")
	b.want("SELECT to_id, diff_type FROM dolt_diff_w('main', 'side')", nil, "5|added")
	b.refuses("SELECT * FROM dolt_at_w('main')", "no table w at revision main")
}

// TestTableAt has the columns of all versions, and the values and types of then.
func TestTableAt(t *testing.T) {
	b, commits := customers(t)
	if got := b.columnsOf("dolt_at_t('main')"); got != "id label size name" {
		t.Errorf("columns: %s", got)
	}
	b.want("SELECT id, label, size, name FROM dolt_at_t('HEAD')", nil, "1|A|10|-", "3|c|30|-")
	b.want("SELECT id, label, size, name FROM dolt_at_t('WORKING')", nil, "1|A|10|-", "3|C|31|-")
	b.want("SELECT id, label, size, name FROM dolt_at_t(?)", []any{commits[0].Hash.String()}, "1|-|-|a", "2|-|-|b")
	b.want("SELECT name FROM dolt_at_t('main~3') WHERE id = 2", nil, "b")
	b.want("SELECT a.id, w.label FROM dolt_at_t('HEAD') a JOIN dolt_at_t('WORKING') w USING (id) WHERE a.label <> w.label", nil, "3|C")
	b.want("SELECT name FROM dolt_at_t WHERE commit_ref = 'main~3' AND id > 1", nil, "b")
	b.refuses("SELECT * FROM dolt_at_t", "needs its argument commit_ref")
	b.refuses("SELECT * FROM dolt_at_t('nowhere')", "nowhere")
	b.refuses("SELECT * FROM dolt_at_t('main~4')", "no table t at revision main~4")
	b.refuses("SELECT * FROM dolt_at_t(NULL)", "write it as text")
}

// TestTableAtTypes reads values as they were before a column's type was changed.
func TestTableAtTypes(t *testing.T) {
	b := newTabBench(t)
	b.update("main", func(tx *vdb.Tx) error {
		schema := tableOf("t", 1, "id INTEGER", "v TEXT")
		schema.Indexes = []vdb.Index{{Name: "v", Columns: []vdb.IndexColumn{{Name: "v"}}}}
		return errors.Join(tx.CreateTable(schema), tx.Put("t", rowOf(1, "10")), tx.Put("t", rowOf(2, "9")))
	})
	b.commit("main", "text")
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.DropIndex("t", "v"), tx.AlterColumn("t", vdb.Column{Name: "v", Type: "INTEGER"}))
	})
	b.commit("main", "integers")
	b.register("t")
	b.want("SELECT typeof(v) FROM dolt_at_t('main~') WHERE id = 1", nil, "text")
	b.want("SELECT typeof(v) FROM dolt_at_t('main') WHERE id = 1", nil, "integer")
	b.want("SELECT id FROM dolt_at_t('main') WHERE v = 10", nil, "1")
	b.want("SELECT id FROM dolt_at_t('main~') WHERE v = 10", nil, "1") // the column compares as it is declared now
}

// TestTableBlame names the commit that changed each row last.
func TestTableBlame(t *testing.T) {
	b, commits := customers(t)
	b.want("SELECT * FROM dolt_blame_t", nil,
		"1|"+commits[2].Hash.String()+"|2026-11-22 09:03:00|Billing|billing@example.com|renamed",
		"3|"+commits[3].Hash.String()+"|2026-11-22 09:04:00|Billing|billing@example.com|deleted")
	b.want("SELECT message FROM dolt_blame_t WHERE id = 3", nil, "deleted")
	b.want("SELECT id FROM dolt_blame_t WHERE id < 3", nil, "1")
	if got := b.columnsOf("dolt_blame_t"); got != "id commit commit_date committer email message" {
		t.Errorf("columns: %s", got)
	}
	b.update("main", func(tx *vdb.Tx) error { return tx.CreateTable(tableOf("log", 0, "line TEXT")) })
	b.register("log")
	b.refuses("SELECT * FROM dolt_blame_log", "no primary key", "dolt_diff_log")
	b.update("main", put("log", rowOf("x"), rowOf("y")))
	b.commit("main", "log")
	b.want("SELECT to_line FROM dolt_diff_log", nil, "x", "y")
	b.want("SELECT line FROM dolt_history_log", nil, "x", "y")
}

// TestTableCosts bounds the chunks that queries read of a table of 20,000 rows and
// a history of 30 commits, which differ in one row each.
func TestTableCosts(t *testing.T) {
	b := newTabBenchIn(t, t.TempDir())
	schema := tableOf("t", 1, "id INTEGER", "v TEXT")
	schema.Indexes = []vdb.Index{{Name: "v", Columns: []vdb.IndexColumn{{Name: "v"}}}}
	b.update("main", func(tx *vdb.Tx) error {
		err := tx.CreateTable(schema)
		for i := range 20_000 {
			err = errors.Join(err, tx.Put("t", rowOf(i, "value of a row")))
		}
		return errors.Join(err, tx.Put("t", rowOf(11, "eleven")))
	})
	b.commit("main", "load")
	var last string
	for i := range 30 {
		b.update("main", put("t", rowOf(i*600, "changed")))
		last = b.commit("main", "one row").Hash.String()
	}
	b.register("t")
	b.query("SELECT id FROM dolt_at_t('main') LIMIT 1") // knows all schemas now
	for _, c := range []struct {
		query string
		rows  int
		limit int64
	}{
		{"SELECT * FROM dolt_diff_t WHERE to_commit = '" + last + "'", 1, 90},
		{"SELECT * FROM dolt_diff_t('main~', 'main')", 1, 60},
		{"SELECT * FROM dolt_diff_t('main~30', 'main') WHERE to_id = 600", 1, 60},
		{"SELECT * FROM dolt_diff_t('main~30', 'main') WHERE to_id BETWEEN 600 AND 1200", 2, 90},
		{"SELECT * FROM dolt_commit_diff_t WHERE from_commit = 'main~9' AND to_commit = 'main~8'", 1, 90},
		{"SELECT * FROM dolt_diff_t WHERE to_id = 601", 1, 900},
		{"SELECT * FROM dolt_history_t WHERE id = 7", 31, 375},
		{"SELECT * FROM dolt_history_t('main~20') WHERE id > 19990", 99, 180},
		{"SELECT * FROM dolt_history_t WHERE id = 3 AND commit_hash = '" + last + "'", 1, 60},
		{"SELECT * FROM dolt_blame_t WHERE id = 17400", 1, 60},
		{"SELECT * FROM dolt_at_t('main~5') WHERE id = 77", 1, 45},
		{"SELECT * FROM dolt_at_t('main~5') WHERE v = 'eleven'", 1, 60},
	} {
		before := b.db.Stats()
		found := b.query(c.query)
		after := b.db.Stats()
		read := after.CacheHits + after.CacheMisses - before.CacheHits - before.CacheMisses
		if len(found) != c.rows || read > c.limit {
			t.Errorf("%s: %d rows, %d chunks; want %d, at most %d", c.query, len(found), read, c.rows, c.limit)
		} else {
			t.Logf("%d chunks: %s", read, c.query)
		}
	}
}
