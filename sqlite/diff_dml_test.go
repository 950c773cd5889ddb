package sqlite

import (
	"fmt"
	"strings"
)

// next makes up a statement.
func (g *generator) next() step {
	if len(g.world.tables) == 0 {
		return g.createTable()
	}
	switch n := g.n(100); {
	case n < 34:
		return g.insert()
	case n < 46:
		return g.update()
	case n < 52:
		return g.remove()
	case n < 66:
		return g.selection()
	case n < 78:
		return g.transaction()
	case n < 82 && len(g.world.tables) < 7:
		return g.createTable()
	case n < 85:
		return g.createIndex()
	case n < 89:
		return g.alter()
	case n < 90:
		return g.createView()
	case n < 92 && len(g.world.triggers) < 3:
		return g.createTrigger()
	case n < 93 && len(g.world.tables) < 6:
		return g.createVirtual()
	case n < 96:
		return g.drop()
	case n < 97:
		return g.pragma()
	case n < 98:
		return reopen
	case n < 100 && g.one(2):
		return typed
	}
	return g.maintenance()
}

// term is a value in a statement: bound, or written.
func (g *generator) term(args *[]any) string {
	v := g.value()
	if g.one(4) {
		return writeLiteral(v)
	}
	*args = append(*args, v)
	return "?"
}

func (g *generator) insert() step {
	t := g.table()
	if t.kind != "table" {
		return g.insertVirtual(t)
	}
	verb := pick(g.source, []string{"INSERT", "INSERT", "INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE", "REPLACE", "INSERT OR FAIL", "INSERT OR ROLLBACK", "INSERT OR ABORT"})
	if g.one(12) {
		return both(fmt.Sprintf("INSERT INTO %s DEFAULT VALUES", t.qualified()))
	}
	if g.one(10) {
		return g.insertMany(t)
	}
	columns := t.columns
	if g.one(3) {
		columns = columns[:1+g.n(len(columns))]
	}
	var args []any
	var rows []string
	for range 1 + g.n(3) {
		var terms []string
		for range columns {
			terms = append(terms, g.term(&args))
		}
		rows = append(rows, "("+strings.Join(terms, ", ")+")")
	}
	s := both(fmt.Sprintf("%s INTO %s(%s) VALUES %s%s", verb, t.qualified(), strings.Join(columns, ", "), strings.Join(rows, ", "), g.upsert(t)))
	s.args = args
	return g.returning(s, t)
}

// insertMany inserts enough rows for trees to grow.
func (g *generator) insertMany(t *worldTable) step {
	var terms []string
	for range t.columns {
		terms = append(terms, pick(g.source, []string{"n", "n", "'k' || n", "n % 7", "printf('%0300d', n)", "n * 1.5", "zeroblob(n % 900)", "NULL", "n * n"}))
	}
	from := g.n(200)
	return both(fmt.Sprintf("WITH RECURSIVE s(n) AS (SELECT %d UNION ALL SELECT n + 1 FROM s WHERE n < %d) INSERT OR %s INTO %s(%s) SELECT %s FROM s",
		from, from+pick(g.source, []int{10, 100, 400, 900}), pick(g.source, []string{"IGNORE", "REPLACE", "ABORT"}), t.qualified(), strings.Join(t.columns, ", "), strings.Join(terms, ", ")))
}

func (g *generator) insertVirtual(t *worldTable) step {
	if t.kind == "fts5" && g.one(8) {
		return both(fmt.Sprintf("INSERT INTO %s(%s) VALUES('%s')", t.qualified(), t.name, pick(g.source, []string{"optimize", "rebuild", "integrity-check", "delete-all"})))
	}
	if t.kind == "fts5" {
		words := fmt.Sprintf("%s w%d w%d", g.text(), g.n(5), g.n(50))
		return both(fmt.Sprintf("INSERT INTO %s(%s, %s) VALUES(?, ?)", t.qualified(), t.all[0], t.all[1]), words, fmt.Sprintf("word w%d", g.n(9)))
	}
	low := g.n(100)
	return both(fmt.Sprintf("INSERT INTO %s VALUES(%d, %d, %d)", t.qualified(), g.n(300), low, low+g.n(9)-1))
}

func (g *generator) upsert(t *worldTable) string {
	if !g.one(6) {
		return ""
	}
	target := ""
	if len(t.key) > 0 && !g.one(4) {
		target = "(" + strings.Join(t.key, ", ") + ")"
	} else if g.one(3) {
		target = "(" + pick(g.source, t.all) + ")"
	}
	if g.one(3) || target == "" {
		return " ON CONFLICT" + target + " DO NOTHING"
	}
	c, d := pick(g.source, t.columns), pick(g.source, t.columns)
	return fmt.Sprintf(" ON CONFLICT%s DO UPDATE SET %s = excluded.%s", target, c, d) + g.maybe(4, fmt.Sprintf(" WHERE %s IS NOT NULL", d))
}

// returning has a statement return rows, sometimes.
func (g *generator) returning(s step, t *worldTable) step {
	if g.one(5) && t.kind == "table" {
		s.query = true
		text := " RETURNING *" + g.maybe(2, ", "+g.expression(t.all))
		s.ours += text
		s.plain += text
	}
	return s
}

// where chooses rows.
func (g *generator) where(t *worldTable, args *[]any) string {
	switch {
	case t.kind == "fts5" && g.one(2):
		return fmt.Sprintf("%s MATCH 'w%d'", t.name, g.n(9))
	case t.kind == "table" && len(t.key) > 0 && g.one(3):
		return fmt.Sprintf("%s = %s", t.key[0], g.term(args))
	case t.rowid && t.kind == "table" && g.one(4):
		return fmt.Sprintf("rowid BETWEEN %d AND %d", g.n(30), g.n(60))
	case g.one(3):
		return fmt.Sprintf("%s %s %s", pick(g.source, t.all), pick(g.source, []string{"=", "<", ">=", "IS", "<>"}), g.term(args))
	}
	return g.condition(t)
}

func (g *generator) update() step {
	t := g.table()
	var args []any
	var sets []string
	for range 1 + g.n(2) {
		c := pick(g.source, t.columns)
		switch {
		case t.kind == "rtree":
			sets = append(sets, fmt.Sprintf("%s = %d", c, g.n(200)))
		case g.one(3):
			sets = append(sets, fmt.Sprintf("%s = %s", c, pick(g.source, []string{c + " + 1", c + " || 'x'", pick(g.source, t.all), "-" + c})))
		default:
			sets = append(sets, fmt.Sprintf("%s = %s", c, g.term(&args)))
		}
	}
	if t.kind == "table" && t.rowid && g.one(12) {
		sets = append(sets, "rowid = rowid + "+fmt.Sprint(g.n(60)))
	}
	verb := pick(g.source, []string{"UPDATE", "UPDATE", "UPDATE OR IGNORE", "UPDATE OR REPLACE", "UPDATE OR FAIL"})
	s := both(fmt.Sprintf("%s %s SET %s WHERE %s", verb, t.qualified(), strings.Join(sets, ", "), g.where(t, &args)))
	s.args = args
	return g.returning(s, t)
}

func (g *generator) remove() step {
	t := g.table()
	var args []any
	s := both("DELETE FROM " + t.qualified())
	if !g.one(12) {
		s = both(s.ours + " WHERE " + g.where(t, &args))
	}
	s.args = args
	return g.returning(s, t)
}

func (g *generator) selection() step {
	t := g.table()
	var args []any
	var s step
	where := g.where(t, &args)
	switch g.n(6) {
	case 0:
		u := g.base()
		if u == nil {
			u = t
		}
		s = both(fmt.Sprintf("SELECT count(*), count(a.%s), min(b.%s), total(length(b.%s)) FROM (SELECT * FROM %s WHERE %s LIMIT 50) AS a, %s AS b WHERE a.%s = b.%s",
			pick(g.source, t.all), pick(g.source, u.all), pick(g.source, u.all), t.qualified(), where, u.qualified(), pick(g.source, t.all), pick(g.source, u.all)))
		s = both(strings.Replace(s.ours, "LIMIT 50", "", 1))
	case 1:
		c := pick(g.source, t.all)
		s = both(fmt.Sprintf("SELECT %s, count(*), max(length(%s)) FROM %s GROUP BY 1 ORDER BY 1, 2, 3", c, pick(g.source, t.all), t.qualified()))
		args, s.ordered = nil, true
	case 2:
		c := pick(g.source, t.all)
		s = both(fmt.Sprintf("SELECT typeof(%s), quote(%s) FROM %s WHERE %s ORDER BY %s DESC, 2", c, c, t.qualified(), where, c))
		s.ordered = true
	case 3:
		if len(g.world.views) > 0 {
			s, args = both("SELECT * FROM "+pick(g.source, g.world.views)), nil
			break
		}
		s, args = both("SELECT changes(), total_changes(), last_insert_rowid()"), nil
	case 4:
		if len(t.key) > 0 && t.kind == "table" {
			s, args = both(fmt.Sprintf("SELECT * FROM %s ORDER BY %s LIMIT 20", t.qualified(), strings.Join(t.key, ", "))), nil
			s.ordered = true
			break
		}
		fallthrough
	default:
		s = both(fmt.Sprintf("SELECT * FROM %s WHERE %s", t.qualified(), where))
	}
	s.args, s.query = args, true
	return s
}

func (g *generator) transaction() step {
	point := fmt.Sprintf("s%d", g.n(3))
	s := both(pick(g.source, []string{"BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "COMMIT", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT " + point, "SAVEPOINT " + point, "ROLLBACK TO " + point, "RELEASE " + point, "RELEASE " + point}))
	return s
}

func (g *generator) pragma() step {
	name := pick(g.source, []string{"user_version", "application_id", "foreign_keys", "foreign_keys", "recursive_triggers", "cache_size", "defer_foreign_keys"})
	value := map[string]int{"user_version": 1000, "application_id": 1000, "cache_size": 40}[name]
	s := both("PRAGMA " + name)
	if g.one(3) {
		s.query = true
		return s
	}
	number := g.n(max(2, value))
	if name == "cache_size" {
		number++ // whoever reads the schema again takes 0 for the default
	}
	return both(fmt.Sprintf("PRAGMA %s = %d", name, number))
}

func (g *generator) maintenance() step {
	switch g.n(8) {
	case 0:
		return both("REINDEX")
	case 1:
		return both("VACUUM")
	case 2: // of one table: in which order SQLite takes them all, its hash table says
		return both(fmt.Sprintf("PRAGMA foreign_key_check(%s)", g.table().name))
	case 3:
		if g.world.attached {
			return both("DETACH aux1")
		}
		return pick(g.source, []step{
			both("ATTACH ':memory:' AS aux1"),
			{ours: "ATTACH 'DIR/other-ours.db' AS aux1", plain: "ATTACH 'DIR/other-plain.db' AS aux1"},
		})
	case 4:
		return ddl("CREATE TABLE %s AS SELECT * FROM %s", g.name("t"), g.table().qualified())
	}
	return both("ANALYZE")
}
