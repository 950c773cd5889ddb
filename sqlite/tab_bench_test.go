package sqlite

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

// BenchmarkTables reads system tables of a table of a million rows, in a history
// of 100 commits that changed ten rows each.
func BenchmarkTables(b *testing.B) {
	const rows, commits, changed = 1_000_000, 100, 10
	m := newTabBenchIn(b, b.TempDir())
	m.update("main", func(tx *vdb.Tx) error {
		if err := tx.CreateTable(tableOf("t", 1, "id INTEGER", "name TEXT", "size INTEGER")); err != nil {
			return err
		}
		for i := range rows {
			if err := tx.Put("t", rowOf(i, fmt.Sprintf("name of row %d", i), i%1000)); err != nil {
				return err
			}
		}
		return nil
	})
	m.commit("main", "load")
	var last *vdb.Commit
	for c := range commits {
		m.update("main", func(tx *vdb.Tx) error {
			for i := range changed {
				if err := tx.Put("t", rowOf((i*97_001+c*7919)%rows, "changed", c)); err != nil {
					return err
				}
			}
			return nil
		})
		last = m.commit("main", "ten rows")
	}
	m.register("t")
	to, from := last.Hash.String(), last.Parents[0].String()
	for _, bench := range []struct {
		name, query string
		args        []any
		rows        int
	}{
		{"DiffOfRevisions", "SELECT * FROM dolt_diff_t('main~', 'main')", nil, changed},
		{"DiffToCommit", "SELECT * FROM dolt_diff_t WHERE to_commit = ?", []any{to}, changed},
		{"DiffFromTo", "SELECT * FROM dolt_diff_t WHERE from_commit = ? AND to_commit = ?", []any{from, to}, changed},
		{"DiffOfKey", "SELECT * FROM dolt_diff_t('main~50', 'main') WHERE to_id = ?", []any{(99 * 7919) % rows}, 1},
		{"DiffOfAll", "SELECT * FROM dolt_diff_t LIMIT 1000", nil, commits * changed},
		{"HistoryOfRow", "SELECT * FROM dolt_history_t WHERE id = 123456", nil, commits + 1},
		{"AtOfRow", "SELECT * FROM dolt_at_t('main~50') WHERE id = 123456", nil, 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			stmt, err := m.conn.PrepareContext(b.Context(), bench.query)
			if err != nil {
				b.Fatal(err)
			}
			defer stmt.Close()
			b.ReportAllocs()
			for b.Loop() {
				got, err := stmt.QueryContext(b.Context(), bench.args...)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for got.Next() {
					n++
				}
				if err := got.Close(); err != nil || n != bench.rows {
					b.Fatalf("%d rows, %v", n, err)
				}
			}
		})
	}
}
