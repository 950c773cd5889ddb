package vdb

import (
	"fmt"
	"slices"
	"strings"
)

// VirtualTable is what an Evaluator says of a virtual table that keeps what it holds in
// tables of its own: which of them are derived of others, as the index of a full-text
// table is of its content. Rows of these mean nothing by themselves.
type VirtualTable struct {
	// Derived are the tables that are not merged, restored or purged row by row.
	Derived []string
	// Source is the table that SQL can make the derived ones anew of, if there is one.
	Source string
	// Columns has the names that columns of the virtual table have in Source, by the
	// folded name, if Source is the virtual table's own: rows of that are rows of this.
	Columns map[string]string
	// Rows tells that SQL can merge the rows that the virtual table shows. If it can do
	// neither, one side's have to be taken.
	Rows bool
}

// virtualTable is a virtual table of a version.
type virtualTable struct {
	Object
	VirtualTable
}

// owns tells whether a table, by its folded name, may be one in which o, a virtual
// table, keeps what it holds.
func (o *Object) owns(table string) bool { return strings.HasPrefix(table, fold(o.Name)+"_") }

// virtual asks SQL about a virtual table.
func (o *Object) virtual() (VirtualTable, error) {
	sql, err := evaluator(o.Name)
	if err != nil {
		return VirtualTable{}, err
	}
	return sql.Virtual(o.SQL)
}

// virtualObjects lists the virtual tables.
func (s *Snapshot) virtualObjects() ([]Object, error) {
	objects, err := s.objectsIn(viewKeys)
	return slices.DeleteFunc(objects, func(o Object) bool { return o.Type != "table" }), err
}

// virtualTables are the virtual tables of a version, with what SQL says of them.
type virtualTables []virtualTable

func (s *Snapshot) virtualTables() (virtualTables, error) {
	objects, err := s.virtualObjects()
	if err != nil {
		return nil, err
	}
	all := make(virtualTables, len(objects))
	for i, o := range objects {
		v, err := o.virtual()
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", o.Name, err)
		}
		all[i] = virtualTable{o, v}
	}
	return all, nil
}

// deriving returns the virtual table that derives a table; nil if there is none.
func (all virtualTables) deriving(table string) *virtualTable {
	return all.find(func(v *virtualTable) bool {
		return slices.ContainsFunc(v.Derived, func(name string) bool { return sameName(name, table) })
	})
}

// keptIn returns the virtual table whose own content a table is; nil if there is none.
func (all virtualTables) keptIn(table string) *virtualTable {
	return all.find(func(v *virtualTable) bool { return v.Columns != nil && sameName(v.Source, table) })
}

// named returns the virtual table of a name; nil if there is none.
func (all virtualTables) named(name string) *virtualTable {
	return all.find(func(v *virtualTable) bool { return sameName(v.Name, name) })
}

func (all virtualTables) find(is func(*virtualTable) bool) *virtualTable {
	for i := range all {
		if is(&all[i]) {
			return &all[i]
		}
	}
	return nil
}

// column is the name in Source of a column of the virtual table, empty if it has none of
// that name. Without a virtual table a column has the name that is asked for.
func (v *virtualTable) column(name string) string {
	if v == nil {
		return name
	}
	return v.Columns[fold(name)]
}

// rowsOf returns the table whose rows are those that are asked for by a table's name: its
// own, or those of a virtual table. It is an error if rows of it cannot be taken apart
// from others.
func (all virtualTables) rowsOf(table string) (string, error) {
	if v := all.deriving(table); v != nil {
		return "", invalidf("table %s is what %s derives: %s", table, v.Name, v.advice())
	}
	if v := all.named(table); v != nil && v.Columns == nil {
		return "", invalidf("%s is a virtual table: %s", table, v.advice())
	} else if v != nil {
		return v.Source, nil
	}
	return table, nil
}

// advice says what can be done in the place of taking out derived rows.
func (v *virtualTable) advice() string {
	switch {
	case v.Columns != nil:
		return "name " + v.Name
	case v.Source != "":
		return "name " + v.Source + ", of which it is made"
	}
	return "write to " + v.Name + " by SQL, which can read it AS OF a revision"
}

// rederive has SQL make anew what virtual tables derive of some tables, whose rows were
// written as they were elsewhere: triggers that keep a full-text index did not fire.
func (tx *Tx) rederive(tables ...string) (err error) {
	all, err := tx.virtualTables()
	if err != nil {
		return err
	}
	if tx.inSQL.sql == nil { // some transactions are neither committed nor rolled back
		defer func() {
			if err == nil {
				err = tx.take()
			}
			tx.closeSQL()
		}()
	}
	for i := range all {
		v := &all[i]
		if !slices.ContainsFunc(tables, func(t string) bool { return sameName(t, v.Source) }) {
			continue
		}
		sql, err := tx.session(v.Name)
		if err == nil {
			err = tx.wroteInSQL(sql.Rebuild(tx.ctx, v.Name))
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", v.Name, err)
		}
	}
	return nil
}
