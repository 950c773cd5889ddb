package sqltext

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Rewritten is a statement in which each table AS OF a revision is another table.
type Rewritten struct {
	SQL string
	// Params has what to bind: Params[i] is the parameter of the statement before
	// which is now number i+1. Its Index is the number that it had.
	Params []Param
}

// AsOfRewrite puts for each table AS OF a revision the table of that revision:
// place returns for info.AsOf[i] the schema that has it, and its name there, where
// "" stands for the same name; or ErrAsWritten to leave what stands there. The table keeps its alias, and gets its old name for
// one if it has none, so that what names its columns goes on to name them, unless
// it does so with the schema.
//
// A table written as dolt_at_t('revision') is treated alike. The statement ends at
// info.End; without AS OF it is returned as it is.
//
// Parameters that were revisions are gone. The others are then numbered from 1 in
// the order in which they first stand: a bare ? becomes ?N, a name stays (but
// for a name whose number another form of it had first, which becomes ?N too).
// SQLite refuses to bind more parameters than there are: bind those of Params.
func AsOfRewrite(sql string, info Info, place func(i int) (schema, table string, err error)) (Rewritten, error) {
	sql = sql[:info.End]
	params := Params(sql)
	if len(info.AsOf) == 0 {
		return Rewritten{SQL: sql, Params: unchangedParams(params)}, nil
	}
	var edits []edit
	var placed []AsOf
	for i, at := range info.AsOf {
		schema, table, err := place(i)
		if errors.Is(err, ErrAsWritten) {
			continue
		}
		if err != nil {
			return Rewritten{}, fmt.Errorf("%s: %w", at.text(sql), err)
		}
		edits = append(edits, at.edits(schema, table)...)
		placed = append(placed, at)
	}
	left := remaining(params, placed)
	bound := unchangedParams(params)
	if len(left) < len(params) {
		var renumbered []edit
		renumbered, bound = renumber(left)
		edits = append(edits, renumbered...)
	}
	return Rewritten{SQL: apply(sql, edits), Params: bound}, nil
}

// unchangedParams returns a parameter for each number up to the highest.
func unchangedParams(params []Param) []Param {
	var bound []Param
	for _, p := range params {
		for len(bound) < p.Index {
			bound = append(bound, Param{Index: len(bound) + 1})
		}
		if p.Index > 0 && bound[p.Index-1].Name == "" {
			bound[p.Index-1] = p
		}
	}
	return bound
}

// edits puts another table for one AS OF a revision.
func (a *AsOf) edits(schema, table string) []edit {
	if table == "" {
		table = a.Table.Name
	}
	name := Quote(table)
	if schema != "" {
		name = Quote(schema) + "." + name
	}
	alias := ""
	if a.Alias == "" {
		alias = "AS " + Quote(a.called())
	}
	if a.Function {
		alias = " " + alias // its clause has no space before it
	}
	return []edit{{a.Table.Span, name}, {a.Clause, alias}}
}

// called is what the rest of the statement calls the table if it has no alias.
func (a *AsOf) called() string {
	if a.Function {
		return atPrefix + a.Table.Name
	}
	return a.Table.Name
}

// text is the table and its revision as the statement has them.
func (a *AsOf) text(sql string) string {
	if a.Function {
		return a.called() + a.Clause.Of(sql)
	}
	return "table " + a.Table.Name + " " + a.Clause.Of(sql)
}

// remaining returns the parameters that are no revisions.
func remaining(params []Param, asOf []AsOf) []Param {
	return slices.DeleteFunc(slices.Clone(params), func(p Param) bool {
		return slices.ContainsFunc(asOf, func(a AsOf) bool { return a.Param.Span == p.Span })
	})
}

// renumber numbers parameters in the order in which they first stand, which is how
// SQLite numbers those that keep their names.
func renumber(params []Param) (edits []edit, bound []Param) {
	for _, p := range params {
		at := slices.IndexFunc(bound, func(b Param) bool { return b.Index == p.Index })
		isNew := at < 0
		if isNew {
			at = len(bound)
			bound = append(bound, p)
		}
		if p.named() && (isNew || bound[at].Name == p.Name) {
			continue
		}
		edits = append(edits, edit{p.Span, "?" + strconv.Itoa(at+1)})
	}
	return edits, bound
}

// named reports whether the parameter has a name that is not a number.
func (p Param) named() bool { return p.Name != "" && p.Name[0] != '?' }

// CallRewrite puts SELECT for CALL, and parentheses behind a name that has none:
// CALL f becomes SELECT f(). Other statements are returned as they are. It takes the
// text that info was made of.
func CallRewrite(sql string, info Info) string {
	sql = sql[:info.End]
	if info.Kind != KindCall {
		return sql
	}
	edits := []edit{{info.Call, "SELECT"}}
	scan := NewScanner(sql)
	scan.pos = info.Call.End
	name := scan.Significant()
	if next := scan.Significant(); name.Kind == Ident && (next.Kind == EOF || next.Kind == Semicolon) {
		edits = append(edits, edit{Span{name.End, name.End}, "()"})
	}
	return apply(sql, edits)
}

// edit is a text to be put in the place of a span.
type edit struct {
	span Span
	text string
}

// apply makes edits whose spans do not overlap.
func apply(sql string, edits []edit) string {
	sort.Slice(edits, func(i, j int) bool { return edits[i].span.Start < edits[j].span.Start })
	var out strings.Builder
	done := 0
	for _, e := range edits {
		out.WriteString(sql[done:e.span.Start])
		out.WriteString(e.text)
		done = e.span.End
	}
	out.WriteString(sql[done:])
	return out.String()
}
