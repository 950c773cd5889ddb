package sqlite

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

// TestTableDiff lists what the working set and each commit changed, under the
// columns' names of now.
func TestTableDiff(t *testing.T) {
	b, commits := customers(t)
	want := "to_id to_label to_size to_commit to_commit_date from_id from_label from_size from_commit from_commit_date diff_type"
	for _, from := range []string{"dolt_diff_t", "dolt_diff_t('main', 'main')", "dolt_commit_diff_t WHERE from_commit = 'main' AND to_commit = 'main'"} {
		if got := b.columnsOf(from); got != want {
			t.Errorf("%s: %s", from, got)
		}
	}
	hash := func(i int) string { return commits[i].Hash.String() }
	b.want("SELECT coalesce(to_id, from_id), to_label, to_size, from_label, from_size, diff_type, to_commit, from_commit FROM dolt_diff_t", nil,
		"3|C|31|c|30|modified|WORKING|"+hash(3),
		"2|-|-|b|-|removed|"+hash(3)+"|"+hash(2),
		"3|c|30|-|-|added|"+hash(3)+"|"+hash(2),
		"1|A|10|a|-|modified|"+hash(2)+"|"+hash(1),
		"1|a|-|-|-|added|"+hash(0)+"|"+b.parent(commits[0]),
		"2|b|-|-|-|added|"+hash(0)+"|"+b.parent(commits[0]))
	b.want("SELECT DISTINCT to_commit_date, from_commit_date FROM dolt_diff_t WHERE to_id = 3", nil,
		"-|2026-11-22 09:04:00", "2026-11-22 09:04:00|2026-11-22 09:03:00")
	b.want("SELECT count(*) FROM dolt_diff_u", nil, "0")
}

func (b *tabBench) parent(c *vdb.Commit) string { return c.Parents[0].String() }

// TestTableDiffConditions gives the same rows with conditions that are pushed down
// and with ones that are not.
func TestTableDiffConditions(t *testing.T) {
	b, commits := customers(t)
	side, err := b.db.CreateBranch(t.Context(), "side", commits[1].Hash.String())
	b.check(err)
	b.update("side", put("t", rowOf(9, "side")))
	elsewhere := b.commit("side", "elsewhere").Hash.String()
	b.update("side", put("t", rowOf(10, "side")))
	b.commit("side", "more")
	_, err = b.main.Commit(t.Context(), vdb.Message{Text: "all"})
	b.check(err)
	_, err = b.main.Merge(t.Context(), side.Name(), nil)
	b.check(err)
	_, err = b.db.CreateBranch(t.Context(), "far", "main")
	b.check(err)
	b.update("far", put("t", rowOf(11, "far", nil)))
	far := b.commit("far", "far").Hash.String()
	b.update("main", put("t", rowOf(12, "uncommitted", nil)))

	const all = "SELECT to_id, from_id, to_commit, from_commit, diff_type FROM dolt_diff_t WHERE "
	for _, c := range []struct{ pushed, not string }{
		{"to_id = 1", "+to_id = 1"},
		{"to_id IN (1, 9)", "+to_id IN (1, 9)"},
		{"to_id > 2", "+to_id > 2"},
		{"to_id >= 2 AND to_id <= 3", "+to_id >= 2 AND +to_id <= 3"},
		{"to_id < 2.5", "+to_id < 2.5"},
		{"to_id = '1'", "+to_id = 1"},
		{"to_id = 1.0", "+to_id = 1"},
		{"to_id = 'x'", "0"},
		{"to_id < 'x'", "+to_id IS NOT NULL"},
		{"to_id <= 9223372036854775807", "+to_id IS NOT NULL"},
		{"from_id = 2", "+from_id = 2"},
		{"from_id IS NULL", "+from_id IS NULL"},
		{"from_id BETWEEN 1 AND 2", "+from_id BETWEEN 1 AND 2"},
		{"to_commit = 'WORKING'", "+to_commit = 'WORKING'"},
		{"to_commit = '" + commits[2].Hash.String() + "'", "+to_commit = '" + commits[2].Hash.String() + "'"},
		{"to_commit = '" + elsewhere + "'", "+to_commit = '" + elsewhere + "'"},
		{"to_commit = '" + far + "'", "0"},
		{"to_commit = 'HEAD'", "0"},
		{"to_commit = 7", "0"},
		{"from_commit = '" + commits[1].Hash.String() + "'", "+from_commit = '" + commits[1].Hash.String() + "'"},
		{"from_commit = '" + far + "'", "0"},
		{"from_commit = 'nothing'", "0"},
		{"to_commit = (SELECT to_commit FROM dolt_diff_t WHERE to_id = 9 LIMIT 1)", "+to_commit = (SELECT to_commit FROM dolt_diff_t WHERE to_id = 9 LIMIT 1)"},
		{"from_commit = '" + commits[1].Hash.String() + "' AND to_commit = '" + commits[2].Hash.String() + "'", "+from_commit = '" + commits[1].Hash.String() + "' AND +to_commit = '" + commits[2].Hash.String() + "'"},
		{"from_commit = '" + commits[0].Hash.String() + "' AND to_commit = '" + commits[2].Hash.String() + "'", "0"},
	} {
		want := b.query(all + c.not)
		got := b.query(all + c.pushed)
		if strings.Contains(c.pushed, " IN ") { // one scan for each value
			slices.Sort(want)
			slices.Sort(got)
		}
		if c.not != "0" && len(want) == 0 {
			t.Errorf("%s finds nothing", c.not)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.pushed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if n := len(b.query("SELECT DISTINCT from_commit FROM dolt_diff_t WHERE to_commit = (SELECT to_commit FROM dolt_diff_t ORDER BY to_commit_date DESC LIMIT 1)")); n != 2 {
		t.Errorf("a merge is compared with %d parents", n)
	}
}

// TestTableDiffArguments compares any two revisions.
func TestTableDiffArguments(t *testing.T) {
	b, commits := customers(t)
	_, err := b.db.CreateBranch(t.Context(), "side", "main~")
	b.check(err)
	b.update("side", put("t", rowOf(8, "side", nil)))
	b.commit("side", "side")
	const columns = "SELECT to_id, from_id, diff_type FROM "
	b.want(columns+"dolt_diff_t('main~', 'main')", nil, "-|2|removed", "3|-|added")
	b.want(columns+"dolt_diff_t('main~..main')", nil, "-|2|removed", "3|-|added")
	b.want(columns+"dolt_diff_t('main..side')", nil, "2|-|added", "-|3|removed", "8|-|added")
	b.want(columns+"dolt_diff_t('main...side')", nil, "8|-|added")
	b.want(columns+"dolt_diff_t('HEAD', 'WORKING')", nil, "3|3|modified")
	b.want(columns+"dolt_diff_t('STAGED', 'HEAD')", nil)
	b.want(columns+"dolt_diff_t(?, ?) WHERE to_id = 3", []any{commits[0].Hash.String(), "main"}, "3|-|added")
	b.want("SELECT to_commit, from_commit, to_commit_date, from_commit_date FROM dolt_diff_t('HEAD', 'WORKING')", nil,
		"WORKING|"+commits[3].Hash.String()+"|-|2026-11-22 09:04:00")
	b.want(columns+"dolt_commit_diff_t WHERE from_commit = 'side' AND to_commit = 'main'", nil, "-|2|removed", "3|-|added", "-|8|removed")
	b.want("SELECT DISTINCT from_commit, to_commit FROM dolt_commit_diff_t WHERE from_commit = 'main~' AND to_commit = 'WORKING'", nil, "main~|WORKING")
	b.want("SELECT l.value, d.to_id FROM json_each('[\"main~\",\"main~3\"]') l JOIN dolt_diff_t(l.value, 'main') d WHERE d.to_id IS NOT NULL", nil,
		"main~|3", "main~3|1", "main~3|3")
	b.refuses("SELECT * FROM dolt_diff_t('main')", "dolt_diff_t needs two revisions, or a range")
	b.refuses("SELECT * FROM dolt_diff_t('..main')", "dolt_diff_t needs two revisions, or a range")
	b.refuses("SELECT * FROM dolt_diff_t(NULL, 'main')", "revision", "write it as text")
	b.refuses("SELECT * FROM dolt_diff_t('main', 'nowhere')", `"nowhere"`, "no branch, tag or commit")
	b.refuses("SELECT * FROM dolt_diff_t('main~4', 'main~4')", "neither in")
	b.refuses("SELECT * FROM dolt_commit_diff_t", "needs two revisions", "from_commit")
	b.refuses("SELECT * FROM dolt_commit_diff_t WHERE to_commit = 'main'", "needs two revisions")
}

// TestTableDiffKeys compares versions of a table that was keyed otherwise.
func TestTableDiffKeys(t *testing.T) {
	b := newTabBench(t)
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.CreateTable(tableOf("t", 1, "code TEXT", "id INTEGER")), tx.Put("t", rowOf("x", 1)), tx.Put("t", rowOf("y", 2)))
	})
	b.commit("main", "by code")
	b.update("main", func(tx *vdb.Tx) error {
		return errors.Join(tx.DropTable("t"), tx.CreateTable(tableOf("t", 1, "id INTEGER", "code TEXT")), tx.Put("t", rowOf(1, "x")), tx.Put("t", rowOf(2, "y")))
	})
	b.commit("main", "by id")
	b.register("t")
	b.want("SELECT from_code, diff_type FROM dolt_diff_t WHERE from_id = 1", nil, "x|removed")
	b.want("SELECT to_code, diff_type FROM dolt_diff_t WHERE to_id = 1", nil, "x|added", "x|added")
	b.want("SELECT code FROM dolt_history_t WHERE id = 2", nil, "y", "y")
	b.want("SELECT code FROM dolt_at_t('main~') WHERE id >= 2", nil, "y")
	b.want("SELECT id FROM dolt_at_t('main~') WHERE code = 'y'", nil, "2")
}

// TestTableDiffText limits diffs by keys of text, in any collation.
func TestTableDiffText(t *testing.T) {
	for _, collation := range []string{"", "NOCASE", "RTRIM"} {
		b := newTabBench(t)
		schema := tableOf("t", 2, "name TEXT", "n NUMERIC", "v TEXT")
		schema.Columns[0].Collation = collation
		b.update("main", func(tx *vdb.Tx) error {
			err := tx.CreateTable(schema)
			for i, name := range []string{"a", "B", "_", "b ", "c", "Ab", "z"} {
				for _, n := range []any{i, 1.5, "text", []byte("blob")} {
					err = errors.Join(err, tx.Put("t", rowOf(name, n, "v")))
				}
			}
			return err
		})
		b.commit("main", "names")
		b.register("t")
		for _, cond := range []string{"= 'b'", "= 'A'", ">= 'B'", "> 'a'", "< 'b'", "<= 'B'", "<= 'b'", "BETWEEN 'A' AND 'b'", "> x'00'", "= 5", "IN ('a', 'c')", "COLLATE NOCASE = 'B'"} {
			for _, more := range []string{"", " AND n = 1.5", " AND n > 1", " AND n <= 2", " AND n >= 'text'", " AND n <= x'626c6f62'"} {
				for table, prefix := range map[string]string{"dolt_diff_t": "to_", "dolt_diff_t('main~..main')": "to_", "dolt_history_t": "", "dolt_at_t('main')": ""} {
					where := "WHERE (" + prefix + "name " + cond + ")" + strings.ReplaceAll(more, " n ", " "+prefix+"n ")
					slow := "WHERE (+" + prefix + "name COLLATE " + orBinary(collation) + " " + cond + ")" + strings.ReplaceAll(more, " n ", " "+prefix+"n ")
					if cond == "COLLATE NOCASE = 'B'" {
						slow = "WHERE (+" + prefix + "name " + cond + ")" + strings.ReplaceAll(more, " n ", " "+prefix+"n ")
					}
					query := "SELECT " + prefix + "name, " + prefix + "n FROM " + table + " "
					b.want(query+where, nil, b.query(query+slow)...)
				}
			}
		}
	}
}

func orBinary(collation string) string {
	if collation == "" {
		return "BINARY"
	}
	return collation
}
