package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// tableViolations is dolt_constraint_violations_<table>: the rows that break a rule
// because of the merge in progress. A row that is mended is not listed any more;
// a DELETE lets the merge be committed with the row as it is.
type tableViolations struct {
	tabBase
	order []int // the columns, those of the primary key first
}

func newTableViolations(s *session, table string) module.Table {
	return &tableViolations{tabBase: tabBase{s: s, table: table}}
}

var _ module.Writer = (*tableViolations)(nil)

func (t *tableViolations) Columns() ([]module.Column, error) {
	if err := t.follow(); err != nil {
		return nil, err
	}
	t.order = nil
	for _, name := range t.shape.PrimaryKey {
		t.order = append(t.order, t.shape.Column(name))
	}
	for i := range t.shape.Columns {
		if t.shape.keyPosition(i) < 0 {
			t.order = append(t.order, i)
		}
	}
	names := newTabNames("violation_type", "violation_info")
	named := names.users(columnNames(t.shape.Schema), "")[0]
	columns := textColumns("violation_type")
	for _, i := range t.order {
		c := t.shape.column(i, named[i])
		c.Push = module.PushNone
		columns = append(columns, c)
	}
	return append(append(columns, textColumns("violation_info")...), names.argument("row_key")), nil
}

func (t *tableViolations) info() int { return 1 + len(t.order) }

func (t *tableViolations) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	wanted, one := filterOn(filters, t.info()+1)
	return func(yield func([]any, error) bool) {
		err := t.scan(func(row []any) bool {
			// SQLite takes the condition for an argument, and does not test it again.
			return one && row[t.info()+1] != wanted || yield(row, nil)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

func (t *tableViolations) scan(yield func([]any) bool) error {
	v, err := t.s.vantage()
	if err != nil || v.branch == nil {
		return err
	}
	working, err := v.branch.Snapshot(v.ctx)
	if err != nil {
		return err
	}
	for violation, err := range v.branch.Violations(v.ctx) {
		if errors.Is(err, vdb.ErrNotMerging) {
			return nil
		}
		if err != nil {
			return err
		}
		if !strings.EqualFold(violation.Table, t.table) {
			continue
		}
		row, err := t.row(&violation, working)
		if err != nil {
			return err
		}
		if !yield(row) {
			return errStop
		}
	}
	return nil
}

func (t *tableViolations) row(v *vdb.Violation, working *vdb.Snapshot) ([]any, error) {
	schema, err := working.Schema(t.table)
	if err != nil {
		return nil, err
	}
	values, err := working.Get(t.table, anyKey(v.Key)...)
	if err != nil {
		return nil, err
	}
	row := make([]any, t.info()+2)
	row[0] = violationType(v.Kind)
	for i, column := range t.order {
		if at := schema.Column(t.shape.Columns[column].Name); at >= 0 {
			row[1+i] = values[at].Any()
		}
	}
	row[t.info()+1] = keyText(v.Key)
	row[t.info()], err = violationInfo(v, schema)
	return row, err
}

// violationType is Dolt's word for a rule.
func violationType(kind vdb.ViolationKind) string {
	switch kind {
	case vdb.ViolatesForeignKey:
		return "foreign key"
	case vdb.ViolatesUnique:
		return "unique index"
	case vdb.ViolatesNotNull:
		return "not null"
	case vdb.ViolatesCheck:
		return "check constraint"
	}
	return strings.ToLower(string(kind))
}

// violationInfo describes the rule that a row breaks, as JSON.
func violationInfo(v *vdb.Violation, s *vdb.Schema) (string, error) {
	info := struct {
		Columns           []string
		Name              string   `json:",omitempty"`
		Table             string   `json:",omitempty"`
		ReferencedTable   string   `json:",omitempty"`
		ReferencedColumns []string `json:",omitempty"`
	}{Columns: v.Columns}
	switch v.Kind {
	case vdb.ViolatesUnique:
		for _, x := range s.Indexes {
			if x.Unique && slices.EqualFunc(x.Columns, v.Columns, func(c vdb.IndexColumn, name string) bool { return strings.EqualFold(c.Name, name) }) {
				info.Name = x.Name
			}
		}
	case vdb.ViolatesCheck:
		info.Name = v.Other
	case vdb.ViolatesForeignKey:
		info.Table, info.ReferencedTable = v.Table, v.Other
		for _, fk := range s.ForeignKeys {
			if slices.EqualFunc(fk.Columns, v.Columns, strings.EqualFold) {
				info.ReferencedColumns = fk.ParentColumns
			}
		}
	}
	return encodeJSON(info)
}

func (t *tableViolations) Insert([]any) error { return t.readOnly() }

// Update refuses: the row is mended in its table.
func (t *tableViolations) Update(_, _ []any) error { return t.readOnly() }

func (t *tableViolations) readOnly() error {
	return fmt.Errorf("dolt_constraint_violations_%s: mend the rows of %s, or delete the violations to accept them", t.table, t.table)
}

// Delete accepts what is wrong with a row. A row with two violations loses both.
func (t *tableViolations) Delete(old []any) error {
	key, err := t.key(old)
	if err != nil {
		return err
	}
	return t.beside(func(ctx context.Context, b *vdb.Branch) error {
		err := b.AcceptViolations(ctx, t.table, key)
		if errors.Is(err, vdb.ErrNotFound) {
			return nil // it went with another violation of the row
		}
		return err
	})
}

func (t *tableViolations) key(row []any) ([]any, error) {
	if n := len(t.shape.PrimaryKey); n > 0 {
		return row[1 : 1+n], nil
	}
	text, _ := row[t.info()+1].(string)
	rowid, err := strconv.ParseInt(text, 10, 64)
	return []any{rowid}, err
}
