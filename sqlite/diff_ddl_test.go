package sqlite

import (
	"fmt"
	"strings"
)

// step is a statement for both databases.
type step struct {
	ours, plain string
	args        []any
	query       bool // it has rows
	ordered     bool // in an order that the statement says
}

func both(text string, args ...any) step { return step{ours: text, plain: text, args: args} }

func ddl(format string, args ...any) step { return both(fmt.Sprintf(format, args...)) }

// Steps that are no statements: to close the databases and open them, and to write
// a table by the typed API.
var (
	reopen = both("-- close and open")
	typed  = both("-- the typed API writes")
)

// generator makes statements for the world as it is.
type generator struct {
	*source
	world world
	last  int // of the names given
}

// name returns a new name. Names go up: SQLite goes through the indexes and
// triggers of a table in the order in which they are listed.
func (g *generator) name(kind string) string {
	g.last++
	return fmt.Sprintf("%s%04d", kind, g.last)
}

func (g *generator) table() *worldTable {
	if len(g.world.tables) == 0 {
		return nil
	}
	return &g.world.tables[g.n(len(g.world.tables))]
}

// base chooses a table that is not virtual.
func (g *generator) base() *worldTable {
	for range 4 {
		if t := g.table(); t == nil || t.kind == "table" {
			return t
		}
	}
	return nil
}

var columnTypes = []string{"", "INTEGER", "INT", "TEXT", "REAL", "BLOB", "NUMERIC", "VARCHAR(10)", "DOUBLE PRECISION", "BOOLEAN"}
var strictTypes = []string{"INTEGER", "INT", "TEXT", "REAL", "BLOB", "ANY"}

// tableForm is a CREATE TABLE being made up.
type tableForm struct {
	*generator
	strict  bool
	names   []string
	items   []string
	keyed   bool // it has a primary key
	alias   bool // which is the rowid
	without bool
}

func (g *generator) createTable() step {
	name := g.name("t")
	f := &tableForm{generator: g, strict: g.one(6), without: g.one(5)}
	for range 1 + g.n(5) {
		f.column()
	}
	if !f.keyed && g.one(3) {
		f.tableKey()
	}
	if g.one(6) {
		f.items = append(f.items, fmt.Sprintf("UNIQUE(%s)", f.keyColumns()))
	}
	if g.one(8) {
		f.items = append(f.items, fmt.Sprintf("CHECK(%s IS NULL OR typeof(%s) <> 'blob')", f.names[0], f.names[0]))
	}
	if g.one(6) {
		f.items = append(f.items, fmt.Sprintf("FOREIGN KEY(%s) ", pick(g.source, f.names))+f.reference(name))
	}
	return f.finish(name)
}

func (f *tableForm) finish(name string) step {
	var options []string
	if f.strict {
		options = append(options, "STRICT")
	}
	if f.without && f.keyed {
		options = append(options, "WITHOUT ROWID")
	}
	temp := ""
	if f.one(12) {
		temp = "TEMP "
	} else if f.world.attached && f.one(3) {
		name = "aux1." + name
	}
	text := fmt.Sprintf("CREATE %sTABLE %s%s(%s) %s", temp, f.maybe(5, "IF NOT EXISTS "), name, strings.Join(f.items, ", "), strings.Join(options, ", "))
	s := ddl("%s", strings.TrimSuffix(text, " "))
	if f.keyed && !f.alias && !f.without && temp == "" && !strings.HasPrefix(name, "aux1.") {
		if s.plain += ", WITHOUT ROWID"; !f.strict {
			s.plain = strings.TrimSuffix(s.plain, ", WITHOUT ROWID") + " WITHOUT ROWID"
		}
	}
	return s
}

func (f *tableForm) column() {
	name := f.name("c")
	kinds := columnTypes
	if f.strict {
		kinds = strictTypes
	}
	kind := pick(f.source, kinds)
	f.names = append(f.names, name)
	text := strings.TrimSpace(name + " " + kind)
	if len(f.names) == 1 && !f.keyed && !f.one(3) {
		f.items = append(f.items, f.columnKey(name, kind))
		return
	}
	if len(f.names) > 1 && f.one(7) {
		f.items = append(f.items, fmt.Sprintf("%s AS (%s)%s", text, f.expression(f.names[:len(f.names)-1]), pick(f.source, []string{"", " STORED", " VIRTUAL"})))
		return
	}
	f.items = append(f.items, text+f.constraints(name))
}

// columnKey makes a column the primary key.
func (f *tableForm) columnKey(name, kind string) string {
	f.keyed = true
	if f.one(2) {
		f.alias = true
		if f.without {
			return name + " INTEGER PRIMARY KEY"
		}
		return name + " " + pick(f.source, []string{"INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER PRIMARY KEY ON CONFLICT REPLACE", "integer primary key asc"})
	}
	if kind == "INTEGER" {
		kind = "TEXT"
	}
	return strings.TrimSpace(name+" "+kind) + f.maybe(3, " COLLATE NOCASE") + pick(f.source, []string{" PRIMARY KEY", " PRIMARY KEY", " NOT NULL PRIMARY KEY", " PRIMARY KEY DESC", " PRIMARY KEY ON CONFLICT IGNORE"})
}

func (f *tableForm) tableKey() {
	columns := f.keyColumns()
	for _, item := range f.items {
		for _, c := range strings.Split(columns, ",") {
			name := strings.Fields(c)[0]
			if strings.HasPrefix(item, name+" ") && (strings.Contains(item, " AS (") || !strings.Contains(columns, ",") && strings.HasPrefix(item, name+" INTEGER")) {
				return
			}
		}
	}
	f.keyed = true
	f.items = append(f.items, fmt.Sprintf("PRIMARY KEY(%s)", columns))
}

// keyColumns lists one or more columns for a key.
func (f *tableForm) keyColumns() string {
	var columns []string
	seen := map[string]bool{}
	for range 1 + f.n(3) {
		name := pick(f.source, f.names)
		if !seen[name] {
			seen[name] = true
			columns = append(columns, name+f.maybe(4, " COLLATE NOCASE")+f.maybe(4, " DESC"))
		}
	}
	return strings.Join(columns, ", ")
}

var defaults = []string{"5", "-3", "1.5", "'txt'", "NULL", "X'00ff'", "TRUE", "(abs(-5))", "('a' || 'b')", "'7'", "+4", "2.0", "4611686018427387905"}

func (f *tableForm) constraints(name string) string {
	text := f.maybe(6, " NOT NULL") + f.maybe(9, " UNIQUE")
	if f.one(4) {
		text += " DEFAULT " + pick(f.source, defaults)
	}
	if f.one(5) {
		text += " COLLATE " + pick(f.source, []string{"NOCASE", "RTRIM", "BINARY"})
	}
	if f.one(9) {
		text += fmt.Sprintf(" CHECK(%s <> 13)", name)
	}
	if f.one(9) {
		text += " " + f.reference("")
	}
	return text
}

// reference declares a foreign key to some table.
func (g *generator) reference(self string) string {
	to := self
	if t := g.base(); to == "" || t != nil && g.one(2) {
		if t == nil {
			return ""
		}
		to = t.name
	}
	if to == "" {
		return ""
	}
	actions := []string{"", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE", " ON DELETE SET DEFAULT ON UPDATE SET NULL", " ON DELETE RESTRICT", " DEFERRABLE INITIALLY DEFERRED"}
	return "REFERENCES " + to + pick(g.source, actions)
}

// expression makes up something deterministic of columns.
func (g *generator) expression(columns []string) string {
	c, d := pick(g.source, columns), pick(g.source, columns)
	return pick(g.source, []string{
		fmt.Sprintf("%s || '-' || %s", c, d), fmt.Sprintf("length(%s)", c), fmt.Sprintf("upper(substr(%s, 1, 3))", c),
		fmt.Sprintf("typeof(%s)", c), fmt.Sprintf("coalesce(%s, %s)", c, d), fmt.Sprintf("%s IS NULL", c), fmt.Sprintf("abs(length(%s)) + 1", d),
	})
}

func (g *generator) createIndex() step {
	t := g.base()
	if t == nil {
		return g.createTable()
	}
	var terms []string
	for range 1 + g.n(3) {
		term := pick(g.source, t.all)
		if g.one(5) {
			term = "(" + g.expression(t.all) + ")"
		}
		terms = append(terms, term+g.maybe(5, " COLLATE NOCASE")+g.maybe(4, " DESC"))
	}
	where := ""
	if g.one(5) {
		where = " WHERE " + g.condition(t)
	}
	index := g.name("i")
	if t.schema != "main" {
		index = t.schema + "." + index
	}
	return ddl("CREATE %sINDEX %s%s ON %s(%s)%s", g.maybe(5, "UNIQUE "), g.maybe(6, "IF NOT EXISTS "), index, t.name, strings.Join(terms, ", "), where)
}

// condition is one that an index may have, too.
func (g *generator) condition(t *worldTable) string {
	c := pick(g.source, t.all)
	return pick(g.source, []string{
		fmt.Sprintf("%s IS NOT NULL", c), fmt.Sprintf("%s > %d", c, g.n(40)), fmt.Sprintf("%s < 'k2'", c),
		fmt.Sprintf("%s = %d", c, g.n(40)), fmt.Sprintf("length(%s) < 50", c), fmt.Sprintf("%s IN (1, 2, 3, 'k1', 'k2')", c),
		fmt.Sprintf("%s BETWEEN %d AND %d", c, g.n(20), 20+g.n(20)),
	})
}

func (g *generator) alter() step {
	t := g.table()
	if t == nil {
		return g.createTable()
	}
	switch g.n(5) {
	case 0:
		return ddl("ALTER TABLE %s RENAME TO %s", t.qualified(), g.name("t"))
	case 1:
		return ddl("ALTER TABLE %s RENAME COLUMN %s TO %s", t.qualified(), pick(g.source, t.all), g.name("c"))
	case 2:
		return ddl("ALTER TABLE %s DROP COLUMN %s", t.qualified(), pick(g.source, t.all))
	}
	f := &tableForm{generator: g}
	name := g.name("c")
	kind := pick(g.source, columnTypes)
	if strings.Contains(t.sql, "STRICT") {
		kind = pick(g.source, strictTypes)
	}
	if g.one(6) {
		return ddl("ALTER TABLE %s ADD COLUMN %s %s AS (%s)", t.qualified(), name, kind, g.expression(t.all))
	}
	return ddl("ALTER TABLE %s ADD COLUMN %s %s%s", t.qualified(), name, kind, f.constraints(name))
}

func (g *generator) createView() step {
	t := g.table()
	if t == nil {
		return g.createTable()
	}
	return ddl("CREATE %sVIEW %s AS SELECT * FROM %s WHERE %s", g.maybe(8, "TEMP "), g.name("v"), t.qualified(), g.condition(t))
}

func (g *generator) createTrigger() step {
	t, other := g.base(), g.base()
	if t == nil || other == nil {
		return g.createTable()
	}
	event := pick(g.source, []string{"INSERT", "DELETE", "UPDATE", "UPDATE OF " + pick(g.source, t.all)})
	row := "new"
	if event == "DELETE" {
		row = "old"
	}
	var body string
	switch g.n(4) {
	case 0:
		body = fmt.Sprintf("UPDATE %s SET %s = %d WHERE %s", other.name, pick(g.source, other.columns), g.n(40), g.condition(other))
	case 1:
		body = fmt.Sprintf("DELETE FROM %s WHERE %s = %s.%s", other.name, pick(g.source, other.all), row, pick(g.source, t.all))
	case 2:
		body = fmt.Sprintf("SELECT RAISE(%s, 'no') WHERE %s.%s = %d", pick(g.source, []string{"ABORT", "IGNORE", "FAIL", "ROLLBACK"}), row, pick(g.source, t.all), g.n(40))
	default:
		body = fmt.Sprintf("INSERT OR IGNORE INTO %s(%s) VALUES(%s.%s)", other.name, pick(g.source, other.columns), row, pick(g.source, t.all))
	}
	return ddl("CREATE TRIGGER %s %s %s ON %s BEGIN %s; END", g.name("r"), pick(g.source, []string{"BEFORE", "AFTER"}), event, t.name, body)
}

func (g *generator) drop() step {
	switch {
	case g.one(3) && len(g.world.indexes) > 0:
		return ddl("DROP INDEX %s", pick(g.source, g.world.indexes))
	case g.one(2) && len(g.world.triggers) > 0:
		return ddl("DROP TRIGGER %s", pick(g.source, g.world.triggers))
	case g.one(2) && len(g.world.views) > 0:
		return ddl("DROP VIEW %s", pick(g.source, g.world.views))
	}
	t := g.table()
	if t == nil || len(g.world.tables) < 3 && !g.one(3) {
		return g.createTable()
	}
	return ddl("DROP TABLE %s", t.qualified())
}

// createVirtual makes a table of a module, one of each.
func (g *generator) createVirtual() step {
	if g.one(2) {
		return ddl("CREATE VIRTUAL TABLE %s USING fts5(%s, %s%s)", g.name("f"), g.name("c"), g.name("c"), g.maybe(3, ", prefix='2'"))
	}
	return ddl("CREATE VIRTUAL TABLE %s USING rtree(%s, %s, %s)", g.name("g"), g.name("c"), g.name("c"), g.name("c"))
}
