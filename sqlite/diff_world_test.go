package sqlite

import (
	"database/sql"
	"slices"
	"strings"
)

// world is what the generator knows of the database: it is read from SQLite after
// all that may have changed it.
type world struct {
	tables   []worldTable
	views    []string
	indexes  []string
	triggers []string
	attached bool // there is a database aux1
}

type worldTable struct {
	schema, name string
	kind         string // table, fts5 or rtree
	rowid        bool
	columns      []string // that can be written
	all          []string // generated ones too
	key          []string
	sql          string
}

// qualified returns the table's name in a statement.
func (t *worldTable) qualified() string {
	if t.schema == "main" {
		return t.name
	}
	return t.schema + "." + t.name
}

// readWorld reads the names of a database.
func (s *side) readWorld() (w world, err error) {
	schemas, err := s.strings("SELECT name FROM pragma_database_list ORDER BY seq")
	if err != nil {
		return w, err
	}
	w.attached = slices.Contains(schemas, "aux1")
	for _, schema := range schemas {
		if err := s.readSchema(&w, schema); err != nil {
			return w, err
		}
	}
	return w, nil
}

func (s *side) readSchema(w *world, schema string) error {
	table := schema + ".sqlite_schema"
	rows, err := s.conn.QueryContext(s.ctx, "SELECT type, name, ifnull(sql, '') FROM "+table+" WHERE name NOT LIKE 'sqlite_%' AND name <> '"+sideTable+"' ORDER BY name, type")
	if err != nil {
		return err
	}
	objects, err := scanTexts(rows)
	if err != nil {
		return err
	}
	var virtual []string
	for _, o := range objects {
		if o[0] == "table" && strings.HasPrefix(o[2], "CREATE VIRTUAL") {
			virtual = append(virtual, o[1]+"_")
		}
	}
	for _, o := range objects {
		shadow := slices.ContainsFunc(virtual, func(v string) bool { return strings.HasPrefix(o[1], v) })
		switch {
		case shadow:
		case o[0] == "view":
			w.views = append(w.views, o[1])
		case o[0] == "index":
			w.indexes = append(w.indexes, o[1])
		case o[0] == "trigger":
			w.triggers = append(w.triggers, o[1])
		default:
			t := worldTable{schema: schema, name: o[1], kind: "table", sql: o[2]}
			if err := s.readTable(&t); err != nil {
				return err
			}
			w.tables = append(w.tables, t)
		}
	}
	return nil
}

func (s *side) readTable(t *worldTable) error {
	switch {
	case strings.Contains(t.sql, "USING fts5"):
		t.kind = "fts5"
	case strings.Contains(t.sql, "USING rtree"):
		t.kind = "rtree"
	}
	rows, err := s.conn.QueryContext(s.ctx, "SELECT name, hidden, pk FROM pragma_table_xinfo(?, ?)", t.name, t.schema)
	if err != nil {
		return err
	}
	columns, err := scanTexts(rows)
	for _, c := range columns {
		if c[1] == "1" {
			continue
		}
		t.all = append(t.all, c[0])
		if c[1] == "0" {
			t.columns = append(t.columns, c[0])
		}
		if c[2] != "0" {
			t.key = append(t.key, c[0])
		}
	}
	t.rowid = !strings.Contains(t.sql, "WITHOUT ROWID")
	return err
}

// strings returns a query's first column.
func (s *side) strings(query string, args ...any) ([]string, error) {
	rows, err := s.conn.QueryContext(s.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	texts, err := scanTexts(rows)
	var first []string
	for _, t := range texts {
		first = append(first, t[0])
	}
	return first, err
}

// scanTexts reads rows as text.
func scanTexts(rows *sql.Rows) ([][]string, error) {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]string
	for rows.Next() {
		texts, pointers := make([]string, len(columns)), make([]any, len(columns))
		for i := range texts {
			pointers[i] = &texts[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			return nil, err
		}
		all = append(all, texts)
	}
	return all, rows.Err()
}
