package sqlite

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// diffFunction is a table-valued function of two revisions, or a range, and maybe
// a table.
type diffFunction struct {
	name    string
	columns []module.Column
	rows    func(w where, d *span, table string) iter.Seq2[[]any, error]
}

func (f diffFunction) on(s *session) module.Table {
	first := len(f.columns)
	columns := append(slices.Clone(f.columns), needed("from_revision"), arg("to_revision"), arg("table_argument"))
	return &relation{columns: columns, rows: func(w where) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			d, table, err := diffOf(s, w.args(first, 3))
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", f.name, err))
				return
			}
			for row, err := range f.rows(w, d, table) {
				if err != nil {
					err = fmt.Errorf("%s: %w", f.name, err)
				}
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}}
}

// diffOf takes (from, to), (from, to, table), (range) or (range, table).
func diffOf(s *session, args []string) (*span, string, error) {
	if len(args) == 0 {
		return nil, "", errors.New("the revision is NULL")
	}
	p, err := pastOf(s)
	if err != nil {
		return nil, "", err
	}
	n := 2
	if _, _, dots := cutRange(args[0]); dots > 0 || len(args) < 2 {
		n = 1
	}
	if len(args) > n+1 {
		return nil, "", fmt.Errorf("%d arguments; give two revisions or a range, then a table at most", len(args))
	}
	d, err := p.diff(args[:n])
	if err != nil {
		return nil, "", err
	}
	table := strings.Join(args[n:], "")
	return d, table, mustHaveTable(d.Diff, table)
}

// newDiffStat is dolt_diff_stat: how many rows and cells differ.
func newDiffStat(s *session) module.Table {
	columns := []module.Column{plain("table_name", "TEXT")}
	for _, name := range []string{"rows_unmodified", "rows_added", "rows_deleted", "rows_modified", "cells_added", "cells_deleted",
		"cells_modified", "old_row_count", "new_row_count", "old_cell_count", "new_cell_count"} {
		columns = append(columns, plain(name, "INTEGER"))
	}
	return diffFunction{"dolt_diff_stat", columns, func(_ where, d *span, table string) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			changes, err := changesOf(d.Diff, table)
			if err != nil {
				return err
			}
			for i := range changes {
				if changes[i].isObjects() {
					continue
				}
				row, err := statRow(&changes[i])
				if err != nil {
					return err
				}
				if row != nil {
					add(row...)
				}
			}
			return nil
		})
	}}.on(s)
}

// statRow counts what differs in a table; nil if no row or cell does. The cells of
// rows that were kept count as added or deleted where their column was.
func statRow(c *tableChange) ([]any, error) {
	n := vdb.Counts{Added: c.ToRows, Deleted: c.FromRows}
	var cells uint64
	if c.Kind == vdb.Modified {
		n = vdb.Counts{}
		for row, err := range c.diff.Rows(c.Name()) {
			if err != nil {
				return nil, err
			}
			switch row.Kind {
			case vdb.Added:
				n.Added++
			case vdb.Deleted:
				n.Deleted++
			default:
				n.Modified++
				cells += uint64(len(row.Columns))
			}
		}
	}
	var oldColumns, newColumns, addedColumns, droppedColumns uint64
	if c.FromSchema != nil {
		oldColumns = uint64(len(c.FromSchema.Columns))
	}
	if c.ToSchema != nil {
		newColumns = uint64(len(c.ToSchema.Columns))
	}
	for _, part := range c.Schema.Columns {
		switch {
		case part.From == nil:
			addedColumns++
		case part.To == nil:
			droppedColumns++
		}
	}
	kept := c.FromRows - n.Deleted
	added, deleted := n.Added*newColumns+kept*addedColumns, n.Deleted*oldColumns+kept*droppedColumns
	if n.Total()+added+deleted == 0 {
		return nil, nil
	}
	row := []any{c.Name()}
	for _, v := range []uint64{kept - n.Modified, n.Added, n.Deleted, n.Modified, added, deleted, cells,
		c.FromRows, c.ToRows, c.FromRows * oldColumns, c.ToRows * newColumns} {
		row = append(row, int64(v))
	}
	return row, nil
}

// newDiffSummary is dolt_diff_summary: what happened to which table.
func newDiffSummary(s *session) module.Table {
	columns := []module.Column{
		plain("from_table_name", "TEXT"), plain("to_table_name", "TEXT"), plain("diff_type", "TEXT"),
		plain("data_change", "INTEGER"), plain("schema_change", "INTEGER"),
	}
	return diffFunction{"dolt_diff_summary", columns, func(_ where, d *span, table string) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			changes, err := changesOf(d.Diff, table)
			if err != nil {
				return err
			}
			for i := range changes {
				c := &changes[i]
				data, err := c.data()
				if err != nil {
					return err
				}
				add(c.From, c.To, c.summary(), data, c.schema())
			}
			return nil
		})
	}}.on(s)
}

// summary names what happened to a table.
func (c *tableChange) summary() string {
	switch {
	case c.Kind == vdb.Added:
		return "added"
	case c.Kind == vdb.Deleted:
		return "dropped"
	case c.Renamed():
		return "renamed"
	}
	return "modified"
}

// newSchemaDiff is dolt_schema_diff: the definitions of tables, indexes, views and
// triggers that differ.
func newSchemaDiff(s *session) module.Table {
	columns := []module.Column{
		plain("from_table_name", "TEXT"), plain("to_table_name", "TEXT"),
		plain("from_create_statement", "TEXT"), plain("to_create_statement", "TEXT"),
	}
	return diffFunction{"dolt_schema_diff", columns, func(_ where, d *span, table string) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			changes, err := changesOf(d.Diff, table)
			if err != nil {
				return err
			}
			for i := range changes {
				if err := addSchemaDiff(&changes[i], add); err != nil {
					return err
				}
			}
			return nil
		})
	}}.on(s)
}

func addSchemaDiff(c *tableChange, add func(...any)) error {
	if c.isObjects() {
		return addObjectDiff(c.diff, add)
	}
	from, to := definition(c.FromSchema), definition(c.ToSchema)
	if from != to || c.Renamed() {
		add(c.From, c.To, from, to)
	}
	addPairs(indexes(c.FromSchema), indexes(c.ToSchema), add)
	return nil
}

// definition is the CREATE TABLE statement of a schema, empty of none.
func definition(s *vdb.Schema) string {
	if s == nil {
		return ""
	}
	return tableSQL(s)
}

// namedSQL is the statement that makes something of a name.
type namedSQL struct{ name, sql string }

// indexes are the CREATE INDEX statements of a schema.
func indexes(s *vdb.Schema) []namedSQL {
	var all []namedSQL
	for i := 0; s != nil && i < len(s.Indexes); i++ {
		if sql := indexSQL(s, i); sql != "" {
			all = append(all, namedSQL{s.Indexes[i].Name, sql})
		}
	}
	return all
}

func addObjectDiff(d *vdb.Diff, add func(...any)) error {
	from, err := d.From().Objects()
	if err != nil {
		return err
	}
	to, err := d.To().Objects()
	if err != nil {
		return err
	}
	addPairs(statements(from), statements(to), add)
	return nil
}

func statements(objects []vdb.Object) []namedSQL {
	all := make([]namedSQL, len(objects))
	for i, o := range objects {
		all[i] = namedSQL{o.Name, o.SQL}
	}
	return all
}

// addPairs adds what differs between two lists, matched by name.
func addPairs(from, to []namedSQL, add func(...any)) {
	find := func(in []namedSQL, name string) namedSQL {
		for _, x := range in {
			if strings.EqualFold(x.name, name) {
				return x
			}
		}
		return namedSQL{}
	}
	for _, x := range from {
		if now := find(to, x.name); now.sql != x.sql {
			add(x.name, now.name, x.sql, now.sql)
		}
	}
	for _, x := range to {
		if find(from, x.name).name == "" {
			add("", x.name, "", x.sql)
		}
	}
}
