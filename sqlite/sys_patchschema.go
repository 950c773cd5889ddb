package sqlite

import (
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// tablePlan is how a patch brings a table from one definition to another.
type tablePlan int

const (
	keep     tablePlan = iota // the definition stays
	alter                     // ALTER TABLE and indexes
	copied                    // a new table takes over the rows of the old one
	anew                      // a new table, with all rows inserted
	refilled                  // a virtual table's own, which comes with it
)

// tablePatch is what a patch does to one table.
type tablePatch struct {
	*tableChange
	plan  tablePlan
	freed bool // of the rows that do not stay
}

func newTablePatch(c *tableChange) *tablePatch {
	t := &tablePatch{tableChange: c, plan: keep}
	switch {
	case c.Kind != vdb.Modified:
		t.plan = anew
	case !c.schema():
	case c.Schema.PrimaryKey || t.needsValues():
		t.plan = anew
	case t.canAlter():
		t.plan = alter
	default:
		t.plan = copied
	}
	return t
}

func (t *tablePatch) newest() *vdb.Schema {
	if t.ToSchema != nil {
		return t.ToSchema
	}
	return t.FromSchema
}

// needsValues tells whether a column was added that old rows have no value for.
func (t *tablePatch) needsValues() bool {
	for _, part := range t.Schema.Columns {
		if part.To != nil && part.To.NotNull && (part.From == nil && !hasDefault(part.To) || part.From != nil && !part.From.NotNull) {
			return true
		}
	}
	return false
}

func hasDefault(c *vdb.Column) bool { return c.Default != "" && !strings.EqualFold(c.Default, "NULL") }

// canAlter tells whether ALTER TABLE leads to the new definition, which it says by
// the columns alone.
func (t *tablePatch) canAlter() bool {
	if len(t.Schema.ForeignKeys) > 0 || t.tableText() {
		return false
	}
	var names []string
	for _, c := range t.FromSchema.Columns {
		names = append(names, foldName(c.Name))
	}
	position := func(name string) int {
		for i, have := range names {
			if have == foldName(name) {
				return i
			}
		}
		return -1
	}
	for _, part := range t.Schema.Columns {
		switch {
		case part.From == nil:
			continue
		case part.To == nil:
			i := position(part.From.Name)
			names = append(names[:i], names[i+1:]...)
		default:
			was := *part.From
			was.Name, was.Merge = part.To.Name, part.To.Merge
			if was != *part.To || position(part.To.Name) >= 0 && foldName(part.From.Name) != foldName(part.To.Name) {
				return false
			}
			names[position(part.From.Name)] = foldName(part.To.Name)
		}
	}
	for _, part := range t.Schema.Columns {
		if part.From == nil {
			if position(part.To.Name) >= 0 {
				return false
			}
			names = append(names, foldName(part.To.Name))
		}
	}
	for i, c := range t.ToSchema.Columns {
		if foldName(c.Name) != names[i] {
			return false
		}
	}
	return true
}

// tableText tells whether the definition is a text of which more than the table's
// name has changed.
func (t *tablePatch) tableText() bool {
	from, to := t.FromSchema.SQL, t.ToSchema.SQL
	if from == "" && to == "" {
		return false
	}
	return len(t.Schema.Columns) > 0 || createAs(t.FromSchema, "t") != createAs(t.ToSchema, "t")
}

// createAs is the CREATE TABLE statement of a schema under another name.
func createAs(s *vdb.Schema, name string) string {
	as := s.Clone()
	as.Name = name
	if as.SQL == "" {
		return tableSQL(as)
	}
	parsed, err := sqltext.ParseCreateTable(as.SQL)
	if err != nil {
		return as.SQL // it runs as it was written, or SQLite says why not
	}
	return parsed.Rename(as.SQL, name)
}

// schema puts the statements about definitions: drops, renames, changes, new
// tables. Rows that do not stay may break the rules of the new definition: before a table is
// copied they go, and indexes come when all rows are as they will be. It returns false if
// a put does.
func (p *patcher) schema(put, putData func(table, sql string) bool, data bool) (bool, error) {
	if !putAll(p.drop, put) {
		return false, nil
	}
	for i := len(p.tables) - 1; i >= 0; i-- {
		if t := p.tables[i]; t.Kind == vdb.Deleted {
			delete(p.taken, foldName(t.From))
			if !put(t.From, "DROP TABLE "+quote(t.From)) {
				return false, nil
			}
		}
	}
	if !p.rename(put) {
		return false, nil
	}
	var indexes []namedSQL
	for _, t := range p.tables {
		p.taken[foldName(t.To)] = true
	}
	for _, t := range p.tables {
		if t.plan == copied && data {
			if ok, err := t.removals(t.FromSchema, putData); err != nil || !ok {
				return false, err
			}
			t.freed = true
		}
		if !putAll(t.named(t.statements(p.free(t.To))), put) {
			return false, nil
		}
		indexes = append(indexes, t.named(t.newIndexes())...)
	}
	p.make = append(indexes, p.make...)
	return putAll(p.create, put), nil
}

func putAll(statements []namedSQL, put func(table, sql string) bool) bool {
	for _, s := range statements {
		if !put(s.name, s.sql) {
			return false
		}
	}
	return true
}

// rename puts the renames, through another name where two tables change names.
func (p *patcher) rename(put func(table, sql string) bool) bool {
	at := map[*tablePatch]string{}
	for _, t := range p.tables {
		if t.Renamed() {
			at[t] = t.From
		}
	}
	move := func(t *tablePatch, to string) bool {
		from := at[t]
		delete(p.taken, foldName(from))
		p.taken[foldName(to)], at[t] = true, to
		return put(t.To, "ALTER TABLE "+quote(from)+" RENAME TO "+quote(to))
	}
	for len(at) > 0 {
		moved := false
		for _, t := range p.tables {
			if _, waits := at[t]; !waits || p.taken[foldName(t.To)] {
				continue
			}
			if !move(t, t.To) {
				return false
			}
			delete(at, t)
			moved = true
		}
		if moved {
			continue
		}
		for _, t := range p.tables {
			if _, waits := at[t]; waits {
				if !move(t, p.free(t.To)) {
					return false
				}
				break
			}
		}
	}
	return true
}

// free returns a name that no table has.
func (p *patcher) free(name string) string {
	for name += "_patched"; p.taken[foldName(name)]; {
		name += "_"
	}
	return name
}

func (t *tablePatch) named(sqls []string) []namedSQL {
	statements := make([]namedSQL, len(sqls))
	for i, sql := range sqls {
		statements[i] = namedSQL{t.To, sql}
	}
	return statements
}

// statements bring a table, which has its new name already, to its new definition
// but for indexes that are new. A copy is made under the name beside.
func (t *tablePatch) statements(beside string) []string {
	switch {
	case t.Kind == vdb.Deleted:
		return nil
	case t.plan == alter:
		return t.alterStatements()
	case t.plan == copied:
		return t.copyStatements(beside)
	case t.plan == anew && t.FromSchema != nil:
		return []string{"DROP TABLE " + quote(t.To), tableSQL(t.ToSchema)}
	case t.plan == anew:
		return []string{tableSQL(t.ToSchema)}
	}
	return nil
}

// newIndexes make the indexes that a table's new definition does not have yet.
func (t *tablePatch) newIndexes() []string {
	var sqls []string
	switch {
	case t.Kind == vdb.Deleted:
	case t.plan == alter:
		for _, part := range t.Schema.Indexes {
			if part.To == nil {
				continue
			}
			if sql := indexSQL(t.ToSchema, t.ToSchema.Index(part.To.Name)); sql != "" {
				sqls = append(sqls, sql)
			}
		}
	case t.plan == copied || t.plan == anew:
		for _, x := range indexes(t.ToSchema) {
			sqls = append(sqls, x.sql)
		}
	}
	return sqls
}

func (t *tablePatch) alterStatements() []string {
	var sqls []string
	for _, part := range t.Schema.Indexes {
		if part.From != nil && indexSQL(t.FromSchema, t.FromSchema.Index(part.From.Name)) != "" {
			sqls = append(sqls, "DROP INDEX "+quote(part.From.Name))
		}
	}
	table := "ALTER TABLE " + quote(t.To) + " "
	for _, part := range t.Schema.Columns {
		switch {
		case part.To == nil:
			sqls = append(sqls, table+"DROP COLUMN "+quote(part.From.Name))
		case part.From != nil && part.From.Name != part.To.Name:
			sqls = append(sqls, table+"RENAME COLUMN "+quote(part.From.Name)+" TO "+quote(part.To.Name))
		}
	}
	for _, part := range t.Schema.Columns {
		if part.From == nil {
			sqls = append(sqls, table+"ADD COLUMN "+columnSQL(part.To))
		}
	}
	return sqls
}

// copyStatements make the new table beside the old one, which other tables may
// refer to, and give it that one's name.
func (t *tablePatch) copyStatements(beside string) []string {
	was := map[string]string{}
	for _, c := range t.FromSchema.Columns {
		was[foldName(c.Name)] = c.Name
	}
	for _, part := range t.Schema.Columns {
		switch {
		case part.From == nil:
			delete(was, foldName(part.To.Name))
		case part.To != nil:
			was[foldName(part.To.Name)] = part.From.Name
		}
	}
	var to, from []string
	if rowid := rowidName(t.ToSchema); len(t.ToSchema.PrimaryKey) == 0 && rowid != "" && rowid == rowidName(t.FromSchema) {
		to, from = append(to, rowid), append(from, rowid)
	}
	for _, i := range writable(t.ToSchema) {
		name := t.ToSchema.Columns[i].Name
		if old, ok := was[foldName(name)]; ok {
			to, from = append(to, quote(name)), append(from, quote(old))
		}
	}
	sqls := []string{createAs(t.ToSchema, beside)}
	if len(to) > 0 {
		sqls = append(sqls, "INSERT INTO "+quote(beside)+"("+strings.Join(to, ", ")+") SELECT "+strings.Join(from, ", ")+" FROM "+quote(t.To))
	}
	return append(sqls, "DROP TABLE "+quote(t.To), "ALTER TABLE "+quote(beside)+" RENAME TO "+quote(t.To))
}

// rowidName is a name that the rowid goes by in a table, empty if columns have
// taken all of them.
func rowidName(s *vdb.Schema) string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if s.Column(name) < 0 {
			return name
		}
	}
	return ""
}

// writable lists the columns that are not generated.
func writable(s *vdb.Schema) []int {
	generated := map[string]bool{}
	if s.Evaluated {
		if parsed, err := sqltext.ParseCreateTable(s.SQL); err == nil {
			for i := range parsed.Columns {
				c := &parsed.Columns[i]
				generated[foldName(c.Name)] = c.Generated != ""
			}
		}
	}
	var columns []int
	for i, c := range s.Columns {
		if !generated[foldName(c.Name)] {
			columns = append(columns, i)
		}
	}
	return columns
}

// foldName makes names that SQLite takes for one equal.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}
