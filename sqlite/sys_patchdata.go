package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// data puts the statements about rows. Rows go, children first, before others
// come, lest a value of a unique index be there twice. It returns false if put does.
func (p *patcher) data(put func(table, sql string) bool) (bool, error) {
	for _, t := range slices.Backward(p.tables) {
		if t.freed {
			continue
		}
		if ok, err := t.removals(t.ToSchema, put); err != nil || !ok {
			return false, err
		}
	}
	for _, t := range p.tables {
		if ok, err := t.arrivals(put); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// removals puts DELETE for rows that are gone, or that are inserted again. The table has
// the schema s.
func (t *tablePatch) removals(s *vdb.Schema, put func(table, sql string) bool) (bool, error) {
	switch {
	case t.plan == refilled:
		return put(t.To, "DELETE FROM "+quote(t.To)), nil
	case t.plan == anew || !t.Data:
		return true, nil
	}
	unique := t.uniqueColumns()
	for row, err := range t.diff.Rows(t.Name()) {
		if err != nil {
			return false, err
		}
		if row.Kind == vdb.Added || row.Kind == vdb.Modified && !t.replaces(&row, unique) {
			continue
		}
		where, err := identity(s, &row)
		if err != nil {
			return false, err
		}
		if !put(t.To, "DELETE FROM "+quote(t.To)+" WHERE "+where) {
			return false, nil
		}
	}
	return true, nil
}

// arrivals puts UPDATE and INSERT.
func (t *tablePatch) arrivals(put func(table, sql string) bool) (bool, error) {
	switch {
	case t.Kind == vdb.Deleted || t.plan != anew && !t.Data:
		return true, nil
	case t.plan == anew || t.plan == refilled:
		return t.insertAll(put)
	}
	unique := t.uniqueColumns()
	for row, err := range t.diff.Rows(t.Name()) {
		if err != nil {
			return false, err
		}
		var sql string
		switch {
		case row.Kind == vdb.Deleted:
			continue
		case row.Kind == vdb.Added || t.replaces(&row, unique):
			sql, err = t.insert(row.Key, row.To)
		default:
			sql, err = t.update(&row)
		}
		if err != nil {
			return false, err
		}
		if sql != "" && !put(t.To, sql) {
			return false, nil
		}
	}
	return true, nil
}

// insertAll puts INSERT for each row of a table that is made anew. The diff of an
// empty database has their rowids.
func (t *tablePatch) insertAll(put func(table, sql string) bool) (bool, error) {
	if len(t.ToSchema.PrimaryKey) > 0 {
		for row, err := range t.diff.To().Rows(t.To, vdb.Range{}) {
			if err != nil {
				return false, err
			}
			sql, err := t.insert(nil, row)
			if err != nil {
				return false, err
			}
			if !put(t.To, sql) {
				return false, nil
			}
		}
		return true, nil
	}
	for row, err := range t.diff.Rows(t.Name()) {
		if err != nil {
			return false, err
		}
		if row.To == nil {
			continue
		}
		sql, err := t.insert(row.Key, row.To)
		if err != nil {
			return false, err
		}
		if !put(t.To, sql) {
			return false, nil
		}
	}
	return true, nil
}

// uniqueColumns are the columns of unique indexes, folded.
func (t *tablePatch) uniqueColumns() map[string]bool {
	columns := map[string]bool{}
	for _, x := range t.ToSchema.Indexes {
		for _, c := range x.Columns {
			if x.Unique {
				columns[foldName(c.Name)] = true
			}
		}
	}
	return columns
}

// replaces tells whether a modified row is deleted and inserted again.
func (t *tablePatch) replaces(row *vdb.RowChange, unique map[string]bool) bool {
	return row.Kind == vdb.Modified && (t.plan == copied || slices.ContainsFunc(row.Columns, func(name string) bool { return unique[foldName(name)] }))
}

// identity is the condition that selects a row of a table with schema s.
func identity(s *vdb.Schema, row *vdb.RowChange) (string, error) {
	if len(s.PrimaryKey) == 0 {
		rowid := rowidName(s)
		if rowid == "" {
			return "", errNoIdentity(s.Name)
		}
		return rowid + " = " + row.Key[0].String(), nil
	}
	terms := make([]string, len(row.Key))
	for i, v := range row.Key {
		terms[i] = quote(s.PrimaryKey[i]) + " IS " + literal(v)
	}
	return strings.Join(terms, " AND "), nil
}

func errNoIdentity(table string) error {
	return fmt.Errorf("table %s has no primary key, and columns called rowid, _rowid_ and oid: its rows cannot be told apart", table)
}

func literal(v vdb.Value) string { return sqltext.Literal(v.Any()) }

func (t *tablePatch) insert(key []vdb.Value, row vdb.Row) (string, error) {
	var names, values []string
	if len(t.ToSchema.PrimaryKey) == 0 {
		if len(key) != 1 {
			return "", errors.New("a row of table " + t.To + " has no rowid")
		}
		rowid := rowidName(t.ToSchema)
		if rowid == "" {
			return "", errNoIdentity(t.To)
		}
		names, values = append(names, rowid), append(values, literal(key[0]))
	}
	for _, i := range writable(t.ToSchema) {
		names, values = append(names, quote(t.ToSchema.Columns[i].Name)), append(values, literal(row[i]))
	}
	return "INSERT INTO " + quote(t.To) + "(" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")", nil
}

// update is empty if only generated columns differ.
func (t *tablePatch) update(row *vdb.RowChange) (string, error) {
	var sets []string
	for _, i := range writable(t.ToSchema) {
		name := t.ToSchema.Columns[i].Name
		if slices.Contains(row.Columns, name) {
			sets = append(sets, quote(name)+" = "+literal(row.To[i]))
		}
	}
	if len(sets) == 0 {
		return "", nil
	}
	where, err := identity(t.ToSchema, row)
	return "UPDATE " + quote(t.To) + " SET " + strings.Join(sets, ", ") + " WHERE " + where, err
}
