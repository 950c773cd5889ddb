package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// columnPlan says how a table gets from one list of columns to another. A file
// only has the two lists; that a column was renamed, not dropped beside a new
// one, shows in the values.
type columnPlan struct {
	rename [][2]string // from, to
	drop   []string
	add    []string
}

// planColumns compares the columns of two revisions, from and to. alike tells
// which part of the rows have the same value in a column of the one and a
// column of the other, from 0 to 1.
func planColumns(from, to []string, alike func(a, b string) float64) columnPlan {
	gone := slices.DeleteFunc(slices.Clone(from), func(name string) bool { return slices.Contains(to, name) })
	come := slices.DeleteFunc(slices.Clone(to), func(name string) bool { return slices.Contains(from, name) })
	var p columnPlan
	for _, name := range gone {
		i := renamedTo(name, come, alike)
		if i < 0 {
			p.drop = append(p.drop, name)
			continue
		}
		p.rename = append(p.rename, [2]string{name, come[i]})
		come = slices.Delete(come, i, i+1)
	}
	p.add = come
	return p
}

// renamedTo returns the position of the name that column has in names, or -1:
// the same name but for letters' case, which are one name to SQL, or else the
// column with the most values alike, if that is the most part of the rows.
func renamedTo(column string, names []string, alike func(a, b string) float64) int {
	best, most := -1, 0.5
	for i, name := range names {
		if strings.EqualFold(name, column) {
			return i
		}
		if part := alike(column, name); part > most {
			best, most = i, part
		}
	}
	return best
}

// String prints the plan as in "Security is renamed to Company, Sector is added".
func (p columnPlan) String() string {
	var parts []string
	for _, r := range p.rename {
		parts = append(parts, fmt.Sprintf("%s is renamed to %s", r[0], r[1]))
	}
	for _, name := range p.drop {
		parts = append(parts, name+" is dropped")
	}
	for _, name := range p.add {
		parts = append(parts, name+" is added")
	}
	return strings.Join(parts, ", ")
}

// apply changes the columns of a table. Drops come first, so that a name is
// free before another column takes it.
func (p *columnPlan) apply(tx *vdb.Tx, table string) error {
	for _, name := range p.drop {
		if err := tx.DropColumn(table, name); err != nil {
			return err
		}
	}
	for _, r := range p.rename {
		if err := tx.RenameColumn(table, r[0], r[1]); err != nil {
			return err
		}
	}
	for _, name := range p.add {
		if err := tx.AddColumn(table, textColumn(name)); err != nil {
			return err
		}
	}
	return nil
}

func textColumn(name string) vdb.Column { return vdb.Column{Name: name, Type: "TEXT"} }

// sorted returns the plan with its parts in the order of their names.
func (p columnPlan) sorted() columnPlan {
	p.rename, p.drop, p.add = slices.Clone(p.rename), slices.Clone(p.drop), slices.Clone(p.add)
	slices.SortFunc(p.rename, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	slices.Sort(p.drop)
	slices.Sort(p.add)
	return p
}

// origins returns for each column of to the position that it had in from, or -1.
func (p columnPlan) origins(from, to []string) []int {
	origins := make([]int, len(to))
	for i, name := range to {
		for _, r := range p.rename {
			if r[1] == name {
				name = r[0]
			}
		}
		origins[i] = slices.Index(from, name)
	}
	return origins
}
