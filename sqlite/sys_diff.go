package sqlite

import (
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// newDiff is dolt_diff: which commit, or what that is not committed, changed which
// table.
func newDiff(s *session) module.Table {
	columns := []module.Column{
		keyed("commit_hash"), plain("committer", "TEXT"), plain("email", "TEXT"), plain("date", "TEXT"), plain("message", "TEXT"),
		plain("data_change", "INTEGER"), plain("schema_change", "INTEGER"),
		{Name: "table_name", Type: "TEXT", Push: module.PushEQ},
	}
	return &relation{columns: columns, rows: perChange(s, "dolt_diff", 7, func(w where, set *changeSet, c *tableChange) ([][]any, error) {
		data := false
		if w.uses(5, 5) {
			var err error
			if data, err = c.data(); err != nil {
				return nil, err
			}
		}
		row := append([]any{set.name}, set.signed()...)
		return [][]any{append(row, data, c.schema(), c.Name())}, nil
	})}
}

// perChange yields the rows that are made of each changed table of each commit.
// Column nameColumn is the table's name.
func perChange(s *session, table string, nameColumn int, rows func(where, *changeSet, *tableChange) ([][]any, error)) func(where) iter.Seq2[[]any, error] {
	return func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			only, _ := w.is(nameColumn)
			for set, err := range changeSets(s, w) {
				var made [][]any
				if err == nil {
					made, err = set.rows(w, only, rows)
				}
				if err != nil {
					yield(nil, fmt.Errorf("%s: %w", table, err))
					return
				}
				for _, row := range made {
					if !yield(row, nil) {
						return
					}
				}
			}
		}
	}
}

func (set *changeSet) rows(w where, only string, rows func(where, *changeSet, *tableChange) ([][]any, error)) ([][]any, error) {
	changes, err := changesOf(set.diff, only)
	if err != nil {
		return nil, err
	}
	var all [][]any
	for i := range changes {
		made, err := rows(w, set, &changes[i])
		if err != nil {
			return nil, err
		}
		all = append(all, made...)
	}
	return all, nil
}

// newColumnDiff is dolt_column_diff: which commit changed which column.
func newColumnDiff(s *session) module.Table {
	columns := []module.Column{
		keyed("commit_hash"), {Name: "table_name", Type: "TEXT", Push: module.PushEQ}, plain("column_name", "TEXT"),
		plain("committer", "TEXT"), plain("email", "TEXT"), plain("date", "TEXT"), plain("message", "TEXT"), plain("diff_type", "TEXT"),
	}
	return &relation{columns: columns, rows: perChange(s, "dolt_column_diff", 1, func(_ where, set *changeSet, c *tableChange) ([][]any, error) {
		changed, err := c.columns()
		if err != nil {
			return nil, err
		}
		var rows [][]any
		for _, column := range changed {
			row := append([]any{set.name, c.Name(), column.name}, set.signed()...)
			rows = append(rows, append(row, column.kind))
		}
		return rows, nil
	})}
}

// columnChange is a column that was changed, by its name now.
type columnChange struct{ name, kind string }

// columns lists the columns whose definition or values differ.
func (c *tableChange) columns() ([]columnChange, error) {
	if c.isObjects() {
		return nil, nil
	}
	if c.Kind != vdb.Modified {
		return c.allColumns(), nil
	}
	changed, err := c.changedColumns()
	if err != nil {
		return nil, err
	}
	var columns []columnChange
	for i := range c.ToSchema.Columns {
		name := c.ToSchema.Columns[i].Name
		if kind, ok := changed[strings.ToLower(name)]; ok {
			columns = append(columns, columnChange{name, kind})
		}
	}
	for _, part := range c.Schema.Columns {
		if part.To == nil {
			columns = append(columns, columnChange{part.From.Name, "removed"})
		}
	}
	return columns, nil
}

func (c *tableChange) allColumns() []columnChange {
	schema, kind := c.ToSchema, "added"
	if c.Kind == vdb.Deleted {
		schema, kind = c.FromSchema, "removed"
	}
	var columns []columnChange
	for _, column := range schema.Columns {
		columns = append(columns, columnChange{column.Name, kind})
	}
	return columns
}

// changedColumns reads the rows that differ until all columns are known to.
func (c *tableChange) changedColumns() (map[string]string, error) {
	changed := map[string]string{}
	mark := func(name, kind string) {
		if name = strings.ToLower(name); changed[name] == "" {
			changed[name] = kind
		}
	}
	for _, part := range c.Schema.Columns {
		switch {
		case part.From == nil:
			mark(part.To.Name, "added")
		case part.To != nil:
			mark(part.To.Name, "modified")
		}
	}
	if !c.Data {
		return changed, nil
	}
	for row, err := range c.diff.Rows(c.Name()) {
		if err != nil || len(changed) == len(c.ToSchema.Columns) {
			return changed, err
		}
		for _, name := range row.Columns {
			mark(name, "modified")
		}
		if row.Kind != vdb.Modified {
			for _, column := range c.ToSchema.Columns {
				if !row.Before(column.Name).IsNull() || !row.After(column.Name).IsNull() {
					mark(column.Name, "modified")
				}
			}
		}
	}
	return changed, nil
}
