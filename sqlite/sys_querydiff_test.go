package sqlite

import (
	"iter"
	"testing"
)

// TestSysQueryDiff compares the results of queries that another connection runs.
func TestSysQueryDiff(t *testing.T) {
	b := newSysBench(t)
	other := plainSQLite(t)
	run := func(query string) ([]string, iter.Seq2[[]any, error], error) {
		rows, err := other.Query(query)
		if err != nil {
			return nil, nil, err
		}
		columns, err := rows.Columns()
		return columns, func(yield func([]any, error) bool) {
			defer rows.Close()
			for rows.Next() {
				values, into := make([]any, len(columns)), make([]any, len(columns))
				for i := range values {
					into[i] = &values[i]
				}
				err := rows.Scan(into...)
				if !yield(values, err) || err != nil {
					return
				}
			}
			if err := rows.Err(); err != nil {
				yield(nil, err)
			}
		}, err
	}
	b.check(b.raw.Table("dolt_query_diff", newQueryDiff(run)))
	const keyed = "WITH t(id, name) AS (VALUES (1, 'a'), (2, 'b'), (3, 'c')) SELECT id, "
	b.want(`{"id":2,"name":"b"}|{"id":2,"name":"x"}|modified
{"id":3,"name":"c"}||deleted`, "SELECT * FROM dolt_query_diff(?, ?)",
		keyed+"name FROM t", keyed+"CASE id WHEN 2 THEN 'x' ELSE name END AS name FROM t WHERE id < 3")
	b.want(`|{"n":1}|added
{"n":2}||deleted`, "SELECT * FROM dolt_query_diff('SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 2', 'SELECT 1 AS n UNION ALL SELECT 1 UNION ALL SELECT 2')")
	b.want("b", `SELECT from_row ->> 'name' FROM dolt_query_diff(?, ?) WHERE diff_type = 'deleted'`, keyed+"name FROM t WHERE id = 2", keyed+"name FROM t WHERE 0")
	b.want("", "SELECT * FROM dolt_query_diff('SELECT x''00'' AS b, 1e999 AS i', 'SELECT x''00'' AS b, 1e999 AS i')")
	b.fails("no such table", "SELECT * FROM dolt_query_diff('SELECT * FROM none', 'SELECT 1')")
	b.fails("NULL", "SELECT * FROM dolt_query_diff('SELECT 1', NULL)")
}
