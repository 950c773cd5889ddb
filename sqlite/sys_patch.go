package sqlite

import (
	"iter"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// newPatch is dolt_patch: the statements that make one version of the database
// another, in their order: definitions first, then rows. Each ends with a semicolon.
func newPatch(s *session) module.Table {
	const kind = 4
	columns := []module.Column{
		plain("statement_order", "INTEGER"), plain("from_commit_hash", "TEXT"), plain("to_commit_hash", "TEXT"),
		plain("table_name", "TEXT"), {Name: "diff_type", Type: "TEXT", Push: module.PushEQ}, plain("statement", "TEXT"),
	}
	return diffFunction{"dolt_patch", columns, func(w where, d *span, table string) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			p, err := newPatcher(d.Diff, table)
			if err != nil {
				yield(nil, err)
				return
			}
			n := int64(0)
			put := func(kind string) func(table, sql string) bool {
				return func(table, sql string) bool {
					n++
					return yield([]any{n, d.from, d.to, table, kind, sqltext.Terminate(sql)}, nil)
				}
			}
			only, one := w.is(kind)
			schema, data := !one || only == "schema", !one || only == "data"
			if schema {
				if ok, err := p.schema(put("schema"), put("data"), data); err != nil || !ok {
					if err != nil {
						yield(nil, err)
					}
					return
				}
			}
			if data {
				if ok, err := p.data(put("data")); err != nil || !ok {
					if err != nil {
						yield(nil, err)
					}
					return
				}
			}
			if schema {
				putAll(p.make, put("schema"))
			}
		}
	}}.on(s)
}

// patcher writes the statements of a patch.
type patcher struct {
	diff   *vdb.Diff
	tables []*tablePatch // parents before those that refer to them
	// drop and make are statements about views and triggers, before and after all
	// others of their kind.
	drop, make []namedSQL
	create     []namedSQL      // virtual tables
	taken      map[string]bool // names that tables have in the from version, folded
}

func newPatcher(d *vdb.Diff, only string) (*patcher, error) {
	changes, err := changesOf(d, only)
	if err != nil {
		return nil, err
	}
	p := &patcher{diff: d, taken: map[string]bool{}}
	names, err := d.From().Tables()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		p.taken[foldName(name)] = true
	}
	for i := range changes {
		if !changes[i].isObjects() {
			p.tables = append(p.tables, newTablePatch(&changes[i]))
		}
	}
	p.tables = parentsFirst(p.tables)
	return p, p.planObjects(only == "" || foldName(only) == schemasTable)
}

// parentsFirst orders tables such that rows can be inserted in that order.
func parentsFirst(tables []*tablePatch) []*tablePatch {
	var ordered []*tablePatch
	state := map[*tablePatch]bool{}
	var visit func(t *tablePatch)
	visit = func(t *tablePatch) {
		if state[t] {
			return
		}
		state[t] = true
		for _, fk := range t.newest().ForeignKeys {
			for _, parent := range tables {
				if foldName(parent.Name()) == foldName(fk.Parent) {
					visit(parent)
				}
			}
		}
		ordered = append(ordered, t)
	}
	for _, t := range tables {
		visit(t)
	}
	return ordered
}

// planObjects decides which views and triggers are dropped before and made after
// the rest; of those that differ, all or none. Those that stay could stand in the
// way of ALTER TABLE, and triggers would do again what the patch does row by row.
func (p *patcher) planObjects(all bool) error {
	from, err := p.diff.From().Objects()
	if err != nil {
		return err
	}
	to, err := p.diff.To().Objects()
	if err != nil {
		return err
	}
	if !all {
		to = from // what the patch is not about is made again as it was
	}
	if err := p.planVirtual(from, to); err != nil {
		return err
	}
	altered, touched := false, map[string]bool{}
	for _, t := range p.tables {
		altered = altered || t.plan != keep
		touched[foldName(t.From)], touched[foldName(t.To)] = true, true
	}
	moves := func(o vdb.Object, other []vdb.Object) bool {
		return o.Type == "trigger" && touched[foldName(o.Table)] || altered && o.Type != "table" || !slices.Contains(other, o)
	}
	for _, o := range slices.Backward(from) {
		if moves(o, to) {
			p.drop = append(p.drop, namedSQL{o.Name, "DROP " + strings.ToUpper(o.Type) + " " + quote(o.Name)})
		}
	}
	for _, o := range to {
		if o.Type != "table" && moves(o, from) {
			p.make = append(p.make, namedSQL{o.Name, o.SQL})
		}
	}
	return nil
}
