package sqlite

import (
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// patchedVirtual are virtual tables that a patch drops or makes. They have tables
// of their own for what they hold: docs_data of a virtual table docs.
type patchedVirtual []vdb.Object

// virtualOnly lists the virtual tables that are not among others.
func virtualOnly(objects, others []vdb.Object) patchedVirtual {
	var only patchedVirtual
	for _, o := range objects {
		if o.Type == "table" && !slices.Contains(others, o) {
			only = append(only, o)
		}
	}
	return only
}

// own tells whether a table belongs to one of the virtual tables.
func (v patchedVirtual) own(table string) bool {
	return slices.ContainsFunc(v, func(o vdb.Object) bool {
		return strings.HasPrefix(foldName(table), foldName(o.Name)+"_")
	})
}

// planVirtual leaves it to the statements about virtual tables to drop and to make
// the tables that belong to them. Those that are made are filled with rows.
func (p *patcher) planVirtual(from, to []vdb.Object) error {
	gone, made := virtualOnly(from, to), virtualOnly(to, from)
	p.tables = slices.DeleteFunc(p.tables, func(t *tablePatch) bool {
		return t.From != "" && gone.own(t.From) || t.To != "" && made.own(t.To)
	})
	for _, o := range made {
		p.create = append(p.create, namedSQL{o.Name, o.SQL})
	}
	names, err := p.diff.To().Tables()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !made.own(name) {
			continue
		}
		schema, err := p.diff.To().Schema(name)
		if err != nil {
			return err
		}
		change := vdb.TableChange{Kind: vdb.Added, To: name, ToSchema: schema, Data: true}
		p.tables = append(p.tables, &tablePatch{tableChange: &tableChange{change, p.diff}, plan: refilled})
	}
	return nil
}
