package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/vdbgo/vdb/internal/module"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// runQuery runs a query on the connection, revisions and all. Rows are values that
// a function may be given.
type runQuery func(query string) (columns []string, rows iter.Seq2[[]any, error], err error)

// newQueryDiff is dolt_query_diff(from, to): how the results of two queries differ.
// Columns cannot depend on an argument, so a row is a JSON object. If the first
// column tells the rows of both results apart, rows that have it alike are one row
// that was modified; else rows are equal or not.
func newQueryDiff(run runQuery) module.Table {
	columns := []module.Column{
		plain("from_row", "TEXT"), plain("to_row", "TEXT"), plain("diff_type", "TEXT"),
		needed("from_query"), needed("to_query"),
	}
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			if err := addQueryDiff(run, w.args(3, 2), add); err != nil {
				return fmt.Errorf("dolt_query_diff: %w", err)
			}
			return nil
		})
	}}
}

func addQueryDiff(run runQuery, queries []string, add func(...any)) error {
	if len(queries) < 2 {
		return errors.New("a query is NULL")
	}
	from, err := readResult(run, queries[0])
	if err != nil {
		return err
	}
	to, err := readResult(run, queries[1])
	if err != nil {
		return err
	}
	byKey := from.keyed && to.keyed
	was := from.group(byKey)
	for _, r := range to.rows {
		old := was[r.identity(byKey)]
		switch {
		case len(old) == 0:
			add(nil, r.text, "added")
			continue
		case old[0].text != r.text:
			add(old[0].text, r.text, "modified")
		}
		old[0].matched = true
		was[r.identity(byKey)] = old[1:]
	}
	for _, r := range from.rows {
		if !r.matched {
			add(r.text, nil, "deleted")
		}
	}
	return nil
}

// result is what a query yields.
type result struct {
	rows  []*resultRow
	keyed bool // the first column tells the rows apart
}

type resultRow struct {
	key, text string
	matched   bool
}

func (r *resultRow) identity(byKey bool) string {
	if byKey {
		return r.key
	}
	return r.text
}

func (r *result) group(byKey bool) map[string][]*resultRow {
	groups := map[string][]*resultRow{}
	for _, row := range r.rows {
		id := row.identity(byKey)
		groups[id] = append(groups[id], row)
	}
	return groups
}

func readResult(run runQuery, query string) (*result, error) {
	columns, rows, err := run(query)
	if err != nil {
		return nil, err
	}
	r, seen := &result{keyed: true}, map[string]bool{}
	for values, err := range rows {
		if err != nil {
			return nil, err
		}
		row := &resultRow{text: jsonObject(columns, values), key: fmt.Sprintf("%T %v", values[0], values[0])}
		r.keyed = r.keyed && values[0] != nil && !seen[row.key]
		seen[row.key] = true
		r.rows = append(r.rows, row)
	}
	return r, nil
}

// runQuery runs a query as a statement of the connection's own. Its rows have to be read.
func (c *conn) runQuery(query string) ([]string, iter.Seq2[[]any, error], error) {
	info := sqltext.Parse(query)
	if info.Writes || info.Kind != sqltext.KindSelect || sqltext.Parse(query[info.End:]).Kind != sqltext.KindEmpty {
		return nil, nil, fmt.Errorf("%q is no query", query)
	}
	if c.session.nested {
		return nil, nil, errors.New("a query that is compared cannot compare others: a view could do so without end")
	}
	c.session.nested = true
	rows, err := c.QueryContext(c.session.ctx(), query, nil)
	if err != nil {
		c.session.nested = false
		return nil, nil, err
	}
	columns := rows.Columns()
	return columns, func(yield func([]any, error) bool) {
		defer func() { rows.Close(); c.session.nested = false }()
		for {
			values := make([]driver.Value, len(columns))
			err := rows.Next(values)
			if errors.Is(err, io.EOF) {
				return
			}
			row := make([]any, len(values))
			for i := range values {
				row[i] = values[i]
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}, nil
}
